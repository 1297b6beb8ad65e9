"""Chapter 1: pictures as numbers."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _pixels(generator):
    images = generator.integers(0, 256, (2, 4, 4, 3)).astype("uint8")
    images[0, 0, 0, :2] = 0, 255
    return (images,)


def _values(generator):
    return (generator.uniform(-1.2, 1.2, (2, 4, 4, 3)).astype("float32"),)


def _batches(generator):
    return int(generator.integers(20, 200)), int(generator.integers(3, 17)), int(generator.integers(2, 6))


EXERCISES = (
    Exercise(
        id="01-1",
        level=1,
        signature="to_unit_range(images)",
        en="Turn uint8 images with values from 0 to 255 into numbers from -1 to 1, the range of tanh.",
        zh="把取值 0 到 255 的 uint8 图像变换到 -1 到 1，即 tanh 的取值范围。",
        case=_pixels,
        solution=lambda images: images / 127.5 - 1.0,
        mistakes=(
            Mistake(
                "zero_to_one",
                lambda images: images / 255.0,
                "your numbers lie between 0 and 1: half of tanh's range is never seen",
                "结果在 0 到 1 之间：tanh 取值范围的一半永远用不到",
            ),
            Mistake(
                "divided_by_128",
                lambda images: images / 128.0 - 1.0,
                "255 / 128 - 1 is 0.992, not 1: divide by 127.5",
                "255 / 128 - 1 等于 0.992 而不是 1：应除以 127.5",
            ),
            Mistake(
                "standardized",
                lambda images: (images - images.mean()) / images.std(),
                "standardizing depends on the batch: the same grey would be another number in another batch",
                "标准化依赖于批次：同一灰度在不同批次中会变成不同的数",
            ),
        ),
        equation="errata.listing_range",
    ),
    Exercise(
        id="01-2",
        level=1,
        signature="to_pixels(images)",
        en="The way back: numbers around -1 to 1, some a little outside, to whole grey levels from 0 to 255, rounded.",
        zh="反过来：把大约在 -1 到 1 之间（个别略微超出）的数变回 0 到 255 的整数灰度，四舍五入。",
        case=_values,
        solution=lambda images: np.clip(np.round((images + 1.0) * 127.5), 0, 255),
        mistakes=(
            Mistake(
                "not_clipped",
                lambda images: np.round((images + 1.0) * 127.5),
                "numbers below 0 or above 255 are left: as uint8 they wrap around, white becomes black",
                "仍有小于 0 或大于 255 的数：转成 uint8 会回绕，白变成黑",
            ),
            Mistake(
                "truncated",
                lambda images: np.floor(np.clip((images + 1.0) * 127.5, 0, 255)),
                "astype cuts the fraction off, which darkens every picture by half a level: round first",
                "astype 直接截掉小数，使图像平均变暗半级：应先四舍五入",
            ),
            Mistake(
                "wrapped",
                lambda images: (np.round((images + 1.0) * 127.5).astype("int64") % 256).astype("float64"),
                "values outside of the range have wrapped around: clip before you turn them into uint8",
                "超出范围的值发生了回绕：转成 uint8 之前先截断",
            ),
        ),
        equation="errata.listing_range",
    ),
    Exercise(
        id="01-3",
        level=1,
        signature="steps(examples, batch_size, epochs)",
        en="How many training steps are made in all, where the last, smaller batch of an epoch counts as a step too?",
        zh="一共训练多少步？每个 epoch 末尾不满的一批也算一步。",
        case=_batches,
        solution=lambda examples, size, epochs: epochs * -(-examples // size),
        mistakes=(
            Mistake(
                "remainder_dropped",
                lambda examples, size, epochs: epochs * (examples // size),
                "the last batch of each epoch is missing: divide and round up",
                "漏掉了每个 epoch 的最后一批：除法要向上取整",
            ),
            Mistake(
                "one_epoch",
                lambda examples, size, epochs: -(-examples // size),
                "that is one epoch",
                "这只是一个 epoch 的步数",
            ),
            Mistake(
                "rounded_once",
                lambda examples, size, epochs: -(-examples * epochs // size),
                "every epoch ends with a smaller batch, not only the last one: round up within each epoch",
                "每个 epoch 末尾都有一个不满的批，而不只是最后一个：应在每个 epoch 内向上取整",
            ),
        ),
    ),
)
