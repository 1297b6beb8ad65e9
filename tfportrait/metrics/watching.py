"""Distances to real images as a Keras metric, and watched in `fit`."""

import keras
import numpy as np

from tfportrait.metrics.distances import frechet_distance, kernel_distance_of_subsets
from tfportrait.metrics.moments import Moments


class FrechetDistance(keras.metrics.Metric):
    """Frechet distance of the images that are given batch by batch to real ones, in float64.

    Updated with arrays, outside of compiled functions: a compiled training step has no images to show anyway.

    Args:
        extract: callable. Maps uint8 (N, H, W, 3) to features float (N, D): `oracle.embed`, `InceptionFeatures`.
        real: uint8 (M, H, W, 3), or Moments of their features.
        name: str. "oracle_fd" on an oracle's features, "fid" on those of FID's Inception alone.
    """

    def __init__(self, extract, real, name="oracle_fd"):
        super().__init__(name=name)
        self._extract = extract
        self._real = real if isinstance(real, Moments) else Moments(extract(real))
        self.reset_state()

    def update_state(self, images, sample_weight=None):
        """Adds images, uint8 (N, H, W, 3)."""
        if sample_weight is not None:
            raise ValueError("images have no weights in a Frechet distance")
        self._painted.add(self._extract(np.asarray(images)))

    def result(self):
        """The distance so far: float."""
        return frechet_distance(self._painted, self._real)

    def reset_state(self):
        """Forgets the images, not the real ones."""
        self._painted = Moments()


class WatchDistance(keras.callbacks.Callback):
    """Paints at the end of epochs and adds Frechet and kernel distance to what the epoch logs.

    Put it before callbacks that read the logs, such as `ModelCheckpoint(monitor="oracle_fd")`.

    Args:
        paint: callable (). Returns images, uint8 (N, H, W, 3), always of the same seeds and prompts:
            `lambda: painter.generate(prompts, seeds=0)`.
        extract: callable. As `FrechetDistance` takes it.
        real: uint8 (N, H, W, 3). As many real images.
        every: int. Epochs between two measurements.
        name: str. "oracle" gives `oracle_fd` and `oracle_kd`; "inception" is for FID's features: `fid` and `kid`.

    Raises: ValueError for `every` below 1 or another name.
    """

    NAMES = {"oracle": ("oracle_fd", "oracle_kd"), "inception": ("fid", "kid")}

    def __init__(self, paint, extract, real, *, every=1, name="oracle"):
        super().__init__()
        if every < 1 or name not in self.NAMES:
            raise ValueError(f"every must be at least 1 and name one of {', '.join(self.NAMES)}, got {every}, {name!r}")
        self._paint, self._extract, self._every, self._names = paint, extract, every, self.NAMES[name]
        self._real = extract(real)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self._every:
            return
        painted = self._extract(self._paint())
        if len(painted) != len(self._real):
            raise ValueError(f"{len(painted)} painted and {len(self._real)} real images: give equally many")
        size = max(2, len(painted) // 2)
        values = frechet_distance(painted, self._real), kernel_distance_of_subsets(painted, self._real, size=size)[0]
        if logs is not None:
            logs.update(zip(self._names, values, strict=True))
