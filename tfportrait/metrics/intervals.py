"""Confidence intervals."""

import math

import numpy as np

NORMAL = 1.959963984540054  # 97.5 % of a standard normal distribution lies below


def wilson(hits, count):
    """95 % interval of a share (Wilson 1927): it stays within [0, 1], and is right for shares near both ends.

    Args:
        hits: int, from 0 to `count`.
        count: int, at least 1.

    Returns: (float, float).

    Raises: ValueError for other numbers.
    """
    if not 0 <= hits <= count or count < 1:
        raise ValueError(f"{hits} of {count} is no share")
    share, spread = hits / count, NORMAL**2 / count
    middle = share + spread / 2
    reach = NORMAL * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max((middle - reach) / (1 + spread), 0.0), min((middle + reach) / (1 + spread), 1.0)


def bootstrap(statistic, *samples, resamples=1000, level=0.95, seed=0):
    """Percentile interval of a statistic over rows that are drawn again with replacement (Efron 1979).

    Args:
        statistic: callable. Maps as many arrays as there are samples to a number.
        *samples: arrays of equally many rows, which are drawn together: row i of each belongs to image i.
        resamples: int. How often they are drawn.
        level: float. Share of the draws within the interval.
        seed: int.

    Returns: (float, float).

    Raises: ValueError for samples of different lengths, or without rows.
    """
    samples = [np.asarray(sample) for sample in samples]
    count = len(samples[0])
    if not count or any(len(sample) != count for sample in samples):
        raise ValueError(f"samples have {', '.join(str(len(sample)) for sample in samples)} rows")
    generator = np.random.default_rng(seed)
    draws = (generator.integers(0, count, count) for _ in range(resamples))
    values = [float(statistic(*(sample[rows] for sample in samples))) for rows in draws]
    return tuple(float(x) for x in np.quantile(values, [(1 - level) / 2, (1 + level) / 2]))
