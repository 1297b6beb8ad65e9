"""What reading knows beyond the caption grammar: synonyms, colour words, heads, small words, and hints for the unknown."""

ALSO_READ = {  # attribute -> value -> further phrases, either language
    "style": {
        "flat": "flat|flat colors|flat art|flat illustration style|vector|vector art|vector illustration|minimalist"
        "|minimal illustration|扁平|扁平化|扁平化插画|扁平化风格|矢量插画|矢量风格|矢量图",
        "soft": "soft style|soft shaded|soft shading style|soft-shaded style|smoothly shaded|airbrush|airbrushed|柔和风格"
        "|柔和明暗|柔和上色|柔和渲染",
        "watercolour": "watercolours|water colour|aquarelle|watercolour art|in watercolour|水彩肖像|水彩插画|水彩效果",
        "oil": "oil paint|oils|oil|oil portrait style|oil painted|oil style|in oil|in oils|油彩|布面油彩",
        "pencil": "pencil|pencil art|pencil style|sketch|sketched|pencil sketch style|graphite|graphite drawing"
        "|铅笔|铅笔风格|速写|铅笔素描风格|素描画|手绘素描",
        "ink": "ink|ink painting|ink drawing|ink art|ink brush painting|brush painting|chinese painting|sumi e|sumi"
        "|traditional chinese painting|chinese ink|ink style|shuimo|shui mo|guohua|水墨|国画|中国画|水墨画法|中国风|国风|古风",
        "anime": "manga|manga style|animé|japanese animation|japanese anime|anime girl style|anime style drawing"
        "|动漫|动漫画风|二次元|动画风格|日漫|漫画|漫画风格|日系动漫|日系动漫风格|动漫人物|日式动漫",
        "pixel": "pixel|pixels|pixelated|pixel style|pixel portrait|8 bit|8bit|16 bit|16bit|pixelart|retro game style"
        "|像素|像素风格画|8位像素|马赛克风格",
    },
    "age": {
        "child": "children|kiddo|toddler|baby|childlike|小朋友|小孩子|幼儿|儿童|孩童|娃娃|婴儿",
        "young": "young adult|youthful|teen|teenager|teenage|adolescent|student|twenty year old|in their twenties|年轻"
        "|青年|青年人|青少年|少年人|大学生|学生",
        "middle_aged": "middle aged|midlife|mature|in their forties|in their fifties|forty year old|中年|成熟",
        "elderly": "old|aged|senior|elder|ancient|in their seventies|in their eighties|老|年老|年迈|老年|苍老|老者|老人家",
    },
    "gender": {
        "woman": "women|female|feminine|lady|ladies|madam|女|女性|女子|妇女|妇人|女的|女生|美女|姑娘",
        "man": "men|male|masculine|guy|gentlemen|dude|fellow|sir|男|男性|男子|男的|男生|帅哥|先生|汉子",
    },
    "skin_tone": {
        "pale": "porcelain skin|white skin|fair complexion|pale complexion|fair|pale face|白皙|白净|雪白的皮肤|雪白皮肤"
        "|白皮肤|肤白|皮肤很白|皮肤雪白|浅色皮肤|白皙的皮肤|白皙肌肤|白皙的肌肤",
        "tan": "bronzed|sun tanned|suntanned|tan complexion|olive complexion|小麦色|古铜色|古铜色皮肤|小麦肤色|小麦色的皮肤",
        "brown": "棕色的皮肤|褐色皮肤|棕皮肤|肤色棕|皮肤是棕色",
        "dark": "ebony skin|deep skin|very dark skin|黝黑|黑皮肤|深肤色|皮肤很黑|深色的皮肤|黝黑的皮肤|黝黑肌肤",
    },
    "face_shape": {
        "round": "chubby face|圆脸蛋|脸圆圆的|圆圆脸|脸很圆|圆形脸|圆润的脸",
        "oval": "椭圆脸|椭圆形脸|脸型椭圆|egg shaped face",
        "square": "strong jaw|angular face|国字脸|方形脸|方下巴",
        "heart": "heart face|瓜子脸|心型脸|pointed chin|尖下巴",
    },
    "hair_style": {
        "bald": "baldness|shaved head|hairless|bald headed|秃头|秃顶|没有头发|无发|光头的",
        "buzz": "buzzcut|buzz|buzz cut hair|crew cut|cropped hair|shaven hair|very short hair|平头|板寸头|圆寸|极短发",
        "short": "pixie cut|short haircut|短头发|短的头发",
        "spiky": "spiky|spikey hair|mohawk style spikes|spiked hair|spikes|竖起的头发|尖刺头发|冲天发型|刺猬发型",
        "bob": "bob|bob haircut|bob cut hair|chin length hair|波波短发|齐肩短发|齐肩发|学生头|短波波头|bob头",
        "long": "long locks|flowing hair|长头发|长长的头发|披肩发|长直发|直长发|飘逸长发|飘逸的长发|披散的长发|黑长直发型",
        "curly": "curly|curls|wavy hair|wavy|ringlets|afro|curly locks|鬈发|卷曲的头发|波浪卷|波浪发|大波浪|卷头发|自来卷",
        "bun": "bun|hair bun|topknot|top knot|chignon|hair in bun|hair up|盘发|发髻|丸子发型|盘起的头发|髻",
        "ponytail": "ponytail|pony tail|pony tails|马尾辫子|高马尾|双马尾|低马尾",
        "braids": "braid|braids|plaits|plait|pigtails|braided|辫|双辫|编发|发辫|长辫子",
    },
    "hair_color": {
        "black": "黑发|乌发",
        "brown": "brunette|棕发|褐发",
        "blonde": "blonde|blond|blondes|金发",
        "red": "redhead|red head|ginger|redheaded|红发",
        "grey": "灰发|白发|银发",
        "blue": "蓝发",
        "pink": "粉发",
    },
    "eye_color": {
        "brown": "hazel eyes|dark eyes|棕眼|棕眼睛|褐眼",
        "blue": "蓝眼|蓝眼睛|碧眼",
        "green": "emerald eyes|绿眼|绿眼睛",
        "grey": "灰眼|灰眼睛",
    },
    "expression": {
        "neutral": "neutral|serious|expressionless|emotionless|deadpan|stern|relaxed|calmly|calm face|neutral face|serene"
        "|serious expression|neutral look|面无表情|平静|严肃|表情严肃|表情自然|安静|中性表情|淡定|平和",
        "smiling": "smile|smiles|happy|cheerful|joyful|grin|grinning|grins|happily|beaming|happy face|smiley"
        "|happy expression|smiling face|笑|笑容|微微一笑|带着微笑|含笑|笑着|开心|快乐|高兴|笑脸|笑眯眯|微笑的表情|满脸笑容|愉快",
        "laughing": "laugh|laughs|laughter|cracking up|giggling|big laugh|大笑着|笑哈哈|狂笑|笑得很开心|哈哈笑|欢笑",
        "sad": "sadness|sorrowful|melancholy|melancholic|depressed|gloomy|sadly|upset|miserable|sad eyes|sorrow|难过|伤心"
        "|忧伤|忧郁|悲哀|哀伤|不开心|沮丧|悲伤地|愁眉苦脸|神色忧伤",
        "angry": "anger|mad|furiously|rage|angrily|frowning|frown|scowling|grumpy|annoyed|cross expression|生气|发怒|恼怒"
        "|暴怒|怒|皱眉|皱着眉头|面带怒容|怒容|气愤|怒目",
        "surprised": "surprise|shocked|amazed|startled|shock|astonishment|amazement|wide eyed|open mouthed|吃惊|震惊|惊奇"
        "|惊愕|诧异|惊呆|满脸惊讶|目瞪口呆|惊讶地",
    },
    "glasses": {
        "none": "裸眼|无镜",
        "round": "glasses|spectacles|eyeglasses|specs|bespectacled|circular glasses|round framed glasses|round frames"
        "|wire rimmed glasses|reading glasses|眼镜|圆镜框|圆框镜|圆框|金丝眼镜|圆框的眼镜",
        "square": "squared glasses|rectangular framed glasses|square framed glasses|square frames|square spectacles"
        "|方框|方形镜框|方框的眼镜|黑框眼镜|方镜框|矩形眼镜",
        "sunglasses": "sunglass|sun glasses|black glasses|aviators|aviator sunglasses|黑眼镜|墨镜眼镜",
    },
    "facial_hair": {
        "none": "cleanshaven|shaved|freshly shaved|beardless|胡子刮得很干净|胡子刮得干干净净|无胡子|无胡须|没胡子",
        "moustache": "moustaches|moustachioed|tash|handlebar moustache|胡髭|髭|上唇胡|小胡须|上唇胡须",
        "goatee": "goatee beard|soul patch|下巴胡|山羊胡须",
        "beard": "beards|full bearded|facial hair|stubble|long beard|thick beard|胡子|胡须|络腮胡子|长胡子|长胡须|大胡须"
        "|满脸胡子|胡茬",
    },
    "headwear": {
        "none": "bareheaded|hatless|bare headed|没有帽子|光着头顶|无帽",
        "cap": "baseball hat|snapback|trucker cap|caps|鸭舌|运动帽|帽舌帽|棒球帽子",
        "beanie": "knit cap|knit hat|wool hat|woollen hat|knitted cap|bobble hat|winter hat|冷帽|毛线帽子|绒线帽|针织帽子",
        "wide_brim_hat": "hat|hats|wide brim hat|brimmed hat|wide hat|big hat|straw hat|floppy hat|sunhat|large hat|帽子"
        "|草帽|大檐帽|遮阳帽|礼帽|宽沿帽|宽檐的帽子|帽",
        "beret": "berets|painter hat|画家帽|贝雷帽子",
        "crown": "crowned|tiara|diadem|皇冠头饰|冠冕|头冠|金冠|皇冠|王冠",
    },
    "earrings": {
        "none": "无耳饰|没有耳饰",
        "studs": "stud|studs|earrings|earring|stud earring|pearl earrings|small earrings|耳环|耳饰|耳坠|珍珠耳环|耳钉耳环",
        "hoops": "hoop|hoops|hoop earring|ring earrings|large earrings|big earrings|big hoop earrings|gold hoop earrings"
        "|golden hoop earrings|大耳环|环形耳环|圆耳环|耳圈|圈圈耳环",
    },
    "clothing": {
        "t_shirt": "tshirt|tee shirt|tees|t shirts|短袖|短袖T恤|体恤|体恤衫|T恤衣|圆领衫",
        "shirt": "blouse|dress shirt|button down shirt|collared shirt|shirts|衬衫衣|白领衬衫",
        "suit": "suits|suit jacket|business suit|tuxedo|blazer|suit and tie|西装外套|正装|礼服西装|西服套装|西装领带",
        "hoodie": "hoody|hooded top|sweatshirt|hoodies|hooded sweater|带帽卫衣|帽衫|连帽衣|运动衫",
        "turtleneck": "turtle neck|roll neck|polo neck sweater|polo neck jumper|sweater|jumper|high neck sweater|毛衣"
        "|高领|高领针织衫|高领衣|套头毛衣",
        "dress": "dresses|gown|evening dress|sundress|skirt|裙|裙装|长裙|礼裙|洋装|晚礼服裙",
        "hanfu": "hanfu robe|chinese robe|chinese robes|traditional chinese clothing|traditional chinese clothes|hanfu dress"
        "|汉装|古装|汉家衣裳|中国传统服装|传统中国服饰|汉服衣裙",
    },
    "pose": {
        "left": "face left|facing the left side|to the left|left facing|facing to the left|looking towards the left|left profile|turned left|head turned left"
        "|facing the left|looks left|looks to the left|from the left side|朝左|面向左|向左看|看向左侧|望向左侧|面朝左侧|头转向左|左侧脸"
        "|面朝左|左边侧脸",
        "front": "facing front|facing the camera|looking at the camera|looking at the viewer|looking at viewer|frontal"
        "|front facing|frontal view|front|facing us|looking at us|from the front|facing camera|looking ahead|full face"
        "|正面|正脸|面向镜头|看着镜头|面对镜头|直视前方|看向镜头|正面照|正面面对观众|正面肖像|直视镜头",
        "right": "face right|facing the right side|to the right|right facing|facing to the right|looking towards the right|right profile|turned right|head turned right"
        "|facing the right|looks right|looks to the right|from the right side|朝右|面向右|向右看|看向右侧|望向右侧|面朝右侧|头转向右|右侧脸"
        "|面朝右|右边侧脸",
    },
    "lighting": {
        "even": "soft lighting|diffuse light|even illumination|soft even light|studio lighting|flat lighting|ambient light"
        "|natural light|soft daylight|柔光|柔和的光线|均匀的光线|自然光|均匀光|柔和灯光|光线柔和均匀|柔和打光|均匀光照",
        "left": "left lighting|light on the left|left light|side light from the left|illuminated from the left|lighting left"
        "|left side lighting|light from left|lit from left|light coming from the left|左光|左侧光线|左侧照明|光线从左侧照来|左边的光|来自左侧的光|左边打光",
        "right": "right lighting|light on the right|right light|side light from the right|illuminated from the right"
        "|lighting right|right side lighting|light from right|lit from right|light coming from the right|右光|右侧光线|右侧照明|光线从右侧照来|右边的光|来自右侧的光"
        "|右边打光",
    },
    "background": {
        "plain": "plain|no background|simple backdrop|blank background|solid background|plain backdrop|empty background"
        "|white background|plain wall|solid colour background|单色背景|空白背景|白色背景|背景简洁|无背景|简单背景|背景纯色|白底",
        "gradient": "gradient|gradients|colour gradient|gradient backdrop|渐变|渐变色|背景渐变|渐变的背景",
        "city": "city|cityscape|skyline|downtown|urban|street|streets|skyscrapers|town|buildings|city street|city streets"
        "|urban background|night city|city at night|city by night|city night|城市|都市|街头|街道|城市街道|天际线|高楼|城市天际线|城市夜景|街景|高楼大厦",
        "forest": "forests|woods|woodland|trees|jungle|树林|森林|林间|丛林|林中|在森林中|树木|森林中|竹林",
        "sea": "seaside|ocean|beach|coast|shore|seashore|waves|大海|海边|海滩|海洋|海面|沙滩|海岸|海景|海浪",
        "mountains": "mountain|mountains|hills|alps|peaks|mountain range|mountain landscape|群山|山峦|山脉|远山|雪山|高山|山峰"
        "|山景|大山|山间|山水",
        "starry_night": "starry night sky|night sky|stars|star|night|starry|at night|starry background|starlight|星空|夜空|夜晚"
        "|星夜|繁星|星星|满天繁星|夜里|星光|夜景|星空夜",
        "room": "room|interior|indoor|living room|bedroom|study|library|inside a house|at home|office|in the room|室内|房间"
        "|屋里|屋内|书房|客厅|卧室|家里|房间里|房里|办公室",
        "blossoms": "blossom|blossoms|cherry blossom|cherry tree|cherry trees|sakura|flowering tree|flowering trees|spring blossoms"
        "|petals|blossom tree|peach blossoms|plum blossoms|樱花|花树|樱花树|桃花|梅花|花瓣|樱花飘落|花海|花丛",
    },
}

SEVERAL = {  # phrases that say two things at once
    "young girl|young girls|small girl|schoolgirl|1girl|小姑娘|小女生|女童|丫头|小丫头": (("age", "child"), ("gender", "woman")),
    "young boy|young boys|small boy|schoolboy|1boy|小男生|男童|小伙": (("age", "child"), ("gender", "man")),
    "girls|女孩子|女孩儿": (("age", "child"), ("gender", "woman")),
    "boys|男孩子|男孩儿": (("age", "child"), ("gender", "man")),
    "grandma|granny|nana|奶奶|老太|老婆婆|婆婆|外婆|姥姥|老妇|老妇女|老年妇女|老女人|老年女人|老年女性": (
        ("age", "elderly"),
        ("gender", "woman"),
    ),
    "grandpa|granddad|爷爷|老头|老头子|老爷子|老汉|外公|姥爷|老翁|老男人|老年男人|老年男子": (("age", "elderly"), ("gender", "man")),
    "young child|small child": (("age", "child"),),
    "black woman|black lady": (("skin_tone", "dark"), ("gender", "woman")),
    "black man|black guy": (("skin_tone", "dark"), ("gender", "man")),
    "white woman|white lady": (("skin_tone", "pale"), ("gender", "woman")),
    "white man|white guy": (("skin_tone", "pale"), ("gender", "man")),
    "maiden|teenage girl|teen girl|少女|年轻姑娘|年轻女孩|年轻女生|年轻美女|女大学生": (("age", "young"), ("gender", "woman")),
    "teenage boy|teen boy|lad|少年|小伙子|年轻男孩|年轻男生|年轻小伙|年轻小伙子|男大学生": (("age", "young"), ("gender", "man")),
    "大妈|阿姨|大婶|中年女子|中年妇人": (("age", "middle_aged"), ("gender", "woman")),
    "大叔|叔叔|中年大叔": (("age", "middle_aged"), ("gender", "man")),
    "金发碧眼": (("hair_color", "blonde"), ("eye_color", "blue")),
    "黑长直": (("hair_style", "long"), ("hair_color", "black")),
}

HEADS = {  # what a colour or shape word is said of
    "hair": "hair|haired|hairs|hairstyle|haircut|hairdo|头发|发|秀发|发型|发色|毛发",
    "eyes": "eyes|eye|eyed|irises|眼睛|眼|双眼|眼眸|瞳孔|瞳|眸子|双眸|眼珠",
    "skin": "skin|skinned|complexion|skin tone|皮肤|肤色|肌肤",
    "face": "face|faced|jaw|jawed|face shape|脸|脸型|脸庞|面孔|脸蛋|面庞",
    "clothes": "clothes|clothing|outfit|garment|garments|robe|robes|attire|top|衣服|上衣|衣衫|衣裳|服装|衣|外衣",
}

FAMILIES = {"hair_style": "hair", "hair_color": "hair", "facial_hair": "beard", "glasses": "glasses", "clothing": "clothes"}
"""Attribute whose phrases can themselves be said to be of a colour or shape -> what is meant."""

SHAPES = {  # modifier -> {head: (attribute, value)}
    "long|flowing|straight|long straight|long flowing|长|长长|飘逸": {"hair": ("hair_style", "long")},
    "short|短|短短": {"hair": ("hair_style", "short")},
    "curly|wavy|frizzy|卷|卷曲|波浪": {"hair": ("hair_style", "curly")},
    "spiky|spiked|spikey": {"hair": ("hair_style", "spiky")},
    "braided|plaited": {"hair": ("hair_style", "braids")},
    "bobbed": {"hair": ("hair_style", "bob")},
    "buzzed|closely cropped|close cropped|cropped|very short|shaved": {"hair": ("hair_style", "buzz")},
    "round|circular|圆|圆形|圆圆": {"face": ("face_shape", "round"), "glasses": ("glasses", "round")},
    "square|rectangular|方|方形": {"face": ("face_shape", "square"), "glasses": ("glasses", "square")},
    "oval|椭圆|椭圆形": {"face": ("face_shape", "oval")},
    "heart shaped|heart|心形": {"face": ("face_shape", "heart")},
    "pale|fair|light|白皙|porcelain|浅": {"skin": ("skin_tone", "pale"), "face": ("skin_tone", "pale")},
    "fair|light": {"hair": ("hair_color", "blonde")},
    "tan|tanned|olive|bronze|小麦色|古铜色": {"skin": ("skin_tone", "tan")},
    "dark|深色|黝黑|ebony|深": {
        "skin": ("skin_tone", "dark"),
        "hair": ("hair_color", "black"),
        "eyes": ("eye_color", "brown"),
        "glasses": ("glasses", "sunglasses"),
    },
}

SHADES = frozenset("dark light bright deep pale vivid soft 深 浅 亮 淡 鲜 very".split())
"""Said before a colour word, these change its shade only."""

COLOURS = {  # colour word -> {head: value}; the words of the lexicon are added to these
    "black|黑色|黑": {"hair": "black", "clothes": "black", "skin": "dark", "beard": "black", "eyes": "brown"},
    "brown|棕色|褐色|棕|褐|咖啡色|chestnut|hazel|栗色": {
        "hair": "brown",
        "eyes": "brown",
        "skin": "brown",
        "beard": "brown",
    },
    "blonde|blond|golden|金色|金|金黄色": {"hair": "blonde", "beard": "blonde", "clothes": "yellow"},
    "yellow|黄色|黄": {"hair": "blonde", "clothes": "yellow"},
    "red|红色|红|鲜红色|crimson|scarlet|大红色": {"hair": "red", "clothes": "red", "beard": "red"},
    "ginger|auburn|copper|火红色": {"hair": "red", "beard": "red"},
    "grey|silver|灰色|银色|灰|银|灰白色|花白|银白色": {"hair": "grey", "eyes": "grey", "beard": "grey"},
    "white|白色|白|雪白": {"hair": "grey", "clothes": "white", "skin": "pale", "beard": "grey"},
    "blue|蓝色|蓝|navy|navy blue|天蓝色|深蓝色|浅蓝色": {"hair": "blue", "eyes": "blue", "clothes": "blue", "beard": "blue"},
    "pink|粉色|粉红色|粉|粉红": {"hair": "pink", "beard": "pink"},
    "green|绿色|绿|emerald|翠绿色": {"eyes": "green", "clothes": "green"},
    "purple|violet|紫色|紫|lilac": {"clothes": "purple"},
}
COLOUR_ATTRIBUTES = {
    "hair": "hair_color",
    "beard": "hair_color",
    "eyes": "eye_color",
    "skin": "skin_tone",
    "clothes": "clothing_color",
}

NEAR_COLOURS = {  # colour words -> the colours to suggest where the one that was typed cannot be painted, nearest first
    "orange|橙色|橘色|橘|橙|橘红色": "red|yellow|blonde|红色|黄色",
    "purple|violet|lilac|紫色|紫|lavender|magenta|淡紫色|紫罗兰色": "pink|blue|purple|粉色|蓝色|紫色",
    "green|绿色|绿|emerald": "blue|green|蓝色|绿色",
    "teal|turquoise|cyan|aqua|mint|青色|青|碧绿色": "blue|green|蓝色|绿色",
    "pink|粉色|粉红色|粉|粉红": "red|purple|pink|红色|紫色",
    "beige|cream|ivory|米色|米白色|奶油色": "white|yellow|blonde|白色|黄色",
    "rainbow|multicoloured|colourful|彩色|彩虹色|五彩": "pink|blue|red|粉色|蓝色|红色",
    "gold|金色|金": "yellow|blonde|黄色|金色",
    "maroon|burgundy|酒红色": "red|brown|红色|棕色",
    "red|红色|红": "brown|red|pink|棕色|红色",
    "grey|silver|灰色|银色|灰": "black|white|grey|黑色|白色|灰色",
    "brown|棕色|褐色": "black|red|brown|黑色|红色|棕色",
    "yellow|黄色|黄": "blonde|green|yellow|金色|绿色|黄色",
    "black|黑色|黑": "brown|black|棕色|黑色",
    "white|白色|白": "grey|white|灰色|白色",
    "blue|蓝色|蓝": "blue|grey|蓝色|灰色",
}

NEGATIONS = (
    "without|without a|without any|no|not|not wearing|not wearing a|does not have|has no|not have|doesnt have|doesnt wear"
    "|isnt wearing|not a|isnt|arent|doesnt|dont|wasnt|aint|never|lacks|lacking|minus|不戴|没戴|没有戴|没有|没|无|不留|没留|未戴|不带|没带|未留|不|不是|不要|去掉"
)
OR = frozenset("or nor 或 或者".split())
AND = frozenset("and 和 与 及 以及".split())
JOINING = frozenset("and , & 的 和 与".split())
"""Between modifiers that wait for the same noun."""
COPULAS = frozenset("is are was : = colour coloured color colored 是 为 呈 ： 颜色 都".split())
BEFORE_CLOTHES = frozenset("in wearing wears wear dressed clad 穿 穿着 身穿 身着 着 衣着".split())
PRONOUNS = {"woman": "she|her|hers|herself|她|她的", "man": "he|his|him|himself|他|他的"}

STOP_WORDS = (
    "a|an|the|self portrait|selfie|this|that|of|and|with|in|on|at|by|to|from|for|as|is|are|was|be|being|has|have|having|had|who|whose|which|it|its"
    "|wearing|wears|wear|dressed|clad|portrait|portraits|picture|image|painting|drawing|drawn|painted|paint|draw|art|artwork"
    "|style|styled|person|people|human|someone|somebody|figure|character|face|head|shoulders|headshot|bust|pair|some|their|they"
    "|them|my|me|i|you|your|please|show|make|create|against|front|behind|background|backdrop|scene|standing|sitting|stands|sits"
    "|looking|look|looks|facing|light|lighting|lit|expression|colour|coloured|haired|eyed|cut|tied|back|up|made|done|just"
    "|one|two|single|very|quite|really|little|small|big|large|also|both|too|then|while|under|near|before|beside|among|there"
    "|illustration|digital art|rendered|worn|kind|age|gender|hair|eyes|skin|or|nor|any|but|not|no|without|does|do|only|clothes|smart|traditional|french|knitted|he|she"
    "|的|一|位|个|名|张|幅|副|顶|件|双|头|条|只|对|副|有|着|戴|戴着|头戴|穿|穿着|身穿|身着|留|留着|蓄着|长着|有着|梳着|扎着|剪着|顶着"
    "|剃着|带|带着|面带|是|为|呈|在|和|与|及|以及|并|并且|也|了|里|中|上|下|前|后|旁|边|而|且|又|还|其|那|这|之|被|把|给|请|画|画出|画一"
    "|肖像|肖像画|自画像|自拍|人像|画像|头像|图|图片|图像|画作|画面|画中|画的是|作品|风格|风|人|人物|人们|背景|背景是|背景为|身后|身后是|前面|后面|表情|神情"
    "|发型|颜色|样子|很|非常|有点|特别|年纪|性别|看|看着|正在|正|站|站在|坐|坐在|脸上|头上|身上|一位|一个|一名|一张|一幅|一双|一头|一副|一顶"
    "|一件|一对|一条|色|脸|头发|眼睛|皮肤|光线|光|或|或者|都|身|我|你|我想要|想要|要|生成|绘制|传统|浓密"
)

HINTS = {  # frequent prompt words that the world cannot paint -> known phrases that come near (none where nothing does)
    "cyberpunk|赛博朋克|赛博|science fiction|sci fi|scifi|科幻|futuristic|未来|未来主义": "city background|starry night sky|sunglasses",
    "neon|neon lights|霓虹|霓虹灯": "city background|starry night sky|pink hair",
    "steampunk|蒸汽朋克": "round glasses|suit|oil painting",
    "vaporwave|synthwave|蒸汽波": "gradient background|pink hair|sunglasses",
    "photo|photograph|photorealistic|photorealism|photography|realistic|realism|hyperrealistic|hyper realistic|real"
    "|photo realistic|lifelike|照片|写实|真实|超写实|摄影|逼真|写真": "soft shading|oil painting",
    "3d|3d render|render|cgi|unreal engine|octane render|blender|3d渲染|三维|pixar|disney|皮克斯|迪士尼": "soft shading|anime style",
    "cartoon|comic|comics|卡通|cartoonish|cute|chibi|q版|kawaii|可爱": "anime style|flat illustration",
    "ghibli|studio ghibli|miyazaki|吉卜力|宫崎骏": "anime style|watercolour",
    "van gogh|vincent van gogh|梵高|monet|莫奈|impressionist|impressionism|印象派|impasto": "oil painting|starry night sky",
    "rembrandt|伦勃朗|da vinci|达芬奇|mona lisa|蒙娜丽莎|vermeer|renaissance|文艺复兴|baroque|巴洛克|classical": "oil painting|dark hair",
    "picasso|毕加索|cubism|cubist|立体主义|surreal|surrealism|surrealist|dali|abstract|抽象|超现实": "oil painting|flat illustration",
    "pop art|warhol|andy warhol|波普|poster|海报|logo|icon|sticker|emoji|图标|贴纸": "flat illustration|pixel art",
    "charcoal|chalk|crayon|炭笔|粉笔|蜡笔|line art|lineart|line drawing|线稿|线条|black and white|monochrome|黑白|单色"
    "|black and white photo": "pencil sketch|Chinese ink wash painting",
    "gouache|pastel|pastels|acrylic|acrylics|水粉|丙烯|粉彩|coloured pencil|彩铅": "watercolour|oil painting|pencil sketch",
    "ukiyo e|浮世绘|japanese painting|woodblock|calligraphy|书法|工笔|工笔画": "Chinese ink wash painting|flat illustration",
    "minecraft|lego|voxel|乐高|game|video game|游戏": "pixel art|flat illustration",
    "fantasy|elf|fairy|wizard|witch|magic|magical|精灵|魔法|奇幻|仙女|巫师|女巫|princess|queen|king|prince|公主|女王|国王|王子"
    "|皇后|皇帝|royal|medieval|中世纪": "crown|hanfu|forest background",
    "knight|warrior|samurai|soldier|战士|骑士|武士|士兵|armour|armor|盔甲|铠甲": "crown|angry expression|hanfu",
    "robot|cyborg|android|alien|monster|zombie|机器人|外星人|怪物|僵尸|vampire|吸血鬼|demon|恶魔": "pale skin|sunglasses|surprised expression",
    "angel|god|goddess|天使|女神|神仙": "hanfu|blonde hair|starry sky",
    "cat|dog|animal|horse|bird|dragon|fox|wolf|猫|狗|动物|龙|狐狸|猫咪|小狗|小猫": "",
    "masterpiece|best quality|high quality|highly detailed|detailed|intricate|4k|8k|hd|uhd|ultra|sharp focus|trending on artstation"
    "|artstation|award winning|beautiful|pretty|handsome|gorgeous|stunning|杰作|高质量|高清|精致|细节|最佳质量|漂亮|美丽|帅气|好看|英俊": "",
    "sunset|sunrise|dawn|dusk|golden hour|日落|日出|夕阳|黄昏|晚霞|朝霞": "gradient background|sea background|light from the left",
    "space|galaxy|universe|planet|moon|cosmos|nebula|moonlight|太空|宇宙|银河|月亮|月光|星球": "starry night sky",
    "snow|snowy|winter|ice|雪|雪景|冬天|冬季": "mountain background|beanie|turtleneck",
    "rain|rainy|storm|雨|下雨|暴雨": "sea background|city background|hoodie",
    "sky|clouds|cloud|天空|云|蓝天|云朵|白云": "gradient background|mountain background|starry sky",
    "garden|flowers|flower|park|roses|rose|meadow|spring|花园|花|花朵|公园|玫瑰|春天|草地": "cherry blossoms|forest background",
    "lake|river|water|boat|underwater|湖|河|湖边|水|河边|船": "sea background",
    "desert|field|countryside|沙漠|田野|乡村|草原": "mountain background|plain background",
    "castle|palace|temple|church|城堡|宫殿|寺庙|classroom|cafe|restaurant|bar|教室|咖啡馆|餐厅": "room background|city background",
    "autumn|fall|leaves|秋天|落叶|枫叶": "forest background|red hair",
    "jacket|coat|leather jacket|denim|overcoat|夹克|外套|大衣|皮衣|风衣|牛仔": "suit|hoodie|shirt",
    "kimono|和服|qipao|cheongsam|旗袍|sari|saree|纱丽": "hanfu|dress",
    "uniform|sailor uniform|制服|校服|tie|bow tie|领带|领结|vest|马甲": "suit|shirt",
    "scarf|围巾|jeans|牛仔裤|pants|trousers|裤子|shorts|短裤|apron|围裙|polo shirt|polo": "turtleneck|shirt|T-shirt",
    "necklace|jewellery|jewelry|pendant|项链|首饰|珠宝|piercing|ring|ribbon|丝带|戒指": "stud earrings|hoop earrings",
    "fedora|top hat|cowboy hat|bowler hat|cowboy|牛仔帽|绅士帽|witch hat|pirate hat|turban|头巾|hijab|helmet|头盔|hood|兜帽"
    "|headband|发带|headphones|耳机|bandana": "wide-brimmed hat|beanie|cap",
    "flower crown|花环|halo|光环|horns|角": "crown|cherry blossoms",
    "mask|面具|口罩|eyepatch|eye patch|眼罩|monocle|goggles|护目镜": "sunglasses|round glasses",
    "mohawk|莫西干": "spiky hair|buzz cut",
    "dreadlocks|dreads|cornrows|脏辫": "braids|curly hair",
    "bangs|fringe|刘海|mullet|undercut": "bob|short hair",
    "crying|tears|cry|哭|哭泣|流泪|眼泪|tired|sleepy|bored|疲惫|困|累": "sad expression|calm expression",
    "scared|afraid|fear|fearful|terrified|screaming|害怕|恐惧|惊恐|尖叫|confused|困惑": "surprised expression",
    "wink|winking|kiss|tongue out|smirk|smirking|flirty|眨眼|坏笑": "smiling|laughing",
    "proud|confident|elegant|mysterious|骄傲|自信|优雅|神秘|disgusted|disgust|厌恶|thoughtful|pensive|沉思": "calm expression|smiling",
    "freckles|freckled|雀斑|makeup|make up|lipstick|化妆|口红|scar|tattoo|tattoos|疤痕|纹身|wrinkles|皱纹|dimples|酒窝": "",
    "adult|grown up|成年人|成人": "young woman|young man|middle-aged person",
    "asian|chinese|japanese|korean|european|african|indian|latina|caucasian|亚洲|中国|日本|韩国|欧洲|非洲|印度|东方|西方": "pale skin|tan"
    " skin|brown skin",
    "strong|muscular|fat|chubby|slim|thin|tall|强壮|胖|瘦|苗条|高大": "round face|oval face|square face",
    "full body|whole body|全身|hands|手|close up|closeup|特写|half body|半身|profile|side view|侧面|from behind|背影": "front view|facing"
    " left|facing right",
    "candlelight|candle|fire|flame|backlight|backlit|rim light|dramatic lighting|dramatic light|cinematic|cinematic lighting|烛光"
    "|火焰|逆光|戏剧性光线|电影感|阳光|sunlight|sunshine|sunny|spotlight|shadow|shadows|阴影": "light from the left|light from the right|soft light",
}

TRADITIONAL = str.maketrans(
    "髮鬚鬍鏡藍紅綠綫線畫風圓臉長環釘裝襯襪裙頭戴穿顏膚銀鬆馬髻辮無沒帶著衛連領體樣貌視對觀眾側邊從來勻調層漸變純簡潔後遠樓樹燈櫻叢滿繁間屋內驚訝"
    "憤氣傷憂靜嚴肅開懷點滴齒爺婦歲歡喜麼個張與為歐國漢動漫憶質題試給讓請輕鴨軟編織緣寬檐禮貝蓋紮絡捲黃會這還燦爛蒼麗雙對眉",
    "发须胡镜蓝红绿线线画风圆脸长环钉装衬袜裙头戴穿颜肤银松马髻辫无没带着卫连领体样貌视对观众侧边从来匀调层渐变纯简洁后远楼树灯樱丛满繁间屋内惊讶"
    "愤气伤忧静严肃开怀点滴齿爷妇岁欢喜么个张与为欧国汉动漫忆质题试给让请轻鸭软编织缘宽檐礼贝盖扎络卷黄会这还灿烂苍丽双对眉",
)
