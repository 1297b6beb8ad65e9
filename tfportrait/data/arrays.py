"""Batches of arrays that are in memory."""

from collections.abc import Mapping

import numpy as np

from tfportrait.data.order import Order
from tfportrait.data.pipeline import import_tensorflow, stream


def endless_batches(groups: list[tuple[Mapping[str, np.ndarray], float]], *, batch_size: int, seed: int = 0):
    """Endless batches in which each group of examples has equally many places, and its own weight in the loss.

    Args:
        groups: list of (arrays, weight). Arrays by their name, of one length; the names and the shapes of an example
            are the same in every group.
        batch_size: int. Examples of each group in a batch.
        seed: int. Settles the order: each group is gone through again and again, shuffled anew.

    Returns: tf.data.Dataset of (batch, no target, sample_weight float32 (B,)), as `fit` takes it, B being `batch_size`
        times the number of groups.
    """
    tf = import_tensorflow()

    counts = [len(next(iter(arrays.values()))) for arrays, _ in groups]
    orders = [Order(count, 1, seed + i, True, False) for i, count in enumerate(counts)]
    names = list(groups[0][0])
    weights = np.repeat(np.float32([weight for _, weight in groups]), batch_size)

    def fetch(step: int) -> dict[str, np.ndarray]:
        parts = []
        for (arrays, _), order in zip(groups, orders, strict=True):
            places = range(step * batch_size, (step + 1) * batch_size)
            rows = np.concatenate([order.batch(place)[1] for place in places])
            parts.append({name: arrays[name][rows] for name in names})
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    signature = {
        name: tf.TensorSpec((len(weights), *array.shape[1:]), array.dtype) for name, array in groups[0][0].items()
    }
    order = Order(len(weights), len(weights), seed, False, False)
    return stream(order, fetch, signature, lambda batch: (batch, None, tf.constant(weights)), True, 0)
