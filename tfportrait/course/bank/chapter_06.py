"""Chapter 6: latents."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _latents(generator):
    return (generator.standard_normal((6, 4, 4, 3)) * generator.uniform(2, 9) + generator.uniform(-1, 1),)


def _sizes(generator):
    return (8 * int(generator.integers(4, 65)), 8 * int(generator.integers(4, 65)), int(generator.choice([4, 8, 16])))


def _moments(generator):
    mean, log_variance, noise = generator.standard_normal((3, 2, 3, 4))
    return mean, log_variance, noise, float(generator.uniform(0.2, 3.0))


def _pictures(generator):
    image = generator.uniform(-1, 1, (4, 5, 3))
    return image, image + generator.uniform(0.05, 0.3) * generator.standard_normal(image.shape)


def _squared(first, second):
    return ((first - second) ** 2).mean()


def _pairs(generator):
    return 8 * int(generator.integers(4, 65)), int(generator.choice([2, 4, 8]))


def _rates(generator):
    share = generator.uniform(0.05, 0.95)
    deviation = generator.uniform(1.5, 8)
    return float(share**0.5), float((1 - share) ** 0.5), float(deviation if generator.random() < 0.5 else 1 / deviation)


def _convolution(generator):
    height, width = (8 * int(generator.integers(1, 17)) for _ in range(2))
    channels = 8 * int(generator.integers(1, 17)), 8 * int(generator.integers(1, 17))
    return (height, width, int(generator.choice([3, 5])), *channels)


def _variances(generator):
    signal_rate, noise_rate, _ = _rates(generator)
    return np.exp(2 * generator.standard_normal(12)), signal_rate, noise_rate


def _unknown(variances, signal_rate, noise_rate):
    left = variances * noise_rate**2 / (signal_rate**2 * variances + noise_rate**2)
    return left.sum() / variances.sum()


EXERCISES = (
    Exercise(
        id="06-1",
        level=1,
        signature="scaling_factor(latents)",
        en="The number that latents (B, h, w, c) are multiplied by, so that their standard deviation is 1.",
        zh="使潜变量 (B, h, w, c) 的标准差变为 1 所乘的系数。",
        case=_latents,
        solution=lambda latents: 1 / latents.std(),
        mistakes=(
            Mistake(
                "deviation",
                lambda latents: latents.std(),
                "that is the deviation itself: the latents are multiplied by its inverse",
                "这是标准差本身：潜变量应乘以它的倒数",
            ),
            Mistake(
                "variance",
                lambda latents: 1 / latents.var(),
                "that is one over the variance",
                "这是方差的倒数",
            ),
            Mistake(
                "largest",
                lambda latents: 1 / np.abs(latents).max(),
                "that brings the largest number to 1; the noise has a deviation of 1",
                "这是把最大值变为 1；而噪声的标准差为 1",
            ),
            Mistake(
                "root_mean_square",
                lambda latents: 1 / np.sqrt((latents**2).mean()),
                "the mean was not taken away: that is one over the root mean square",
                "没有减去均值：这是均方根的倒数",
            ),
        ),
    ),
    Exercise(
        id="06-2",
        level=1,
        signature="compression(height, width, channels)",
        en="How many times fewer numbers an RGB image of this size has as latents of an eighth of its sides and so "
        "many channels.",
        zh="边长缩为八分之一、通道数为 channels 的潜变量，其数值个数比 RGB 图像少多少倍。",
        case=_sizes,
        solution=lambda height, width, channels: 3 * 64 / channels,
        mistakes=(
            Mistake(
                "one_side",
                lambda height, width, channels: 3 * 8 / channels,
                "both sides are divided by eight: 64 times fewer places",
                "两条边都除以八：位置数少 64 倍",
            ),
            Mistake(
                "without_channels",
                lambda height, width, channels: 64.0,
                "the channels are missing: 3 before, more after",
                "没有考虑通道：之前是 3，之后更多",
            ),
            Mistake(
                "inverse",
                lambda height, width, channels: channels / (3 * 64),
                "that is the inverse",
                "这是倒数",
            ),
        ),
    ),
    Exercise(
        id="06-3",
        level=2,
        signature="sample_latents(mean, log_variance, noise, scale)",
        en="Latents for the U-Net: a sample of the encoder's normal distribution, from unit noise, times the scaling "
        "factor.",
        zh="供 U-Net 使用的潜变量：由单位噪声得到编码器正态分布的一个样本，再乘以缩放系数。",
        case=_moments,
        solution=lambda mean, log_variance, noise, scale: scale * (mean + np.exp(0.5 * log_variance) * noise),
        mistakes=(
            Mistake(
                "variance_for_deviation",
                lambda mean, log_variance, noise, scale: scale * (mean + np.exp(log_variance) * noise),
                "the noise is multiplied by the variance: its root, exp(log_variance / 2), is the deviation",
                "噪声乘的是方差：标准差是它的平方根 exp(log_variance / 2)",
            ),
            Mistake(
                "scaled_mean_only",
                lambda mean, log_variance, noise, scale: scale * mean + np.exp(0.5 * log_variance) * noise,
                "only the mean was scaled: the sample is scaled as a whole",
                "只缩放了均值：应缩放整个样本",
            ),
            Mistake(
                "divided",
                lambda mean, log_variance, noise, scale: (mean + np.exp(0.5 * log_variance) * noise) / scale,
                "the scaling factor is multiplied by on the way to the U-Net; the decoder divides",
                "送往 U-Net 时乘以缩放系数；解码前才除以它",
            ),
            Mistake(
                "log_for_deviation",
                lambda mean, log_variance, noise, scale: scale * (mean + 0.5 * log_variance * noise),
                "the logarithm was not undone: exp is missing",
                "没有把对数还原：缺少 exp",
            ),
        ),
        equation="vae.reparameterization",
    ),
    Exercise(
        id="06-4",
        level=2,
        signature="psnr(image, reconstruction)",
        en="The peak signal-to-noise ratio in decibels of images in [-1, 1].",
        zh="取值在 [-1, 1] 的图像的峰值信噪比（单位 dB）。",
        case=_pictures,
        solution=lambda image, other: 10 * np.log10(4 / _squared(image, other)),
        mistakes=(
            Mistake(
                "range_of_one",
                lambda image, other: 10 * np.log10(1 / _squared(image, other)),
                "from -1 to 1 the range is 2, its square 4: yours is 6 dB too small",
                "从 -1 到 1 的范围是 2，平方为 4：你的结果小了 6 dB",
            ),
            Mistake(
                "natural_logarithm",
                lambda image, other: 10 * np.log(4 / _squared(image, other)),
                "decibels use the logarithm to base 10",
                "分贝用以 10 为底的对数",
            ),
            Mistake(
                "twenty",
                lambda image, other: 20 * np.log10(4 / _squared(image, other)),
                "the 20 belongs to ratios of amplitudes; the mean squared error is a power already: 10",
                "20 用于幅度之比；均方误差已是功率：用 10",
            ),
            Mistake(
                "absolute_error",
                lambda image, other: 10 * np.log10(4 / np.abs(image - other).mean()),
                "the squared error belongs here, not the absolute one",
                "这里应使用平方误差，而不是绝对误差",
            ),
            Mistake(
                "wrong_sign",
                lambda image, other: 10 * np.log10(_squared(image, other) / 4),
                "upside down: more decibels mean a smaller error",
                "上下颠倒了：分贝越大误差越小",
            ),
        ),
    ),
    Exercise(
        id="06-5",
        level=1,
        signature="attention_ratio(side, factor)",
        en="How many times fewer pairs of places self-attention compares in a square picture of this side, if its "
        "sides are divided by the factor first.",
        zh="边长为 side 的正方形图像，先把边长除以 factor，自注意力比较的位置对会少多少倍。",
        case=_pairs,
        solution=lambda side, factor: float(factor**4),
        mistakes=(
            Mistake(
                "places",
                lambda side, factor: float(factor**2),
                "that many times fewer places; pairs go with the square of the places",
                "这是位置数减少的倍数；位置对与位置数的平方成正比",
            ),
            Mistake(
                "one_side",
                lambda side, factor: float(factor),
                "that is one side; a picture has two, and pairs have two places each",
                "这只是一条边；图像有两条边，而每对又有两个位置",
            ),
            Mistake(
                "pairs_left",
                lambda side, factor: float((side // factor) ** 4),
                "that is how many pairs are left, not how many times fewer",
                "这是剩下的对数，而不是减少的倍数",
            ),
        ),
    ),
    Exercise(
        id="06-6",
        level=2,
        signature="log_snr(signal_rate, noise_rate, deviation)",
        en="The logarithm of the ratio of the variances of signal and noise, where noise of deviation 1 is added to "
        "latents of this standard deviation.",
        zh="对标准差为 deviation 的潜变量加入标准差为 1 的噪声，信号与噪声方差之比的对数。",
        case=_rates,
        solution=lambda signal_rate, noise_rate, deviation: 2 * np.log(signal_rate * deviation / noise_rate),
        mistakes=(
            Mistake(
                "deviation_ignored",
                lambda signal_rate, noise_rate, deviation: 2 * np.log(signal_rate / noise_rate),
                "that is right for latents of deviation 1: theirs multiplies the signal",
                "这只对标准差为 1 的潜变量成立：信号还要乘以它们的标准差",
            ),
            Mistake(
                "deviation_once",
                lambda signal_rate, noise_rate, deviation: 2 * np.log(signal_rate / noise_rate) + np.log(deviation),
                "a variance is the square of a deviation: it counts twice in the logarithm",
                "方差是标准差的平方：取对数后要算两次",
            ),
            Mistake(
                "deviations",
                lambda signal_rate, noise_rate, deviation: np.log(signal_rate * deviation / noise_rate),
                "that is the ratio of the deviations, not of the variances",
                "这是标准差之比，而不是方差之比",
            ),
            Mistake(
                "noise_scaled",
                lambda signal_rate, noise_rate, deviation: 2 * np.log(signal_rate / (noise_rate * deviation)),
                "the deviation belongs to the signal; the noise always has 1",
                "标准差属于信号；噪声的标准差始终为 1",
            ),
        ),
    ),
    Exercise(
        id="06-7",
        level=2,
        signature="multiplications(height, width, kernel, channels_in, channels_out)",
        en="How many multiplications a convolution makes whose output has height x width places; its kernel is square.",
        zh="输出有 height x width 个位置、卷积核为正方形的卷积要做多少次乘法。",
        case=_convolution,
        solution=lambda height, width, kernel, channels_in, channels_out: float(
            height * width * kernel**2 * channels_in * channels_out
        ),
        mistakes=(
            Mistake(
                "places_forgotten",
                lambda height, width, kernel, channels_in, channels_out: float(kernel**2 * channels_in * channels_out),
                "that is the number of weights: each is used once at every place",
                "这是权重的个数：每个权重在每个位置各用一次",
            ),
            Mistake(
                "kernel_once",
                lambda height, width, kernel, channels_in, channels_out: float(
                    height * width * kernel * channels_in * channels_out
                ),
                "the kernel has two sides",
                "卷积核有两条边",
            ),
            Mistake(
                "channels_added",
                lambda height, width, kernel, channels_in, channels_out: float(
                    height * width * kernel**2 * (channels_in + channels_out)
                ),
                "every channel of the output reads every channel of the input: a product, not a sum",
                "输出的每个通道都要读输入的每个通道：是乘积，不是和",
            ),
            Mistake(
                "each_channel_alone",
                lambda height, width, kernel, channels_in, channels_out: float(
                    height * width * kernel**2 * channels_out
                ),
                "every channel of the output reads all channels of the input",
                "输出的每个通道要读输入的所有通道",
            ),
        ),
    ),
    Exercise(
        id="06-8",
        level=3,
        signature="unknown(variances, signal_rate, noise_rate)",
        en="The share of the latents' variance that the best linear denoiser cannot tell from x_t. Along a direction "
        "of variance v it is left with v n^2 / (s^2 v + n^2), where s and n are the signal rate and the noise rate.",
        zh="最优线性去噪器由 x_t 仍无法得知的那部分潜变量方差所占的比例。方差为 v 的方向上剩下 v n^2 / (s^2 v + n^2)，"
        "其中 s 为信号率，n 为噪声率。",
        case=_variances,
        solution=_unknown,
        mistakes=(
            Mistake(
                "mean_of_shares",
                lambda variances, signal_rate, noise_rate: (
                    noise_rate**2 / (signal_rate**2 * variances + noise_rate**2)
                ).mean(),
                "all directions count alike in yours: add up what is left, then divide by the sum of the variances",
                "你让所有方向同样重要：应先把剩下的加起来，再除以方差之和",
            ),
            Mistake(
                "known",
                lambda variances, signal_rate, noise_rate: 1 - _unknown(variances, signal_rate, noise_rate),
                "that is the share that is known",
                "这是已知部分的比例",
            ),
            Mistake(
                "rates_not_squared",
                lambda variances, signal_rate, noise_rate: _unknown(variances, signal_rate**0.5, noise_rate**0.5),
                "the rates multiply numbers; variances are multiplied by their squares",
                "信号率和噪声率乘的是数值；方差要乘以它们的平方",
            ),
            Mistake(
                "one_variance",
                lambda variances, signal_rate, noise_rate: (
                    noise_rate**2 / (signal_rate**2 * variances.mean() + noise_rate**2)
                ),
                "with the mean variance for all: large structures are known long before small ones",
                "你对所有方向都用了平均方差：大的结构远比小的先被看清",
            ),
        ),
    ),
)
