"""Moving pictures as files that carry their recipe, as `tfportrait.recipe` has it for pictures."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfportrait import mp4, provenance
from tfportrait.files import atomic_write
from tfportrait.recipe import check_recipe_document

SUFFIXES = {".gif": "GIF", ".webp": "WEBP", ".mp4": "MP4"}
_LOOK = {"GIF": {"disposal": 1, "optimize": False}, "WEBP": {"quality": 90, "method": 4}}


def check_clip_suffix(path: str | os.PathLike) -> Path:
    """The path, if its name ends in one of `SUFFIXES`, and the format can be written here.

    Raises: ValueError otherwise.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path.name!r} names no format of moving pictures: it must end in {', '.join(SUFFIXES)}")
    if path.suffix.lower() == ".mp4":
        mp4.check_encoder()
    return path


def write_clip(
    path: str | os.PathLike,
    frames: np.ndarray,
    recipe: dict[str, Any] | None = None,
    *,
    fps: float = 12.0,
    repeat: bool = True,
    label: bool = False,
) -> Path:
    """Writes a clip that carries its recipe and says that a model made it, whole or not at all.

    Args:
        path: str or path. Ends in one of `SUFFIXES`. A GIF has 256 colours a frame; an MP4 needs the extra `video`.
        frames: uint8 (N, H, W, 3).
        recipe: dict. As `tfportrait.recipe.write_picture` takes it: in the XMP packet, in a GIF in its comment.
        fps: float in (0, 100]. Frames a second. Formats count in hundredths or thousandths of a second.
        repeat: bool. Whether players begin again at the end; an MP4 cannot say so.
        label: bool. Draws "AI生成 / AI-generated" into every frame.

    Returns: the path.

    Raises: ValueError if an argument is not as above or JSON cannot hold the recipe; OSError if the file cannot be
        written.
    """
    path = check_clip_suffix(path)
    frames = np.asarray(frames)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not len(frames):
        raise ValueError(f"frames must be uint8 (N, H, W, 3), got {frames.dtype} {frames.shape}")
    if not 0 < fps <= 100:
        raise ValueError(f"fps is {fps}, but must be above 0 and at most 100")
    check_recipe_document(recipe)
    frames = [provenance.draw_label(frame) if label else frame for frame in frames]
    packet = provenance.write_xmp(frames[0], recipe)
    kind = SUFFIXES[path.suffix.lower()]
    if kind == "MP4":
        data = mp4.encode(frames, fps, packet)
        with atomic_write(path) as file:
            file.write(data)
        return path
    images = [Image.fromarray(frame) for frame in frames]
    options = dict(_LOOK[kind])
    if kind == "GIF":
        images = [image.quantize(256, Image.Quantize.MEDIANCUT) for image in images]
        options["comment"] = packet
    else:
        options["xmp"] = packet
    if repeat or kind == "WEBP":
        options["loop"] = 0 if repeat else 1
    duration = round(1000 / fps) if kind == "WEBP" else 10 * max(round(100 / fps), 1)
    with atomic_write(path) as file:
        images[0].save(file, kind, save_all=True, append_images=images[1:], duration=duration, **options)
    return path
