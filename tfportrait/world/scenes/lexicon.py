"""The scenes' words: phrases for every attribute value, English and Chinese.

Laid out as the portraits' lexicon: the first phrase of the first place is the canonical wording. English places: `adj`
before the noun; `after` behind it; `outside` behind a room, for what its window shows; `np` a noun phrase; `tag` in a
list of tags; `prefix` (styles) before "of ...". Chinese places: `pre` before 的; `clause` behind the noun; `outside`,
`np`, `tag` and `prefix` likewise.

What is named by setting and ground together has a noun of its own: `ENGLISH_NOUNS`, `CHINESE_NOUNS`, by (setting or
None, ground or None).
"""

from ..lexicon import AMERICAN as PORTRAIT_AMERICAN
from ..lexicon import CHINESE as CHINESE_PORTRAIT
from ..lexicon import ENGLISH as ENGLISH_PORTRAIT
from ..lexicon import entry


def _nouns(table: dict[tuple[str | None, str | None], str]) -> dict[tuple[str | None, str | None], tuple[str, ...]]:
    return {key: tuple(text.split("|")) for key, text in table.items()}


ENGLISH_NOUNS = _nouns(
    {
        (None, None): "scene|view",
        (None, "open"): "open landscape|stretch of open land",
        (None, "water"): "waterside landscape|waterside scene",
        (None, "road"): "roadside landscape|roadside scene",
        ("mountains", None): "mountain landscape|mountain scene|mountain view",
        ("mountains", "open"): "mountain meadow|meadow in the mountains|alpine meadow",
        ("mountains", "water"): "mountain lake|lake in the mountains|alpine lake",
        ("mountains", "road"): "mountain road|road in the mountains|mountain path",
        ("sea", None): "seascape|sea view|seaside scene|beach by the sea",
        ("city", None): "cityscape|city scene|city view|urban scene",
        ("city", "open"): "city park|park in the city|urban park",
        ("city", "water"): "city river|river in the city|city riverside",
        ("city", "road"): "city street|street in the city|city road",
        ("forest", None): "forest|forest scene|woodland scene",
        ("forest", "open"): "forest clearing|clearing in the woods|woodland clearing",
        ("forest", "water"): "forest lake|lake in the woods|woodland lake",
        ("forest", "road"): "forest path|path through the woods|forest road",
        ("desert", None): "desert|desert landscape|desert scene",
        ("desert", "open"): "open desert|sandy desert plain|stretch of desert",
        ("desert", "water"): "desert oasis|oasis in the desert|desert lake",
        ("desert", "road"): "desert road|road through the desert|desert highway",
        ("interior", None): "room|cosy room|interior",
    }
)

ENGLISH = {
    "style": {
        value: {"after": ENGLISH_PORTRAIT["style"][value]["after"], **entry(prefix=prefix)}
        for value, prefix in {
            "flat": "flat illustration|flat design picture",
            "soft": "softly shaded picture|softly shaded illustration",
            "watercolour": "watercolour|watercolour painting",
            "oil": "oil painting",
            "pencil": "pencil drawing|pencil sketch",
            "ink": "ink wash painting|Chinese ink painting",
            "anime": "anime illustration|anime drawing",
            "pixel": "pixel art picture|8-bit pixel picture",
        }.items()
    },
    "time": {
        "dawn": entry(after="at dawn|at sunrise|at daybreak|early in the morning", tag="dawn|sunrise|early morning"),
        "day": entry(after="in daylight|by day|during the day|in the daytime", tag="daylight|daytime"),
        "dusk": entry(after="at dusk|at sunset|at twilight|in the evening", tag="dusk|sunset|evening"),
        "night": entry(after="at night|by night|late at night|in the dark of night", tag="night|nighttime"),
    },
    "weather": {
        "clear": entry(
            adj="clear", after="in clear weather|under a clear sky", outside="with a clear sky outside", tag="clear sky"
        ),
        "cloudy": entry(
            adj="cloudy|overcast",
            after="in cloudy weather|under a cloudy sky",
            outside="with a cloudy sky outside",
            tag="cloudy sky|clouds",
        ),
        "rain": entry(
            adj="rainy",
            after="in the rain|in pouring rain|while it is raining",
            outside="with rain falling outside|while it is raining outside",
            tag="rain|rainy weather",
        ),
        "snow": entry(
            adj="snowy",
            after="in falling snow|while it is snowing|in a snowfall",
            outside="with snow falling outside|while it is snowing outside",
            tag="falling snow|snowfall",
        ),
        "fog": entry(
            adj="foggy|misty",
            after="in the fog|in thick fog|in the mist",
            outside="with fog outside|with mist outside",
            tag="fog|mist",
        ),
    },
    "season": {
        "spring": entry(adj="spring|springtime", after="in spring|in springtime", tag="spring"),
        "summer": entry(adj="summer|summery", after="in summer|in summertime", tag="summer"),
        "autumn": entry(adj="autumn|autumnal", after="in autumn|in the autumn", tag="autumn"),
        "winter": entry(adj="winter|wintry", after="in winter|in wintertime", tag="winter"),
    },
    "object": {
        "none": entry(adj="empty", after="with nothing in front|with nothing standing out", tag="empty scene"),
        "boat": entry(np="a boat|a small boat|a sailing boat|a sailboat"),
        "house": entry(np="a house|a small house|a cottage"),
        "tent": entry(np="a tent|a camping tent"),
        "person": entry(np="a person|a lone figure|someone standing"),
        "deer": entry(np="a deer|a stag"),
        "cat": entry(np="a cat|a sitting cat"),
        "lamp": entry(np="a lamp|a tall lamp|a standing lamp"),
        "balloon": entry(np="a hot-air balloon|a balloon|a striped balloon"),
    },
    "position": {
        "left": entry(after="on the left|on the left side|to the left"),
        "middle": entry(after="in the middle|in the centre"),
        "right": entry(after="on the right|on the right side|to the right"),
    },
}

CHINESE_NOUNS = _nouns(
    {
        (None, None): "场景|画面",
        (None, "open"): "旷野风景|开阔的原野",
        (None, "water"): "水边风景|水畔景色",
        (None, "road"): "路边风景|道旁景色",
        ("mountains", None): "山景|群山|山间风光",
        ("mountains", "open"): "山间草地|高山草甸",
        ("mountains", "water"): "山间湖泊|高山湖泊|山中湖景",
        ("mountains", "road"): "山路|山间小路|山间道路",
        ("sea", None): "海景|大海|海边风光",
        ("city", None): "城市|城市风光|都市景色",
        ("city", "open"): "城市公园|都市公园",
        ("city", "water"): "城市河畔|城市河景|都市河畔",
        ("city", "road"): "城市街道|城市街景|都市街道",
        ("forest", None): "森林|树林|森林景色",
        ("forest", "open"): "林间空地|森林空地",
        ("forest", "water"): "林间湖泊|森林湖泊|林中湖景",
        ("forest", "road"): "林间小路|森林小径",
        ("desert", None): "沙漠|大漠风光|沙漠景色",
        ("desert", "open"): "开阔的沙漠|空旷沙漠",
        ("desert", "water"): "沙漠绿洲|沙漠湖泊",
        ("desert", "road"): "沙漠公路|沙漠道路",
        ("interior", None): "房间|室内|室内场景",
    }
)

CHINESE = {
    "style": {
        value: {"clause": CHINESE_PORTRAIT["style"][value]["clause"], **entry(prefix=prefix)}
        for value, prefix in {
            "flat": "扁平插画|扁平风格插画",
            "soft": "柔和阴影插画|柔和阴影画",
            "watercolour": "水彩画|水彩",
            "oil": "油画|布面油画",
            "pencil": "铅笔素描|铅笔画",
            "ink": "水墨画|中国水墨画",
            "anime": "动漫插画|二次元插画",
            "pixel": "像素画|像素艺术",
        }.items()
    },
    "time": {
        "dawn": entry(pre="黎明时分|清晨|日出时分", clause="正值黎明|正值日出", tag="黎明|清晨|日出"),
        "day": entry(pre="白天|白昼", clause="正值白天|正值白昼", tag="白天|白昼"),
        "dusk": entry(pre="黄昏时分|傍晚|日落时分", clause="正值黄昏|暮色降临", tag="黄昏|傍晚|日落"),
        "night": entry(pre="夜晚|深夜|夜里", clause="夜色深沉|夜幕笼罩", tag="夜晚|深夜|夜色"),
    },
    "weather": {
        "clear": entry(pre="晴朗", clause="天气晴朗|晴空万里", outside="窗外天气晴朗|窗外晴空万里", tag="晴天|晴朗"),
        "cloudy": entry(pre="多云", clause="天空多云|云层密布", outside="窗外天空多云|窗外云层密布", tag="多云"),
        "rain": entry(pre="下雨|雨中", clause="下着雨|正下着雨|雨丝飘落", outside="窗外下着雨", tag="下雨|雨天"),
        "snow": entry(pre="下雪|雪中", clause="下着雪|正下着雪|雪花飘落", outside="窗外下着雪", tag="下雪|雪天"),
        "fog": entry(pre="雾中|大雾", clause="雾气弥漫|大雾笼罩", outside="窗外雾气弥漫|窗外大雾笼罩", tag="大雾|雾天"),
    },
    "season": {
        "spring": entry(pre="春天|春季|春日", clause="时值春天|时值春季", tag="春天|春季"),
        "summer": entry(pre="夏天|夏季|夏日", clause="时值夏天|时值夏季", tag="夏天|夏季"),
        "autumn": entry(pre="秋天|秋季|秋日", clause="时值秋天|时值秋季", tag="秋天|秋季"),
        "winter": entry(pre="冬天|冬季|冬日", clause="时值冬天|时值冬季", tag="冬天|冬季"),
    },
    "object": {
        "none": entry(clause="画中空无一物|画中没有别的东西", tag="空无一物"),
        "boat": entry(np="一只小船|一条小船|一艘帆船"),
        "house": entry(np="一座房子|一座小屋|一栋房屋"),
        "tent": entry(np="一顶帐篷"),
        "person": entry(np="一个人|一个人影"),
        "deer": entry(np="一头鹿|一只鹿"),
        "cat": entry(np="一只猫|一只小猫"),
        "lamp": entry(np="一盏灯|一盏立灯"),
        "balloon": entry(np="一只热气球|一个热气球"),
    },
    "position": {
        "left": entry(clause="左侧|左边|画面左侧"),
        "middle": entry(clause="中间|正中|画面中央"),
        "right": entry(clause="右侧|右边|画面右侧"),
    },
}

AMERICAN = (*PORTRAIT_AMERICAN, ("centre", "center"))
