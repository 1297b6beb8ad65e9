"""What the commands that change a picture do: open it and the painter, say what is done, write the recipe."""

import dataclasses
from pathlib import Path

from tfportrait import world
from tfportrait.files import sha256
from tfportrait.models.generation import image_sides, steps_made
from tfportrait.models.preset import locate
from tfportrait.tasks.degradations import KINDS, Blur, Jpeg, get
from tfportrait.tasks.describing import describe, oracle_of
from tfportrait.tasks.inpainting import inpaint, outpaint
from tfportrait.tasks.opening import is_pixel_diffusion, open_painter, open_pixel_diffusion
from tfportrait.tasks.overlays import find_overlay
from tfportrait.tasks.pictures import box_mask, read_mask, read_picture
from tfportrait.tasks.restoration import restore
from tfportrait.tasks.restyling import METHODS, image_to_image
from tfportrait.tasks.strangers import stranger
from tfportrait.world.attributes import check

PAINTED = 128  # pixels; what the shipped painter has learnt


def restyle(
    preset,
    file,
    prompt=None,
    *,
    style=None,
    strength=None,
    method=None,
    negative=None,
    seed,
    num_steps,
    guidance_scale,
    sampler=None,
    image_size=None,
    fit="crop",
    precision="auto",
    progress=True,
    say=print,
):
    """Paints the picture in a file again.

    Args:
        preset: path. Folder of the preset, or a checkpoint in one file.
        file: path. The picture.
        prompt: str or None. What to paint. Without one the oracle says what the picture shows, for painters that were
            trained on the portrait world; others paint "a portrait".
        style: str or None. A style of the world, said beside the prompt.
        negative, image_size: as `LatentDiffusion.generate` takes them.
        strength, method, seed, num_steps, guidance_scale, sampler: as `image_to_image` takes them.
        fit: str. As `read_picture` takes it.
        precision: str. As `tfportrait.accelerate` takes it.
        progress: bool. Whether a progress bar is shown on standard error.
        say: callable of str. Is told what is done.

    Returns:
        (image, recipe): uint8 (H, W, 3), and a dict that `tfportrait.recipe` writes.
    """
    changes = check({"style": style} if style else {})
    if not changes and not (prompt or "").strip():
        styles = ", ".join(world.ATTRIBUTES["style"])
        raise ValueError(f"say what to paint: give a prompt, or a style (--style): {styles}")
    painter, opened = open_painter(preset, precision=precision)
    image = read_picture(file, image_sides(painter, image_size), fit, say)
    _say_if_strange(preset, painter, image, say)
    source, text = None, (prompt or "").strip()
    ours = knows_the_world(painter)
    method = method or ("inversion" if ours else "noise")
    if method == "inversion" or (ours and not text):
        (source,) = describe(image[None], oracle_of(preset))
        say(f"The picture shows: {source}")
    if ours and not text:
        (text,) = describe(image[None], oracle_of(preset), **changes)
    elif changes:
        text = f"{text or 'a portrait'}, {world.tags(changes)}"
    say(f"Painting: {text}")
    images = image_to_image(
        painter,
        image,
        text,
        None if negative is None else [negative],
        strength=strength,
        method=method,
        source_prompts=source if method == "inversion" else None,
        seeds=seed,
        num_steps=num_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        progress=progress,
    )
    strength = METHODS[method] if strength is None else strength
    say(f"{steps_made(num_steps, strength)} of {num_steps} steps were made (strength {strength:g}, {method})")
    recipe = {
        "task": "restyle",
        **input_of(file, fit),
        "prompt": text,
        "negative_prompt": negative,
        "source_prompt": source if method == "inversion" else None,
        "strength": strength,
        "method": method,
        "seed": seed,
        "num_steps": num_steps,
        "guidance_scale": guidance_scale,
        "sampler": sampler,
        "image_size": list(image.shape[:2]),
        **opened,
    }
    return images[0], recipe


def edit_part(
    preset,
    file,
    mask=None,
    *,
    borders=None,
    overlay=False,
    prompt=None,
    negative=None,
    strength,
    feather,
    seed,
    num_steps,
    guidance_scale,
    sampler,
    image_size=None,
    fit="crop",
    precision="auto",
    progress=True,
    say=print,
):
    """Paints a part of the picture in a file anew, or what is beyond its borders.

    Args:
        mask: path of a picture that is black where nothing is to change, or (x, y, width, height) in pixels; None with
            `borders` or `overlay`.
        borders: (int, int, int, int) or None. New pixels above, to the right, below and to the left.
        overlay: bool. Paints what `find_overlay` finds.
        prompt: str or None. What the whole picture is to show. Without one the oracle says what it shows, for painters
            that were trained on the portrait world.
        strength, feather, sampler: as `inpaint` takes them.
        others: as `restyle` takes them.

    Returns:
        (image, recipe): uint8 (H, W, 3), and a dict that `tfportrait.recipe` writes.
    """
    painter, opened = open_painter(preset, precision=precision)
    size = image_sides(painter, image_size)
    image = read_picture(file, size, fit, say)
    _say_if_strange(preset, painter, image, say)
    if borders is None:
        if overlay:
            marked = find_overlay(image)
            if not marked.any():
                raise ValueError(f"no overlay of the portrait world was found in {file}: give a mask")
        else:
            marked = box_mask(mask, size) if isinstance(mask, tuple) else read_mask(mask, file, size, fit, say)
        say(f"{marked.mean():.0%} of the picture is painted anew{', none of it is kept' * bool(marked.all())}")
    text = (prompt or "").strip()
    if not text and knows_the_world(painter):
        (text,) = describe(image[None], oracle_of(preset))
        say(f"The picture shows: {text}")
    options = {
        "strength": strength,
        "feather": feather,
        "num_steps": num_steps,
        "guidance_scale": guidance_scale,
        "sampler": sampler,
    }
    words = (text or None, None if negative is None else [negative])
    if borders is None:
        images = inpaint(painter, image, marked, *words, seeds=seed, progress=progress, **options)
    else:
        images = outpaint(painter, image, borders, *words, seeds=seed, progress=progress, **options)
    given = {"file": mask.name, "hash": sha256(mask)} if isinstance(mask, Path) else mask
    recipe = {
        "task": "inpaint",
        **input_of(file, fit),
        "mask": given,
        "borders": borders,
        "overlay": overlay,
        "prompt": text,
        "negative_prompt": negative,
        **options,
        "seed": seed,
        "image_size": list(images.shape[1:3]),
        **opened,
    }
    return images[0], recipe


def repair(
    preset,
    file,
    degradation=None,
    *,
    level=None,
    noise=0.0,
    prompt=None,
    negative=None,
    seed,
    num_steps=None,
    samples=None,
    guidance_scale=1.0,
    precision="auto",
    say=print,
):
    """Restores the picture in a file.

    Args:
        preset: path or None. Folder of a PixelDiffusion or a painter. None: the shipped one that does best, which is
            the painter for words, and for damage that is no noise in pictures of its own size.
        file: path. The picture.
        degradation: str or None. As `restore` takes it. None: what the file's own format did, if it is a JPEG.
        level: float or None. As `restore` takes it. None for "jpeg": what the file says, if it is a JPEG.
        noise: float. For "blur": deviation of the noise in grey levels.
        prompt, negative: str or None. For a painter.
        seed, num_steps, samples, guidance_scale: as `restore` takes them.
        precision: str. As `tfportrait.accelerate` takes it.
        say: callable of str. Is told what is done.

    Returns:
        (image, recipe): uint8 (H, W, 3), and a dict that `tfportrait.recipe` writes.
    """
    image = read_picture(file)
    kind = _damage(file, degradation, level, noise)
    if preset is None:
        fits = image.shape[:2] == (PAINTED, PAINTED) and kind.name not in ("gaussian", "poisson")
        preset = locate("portrait_128" if fits or prompt else "pixels_128")
    words = {"prompts": prompt, "negative_prompts": None if negative is None else [negative]}
    if is_pixel_diffusion(preset):
        painter, opened = open_pixel_diffusion(preset, precision=precision)
    else:
        painter, opened = open_painter(preset, precision=precision)
        image_sides(painter, image.shape[:2])
    kind = kind.measured(image[None])
    say(f"Restoring by {preset.name}: {kind}")
    options = {"num_steps": num_steps, "samples": samples, "guidance_scale": guidance_scale}
    images = restore(painter, image, kind, **words, seeds=seed, **options)
    recipe = {
        "task": "restore",
        "input": {"file": file.name, "hash": sha256(file)},
        "degradation": {"name": kind.name, **dataclasses.asdict(kind)},
        "prompt": prompt,
        "negative_prompt": negative,
        **options,
        "seed": seed,
        "image_size": list(image.shape[:2]),
        **opened,
    }
    return images[0], recipe


def _damage(file, degradation, level, noise):
    """What is to be taken out of the picture in a file."""
    stored = Jpeg.of_file(file)
    if degradation is None and stored is None:
        raise ValueError(f"say what damaged {file}: --degradation {', '.join(KINDS)}")
    if noise and degradation != "blur":
        raise ValueError("the noise beside the damage is for blur alone")
    if degradation == "blur":
        return Blur(level, noise)
    if degradation in (None, "jpeg"):
        return stored if stored and level is None else get("jpeg", level)
    return get(degradation, level)


def knows_the_world(painter):
    """Whether a painter was, as far as can be told, trained on the portrait world, which the oracle reads: one that
    reads Chinese is none of the Stable Diffusion checkpoints."""
    return painter.tokenizer is not None and painter.tokenizer.reads_chinese


def _say_if_strange(preset, painter, image, say):
    if said := stranger(preset, painter, image):
        say(said)


def input_of(file, fit):
    """What a recipe says of the picture that was given."""
    return {"input": {"file": file.name, "hash": sha256(file), "fit": fit}}


def read_input(preset, painter, file, image_size=None, say=print, fit="crop"):
    """The picture in a file, at a size that a painter takes, and what a recipe says of it.

    Args:
        preset: path. Of the painter.
        painter: LatentDiffusion.
        file: path.
        image_size: int, (int, int) or None. As `LatentDiffusion.generate` takes it.
        say, fit: as `read_picture` takes them.

    Returns:
        (uint8 (H, W, 3), dict).
    """
    image = read_picture(file, image_sides(painter, image_size), fit, say)
    _say_if_strange(preset, painter, image, say)
    return image, input_of(Path(file), fit)
