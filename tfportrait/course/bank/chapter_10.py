"""Chapter 10: editing."""

import math

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _strengths(generator):
    return int(generator.integers(8, 60)), float(generator.choice([0.25, 0.5, 0.75]))


def _inpainting(generator):
    painted, known, noise = generator.standard_normal((3, 3, 4))
    return (
        painted,
        known,
        noise,
        (generator.uniform(0, 1, (3, 4)) < 0.5).astype("float64"),
        float(generator.uniform(0.2, 0.8)),
    )


def _kept(painted, known, noise, mask, share):
    return mask * painted + (1 - mask) * (np.sqrt(share) * known + np.sqrt(1 - share) * noise)


def _images(generator):
    images = generator.integers(0, 256, (2, 3, 3, 3)).astype("float64")
    return images, np.clip(images + generator.integers(-20, 21, images.shape), 0, 255)


def _error(images, others):
    return ((images - others) ** 2).mean(axis=(1, 2, 3))


EXERCISES = (
    Exercise(
        id="10-1",
        level=1,
        signature="first_step(steps, strength)",
        en="Which of the steps 0 ... steps - 1 image-to-image begins with; it runs int(strength * steps) of them.",
        zh="图生图从第几步（0 到 steps - 1）开始？它共运行 int(strength * steps) 步。",
        case=_strengths,
        solution=lambda steps, strength: steps - int(strength * steps),
        mistakes=(
            Mistake(
                "turned_round",
                lambda steps, strength: int(strength * steps),
                "turned round: a strength near 1 runs almost all of the steps, so it begins early",
                "弄反了：strength 接近 1 时几乎运行全部步骤，应从很早开始",
            ),
            Mistake(
                "rounded_up",
                lambda steps, strength: steps - math.ceil(strength * steps),
                "the number of steps was rounded up; int cuts it off",
                "步数向上取整了；int 是向下截断",
            ),
            Mistake(
                "off_by_one",
                lambda steps, strength: steps - int(strength * steps) - 1,
                "one too early: count how many steps are then run",
                "早了一步：数一数这样会运行多少步",
            ),
        ),
    ),
    Exercise(
        id="10-2",
        level=3,
        signature="keep_known(painted, known, noise, mask, alpha_bar)",
        en="The noisy picture of a step of inpainting: painted where the mask is 1, elsewhere the known picture with "
        "noise of this step's level.",
        zh="修补时某一步的加噪图像：mask 为 1 处取所画的，其余取已知图像加上该步强度的噪声。",
        case=_inpainting,
        solution=_kept,
        mistakes=(
            Mistake(
                "known_without_noise",
                lambda painted, known, noise, mask, share: mask * painted + (1 - mask) * known,
                "the known picture has no noise yet: beside the noisy one it would be seen as it never was in training",
                "已知图像没有加噪：与加噪部分并置，是训练中从未见过的情形",
            ),
            Mistake(
                "mask_turned_round",
                lambda painted, known, noise, mask, share: _kept(painted, known, noise, 1 - mask, share),
                "the mask is turned round: 1 is what is painted anew",
                "mask 弄反了：1 表示重画的部分",
            ),
            Mistake(
                "missing_square_roots",
                lambda painted, known, noise, mask, share: (
                    mask * painted + (1 - mask) * (share * known + (1 - share) * noise)
                ),
                "alpha-bar was taken for its root",
                "把 alpha-bar 当成了它的平方根",
            ),
        ),
        equation="diffusion.forward",
    ),
    Exercise(
        id="10-3",
        level=1,
        signature="psnr(images, others)",
        en="Peak signal-to-noise ratio of every pair (N, H, W, C) of images from 0 to 255, in decibels.",
        zh="取值 0 到 255 的图像对 (N, H, W, C) 的峰值信噪比（分贝），每对一个值。",
        case=_images,
        solution=lambda images, others: 10 * np.log10(255**2 / _error(images, others)),
        mistakes=(
            Mistake(
                "natural_logarithm",
                lambda images, others: 10 * np.log(255**2 / _error(images, others)),
                "decibels use the logarithm to base 10",
                "分贝用以 10 为底的对数",
            ),
            Mistake(
                "range_of_one",
                lambda images, others: 10 * np.log10(1 / _error(images, others)),
                "the peak of these images is 255, not 1",
                "这些图像的峰值是 255 而不是 1",
            ),
            Mistake(
                "peak_not_squared",
                lambda images, others: 10 * np.log10(255 / _error(images, others)),
                "the peak is squared, as the error is",
                "峰值也要平方，与误差一致",
            ),
            Mistake(
                "over_the_batch",
                lambda images, others: 10 * np.log10(255**2 / ((images - others) ** 2).mean()),
                "one number for all images: each pair has its own",
                "所有图像只得到一个数：每一对应各有一个",
            ),
        ),
        equation="metrics.psnr",
    ),
)
