"""The words: phrases for every attribute value, English and Chinese, and what readers of free text need beside them.

`ENGLISH` and `CHINESE` hold, for each attribute and value, the phrases that captions are written with, by the place in
a sentence that they fit; the first phrase of the first place is the canonical wording. `{c}` stands for a colour word
or for nothing. Reading knows all of these, and what `synonyms.toml` adds: words that people type but captions do not
use.

English places: `adj` before the noun; `dressed` directly behind it; `with` a noun phrase after "with"; `wear` one after
"wearing"; `after` further behind; `tag` in a list of tags (where absent, one of the others without its article);
`prefix` (styles) before "of ...".
Chinese places: `pre` directly before the noun; `np` a noun phrase, put behind each of `verb`; `vp` a whole verb phrase;
`clause` only behind the noun; `tag` in a list; `prefix` (styles) the name of the picture.
"""


def entry(**places: str) -> dict[str, tuple[str, ...]]:
    return {place: tuple(text.split("|")) for place, text in places.items()}


ENGLISH_NOUNS = {  # (age or None, gender or None): nouns
    (None, None): ("person",),
    (None, "woman"): ("woman", "lady"),
    (None, "man"): ("man", "gentleman"),
    ("child", None): ("child", "kid"),
    ("child", "woman"): ("girl", "little girl"),
    ("child", "man"): ("boy", "little boy"),
    ("young", None): ("young person", "youth"),
    ("young", "woman"): ("young woman", "young lady"),
    ("young", "man"): ("young man", "young guy"),
    ("middle_aged", None): ("middle-aged person",),
    ("middle_aged", "woman"): ("middle-aged woman", "middle-aged lady"),
    ("middle_aged", "man"): ("middle-aged man", "middle-aged gentleman"),
    ("elderly", None): ("elderly person", "old person"),
    ("elderly", "woman"): ("elderly woman", "old woman", "old lady", "grandmother"),
    ("elderly", "man"): ("elderly man", "old man", "elderly gentleman", "grandfather"),
}

CHINESE_NOUNS = {  # each with its measure word in front
    (None, None): ("个人",),
    (None, "woman"): ("位女士", "位女性", "个女人", "名女子"),
    (None, "man"): ("位男士", "位男性", "个男人", "名男子"),
    ("child", None): ("个孩子", "个小孩", "名儿童"),
    ("child", "woman"): ("个小女孩", "个女孩", "名女童"),
    ("child", "man"): ("个小男孩", "个男孩", "名男童"),
    ("young", None): ("位年轻人", "个年轻人"),
    ("young", "woman"): ("位年轻女士", "位年轻女性", "名年轻女子", "个年轻女人"),
    ("young", "man"): ("位年轻男士", "位年轻男性", "名年轻男子", "个小伙子"),
    ("middle_aged", None): ("位中年人", "个中年人"),
    ("middle_aged", "woman"): ("位中年女士", "位中年女性", "名中年女子", "名中年妇女"),
    ("middle_aged", "man"): ("位中年男士", "位中年男性", "名中年男子", "个中年男人"),
    ("elderly", None): ("位老人", "位老年人", "位长者"),
    ("elderly", "woman"): ("位老奶奶", "位老太太", "位老年女士", "位老妇人"),
    ("elderly", "man"): ("位老爷爷", "位老先生", "位老年男士", "位老年男性"),
}

ENGLISH_COLOURS = {
    "hair_color": {
        "black": ("black", "raven"),
        "brown": ("brown", "chestnut"),
        "blonde": ("blonde", "golden"),
        "red": ("red", "ginger"),
        "grey": ("grey", "silver"),
        "blue": ("blue",),
        "pink": ("pink",),
    },
    "eye_color": {"brown": ("brown",), "blue": ("blue",), "green": ("green",), "grey": ("grey",)},
    "clothing_color": {
        "red": ("red", "crimson"),
        "yellow": ("yellow",),
        "green": ("green",),
        "blue": ("blue",),
        "purple": ("purple", "violet"),
        "black": ("black",),
        "white": ("white",),
    },
}

CHINESE_COLOURS = {
    "hair_color": {
        "black": ("黑色", "乌黑的"),
        "brown": ("棕色", "褐色"),
        "blonde": ("金色", "浅金色"),
        "red": ("红色", "火红色"),
        "grey": ("灰色", "灰白色"),
        "blue": ("蓝色",),
        "pink": ("粉色", "粉红色"),
    },
    "eye_color": {"brown": ("棕色", "褐色"), "blue": ("蓝色",), "green": ("绿色",), "grey": ("灰色",)},
    "clothing_color": {
        "red": ("红色", "大红色"),
        "yellow": ("黄色",),
        "green": ("绿色",),
        "blue": ("蓝色",),
        "purple": ("紫色",),
        "black": ("黑色",),
        "white": ("白色",),
    },
}

ENGLISH = {
    "style": {
        "flat": entry(
            after="flat illustration|flat style|flat design|flat vector art|flat colours",
            prefix="flat illustration|flat vector portrait|flat-style portrait",
        ),
        "soft": entry(
            after="soft shading|softly shaded|soft-shaded illustration|smooth shading",
            prefix="softly shaded portrait|soft-shaded illustration|soft-shaded portrait",
        ),
        "watercolour": entry(
            after="watercolour|watercolour painting|watercolour style|painted in watercolour",
            prefix="watercolour portrait|watercolour painting|watercolour",
        ),
        "oil": entry(
            after="oil painting|painted in oils|oil on canvas|oil painting style",
            prefix="oil painting|oil portrait|classical oil painting",
        ),
        "pencil": entry(
            after="pencil sketch|pencil drawing|drawn in pencil|graphite pencil",
            prefix="pencil sketch|pencil drawing|pencil portrait",
        ),
        "ink": entry(
            after="Chinese ink wash painting|ink wash|ink wash painting|Chinese ink painting|Chinese ink style",
            prefix="Chinese ink wash painting|ink wash portrait|Chinese ink painting",
        ),
        "anime": entry(
            after="anime|anime style|anime drawing|drawn in anime style|anime art",
            prefix="anime portrait|anime illustration|anime drawing",
        ),
        "pixel": entry(
            after="pixel art|pixel art style|8-bit pixel art|drawn in pixels",
            prefix="pixel art portrait|8-bit pixel portrait|pixel art picture",
        ),
    },
    "age": {
        "child": entry(tag="child|kid"),
        "young": entry(tag="young"),
        "middle_aged": entry(tag="middle-aged|middle age"),
        "elderly": entry(tag="elderly|old"),
    },
    "gender": {"woman": entry(tag="woman|female"), "man": entry(tag="man|male")},
    "skin_tone": {
        "pale": entry(**{"with": "pale skin|fair skin|light skin", "adj": "pale|fair-skinned|pale-skinned"}),
        "tan": entry(**{"with": "tan skin|tanned skin|olive skin", "adj": "tanned|olive-skinned"}),
        "brown": entry(**{"with": "brown skin|a brown complexion", "adj": "brown-skinned"}),
        "dark": entry(**{"with": "dark skin|a dark complexion", "adj": "dark-skinned"}),
    },
    "face_shape": {
        "round": entry(**{"with": "a round face", "adj": "round-faced"}),
        "oval": entry(**{"with": "an oval face"}),
        "square": entry(**{"with": "a square face|a square jaw", "adj": "square-jawed"}),
        "heart": entry(**{"with": "a heart-shaped face"}),
    },
    "hair_style": {
        "bald": entry(**{"adj": "bald", "with": "a bald head", "tag": "bald|bald head"}),
        "buzz": entry(**{"with": "a {c} buzz cut|closely cropped {c} hair|buzzed {c} hair"}),
        "short": entry(**{"with": "short {c} hair|{c} hair cut short", "adj": "short-haired"}),
        "spiky": entry(**{"with": "spiky {c} hair|{c} hair in spikes", "adj": "spiky-haired"}),
        "bob": entry(**{"with": "a {c} bob|{c} hair in a bob|bobbed {c} hair|a {c} bob cut"}),
        "long": entry(**{"with": "long {c} hair|long flowing {c} hair|long straight {c} hair", "adj": "long-haired"}),
        "curly": entry(**{"with": "curly {c} hair|{c} curls", "adj": "curly-haired"}),
        "bun": entry(**{"with": "{c} hair in a bun|{c} hair tied up in a bun|a {c} hair bun"}),
        "ponytail": entry(**{"with": "a {c} ponytail|{c} hair in a ponytail|{c} hair tied back in a ponytail"}),
        "braids": entry(**{"with": "{c} braids|braided {c} hair|{c} hair in braids"}),
    },
    "hair_color": entry(**{"with": "{c} hair", "adj": "{c}-haired"}),
    "eye_color": entry(**{"with": "{c} eyes", "adj": "{c}-eyed"}),
    "clothing_color": entry(
        wear="{c} clothes|{c} clothing", dressed="dressed in {c}|in {c} clothes|in {c}", tag="{c} clothes"
    ),
    "expression": {
        "neutral": entry(**{"with": "a neutral expression|a calm expression|a calm look", "adj": "calm|calm-looking"}),
        "smiling": entry(
            **{"adj": "smiling", "with": "a smile|a warm smile|a friendly smile", "after": "smiling|smiling gently"}
        ),
        "laughing": entry(**{"adj": "laughing", "after": "laughing|laughing out loud", "with": "a hearty laugh"}),
        "sad": entry(
            **{
                "adj": "sad|unhappy|sad-looking",
                "with": "a sad expression|a sad look",
                "after": "looking sad",
            }
        ),
        "angry": entry(
            **{
                "adj": "angry|furious|angry-looking",
                "with": "an angry expression|an angry look|an angry frown",
                "after": "looking angry",
            }
        ),
        "surprised": entry(
            **{
                "adj": "surprised|astonished",
                "with": "a surprised expression|a surprised look|a look of surprise",
                "after": "looking surprised",
            }
        ),
    },
    "glasses": {
        "none": entry(**{"after": "without glasses|not wearing glasses", "with": "no glasses", "tag": "no glasses"}),
        "round": entry(
            **{
                "with": "round glasses|round-rimmed glasses|round spectacles",
                "wear": "round glasses|round-rimmed glasses|round spectacles",
            }
        ),
        "square": entry(
            **{
                "with": "square glasses|square-rimmed glasses|rectangular glasses",
                "wear": "square glasses|square-rimmed glasses|rectangular glasses",
            }
        ),
        "sunglasses": entry(**{"with": "sunglasses|dark glasses", "wear": "sunglasses|dark sunglasses|shades"}),
    },
    "facial_hair": {
        "none": entry(**{"adj": "clean-shaven", "with": "no beard|no facial hair", "after": "without a beard"}),
        "moustache": entry(**{"with": "a moustache|a thick moustache", "adj": "moustached"}),
        "goatee": entry(**{"with": "a goatee|a small goatee|a chin beard"}),
        "beard": entry(**{"with": "a beard|a full beard|a bushy beard", "adj": "bearded"}),
    },
    "headwear": {
        "none": entry(**{"after": "without a hat|not wearing a hat|bare-headed", "with": "no hat", "tag": "no hat"}),
        "cap": entry(wear="a cap|a baseball cap"),
        "beanie": entry(wear="a beanie|a knitted hat|a woolly hat"),
        "wide_brim_hat": entry(wear="a wide-brimmed hat|a broad-brimmed hat|a sun hat"),
        "beret": entry(wear="a beret|a French beret"),
        "crown": entry(wear="a crown|a golden crown|a royal crown"),
    },
    "earrings": {
        "none": entry(
            **{"after": "without earrings|not wearing earrings", "with": "no earrings", "tag": "no earrings"}
        ),
        "studs": entry(**{"wear": "stud earrings|ear studs|small stud earrings", "with": "stud earrings|ear studs"}),
        "hoops": entry(**{"wear": "hoop earrings|large hoop earrings|big hoops", "with": "hoop earrings"}),
    },
    "clothing": {
        "t_shirt": entry(wear="a {c} T-shirt|a {c} tee", dressed="in a {c} T-shirt"),
        "shirt": entry(wear="a {c} shirt|a {c} collared shirt|a {c} button-up shirt", dressed="in a {c} shirt"),
        "suit": entry(wear="a {c} suit|a smart {c} suit", dressed="in a {c} suit|dressed in a {c} suit"),
        "hoodie": entry(wear="a {c} hoodie|a {c} hooded sweatshirt", dressed="in a {c} hoodie"),
        "turtleneck": entry(
            wear="a {c} turtleneck|a {c} turtleneck sweater|a {c} polo neck", dressed="in a {c} turtleneck"
        ),
        "dress": entry(wear="a {c} dress", dressed="in a {c} dress"),
        "hanfu": entry(
            wear="a {c} hanfu|{c} hanfu robes|a traditional {c} hanfu", dressed="in a {c} hanfu|dressed in {c} hanfu"
        ),
    },
    "pose": {
        "left": entry(after="looking to the left|facing left|turned to the left|looking left", tag="facing left"),
        "front": entry(
            after="facing the viewer|looking straight ahead|facing forward|seen from the front",
            tag="front view|facing forward",
        ),
        "right": entry(after="looking to the right|facing right|turned to the right|looking right", tag="facing right"),
    },
    "lighting": {
        "even": entry(after="in even light|evenly lit|in soft light", tag="even light|soft light|even lighting"),
        "left": entry(
            after="lit from the left|in light from the left|with light falling from the left",
            tag="light from the left|lit from the left",
        ),
        "right": entry(
            after="lit from the right|in light from the right|with light falling from the right",
            tag="light from the right|lit from the right",
        ),
    },
    "background": {
        "plain": entry(
            after="against a plain background|on a plain background|in front of a plain wall",
            tag="plain background|simple background",
        ),
        "gradient": entry(after="against a gradient background|on a gradient background", tag="gradient background"),
        "city": entry(
            after="in front of a city skyline|in the city|with a city in the background",
            tag="city background|city skyline",
        ),
        "forest": entry(
            after="in a forest|in the woods|among trees|with a forest in the background", tag="forest background|forest"
        ),
        "sea": entry(
            after="by the sea|at the seaside|in front of the sea|with the sea in the background",
            tag="sea background|sea",
        ),
        "mountains": entry(
            after="in front of mountains|in the mountains|with mountains in the background",
            tag="mountain background|mountains",
        ),
        "starry_night": entry(
            after="under a starry sky|against a starry night sky|under the stars|on a starry night",
            tag="starry sky|starry night",
        ),
        "room": entry(
            after="in a room|indoors|in a cosy room|with a room in the background", tag="room background|indoors"
        ),
        "blossoms": entry(
            after="among cherry blossoms|among blossoms|under blossoming branches|in front of cherry blossoms",
            tag="cherry blossoms|blossoms",
        ),
    },
}

_HAT_VERBS = "戴|戴着|头戴"
_WEAR_VERBS = "穿|穿着|身穿|身着"
CHINESE = {
    "style": {
        "flat": entry(clause="扁平插画|扁平风格|扁平插画风格", prefix="扁平插画|扁平风格肖像|扁平插画肖像"),
        "soft": entry(clause="柔和阴影风格|柔和阴影|明暗柔和", prefix="柔和阴影肖像|柔和阴影插画"),
        "watercolour": entry(clause="水彩风格|水彩画|水彩|水彩画风格", prefix="水彩肖像|水彩画|水彩人像"),
        "oil": entry(clause="油画风格|油画|布面油画", prefix="油画|油画肖像|油画人像"),
        "pencil": entry(clause="铅笔素描|素描风格|素描|铅笔画", prefix="铅笔素描|素描肖像|铅笔画"),
        "ink": entry(clause="水墨画|水墨风格|中国水墨画|水墨画风格", prefix="水墨画|水墨肖像|水墨人像|中国水墨画"),
        "anime": entry(clause="动漫风格|动漫插画|二次元风格|日式动漫风格", prefix="动漫肖像|动漫插画|动漫头像"),
        "pixel": entry(clause="像素画|像素风格|像素风|像素艺术", prefix="像素画|像素肖像|像素头像"),
    },
    "age": {
        "child": entry(tag="孩子|儿童"),
        "young": entry(tag="年轻"),
        "middle_aged": entry(tag="中年"),
        "elderly": entry(tag="老年|老人"),
    },
    "gender": {"woman": entry(tag="女性|女士"), "man": entry(tag="男性|男士")},
    "skin_tone": {
        "pale": entry(vp="皮肤白皙|肤色白皙", tag="白皙皮肤|皮肤白皙"),
        "tan": entry(vp="皮肤呈小麦色|肤色为小麦色", tag="小麦色皮肤|小麦色肌肤"),
        "brown": entry(vp="皮肤呈棕色|肤色偏棕", tag="棕色皮肤|棕色肌肤"),
        "dark": entry(vp="皮肤黝黑|肤色黝黑", tag="黝黑皮肤|深色皮肤"),
    },
    "face_shape": {
        "round": entry(pre="圆脸", np="圆脸|圆圆的脸", verb="长着|有着"),
        "oval": entry(pre="鹅蛋脸", np="鹅蛋脸|椭圆形的脸", verb="长着|有着"),
        "square": entry(pre="方脸", np="方脸|方形的脸", verb="长着|有着"),
        "heart": entry(pre="心形脸", np="心形脸|心形的脸", verb="长着|有着"),
    },
    "hair_style": {
        "bald": entry(pre="光头", vp="剃着光头|顶着光头", tag="光头"),
        "buzz": entry(pre="{c}寸头", np="{c}寸头|{c}板寸", verb="留着|剪着"),
        "short": entry(pre="{c}短发", np="{c}短发|一头{c}短发", verb="留着|有着"),
        "spiky": entry(pre="{c}刺猬头", np="{c}刺猬头|{c}冲天短发", verb="留着|顶着"),
        "bob": entry(pre="{c}波波头", np="{c}波波头|{c}齐耳短发", verb="留着|剪着"),
        "long": entry(pre="{c}长发", np="{c}长发|一头{c}长发|{c}披肩长发", verb="留着|有着"),
        "curly": entry(pre="{c}卷发", np="{c}卷发|一头{c}卷发", verb="留着|有着"),
        "bun": entry(np="{c}丸子头|{c}发髻", verb="梳着|扎着", pre="{c}丸子头"),
        "ponytail": entry(np="{c}马尾|{c}马尾辫", verb="扎着|梳着", pre="{c}马尾"),
        "braids": entry(np="{c}辫子|{c}麻花辫", verb="梳着|扎着"),
    },
    "hair_color": entry(np="{c}头发|一头{c}头发", verb="有着|留着", pre="{c}发"),
    "eye_color": entry(np="{c}眼睛|{c}的眼睛|一双{c}眼睛", verb="有着|长着"),
    "clothing_color": entry(np="{c}衣服|{c}上衣", verb=_WEAR_VERBS),
    "expression": {
        "neutral": entry(vp="表情平静|神情平静|神态平和", tag="表情平静|平静的表情"),
        "smiling": entry(vp="面带微笑|面露微笑|微笑着", tag="微笑|面带微笑"),
        "laughing": entry(vp="开怀大笑|哈哈大笑|放声大笑", tag="大笑|开怀大笑"),
        "sad": entry(vp="神情悲伤|表情悲伤|面带忧伤", tag="悲伤|悲伤的表情"),
        "angry": entry(vp="神情愤怒|表情愤怒|怒气冲冲", tag="愤怒|愤怒的表情"),
        "surprised": entry(vp="神情惊讶|表情惊讶|一脸惊讶", tag="惊讶|惊讶的表情"),
    },
    "glasses": {
        "none": entry(vp="不戴眼镜|没戴眼镜|没有戴眼镜", tag="不戴眼镜|无眼镜"),
        "round": entry(np="圆框眼镜|圆形眼镜|圆眼镜", verb="戴|戴着"),
        "square": entry(np="方框眼镜|方形眼镜|方眼镜", verb="戴|戴着"),
        "sunglasses": entry(np="墨镜|太阳镜|太阳眼镜", verb="戴|戴着"),
    },
    "facial_hair": {
        "none": entry(vp="没有胡子|不留胡子|没留胡子", tag="没有胡子|无胡须"),
        "moustache": entry(np="小胡子|八字胡", verb="留着|蓄着"),
        "goatee": entry(np="山羊胡|山羊胡子", verb="留着|蓄着"),
        "beard": entry(np="络腮胡|大胡子|浓密的络腮胡", verb="留着|蓄着"),
    },
    "headwear": {
        "none": entry(vp="不戴帽子|没戴帽子|没有戴帽子", tag="不戴帽子|无帽子"),
        "cap": entry(np="鸭舌帽|棒球帽", verb=_HAT_VERBS),
        "beanie": entry(np="针织帽|毛线帽", verb=_HAT_VERBS),
        "wide_brim_hat": entry(np="宽檐帽|宽边帽", verb=_HAT_VERBS),
        "beret": entry(np="贝雷帽", verb=_HAT_VERBS),
        "crown": entry(np="王冠|皇冠|金色王冠", verb=_HAT_VERBS),
    },
    "earrings": {
        "none": entry(vp="不戴耳环|没戴耳环|不戴耳饰", tag="不戴耳环|无耳环"),
        "studs": entry(np="耳钉|小耳钉", verb="戴|戴着"),
        "hoops": entry(np="圈形耳环|大圈耳环|圆环耳环", verb="戴|戴着"),
    },
    "clothing": {
        "t_shirt": entry(np="{c}T恤|{c}T恤衫", verb=_WEAR_VERBS),
        "shirt": entry(np="{c}衬衫|{c}衬衣", verb=_WEAR_VERBS),
        "suit": entry(np="{c}西装|{c}西服", verb=_WEAR_VERBS),
        "hoodie": entry(np="{c}卫衣|{c}连帽衫|{c}连帽卫衣", verb=_WEAR_VERBS),
        "turtleneck": entry(np="{c}高领毛衣|{c}高领衫", verb=_WEAR_VERBS),
        "dress": entry(np="{c}连衣裙|{c}裙子", verb=_WEAR_VERBS),
        "hanfu": entry(np="{c}汉服|{c}传统汉服", verb=_WEAR_VERBS),
    },
    "pose": {
        "left": entry(vp="面向左侧|朝左看|脸朝左|看向左边", tag="面向左侧|朝左"),
        "front": entry(vp="正对镜头|面向前方|正视前方|面对观众", tag="正面|正面像"),
        "right": entry(vp="面向右侧|朝右看|脸朝右|看向右边", tag="面向右侧|朝右"),
    },
    "lighting": {
        "even": entry(clause="光线均匀|光线柔和|光照均匀", tag="均匀光线|柔和光线|光线均匀"),
        "left": entry(clause="光从左侧照来|左侧打光|光线来自左侧|光线从左边照来", tag="左侧光|左侧打光"),
        "right": entry(clause="光从右侧照来|右侧打光|光线来自右侧|光线从右边照来", tag="右侧光|右侧打光"),
    },
    "background": {
        "plain": entry(clause="纯色背景|背景为纯色|简洁的背景", tag="纯色背景|简洁背景"),
        "gradient": entry(clause="渐变背景|背景为渐变色|渐变色背景", tag="渐变背景|渐变色背景"),
        "city": entry(clause="背景是城市|身后是城市|城市背景|背景是城市天际线", tag="城市背景|城市"),
        "forest": entry(clause="背景是森林|身后是森林|在森林里|森林背景", tag="森林背景|森林"),
        "sea": entry(clause="背景是大海|身后是大海|在海边|大海背景", tag="大海背景|海边"),
        "mountains": entry(clause="背景是群山|身后是群山|在群山前|群山背景", tag="群山背景|群山"),
        "starry_night": entry(clause="背景是星空|在星空下|身后是星空|星空背景", tag="星空背景|星空"),
        "room": entry(clause="背景是房间|在房间里|在室内|室内背景", tag="室内背景|室内"),
        "blossoms": entry(clause="背景是樱花|在樱花树下|身后是樱花|樱花背景", tag="樱花背景|樱花"),
    },
}

AMERICAN = (("colour", "color"), ("grey", "gray"), ("moustache", "mustache"), ("cosy", "cozy"))
"""British spelling, which the tables above use, and American."""
