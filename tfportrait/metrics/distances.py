"""Distances between two sets of images, by their features: all in NumPy, float64.

On an oracle's features they are called `oracle_fd` and `oracle_kd`: a paper's FID and KID use Inception's.
"""

import numpy as np


def frechet_distance(features, others):
    """Squared Frechet distance of two normal distributions that have the sets' means and covariances:

        |m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))

    It falls with the number of images; compare only distances of equally many.

    Equation: `metrics.frechet`. Source: Heusel et al. 2017, equation 6.

    Args:
        features: float (N, D), N >= 2.
        others: float (M, D), M >= 2.

    Returns: float >= 0.

    Raises: ValueError for other shapes, or numbers that are not finite.
    """
    features, others = _pair(features, others)
    difference = features.mean(axis=0) - others.mean(axis=0)
    first, second = np.cov(features, rowvar=False), np.cov(others, rowvar=False)
    first, second = np.atleast_2d(first), np.atleast_2d(second)
    # tr (C_1 C_2)^(1/2) = tr (R C_2 R)^(1/2) with R = C_1^(1/2): symmetric, so that eigenvalues are real and exact.
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    mixed = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ second @ root), 0)).sum()
    return max(float(difference @ difference + np.trace(first) + np.trace(second) - 2 * mixed), 0.0)


def kernel_distance(features, others):
    """Squared maximum mean discrepancy with the kernel (x . y / D + 1)^3, unbiased: 0 on average for equal sets.

    Equation: `metrics.kernel`. Source: Binkowski et al. 2018, section 4; Gretton et al. 2012, lemma 6.

    Args, raises: as `frechet_distance`.

    Returns: float; slightly negative values occur.
    """
    features, others = _pair(features, others)
    dimensions = features.shape[1]

    def kernel(a, b):
        return (a @ b.T / dimensions + 1.0) ** 3

    def within(a):
        k = kernel(a, a)
        return (k.sum() - np.trace(k)) / (len(a) * (len(a) - 1))

    return float(within(features) + within(others) - 2.0 * kernel(features, others).mean())


def nearest_distances(features, others=None):
    """Euclidean distance of each row to the nearest of `others`, or to the nearest other row.

    Args:
        features: float (N, D).
        others: float (M, D), or None: the set itself, each row left out for itself.

    Returns: float64 (N,).
    """
    features, others_given = np.asarray(features, "float64"), others is not None
    others = np.asarray(others, "float64") if others_given else features
    squares = (features**2).sum(1)[:, None] + (others**2).sum(1)[None] - 2 * features @ others.T
    if not others_given:
        np.fill_diagonal(squares, np.inf)
    return np.sqrt(np.maximum(squares.min(axis=1), 0.0))


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


def _pair(features, others):
    features, others = np.asarray(features, "float64"), np.asarray(others, "float64")
    fit = features.ndim == others.ndim == 2 and features.shape[1] == others.shape[1]
    if not fit or min(len(features), len(others)) < 2:
        raise ValueError(
            f"features are {features.shape} and {others.shape}, but must be (N, D) and (M, D), N and M at least 2"
        )
    if not (np.isfinite(features).all() and np.isfinite(others).all()):
        raise ValueError("features are not finite")
    return features, others
