"""A few pictures of one's own as training data: DreamBooth (Ruiz et al. 2022) and textual inversion."""

import numbers

import numpy as np
from keras import ops
from tqdm import tqdm

from tfportrait.data.arrays import endless_batches

PAINTED = 8  # pictures at a time


def personal_dataset(
    painter,
    images,
    prompts,
    class_prompts=None,
    *,
    prior_weight=1.0,
    batch_size=4,
    seed=0,
    num_steps=20,
    guidance_scale=4.0,
):
    """What `fit` needs to teach a painter something new from a few pictures.

    For DreamBooth, let the prompts have a word that texts do not have beside the class, "a portrait of a zwk woman",
    and the class prompts be others of the class, "a portrait of a woman": the painter, as it is now, paints them, and
    goes on being trained on that, so that it does not forget what it knew (prior preservation). For a LoRA it is the
    same. For textual inversion, have the new word in the prompts, and no class prompts. The more the prompts say of
    what changes from picture to picture (style, background), the less of that the new word will mean. A small text
    encoder hardly tells unknown letters from other words: there, learn a new word first, then go on with it in the
    prompts.

        data = tp.personal_dataset(painter, images, prompts, class_prompts)
        painter.caption_dropout = 0.0  # else what is painted without a prompt becomes it too
        painter.compile(tp.training.AdamW(1e-4))
        painter.fit(data, steps_per_epoch=400)

    Args:
        painter: LatentDiffusion.
        images: uint8 (N, H, W, 3), or a list of N uint8 (H, W, 3), of the painter's size.
        prompts: str, or a list of N str, each a picture's own, or of N lists of str: several for each.
        class_prompts: list of str or None. What the painter paints, one picture each, to remember.
        prior_weight: float >= 0. How much these count in the loss beside the N pictures.
        batch_size: int. Pictures of each of both kinds in a batch.
        seed: int. Settles what is painted, with seeds from this one on, and the order.
        num_steps, guidance_scale: as `LatentDiffusion.generate` takes them, for what is painted.

    Returns: tf.data.Dataset, endless, for `fit(..., steps_per_epoch=...)`: (batch, no target, sample weight).

    Raises: ValueError if images, prompts or weights are not as above.
    """
    if isinstance(batch_size, bool) or not isinstance(batch_size, numbers.Integral) or batch_size < 1:
        raise ValueError(f"batch_size is {batch_size!r}, but must be an integer of at least 1")
    images = _check_images(painter, images)
    prompts = _check_prompts(prompts, len(images))
    if not 0 <= prior_weight < float("inf"):
        raise ValueError(f"prior_weight is {prior_weight!r}, but must be a number of at least 0")
    if isinstance(class_prompts, str):
        raise ValueError("class_prompts is one string: give a list, such as [prompt] * 100; each is painted once")
    rows = [row for row, texts in enumerate(prompts) for _ in texts]
    groups = [(_examples(painter, images, rows, [text for texts in prompts for text in texts]), 1.0)]
    if class_prompts:
        painted = _paint(painter, list(class_prompts), seed, num_steps=num_steps, guidance_scale=guidance_scale)
        groups.append((_examples(painter, painted, range(len(painted)), class_prompts), float(prior_weight)))
    return endless_batches(groups, batch_size=batch_size, seed=seed)


def _check_images(painter, images):
    images = np.asarray(images)
    wanted = (painter.image_size, painter.image_size, 3)
    if images.dtype != np.uint8 or images.shape[1:] != wanted or not len(images):
        raise ValueError(
            f"images are {images.dtype} {images.shape}, but must be uint8 (N, {', '.join(map(str, wanted))})"
        )
    return images


def _check_prompts(prompts, count):
    """A list of texts for each picture."""
    prompts = [prompts] * count if isinstance(prompts, str) else list(prompts)
    if len(prompts) != count:
        raise ValueError(f"{len(prompts)} prompts for {count} pictures: give one, or as many as pictures")
    return [[texts] if isinstance(texts, str) else list(texts) for texts in prompts]


def _paint(painter, prompts, seed, **settings):
    """A picture for each prompt, a few at a time."""
    parts = tqdm(range(0, len(prompts), PAINTED), desc="painting the class", leave=False, disable=None)
    return np.concatenate([painter.generate(prompts[i : i + PAINTED], seeds=seed + i, **settings) for i in parts])


def _examples(painter, images, rows, texts):
    """Arrays as `fit` takes them: each picture is encoded once."""
    pixels = images.astype("float32") / 127.5 - 1.0
    name = "image" if painter.autoencoder is None else "latents"
    if painter.autoencoder is not None:
        encoded = [ops.convert_to_numpy(painter.autoencoder.encode(pixels[i : i + 1])) for i in range(len(pixels))]
        pixels = np.concatenate(encoded).astype("float32")
    return {name: pixels[list(rows)], "token_ids": painter.tokenizer.encode(list(texts))}
