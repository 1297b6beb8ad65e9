"""Chapter 4: diffusion, where everything is known in closed form."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _betas(generator):
    return (np.sort(generator.uniform(0.001, 0.2, 9)),)


def _noising(generator):
    x_0, noise = generator.standard_normal((2, 3, 5))
    return x_0, noise, float(generator.uniform(0.1, 0.9))


def _noisy(generator):
    x_t, noise = generator.standard_normal((2, 3, 5))
    return x_t, noise, float(generator.uniform(0.1, 0.9))


def _training_set(generator):
    share = float(generator.uniform(0.3, 0.9))
    return (
        generator.standard_normal((4, 2)),
        generator.standard_normal((7, 2)),
        float(np.sqrt(share)),
        float(np.sqrt(1 - share)),
    )


def _ideal(x_t, points, signal_rate, noise_rate, power=2.0, scaled=True, axis=1):
    distance = ((x_t[:, None] - (signal_rate if scaled else 1.0) * points[None]) ** 2).sum(-1)
    logits = -distance / (power * noise_rate**2)
    weights = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True) @ points


def _nearest(x_t, points, signal_rate, noise_rate):
    return points[((x_t[:, None] - signal_rate * points[None]) ** 2).sum(-1).argmin(axis=1)]


def _scores(generator):
    x_t, x_0 = generator.standard_normal((2, 3, 2))
    share = float(generator.uniform(0.2, 0.9))
    return x_t, x_0, float(np.sqrt(share)), float(np.sqrt(1 - share))


def _share(generator):
    return (generator.uniform(0.05, 0.95, 5),)


EXERCISES = (
    Exercise(
        id="04-1",
        level=1,
        signature="alpha_bars(betas)",
        en="The share of the signal's variance that is left after each step: alpha-bar, from the betas (T,).",
        zh="由各步的 beta (T,) 求每一步之后剩余信号方差的比例，即 alpha-bar。",
        case=_betas,
        solution=lambda betas: np.cumprod(1 - betas),
        mistakes=(
            Mistake(
                "alpha_for_alpha_bar",
                lambda betas: 1 - betas,
                "that is alpha, of one step; alpha-bar is the product of all steps so far",
                "这是单步的 alpha；alpha-bar 是到目前为止各步的乘积",
            ),
            Mistake(
                "product_of_betas",
                lambda betas: 1 - np.cumprod(betas),
                "the product is of 1 - beta, not of beta",
                "应连乘 1 - beta，而不是 beta",
            ),
            Mistake(
                "sum",
                lambda betas: 1 - np.cumsum(betas),
                "what is left is multiplied in every step: a product, not a sum",
                "每一步都是相乘：应为连乘而不是求和",
            ),
            Mistake(
                "root",
                lambda betas: np.sqrt(np.cumprod(1 - betas)),
                "the root of alpha-bar is the signal's factor; alpha-bar itself was asked for",
                "alpha-bar 的平方根是信号的系数；题目要的是 alpha-bar 本身",
            ),
        ),
        equation="diffusion.betas",
    ),
    Exercise(
        id="04-2",
        level=1,
        signature="add_noise(x_0, noise, alpha_bar)",
        en="x_t: the image with noise, so that the variance stays 1 where that of x_0 is 1.",
        zh="x_t：加噪后的图像；当 x_0 的方差为 1 时，方差保持为 1。",
        case=_noising,
        solution=lambda x_0, noise, share: np.sqrt(share) * x_0 + np.sqrt(1 - share) * noise,
        mistakes=(
            Mistake(
                "missing_square_roots",
                lambda x_0, noise, share: share * x_0 + (1 - share) * noise,
                "alpha-bar is a share of the variance; numbers are scaled by its root",
                "alpha-bar 是方差的比例；数值应乘以它的平方根",
            ),
            Mistake(
                "missing_square_root_of_signal",
                lambda x_0, noise, share: share * x_0 + np.sqrt(1 - share) * noise,
                "the signal is scaled by alpha-bar instead of its root",
                "信号乘的是 alpha-bar，而不是它的平方根",
            ),
            Mistake(
                "missing_square_root_of_noise",
                lambda x_0, noise, share: np.sqrt(share) * x_0 + (1 - share) * noise,
                "the noise is scaled by 1 - alpha-bar instead of its root",
                "噪声乘的是 1 - alpha-bar，而不是它的平方根",
            ),
            Mistake(
                "exchanged",
                lambda x_0, noise, share: np.sqrt(1 - share) * x_0 + np.sqrt(share) * noise,
                "signal and noise are exchanged: alpha-bar near 1 is almost the image",
                "信号与噪声弄反了：alpha-bar 接近 1 时应几乎是原图",
            ),
            Mistake(
                "root_of_difference",
                lambda x_0, noise, share: np.sqrt(share) * x_0 + (1 - np.sqrt(share)) * noise,
                "1 - sqrt(alpha-bar) is not sqrt(1 - alpha-bar): variances add up, factors do not",
                "1 - sqrt(alpha-bar) 不等于 sqrt(1 - alpha-bar)：相加的是方差，不是系数",
            ),
        ),
        equation="diffusion.forward",
    ),
    Exercise(
        id="04-3",
        level=2,
        signature="predict_x_0(x_t, noise, alpha_bar)",
        en="The image, from the noisy one and the noise that is in it.",
        zh="由加噪图像与其中的噪声求原图。",
        case=_noisy,
        solution=lambda x_t, noise, share: (x_t - np.sqrt(1 - share) * noise) / np.sqrt(share),
        mistakes=(
            Mistake(
                "not_divided",
                lambda x_t, noise, share: x_t - np.sqrt(1 - share) * noise,
                "what is left is sqrt(alpha-bar) times the image: divide by it",
                "剩下的是 sqrt(alpha-bar) 倍的原图：还要除以它",
            ),
            Mistake(
                "noise_not_scaled",
                lambda x_t, noise, share: (x_t - noise) / np.sqrt(share),
                "the noise in the image is scaled by sqrt(1 - alpha-bar)",
                "图像中的噪声带有系数 sqrt(1 - alpha-bar)",
            ),
            Mistake(
                "divided_without_root",
                lambda x_t, noise, share: (x_t - np.sqrt(1 - share) * noise) / share,
                "divided by alpha-bar instead of its root",
                "除以了 alpha-bar，而不是它的平方根",
            ),
            Mistake(
                "wrong_sign",
                lambda x_t, noise, share: (x_t + np.sqrt(1 - share) * noise) / np.sqrt(share),
                "the noise was added once more: the sign is wrong",
                "又加了一次噪声：符号错了",
            ),
        ),
        equation="prediction.epsilon",
    ),
    Exercise(
        id="04-4",
        level=3,
        signature="ideal_denoiser(x_t, points, signal_rate, noise_rate)",
        en="What the best denoiser returns for each x_t (B, D) where the data are these points (N, D), all equally "
        "likely: the mean of the points, weighted by how likely each became x_t = signal_rate x + noise_rate noise.",
        zh="数据就是这些等概率的点 (N, D) 时，最优去噪器对每个 x_t (B, D) 的输出：以各点变成 "
        "x_t = signal_rate x + noise_rate noise 的可能性加权的平均。",
        case=_training_set,
        solution=_ideal,
        mistakes=(
            Mistake(
                "missing_half",
                lambda *a: _ideal(*a, power=1.0),
                "a normal density is exp(-d^2 / (2 sigma^2)): the 2 is missing",
                "正态密度是 exp(-d² / (2σ²))：缺少 2",
            ),
            Mistake(
                "points_not_scaled",
                lambda *a: _ideal(*a, scaled=False),
                "x_t lies around signal_rate times a point, not around the point",
                "x_t 分布在 signal_rate 乘以各点的周围，而不是点本身",
            ),
            Mistake(
                "wrong_axis",
                lambda *a: _ideal(*a, axis=0),
                "the weights of one x_t over all points must add up to 1; yours do so over the batch",
                "对同一个 x_t，各点的权重之和应为 1；你的权重是在批次上归一化的",
            ),
            Mistake(
                "nearest_point",
                _nearest,
                "that is the likeliest point; the best denoiser returns the mean",
                "这是最可能的点；最优去噪器给出的是加权平均",
            ),
        ),
    ),
    Exercise(
        id="04-5",
        level=2,
        signature="score(x_t, x_0, signal_rate, noise_rate)",
        en="The gradient of log p(x_t) with respect to x_t, from the best prediction x_0 of the image.",
        zh="由对原图的最优预测 x_0，求 log p(x_t) 对 x_t 的梯度（score）。",
        case=_scores,
        solution=lambda x_t, x_0, a, s: (a * x_0 - x_t) / s**2,
        mistakes=(
            Mistake(
                "wrong_sign",
                lambda x_t, x_0, a, s: (x_t - a * x_0) / s**2,
                "the sign is wrong: the density grows towards the data",
                "符号错了：密度朝数据方向增大",
            ),
            Mistake(
                "not_squared",
                lambda x_t, x_0, a, s: (a * x_0 - x_t) / s,
                "divided by the deviation instead of the variance: that is minus the noise",
                "除以了标准差而不是方差：得到的是负的噪声",
            ),
            Mistake(
                "signal_not_scaled",
                lambda x_t, x_0, a, s: (x_0 - x_t) / s**2,
                "the density of x_t lies around signal_rate x_0, not around x_0",
                "x_t 的密度以 signal_rate x_0 为中心，而不是 x_0",
            ),
        ),
    ),
    Exercise(
        id="04-6",
        level=1,
        signature="log_snr(alpha_bar)",
        en="The natural logarithm of the signal-to-noise ratio, a ratio of variances.",
        zh="信噪比（方差之比）的自然对数。",
        case=_share,
        solution=lambda share: np.log(share / (1 - share)),
        mistakes=(
            Mistake(
                "inverse",
                lambda share: np.log((1 - share) / share),
                "that is noise to signal",
                "这是噪信比",
            ),
            Mistake(
                "ratio_of_factors",
                lambda share: 0.5 * np.log(share / (1 - share)),
                "that is the ratio of the factors; the ratio of variances has twice its logarithm",
                "这是系数之比；方差之比的对数是它的两倍",
            ),
            Mistake(
                "no_logarithm",
                lambda share: share / (1 - share),
                "the logarithm is missing",
                "没有取对数",
            ),
            Mistake(
                "decibel",
                lambda share: 10 * np.log10(share / (1 - share)),
                "those are decibels; take the natural logarithm",
                "这是分贝；应取自然对数",
            ),
        ),
        equation="diffusion.forward",
    ),
)
