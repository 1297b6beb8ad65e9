"""Means and covariances of features that come batch by batch."""

import numpy as np


class Moments:
    """Number, mean and covariance of rows, added batch by batch (Chan, Golub & LeVeque 1983), in float64.

    Adding batches gives what all rows at once give, to rounding; so does adding other moments.

    Attributes:
        count: int. Rows so far.
        mean: float64 (D,), or None before the first.
    """

    def __init__(self, features=None):
        self.count, self.mean, self._scatter = 0, None, None
        if features is not None:
            self.add(features)

    def add(self, features):
        """Adds rows.

        Args:
            features: float (N, D), or Moments.

        Returns: itself.

        Raises: ValueError for another shape or number of columns, or numbers that are not finite.
        """
        if isinstance(features, Moments):
            count, mean, scatter = features.count, features.mean, features._scatter
        else:
            features = checked(features)
            count, mean = len(features), features.mean(axis=0) if len(features) else None
            scatter = (features - mean).T @ (features - mean) if count else None
        if not count:
            return self
        if self.count and len(mean) != len(self.mean):
            raise ValueError(f"features have {len(mean)} columns, those before them {len(self.mean)}")
        if not self.count:
            self.count, self.mean, self._scatter = count, mean, scatter
            return self
        total, difference = self.count + count, mean - self.mean
        self._scatter = self._scatter + scatter + np.outer(difference, difference) * (self.count * count / total)
        self.mean = self.mean + difference * (count / total)
        self.count = total
        return self

    @property
    def covariance(self):
        """float64 (D, D): the unbiased one. Raises: ValueError for fewer than two rows."""
        if self.count < 2:
            raise ValueError(f"a covariance needs at least two rows, there are {self.count}")
        return self._scatter / (self.count - 1)


def checked(features, least=0):
    """Features as float64 (N, D).

    Raises: ValueError for another shape, fewer than `least` rows, or numbers that are not finite (the row is named).
    """
    features = np.asarray(features, "float64")
    if features.ndim != 2 or len(features) < least:
        rows = f", N at least {least}" if least else ""
        raise ValueError(f"features are {features.shape}, but must be (N, D){rows}")
    if not np.isfinite(features).all():
        row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise ValueError(f"features are not finite, first those of image {row}")
    return features
