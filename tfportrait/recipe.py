"""The recipe of a picture (prompt, seed, sampler, ...), kept in the file itself."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, PngImagePlugin, UnidentifiedImageError

from tfportrait import mp4, provenance
from tfportrait.files import atomic_write

KEY = "tfportrait"
FORMAT = 2  # of recipes; raised when old versions would misread new ones
PARAMETERS = "parameters"
SUFFIXES = {".png": "PNG", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}
_LOOK = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}

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


def write_picture(
    path: str | os.PathLike, image: np.ndarray, recipe: dict[str, Any] | None = None, *, label: bool = False
) -> Path:
    """Writes a picture that carries its recipe and says that a model made it, whole or not at all.

    Args:
        path: str or path. Ends in one of `SUFFIXES`. PNG and WebP keep every pixel as it is.
        image: uint8 (H, W, 3).
        recipe: dict. Anything that JSON can hold. Stored in the XMP packet (see `tfportrait.provenance`) and, for other
            tools, as the web UIs' `parameters` (in a PNG's text, else in EXIF's comment). Defaults to None: none.
        label: bool. Draws "AI生成 / AI-generated" into the picture. Defaults to False.

    Returns: the path.

    Raises: ValueError if the name or the image is not as above or JSON cannot hold the recipe; OSError if the file
        cannot be written.
    """
    path = check_suffix(path)
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(f"image must be uint8 (H, W, 3), got {image.dtype} {image.shape}")
    image = provenance.draw_label(image) if label else image
    document = check_recipe_document(recipe)
    packet = provenance.write_xmp(image, recipe)
    kind = SUFFIXES[path.suffix.lower()]
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_itxt("XML:com.adobe.xmp", packet.decode())
        text.add_text("AIGC", provenance.aigc(image))
        if recipe is not None:
            text.add_itxt(KEY, document)
            text.add_text(PARAMETERS, parameters_text(recipe))
        options = {"pnginfo": text}
    else:
        exif = Image.Exif()
        if recipe is not None:
            comment = b"UNICODE\0" + parameters_text(recipe).encode("utf-16-be", "replace")
            exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
        options = {"xmp": packet, "exif": exif, **_LOOK[kind]}
    with atomic_write(path) as file:
        try:
            Image.fromarray(image).save(file, kind, **options)
        except ValueError as error:  # a JPEG's packet has 64 kB at most
            raise ValueError(f"{path} cannot hold the recipe: {error}; write a PNG instead") from error
    return path


def check_recipe_document(recipe: dict[str, Any] | None) -> str:
    """The recipe as JSON.

    Raises: ValueError if JSON cannot hold it.
    """
    try:
        document = json.dumps(recipe, ensure_ascii=False, allow_nan=False)
        document.encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"the recipe cannot be written as JSON: {error}") from error
    return document


def check_suffix(path: str | os.PathLike) -> Path:
    """The path, if its name ends in one of `SUFFIXES`.

    Raises: ValueError otherwise, with the nearest name.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"{path.name!r} does not name a format that carries recipes: it must end in {', '.join(SUFFIXES)}; "
            f"nearest: {str(path.with_suffix('.png') if path.suffix else path) + '.png' * (not path.suffix)!r}"
        )
    return path


def read_recipe(path: str | os.PathLike) -> dict[str, Any]:
    """Reads the recipe that `write_picture`, or `tfportrait.clips.write_clip`, has stored.

    Args:
        path: str or path. A PNG, WebP, JPEG, GIF or MP4 file.

    Returns: the recipe.

    Raises: ValueError if the file is no such picture, is damaged or has no recipe; OSError
        if it cannot be read.
    """
    if mp4.is_mp4(path):
        return _of_texts(path, {}, _packet_of_mp4(path), {})
    try:
        with Image.open(path, formats=[*sorted(set(SUFFIXES.values())), "GIF"]) as image:
            image.load()  # text may also stand behind the pixels
            text, packet = dict(getattr(image, "text", {})), image.info.get("xmp", b"")
            if image.format == "GIF" and image.info.get("comment", b"").startswith(b"<?xpacket"):
                packet = image.info["comment"]
            exif = image.getexif().get_ifd(ExifTags.IFD.Exif)
    except UnidentifiedImageError as error:
        raise ValueError(f"{path} is not a PNG, WebP, JPEG, GIF or MP4 file") from error
    except (SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is not a sound picture: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{path} is damaged: {error}") from error
    return _of_texts(path, text, packet, exif)


def _packet_of_mp4(path: str | os.PathLike) -> bytes:
    try:
        return mp4.read_packet(path)
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error


def _of_texts(path: str | os.PathLike, text: dict[str, str], packet: bytes, exif: dict) -> dict[str, Any]:
    """The recipe in a PNG's texts or an XMP packet."""
    try:
        marks = provenance.read_xmp(packet) if packet else {}
    except ValueError as error:
        if KEY not in text:
            raise ValueError(f"the metadata in {path} are damaged: {error}") from error
        marks = {}
    document = text.get(KEY, marks.get("recipe"))
    if document is None:
        others = PARAMETERS in text or ExifTags.Base.UserComment in exif
        hint = "; it has the `parameters` text of another tool" if others else ""
        hint += "; it is marked as made by a model" if {"AIGC", "DigitalSourceType"} & {*marks, *text} else ""
        raise ValueError(f"{path} carries no tfportrait recipe{hint}")
    try:
        recipe = json.loads(document)
    except json.JSONDecodeError as error:
        raise ValueError(f"the recipe in {path} is damaged: {error}") from error
    if not isinstance(recipe, dict):
        raise ValueError(f"the recipe in {path} is damaged: it is not a JSON object")
    return recipe
