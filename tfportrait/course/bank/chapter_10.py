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


def _inverting(generator):
    x, noise = generator.standard_normal((2, 3, 4))
    now = float(generator.uniform(0.4, 0.95))
    return x, noise, now, float(generator.uniform(0.05, 0.9) * now)


def _inverted(x, noise, now, later):
    return np.sqrt(later) * (x - np.sqrt(1 - now) * noise) / np.sqrt(now) + np.sqrt(1 - later) * noise


def _left_of(generator):
    x_0, y = generator.standard_normal((2, 3, 4))
    a = generator.uniform(0.2, 1, (3, 4)) * (generator.uniform(0, 1, (3, 4)) < 0.7)
    return x_0, y, a, float(generator.uniform(0.05, 0.25)), float(generator.uniform(0.3, 0.9))


def _moved(x_0, y, a, variance, noise_variance):
    return x_0 + variance * a / (variance * a**2 + noise_variance) * (y - a * x_0)


def _readings(generator):
    wanted = generator.integers(0, 4, (6, 9))
    read = np.where(generator.uniform(size=(6, 9)) < 0.6, wanted, generator.integers(0, 4, (6, 9)))
    return read, wanted, generator.permutation(np.arange(9) < 3)


def _enlarged(generator):
    large = generator.uniform(0, 255, (2, 6, 4, 3))
    return large, np.clip(_halved(large) + generator.normal(0, 30, (2, 3, 2, 3)), 0, 255)


def _halved(large):
    count, height, width, channels = large.shape
    return large.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))


def _doubled(small):
    return small.repeat(2, axis=1).repeat(2, axis=2)


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
        zh="局部重绘时某一步的加噪图像：mask 为 1 处取所画的，其余取已知图像加上该步强度的噪声。",
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
    Exercise(
        id="10-4",
        level=2,
        signature="inversion_step(x, noise, alpha_bar, next_alpha_bar)",
        en="One step of DDIM backwards: from x, whose share of signal is alpha_bar and whose predicted noise is given, "
        "to the smaller share next_alpha_bar.",
        zh="DDIM 反着走一步：x 的信号比例是 alpha_bar，噪声的预测已给出，走到更小的比例 next_alpha_bar。",
        case=_inverting,
        solution=_inverted,
        mistakes=(
            Mistake(
                "taken_for_clean",
                lambda x, noise, now, later: np.sqrt(later) * x + np.sqrt(1 - later) * noise,
                "x was taken for the clean image: take its noise out first, and divide by sqrt(alpha_bar)",
                "把 x 当成了干净图像：应先去掉其中的噪声，再除以 sqrt(alpha_bar)",
            ),
            Mistake(
                "image_not_scaled",
                lambda x, noise, now, later: x + (np.sqrt(1 - later) - np.sqrt(1 - now)) * noise,
                "only noise was added: the image's share falls to sqrt(next_alpha_bar) as well",
                "只增加了噪声：图像的比例也要降到 sqrt(next_alpha_bar)",
            ),
            Mistake(
                "turned_round",
                lambda x, noise, now, later: _inverted(x, noise, later, now),
                "the two shares are exchanged: this step goes towards noise",
                "两个比例弄反了：这一步是走向噪声",
            ),
            Mistake(
                "missing_square_roots",
                lambda x, noise, now, later: later * (x - (1 - now) * noise) / now + (1 - later) * noise,
                "alpha-bar was taken for its root",
                "把 alpha-bar 当成了它的平方根",
            ),
        ),
        equation="sampler.ddim",
    ),
    Exercise(
        id="10-5",
        level=3,
        signature="posterior_mean(x_0, y, a, variance, noise_variance)",
        en="The most probable image where the model expects x_0 with this variance, and y = a * image + noise was "
        "seen, pixel by pixel. Where a is 0 nothing was seen.",
        zh="逐像素求最可能的图像：模型预测 x_0（方差为 variance），并观测到 y = a * 图像 + 噪声。"
        "a 为 0 处什么也没观测到。",
        case=_left_of,
        solution=_moved,
        mistakes=(
            Mistake(
                "noise_ignored",
                lambda x_0, y, a, variance, noise_variance: np.where(a > 0, y / np.where(a > 0, a, 1), x_0),
                "what was seen is trusted wholly, its noise included: weigh it by the two variances",
                "完全相信了观测，连同其中的噪声：应按两个方差加权",
            ),
            Mistake(
                "variances_exchanged",
                lambda x_0, y, a, variance, noise_variance: _moved(x_0, y, a, noise_variance, variance),
                "the variances are exchanged: the noisier y is, the less it counts",
                "两个方差弄反了：y 的噪声越大，分量越小",
            ),
            Mistake(
                "wrong_sign",
                lambda x_0, y, a, variance, noise_variance: 2 * x_0 - _moved(x_0, y, a, variance, noise_variance),
                "you move away from what was seen: the difference is y - a x_0",
                "你在远离观测：差应为 y - a x_0",
            ),
            Mistake(
                "damage_forgotten",
                lambda x_0, y, a, variance, noise_variance: x_0 + variance / (variance + noise_variance) * (y - x_0),
                "y is not the image but what a left of it: compare it with a x_0, and lead the difference back by a",
                "y 不是图像，而是经 a 之后剩下的：应与 a x_0 比较，再通过 a 把差带回来",
            ),
        ),
        equation="tasks.restore",
    ),
    Exercise(
        id="10-6",
        level=1,
        signature="identity(read, wanted, asked)",
        en="For every picture, the share of attributes that are read as wanted, of those that were not asked to "
        "change. read and wanted are numbers of values (N, A), asked is bool (A,).",
        zh="每幅图中，在编辑没有要求改变的属性里，读出的值与应有的值一致的比例。read 和 wanted 是取值的编号 (N, A)，"
        "asked 是布尔数组 (A,)。",
        case=_readings,
        solution=lambda read, wanted, asked: (read == wanted)[:, ~asked].mean(axis=1),
        mistakes=(
            Mistake(
                "asked_counted",
                lambda read, wanted, asked: (read == wanted).mean(axis=1),
                "what was asked for counts, too: whether that was reached is another question",
                "把要求改变的属性也算进去了：是否达到要求是另一个问题",
            ),
            Mistake(
                "turned_round",
                lambda read, wanted, asked: (read == wanted)[:, asked].mean(axis=1),
                "asked is turned round: only what was to change is counted",
                "asked 弄反了：只数了要求改变的属性",
            ),
            Mistake(
                "all_or_nothing",
                lambda read, wanted, asked: (read == wanted)[:, ~asked].all(axis=1),
                "a picture counts only where all is right; a share says how much is",
                "只有全部一致才算；应给出一致的比例",
            ),
            Mistake(
                "over_the_batch",
                lambda read, wanted, asked: (read == wanted)[:, ~asked].mean(),
                "one number for all pictures: each has its own",
                "所有图像只得到一个数：每一幅应各有一个",
            ),
        ),
    ),
    Exercise(
        id="10-7",
        level=2,
        signature="faithful(large, small)",
        en="The pictures nearest to large (N, 2 H, 2 W, C) whose means of 2 x 2 pixels are small (N, H, W, C).",
        zh="离 large (N, 2H, 2W, C) 最近、且 2 x 2 像素的平均等于 small (N, H, W, C) 的图像。",
        case=_enlarged,
        solution=lambda large, small: large + _doubled(small - _halved(large)),
        mistakes=(
            Mistake(
                "small_repeated",
                lambda large, small: _doubled(small),
                "this has the right means, but of large nothing is left: move its pixels no further than needed",
                "平均是对的，但 large 什么也没剩下：像素的移动不应超过必要的量",
            ),
            Mistake(
                "difference_shared_out",
                lambda large, small: large + _doubled(small - _halved(large)) / 4,
                "a quarter of the difference for each of four pixels moves their mean by a quarter only",
                "四个像素各分四分之一的差，平均只移动四分之一",
            ),
            Mistake(
                "wrong_sign",
                lambda large, small: large - _doubled(small - _halved(large)),
                "you move away from the small picture: the difference is small - mean",
                "你在远离小图：差应为 small 减去平均",
            ),
            Mistake(
                "corner_for_mean",
                lambda large, small: large + _doubled(small - large[:, ::2, ::2]),
                "a small pixel is the mean of four, not the first of them",
                "小图的一个像素是四个像素的平均，而不是其中第一个",
            ),
        ),
        equation="tasks.restore",
    ),
)
