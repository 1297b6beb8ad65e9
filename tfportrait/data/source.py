"""What every source of portraits gives, whatever it is made of."""

import abc
import dataclasses
from collections.abc import Iterator

import numpy as np


@dataclasses.dataclass
class Report:
    """What was found when a source was opened.

    Attributes:
        total: int. Images looked at.
        bad: list of (path, reason). Images that were skipped.
        without_caption: int. Sound images that have no caption; theirs is the empty one.
    """

    total: int = 0
    bad: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    without_caption: int = 0


class Source(abc.ABC):
    """Examples with random access. Reads pictures as they are asked for and holds none of them.

    Attributes:
        name: str. For messages.
        attributes: dict. Attribute name -> the names of its values; a label is an index into them.
        fingerprint: str. Changes whenever the pictures do: the key of what is derived from them (latents).
        text_fingerprint: str. Changes whenever the captions do.
        report: Report.
    """

    name: str
    attributes: dict[str, tuple[str, ...]]
    fingerprint: str
    text_fingerprint: str
    report: Report

    @abc.abstractmethod
    def __len__(self) -> int:
        """Number of examples."""

    @abc.abstractmethod
    def images(self, indices: np.ndarray) -> np.ndarray:
        """Pictures, uint8 (n, H, W, 3)."""

    @abc.abstractmethod
    def labels(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Attribute name -> int32 (n,), -1 where it is unknown or another attribute hides it."""

    @abc.abstractmethod
    def captions(self, indices: np.ndarray, *, epoch: int = 0, seed: int = 0) -> list[str]:
        """One caption each, drawn anew in every epoch where there is a choice: a function of (seed, epoch, index)."""

    def caption_chunks(
        self, parts: list[tuple[int, int]], variants: int, seed: int
    ) -> Iterator[tuple[int, list[list[str]]]]:
        """The captions that the examples of each part (start, stop) have in the epochs 0..variants.

        Yields: (start, captions as lists (stop - start, variants)), in any order.
        """
        for start, stop in parts:
            indices = np.arange(start, stop)
            columns = [self.captions(indices, epoch=epoch, seed=seed) for epoch in range(variants)]
            yield start, [list(row) for row in zip(*columns, strict=True)]
