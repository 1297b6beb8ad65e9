"""Whether a painter repeats its training images: the nearest of them, against a threshold that unseen images set."""

import dataclasses

import numpy as np

from tfportrait.metrics.distances import nearest
from tfportrait.metrics.intervals import wilson


@dataclasses.dataclass(frozen=True)
class Memorisation:
    """How near painted images come to training images.

    Attributes:
        share: float in [0, 1]. Painted images nearer to a training image than `threshold`.
        level: float. What `share` is for images that the training has never seen.
        threshold: float. Distance that a share of `level` of the unseen images falls below.
        interval: (float, float). 95 % Wilson interval of `share`.
        nearest: int (N,). The nearest training image of each painted one.
        distances: float64 (N,). And how far it is.
    """

    share: float
    level: float
    threshold: float
    interval: tuple
    nearest: np.ndarray
    distances: np.ndarray

    @property
    def repeats(self):
        """Whether more images are repeated than chance explains: the interval lies above `level`."""
        return self.interval[0] > self.level


def memorisation(features, training, unseen, *, level=0.01):
    """Compares the distances of painted images to the training set with those of images that it has never seen.

    Args:
        features: float (N, D). Of painted images.
        training: float (M, D). Of training images.
        unseen: float (K, D). Of images of the same kind that were not trained on; at least 1 / level of them.
        level: float. Share of the unseen images that counts as repeated by chance.

    Returns: Memorisation.

    Raises:
        ValueError: too few unseen images, `level` outside of (0, 1), an unseen image that is a training image, other
            shapes, or numbers that are not finite.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    if len(unseen) * level < 1:
        raise ValueError(f"{len(unseen)} unseen images cannot set a level of {level}: give at least {1 / level:.0f}")
    apart = nearest(unseen, training)[1]
    if (apart == 0).any():
        row = int(np.flatnonzero(apart == 0)[0])
        raise ValueError(f"the sets overlap: unseen image {row} is a training image; give others")
    threshold = float(np.quantile(apart, level))
    index, distances = nearest(features, training)
    hits = int((distances < threshold).sum())
    return Memorisation(hits / len(features), level, threshold, wilson(hits, len(features)), index, distances)
