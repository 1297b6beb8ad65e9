"""The recipe of a picture (prompt, seed, sampler, ...), kept in the PNG itself as text."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from tfportrait.files import atomic_write

KEY = "tfportrait"
PARAMETERS = "parameters"

# The names that AUTOMATIC1111's web UI and its relatives print for the same samplers.
WEB_UI_SAMPLERS = {
    "ddpm": "DDPM",
    "ddim": "DDIM",
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "dpmpp_2m": "DPM++ 2M",
    "lcm": "LCM",
}
# Recipe entry -> the web UI's name, in the web UI's order.
_PARAMETER_NAMES = {
    "num_steps": "Steps",
    "sampler": "Sampler",
    "spacing": "Schedule type",
    "guidance_scale": "CFG scale",
    "seed": "Seed",
    "image_size": "Size",
    "preset_hash": "Model hash",
    "preset": "Model",
    "clip_skip": "Clip skip",
    "version": "Version",
}


def parameters_text(recipe: dict[str, Any]) -> str:
    """The recipe as one `parameters` text of the Stable Diffusion web UIs, which their "PNG info" pages read.

    Args:
        recipe: dict. Entries that the web UIs know: prompt, negative_prompt, num_steps, sampler, spacing,
            guidance_scale, seed, image_size (int or (height, width)), preset, preset_hash, clip_skip, version. Others
            are left out, as are those that are None.
    """
    lines = [str(recipe.get("prompt") or "")]
    if negative := recipe.get("negative_prompt"):
        lines.append(f"Negative prompt: {negative}")
    settings = []
    for entry, name in _PARAMETER_NAMES.items():
        value = recipe.get(entry)
        if value is None:
            continue
        if entry == "image_size" and (isinstance(value, int) or (isinstance(value, list | tuple) and len(value) == 2)):
            height, width = (value, value) if isinstance(value, int) else value
            value = f"{width}x{height}"
        elif entry == "sampler" and isinstance(value, str):
            value = WEB_UI_SAMPLERS.get(value, value)
        elif entry == "spacing":
            value = str(value).capitalize()
        elif entry == "preset_hash":
            value = str(value)[:10]
        elif entry == "version":
            value = f"tfportrait {value}"
        settings.append(f"{name}: {value}")
    lines.append(", ".join(settings))
    return "\n".join(lines)


def write_png(path: str | os.PathLike, image: np.ndarray, recipe: dict[str, Any] | None = None) -> Path:
    """Writes a PNG that carries its recipe, whole or not at all.

    Args:
        path: str or path. Ends in `.png`.
        image: uint8 (H, W, 3).
        recipe: dict. Anything that JSON can hold. Stored as the text `tfportrait` (JSON) and, for other tools, as the
            web UIs' `parameters`. Defaults to None: no text.

    Returns: the path.

    Raises: ValueError if the name or the image is not as above or JSON cannot hold the recipe; OSError if the file
        cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ValueError(f"a picture with its recipe is a PNG file: got {path.name!r}, want {path.stem + '.png'!r}")
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(f"image must be uint8 (H, W, 3), got {image.dtype} {image.shape}")
    text = PngImagePlugin.PngInfo()
    if recipe is not None:
        try:
            document = json.dumps(recipe, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the recipe cannot be written as JSON: {error}") from error
        text.add_itxt(KEY, document)
        text.add_text(PARAMETERS, parameters_text(recipe))
    with atomic_write(path) as file:
        Image.fromarray(image).save(file, "PNG", pnginfo=text)
    return path


def read_recipe(path: str | os.PathLike) -> dict[str, Any]:
    """Reads the recipe that `write_png` has stored.

    Args:
        path: str or path. A PNG file.

    Returns: the recipe.

    Raises: ValueError if the file is no PNG, is damaged, or has no recipe; OSError if it cannot be read.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()  # text may also stand behind the pixels
            text = dict(image.text)
    except UnidentifiedImageError as error:
        raise ValueError(f"{path} is not a PNG file") from error
    except (SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is not a sound PNG file: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{path} is damaged: {error}") from error
    if KEY not in text:
        hint = "; it has the `parameters` text of another tool" if PARAMETERS in text else ""
        raise ValueError(f"{path} carries no tfportrait recipe{hint}")
    try:
        recipe = json.loads(text[KEY])
    except json.JSONDecodeError as error:
        raise ValueError(f"the recipe in {path} is damaged: {error}") from error
    if not isinstance(recipe, dict):
        raise ValueError(f"the recipe in {path} is damaged: it is not a JSON object")
    return recipe
