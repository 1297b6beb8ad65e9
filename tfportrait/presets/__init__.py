"""The presets that ship with the package, by name, and the recipes that train them."""

import difflib
from importlib import resources
from pathlib import Path

from tfportrait.presets import hub

INDEX_FILES = ("model_index.json", "config.json", "adapter_config.json")


def shipped():
    """The shipped presets: dict of name to folder."""
    root = Path(str(resources.files(__name__)))
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    return {path.name: path for path in folders if any((path / index).is_file() for index in INDEX_FILES)}


def locate(preset):
    """The folder of a preset, or the file that it is.

    Args:
        preset: str or path. A folder, a checkpoint in one file, the name of a shipped preset, or the name
            "organisation/model" of one on the Hugging Face hub.

    Raises:
        ValueError: none of them; lists the names, nearest first.
    """
    if Path(preset).exists():
        return Path(preset)
    name, presets = str(preset), shipped()
    if name in presets:
        return presets[name]
    if hub.NAME.fullmatch(name):
        return hub.fetch(name)
    near = difflib.get_close_matches(name, presets, n=max(len(presets), 1), cutoff=0.0)
    raise ValueError(f"no preset or folder {name!r}; shipped presets: {', '.join(near) or 'none'}")
