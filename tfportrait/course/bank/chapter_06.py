"""Chapter 6: latents."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _latents(generator):
    return (generator.standard_normal((6, 4, 4, 3)) * generator.uniform(2, 9) + generator.uniform(-1, 1),)


def _sizes(generator):
    return (8 * int(generator.integers(4, 65)), 8 * int(generator.integers(4, 65)), int(generator.choice([4, 8, 16])))


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
)
