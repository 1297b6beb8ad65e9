"""From a source to batches: `load`, and the tf.data pipeline (TensorFlow is imported in it)."""

import contextlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfportrait.data.augmentation import Augmentation, mirrored_captions, mirrored_images, mirrored_labels
from tfportrait.data.catalogue import open_source
from tfportrait.data.order import Order
from tfportrait.data.source import Source

FIELDS = ("image", "caption", "attributes")


def load(
    name_or_path: str | os.PathLike | Mapping[str, float],
    split: str = "train",
    *,
    image_size: int | tuple[int, int],
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
    drop_remainder: bool = False,
    augmentation: Augmentation | Mapping[str, float] | Sequence[str] | None = None,
    **options: Any,
):
    """Loads a data set as batches.

    Args:
        name_or_path: str or path, or a mapping of such to weights. A name, the path of a folder, or a mixture, as
            `open_source` takes them.
        split: str. "train", "validation" or "test".
        image_size: int or (height, width). Pictures are cut and resized to it.
        batch_size: int.
        seed: int. Settles the order and the captions drawn.
        shuffle: bool. A new order and new captions each epoch. Without it every pass is the same.
        drop_remainder: bool. Leave out a last batch that is not full.
        augmentation: `Augmentation`, or what makes one: {"flip": 0.5, "rotation": 0.3} or ["flip", "rotation=0.3"].
            Changes the pictures anew in every epoch; a flip exchanges left and right in attributes and captions too.
            For training only. Defaults to None.
        **options: as in `open_source`.

    Returns: tf.data.Dataset of {"image": float32 (B, H, W, 3) in [-1, 1], "caption": string (B,), "attributes":
        {name: int32 (B,), -1 unknown or hidden}}, one epoch long; each new iteration is the next epoch.

    Raises: ValueError, before any work, if an argument is not as above; or if too many pictures are bad.
    """
    Order(1, batch_size, seed, shuffle, False)  # before anything is rendered
    augmentation = as_augmentation(augmentation)
    source = open_source(name_or_path, split, image_size=image_size, **options)
    return batches(
        source,
        batch_size=batch_size,
        seed=seed,
        shuffle=shuffle,
        drop_remainder=drop_remainder,
        augmentation=augmentation,
    )


def as_augmentation(augmentation: Augmentation | Mapping[str, float] | Sequence[str] | None) -> Augmentation:
    """The augmentation itself, or the one that is described; one that changes nothing for None."""
    return augmentation if isinstance(augmentation, Augmentation) else Augmentation(augmentation or {})


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
    augmentation: Augmentation | Mapping[str, float] | Sequence[str] | None = None,
    share: tuple[int, int] = (0, 1),
):
    """Batches of an opened source, as `load` has them.

    Args:
        source: Source.
        batch_size, seed, shuffle, drop_remainder: as in `load`.
        repeat: bool. Endless: epoch after epoch. `fit` then wants `steps_per_epoch`.
        first_step: int. With `repeat`, the step to begin with: a resumed run sees exactly what it would have seen.
        fields: sequence of str. Which of "image", "caption", "attributes"; what is left out costs nothing.
        augmentation: as in `load`. A function of seed, epoch and example: a resumed run sees the same changes.
        share: (int, int). Which part of each batch, of how many equal ones: what one of several workers reads. Give
            `drop_remainder` then, unless batches fill the epoch.

    Returns: tf.data.Dataset.

    Raises: ValueError if an argument is not as above, or pictures are to be augmented and "image" is not in `fields`.
    """
    tf = import_tensorflow()

    if wrong := [field for field in fields if field not in FIELDS]:
        raise ValueError(f"unknown field {wrong[0]!r}; the fields are {', '.join(FIELDS)}")
    augmentation = as_augmentation(augmentation)
    if augmentation.strengths and "image" not in fields:
        raise ValueError(f'augmentation needs the field "image", got fields={list(fields)}')
    order = Order(len(source), batch_size, seed, shuffle, drop_remainder, share)
    static = order.rows
    sample = source.images(np.zeros(1, np.int64))
    height, width = sample.shape[1:3]
    changes = augmentation.changes(order.seed, 0, np.zeros(1, np.int64), height, width)
    signature = {
        "image": tf.TensorSpec((static, *sample.shape[1:]), tf.uint8),
        "caption": tf.TensorSpec((static,), tf.string),
        "attributes": {name: tf.TensorSpec((static,), tf.int32) for name in source.attributes},
        "changes": {name: tf.TensorSpec((static, *value.shape[1:]), value.dtype) for name, value in changes.items()},
    }

    def fetch(step: int) -> dict[str, Any]:
        epoch, indices = order.batch(step)
        flipped = augmentation.flips(order.seed, epoch, indices)
        made: dict[str, Any] = {"changes": augmentation.changes(order.seed, epoch, indices, height, width)}
        if "image" in fields:
            made["image"] = mirrored_images(source.images(indices), flipped)
        if "caption" in fields:
            texts = mirrored_captions(source.captions(indices, epoch=epoch, seed=order.seed), flipped)
            made["caption"] = np.array([text.encode() for text in texts], object)
        if "attributes" in fields:
            made["attributes"] = mirrored_labels(source.labels(indices), source.attributes, flipped)
        return made

    def finish(batch: dict) -> dict:
        batch = dict(batch)
        changes = batch.pop("changes")
        if "image" in batch:
            batch["image"] = augmentation.apply(tf.cast(batch["image"], tf.float32) / 127.5 - 1.0, changes)
        return batch

    fetched = {field: signature[field] for field in (*fields, "changes")}
    return stream(order, fetch, fetched, finish, repeat, first_step)


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


class Passes:
    """Counts how often a data set has been iterated over: each time is an epoch of its own order.

    Attributes:
        next: int. The epoch that the next iteration is.
    """

    def __init__(self):
        self.next = 0

    def take(self) -> np.int64:
        """The next epoch."""
        self.next += 1
        return np.int64(self.next - 1)


def begin_at(dataset, epoch: int) -> int:
    """Has the next iteration over a data set of this package, or one made of it (`map`, `take`, ...), be that epoch.

    Args:
        dataset: anything. What is no such data set, or was made with `repeat`, is left alone.
        epoch: int, from 0.

    Returns: int. How many data sets of this package it is made of.
    """
    found = 0
    remaining = [dataset]
    while remaining:
        part = remaining.pop()
        if isinstance(passes := getattr(part, "passes", None), Passes):
            passes.next = epoch
            found += 1
        elif callable(inputs := getattr(part, "_inputs", None)):  # of every tf.data.Dataset
            remaining += inputs()
    return found


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
        passes = Passes()
        first = tf.data.Dataset.range(1).map(
            lambda _: tf.ensure_shape(tf.numpy_function(passes.take, [], tf.int64), ())
        )
        steps = first.flat_map(lambda epoch: tf.data.Dataset.range(epoch * order.steps, (epoch + 1) * order.steps))
    dataset = steps.map(call, num_parallel_calls=1, deterministic=True).prefetch(2)
    cardinality = tf.data.INFINITE_CARDINALITY if repeat else order.steps
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(cardinality))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1  # the cores belong to the training step
    dataset = dataset.with_options(options)
    if not repeat:
        dataset.passes = passes
    return dataset
