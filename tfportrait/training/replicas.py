"""A batch that several replicas share: random numbers and means as one device would have them for the whole batch.

TensorFlow gives each replica (a GPU, or a process of several) its own rows of the batch, but all replicas the same
random numbers and no view of the others. What is here draws for the whole batch, so that random numbers belong to a
step and a row of it, and hands out the replica's own rows: n replicas then learn what one device learns. Without
replicas, and on JAX, which sees the whole batch, all is as in `keras.random` and `keras.ops`.

Every replica must have the same number of rows (`drop_remainder=True`).
"""

import contextlib
import contextvars

import keras
from keras import ops

_alone = contextvars.ContextVar("alone", default=False)


def normal(shape, seed):
    """`keras.random.normal` for the replica's rows, float32 `shape`, whose first axis is the batch."""
    return _own_rows(keras.random.normal, shape, seed=seed)


def uniform(shape, minval=0.0, maxval=1.0, *, seed):
    """`keras.random.uniform` for the replica's rows, float32 `shape`, whose first axis is the batch."""
    return _own_rows(keras.random.uniform, shape, minval, maxval, seed=seed)


def randint(shape, minval, maxval, *, seed):
    """`keras.random.randint` for the replica's rows, int32 `shape`, whose first axis is the batch."""
    return _own_rows(keras.random.randint, shape, minval, maxval, seed=seed)


def stratified(size, seed):
    """Numbers that divide [0, 1) evenly over the whole batch, with one shift for all, float32 (size,)."""
    jitter = keras.random.uniform((), seed=seed)
    return (ops.cast(rows(size), "float32") + jitter) / ops.cast(size * _replica()[1], "float32")


def rows(size):
    """Which rows of the whole batch the replica has, int32 (size,)."""
    return ops.arange(size, dtype="int32") + size * _replica()[0]


def mean(value):
    """The mean over all replicas; gradients pass through the replica's own share alone.

    Since gradients are summed over replicas, each with 1 / replicas of its loss, that is the gradient of the whole
    batch's. Inside XLA, which cannot hold the exchange, it is the replica's own value.
    """
    if not exchanging():
        return value
    import tensorflow as tf

    everywhere = _context().all_reduce(tf.distribute.ReduceOp.MEAN, tf.stop_gradient(value))
    return value + tf.stop_gradient(everywhere - value)


def exchanging():
    """bool: whether there are several replicas here, and they can exchange numbers."""
    return _replica()[1] > 1 and not _alone.get()


@contextlib.contextmanager
def alone():
    """Within it replicas exchange nothing, and `mean` is the replica's own: for code that XLA compiles."""
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def _own_rows(draw, shape, *limits, seed):
    index, count = _replica()
    if count == 1:
        return draw(shape, *limits, seed=seed)
    size = shape[0]
    return draw((size * count, *shape[1:]), *limits, seed=seed)[index * size : (index + 1) * size]


def _replica():
    """(the replica's number, how many there are)."""
    context = _context()
    return (0, 1) if context is None else (context.replica_id_in_sync_group, context.num_replicas_in_sync)


def _context():
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    return tf.distribute.get_replica_context()  # None between replicas, where the whole batch is
