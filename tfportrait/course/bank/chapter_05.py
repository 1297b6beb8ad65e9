"""Chapter 5: the U-Net and its training."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _times(generator):
    return generator.uniform(0, 999, 3), 8


def _angles(times, size, base=10000.0, divisor=None):
    half = size // 2
    frequencies = np.exp(-np.log(base) * np.arange(half) / (half if divisor is None else divisor))
    return times[:, None] * frequencies


def _embedding(times, size):
    angles = _angles(times, size)
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=1)


def _interleaved(times, size):
    angles = _angles(times, size)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1).reshape(len(times), -1)


def _rates(generator):
    first, second = generator.standard_normal((2, 3, 4))
    share = float(generator.uniform(0.1, 0.9))
    return first, second, float(np.sqrt(share)), float(np.sqrt(1 - share))


def _averages(generator):
    average, weight = generator.standard_normal((2, 5))
    return average, weight, float(generator.uniform(0.6, 0.999))


def _gradients(generator):
    return 3 * generator.standard_normal((3, 2)), generator.standard_normal(4), float(generator.uniform(0.5, 20.0))


def _norm(*gradients):
    return np.sqrt(sum((gradient**2).sum() for gradient in gradients))


def _warmup(generator):
    return int(generator.integers(0, 60)), 20, 60, float(generator.uniform(1e-4, 1e-2))


def _rate(step, warmup, total, peak):
    if step < warmup:
        return peak * (step + 1) / warmup
    return 0.5 * peak * (1 + np.cos(np.pi * (step - warmup) / (total - warmup)))


EXERCISES = (
    Exercise(
        id="05-1",
        level=2,
        signature="time_embedding(times, size)",
        en="The sinusoidal embedding (B, size) of times (B,): cosines first, then sines, of the times multiplied by "
        "frequencies 10000 ** (-i / half), i from 0, half = size / 2.",
        zh="时间 (B,) 的正弦嵌入 (B, size)：先余弦后正弦，频率为 10000 ** (-i / half)，i 从 0 起，half = size / 2。",
        case=_times,
        solution=_embedding,
        mistakes=(
            Mistake(
                "sines_first",
                lambda times, size: np.concatenate(
                    [np.sin(_angles(times, size)), np.cos(_angles(times, size))], axis=1
                ),
                "sines and cosines are exchanged: Stable Diffusion has cosines first",
                "正弦与余弦的顺序反了：Stable Diffusion 先放余弦",
            ),
            Mistake(
                "interleaved",
                _interleaved,
                "cosines and sines alternate; here all cosines come first",
                "余弦与正弦交替排列了；这里应先放全部余弦",
            ),
            Mistake(
                "last_frequency",
                lambda times, size: np.concatenate(
                    [f(_angles(times, size, divisor=size // 2 - 1)) for f in (np.cos, np.sin)], axis=1
                ),
                "divided by half - 1: the lowest frequency is never quite 1 / 10000 here",
                "除以了 half - 1：这里最低频率并不恰好等于 1 / 10000",
            ),
            Mistake(
                "by_size",
                lambda times, size: np.concatenate(
                    [f(_angles(times, size, divisor=size)) for f in (np.cos, np.sin)], axis=1
                ),
                "divided by the whole size instead of its half",
                "除以了整个 size，而不是一半",
            ),
        ),
        equation="network.time_embedding",
    ),
    Exercise(
        id="05-2",
        level=2,
        signature="velocity(x_0, noise, signal_rate, noise_rate)",
        en="The velocity v that a network with v-prediction learns.",
        zh="采用 v-prediction 的网络所学习的目标 v。",
        case=_rates,
        solution=lambda x_0, noise, a, s: a * noise - s * x_0,
        mistakes=(
            Mistake(
                "wrong_sign",
                lambda x_0, noise, a, s: s * x_0 - a * noise,
                "the sign is wrong: v = signal_rate noise - noise_rate x_0",
                "符号错了：v = signal_rate noise - noise_rate x_0",
            ),
            Mistake(
                "rates_exchanged",
                lambda x_0, noise, a, s: s * noise - a * x_0,
                "the rates are exchanged: at the beginning, where there is no noise yet, v is the noise",
                "两个系数弄反了：尚无噪声时 v 就是噪声",
            ),
            Mistake(
                "sum",
                lambda x_0, noise, a, s: a * x_0 + s * noise,
                "that is x_t itself",
                "这就是 x_t 本身",
            ),
            Mistake(
                "flow",
                lambda x_0, noise, a, s: noise - x_0,
                "that is the velocity of a straight flow; here the path is a circle",
                "这是直线流的速度；这里的路径是圆弧",
            ),
        ),
        equation="prediction.v",
    ),
    Exercise(
        id="05-3",
        level=2,
        signature="x_0_from_velocity(x_t, velocity, signal_rate, noise_rate)",
        en="The image, from the noisy one and the velocity.",
        zh="由加噪图像与 v 求原图。",
        case=_rates,
        solution=lambda x_t, v, a, s: a * x_t - s * v,
        mistakes=(
            Mistake(
                "noise_instead",
                lambda x_t, v, a, s: s * x_t + a * v,
                "that is the noise",
                "这是噪声",
            ),
            Mistake(
                "wrong_sign",
                lambda x_t, v, a, s: a * x_t + s * v,
                "the sign of the velocity is wrong",
                "v 的符号错了",
            ),
            Mistake(
                "as_noise",
                lambda x_t, v, a, s: (x_t - s * v) / a,
                "the velocity was taken for the noise",
                "把 v 当成了噪声",
            ),
        ),
        equation="prediction.v",
    ),
    Exercise(
        id="05-4",
        level=1,
        signature="update_average(average, weight, decay)",
        en="The exponential moving average after one more step.",
        zh="再走一步之后的指数滑动平均。",
        case=_averages,
        solution=lambda average, weight, decay: decay * average + (1 - decay) * weight,
        mistakes=(
            Mistake(
                "exchanged",
                lambda average, weight, decay: (1 - decay) * average + decay * weight,
                "the two are exchanged: with a decay of 0.999 the average hardly moves in a step",
                "两者弄反了：decay 为 0.999 时，平均值每步几乎不动",
            ),
            Mistake(
                "not_weighted",
                lambda average, weight, decay: decay * average + weight,
                "the new weight counts fully: factors must add up to 1",
                "新权重没有乘系数：两个系数之和应为 1",
            ),
            Mistake(
                "plain_mean",
                lambda average, weight, decay: 0.5 * (average + weight),
                "the decay is not used",
                "没有用到 decay",
            ),
        ),
        equation="training.average",
    ),
    Exercise(
        id="05-5",
        level=3,
        signature="clip_by_global_norm(kernel_gradient, bias_gradient, limit)",
        en="Both gradients, scaled by one factor so that the length of all their numbers together is at most limit.",
        zh="把两个梯度乘以同一个系数，使所有分量合在一起的长度不超过 limit；返回两者。",
        case=_gradients,
        solution=lambda k, b, limit: (k * min(1, limit / _norm(k, b)), b * min(1, limit / _norm(k, b))),
        mistakes=(
            Mistake(
                "each_alone",
                lambda k, b, limit: (k * min(1, limit / _norm(k)), b * min(1, limit / _norm(b))),
                "each gradient was clipped by its own length, which turns the step's direction",
                "各自按自己的长度裁剪了，这会改变更新的方向",
            ),
            Mistake(
                "each_number",
                lambda k, b, limit: (np.clip(k, -limit, limit), np.clip(b, -limit, limit)),
                "every number was clipped by itself, which turns the step's direction",
                "逐个数值裁剪了，这会改变更新的方向",
            ),
            Mistake(
                "always_scaled",
                lambda k, b, limit: (k * limit / _norm(k, b), b * limit / _norm(k, b)),
                "short gradients were made longer: the factor is at most 1",
                "把短的梯度也放大了：系数不应超过 1",
            ),
        ),
    ),
    Exercise(
        id="05-6",
        level=2,
        signature="learning_rate(step, warmup, total, peak)",
        en="The rate of a step from 0: peak (step + 1) / warmup during warm-up, then half a cosine from peak to 0 "
        "at step total.",
        zh="第 step 步（从 0 起）的学习率：预热期为 peak (step + 1) / warmup，之后为半个余弦，"
        "从 peak 降到第 total 步的 0。",
        case=_warmup,
        solution=_rate,
        mistakes=(
            Mistake(
                "no_warmup",
                lambda step, warmup, total, peak: 0.5 * peak * (1 + np.cos(np.pi * step / total)),
                "the warm-up is missing",
                "缺少预热",
            ),
            Mistake(
                "cosine_from_the_start",
                lambda step, warmup, total, peak: (
                    peak * (step + 1) / warmup if step < warmup else 0.5 * peak * (1 + np.cos(np.pi * step / total))
                ),
                "the cosine must begin at the end of the warm-up: the rate jumps there",
                "余弦应从预热结束处开始：现在学习率在那里发生跳变",
            ),
            Mistake(
                "linear_decay",
                lambda step, warmup, total, peak: (
                    peak * (step + 1) / warmup if step < warmup else peak * (total - step) / (total - warmup)
                ),
                "after the warm-up it falls in a straight line",
                "预热之后是直线下降",
            ),
        ),
    ),
)
