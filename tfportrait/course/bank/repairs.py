"""Repair the chapter: what the source document has wrong, as functions that are to be put right.

A repair is the text of a wrong function and its bugs, each a piece of that text and what should stand there. Whatever
subset of the bugs remains is a misconception, and so is a slip that is likely on the way.
"""

import dataclasses
import itertools

import numpy as np

from tfportrait.course.definition import Exercise, Mistake

FACTS = {
    "errata.aigc": ("what an abbreviation stands for", "一个缩写的含义"),
    "errata.origin": ("who did something, and when", "何人在何时做了什么"),
    "errata.setup": ("versions and drivers of a certain year", "某一年份的版本与驱动"),
    "errata.celeba": ("the size of a data set, and its licence", "一个数据集的规模与许可"),
    "errata.open_images": ("what a data set contains", "一个数据集包含什么"),
    "errata.city_models": ("a promise about a product", "对产品的许诺"),
    "errata.resources": ("lists of tools and data sets", "工具与数据集的清单"),
}  # errata that no function shows, and what they are about


@dataclasses.dataclass(frozen=True)
class Bug:
    """A piece that is wrong.

    Attributes:
        name: str. A word for tables.
        wrong, right: str. What stands in the wrong function, and what should.
        en, zh: str. What is wrong, for the student.
    """

    name: str
    wrong: str
    right: str
    en: str
    zh: str


@dataclasses.dataclass(frozen=True)
class Slip:
    """A repair that goes wrong: `slipped` in place of `right` in the right function; for the rest see `Bug`."""

    name: str
    right: str
    slipped: str
    en: str
    zh: str


def function(source):
    """The function that a text defines."""
    names = {"np": np}
    exec(source, names)  # our own text
    return names[signature(source).partition("(")[0]]


def signature(source):
    """Name and arguments of the function that a text defines."""
    return source.partition("def ")[2].partition(":")[0]


def _repair(*, source, bugs, slips=(), **fields):
    source = source.strip() + "\n"
    right, mistakes = source, []
    for bug in bugs:
        if right.count(bug.wrong) != 1:
            raise ValueError(f"{fields['id']}: {bug.wrong!r} is not there exactly once")
        right = right.replace(bug.wrong, bug.right)
    for count in range(len(bugs), 0, -1):
        for remaining in itertools.combinations(bugs, count):
            text = source
            for bug in bugs:
                text = text if bug in remaining else text.replace(bug.wrong, bug.right)
            name = "_and_".join(bug.name for bug in remaining)
            said = ("; ".join(bug.en for bug in remaining), "；".join(bug.zh for bug in remaining))
            mistakes.append(Mistake(name, function(text), *said))
    for slip in slips:
        if slip.right not in right:
            raise ValueError(f"{fields['id']}: {slip.right!r} is not in the right function")
        mistakes.append(Mistake(slip.name, function(right.replace(slip.right, slip.slipped)), slip.en, slip.zh))
    return Exercise(
        signature=signature(source), solution=function(right), mistakes=tuple(mistakes), broken=source, **fields
    )


def _pixels(generator):
    return (generator.integers(0, 256, (2, 3, 3, 1)).astype("uint8"),)


def _oblong(generator):
    size = int(generator.integers(3, 6))
    rows, columns = size * generator.integers(2, 4), size * generator.integers(4, 6) + 1
    shape = (rows, columns, 3) if generator.random() < 0.5 else (columns, rows, 3)
    return generator.uniform(0, 1, shape), size


def _sides(generator):
    return generator.uniform(0, 1, (4, 3, 5, 1)), generator.choice([-1.0, 1.0], 4)


def _moments(generator):
    moments = generator.standard_normal((2, 2, 5))  # of a batch of two, where the printed indices do not fail
    return moments, generator.standard_normal((2, 5))


def _reconstruction(generator):
    images, decoded = generator.uniform(-1, 1, (2, 3, 4, 4, 1))
    mean, log_variance = generator.standard_normal((2, 3, 5))
    return images, decoded, mean, log_variance, float(generator.uniform(0.3, 1.5))


def _convolution(generator):
    rows, columns, filters = (int(x) for x in generator.integers(5, 12, 3))
    return rows, columns, filters, int(generator.integers(2, 4))


def _pushed(generator):
    prior = generator.uniform(0.2, 1.0, 6)
    painted = generator.integers(0, 4, 6)
    return prior / prior.sum(), painted, generator.normal(0, 1.5, 4)


def _scores(generator):
    return generator.normal(0, 1.5, 5), generator.normal(0, 1.5, 5)


def _densities(generator):
    real, painted = generator.uniform(0.05, 1.0, (2, 6))
    return real / real.sum(), painted / painted.sum()


def _players(generator):
    weights, critic, noise = (generator.standard_normal(shape) for shape in ((3, 4), 4, (5, 3)))
    return weights, critic, noise, float(generator.uniform(0.1, 0.5))


def _judged(generator):
    return tuple(generator.standard_normal(shape) * 0.8 for shape in ((4, 6), (4, 3), (3, 6), 6))


def _layout(generator):
    return tuple(int(x) for x in generator.integers(2, 17, 3))


def _strides(generator):
    return int(generator.choice([4, 6, 8])), generator.integers(2, 4, int(generator.integers(3, 6)))


def _noisy(generator):
    x_0, noise = generator.standard_normal((2, 4, 6))
    angle = generator.uniform(0.4, 1.2)
    return x_0, noise, float(np.cos(angle)), float(np.sin(angle))


def _noised(generator):
    x_0, noise, signal_rate, noise_rate = _noisy(generator)
    return signal_rate * x_0 + noise_rate * noise, x_0, signal_rate, noise_rate


def _features(generator):
    return generator.normal(0, 1, (3, 5, 6)) * generator.uniform(0.5, 2, 6) + generator.normal(0, 1, 6), 2


def _tables(generator):
    rates = 10.0 ** -np.arange(1.0, 6.0)
    return rates, np.array([8, 16, 32, 64]), *generator.uniform(0.1, 1.0, (2, 5, 4))


def _errors(generator):
    return generator.uniform(0.8, 1.2, 9), generator.uniform(0.1, 0.5, 9), generator.permutation(np.arange(9) < 4)


def _painter(generator):
    noise, predicted = generator.standard_normal((2, 3, 4, 4, 2))
    return noise, predicted, generator.uniform(0.05, 0.95, 3), *generator.standard_normal((2, 3, 8))


def _attention(generator):
    return tuple(generator.standard_normal(shape) for shape in ((4, 5), (4, 5), (5, 3), (5, 3), (5, 3)))


def _cost(generator):
    return tuple(int(x) for x in (generator.integers(1, 50), generator.integers(5, 50), generator.choice([1, 2, 4])))


def _clips(generator):
    first = generator.uniform(0, 1, (3, 1, 4, 4))
    return (first + np.cumsum(generator.normal(0.02, 0.05, (3, 5, 4, 4)), axis=1),)


def _codes(generator):
    code, noise = generator.standard_normal((2, 6))
    with_smile, without_smile = generator.standard_normal((2, 5, 6)) + generator.standard_normal((2, 1, 6))
    return code, noise, with_smile, without_smile, float(generator.uniform(0.5, 2.0))


def _blocks(generator):
    return tuple(int(x) for x in generator.integers(1, 5, 3))


def _audit(generator):
    training = generator.integers(0, 256, (5, 8))
    painted = np.concatenate([training[:2] + generator.integers(-3, 4, (2, 8)), generator.integers(0, 256, (2, 8))])
    return painted, training, int(generator.integers(64, 256))


EXERCISES = (
    _repair(
        id="01-R1",
        erratum="errata.listing_range",
        level=1,
        case=_pixels,
        en="Pixels 0 to 255 in the range of a generator that ends in tanh, -1 to 1.",
        zh="把 0 到 255 的像素变到以 tanh 结尾的生成器的取值范围 -1 到 1。",
        source="""
def to_network(pixels):
    return pixels / 255
""",
        bugs=(
            Bug(
                "zero_to_one",
                "pixels / 255",
                "pixels / 127.5 - 1",
                "0 to 1 is half of tanh's range: by its range alone a discriminator tells real from painted",
                "0 到 1 只是 tanh 值域的一半：判别器仅凭取值范围就能分辨真假",
            ),
        ),
        slips=(
            Slip(
                "divided_by_128",
                "127.5",
                "128",
                "white becomes 0.992 instead of 1: half of 255 is 127.5",
                "白色变成 0.992 而不是 1：255 的一半是 127.5",
            ),
            Slip(
                "half_as_wide",
                "pixels / 127.5 - 1",
                "pixels / 255 - 0.5",
                "centred, but only from -0.5 to 0.5",
                "虽已居中，但范围只有 -0.5 到 0.5",
            ),
            Slip("not_centred", " - 1", "", "the range is 0 to 2: subtract 1", "范围成了 0 到 2：还要减 1"),
        ),
        equation="errata.listing_range",
    ),
    _repair(
        id="01-R2",
        erratum="errata.listing_training",
        level=2,
        case=_oblong,
        en="A picture (H, W, 3) as a square of side size, in colour and not distorted: the largest square in the "
        "middle (an odd rest counts rounded down), of whose side s the rows and columns floor(i * s / size) are kept.",
        zh="把图像 (H, W, 3) 变成边长为 size 的彩色正方形，且不变形：取正中的最大正方形（多出奇数行列时向下取整），"
        "边长记为 s，保留第 floor(i * s / size) 行与列。",
        source="""
def prepared(image, size):
    steps = np.arange(size)
    rows, columns = steps * image.shape[0] // size, steps * image.shape[1] // size
    return image[rows][:, columns].mean(axis=-1, keepdims=True)
""",
        bugs=(
            Bug(
                "squashed",
                "    rows, columns = steps * image.shape[0] // size, steps * image.shape[1] // size\n",
                "    side = min(image.shape[:2])\n"
                "    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2\n"
                "    rows, columns = top + steps * side // size, left + steps * side // size\n",
                "an oblong picture is squashed into a square: faces become broad or thin; cut a square out first",
                "长方形图像被压成了正方形：脸会变宽或变窄；应先裁出正方形",
            ),
            Bug(
                "grey",
                ".mean(axis=-1, keepdims=True)",
                "",
                "the three colours were averaged to one channel",
                "三个颜色通道被平均成了一个",
            ),
        ),
        slips=(
            Slip(
                "corner",
                "(image.shape[0] - side) // 2, (image.shape[1] - side) // 2",
                "0, 0",
                "the square lies in the upper left corner, not in the middle",
                "正方形取在左上角，而不是正中",
            ),
        ),
    ),
    _repair(
        id="01-R3",
        erratum="errata.augmentation",
        level=2,
        case=_sides,
        en="Mirrored pictures (B, H, W, C), left and right exchanged, with the side that their captions name: "
        "-1 left, 1 right. Heads stay up, and the captions stay true.",
        zh="把图像 (B, H, W, C) 左右镜像，并给出描述中提到的方位（-1 为左，1 为右）：头仍朝上，描述仍属实。",
        source="""
def mirrored(images, sides):
    return images[:, ::-1, ::-1], sides
""",
        bugs=(
            Bug(
                "upside_down",
                "images[:, ::-1, ::-1]",
                "images[:, :, ::-1]",
                "the rows are turned round too: a generator paints what it sees, here heads that hang down",
                "行也被反转了：生成器见到什么就画什么，这里会画出倒挂的头",
            ),
            Bug(
                "caption_kept",
                "], sides",
                "], -sides",
                "the caption still says the old side: what was left is right now",
                "描述里还是原来的方位：镜像后左变成了右",
            ),
        ),
    ),
    _repair(
        id="02-R1",
        erratum="errata.listing_sampling",
        level=2,
        case=_moments,
        en="A sample z (B, D) of each posterior; moments (2, B, D) has the means, then the logarithms of the "
        "variances; noise is unit noise.",
        zh="从每个后验采样 z (B, D)；moments (2, B, D) 先是均值，再是方差的对数；noise 为标准正态噪声。",
        source="""
def sample(moments, noise):
    mean, log_variance = moments[:, 0], moments[:, 1]
    return mean + np.exp(log_variance) * noise
""",
        bugs=(
            Bug(
                "columns",
                "moments[:, 0], moments[:, 1]",
                "moments[0], moments[1]",
                "[:, 0] takes the first example of both, not the means of all; that it runs is luck of a batch of two",
                "[:, 0] 取的是两者的第一个样本，而不是全部均值；能运行只因为批次恰好是 2",
            ),
            Bug(
                "variance_for_deviation",
                "np.exp(log_variance)",
                "np.exp(log_variance / 2)",
                "exp(log_variance) is the variance; noise is scaled by the deviation, exp(log_variance / 2)",
                "exp(log_variance) 是方差；缩放噪声的是标准差 exp(log_variance / 2)",
            ),
        ),
        slips=(
            Slip(
                "log_for_deviation",
                "np.exp(log_variance / 2)",
                "log_variance",
                "the logarithm of the variance was taken for the deviation; it may be negative",
                "把方差的对数当成了标准差；它可能是负数",
            ),
        ),
        equation="vae.reparameterization",
    ),
    _repair(
        id="02-R2",
        erratum="errata.listing_no_kl",
        level=3,
        case=_reconstruction,
        en="What a VAE minimises, without constants: half the squared error over deviation squared, summed over the "
        "pixels of an image, plus the divergence of its posterior from the unit normal one; the mean over the batch.",
        zh="VAE 的最小化目标（略去常数）：平方误差除以标准差的平方再取一半、对一幅图的像素求和，"
        "加上后验相对标准正态分布的 KL 散度；最后对批次取平均。",
        source="""
def loss(images, decoded, mean, log_variance, deviation):
    error = np.mean((images - decoded) ** 2)
    return error
""",
        bugs=(
            Bug(
                "mean_over_pixels",
                "np.mean((images - decoded) ** 2)",
                "np.mean(np.sum(((images - decoded) / deviation) ** 2, axis=(1, 2, 3))) / 2",
                "the plain mean of squares is no likelihood: it is summed over an image and divided by 2 deviation**2, "
                "else its weight beside the divergence is arbitrary",
                "单纯的均方误差不是似然：应对一幅图求和并除以 2 倍标准差的平方，否则它与散度的相对权重是任意的",
            ),
            Bug(
                "no_divergence",
                "return error",
                "return error + np.mean(np.sum(mean**2 + np.exp(log_variance) - log_variance - 1, axis=1)) / 2",
                "the divergence is missing: nothing brings the codes to the prior, so decoded noise is no image",
                "缺少 KL 散度：没有任何东西让编码靠近先验，解码噪声得不到图像",
            ),
        ),
        slips=(
            Slip(
                "divergence_averaged",
                "np.sum(mean**2 + np.exp(log_variance) - log_variance - 1, axis=1)",
                "mean**2 + np.exp(log_variance) - log_variance - 1",
                "the divergence was averaged over the dimensions; it is their sum",
                "散度对各维取了平均；应当求和",
            ),
        ),
        equation="vae.elbo",
    ),
    _repair(
        id="02-R3",
        erratum="errata.listing_prose",
        level=1,
        case=_convolution,
        en="How many numbers an encoder's image (rows x columns) becomes after a convolution with so many filters, "
        "this stride and same padding, and Flatten. With same padding a side s becomes s / stride, rounded up.",
        zh="编码器的图像（rows × columns）经过给定卷积核数与步幅的 same 填充卷积，再经过 Flatten，共有多少个数？"
        "same 填充时边长 s 变为 s / stride，向上取整。",
        source="""
def numbers(rows, columns, filters, stride):
    pixels = 1  # Flatten compresses them
    return pixels * filters
""",
        bugs=(
            Bug(
                "flatten_compresses",
                "1  # Flatten compresses them",
                "-(-rows // stride) * -(-columns // stride)",
                "Flatten compresses nothing: it only writes the same numbers in one row; the stride is what compresses",
                "Flatten 不会压缩：它只是把同样的数排成一行；真正压缩的是步幅",
            ),
        ),
        slips=(
            Slip(
                "stride_ignored",
                "-(-rows // stride) * -(-columns // stride)",
                "rows * columns",
                "the stride was left out: it divides both sides",
                "漏了步幅：它使两条边都缩小",
            ),
            Slip(
                "rounded_down",
                "-(-rows // stride) * -(-columns // stride)",
                "(rows // stride) * (columns // stride)",
                "rounded down; with same padding no pixel is left out, so it is rounded up",
                "向下取整了；same 填充不丢弃像素，应向上取整",
            ),
        ),
    ),
    _repair(
        id="03-R1",
        erratum="errata.generator_density",
        level=3,
        case=_pushed,
        en="The distribution of what a generator paints. There are K noises z with probabilities prior (K,); z is "
        "painted as picture number painted[z] of M pictures; scores (M,) is what the discriminator gives to these. "
        "The probability of each picture (M,).",
        zh="生成器所画图像的分布。共有 K 个噪声 z，概率为 prior (K,)；z 被画成 M 幅图中的第 painted[z] 幅；"
        "scores (M,) 是判别器给它们的分数。求每幅图的概率 (M,)。",
        source="""
def density(prior, painted, scores):
    weights = np.exp(-0.5 * scores[painted] ** 2)
    return weights / weights.sum()
""",
        bugs=(
            Bug(
                "scores_for_prior",
                "np.exp(-0.5 * scores[painted] ** 2)",
                "prior",
                "the discriminator's scores have no part in what is painted; the noise has the probabilities of prior",
                "画出什么与判别器的分数无关；噪声的概率由 prior 给出",
            ),
            Bug(
                "noises_for_pictures",
                "weights / weights.sum()",
                "np.bincount(painted, weights / weights.sum(), len(scores))",
                "that is one number for each noise; the density is of pictures: add up all noises that give the same",
                "这是每个噪声一个数；密度属于图像：要把得到同一幅图的所有噪声相加",
            ),
        ),
        slips=(
            Slip(
                "prior_ignored",
                "weights = prior",
                "weights = np.ones(len(prior))",
                "the noises were counted as equally likely; they have the probabilities of prior",
                "把各个噪声当成了等可能的；它们的概率由 prior 给出",
            ),
        ),
        equation="errata.generator_density",
    ),
    _repair(
        id="03-R2",
        erratum="errata.discriminator_density",
        level=2,
        case=_scores,
        en="The probability that a picture is real, of its score, the logarithm of the odds p / (1 - p). The score of "
        "another picture is there too; it must not matter.",
        zh="由分数求图像为真的概率，分数是几率 p / (1 - p) 的对数。另一幅图的分数也给出了；它不应有影响。",
        source="""
def says_real(score, other_score):
    weight = np.exp(-0.5 * score**2)
    return weight / (1 + np.exp(-0.5 * other_score**2))
""",
        bugs=(
            Bug(
                "squared",
                "np.exp(-0.5 * score**2)",
                "np.exp(score)",
                "with the square a picture that is surely real gets as little as one that is surely not; odds are "
                "exp(score)",
                "平方之后，肯定为真与肯定为假的图得分一样低；几率是 exp(score)",
            ),
            Bug(
                "another_picture",
                "(1 + np.exp(-0.5 * other_score**2))",
                "(1 + weight)",
                "the denominator has another picture's score: that is no probability; with the same weight in both it "
                "is odds / (1 + odds)",
                "分母用了另一幅图的分数，结果不是概率；分子分母用同一个量：几率 / (1 + 几率)",
            ),
        ),
        slips=(
            Slip(
                "wrong_sign",
                "np.exp(score)",
                "np.exp(-score)",
                "that is the probability of being painted; the sign of the score is wrong",
                "这是图像为假的概率；分数的符号错了",
            ),
        ),
        equation="gan.optimal_discriminator",
    ),
    _repair(
        id="03-R3",
        erratum="errata.discriminator_quality",
        level=1,
        case=_densities,
        en="What the best discriminator says of each value, from the densities of real and of painted values.",
        zh="由真实值与生成值的密度，求最优判别器对每个值给出的输出。",
        source="""
def discriminator(real_density, painted_density):
    return real_density / real_density.max()
""",
        bugs=(
            Bug(
                "quality_alone",
                "real_density / real_density.max()",
                "real_density / (real_density + painted_density)",
                "a discriminator knows no quality: it only weighs real against painted, so both densities count",
                "判别器并不懂质量：它只权衡真与假，两个密度都要用到",
            ),
        ),
        slips=(
            Slip(
                "exchanged",
                "real_density /",
                "painted_density /",
                "that is the probability of being painted",
                "这是“是生成的”的概率",
            ),
            Slip(
                "odds",
                "(real_density + painted_density)",
                "painted_density",
                "those are the odds; a probability divides by the sum of both",
                "这是几率；概率要除以两者之和",
            ),
        ),
        equation="gan.optimal_discriminator",
    ),
    _repair(
        id="03-R4",
        erratum="errata.generator_adjusts_noise",
        level=3,
        case=_players,
        en="The generator's turn: pictures are noise @ weights, their logits are pictures @ critic, and one step of "
        "gradient descent with this rate makes -mean(log(sigmoid(logits))) smaller. Return weights, critic and noise "
        "as they are afterwards.",
        zh="轮到生成器：图像为 noise @ weights，其 logit 为 图像 @ critic，用给定学习率做一步梯度下降，"
        "使 -mean(log(sigmoid(logits))) 变小。返回之后的 weights、critic 与 noise。",
        source="""
def generators_turn(weights, critic, noise, rate):
    painted = noise @ weights
    slope = (1 / (1 + np.exp(-painted @ critic)) - 1) / len(noise)  # of the loss, at the logits
    noise = noise - rate * np.outer(slope, critic) @ weights.T
    return weights, critic - rate * painted.T @ slope, noise
""",
        bugs=(
            Bug(
                "noise_adjusted",
                "noise = noise - rate * np.outer(slope, critic) @ weights.T",
                "weights = weights - rate * noise.T @ np.outer(slope, critic)",
                "the noise moves and the generator learns nothing: noise is drawn anew each time, the weights are what "
                "a step changes",
                "移动的是噪声，生成器什么也没学到：噪声每次重新抽取，一步更新的是权重",
            ),
            Bug(
                "critic_moves",
                "critic - rate * painted.T @ slope",
                "critic",
                "the critic moves too, to the generator's advantage: in one player's turn the other stands still",
                "判别器也动了，而且是帮生成器的忙：轮到一方时，另一方保持不动",
            ),
        ),
        slips=(
            Slip(
                "uphill",
                "weights - rate",
                "weights + rate",
                "a step of descent goes against the gradient",
                "梯度下降应沿负梯度方向",
            ),
        ),
        equation="gan.losses",
    ),
    _repair(
        id="03-R5",
        erratum="errata.listing_discriminator",
        level=2,
        case=_judged,
        en="What the discriminator, sigmoid(pictures @ critic), says of the real images and of the painted ones, "
        "tanh(noise @ generator): two arrays of probabilities.",
        zh="判别器 sigmoid(图像 @ critic) 对真实图像和对生成图像 tanh(noise @ generator) 的输出：两个概率数组。",
        source="""
def judged(images, noise, generator, critic):
    features = noise @ generator
    real = features @ critic
    painted = features @ critic
    return 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-painted))
""",
        bugs=(
            Bug(
                "images_unseen",
                "real = features",
                "real = images",
                "the discriminator goes on from the generator's features and never sees a real image; it has an input "
                "of its own",
                "判别器接在生成器的特征之后，从未见过真实图像；它应有自己的输入",
            ),
            Bug(
                "features_for_pictures",
                "painted = features",
                "painted = np.tanh(features)",
                "it judges the generator's features instead of its pictures: D is called on G(z), after tanh",
                "它评判的是生成器的特征而不是图像：D 应作用于 tanh 之后的 G(z)",
            ),
        ),
    ),
    _repair(
        id="03-R6",
        erratum="errata.listing_reshape",
        level=1,
        case=_layout,
        en="How many units a dense layer needs, so that its output can be reshaped to (rows, columns, channels).",
        zh="全连接层需要多少个单元，其输出才能变形为 (rows, columns, channels)。",
        source="""
def units(rows, columns, channels):
    return channels
""",
        bugs=(
            Bug(
                "channels_alone",
                "return channels",
                "return rows * columns * channels",
                "a reshape makes no numbers: every one of the rows x columns x channels must come from the layer",
                "变形不会产生新的数：rows × columns × channels 个数都必须由该层给出",
            ),
        ),
        slips=(
            Slip(
                "without_channels",
                "rows * columns * channels",
                "rows * columns",
                "the channels were left out",
                "漏了通道数",
            ),
            Slip(
                "added",
                "rows * columns * channels",
                "rows + columns + channels",
                "the sides are multiplied, not added",
                "各维相乘，而不是相加",
            ),
        ),
    ),
    _repair(
        id="03-R7",
        erratum="errata.listing_size",
        level=1,
        case=_strides,
        en="The side of a generator's picture: features of side start go through one transposed convolution with same "
        "padding for each of these strides.",
        zh="生成器图像的边长：边长为 start 的特征依次经过 same 填充的转置卷积，每个步幅一层。",
        source="""
def side(start, strides):
    return start
""",
        bugs=(
            Bug(
                "size_kept",
                "return start",
                "return start * np.prod(strides)",
                "a convolution with same padding keeps 8x8 for ever; each transposed one multiplies by its stride",
                "same 填充的卷积永远保持 8×8；每层转置卷积把边长乘以步幅",
            ),
        ),
        slips=(
            Slip(
                "added",
                "start * np.prod",
                "start + np.sum",
                "strides multiply, they do not add",
                "步幅是相乘，不是相加",
            ),
            Slip(
                "one_layer",
                "np.prod(strides)",
                "strides[0]",
                "only the first layer was counted",
                "只算了第一层",
            ),
        ),
    ),
    _repair(
        id="04-R1",
        erratum="errata.diffusion_formulas",
        level=3,
        case=_noised,
        en="The logarithm of the density of every noisy image x_t (B, D), given its x_0 (B, D): the noising "
        "distribution of diffusion, normal with mean signal_rate * x_0 and deviation noise_rate. No constant is left "
        "out.",
        zh="给定 x_0 (B, D) 时每个带噪图像 x_t (B, D) 的对数密度：扩散的加噪分布，均值为 signal_rate * x_0、"
        "标准差为 noise_rate 的正态分布。不略去任何常数。",
        source="""
def log_density(x_t, x_0, signal_rate, noise_rate):
    squares = np.sum((x_t / noise_rate) ** 2, axis=1)
    return -0.5 * squares - np.log(np.sum(np.exp(-0.5 * squares)))
""",
        bugs=(
            Bug(
                "image_forgotten",
                "(x_t / noise_rate)",
                "((x_t - signal_rate * x_0) / noise_rate)",
                "the clean image does not occur: the distribution is centred at signal_rate * x_0",
                "式中没有干净图像：分布的中心是 signal_rate * x_0",
            ),
            Bug(
                "sum_over_the_batch",
                "np.log(np.sum(np.exp(-0.5 * squares)))",
                "x_t.shape[1] * (np.log(noise_rate) + 0.5 * np.log(2 * np.pi))",
                "a sum over the few images at hand is no integral: the normal density has its own constant",
                "对手头几幅图求和不是积分：正态密度有自己的归一化常数",
            ),
        ),
        slips=(
            Slip(
                "one_dimension",
                "x_t.shape[1] * (",
                "(",
                "that is the constant of one number; there are D of them",
                "这是一个数的常数；共有 D 个数",
            ),
        ),
        equation="diffusion.forward",
    ),
    _repair(
        id="04-R2",
        erratum="errata.diffusion_is_an_autoencoder",
        level=1,
        case=_noisy,
        en="x_t of x_0 (B, D) and noise (B, D).",
        zh="由 x_0 (B, D) 和 noise (B, D) 求 x_t。",
        source="""
def noised(x_0, noise, signal_rate, noise_rate):
    hidden = np.repeat((x_0[:, ::2] + x_0[:, 1::2]) / 2, 2, axis=1)
    return hidden
""",
        bugs=(
            Bug(
                "compressed",
                "np.repeat((x_0[:, ::2] + x_0[:, 1::2]) / 2, 2, axis=1)",
                "x_0",
                "half of the numbers were averaged away and repeated: noising keeps the dimension, and compresses "
                "nothing",
                "一半的数被平均后重复：加噪不改变维数，也不压缩",
            ),
            Bug(
                "no_noise",
                "return hidden",
                "return signal_rate * hidden + noise_rate * noise",
                "no noise is added: x_t = signal_rate x_0 + noise_rate noise",
                "没有加噪声：x_t = signal_rate x_0 + noise_rate noise",
            ),
        ),
        slips=(
            Slip(
                "signal_kept",
                "signal_rate * hidden",
                "hidden",
                "the image is scaled down as well, else x_t grows without end",
                "图像也要缩小，否则 x_t 会不断变大",
            ),
        ),
        equation="diffusion.forward",
    ),
    _repair(
        id="05-R1",
        erratum="errata.training_tips",
        level=3,
        case=_features,
        en="Group normalisation of features (B, N, C), N positions: C channels in so many groups of neighbours; each "
        "example's group gets mean 0 and variance 1, with 1e-5 added to the variance.",
        zh="对特征 (B, N, C)（N 个位置）做组归一化：C 个通道按相邻分成 groups 组；每个样本的每一组均值为 0、方差为 1，"
        "方差先加 1e-5。",
        source="""
def normalized(x, groups):
    parts = x[..., None]  # (B, N, groups, channels)
    axis = (0, 1, 3)
    scale = np.sqrt(parts.var(axis=axis, keepdims=True) + 1e-5)
    return ((parts - parts.mean(axis=axis, keepdims=True)) / scale).reshape(x.shape)
""",
        bugs=(
            Bug(
                "over_the_batch",
                "axis = (0, 1, 3)",
                "axis = (1, 3)",
                "the mean runs over the batch, as in batch normalisation: an image would depend on its neighbours, and "
                "in diffusion these have other noise levels",
                "均值跨越了批次，即批量归一化：图像会受同批其他图像影响，而扩散中它们的噪声水平各不相同",
            ),
            Bug(
                "each_channel",
                "x[..., None]",
                "x.reshape(*x.shape[:2], groups, -1)",
                "every channel is a group of its own: put C / groups neighbours together",
                "每个通道自成一组：应把相邻的 C / groups 个通道放在一起",
            ),
        ),
        slips=(
            Slip(
                "one_group",
                "axis = (1, 3)",
                "axis = (1, 2, 3)",
                "all groups of an example share one mean: that is layer normalisation",
                "一个样本的所有组共用一个均值：这是层归一化",
            ),
        ),
    ),
    _repair(
        id="05-R2",
        erratum="errata.hyperparameters",
        level=2,
        case=_tables,
        en="Learning rate and batch size that one should take. Losses are tables (rates, sizes): of the training data, "
        "and of held-out data.",
        zh="应选用的学习率与批次大小。损失是（学习率 × 批次大小）的表：一张来自训练数据，一张来自留出数据。",
        source="""
def chosen(rates, sizes, training, held_out):
    rate = rates.min()
    size = sizes.max()
    return rate, size
""",
        bugs=(
            Bug(
                "smallest_rate",
                "rates.min()",
                "rates[held_out.min(axis=1).argmin()]",
                "the smallest rate is not the best one in general: too small learns nothing; ask the held-out loss",
                "最小的学习率一般并不最好：太小什么也学不到；应看留出数据的损失",
            ),
            Bug(
                "largest_batch",
                "sizes.max()",
                "sizes[held_out.min(axis=0).argmin()]",
                "the largest batch does not generalise best in general; ask the held-out loss",
                "最大的批次一般并不泛化得最好；应看留出数据的损失",
            ),
        ),
        slips=(
            Slip(
                "by_training_loss",
                "held_out.min",
                "training.min",
                "chosen by the training loss, which what is learnt by heart makes small as well",
                "按训练损失选择；死记硬背也能使它变小",
            ),
        ),
    ),
    _repair(
        id="05-R3",
        erratum="errata.untrained_quality",
        level=1,
        case=_errors,
        en="The error to report of a model: before and after (N,) are its errors on N images before and after "
        "training; held_out (N,) is true for the images that the training did not see.",
        zh="应报告的模型误差：before、after (N,) 是训练前后在 N 幅图上的误差；held_out (N,) 对训练中未见过的图像为真。",
        source="""
def reported(before, after, held_out):
    errors = before
    return errors.mean()
""",
        bugs=(
            Bug(
                "untrained",
                "errors = before",
                "errors = after",
                "those are the errors of random weights: a model that was never trained has no quality to praise",
                "这是随机权重的误差：未经训练的模型谈不上质量",
            ),
            Bug(
                "seen_images",
                "errors.mean()",
                "errors[held_out].mean()",
                "images that were trained on are counted too; only unseen ones tell what was learnt",
                "把训练过的图像也算进去了；只有未见过的图像能说明学到了什么",
            ),
        ),
        slips=(
            Slip(
                "seen_alone",
                "[held_out]",
                "[~held_out]",
                "those are the training images: turn the selection round",
                "选中的恰是训练图像：选择弄反了",
            ),
        ),
    ),
    _repair(
        id="06-R1",
        erratum="errata.sd_is_a_gan",
        level=2,
        case=_painter,
        en="What Stable Diffusion's U-Net minimises when it predicts noise. Also given are what a discriminator says "
        "of the pictures (B,) and the posterior of the autoencoder, which was trained before.",
        zh="Stable Diffusion 的 U-Net 预测噪声时的损失。另外给出判别器对图像的输出 (B,)，"
        "以及此前已训练好的自编码器的后验。",
        source="""
def loss(noise, predicted, realness, mean, log_variance):
    total = np.mean((predicted - noise) ** 2)
    total = total - np.mean(np.log(realness))
    total = total + np.mean(np.sum(mean**2 + np.exp(log_variance) - log_variance - 1, axis=1)) / 2
    return total
""",
        bugs=(
            Bug(
                "second_player",
                "    total = total - np.mean(np.log(realness))\n",
                "",
                "a discriminator's term is in it: Stable Diffusion learns to paint without a second player",
                "里面有判别器的项：Stable Diffusion 学画时没有第二个玩家",
            ),
            Bug(
                "autoencoder_again",
                "    total = total + np.mean(np.sum(mean**2 + np.exp(log_variance) - log_variance - 1, axis=1)) / 2\n",
                "",
                "the autoencoder's divergence is in it: the autoencoder was trained before and stands still now",
                "里面有自编码器的散度：自编码器已事先训练好，现在保持不动",
            ),
        ),
        slips=(
            Slip(
                "sum_for_mean",
                "np.mean((predicted - noise) ** 2)",
                "np.sum((predicted - noise) ** 2)",
                "the sum was taken: the loss of predicting nothing should be 1 whatever the size, so take the mean",
                "取了和：什么都不预测时损失应为 1，与尺寸无关，所以取平均",
            ),
        ),
        equation="diffusion.loss",
    ),
    _repair(
        id="07-R1",
        erratum="errata.text_to_portrait",
        level=2,
        case=_attention,
        en="Cross-attention: every position of the picture, features (N, D), reads the words (M, D). The matrices make "
        "queries, keys and values.",
        zh="交叉注意力：图像的每个位置 features (N, D) 读取词 words (M, D)。三个矩阵给出查询、键和值。",
        source="""
def read_words(features, words, to_query, to_key, to_value):
    source = features
    query, key, value = features @ to_query, source @ to_key, source @ to_value
    scores = query @ key.T / np.sqrt(key.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ value
""",
        bugs=(
            Bug(
                "words_unread",
                "source = features",
                "source = words",
                "the words do not occur: a model without an input for text cannot follow any",
                "没有用到词：没有文本输入的模型无法遵从文字",
            ),
        ),
        slips=(
            Slip(
                "values_of_the_picture",
                "source @ to_value",
                "features @ to_value",
                "the keys are the words', but the values are still the picture's",
                "键来自词，但值仍来自图像",
            ),
            Slip(
                "words_ask",
                "features @ to_query, source @ to_key, source @ to_value",
                "words @ to_query, features @ to_key, features @ to_value",
                "the roles are exchanged: the picture asks, the words answer",
                "角色弄反了：由图像提问，由词回答",
            ),
        ),
        equation="network.attention",
    ),
    _repair(
        id="08-R1",
        erratum="errata.training_time",
        level=1,
        case=_cost,
        en="How often the network is evaluated for so many pictures, with so many steps of the sampler and a_step "
        "evaluations in each of them (2 with guidance).",
        zh="画 pictures 幅图需要对网络求值多少次：采样器共 steps 步，每步求值 a_step 次（有引导时为 2）。",
        source="""
def network_calls(pictures, steps, a_step):
    calls = 1  # once trained, a generator answers at once
    return pictures * calls
""",
        bugs=(
            Bug(
                "at_once",
                "1  # once trained, a generator answers at once",
                "steps * a_step",
                "that is a GAN's price: diffusion asks its network in every step, which is the slow part",
                "这是 GAN 的代价：扩散在每一步都要问网络，慢就慢在这里",
            ),
        ),
        slips=(
            Slip(
                "steps_alone",
                "steps * a_step",
                "steps",
                "a step may ask more than once: with guidance twice",
                "一步可能不止问一次：有引导时问两次",
            ),
            Slip(
                "added",
                "steps * a_step",
                "(steps + a_step)",
                "evaluations of a step are multiplied by the steps",
                "每步的求值次数应与步数相乘",
            ),
        ),
    ),
    _repair(
        id="09-R1",
        erratum="errata.stills_teach_motion",
        level=2,
        case=_clips,
        en="How much moves in clips (N, T, H, W) of T frames: the mean absolute difference of a frame from the one "
        "before it in its clip.",
        zh="片段 (N, T, H, W)（每段 T 帧）的运动量：每一帧与同一片段中前一帧之差的绝对值的平均。",
        source="""
def motion(clips):
    pictures = clips.reshape(-1, *clips.shape[2:])
    return np.mean(np.abs(np.diff(pictures, axis=0)))
""",
        bugs=(
            Bug(
                "a_heap_of_stills",
                "    pictures = clips.reshape(-1, *clips.shape[2:])\n"
                "    return np.mean(np.abs(np.diff(pictures, axis=0)))\n",
                "    return np.mean(np.abs(np.diff(clips, axis=1)))\n",
                "the clips are a heap of stills now: the jump from the end of one to the beginning of the next is no "
                "motion",
                "片段成了一堆静止图像：从一段末尾到下一段开头的跳变不是运动",
            ),
        ),
        slips=(
            Slip(
                "between_clips",
                "axis=1",
                "axis=0",
                "that compares different clips; frames are along axis 1",
                "这是在比较不同的片段；帧在轴 1 上",
            ),
            Slip(
                "from_the_first",
                "np.diff(clips, axis=1)",
                "clips[:, 1:] - clips[:, :1]",
                "that is the distance from the first frame; motion is from one frame to the next",
                "这是与第一帧的差；运动是相邻两帧之差",
            ),
        ),
    ),
    _repair(
        id="10-R1",
        erratum="errata.noise_controls_style",
        level=2,
        case=_codes,
        en="The code of a portrait, changed so that it smiles: moved by strength times the direction from the mean "
        "code of portraits without a smile to that of portraits with one.",
        zh="把肖像的编码改成微笑：沿“不笑肖像的平均编码到微笑肖像的平均编码”的方向移动 strength 倍。",
        source="""
def smiling(code, noise, with_smile, without_smile, strength):
    direction = noise
    return code + strength * direction
""",
        bugs=(
            Bug(
                "any_noise",
                "direction = noise",
                "direction = with_smile.mean(axis=0) - without_smile.mean(axis=0)",
                "noise has no labels: it gives another portrait, not a smiling one",
                "噪声没有标签：它给出另一幅肖像，而不是微笑的肖像",
            ),
        ),
        slips=(
            Slip(
                "turned_round",
                "with_smile.mean(axis=0) - without_smile.mean(axis=0)",
                "without_smile.mean(axis=0) - with_smile.mean(axis=0)",
                "the direction is turned round: it takes smiles away",
                "方向反了：它会去掉微笑",
            ),
            Slip(
                "mean_for_direction",
                " - without_smile.mean(axis=0)",
                "",
                "that is where smiling portraits are, not the way there: subtract the mean of those without",
                "这是微笑肖像所在的位置，而不是去那里的方向：还要减去不笑肖像的平均",
            ),
        ),
    ),
    _repair(
        id="12-R1",
        erratum="errata.add_attention",
        level=1,
        case=_blocks,
        en="How many cross-attentions a U-Net of Stable Diffusion has: so many blocks with attention on the way down, "
        "with as many of them as layers; so many on the way up, with one more each; and one in the middle.",
        zh="Stable Diffusion 的 U-Net 有多少个交叉注意力：下行有 down 个带注意力的块，每块 layers 个；"
        "上行有 up 个，每块多一个；中间还有一个。",
        source="""
def cross_attentions(down, up, layers):
    return 0  # could be added
""",
        bugs=(
            Bug(
                "to_be_added",
                "0  # could be added",
                "down * layers + 1 + up * (layers + 1)",
                "nothing has to be added: Stable Diffusion 1 has 16 of them, for 3 blocks each way and 2 layers",
                "不需要另外添加：Stable Diffusion 1 有 16 个（上下行各 3 块、每块 2 层）",
            ),
        ),
        slips=(
            Slip("middle_forgotten", " + 1 +", " +", "the one in the middle is missing", "漏了中间的那一个"),
            Slip(
                "up_as_down",
                "up * (layers + 1)",
                "up * layers",
                "a block on the way up has one layer more, for what comes across",
                "上行的块多一层，用于接收跳跃连接",
            ),
        ),
    ),
    _repair(
        id="13-R1",
        erratum="errata.privacy",
        level=2,
        case=_audit,
        en="An audit for memorised images: for every painted image (N, D) the root mean square difference to the "
        "training image (M, D) that is nearest to it. On disk the training images lie encrypted with this key.",
        zh="记忆审计：对每幅生成图像 (N, D)，求它与最近的训练图像 (M, D) 的均方根差。"
        "训练图像在磁盘上用此密钥加密存放。",
        source="""
def nearest(painted, training, key):
    stored = training ^ key
    distances = np.sqrt(((painted[:, None] - stored) ** 2).mean(axis=2))
    return distances.mean(axis=1)
""",
        bugs=(
            Bug(
                "encrypted",
                "training ^ key",
                "training",
                "the encrypted files are far from everything, and say nothing: the model has learnt from the images "
                "themselves, however they are stored",
                "加密后的文件与一切都相距很远，说明不了问题：无论怎样存放，模型学的都是图像本身",
            ),
            Bug(
                "mean_for_nearest",
                "distances.mean(axis=1)",
                "distances.min(axis=1)",
                "the mean distance hides one copy among many strangers: take the nearest",
                "平均距离会掩盖众多陌生图像中的一个副本：应取最近的",
            ),
        ),
        slips=(
            Slip(
                "farthest",
                "distances.min",
                "distances.max",
                "that is the farthest image",
                "这是最远的图像",
            ),
        ),
    ),
)
