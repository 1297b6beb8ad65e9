"""Prompt accuracy: of the attributes that prompts name, how many an oracle finds in the images."""

import dataclasses

import numpy as np

from tfportrait import world

HELD_OUT_SEED = 2**41 + 2**39  # portraits of no split


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Prompt accuracy beside what it has to be read against.

    Attributes:
        accuracy: float in [0, 1]. Named attributes found in the images, over all named attributes.
        by_attribute: dict of str to float. The same for each attribute.
        counts: dict of str to int. How often each attribute was named.
        guessing: float. Accuracy of always answering the value that is named most often.
        real: float or None. Accuracy of the oracle on real renders that the prompts describe, where they were given.
        real_by_attribute: dict of str to float. The same for each attribute; empty where none were given.
    """

    accuracy: float
    by_attribute: dict
    counts: dict
    guessing: float
    real: float | None
    real_by_attribute: dict

    def __str__(self):
        real = "" if self.real is None else f", oracle on real renders {self.real:.3f}"
        lines = [f"prompt accuracy {self.accuracy:.3f} (guessing {self.guessing:.3f}{real})"]
        for name in sorted(self.by_attribute, key=self.by_attribute.get):
            beside = f"  real {self.real_by_attribute[name]:.3f}" if name in self.real_by_attribute else ""
            lines.append(f"  {name:15s} {self.by_attribute[name]:.3f}{beside}  ({self.counts[name]} named)")
        return "\n".join(lines)


def prompt_accuracy(oracle, images, named, *, real_images=None):
    """Of the attributes that the prompts name, how many the oracle finds in the images.

    Args:
        oracle: Oracle.
        images: uint8 (N, H, W, 3), painted for the prompts.
        named: list of N dicts, attribute name to value: what each prompt names (as `world.read_prompt(text).attributes`
            has it).
        real_images: uint8 (N, H, W, 3) or None. Real renders that the same prompts describe.

    Returns:
        Accuracy.

    Raises:
        ValueError: numbers of images and prompts differ, nothing is named, or an attribute is not the oracle's.
    """
    if len(images) != len(named):
        raise ValueError(f"{len(images)} images for {len(named)} prompts")
    wanted_values(named, oracle.attributes)
    read = oracle.read(images)
    real = None if real_images is None else oracle.read(real_images)
    return accuracy_of(read, named, oracle.attributes, real)


def accuracy_of(read, named, attributes, real=None):
    """`prompt_accuracy` of what an oracle has read already.

    Args:
        read: dict of attribute name to int (N,), as `Oracle.read` gives it.
        named: list of N dicts, attribute name to value.
        attributes: dict of attribute name to list of values, as `Oracle.attributes`.
        real: dict as `read`, of real renders, or None.

    Returns, raises: as `prompt_accuracy`.
    """
    wanted = wanted_values(named, attributes)
    hits, counts = _hits(read, wanted), {name: len(rows) for name, (rows, _) in wanted.items()}
    total = sum(counts.values())
    commonest = sum(np.bincount(values).max() for _, values in wanted.values())
    real_hits = {} if real is None else _hits(real, wanted)
    return Accuracy(
        accuracy=sum(hits.values()) / total,
        by_attribute={name: hits[name] / counts[name] for name in wanted},
        counts=counts,
        guessing=float(commonest / total),
        real=None if real is None else sum(real_hits.values()) / total,
        real_by_attribute={name: real_hits[name] / counts[name] for name in real_hits},
    )


def wanted_values(named, attributes):
    """For each attribute that is named, the prompts that name it and the numbers of the values that they name.

    Args, raises: as `accuracy_of`.

    Returns: dict of str to (int (n,), int (n,)).
    """
    unknown = sorted({name for each in named for name in each if name not in attributes})
    if unknown:
        raise ValueError(f"the oracle does not read {', '.join(unknown)}; it reads {', '.join(attributes)}")
    wanted = {}
    for name, values in attributes.items():
        rows = [i for i, each in enumerate(named) if name in each]
        if rows:
            wanted[name] = np.array(rows), np.array([values.index(named[i][name]) for i in rows])
    if not wanted:
        raise ValueError("no prompt names an attribute")
    return wanted


def _hits(read, wanted):
    return {name: int((np.asarray(read[name])[rows] == values).sum()) for name, (rows, values) in wanted.items()}


def held_out_prompts(count, *, first_seed=HELD_OUT_SEED, of="portrait_world"):
    """Prompts of pictures that are in no training set, every other one Chinese.

    Args:
        count: int.
        first_seed: int. Seed of the first picture.
        of: str. "portrait_world" or "scene_world".

    Returns:
        (prompts, named, drawn): list of str, list of dicts (attribute name to value), list of Portrait or Scene.
    """
    drawn = [world.WORLDS[of].sample(first_seed + i) for i in range(count)]
    captions = [each.caption("zh" if i % 2 else "en", seed=i) for i, each in enumerate(drawn)]
    pairs = zip(captions, drawn, strict=True)
    named = [{name: each.attributes[name] for name in caption.named} for caption, each in pairs]
    return [str(caption) for caption in captions], named, drawn
