"""Distances between two sets of images, by their features: all in NumPy, float64.

On an oracle's features they are called `oracle_fd` and `oracle_kd`: a paper's FID and KID use Inception's.
"""

import warnings

import numpy as np

from tfportrait.metrics.moments import Moments, checked

BLOCK = 1024  # rows whose distances to all others are in memory at a time


def frechet_distance(features, others):
    """Squared Frechet distance of two normal distributions that have the sets' means and covariances:

        |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

    It falls with the number of images; compare only distances of equally many.

    Equation: `metrics.frechet`. Source: Heusel et al. 2017, equation 6.

    Args:
        features: float (N, D), N >= 2, or Moments, which were gathered batch by batch.
        others: float (M, D), M >= 2, or Moments.

    Returns: float >= 0. Warns where a set has no more rows than columns: such a covariance is not that of the
        distribution, and `kernel_distance`, which is unbiased, says more.

    Raises: ValueError for other shapes, or numbers that are not finite.
    """
    first, second = (x if isinstance(x, Moments) else Moments(checked(x, 2)) for x in (features, others))
    covariances = first.covariance, second.covariance
    if len(first.mean) != len(second.mean):
        raise ValueError(f"features have {len(first.mean)} and {len(second.mean)} columns")
    fewest = min(first.count, second.count)
    if fewest <= len(first.mean):
        warnings.warn(
            f"the Frechet distance of {fewest} images with {len(first.mean)} features each says little; "
            "kernel_distance is unbiased",
            stacklevel=2,
        )
    difference = first.mean - second.mean
    # tr (C_1 C_2)^(1/2) = tr (R C_2 R)^(1/2) with R = C_1^(1/2): symmetric, so that eigenvalues are real and exact.
    values, vectors = np.linalg.eigh(covariances[0])
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    mixed = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ covariances[1] @ root), 0)).sum()
    return max(float(difference @ difference + sum(np.trace(c) for c in covariances) - 2 * mixed), 0.0)


def kernel_distance(features, others):
    """Squared maximum mean discrepancy with the kernel (x . y / D + 1)^3, unbiased: 0 on average for equal sets.

    Equation: `metrics.kernel`. Source: Binkowski et al. 2018, section 4; Gretton et al. 2012, lemma 6.

    Args:
        features: float (N, D), N >= 2.
        others: float (M, D), M >= 2.

    Returns: float; slightly negative values occur.

    Raises: ValueError for other shapes, or numbers that are not finite.
    """
    features, others = _pair(features, others)

    def within(a):
        diagonal = ((a * a).sum(axis=1) / a.shape[1] + 1.0) ** 3
        return (_kernel_sum(a, a) - diagonal.sum()) / (len(a) * (len(a) - 1))

    between = _kernel_sum(features, others) / (len(features) * len(others))
    return float(within(features) + within(others) - 2.0 * between)


def _kernel_sum(a, b):
    parts = (a[i : i + BLOCK] @ b.T for i in range(0, len(a), BLOCK))
    return sum(((part / a.shape[1] + 1.0) ** 3).sum() for part in parts)


def kernel_distance_of_subsets(features, others, *, subsets=100, size=1000, seed=0):
    """The kernel distance as papers report it: mean and deviation over pairs of random subsets.

    Source: Binkowski et al. 2018, section 4.

    Args:
        features: float (N, D).
        others: float (M, D).
        subsets: int. Pairs of subsets.
        size: int. Rows of each, drawn without replacement; at most what the smaller set has.
        seed: int. Of the choice.

    Returns: (float, float): mean, standard deviation.

    Raises: ValueError as `kernel_distance`, or `subsets` below 2, or `size` below 2.
    """
    features, others = _pair(features, others)
    if subsets < 2 or size < 2:
        raise ValueError(f"subsets and size must be at least 2, got {subsets} and {size}")
    generator, size = np.random.default_rng(seed), min(size, len(features), len(others))
    values = [
        kernel_distance(*(x[generator.choice(len(x), size, replace=False)] for x in (features, others)))
        for _ in range(subsets)
    ]
    return float(np.mean(values)), float(np.std(values, ddof=1))


def nearest(features, others):
    """The nearest of `others` to each row, and its Euclidean distance.

    Args:
        features: float (N, D).
        others: float (M, D), M >= 1.

    Returns: (int (N,), float64 (N,)).

    Raises: ValueError for other shapes, or numbers that are not finite.
    """
    features, others = _pair(features, others, least=1)
    index, distance = [], []
    for squares in _squares(features, others):
        index.append(squares.argmin(axis=1))
        distance.append(np.sqrt(squares.min(axis=1)))
    return np.concatenate(index), np.concatenate(distance)


def nearest_distances(features, others=None):
    """Euclidean distance of each row to the nearest of `others`, or to the nearest other row.

    Args:
        features: float (N, D).
        others: float (M, D), or None: the set itself, each row left out for itself.

    Returns: float64 (N,).
    """
    return nearest(features, others)[1] if others is not None else radii(features, 1)


def radii(features, neighbours):
    """Distance of each row to its k-th nearest other row.

    Args:
        features: float (N, D).
        neighbours: int. k, from 1 to N - 1.

    Returns: float64 (N,).

    Raises: ValueError for other shapes, k, or numbers that are not finite.
    """
    features = checked(features, 2)
    if not 1 <= neighbours < len(features):
        raise ValueError(f"{len(features)} rows have no {neighbours}-th nearest other row")
    found, start = [], 0
    for squares in _squares(features, features):
        rows = np.arange(len(squares))
        squares[rows, start + rows] = np.inf
        found.append(np.sqrt(np.partition(squares, neighbours - 1, axis=1)[:, neighbours - 1]))
        start += len(squares)
    return np.concatenate(found)


def _squares(features, others):
    """Squared distances to all `others`, block by block of the rows."""
    lengths = (others**2).sum(axis=1)
    for i in range(0, len(features), BLOCK):
        part = features[i : i + BLOCK]
        yield np.maximum((part**2).sum(axis=1)[:, None] + lengths - 2 * part @ others.T, 0.0)


def precision_recall(features, real, *, neighbours=3):
    """Improved precision and recall: painted images among the real ones, and real ones among the painted.

    An image is among others if it lies within the distance of one of them to its k-th nearest neighbour.

    Equation: `metrics.precision`. Source: Kynkaanniemi et al. 2019, equations 1 and 2.

    Args:
        features: float (N, D). Of painted images.
        real: float (M, D). Of real ones.
        neighbours: int. k.

    Returns: (float, float) in [0, 1]: precision (how good), recall (how varied).

    Raises: ValueError for other shapes, fewer than k + 1 rows, or numbers that are not finite.
    """
    features, real = _pair(features, real)
    return _among(features, real, neighbours), _among(real, features, neighbours)


def _among(features, others, neighbours):
    reach = radii(others, neighbours) ** 2
    return float(np.concatenate([(part <= reach).any(axis=1) for part in _squares(features, others)]).mean())


def density_coverage(features, real, *, neighbours=5):
    """Density and coverage: what precision and recall become without the weight of outliers.

    Density: real neighbourhoods (balls that reach to the k-th nearest real image) that an image lies in, over k.
    Coverage: share of real images in whose neighbourhood some painted image lies.

    Equation: `metrics.density`. Source: Naeem et al. 2020, equations 4 and 6.

    Args, raises: as `precision_recall`.

    Returns: (float >= 0, about 1 for real images; float in [0, 1]).
    """
    features, real = _pair(features, real)
    reach = radii(real, neighbours) ** 2
    count, covered = 0, np.zeros(len(real), bool)
    for part in _squares(features, real):
        inside = part < reach
        count += int(inside.sum())
        covered |= inside.any(axis=0)
    return count / (neighbours * len(features)), float(covered.mean())


def repeated_share(features, real):
    """Share of images that have a twin: another one nearer than all but a hundredth of real images have theirs.

    About 0.01 for a set as varied as the real one, 1 for a generator that has collapsed to a few images.

    Args:
        features: float (N, D). Of painted images.
        real: float (N, D). Of equally many real ones: in a larger set everybody has nearer neighbours.

    Raises: ValueError if the numbers differ.
    """
    features, real = _pair(features, real)
    if len(features) != len(real):
        raise ValueError(f"{len(features)} painted and {len(real)} real images: give equally many")
    return float((nearest_distances(features) < np.quantile(nearest_distances(real), 0.01)).mean())


def attribute_entropy(read, attributes):
    """Entropy of the values that were read, averaged over the attributes, each divided by its largest: 0 to 1.

    Args:
        read: dict of attribute name to int (N,), as `Oracle.read` gives it.
        attributes: dict of attribute name to list of values.
    """
    entropies = []
    for name, values in attributes.items():
        share = np.bincount(read[name], minlength=len(values)) / len(read[name])
        entropies.append(-np.sum(share[share > 0] * np.log(share[share > 0])) / np.log(len(values)))
    return float(np.mean(entropies))


def _pair(features, others, least=2):
    features, others = checked(features, least), checked(others, least)
    if features.shape[1] != others.shape[1]:
        raise ValueError(f"features have {features.shape[1]} and {others.shape[1]} columns")
    return features, others
