"""From a source to batches: the table of sources, `load`, and the tf.data pipeline (TensorFlow is imported in it)."""

import contextlib
import difflib
import importlib
import itertools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfportrait.data.order import Order
from tfportrait.data.source import Source

# name -> "module:class", called with (split, image_size=, count=, ...). A path is an image folder.
SOURCES = {"portrait_world": "tfportrait.data.portrait_world:PortraitWorld"}
FIELDS = ("image", "caption", "attributes")


def open_source(name_or_path: str | os.PathLike, split: str = "train", *, image_size: int, **options: Any) -> Source:
    """Opens a data set with random access, without TensorFlow.

    Args:
        name_or_path: str or path. A name in `SOURCES`, or the path of an image folder.
        split: str. "train", "validation" or "test".
        image_size: int or (height, width).
        **options: `count` (take only so many examples) and others of the source.

    Returns: Source.

    Raises: ValueError if there is no such source or split, or its pictures are too many of them bad.
    """
    if str(name_or_path) in SOURCES:
        module, _, name = SOURCES[str(name_or_path)].partition(":")
        return getattr(importlib.import_module(module), name)(split, image_size=image_size, **options)
    if not Path(name_or_path).expanduser().is_dir():
        near = difflib.get_close_matches(str(name_or_path), SOURCES, 1, 0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(
            f"no data set or folder {str(name_or_path)!r}; {hint}data sets: {', '.join(SOURCES)}, or the path of an "
            "image folder"
        )
    from tfportrait.data.folder import ImageFolder

    return ImageFolder(name_or_path, split, image_size=image_size, **options)


def load(
    name_or_path: str | os.PathLike,
    split: str = "train",
    *,
    image_size: int | tuple[int, int],
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
    drop_remainder: bool = False,
    **options: Any,
):
    """Loads a data set as batches.

    Args:
        name_or_path: str or path. "portrait_world", or the path of an image folder (`ImageFolder` has the layouts).
        split: str. "train", "validation" or "test".
        image_size: int or (height, width). Pictures are cut in the middle and resized to it.
        batch_size: int.
        seed: int. Settles the order and the captions drawn.
        shuffle: bool. A new order and new captions each epoch. Without it every pass is the same.
        drop_remainder: bool. Leave out a last batch that is not full.
        **options: `count` (take only so many examples), `progress` (a bar while the cache is filled, default True),
            `max_bad_fraction` (image folders, default 0.05), `workers` (the world: rendering processes).

    Returns: tf.data.Dataset of {"image": float32 (B, H, W, 3) in [-1, 1], "caption": string (B,), "attributes":
        {name: int32 (B,), -1 unknown or hidden}}, one epoch long; each new iteration is the next epoch.

    Raises: ValueError, before any work, if an argument is not as above; or if too many pictures are bad.
    """
    Order(1, batch_size, seed, shuffle, False)  # before anything is rendered
    source = open_source(name_or_path, split, image_size=image_size, **options)
    return batches(source, batch_size=batch_size, seed=seed, shuffle=shuffle, drop_remainder=drop_remainder)


def import_tensorflow():
    """TensorFlow for its data pipelines; where JAX computes, it is kept off the graphics card, whose memory it would
    take."""
    import tensorflow as tf

    keras = sys.modules.get("keras")
    if keras is not None and keras.backend.backend() != "tensorflow":
        with contextlib.suppress(RuntimeError):  # it has started already
            tf.config.set_visible_devices([], "GPU")
    return tf


def batches(
    source: Source,
    *,
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
    drop_remainder: bool = False,
    repeat: bool = False,
    first_step: int = 0,
    fields: Sequence[str] = FIELDS,
):
    """Batches of an opened source, as `load` has them.

    Args:
        source: Source.
        batch_size, seed, shuffle, drop_remainder: as in `load`.
        repeat: bool. Endless: epoch after epoch. `fit` then wants `steps_per_epoch`.
        first_step: int. With `repeat`, the step to begin with: a resumed run sees exactly what it would have seen.
        fields: sequence of str. Which of "image", "caption", "attributes"; what is left out costs nothing.

    Returns: tf.data.Dataset.
    """
    tf = import_tensorflow()

    if wrong := [field for field in fields if field not in FIELDS]:
        raise ValueError(f"unknown field {wrong[0]!r}; the fields are {', '.join(FIELDS)}")
    order = Order(len(source), batch_size, seed, shuffle, drop_remainder)
    static = order.batch_size if drop_remainder or len(source) % order.batch_size == 0 else None
    sample = source.images(np.zeros(1, np.int64))
    signature = {
        "image": tf.TensorSpec((static, *sample.shape[1:]), tf.uint8),
        "caption": tf.TensorSpec((static,), tf.string),
        "attributes": {name: tf.TensorSpec((static,), tf.int32) for name in source.attributes},
    }

    def fetch(step: int) -> dict[str, Any]:
        epoch, indices = order.batch(step)
        made = {}
        if "image" in fields:
            made["image"] = source.images(indices)
        if "caption" in fields:
            texts = source.captions(indices, epoch=epoch, seed=order.seed)
            made["caption"] = np.array([text.encode() for text in texts], object)
        if "attributes" in fields:
            made["attributes"] = source.labels(indices)
        return made

    def finish(batch: dict) -> dict:
        if "image" in batch:
            batch = {**batch, "image": tf.cast(batch["image"], tf.float32) / 127.5 - 1.0}
        return batch

    return stream(order, fetch, {field: signature[field] for field in fields}, finish, repeat, first_step)


def preprocess(dataset, tokenizer=None):
    """Makes a data set numeric, as `fit` wants it: captions become token ids, attributes are left out.

    Args:
        dataset: tf.data.Dataset of dicts with "image" or "latents", and "caption" (string (B,)) or "token_ids".
        tokenizer: has `encode(list of str) -> int32 (B, L)`. Defaults to None: an unconditional model, no text.

    Returns: tf.data.Dataset of {"image" or "latents", "token_ids": int32 (B, L)}; no "token_ids" without a tokenizer.

    Raises: ValueError if the elements have no picture, or no text though there is a tokenizer.
    """
    tf = import_tensorflow()

    spec = dataset.element_spec
    names = list(spec) if isinstance(spec, dict) else []
    picture = next((name for name in ("latents", "image") if name in names), None)
    text = next((name for name in ("token_ids", "caption") if name in names), None)
    if picture is None or (tokenizer is not None and text is None):
        wanted = '"image" or "latents"' + (', and "caption" or "token_ids"' if tokenizer is not None else "")
        raise ValueError(f"the data set must have dicts with {wanted}; its elements have {names or spec}")

    def encode(captions):
        return tokenizer.encode([caption.decode() for caption in captions]).astype(np.int32)

    length = tokenizer.encode([""]).shape[-1] if tokenizer is not None else 0

    def convert(batch):
        made = {picture: batch[picture]}
        if tokenizer is not None and text == "token_ids":
            made["token_ids"] = batch["token_ids"]
        elif tokenizer is not None:
            ids = tf.numpy_function(encode, [batch["caption"]], tf.int32, stateful=False)
            made["token_ids"] = tf.ensure_shape(ids, (batch["caption"].shape[0], length))
        return made

    return dataset.map(convert)


def stream(order: Order, fetch: Callable, signature: dict, finish: Callable, repeat: bool, first_step: int):
    """A tf.data.Dataset whose element is `finish(fetch(step))`: numpy in one thread, one step ahead of training.

    Args:
        order: Order. How many steps an epoch has.
        fetch: callable. Step (int) -> nested dict of numpy arrays; a pure function.
        signature: nested dict of tf.TensorSpec that `fetch` fulfils.
        finish: callable. Traced: nested dict of tensors -> nested dict of tensors.
        repeat, first_step: as in `batches`.
    """
    tf = import_tensorflow()

    if first_step and not repeat:
        raise ValueError("first_step needs repeat=True: without it each iteration is one whole epoch")
    if first_step < 0:
        raise ValueError(f"first_step must be at least 0, got {first_step!r}")
    specs = tf.nest.flatten(signature)

    def call(step):
        flat = tf.numpy_function(
            lambda number: tf.nest.flatten(fetch(int(number))), [step], [spec.dtype for spec in specs]
        )
        for tensor, spec in zip(flat, specs, strict=True):
            tensor.set_shape(spec.shape)
        return finish(tf.nest.pack_sequence_as(signature, flat))

    if repeat:
        steps = tf.data.Dataset.range(first_step, 2**62)
    else:
        passes = itertools.count()

        def next_pass():
            return np.int64(next(passes))

        first = tf.data.Dataset.range(1).map(lambda _: tf.ensure_shape(tf.numpy_function(next_pass, [], tf.int64), ()))
        steps = first.flat_map(lambda epoch: tf.data.Dataset.range(epoch * order.steps, (epoch + 1) * order.steps))
    dataset = steps.map(call, num_parallel_calls=1, deterministic=True).prefetch(2)
    cardinality = tf.data.INFINITE_CARDINALITY if repeat else order.steps
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(cardinality))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1  # the cores belong to the training step
    return dataset.with_options(options)
