"""Chapter 2: probability, the variational autoencoder and its bound."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake
from tfportrait.diffusion.noise import slerp


def _posterior(generator):
    mean, log_variance, noise = generator.standard_normal((3, 5, 4))
    return mean, log_variance * 0.7, noise


def _two(generator):
    return _posterior(generator)[:2]


def _sample(mean, log_variance, noise):
    return mean + np.exp(0.5 * log_variance) * noise


def _kl(mean, log_variance):
    return np.mean(0.5 * np.sum(mean**2 + np.exp(log_variance) - log_variance - 1.0, axis=1))


def _pairs(generator):
    first, second = generator.standard_normal((2, 6))
    return first, second, float(generator.uniform(0.2, 0.8))


def _angle(first, second):
    return np.arccos(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def _slerp_in_degrees(first, second, share):
    angle = np.degrees(_angle(first, second))
    return (np.sin((1 - share) * angle) * first + np.sin(share * angle) * second) / np.sin(angle)


def _images(generator):
    images, means = generator.uniform(0, 1, (2, 3, 4, 4, 1))
    return images, means, float(generator.uniform(0.3, 2.0))


def _likelihood(images, means, deviation):
    each = 0.5 * ((images - means) / deviation) ** 2 + np.log(deviation) + 0.5 * np.log(2 * np.pi)
    return np.mean(np.sum(each, axis=(1, 2, 3)))


def _linear(generator):
    x, mean = (float(number) for number in generator.uniform(0.5, 2.0, 2) * generator.choice([-1, 1], 2))
    deviation, slope, noise = (float(number) for number in generator.uniform(0.3, 0.9, 3) + (0.0, 1.0, 0.0))
    return x, mean, deviation, slope, noise


def _expected(x, mean, deviation, slope, noise):
    """E log N(x; slope z, noise^2) for z from N(mean, deviation^2)."""
    error = (x - slope * mean) ** 2 + (slope * deviation) ** 2
    return -error / (2 * noise**2) - np.log(noise) - 0.5 * np.log(2 * np.pi)


def _divergence(mean, deviation):
    return 0.5 * (mean**2 + deviation**2 - 1) - np.log(deviation)


def _elbo(x, mean, deviation, slope, noise):
    return _expected(x, mean, deviation, slope, noise) - _divergence(mean, deviation)


def _sizes(generator):
    return (
        int(generator.choice([784, 3072, 12288])),
        int(generator.choice([8, 32, 100])),
        float(generator.uniform(0.05, 0.3)),
    )


def _two_normals(generator):
    return tuple(float(x) for x in (*generator.standard_normal(2), *generator.uniform(0.5, 2.0, 2)))


EXERCISES = (
    Exercise(
        id="02-1",
        level=1,
        signature="reparameterize(mean, log_variance, noise)",
        en="Draw z from the normal distribution of this mean and log-variance, from unit noise of the same shape.",
        zh="用同形状的标准正态噪声，从给定均值与对数方差的正态分布中采样 z。",
        case=_posterior,
        solution=_sample,
        mistakes=(
            Mistake(
                "missing_half",
                lambda mean, log_variance, noise: mean + np.exp(log_variance) * noise,
                "exp(log_variance) is the variance; noise is scaled by the deviation, exp(log_variance / 2)",
                "exp(log_variance) 是方差；缩放噪声的是标准差，即 exp(log_variance / 2)",
            ),
            Mistake(
                "log_variance_as_deviation",
                lambda mean, log_variance, noise: mean + log_variance * noise,
                "the logarithm of the variance was taken for the deviation; it may be negative",
                "把方差的对数当成了标准差；它可能是负数",
            ),
            Mistake(
                "missing_exponential",
                lambda mean, log_variance, noise: mean + 0.5 * log_variance * noise,
                "half the logarithm is not the root: exp(log_variance / 2)",
                "对数的一半不是平方根：应为 exp(log_variance / 2)",
            ),
            Mistake(
                "mean_scaled",
                lambda mean, log_variance, noise: (mean + noise) * np.exp(0.5 * log_variance),
                "the mean was scaled too",
                "均值也被缩放了",
            ),
        ),
        equation="vae.reparameterization",
    ),
    Exercise(
        id="02-2",
        level=2,
        signature="kl(mean, log_variance)",
        en="The divergence of each posterior, shape (B, D), from the unit normal one, averaged over the batch.",
        zh="每个后验（形状 (B, D)）相对标准正态分布的 KL 散度，再对批次取平均。",
        case=_two,
        solution=_kl,
        mistakes=(
            Mistake(
                "mean_for_sum",
                lambda mean, log_variance: _kl(mean, log_variance) / mean.shape[1],
                "the mean over the dimensions was taken for the sum: the divergence is too weak by their number",
                "对各维取了平均而不是求和：散度被维数除小了",
            ),
            Mistake(
                "sum_over_batch",
                lambda mean, log_variance: _kl(mean, log_variance) * len(mean),
                "the sum over the batch was taken: the weight of the divergence would depend on the batch size",
                "对批次求了和：散度的权重会随批次大小而变",
            ),
            Mistake(
                "wrong_sign",
                lambda mean, log_variance: -_kl(mean, log_variance),
                "the sign is wrong: a divergence is never negative",
                "符号错了：散度不可能为负",
            ),
            Mistake(
                "missing_half",
                lambda mean, log_variance: 2 * _kl(mean, log_variance),
                "the factor 1/2 is missing",
                "缺少因子 1/2",
            ),
            Mistake(
                "deviation_for_variance",
                lambda mean, log_variance: np.mean(
                    0.5 * np.sum(mean**2 + np.exp(0.5 * log_variance) - log_variance - 1.0, axis=1)
                ),
                "the deviation stands where the variance should: exp(log_variance) without the half",
                "该用方差的地方用了标准差：应为 exp(log_variance)，不带 1/2",
            ),
        ),
        equation="vae.kl",
    ),
    Exercise(
        id="02-3",
        level=2,
        signature="negative_log_likelihood(images, means, deviation)",
        en="Minus the log-likelihood of images (B, H, W, C) under independent normal pixels of these means and one "
        "deviation: summed over the pixels of an image, averaged over the batch. No constant is left out.",
        zh="像素独立正态、给定均值与同一标准差时，图像 (B, H, W, C) 的负对数似然：对一幅图的像素求和，"
        "对批次取平均，不略去任何常数。",
        case=_images,
        solution=_likelihood,
        mistakes=(
            Mistake(
                "mean_over_pixels",
                lambda images, means, deviation: _likelihood(images, means, deviation) / images[0].size,
                "the mean over the pixels was taken for the sum: the picture counts too little beside the divergence",
                "对像素取了平均而不是求和：与求和的散度相比，重建项太弱",
            ),
            Mistake(
                "squared_error",
                lambda images, means, deviation: np.mean(np.sum((images - means) ** 2, axis=(1, 2, 3))),
                "that is the squared error; it belongs to a deviation of sqrt(1/2), and its constants are missing",
                "这是平方误差；它对应标准差 sqrt(1/2)，而且缺少常数项",
            ),
            Mistake(
                "missing_normalization",
                lambda images, means, deviation: np.mean(
                    np.sum(0.5 * ((images - means) / deviation) ** 2, axis=(1, 2, 3))
                ),
                "log(deviation) and log(2 pi) / 2 are missing: a wide distribution would cost nothing",
                "缺少 log(标准差) 与 log(2π)/2：分布变宽将毫无代价",
            ),
            Mistake(
                "deviation_not_squared",
                lambda images, means, deviation: np.mean(
                    np.sum(
                        0.5 * (images - means) ** 2 / deviation + np.log(deviation) + 0.5 * np.log(2 * np.pi),
                        axis=(1, 2, 3),
                    )
                ),
                "the squared error is divided by the variance, not by the deviation",
                "平方误差应除以方差，而不是标准差",
            ),
        ),
        equation="vae.likelihood",
    ),
    Exercise(
        id="02-4",
        level=2,
        signature="slerp(first, second, share)",
        en="Spherical interpolation of two vectors: the angle to the first grows in proportion to share, 0 to 1.",
        zh="两个向量的球面插值：与第一个向量的夹角随 share（0 到 1）成比例增大。",
        case=_pairs,
        solution=slerp,
        mistakes=(
            Mistake(
                "linear",
                lambda first, second, share: (1 - share) * first + share * second,
                "that is the straight line: half-way it is too short, and a decoder has never seen such codes",
                "这是直线插值：中点的长度太短，解码器从未见过这样的编码",
            ),
            Mistake(
                "exchanged",
                lambda first, second, share: slerp(second, first, share),
                "the two are exchanged: share 0 must give the first",
                "两个向量弄反了：share 为 0 时应得到第一个",
            ),
            Mistake(
                "degrees",
                _slerp_in_degrees,
                "the angle is in degrees, but sin takes radians",
                "角度用了度，而 sin 需要弧度",
            ),
            Mistake(
                "not_divided",
                lambda first, second, share: slerp(first, second, share) * np.sin(_angle(first, second)),
                "divide by the sine of the whole angle: share 0 must give the first vector itself",
                "还要除以总夹角的正弦：share 为 0 时应恰好得到第一个向量",
            ),
        ),
        equation="noise.slerp",
    ),
    Exercise(
        id="02-5",
        level=2,
        signature="kl_normals(mean_p, mean_q, deviation_p, deviation_q)",
        en="KL(p || q) of two normal distributions of one number each.",
        zh="两个一维正态分布的 KL(p || q)。",
        case=_two_normals,
        solution=lambda m, n, s, t: np.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5,
        mistakes=(
            Mistake(
                "other_direction",
                lambda m, n, s, t: np.log(s / t) + (t**2 + (m - n) ** 2) / (2 * s**2) - 0.5,
                "that is KL(q || p): the divergence is not symmetric",
                "这是 KL(q || p)：散度不对称",
            ),
            Mistake(
                "missing_constant",
                lambda m, n, s, t: np.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2),
                "1/2 is missing: the divergence of equal distributions must be 0",
                "缺少 1/2：相同分布的散度应为 0",
            ),
            Mistake(
                "squared_error",
                lambda m, n, s, t: (m - n) ** 2 / (2 * t**2),
                "only the means are compared, not the deviations",
                "只比较了均值，没有比较标准差",
            ),
        ),
        equation="theory.kl",
    ),
    Exercise(
        id="02-6",
        level=3,
        signature="elbo(x, mean, deviation, slope, noise)",
        en="The evidence lower bound of a number x where z is from N(0, 1), x from N(slope z, noise^2), and the "
        "posterior is taken to be N(mean, deviation^2). In closed form, no sampling.",
        zh="z 来自 N(0, 1)，x 来自 N(slope·z, noise²)，后验取为 N(mean, deviation²) 时，"
        "数 x 的证据下界。用闭式解，不采样。",
        case=_linear,
        solution=_elbo,
        mistakes=(
            Mistake(
                "divergence_added",
                lambda x, mean, deviation, slope, noise: (
                    _expected(x, mean, deviation, slope, noise) + _divergence(mean, deviation)
                ),
                "the divergence was added: it is the price of the code, and a bound from below subtracts it",
                "把散度加上去了：它是编码的代价，下界应减去它",
            ),
            Mistake(
                "spread_forgotten",
                lambda x, mean, deviation, slope, noise: (
                    _expected(x, mean, 0.0, slope, noise) - _divergence(mean, deviation)
                ),
                "the likelihood was taken at the mean alone; the expectation adds (slope deviation)^2 to the error",
                "只在均值处计算了似然；对 z 取期望会给误差再加上 (slope·deviation)²",
            ),
            Mistake(
                "spread_unscaled",
                lambda x, mean, deviation, slope, noise: (
                    _expected(x, mean, deviation / slope, slope, noise) - _divergence(mean, deviation)
                ),
                "the spread of z reaches x through the slope: its variance there is (slope deviation)^2",
                "z 的离散要经过 slope 才到达 x：在那里方差是 (slope·deviation)²",
            ),
            Mistake(
                "no_divergence",
                _expected,
                "that is the reconstruction alone: the divergence of the posterior from N(0, 1) is missing",
                "这只是重建项：缺少后验相对 N(0, 1) 的散度",
            ),
        ),
        equation="vae.elbo",
    ),
    Exercise(
        id="02-7",
        level=3,
        signature="hidden_beta(pixels, latents, deviation)",
        en="A program minimises the squared error averaged over the pixels plus the divergence averaged over the "
        "latents. Up to a factor this is -log p(x|z) + beta KL, the KL summed and the pixels normal with this "
        "deviation. Which beta is it?",
        zh="某程序最小化“对像素取平均的平方误差 + 对各潜变量取平均的散度”。除一个系数外，它等于 -log p(x|z) + beta·KL，"
        "其中 KL 对各维求和，像素为正态、标准差为 deviation。beta 是多少？",
        case=_sizes,
        solution=lambda pixels, latents, deviation: pixels / (2 * deviation**2 * latents),
        mistakes=(
            Mistake(
                "deviation_forgotten",
                lambda pixels, latents, deviation: pixels / latents,
                "the squared error is the likelihood times 2 deviation^2: that factor is missing",
                "平方误差等于似然项乘以 2·deviation²：缺少这个因子",
            ),
            Mistake(
                "missing_two",
                lambda pixels, latents, deviation: pixels / (deviation**2 * latents),
                "the 2 of -log p = error / (2 deviation^2) is missing",
                "缺少 -log p = 误差 / (2·deviation²) 中的 2",
            ),
            Mistake(
                "inverse",
                lambda pixels, latents, deviation: 2 * deviation**2 * latents / pixels,
                "that is the other way round: this is how much the picture weighs beside the divergence",
                "弄反了：这是图像相对散度的权重",
            ),
            Mistake(
                "latents_multiplied",
                lambda pixels, latents, deviation: pixels * latents / (2 * deviation**2),
                "averaging over the latents divides the divergence by their number",
                "对潜变量取平均会使散度除以它们的个数",
            ),
        ),
        equation="vae.likelihood",
    ),
)
