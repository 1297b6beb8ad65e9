"""A part of Noto Sans CJK SC, for plots where no Chinese font is installed -> tfportrait/chinese_font.otf.

    python tests/golden/chinese_font.py FONT      # needs fonttools; made with fonttools 4.68.0 of
                                                  # /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc 2.004

It has ASCII, punctuation, and the Chinese characters that stand anywhere in the package or are among the commonest.
Outlines are on a grid of 256 units, without hinting: sharp enough for the labels of plots, and a seventh smaller.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUT = ROOT / "tfportrait" / "chinese_font.otf"
FAMILY = "Portrait Sans SC"
UNITS = 256  # in an em
PUNCTUATION = "，。、；：？！“”‘’（）《》【】「」…—–～·％＋－＝／×÷±≤≥≠≈→←↑↓°−"
COMMON = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事"
    "成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此"
    "已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代"
    "内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安"
    "少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光"
    "放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运笔亮众"
    "息够称收参图音照八究装集段较远近温测试练习层块步率差误值轴宽深浅低窄速快慢频短列推荐选择项标准批噪潜编码器训验证损失"
    "梯采引示词注均概布密维刻肖画风颜镜帽衣服背景线姿势龄胡须耳饰脸型肤彩油铅素描漫墨写模糊晰修复裁剪旋转翻六七九百千亿零"
    "半双每另初末顺序逆循环曲斜截距极限积商余幂根号函矩阵卷核归激残嵌置答案错章节课班级例显著柱状折散热网坐横纵单毫秒钟专"
    "侵储免况创医历团坛娱媒宣富射尝巧巨念您户技抗拓挥掌摘支旨映智析枝架洗浸涉牌甚疗益监督研私突粘耗育获融诊详费足辅迅避鉴"
    "障吧呢吗啊哪谁怎哥弟妹姐爸妈爷奶孩亲友朋客爱恨喜怒哀乐哭笑睡醒吃喝饭菜茶酒糖盐米肉鱼鸟狗猫牛羊猪鸡虫草花树林森河湖江"
    "岛桥街店馆厅床桌椅灯窗墙屋顶春夏秋冬早午晚夜昨周季星钱价买卖农村县省京州港湾首届岁寿健康病药护士警兵枪炮弹船飞汽车票"
    "站厂煤矿铁铜银钢玻璃纸棉丝皮毛骨血泪汗讲谈议评判断猜忘忆懂晓悟查找寻觅挑拣拿抓握拖拔按压拍敲击投掷抛抱扛举抬搬移送寄"
    "递换借赢输赛奖罚守攻防御敌坏丑善恶贵贱贫弱硬软轻厚薄粗细紧松干湿冷暖凉苦甜酸辣香臭甘咸静闹忙闲累困饿饱渴痛痒麻伤亡葬"
    "版协责律违害诈骗伪造谣播台账钥令授登录册载升卸兼容依赖谱滤池填充幅膨胀稀疏稠套堆叠串联拼割检追踪聚降蒸馏缩署延迟吞吐"
    "缓存磁盘奇偶质约倍整除绝补属连续离微凸凹鞍驻拐渐敛震荡稳混沌随独缘似熵互"
)  # common characters, and words of the field


def used(folder=ROOT / "tfportrait"):
    """The Chinese characters that stand in the package's files."""
    found = set()
    for kind in ("*.py", "*.toml", "*.md"):
        for path in folder.rglob(kind):
            found |= {letter for letter in path.read_text("utf-8") if "\u4e00" <= letter <= "\u9fff"}
    return found


def main(source):
    from fontTools import subset, ttLib
    from fontTools.ttLib.scaleUpem import scale_upem

    letters = used() | set(COMMON) | set(PUNCTUATION) | {chr(code) for code in range(32, 127)}
    options = subset.Options(
        hinting=False, desubroutinize=True, layout_features=[], name_IDs=[0, 1, 2, 4, 6, 13, 14], notdef_outline=True
    )
    options.drop_tables += ["BASE", "GDEF", "GPOS", "GSUB", "VORG", "vhea", "vmtx"]
    options.recalc_timestamp = False
    number = next(
        i
        for i, font in enumerate(ttLib.TTCollection(source).fonts)
        if font["name"].getDebugName(1) == "Noto Sans CJK SC"
    )
    font = ttLib.TTFont(source, fontNumber=number, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(letters))
    subsetter.subset(font)
    scale_upem(font, UNITS)
    for name in font["name"].names:
        name.string = {1: FAMILY, 4: FAMILY, 6: FAMILY.replace(" ", "")}.get(name.nameID, name.toUnicode())
    font["CFF "].cff.fontNames = [FAMILY.replace(" ", "")]
    font.save(OUT)
    print(f"{OUT}: {OUT.stat().st_size} bytes, {len(font.getBestCmap())} characters")


if __name__ == "__main__":
    main(sys.argv[1])
