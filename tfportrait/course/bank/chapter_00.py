"""Chapter 0: what the course takes for granted, to find out whether you have it at hand."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _table(generator):
    return (generator.normal(3.0, 2.0, (6, 4)) * generator.uniform(0.5, 2.0, 4),)


def _logits(generator):
    return (generator.normal(0.0, 3.0, (3, 5)),)


def _factors(generator):
    a, b = generator.uniform(0.2, 2.0, 2)
    return float(a), float(b)


def _pixels(generator):
    return generator.uniform(0.0, 1.0, (4, 3, 3, 3)), generator.uniform(0.0, 1.0, 3)


def _softmax(logits, axis=-1):
    weights = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


def _vectors(generator):
    return generator.normal(0.0, 2.0, (3, 5)), generator.normal(0.0, 2.0, (4, 5))


def _regression(generator):
    x, weights = generator.standard_normal((6, 3)), generator.standard_normal(3)
    return weights, x, generator.standard_normal(6), float(generator.uniform(0.05, 0.5))


def _convolution(generator):
    side = 6 * int(generator.integers(3, 12)) + int(generator.choice([1, 5]))  # neither 2 nor 3 divides it
    return side, int(generator.integers(2, 8)), int(generator.integers(2, 4)), bool(generator.integers(0, 2))


def _kernel(generator):
    return tuple(int(number) for number in (generator.integers(2, 6), *generator.integers(3, 65, 2)))


def _lengths(vectors):
    return np.linalg.norm(vectors, axis=1)


def _slope(weights, x, y):
    return 2 * x.T @ (x @ weights - y) / len(y)


EXERCISES = (
    Exercise(
        id="00-1",
        level=1,
        signature="standardize(table)",
        en="Every column of table (N, D) with mean 0 and standard deviation 1 (of the N numbers, divided by N).",
        zh="把 table (N, D) 的每一列变成均值 0、标准差 1（标准差按 N 计算）。",
        case=_table,
        solution=lambda table: (table - table.mean(axis=0)) / table.std(axis=0),
        mistakes=(
            Mistake(
                "all_together",
                lambda table: (table - table.mean()) / table.std(),
                "that standardises all numbers together; each column has its own mean: axis=0",
                "这是把所有数放在一起标准化；每一列有自己的均值：axis=0",
            ),
            Mistake(
                "rows",
                lambda table: (table - table.mean(axis=1, keepdims=True)) / table.std(axis=1, keepdims=True),
                "those are the rows; the mean of a column runs over axis 0",
                "这是按行计算；列的均值要沿 axis 0",
            ),
            Mistake(
                "variance",
                lambda table: (table - table.mean(axis=0)) / table.var(axis=0),
                "divided by the variance; the standard deviation is its root",
                "除以了方差；标准差是它的平方根",
            ),
            Mistake(
                "n_minus_one",
                lambda table: (table - table.mean(axis=0)) / table.std(axis=0, ddof=1),
                "the sum was divided by N - 1 (ddof=1); here it is N",
                "除以了 N - 1（ddof=1）；这里用 N",
            ),
        ),
    ),
    Exercise(
        id="00-2",
        level=1,
        signature="softmax(logits)",
        en="Probabilities (B, N) from logits (B, N), each row adding up to 1.",
        zh="由 logits (B, N) 得到概率 (B, N)，每一行之和为 1。",
        case=_logits,
        solution=_softmax,
        mistakes=(
            Mistake(
                "columns",
                lambda logits: _softmax(logits, axis=0),
                "the columns add up to 1, not the rows",
                "和为 1 的是列，而不是行",
            ),
            Mistake(
                "whole",
                lambda logits: _softmax(logits, axis=None),
                "all numbers together add up to 1; each row should",
                "所有数之和为 1；应该是每一行",
            ),
            Mistake(
                "no_exponential",
                lambda logits: logits / logits.sum(axis=-1, keepdims=True),
                "the exponential is missing: probabilities are never negative",
                "漏了指数函数：概率不会是负数",
            ),
        ),
    ),
    Exercise(
        id="00-3",
        level=1,
        signature="deviation_of_sum(a, b)",
        en="The standard deviation of a X + b Y, where X and Y are independent and have standard deviation 1.",
        zh="X、Y 相互独立且标准差均为 1，求 a X + b Y 的标准差。",
        case=_factors,
        solution=lambda a, b: np.sqrt(a**2 + b**2),
        mistakes=(
            Mistake(
                "factors_added",
                lambda a, b: np.sqrt(a + b),
                "each factor is squared before they are added",
                "系数要先平方再相加",
            ),
            Mistake(
                "deviations_added",
                lambda a, b: a + b,
                "variances of independent numbers add up, standard deviations do not",
                "独立变量相加时，相加的是方差，不是标准差",
            ),
            Mistake(
                "variance",
                lambda a, b: a**2 + b**2,
                "that is the variance; its root was asked for",
                "这是方差；题目要的是它的平方根",
            ),
        ),
    ),
    Exercise(
        id="00-4",
        level=1,
        signature="tinted(images, color)",
        en="Every pixel of images (B, H, W, 3) multiplied by one color (3,), channel by channel.",
        zh="images (B, H, W, 3) 的每个像素按通道乘以同一个颜色 color (3,)。",
        case=_pixels,
        solution=lambda images, color: images * color,
        mistakes=(
            Mistake(
                "rows",
                lambda images, color: images * color[:, None, None],
                "broadcasting met the rows: the last axis holds the channels",
                "广播作用到了行上：通道在最后一个轴",
            ),
            Mistake(
                "columns",
                lambda images, color: images * color[:, None],
                "broadcasting met the columns: the last axis holds the channels",
                "广播作用到了列上：通道在最后一个轴",
            ),
            Mistake(
                "grey",
                lambda images, color: images * color.mean(),
                "all channels were multiplied by the same number",
                "所有通道乘了同一个数",
            ),
        ),
    ),
    Exercise(
        id="00-5",
        level=1,
        signature="cosine_similarity(a, b)",
        en="The cosine of the angle between every row of a (M, D) and every row of b (N, D): an array (M, N).",
        zh="a (M, D) 的每一行与 b (N, D) 的每一行之间夹角的余弦：数组 (M, N)。",
        case=_vectors,
        solution=lambda a, b: a @ b.T / (_lengths(a)[:, None] * _lengths(b)),
        mistakes=(
            Mistake(
                "not_normalised",
                lambda a, b: a @ b.T,
                "those are the scalar products; a cosine divides by both lengths",
                "这是内积；余弦还要除以两个向量的长度",
            ),
            Mistake(
                "one_length",
                lambda a, b: a @ b.T / _lengths(a)[:, None],
                "divided by the length of a alone; the length of b counts too",
                "只除以了 a 的长度；还要除以 b 的长度",
            ),
            Mistake(
                "squared_lengths",
                lambda a, b: a @ b.T / (_lengths(a)[:, None] * _lengths(b)) ** 2,
                "divided by the squares of the lengths; a length is the root of the sum of squares",
                "除以了长度的平方；长度是平方和的平方根",
            ),
        ),
    ),
    Exercise(
        id="00-6",
        level=2,
        signature="descend(weights, x, y, rate)",
        en="The weights (D,) after one step of gradient descent. The loss is the mean over N examples of "
        "(x @ weights - y)^2, with x (N, D) and y (N,).",
        zh="做一步梯度下降之后的 weights (D,)。损失是 N 个样本上 (x @ weights - y)² 的平均，x 为 (N, D)，y 为 (N,)。",
        case=_regression,
        solution=lambda weights, x, y, rate: weights - rate * _slope(weights, x, y),
        mistakes=(
            Mistake(
                "uphill",
                lambda weights, x, y, rate: weights + rate * _slope(weights, x, y),
                "that goes up: a step of descent is against the gradient",
                "这是在上升：下降要沿梯度的反方向",
            ),
            Mistake(
                "sum_for_mean",
                lambda weights, x, y, rate: weights - rate * _slope(weights, x, y) * len(y),
                "that is the gradient of the sum; of the mean it is a share 1 / N of it",
                "这是求和的梯度；平均的梯度要再除以 N",
            ),
            Mistake(
                "missing_two",
                lambda weights, x, y, rate: weights - rate * _slope(weights, x, y) / 2,
                "the derivative of a square is twice its base: a factor of 2 is missing",
                "平方的导数有因子 2，这里漏了",
            ),
            Mistake(
                "gradient_alone",
                lambda weights, x, y, rate: _slope(weights, x, y),
                "that is the gradient; the step from weights is still to be made",
                "这只是梯度；还要从 weights 出发走一步",
            ),
        ),
    ),
    Exercise(
        id="00-7",
        level=1,
        signature="output_side(side, kernel, stride, same)",
        en='The side of what a convolution makes of a square picture: with padding "same", as Keras has it, or with '
        '"valid", where the kernel stays inside the picture.',
        zh='卷积之后方形图像的边长：same 为真时用 Keras 的 "same" 填充，否则为 "valid"，卷积核不超出图像。',
        case=_convolution,
        solution=lambda side, kernel, stride, same: -(-side // stride) if same else (side - kernel) // stride + 1,
        mistakes=(
            Mistake(
                "rounded_down",
                lambda side, kernel, stride, same: side // stride if same else (side - kernel) // stride + 1,
                '"same" drops no pixel: a side that cannot be divided is rounded up',
                '"same" 不丢弃像素：不能整除时向上取整',
            ),
            Mistake(
                "last_place_forgotten",
                lambda side, kernel, stride, same: -(-side // stride) if same else (side - kernel) // stride,
                "a kernel as large as the picture has one place: + 1 is missing",
                "卷积核与图像一样大时有一个位置：漏了 + 1",
            ),
            Mistake(
                "always_same",
                lambda side, kernel, stride, same: -(-side // stride),
                "without padding the kernel's side is lost at the edge",
                "没有填充时，边缘处会损失卷积核的边长",
            ),
            Mistake(
                "stride_ignored",
                lambda side, kernel, stride, same: side if same else side - kernel + 1,
                "a stride of 2 keeps every second place: divide by it",
                "步幅为 2 时每两个位置只取一个：要除以步幅",
            ),
        ),
    ),
    Exercise(
        id="00-8",
        level=1,
        signature="conv_weights(kernel, in_channels, filters)",
        en="How many numbers a Conv2D layer learns: its kernel has the shape (kernel, kernel, in_channels, filters), "
        "and each filter has a bias.",
        zh="一个 Conv2D 层要学习多少个数：卷积核形状为 (kernel, kernel, in_channels, filters)，"
        "每个滤波器还有一个偏置。",
        case=_kernel,
        solution=lambda kernel, channels, filters: kernel * kernel * channels * filters + filters,
        mistakes=(
            Mistake(
                "no_bias",
                lambda kernel, channels, filters: kernel * kernel * channels * filters,
                "the biases are missing, one for each filter",
                "漏了偏置，每个滤波器一个",
            ),
            Mistake(
                "channels_forgotten",
                lambda kernel, channels, filters: kernel * kernel * filters + filters,
                "a filter sees all channels of its input: multiply by in_channels",
                "一个滤波器看到输入的所有通道：要乘以 in_channels",
            ),
            Mistake(
                "flat_kernel",
                lambda kernel, channels, filters: kernel * channels * filters + filters,
                "the kernel has two sides: kernel times kernel",
                "卷积核有两条边：kernel 乘 kernel",
            ),
            Mistake(
                "bias_per_channel",
                lambda kernel, channels, filters: kernel * kernel * channels * filters + channels,
                "a bias belongs to each filter, not to each channel of the input",
                "偏置属于每个滤波器，而不是输入的每个通道",
            ),
        ),
    ),
)
