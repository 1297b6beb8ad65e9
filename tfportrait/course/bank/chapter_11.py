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


def _numbers(generator):
    exponents = generator.uniform(-8, 8, 6)
    return generator.choice([-1.0, 1.0], 6) * 2.0**exponents, int(generator.choice([7, 10, 23]))


def _spacing(x, bits):
    return 2.0 ** (np.floor(np.log2(np.abs(x))) - bits)


def _weights(generator):
    return generator.standard_normal((12, 3)), float(generator.uniform(0.45, 0.6))


def _averaged(weights, decay_of):
    average = np.zeros(weights.shape[1])
    for n, row in enumerate(weights, start=1):
        average = decay_of(n) * average + (1 - decay_of(n)) * row
    return average


def _first_calls(generator):
    plain, first = generator.uniform(0.02, 0.1), generator.uniform(0.5, 2.0)
    return first, plain, first + generator.uniform(2, 20), plain * generator.uniform(0.4, 0.9)


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
                "先裁剪了放大后的梯度：上限严了 scale 倍；应先除后裁剪",
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
    Exercise(
        id="11-4",
        level=2,
        signature="spacing(x, bits)",
        en="How far apart two neighbouring floating-point numbers are near x (an array without zeros), if the mantissa "
        "has so many bits behind the point.",
        zh="若尾数在小数点后有 bits 位，x（不含零的数组）附近相邻两个浮点数相距多远？",
        case=_numbers,
        solution=_spacing,
        mistakes=(
            Mistake(
                "not_a_power",
                lambda x, bits: np.abs(x) * 2.0**-bits,
                "the distance is the same from one power of two to the next: round log2 |x| down",
                "在相邻两个 2 的幂之间，间距是相同的：应把 log2 |x| 向下取整",
            ),
            Mistake(
                "rounded",
                lambda x, bits: 2.0 ** (np.round(np.log2(np.abs(x))) - bits),
                "log2 |x| is rounded down, not to the nearest: 1.9 still lies above 1, not near 2",
                "log2 |x| 应向下取整，而不是四舍五入：1.9 仍属于从 1 开始的区间",
            ),
            Mistake(
                "everywhere_as_at_one",
                lambda x, bits: np.full(np.shape(x), 2.0**-bits),
                "that is the distance near 1; floating-point numbers are denser near 0",
                "这是 1 附近的间距；越靠近 0，浮点数越密",
            ),
            Mistake(
                "one_bit_too_many",
                lambda x, bits: _spacing(x, bits + 1),
                "half of it: that is the largest rounding error, not the distance",
                "只有一半：那是最大舍入误差，不是间距",
            ),
        ),
    ),
    Exercise(
        id="11-5",
        level=3,
        signature="averaged(weights, decay)",
        en="The average, with warm-up, of the weights (N, D) that stood after updates n = 1 ... N: decay_n is "
        "min(decay, n / (9 + n)), but decay_1 = 0.",
        zh="第 n = 1 … N 次更新后的权重依次为 (N, D)，求带预热的滑动平均："
        "decay_n = min(decay, n / (9 + n))，但 decay_1 = 0。",
        case=_weights,
        solution=lambda weights, decay: _averaged(weights, lambda n: 0.0 if n == 1 else min(decay, n / (9 + n))),
        mistakes=(
            Mistake(
                "no_warm_up",
                lambda weights, decay: _averaged(weights, lambda n: 0.0 if n == 1 else decay),
                "there is no warm-up: the first, bad weights are remembered for too long",
                "没有预热：最初的坏权重被记得太久",
            ),
            Mistake(
                "larger",
                lambda weights, decay: _averaged(weights, lambda n: 0.0 if n == 1 else max(decay, n / (9 + n))),
                "the smaller of the two decays is taken: warm-up begins with a short memory",
                "应取两个衰减中较小的：预热从短记忆开始",
            ),
            Mistake(
                "never_settles",
                lambda weights, decay: _averaged(weights, lambda n: 0.0 if n == 1 else n / (9 + n)),
                "the memory grows without end: decay is its limit",
                "记忆无限增长：decay 是它的上限",
            ),
            Mistake(
                "counted_from_zero",
                lambda weights, decay: _averaged(weights, lambda n: min(decay, (n - 1) / (8 + n))),
                "updates are counted from 1: the decay of update n is n / (9 + n)",
                "更新从 1 数起：第 n 次更新的衰减是 n / (9 + n)",
            ),
            Mistake(
                "exchanged",
                lambda weights, decay: _averaged(weights, lambda n: 1.0 - (0.0 if n == 1 else min(decay, n / (9 + n)))),
                "decay belongs to the average, 1 - decay to the new weights",
                "decay 乘在平均上，1 - decay 乘在新权重上",
            ),
        ),
        equation="training.average",
    ),
    Exercise(
        id="11-6",
        level=1,
        signature="worth_it_from(first_plain, plain, first_compiled, compiled)",
        en="After how many steps compiling has paid: the number of steps (a fraction, too) whose total times are "
        "equal. The first step of each takes longer, all others take plain and compiled seconds.",
        zh="编译从第几步起划算：求两者总时间相等时的步数（可为小数）。"
        "两种方式的第一步都较慢，其余各步分别用 plain 秒和 compiled 秒。",
        case=_first_calls,
        solution=lambda first, plain, longer, compiled: 1 + (longer - first) / (plain - compiled),
        mistakes=(
            Mistake(
                "first_step_forgotten",
                lambda first, plain, longer, compiled: (longer - first) / (plain - compiled),
                "those are the steps after the first: one more",
                "这是第一步之后的步数：还要加一",
            ),
            Mistake(
                "plain_first_forgotten",
                lambda first, plain, longer, compiled: 1 + longer / (plain - compiled),
                "the plain step traces at its first call too: only the difference has to be earned back",
                "未编译的那一步首次调用也要追踪：只需赚回两者之差",
            ),
            Mistake(
                "per_step",
                lambda first, plain, longer, compiled: 1 + (longer - first) / compiled,
                "a step earns what it saves, plain - compiled, not what it takes",
                "每步赚回的是节省的时间 plain - compiled，而不是它用掉的时间",
            ),
        ),
    ),
)
