"""Chapter 11: fast and good."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _micro_batches(generator):
    sizes = generator.choice([2, 4, 6, 8], 3, replace=False)
    return generator.standard_normal((3, 5)), sizes.astype("float64")


def _scaled(generator):
    scale = float(2 ** generator.integers(8, 16))
    return scale * generator.standard_normal(6) * generator.uniform(0.1, 2), scale, float(generator.uniform(0.5, 3.0))


def _clipped(gradient, limit):
    return gradient * min(1.0, limit / np.linalg.norm(gradient))


def _training(generator):
    return int(generator.integers(10**5, 10**8)), bool(generator.integers(0, 2))


EXERCISES = (
    Exercise(
        id="11-1",
        level=2,
        signature="accumulated(gradients, sizes)",
        en="The gradient of the mean loss of a large batch, from the mean gradients (M, D) of its M parts, which have "
        "these sizes (M,).",
        zh="由 M 个小批各自的平均梯度 (M, D) 及其大小 (M,)，求整个大批平均损失的梯度。",
        case=_micro_batches,
        solution=lambda gradients, sizes: (gradients * sizes[:, None]).sum(axis=0) / sizes.sum(),
        mistakes=(
            Mistake(
                "plain_mean",
                lambda gradients, sizes: gradients.mean(axis=0),
                "the parts are not equally large: a small one counts too much",
                "各部分大小不等：小的那部分权重过大",
            ),
            Mistake(
                "sum",
                lambda gradients, sizes: gradients.sum(axis=0),
                "the mean gradients were added up: the step would grow with the number of parts",
                "直接把平均梯度相加：步长会随份数增大",
            ),
            Mistake(
                "sum_of_examples",
                lambda gradients, sizes: (gradients * sizes[:, None]).sum(axis=0),
                "that is the gradient of the sum; divide by the number of examples",
                "这是总和的梯度；还要除以样本数",
            ),
        ),
    ),
    Exercise(
        id="11-2",
        level=2,
        signature="unscale_and_clip(gradient, scale, limit)",
        en="From the gradient of the loss times scale, as float16 needs it: the gradient itself, its length at most "
        "limit.",
        zh="由“损失乘以 scale”的梯度（float16 需要）求真正的梯度，并使其长度不超过 limit。",
        case=_scaled,
        solution=lambda gradient, scale, limit: _clipped(gradient / scale, limit),
        mistakes=(
            Mistake(
                "scaled_clipped",
                lambda gradient, scale, limit: _clipped(gradient, limit) / scale,
                "the scaled gradient was clipped: the limit became scale times too strict; divide first",
                "先截断了放大后的梯度：上限严了 scale 倍；应先除后截断",
            ),
            Mistake(
                "not_unscaled",
                lambda gradient, scale, limit: _clipped(gradient, limit),
                "the scale is still in it",
                "没有除去 scale",
            ),
            Mistake(
                "not_clipped",
                lambda gradient, scale, limit: gradient / scale,
                "the length is not limited",
                "没有限制长度",
            ),
        ),
    ),
    Exercise(
        id="11-3",
        level=1,
        signature="training_bytes(weights, averaged)",
        en="Bytes that float32 training with Adam holds for so many weights: weights, gradients, both moments, and the "
        "averages of the weights where they are kept.",
        zh="用 Adam 以 float32 训练这么多权重所占字节数：权重、梯度、两个矩，若保存滑动平均则再加上它。",
        case=_training,
        solution=lambda weights, averaged: 4 * weights * (5 if averaged else 4),
        mistakes=(
            Mistake(
                "one_missing",
                lambda weights, averaged: 4 * weights * (4 if averaged else 3),
                "one is missing: there are weights, gradients and two moments",
                "少算了一份：权重、梯度和两个矩",
            ),
            Mistake(
                "numbers",
                lambda weights, averaged: weights * (5 if averaged else 4),
                "those are numbers; each has four bytes",
                "这是数的个数；每个占四字节",
            ),
            Mistake(
                "average_forgotten",
                lambda weights, averaged: 4 * weights * 4,
                "the averages are missing",
                "漏掉了滑动平均",
            ),
        ),
    ),
)
