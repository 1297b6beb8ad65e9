"""What a picture shows, in words that a painter was trained on."""

import functools
from pathlib import Path

from tfportrait import world
from tfportrait.models.oracle import Oracle, resized
from tfportrait.world.choice import check_any, world_of

ORACLE = "oracle_128"
LEARNT = {"portrait_128": "portrait_world", "scene_128": "scene_world"}  # what shipped painters have learnt
ORACLES = {"scene_128": "scene_oracle_128"}  # what reads the pictures of a preset, where that is another one


def oracle_of(preset):
    """The preset of the oracle that reads what a shipped painter paints.

    Args:
        preset: str or path. The painter's name or folder.

    Returns:
        str.
    """
    return ORACLES.get(Path(preset).name, ORACLE)


@functools.cache
def opened(preset):
    """The oracle of a preset, loaded once."""
    return Oracle.from_preset(preset)


def read_attributes(images, oracle=ORACLE):
    """The attributes of pictures of a world as an oracle reads them. It has an answer for anything it is shown.

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
    """Captions of pictures of a world, by an oracle.

    Args:
        images: uint8 (N, H, W, 3), square.
        oracle: str or path. Its preset.
        **changes: str. Attributes that are to be said otherwise, such as style="oil".

    Returns:
        list of N str.
    """
    changes = check_any(changes)
    return [
        _caption({**changes, **{k: v for k, v in read.items() if k not in changes}})
        for read in read_attributes(images, oracle)
    ]


def _caption(attributes):
    """All of a world's attributes as words, without what contradicts what stands before it: an oracle reads every
    attribute by itself.
    """
    said = {}
    for name, value in attributes.items():
        try:
            said = check_any({**said, name: value})
        except ValueError:
            continue
    return str(world.WORLDS[world_of(attributes)].compose(said))
