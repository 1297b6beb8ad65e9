"""Chapter 1: pictures as numbers."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _pixels(generator):
    images = generator.integers(0, 256, (2, 4, 4, 3)).astype("uint8")
    images[0, 0, 0, :2] = 0, 255
    return (images,)


def _values(generator):
    return (generator.uniform(-1.2, 1.2, (2, 4, 4, 3)).astype("float32"),)


def _labels(generator):
    count = int(generator.integers(4, 9))
    labels = generator.choice(count - 1, 40, p=generator.dirichlet(np.full(count - 1, 2.0)))  # one value is never seen
    labels[:2] = 0, 1
    labels[2 : 2 + int(generator.integers(5, 12))] = -1
    return labels, count


def _entropy(shares):
    shares = shares[shares > 0]
    return -(shares * np.log(shares)).sum()


def _shares(labels):
    return np.bincount(labels[labels >= 0]) / (labels >= 0).sum()


def _poses(generator):
    poses = generator.integers(0, 3, 6)
    poses[:3] = generator.permutation(3)
    return generator.integers(0, 256, (6, 4, 4, 3)).astype("uint8"), poses


def _two_sets(generator):
    return tuple(generator.integers(0, 256, (count, 4, 4, 3)).astype("uint8") for count in (5, 3))


def _squares(training, validation):
    """Mean squared differences (validation, training)."""
    return ((validation[:, None].astype(float) - training[None]) ** 2).mean(axis=(2, 3, 4))


def _wrapped(training, validation):
    squares = (validation[:, None] - training[None]) ** 2  # in uint8
    return np.sqrt(squares.mean(axis=(2, 3, 4)).min(axis=1))


def _absolute(training, validation):
    return np.abs(validation[:, None].astype(float) - training[None]).mean(axis=(2, 3, 4)).min(axis=1)


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
    Exercise(
        id="01-4",
        level=2,
        signature="balance(labels, count)",
        en="How even an attribute's values are: the entropy of their shares, divided by the entropy of `count` equally "
        "frequent values. Labels are 0 to count - 1; -1 is hidden and does not count. A value may not occur at all.",
        zh="一个属性的各取值有多均匀：取值比例的熵，除以 `count` 个等频取值的熵。标签为 0 到 count - 1；"
        "-1 表示看不见，不计入。某个取值可能根本不出现。",
        case=_labels,
        solution=lambda labels, count: _entropy(_shares(labels)) / np.log(count),
        mistakes=(
            Mistake(
                "hidden_counted",
                lambda labels, count: _entropy(np.bincount(labels + 1) / len(labels)) / np.log(count),
                "-1 was counted as a value of its own: what is hidden is not known, leave it out",
                "把 -1 当成了一个取值：看不见就是未知，应当剔除",
            ),
            Mistake(
                "not_normalized",
                lambda labels, count: _entropy(_shares(labels)),
                "that is the entropy itself: divide by log(count), or attributes of many values always look better",
                "这是熵本身：还要除以 log(count)，否则取值多的属性总显得更好",
            ),
            Mistake(
                "only_seen_values",
                lambda labels, count: _entropy(_shares(labels)) / np.log(len(np.unique(labels[labels >= 0]))),
                "divided by the log of the number of values that occur: a value that is missing must lower the balance",
                "除以了出现过的取值个数的对数：缺失的取值应当降低均衡度",
            ),
            Mistake(
                "divided_by_all",
                lambda labels, count: _entropy(_shares(labels) * (labels >= 0).mean()) / np.log(count),
                "the shares do not sum to 1: divide by the number of visible labels, not by all",
                "比例之和不为 1：应除以看得见的标签数，而不是全部",
            ),
        ),
    ),
    Exercise(
        id="01-5",
        level=1,
        signature="mirror(images, poses)",
        en="Images (B, H, W, C) mirrored, left and right exchanged, and their poses: 0 left, 1 front, 2 right. "
        "Return (images, poses).",
        zh="把图像 (B, H, W, C) 左右镜像，并给出新的姿态：0 朝左，1 正面，2 朝右。返回 (images, poses)。",
        case=_poses,
        solution=lambda images, poses: (images[:, :, ::-1], 2 - poses),
        mistakes=(
            Mistake(
                "label_kept",
                lambda images, poses: (images[:, :, ::-1], poses),
                "the labels are the old ones: whoever looked left looks right now",
                "标签没有改：原来朝左的人现在朝右",
            ),
            Mistake(
                "upside_down",
                lambda images, poses: (images[:, ::-1], 2 - poses),
                "axis 1 is the height: the people stand on their heads; the width is axis 2",
                "第 1 轴是高：人都倒立了；宽是第 2 轴",
            ),
            Mistake(
                "channels_reversed",
                lambda images, poses: (images[..., ::-1], 2 - poses),
                "the last axis is colour: red and blue are exchanged, not left and right",
                "最后一轴是颜色：交换的是红和蓝，而不是左和右",
            ),
            Mistake(
                "front_turned",
                lambda images, poses: (images[:, :, ::-1], np.where(poses == 0, 2, 0)),
                "a face seen from the front stays one: 1 remains 1",
                "正面的脸镜像后仍是正面：1 应保持为 1",
            ),
        ),
    ),
    Exercise(
        id="01-6",
        level=3,
        signature="nearest(training, validation)",
        en="For each validation image how far the nearest training image is: the root of the mean squared difference "
        "of their numbers. Images are uint8 (N, H, W, C) and (V, H, W, C); the result has shape (V,).",
        zh="每幅验证图像到最近的训练图像的距离：各数值之差的均方根。图像为 uint8 (N, H, W, C) 和 (V, H, W, C)，"
        "结果形状为 (V,)。",
        case=_two_sets,
        solution=lambda training, validation: np.sqrt(_squares(training, validation).min(axis=1)),
        mistakes=(
            Mistake(
                "wrapped",
                _wrapped,
                "the subtraction was done in uint8, where 3 - 5 is 254: cast to float first",
                "减法是在 uint8 中做的，3 - 5 会得到 254：应先转换为浮点数",
            ),
            Mistake(
                "other_direction",
                lambda training, validation: np.sqrt(_squares(training, validation).min(axis=0)),
                "that is one number for each training image: the minimum goes over the training images",
                "这是每幅训练图像一个数：最小值应在训练图像上取",
            ),
            Mistake(
                "mean_distance",
                lambda training, validation: np.sqrt(_squares(training, validation)).mean(axis=1),
                "the mean over the training images was taken: one twin among thousands would not be noticed",
                "对训练图像取了平均：几千幅中的一个孪生图像不会被发现",
            ),
            Mistake(
                "no_root",
                lambda training, validation: _squares(training, validation).min(axis=1),
                "the root is missing: squared grey levels are not grey levels",
                "缺少开方：灰度的平方不是灰度",
            ),
            Mistake(
                "absolute",
                _absolute,
                "that is the mean absolute difference; squares first, the root at the end",
                "这是平均绝对差；应先平方，最后开方",
            ),
        ),
    ),
)
