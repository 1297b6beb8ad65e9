"""What a picture shows, in words that a painter was trained on."""

import functools

from tfportrait import world
from tfportrait.models.oracle import Oracle, resized
from tfportrait.world.attributes import check

ORACLE = "oracle_128"


@functools.cache
def opened(preset):
    """The oracle of a preset, loaded once."""
    return Oracle.from_preset(preset)


def read_attributes(images, oracle=ORACLE):
    """The attributes of portraits as an oracle reads them. It has an answer for anything it is shown.

    Args:
        images: uint8 (N, H, W, 3), square.
        oracle: str or path. Its preset.

    Returns:
        list of N dicts, attribute name -> value.
    """
    reader = opened(str(oracle))
    read = reader.read(resized(images, reader.image_size))
    return [{name: values[read[name][i]] for name, values in reader.attributes.items()} for i in range(len(images))]


def describe(images, oracle=ORACLE, **changes):
    """Captions of portraits of the world, by an oracle.

    Args:
        images: uint8 (N, H, W, 3), square.
        oracle: str or path. Its preset.
        **changes: str. Attributes that are to be said otherwise, such as style="oil".

    Returns:
        list of N str.
    """
    changes = check(changes)
    return [
        _caption({**changes, **{k: v for k, v in read.items() if k not in changes}})
        for read in read_attributes(images, oracle)
    ]


def _caption(attributes):
    """In the order given, without what contradicts what was said before: an oracle reads every attribute by itself."""
    said = {}
    for name, value in attributes.items():
        try:
            said = check({**said, name: value})
        except ValueError:
            continue
    return str(world.compose(said))
