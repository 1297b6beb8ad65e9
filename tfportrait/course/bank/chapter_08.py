"""Chapter 8: samplers and their steps."""

import numpy as np

from tfportrait.course.definition import Exercise, Mistake


def _rates(share):
    return np.sqrt(share), np.sqrt(1 - share)


def _step(generator):
    x_t, x_0 = generator.standard_normal((2, 3, 4))
    now = float(generator.uniform(0.1, 0.6))
    return x_t, x_0, now, float(generator.uniform(now + 0.1, 0.95))


def _ddim(x_t, x_0, now, later):
    (a, s), (b, t) = _rates(now), _rates(later)
    return b * x_0 + t * (x_t - a * x_0) / s


def _sigmas(generator):
    x, x_0 = generator.standard_normal((2, 3, 4))
    sigma = float(generator.uniform(1, 8))
    return x, x_0, sigma, float(generator.uniform(0.1, 0.9) * sigma)


def _counts(generator):
    return int(generator.choice([5, 10, 20, 25, 50])), 1000


def _two_sigmas(generator):
    sigma = float(generator.uniform(1, 8))
    return sigma, float(generator.uniform(0.1, 0.9) * sigma)


def _up(sigma, later):
    return later * np.sqrt(sigma**2 - later**2) / sigma


EXERCISES = (
    Exercise(
        id="08-1",
        level=2,
        signature="ddim_step(x_t, x_0, alpha_bar, next_alpha_bar)",
        en="One step of DDIM without noise, from the predicted image x_0.",
        zh="由预测的原图 x_0，做一步不加噪声的 DDIM。",
        case=_step,
        solution=_ddim,
        mistakes=(
            Mistake(
                "old_noise_level",
                lambda x_t, x_0, now, later: np.sqrt(later) * x_0 + (x_t - np.sqrt(now) * x_0),
                "the noise kept its old level: divide by sqrt(1 - alpha_bar), multiply by sqrt(1 - next_alpha_bar)",
                "噪声仍是旧的强度：应除以 sqrt(1 - alpha_bar)，再乘以 sqrt(1 - next_alpha_bar)",
            ),
            Mistake(
                "no_noise",
                lambda x_t, x_0, now, later: np.sqrt(later) * x_0,
                "the noise that is left is missing",
                "缺少剩余的噪声",
            ),
            Mistake(
                "missing_square_roots",
                lambda x_t, x_0, now, later: later * x_0 + (1 - later) * (x_t - now * x_0) / (1 - now),
                "alpha-bar was taken for its root",
                "把 alpha-bar 当成了它的平方根",
            ),
            Mistake(
                "direction_unscaled",
                lambda x_t, x_0, now, later: np.sqrt(later) * x_0 + np.sqrt(1 - later) * (x_t - x_0) / np.sqrt(1 - now),
                "the noise in x_t is what is left after sqrt(alpha_bar) x_0, not after x_0",
                "x_t 中的噪声是减去 sqrt(alpha_bar) x_0 之后的部分，而不是减去 x_0",
            ),
        ),
        equation="sampler.ddim",
    ),
    Exercise(
        id="08-2",
        level=2,
        signature="euler_step(x, x_0, sigma, next_sigma)",
        en="One Euler step where x = x_0 + sigma noise.",
        zh="在 x = x_0 + sigma·noise 的参数化下做一步 Euler。",
        case=_sigmas,
        solution=lambda x, x_0, sigma, later: x + (later - sigma) * (x - x_0) / sigma,
        mistakes=(
            Mistake(
                "wrong_sign",
                lambda x, x_0, sigma, later: x + (sigma - later) * (x - x_0) / sigma,
                "the step goes from sigma to next_sigma, which is negative: yours adds noise",
                "步长是 next_sigma - sigma，为负；你的一步在增加噪声",
            ),
            Mistake(
                "not_divided",
                lambda x, x_0, sigma, later: x + (later - sigma) * (x - x_0),
                "the slope is (x - x_0) / sigma, the noise of deviation 1",
                "斜率是 (x - x_0) / sigma，即标准差为 1 的噪声",
            ),
            Mistake(
                "whole_way",
                lambda x, x_0, sigma, later: x_0,
                "that is the whole way to the prediction, not one step",
                "这是直接走到预测，而不是一步",
            ),
            Mistake(
                "divided_by_next",
                lambda x, x_0, sigma, later: x + (later - sigma) * (x - x_0) / later,
                "the slope was taken at the end of the step: divide by sigma",
                "斜率用了这一步终点的 sigma：应除以起点的 sigma",
            ),
        ),
    ),
    Exercise(
        id="08-3",
        level=1,
        signature="trailing_timesteps(steps, total)",
        en="Timesteps from total - 1 downwards, in steps of total / steps, as many as steps (trailing).",
        zh="从 total - 1 起、间隔 total / steps 向下的 steps 个时间步（trailing）。",
        case=_counts,
        solution=lambda steps, total: np.round(np.arange(total, 0, -total / steps)) - 1,
        mistakes=(
            Mistake(
                "leading",
                lambda steps, total: np.arange(0, total, total // steps)[::-1],
                "those are leading timesteps: the first is not the noisiest, so sampling begins with a mistake",
                "这是 leading 间隔：第一步不是噪声最大处，采样一开始就有偏差",
            ),
            Mistake(
                "linspace",
                lambda steps, total: np.round(np.linspace(total - 1, 0, steps)),
                "those are evenly spread from the first to the last; the last but one step is then too long",
                "这是首尾均分（linspace）；间隔不是 total / steps",
            ),
            Mistake(
                "ascending",
                lambda steps, total: (np.round(np.arange(total, 0, -total / steps)) - 1)[::-1],
                "sampling goes from much noise to none: the order is turned round",
                "采样是从噪声多到少：顺序反了",
            ),
            Mistake(
                "off_by_one",
                lambda steps, total: np.round(np.arange(total, 0, -total / steps)),
                "timesteps are counted from 0: the last is total - 1",
                "时间步从 0 数起：最大的是 total - 1",
            ),
        ),
    ),
    Exercise(
        id="08-4",
        level=3,
        signature="ancestral(sigma, next_sigma)",
        en="Where an ancestral step leads (sigma_down) and how much noise it adds (sigma_up), so that their squares "
        "add up to next_sigma squared: sigma_up = next_sigma sqrt(sigma^2 - next_sigma^2) / sigma. Return (down, up).",
        zh="ancestral 步先降到 sigma_down，再加 sigma_up 的噪声，两者平方和等于 next_sigma 的平方："
        "sigma_up = next_sigma·sqrt(sigma² - next_sigma²)/sigma。返回 (down, up)。",
        case=_two_sigmas,
        solution=lambda sigma, later: (np.sqrt(later**2 - _up(sigma, later) ** 2), _up(sigma, later)),
        mistakes=(
            Mistake(
                "exchanged",
                lambda sigma, later: (_up(sigma, later), np.sqrt(later**2 - _up(sigma, later) ** 2)),
                "the two are exchanged",
                "两个返回值弄反了",
            ),
            Mistake(
                "difference",
                lambda sigma, later: (later - _up(sigma, later), _up(sigma, later)),
                "deviations do not add up, variances do: sqrt(next_sigma^2 - up^2)",
                "相加的是方差而不是标准差：sqrt(next_sigma² - up²)",
            ),
            Mistake(
                "no_descent",
                lambda sigma, later: (later, _up(sigma, later)),
                "the step leads to next_sigma and adds noise besides: it arrives too noisy",
                "先走到了 next_sigma 又加噪声：结果噪声过多",
            ),
        ),
    ),
    Exercise(
        id="08-5",
        level=1,
        signature="evaluations(steps, guided, second_order)",
        en="How often the network is evaluated for a picture. Guidance doubles it; a sampler of second order (Heun) "
        "evaluates twice in every step but the last.",
        zh="画一幅图要计算多少次网络？引导使次数加倍；二阶采样器（Heun）除最后一步外每步计算两次。",
        case=lambda generator: (
            int(generator.integers(2, 60)),
            bool(generator.integers(0, 2)),
            bool(generator.integers(0, 2)),
        ),
        solution=lambda steps, guided, second: (1 + guided) * (2 * steps - 1 if second else steps),
        mistakes=(
            Mistake(
                "last_step_twice",
                lambda steps, guided, second: (1 + guided) * (2 * steps if second else steps),
                "the last step of Heun goes to no noise, where nothing is evaluated: one less",
                "Heun 的最后一步走到无噪声处，那里不再计算：要少一次",
            ),
            Mistake(
                "guidance_forgotten",
                lambda steps, guided, second: 2 * steps - 1 if second else steps,
                "with guidance the network is evaluated with and without the words",
                "有引导时，有文字和无文字各算一次",
            ),
            Mistake(
                "order_forgotten",
                lambda steps, guided, second: (1 + guided) * steps,
                "a sampler of second order evaluates twice in a step",
                "二阶采样器每步要算两次",
            ),
        ),
    ),
)
