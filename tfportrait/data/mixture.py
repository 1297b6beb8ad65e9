"""Several sources as one, mixed by weight: the "hybrid training" of real and drawn pictures."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfportrait.data.source import Report, Source

_MOST = 10**8  # examples in an epoch


class Mixture(Source):
    """Examples of several sources in fixed proportions, each with its source as the attribute `source`.

    An epoch is just long enough for every example of every source to come at least once; those of a source that weighs
    more than its size come several times, each time with another caption. Which example stands where is settled by
    weights and sizes alone; the order is the seed's, as with any source.

    Args:
        sources: dict of str to Source, all of one image shape.
        weights: dict of str to float. How much of an epoch is each source's, in any unit; more names do not matter.

    Raises: ValueError if their pictures have different shapes, or weights are so far apart that an epoch has no end.
    """

    def __init__(self, sources: Mapping[str, Source], weights: Mapping[str, float]):
        self.sources, self.name = dict(sources), " + ".join(sources)
        parts = list(self.sources.values())
        shapes = {name: source.images(np.zeros(1, np.int64)).shape[1:] for name, source in self.sources.items()}
        if len(set(shapes.values())) > 1:
            raise ValueError(f"the pictures of a mixture must have one shape, got {shapes}")
        shares = np.array([weights[name] for name in self.sources], np.float64)
        shares /= shares.sum()
        sizes = np.array([len(source) for source in parts])
        total = int(np.ceil((sizes / shares).max() - 1e-9))
        if total > _MOST:
            raise ValueError(f"with these weights an epoch would have {total:.3g} examples; bring them closer together")
        counts = np.maximum(np.round(shares * total).astype(np.int64), sizes)
        self._which = np.repeat(np.arange(len(parts)), counts).astype(np.int16)
        self._first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._sizes = sizes
        self._turns = int(np.ceil(counts / sizes).max())  # how often an example comes in an epoch, at most
        self.attributes = {"source": tuple(self.sources), **vocabulary([source.attributes for source in parts])}
        key = f"mixture-{list(zip(self.sources, counts.tolist(), strict=True))}"
        self.fingerprint = f"{key} {' '.join(source.fingerprint for source in parts)}"
        self.text_fingerprint = f"{key} {' '.join(source.text_fingerprint for source in parts)}"
        self.report = Report(
            total=sum(source.report.total for source in parts),
            bad=[entry for source in parts for entry in source.report.bad],
            without_caption=sum(source.report.without_caption for source in parts),
        )

    def __len__(self) -> int:
        return len(self._which)

    def images(self, indices: np.ndarray) -> np.ndarray:
        made = None
        for source, here, rows, _ in self._split(indices):
            images = source.images(rows)
            made = np.empty((len(indices), *images.shape[1:]), np.uint8) if made is None else made
            made[here] = images
        return made

    def labels(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        made = {name: np.full(len(indices), -1, np.int32) for name in self.attributes}
        made["source"] = self._which[indices].astype(np.int32)
        for source, here, rows, _ in self._split(indices):
            for name, labels in source.labels(rows).items():
                place = [self.attributes[name].index(value) for value in source.attributes[name]]
                made[name][here] = np.where(labels < 0, -1, np.array([*place, -1], np.int32)[labels])
        return made

    def captions(self, indices: np.ndarray, *, epoch: int = 0, seed: int = 0) -> list[str]:
        made = np.empty(len(indices), object)
        for source, here, rows, turns in self._split(indices):
            for turn in np.unique(turns):
                now = turns == turn
                texts = source.captions(rows[now], epoch=epoch * self._turns + int(turn), seed=seed)
                made[np.flatnonzero(here)[now]] = texts
        return list(made)

    def _split(self, indices: np.ndarray):
        """Of each source that some indices are of: itself, where they are, its rows, and for how many-th time."""
        indices = np.asarray(indices)
        which = self._which[indices]
        for number, source in enumerate(self.sources.values()):
            here = which == number
            if here.any():
                turns, rows = np.divmod(indices[here] - self._first[number], self._sizes[number])
                yield source, here, rows, turns


def vocabulary(parts: Sequence[Mapping[str, Sequence[str]]]) -> dict[str, tuple[str, ...]]:
    """All attributes with their values; where two parts know different ones, those of the first come first."""
    made: dict[str, dict[str, None]] = {}
    for attributes in parts:
        for name, values in attributes.items():
            made.setdefault(name, {}).update(dict.fromkeys(values))
    return {name: tuple(values) for name, values in made.items()}
