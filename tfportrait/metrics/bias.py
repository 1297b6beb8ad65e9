"""Which attributes a painter over- or under-produces when the prompt says nothing about them."""

import dataclasses

import numpy as np

from tfportrait.metrics.distances import attribute_entropy
from tfportrait.metrics.intervals import wilson


@dataclasses.dataclass(frozen=True)
class Share:
    """How often a value is painted.

    Attributes:
        attribute, value: str.
        painted: float. Share of the painted images that have it.
        interval: (float, float). Its 95 % Wilson interval.
        real: float. Share of the real images that have it, read by the same oracle.
        outside: bool. Whether the interval leaves out `real`, widened by what `real` is uncertain itself.
    """

    attribute: str
    value: str
    painted: float
    interval: tuple
    real: float
    outside: bool


@dataclasses.dataclass(frozen=True)
class Balance:
    """A report on bias.

    Attributes:
        shares: list of Share, in the oracle's order.
        distances: dict of str to float in [0, 1]. For each attribute half the sum of the differences of the shares:
            the share of images that would have to change.
        entropy: float in [0, 1]. Mean of the attributes' entropies, of the painted images.
        real_entropy: float. The same of the real ones.
    """

    shares: list
    distances: dict
    entropy: float
    real_entropy: float

    def __str__(self):
        lines = [
            f"where the prompts are silent: entropy {self.entropy:.3f}, of real pictures {self.real_entropy:.3f}; "
            f"on average {np.mean(list(self.distances.values())):.3f} of the pictures would have to change a value"
        ]
        odd = sorted((s for s in self.shares if s.outside), key=lambda s: abs(s.painted - s.real), reverse=True)
        for share in odd[:8]:
            low, high = share.interval
            many = "too often" if share.painted > share.real else "too rarely"
            lines.append(
                f"  {share.attribute} {share.value}: {share.painted:.3f} ({low:.3f} to {high:.3f}), "
                f"real {share.real:.3f}: {many}"
            )
        lines.append(f"  {len(self.shares) - len(odd)} of {len(self.shares)} values are as frequent as they should be")
        return "\n".join(lines)


def balance(read, real, attributes):
    """Compares the values that an oracle reads from painted images with those that it reads from real ones.

    Read, not known: so an oracle's own mistakes are on both sides.

    Args:
        read: dict of attribute name to int (N,), as `Oracle.read` gives it. Of images whose prompts do not say which
            value; N may differ from attribute to attribute.
        real: dict of attribute name to int (M,). Of real images.
        attributes: dict of attribute name to list of values, as `Oracle.attributes`.

    Returns: Balance.

    Raises: ValueError for an attribute without images or with a number that is no value's.
    """
    shares, distances = [], {}
    for name, values in attributes.items():
        painted, expected = (_counts(x, name, len(values)) for x in (read, real))
        for value, hits, wanted in zip(values, painted, expected, strict=True):
            low, high = wilson(int(hits), int(painted.sum()))
            real_low, real_high = wilson(int(wanted), int(expected.sum()))
            outside = low > real_high or high < real_low
            share, of_real = hits / painted.sum(), wanted / expected.sum()
            shares.append(Share(name, value, float(share), (low, high), float(of_real), outside))
        distances[name] = float(np.abs(painted / painted.sum() - expected / expected.sum()).sum() / 2)
    return Balance(shares, distances, attribute_entropy(read, attributes), attribute_entropy(real, attributes))


def _counts(read, name, values):
    rows = np.asarray(read.get(name, ()))
    if not len(rows) or rows.min() < 0 or rows.max() >= values:
        raise ValueError(f"{name} must have been read from at least one image, as numbers from 0 to {values - 1}")
    return np.bincount(rows, minlength=values)
