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
)
