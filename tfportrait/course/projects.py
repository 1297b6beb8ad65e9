"""Capstones: what one can do at the end of the course, how it is measured, and how it is graded."""

import dataclasses

from tfportrait.course.definition import LANGUAGES, check_language

HEADINGS = {
    "task": ("Task", "任务"),
    "chapters": ("Builds on chapters", "所需章节"),
    "deliverables": ("Deliverables", "提交内容"),
    "measure": ("Measured by", "测量方法"),
    "rubric": ("Rubric", "评分标准"),
    "criterion": ("criterion", "标准"),
    "points": ("{} points", "{} 分"),
    "total": ("{} points in all", "满分 {} 分"),
}


@dataclasses.dataclass(frozen=True)
class Criterion:
    """One line of a rubric.

    Attributes:
        en, zh: str. What is looked at.
        levels: tuple of (int, str, str). Points, and what earns them in English and Chinese; the most points first.
    """

    en: str
    zh: str
    levels: tuple[tuple[int, str, str], ...]


@dataclasses.dataclass(frozen=True)
class Capstone:
    """A project for the end of the course. Texts are pairs, English and Chinese.

    Attributes:
        id: str. A word.
        chapters: tuple of int. What it builds on.
        title, task: pair of str.
        deliverables: tuple of pairs.
        commands: tuple of str. In the order in which they are run.
        measure: str. The Python expression that gives its number.
        number: pair. What that number says.
        criteria: tuple of Criterion.
    """

    id: str
    chapters: tuple[int, ...]
    title: tuple[str, str]
    task: tuple[str, str]
    deliverables: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]
    measure: str
    number: tuple[str, str]
    criteria: tuple[Criterion, ...]

    @property
    def points(self):
        """The most that it can earn."""
        return sum(criterion.levels[0][0] for criterion in self.criteria)

    def markdown(self, language="en"):
        """Task, deliverables, measurement and rubric as Markdown.

        Raises: ValueError for another language.
        """
        check_language(language)
        which = LANGUAGES.index(language)
        head = {name: texts[which] for name, texts in HEADINGS.items()}
        lines = [f"### {self.title[which]}", ""]
        lines += [f"**{head['task']}.** {self.task[which]}", ""]
        lines += [f"**{head['chapters']}**: {', '.join(f'{chapter:02d}' for chapter in self.chapters)}", ""]
        lines += [f"**{head['deliverables']}**", "", *(f"- {each[which]}" for each in self.deliverables), ""]
        lines += [f"**{head['measure']}** {self.number[which]}", ""]
        if self.commands:
            lines += ["```", *self.commands, "```", ""]
        lines += ["```python", self.measure, "```", ""]
        lines += [f"**{head['rubric']}**: {head['total'].format(self.points)}", ""]
        return "\n".join([*lines, *self._rubric(which, head)]) + "\n"

    def _rubric(self, which, head):
        points = sorted({level[0] for criterion in self.criteria for level in criterion.levels}, reverse=True)
        yield "| " + " | ".join((head["criterion"], *(head["points"].format(count) for count in points))) + " |"
        yield "|---" * (len(points) + 1) + "|"
        for criterion in self.criteria:
            earned = {level[0]: level[1 + which] for level in criterion.levels}
            cells = (getattr(criterion, LANGUAGES[which]), *(earned.get(count, "") for count in points))
            yield "| " + " | ".join(cells) + " |"

    def _repr_markdown_(self):
        return self.markdown()


def capstones():
    """The capstones, list of Capstone."""
    return list(CAPSTONES)


_REPORT = Criterion(
    "report",
    "报告",
    (
        (
            4,
            "anyone can run it again and gets these numbers; says what did not work",
            "任何人都能重跑得到这些数；说明了哪些没成功",
        ),
        (2, "numbers with settings and seeds, but no way to run it again", "给出数值、设置和种子，但无法重跑"),
        (0, "pictures alone", "只有图片"),
    ),
)

CAPSTONES = (
    Capstone(
        id="attribute",
        chapters=(7, 11, 12, 13),
        title=("An attribute of your own, by LoRA", "用 LoRA 教会一个属性"),
        task=(
            "The shipped painter follows some words badly: earrings, eye colours, beards, clothes. Choose one of these "
            "attributes, train a LoRA of portrait_128 that paints it better, and show that the gain is no accident and "
            "that nothing else was lost. Choose data, rank, learning rate and weighting by held-out measurements of "
            "your own.",
            "自带的绘画模型对有些词遵从得不好：耳饰、眼睛颜色、胡须、衣着。选择其中一个属性，"
            "为 portrait_128 训练一个 LoRA，使它画得更好，并证明这一提升不是偶然，其他方面也没有变差。"
            "数据、秩、学习率和损失加权都由你自己的留出测量来选择。",
        ),
        deliverables=(
            ("the configuration and the preset with its LoRA", "配置文件和带 LoRA 的预设"),
            ("both evaluations, of the same prompts and seeds", "训练前后的两份评估，提示词和种子相同"),
            (
                "a table of at least three settings that you tried, with what decided between them",
                "至少三种设置的对照表，并说明取舍的依据",
            ),
            ("sixteen pictures before and after, not chosen by hand", "训练前后各十六幅图，不得人工挑选"),
        ),
        commands=(
            "tfportrait evaluate portrait_128 --samples 256 --precision float32 --out before",
            "tfportrait train lora --config mine.toml --out mine",
            "tfportrait evaluate mine --oracle oracle_128 --samples 256 --precision float32 --out after",
        ),
        measure='tp.course.gain("before", "after", "earrings")',
        number=(
            "The gain in how often the oracle finds what was asked for, with its 95 % interval, and the mean change of "
            "all other attributes. scene_lora.toml shows how a configuration with a LoRA is written.",
            "判读器读出所要求内容的比例提高了多少（含 95 % 区间），以及其他属性的平均变化。"
            "带 LoRA 的配置写法可参考 scene_lora.toml。",
        ),
        criteria=(
            Criterion(
                "gain",
                "提升",
                (
                    (6, "at least 0.15, the whole interval above 0", "至少 0.15，且整个区间大于 0"),
                    (4, "the whole interval above 0", "整个区间大于 0"),
                    (2, "above 0, but the interval contains 0", "大于 0，但区间包含 0"),
                    (0, "none", "没有提升"),
                ),
            ),
            Criterion(
                "nothing lost",
                "其他方面未变差",
                (
                    (
                        4,
                        "all others -0.01 or more, and oracle_fd no larger",
                        "其他属性变化不低于 -0.01，oracle_fd 未增大",
                    ),
                    (2, "all others -0.03 or more", "其他属性变化不低于 -0.03"),
                    (0, "worse, or not looked at", "变得更差，或没有检查"),
                ),
            ),
            Criterion(
                "method",
                "方法",
                (
                    (
                        6,
                        "one thing changed at a time, decided on prompts other than the final ones",
                        "每次只改一处，且取舍所用提示词与最终测量不同",
                    ),
                    (4, "one thing changed at a time", "每次只改一处"),
                    (2, "several settings, several things at once", "试了多种设置，但一次改了多处"),
                    (0, "one setting", "只试了一种设置"),
                ),
            ),
            _REPORT,
        ),
    ),
    Capstone(
        id="sampler",
        chapters=(4, 8, 11),
        title=("A sampler of your own, at equal evaluations", "自己的采样器：在相同求值次数下比较"),
        task=(
            "Write a deterministic sampler that is none of the package's: of third order, with several earlier "
            "answers, with other steps, or fitted to the schedule. Derive it, and compare it with ddim, heun and "
            "dpmpp_2m for equally many evaluations of the network.",
            "写一个本包没有的确定性采样器：三阶的、利用多个先前回答的、步长不同的，或针对噪声调度拟合的。给出推导，"
            "并在网络求值次数相同的条件下与 ddim、heun、dpmpp_2m 比较。",
        ),
        deliverables=(
            ("the sampler, in the package's form", "采样器，写成本包的形式"),
            ("its derivation, and the order that it should have", "推导，以及它应有的阶"),
            ("a table of errors beside those of the three others", "与另外三种采样器并列的误差表"),
            ("a figure of error against evaluations, both axes logarithmic", "误差与求值次数的双对数图"),
        ),
        commands=(),
        measure='tp.course.sampler_errors(my_sampler)  # beside sampler_errors(tp.diffusion.samplers.get("dpmpp_2m"))',
        number=(
            "The median distance from where the exact path ends, for 6, 12, 24 and 48 evaluations, which are counted. "
            "For 24 and 48 ddim has 0.062 and 0.029, heun 0.103 and 0.017, dpmpp_2m 0.024 and 0.004.",
            "求值 6、12、24、48 次（由程序计数）时，与精确路径终点距离的中位数。"
            "24 次与 48 次时 ddim 为 0.062 与 0.029，heun 为 0.103 与 0.017，dpmpp_2m 为 0.024 与 0.004。",
        ),
        criteria=(
            Criterion(
                "error",
                "误差",
                (
                    (6, "smaller than dpmpp_2m's at one of the four or more", "四个次数中至少一个小于 dpmpp_2m"),
                    (4, "smaller than ddim's at 24 and 48", "24 次与 48 次时均小于 ddim"),
                    (2, "smaller than ddim's at 48", "48 次时小于 ddim"),
                    (0, "larger", "更大"),
                ),
            ),
            Criterion(
                "derivation",
                "推导",
                (
                    (6, "from the differential equation to the code, every step named", "从微分方程到代码，步步有据"),
                    (4, "right, with gaps", "正确，但有跳步"),
                    (2, "in words alone", "仅有文字说明"),
                    (0, "none", "没有"),
                ),
            ),
            Criterion(
                "order",
                "阶",
                (
                    (
                        4,
                        "the measured slope is the derived one, or it is said why not",
                        "实测斜率与推导一致，或解释了不一致的原因",
                    ),
                    (2, "the slope is measured", "测量了斜率"),
                    (0, "not measured", "没有测量"),
                ),
            ),
            _REPORT,
        ),
    ),
    Capstone(
        id="audit",
        chapters=(1, 6, 7, 13),
        title=("A leak audit of a preset", "预设的泄漏审计"),
        task=(
            "Train the lesson's painter twice with the same steps: on 64 portraits, and on 8,192. Find out by "
            "measurement which of them repeats its training pictures, how an attacker would know whether a portrait "
            "was trained on, and what can be done. Then audit portrait_128 in the same way.",
            "用相同步数训练两次课程的绘画模型：一次 64 幅肖像，一次 8,192 幅。通过测量判断哪一个在重复训练图像，"
            "攻击者如何得知某幅肖像是否参加过训练，以及可以采取什么措施。然后用同样的方法审计 portrait_128。",
        ),
        deliverables=(
            ("shares of repeated pictures of all three, with intervals", "三者的重复比例及其区间"),
            ("the eight nearest pairs of each, side by side", "每个模型最接近的八对图像，并排展示"),
            (
                "the advantage of an attacker who looks at losses, on members and on others",
                "仅看损失的攻击者在成员与非成员上的优势",
            ),
            ("a countermeasure, tried, with the same numbers", "一种对策及其实测，指标相同"),
        ),
        commands=(
            "tfportrait train oracle --config lesson_32 --out judge",
            "tfportrait train autoencoder --config few.toml --out few",
            "tfportrait train diffusion --config few.toml --out few",
            "tfportrait evaluate few --oracle judge --samples 64 --training 64 --out audit",
        ),
        measure="tp.metrics.memorisation(oracle.embed(painted), oracle.embed(training), oracle.embed(unseen))",
        number=(
            "The share of painted pictures that are nearer to a training picture than 1 % of unseen pictures are; "
            "`.repeats` says whether its interval lies above that 1 %. few.toml is lesson_32.toml with train = 64.",
            "与训练图像的距离比 1 % 的未见图像还近的生成图像比例；`.repeats` 说明其区间是否高于这 1 %。"
            "few.toml 即把 train 改为 64 的 lesson_32.toml。",
        ),
        criteria=(
            Criterion(
                "finding",
                "结论",
                (
                    (
                        6,
                        "all three judged rightly, each with its interval, on at least 256 pictures",
                        "三者判断正确且各有区间，每个至少 256 幅图",
                    ),
                    (4, "all three judged, with fewer pictures", "三者都有判断，但图像较少"),
                    (2, "by looking at pairs alone", "仅凭目视比对"),
                    (0, "none", "没有结论"),
                ),
            ),
            Criterion(
                "attack",
                "攻击",
                (
                    (
                        4,
                        "an advantage with its threshold chosen on other pictures than it is measured on",
                        "给出优势，且选阈值与测量用的是不同图像",
                    ),
                    (
                        2,
                        "an advantage, its threshold chosen on the same pictures",
                        "给出优势，但选阈值与测量用的是相同图像",
                    ),
                    (0, "none", "没有"),
                ),
            ),
            Criterion(
                "countermeasure",
                "对策",
                (
                    (
                        6,
                        "the leak measured before and after, and what it costs in prompt accuracy",
                        "测量了前后的泄漏以及提示词准确率上的代价",
                    ),
                    (4, "the leak measured before and after", "测量了前后的泄漏"),
                    (2, "one is named", "只提出了对策"),
                    (0, "none, or encryption of the files", "没有，或只是加密文件"),
                ),
            ),
            _REPORT,
        ),
    ),
    Capstone(
        id="painter",
        chapters=(5, 6, 7, 8, 11),
        title=("A painter from nothing", "从零训练一个绘画模型"),
        task=(
            "Train a painter of 32-pixel portraits from nothing: autoencoder, text encoder, U-Net. lesson_32.toml is a "
            "start of about a quarter of an hour; change what you like but the size of the pictures and the time, one "
            "hour on the machine that you are given. As high a prompt accuracy as you can reach.",
            "从零训练一个 32 像素的肖像绘画模型：自编码器、文本编码器、U-Net。lesson_32.toml 是约一刻钟的起点；"
            "除图像尺寸与时间（在给定机器上一小时）外均可改动，使提示词准确率尽量高。",
        ),
        deliverables=(
            ("the configuration, the preset and its training.toml", "配置、预设及其 training.toml"),
            ("the evaluation of 512 unseen prompts", "512 个未见提示词的评估"),
            (
                "where the hour went, and the three changes that were worth most, each measured alone",
                "一小时用在了哪里，以及最有价值的三处改动（逐一单独测量）",
            ),
            ("a model card: data, cost, quality, limits", "模型卡：数据、代价、质量、局限"),
        ),
        commands=(
            "tfportrait train oracle --config lesson_32 --out judge",
            "tfportrait train autoencoder --config mine.toml --out mine",
            "tfportrait train diffusion --config mine.toml --out mine",
            "tfportrait evaluate mine --oracle judge --samples 512 --out evaluation",
        ),
        measure='tp.course.share_of_the_way("evaluation")',
        number=(
            "How far the prompt accuracy has come from guessing (0) to what the oracle reads on real pictures (1), "
            "with its 95 % interval. By the same measure portrait_128, hours of training, stands at 0.83.",
            "提示词准确率从猜测（0）到判读器在真实图像上的读数（1）走了多远，含 95 % 区间。按同样的量度，"
            "训练了数小时的 portrait_128 为 0.83。",
        ),
        criteria=(
            Criterion(
                "accuracy",
                "准确率",
                (
                    (6, "two thirds of the way", "走完三分之二"),
                    (4, "half of the way", "走完一半"),
                    (2, "the whole interval above 0", "整个区间大于 0"),
                    (0, "not above guessing", "不高于猜测"),
                ),
            ),
            Criterion(
                "what was worth it",
                "改动的价值",
                (
                    (
                        6,
                        "three changes measured alone, from the same seed and more than one",
                        "三处改动各自单独测量，种子相同且不止一个",
                    ),
                    (4, "three changes measured alone", "三处改动各自单独测量"),
                    (2, "changes measured together", "多处改动一起测量"),
                    (0, "not measured", "没有测量"),
                ),
            ),
            Criterion(
                "model card",
                "模型卡",
                (
                    (4, "complete, and its limits are the measured ones", "完整，且局限来自测量"),
                    (2, "complete", "完整"),
                    (0, "missing parts", "不完整"),
                ),
            ),
            _REPORT,
        ),
    ),
)
