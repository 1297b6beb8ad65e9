"""Words to pictures with their recipes: what the command `paint` does."""

from tfportrait import world
from tfportrait.models import prompts
from tfportrait.tasks.opening import open_painter
from tfportrait.world.reading import explain


def compose_prompt(prompt, tags):
    """One prompt from free words and tags, in the language of the words.

    Args:
        prompt: str or None.
        tags: dict of attribute name to value, checked.

    Returns:
        str.

    Raises:
        ValueError: neither words nor tags, or a tag that contradicts the words.
    """
    prompt = (prompt or "").strip()
    if not prompt and not tags:
        raise ValueError('the prompt is empty: say what to paint, such as "a smiling woman with red hair"')
    if not tags:
        return prompt
    if not prompt:
        return str(world.compose(tags))
    reading = world.read_prompt(prompts.plain(prompt))
    for name, value in tags.items():
        said = reading.attributes.get(name, value)
        if said != value:
            raise ValueError(f"the tag {name}={value} contradicts the prompt, which says {name}={said}")
    more = {name: value for name, value in tags.items() if name not in reading.attributes}
    if not more:
        return prompt
    # One sentence about all of it keeps to the language that the painter was trained on; brackets would be lost in it.
    if not reading.unknown and prompts.parse(prompt) == [[(prompt, 1.0)]]:
        return str(world.compose({**reading.attributes, **more}, reading.language))
    comma = "，" if reading.language == "zh" else ", "
    return f"{prompt}{comma}{world.compose(more, reading.language)}"


def paint(
    preset,
    prompt,
    negative=None,
    *,
    seeds,
    num_steps,
    guidance_scale,
    sampler,
    image_size=None,
    prediction_type=None,
    loras=None,
    precision="auto",
    progress=True,
    clip_skip=None,
    say=print,
):
    """Loads a preset and paints, on whatever this machine has.

    Args:
        preset: path. Folder of the preset, or a checkpoint in one file.
        prompt: str.
        negative: str or None.
        seeds: list of int.
        num_steps, guidance_scale, sampler, image_size: as `LatentDiffusion.generate` takes them.
        prediction_type: str or None. As `LatentDiffusion.from_preset` takes it.
        loras: dict of path to float, or None. Files of LoRAs, each with its strength.
        precision: str. As `tfportrait.accelerate` takes it.
        progress: bool. Whether a progress bar is shown on standard error.
        clip_skip: int or None. As `LatentDiffusion.generate` takes it.
        say: callable of str. Is told what was understood.

    Returns:
        (images, recipes): uint8 (N, H, W, 3) and a list of N dicts that `tfportrait.recipe.write_png` takes.
    """
    for text in (prompt, negative or ""):
        prompts.parse(text)  # what is wrong with it is said before anything is loaded
    painter, opened = open_painter(
        preset, count=len(seeds), precision=precision, prediction_type=prediction_type, loras=loras
    )
    if painter.tokenizer is not None:
        explain_prompts(painter.tokenizer, prompt, negative or "", say)
    images = painter.generate(
        prompt,
        None if negative is None else [negative],
        seeds=seeds,
        num_steps=num_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        image_size=image_size,
        progress=progress,
        clip_skip=clip_skip,
    )
    shared = {
        "prompt": prompt,
        "negative_prompt": negative,
        "num_steps": num_steps,
        "guidance_scale": guidance_scale,
        "sampler": sampler,
        "clip_skip": clip_skip,
        "image_size": list(images.shape[1:3]),
        **opened,
    }
    return images, [{**shared, "seed": seed} for seed in seeds]


def explain_prompts(tokenizer, prompt, negative, say):
    """What the grammar of the portraits makes of a prompt, which matters to painters that were trained on it; and what
    is painted in English by those that read no Chinese."""
    from tfportrait.models.generation import in_its_language

    if tokenizer.reads_chinese:
        say(explain(world.read_prompt(prompts.plain(prompt))))
    for name, text in (("prompt", prompt), ("negative prompt", negative)):
        english = in_its_language(tokenizer, text).text
        if english != text:
            say(f"In English, the {name} is: {english}")
