"""Words to pictures with their recipes: what the command `paint` does."""

import time
from pathlib import Path

from tfportrait import __version__, world
from tfportrait.files import sha256
from tfportrait.models import prompts
from tfportrait.models.preset import locate
from tfportrait.recipe import FORMAT
from tfportrait.tasks import budgets
from tfportrait.tasks.describing import LEARNT
from tfportrait.tasks.opening import open_painter, preset_hash
from tfportrait.tasks.upscaling import PRESET as UPSCALER
from tfportrait.tasks.upscaling import upscale
from tfportrait.world.choice import read_any
from tfportrait.world.reading import explain

UPSCALED_FROM = 128  # pixels; what the upscaler has learnt to enlarge
NEEDED = (
    "prompt",
    "negative_prompt",
    "seed",
    "num_steps",
    "guidance_scale",
    "sampler",
    "clip_skip",
    "image_size",
    "preset",
    "preset_hash",
    "prediction_type",
    "precision",
    "row",
    "version",
)


def compose_prompt(prompt, tags):
    """One prompt from free words and tags, in the language of the words.

    Args:
        prompt: str or None.
        tags: dict of attribute name to value, checked: of portraits or of scenes.

    Returns:
        str.

    Raises:
        ValueError: neither words nor tags, a tag that contradicts the words, or tags of portraits and scenes together.
    """
    prompt = (prompt or "").strip()
    if not prompt and not tags:
        raise ValueError('the prompt is empty: say what to paint, such as "a smiling woman with red hair"')
    if not tags:
        return prompt
    name, reading = read_any(prompts.plain(prompt), tags)
    compose = world.WORLDS[name].compose
    if not prompt:
        return str(compose(tags))
    for name, value in tags.items():
        said = reading.attributes.get(name, value)
        if said != value:
            raise ValueError(f"the tag {name}={value} contradicts the prompt, which says {name}={said}")
    more = {name: value for name, value in tags.items() if name not in reading.attributes}
    if not more:
        return prompt
    # One sentence about all of it keeps to the language that the painter was trained on; brackets would be lost in it.
    if not reading.unknown and prompts.parse(prompt) == [[(prompt, 1.0)]]:
        return str(compose({**reading.attributes, **more}, reading.language))
    comma = "，" if reading.language == "zh" else ", "
    return f"{prompt}{comma}{compose(more, reading.language)}"


def paint(
    preset,
    prompt,
    negative=None,
    *,
    seeds,
    variations=None,
    quality=None,
    budget=None,
    prediction_type=None,
    loras=None,
    precision="auto",
    progress=True,
    say=print,
    **settings,
):
    """Loads a preset and paints, on whatever this machine has.

    Args:
        preset: path. Folder of the preset, or a checkpoint in one file.
        prompt: str.
        negative: str or None.
        seeds: list of int.
        variations: as `paint_batch` takes them.
        quality, budget: as `tfportrait.tasks.budgets.plan` takes them, which then chooses sampler, steps and the like.
        prediction_type: str or None. As `LatentDiffusion.from_preset` takes it.
        loras: dict of path to float, or None. Files of LoRAs, each with its strength.
        precision: str. As `tfportrait.accelerate` takes it.
        progress: bool. Whether a progress bar is shown on standard error.
        say: callable of str. Is told what was understood.
        **settings: as `paint_batch` takes them.

    Returns:
        (images, recipes): as `paint_batch`.
    """
    for text in (prompt, negative or ""):
        prompts.parse(text)  # what is wrong with it is said before anything is loaded
    painter, opened = open_painter(
        preset, count=len(seeds), precision=precision, prediction_type=prediction_type, loras=loras
    )
    if painter.tokenizer is not None:
        explain_prompts(preset, painter.tokenizer, prompt, negative or "", say)
    count = len(seeds)
    texts, negatives = [prompt] * count, [negative] * count
    if quality or budget:
        enlarges = _factor(painter, budgets.ENLARGED * UPSCALED_FROM) > 1
        wanted = {"quality": quality, "budget": budget, "count": count, "enlarges": enlarges}
        chosen = budgets.plan(painter, opened, **wanted, **settings)
        say(f"Chosen: {chosen}")
        settings |= chosen.settings
    started = time.perf_counter()
    made = paint_batch(painter, opened, texts, negatives, seeds, variations=variations, progress=progress, **settings)
    if quality or budget:
        say(f"Painted in {time.perf_counter() - started:.2f} s")
    return made


def paint_batch(
    painter,
    opened,
    texts,
    negatives,
    seeds,
    *,
    num_steps,
    guidance_scale,
    sampler,
    image_size=None,
    clip_skip=None,
    guidance_interval=None,
    variations=None,
    progress=False,
):
    """Paints pictures together, and writes down how to paint each of them again.

    Args:
        painter, opened: as `open_painter` returns them.
        texts: list of N str.
        negatives: list of N str or None.
        seeds: list of N int.
        num_steps, guidance_scale, sampler, clip_skip, guidance_interval, progress: as `LatentDiffusion.generate` takes
            them.
        image_size: as there; but at 2 or 4 times the size of the preset, if that is `UPSCALED_FROM`, the picture is
            painted at the preset's own size and enlarged by the shipped upscaler.
        variations: list of N (int, float) or None, or None. Another seed, and how far from 0 to 1 the start goes from
            the noise of the picture's own seed to that of the other, along the great circle through both.

    Returns:
        (images, recipes): uint8 (N, H, W, 3) and a list of N dicts that `tfportrait.recipe.write_picture` takes.
    """
    factor = _factor(painter, image_size)
    size = painted_size(painter, image_size)
    variations = [None] * len(seeds) if variations is None else variations
    images = painter.generate(
        texts,
        None if all(text is None for text in negatives) else [text or "" for text in negatives],
        seeds=seeds,
        num_steps=num_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        image_size=size,
        noise=_varied_noise(painter, seeds, variations, size),
        progress=progress,
        clip_skip=clip_skip,
        guidance_interval=guidance_interval,
    )
    shared = {
        "task": "paint",
        "num_steps": num_steps,
        "guidance_scale": guidance_scale,
        "sampler": sampler,
        "clip_skip": clip_skip,
        **opened,
    }
    if guidance_interval is not None:
        shared["guidance_interval"] = list(guidance_interval)
    if factor > 1:
        images = upscale(images, factor, seeds=seeds, painted=True)
        shared["upscaler"] = {"preset": UPSCALER, "preset_hash": preset_hash(locate(UPSCALER))}
    shared["image_size"] = list(images.shape[1:3])
    rows = [
        {"prompt": text, "negative_prompt": negative, "seed": seed, **({"variation": list(varied)} if varied else {})}
        for text, negative, seed, varied in zip(texts, negatives, seeds, variations, strict=True)
    ]
    if len(rows) > 1:  # a picture can depend on its neighbours in the last bit
        shared["batch"] = rows
    return images, [{**row, **shared, "row": i} for i, row in enumerate(rows)]


def painted_size(painter, image_size):
    """The `image_size` that a picture is painted at: None, the preset's own, where it is enlarged afterwards."""
    return None if _factor(painter, image_size) > 1 else image_size


def _varied_noise(painter, seeds, variations, image_size):
    """The start of each picture, float32 (N, h, w, c); None where no seed is varied."""
    if not any(variations):
        return None
    from tfportrait.diffusion import noise as noises
    from tfportrait.models import generation

    shape = generation.latent_shape(painter, image_size)
    starts = noises.unit_noise(seeds, 0, shape)
    for row, varied in enumerate(variations):
        if varied:
            other, strength = varied
            if not 0 <= strength <= 1:
                raise ValueError(f"the strength of a variation is {strength:g}, but must lie in [0, 1]")
            starts[row] = noises.slerp(starts[row], noises.unit_noise([other], 0, shape)[0], strength)
    return starts


def _factor(painter, image_size):
    """By how much what is painted is to be enlarged."""
    known = isinstance(painter.unet.config["sample_size"], int)
    if not known or painter.image_size != UPSCALED_FROM or not isinstance(image_size, int):
        return 1
    return image_size // UPSCALED_FROM if image_size in (2 * UPSCALED_FROM, 4 * UPSCALED_FROM) else 1


def repaint(recipe, preset=None, *, loras=None, progress=True, say=print):
    """Paints a picture again from its recipe: the same pixels, on the same machine with the same versions.

    Args:
        recipe: dict, as `tfportrait.recipe.read_recipe` returns it.
        preset: path or None. Where the preset lies; by default it is looked for by the name in the recipe.
        loras: dict of path to float, or None. The files of the recipe's LoRAs; their strengths are the recipe's.
        progress: bool. Whether a progress bar is shown on standard error.
        say: callable of str. Is told what differs from the recipe without preventing it.

    Returns:
        (image, recipe): uint8 (H, W, 3), and the recipe.

    Raises:
        ValueError: a recipe of a newer version, of another task, or with something missing; or the preset or a LoRA is
            not the one that the recipe was made with.
    """
    check_recipe(recipe)
    folder = locate(preset or recipe["preset"])
    if preset_hash(folder) != recipe["preset_hash"]:
        raise ValueError(
            f"{folder} is not the preset {recipe['preset']} of the recipe (their checksums differ): name that with "
            "--preset"
        )
    if "upscaler" in recipe and preset_hash(locate(UPSCALER)) != recipe["upscaler"]["preset_hash"]:
        raise ValueError("the recipe was made with another version of the upscaler: the pixels would differ")
    strengths = {}
    files = {sha256(file): file for file in loras or {}}
    for lora in recipe.get("loras", ()):
        if lora["hash"] not in files:
            raise ValueError(f"the recipe was made with the LoRA {lora['file']}: give that file with --lora")
        strengths[files[lora["hash"]]] = lora["strength"]
    if recipe["version"] != __version__:
        say(f"the recipe is of tfportrait {recipe['version']}, this is {__version__}: the pixels may differ")
    rows = recipe.get("batch", [recipe])
    painter, opened = open_painter(
        folder,
        count=len(rows),
        precision=recipe["precision"],
        prediction_type=recipe["prediction_type"],
        loras=strengths,
    )
    columns = ([row[name] for row in rows] for name in ("prompt", "negative_prompt", "seed"))
    variations = [row.get("variation") for row in rows]
    height, width = recipe["image_size"]
    names = ("num_steps", "guidance_scale", "sampler", "clip_skip")
    images, recipes = paint_batch(
        painter,
        opened,
        *columns,
        variations=variations,
        guidance_interval=recipe.get("guidance_interval"),
        image_size=height if height == width else (height, width),
        progress=progress,
        **{name: recipe[name] for name in names},
    )
    return images[recipe["row"]], recipes[recipe["row"]]


def check_recipe(recipe):
    """Raises a ValueError unless `repaint` can read the recipe."""
    if not isinstance(recipe.get("format", 1), int) or recipe.get("format", 1) > FORMAT:
        raise ValueError(
            f"the recipe is of a newer tfportrait ({recipe.get('version')}), which this one ({__version__}) cannot read"
        )
    if recipe.get("task", "paint") != "paint":
        raise ValueError(
            f"the recipe is one of `tfportrait {recipe['task']}`, which starts from a picture: give that command its "
            "input and the recipe's settings"
        )
    if missing := [name for name in NEEDED if name not in recipe]:
        raise ValueError(f"the recipe does not say {', '.join(missing)}")


def explain_prompts(preset, tokenizer, prompt, negative, say):
    """What the grammar of portraits or scenes makes of a prompt, which matters to painters that were trained on it, and
    who paints it if this one does not; what is painted in English by those that read no Chinese."""
    from tfportrait.models.generation import in_its_language

    if tokenizer.reads_chinese:
        own = LEARNT.get(Path(preset).name)
        about, reading = read_any(prompts.plain(prompt), own=own or "portrait_world")
        say(explain(reading))
        if own and about != own:
            other = next(name for name, each in LEARNT.items() if each == about)
            say(f"These words are about what {other} paints (--preset {other}), not {Path(preset).name}")
    for name, text in (("prompt", prompt), ("negative prompt", negative)):
        english = in_its_language(tokenizer, text).text
        if english != text:
            say(f"In English, the {name} is: {english}")
