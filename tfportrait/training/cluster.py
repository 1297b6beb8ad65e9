"""Several devices: which of TensorFlow's strategies trains here, and which worker this process is."""

import contextlib
import json
import os
import re
import sys

import keras

CONFIG = "TF_CONFIG"


def strategy(workers=None, index=None):
    """The `tf.distribute.Strategy` for the devices at hand. Models are made and trained within its `scope()`.

        with training.strategy("10.0.0.1:2222,10.0.0.2:2222", index=0).scope():
            model = tp.VAE()
            model.compile("adamw")
        model.fit(data, epochs=10)      # the same script on the other machine, with index=1

    Several workers are `MultiWorkerMirroredStrategy`, several GPUs of one machine `MirroredStrategy`, and one device
    is TensorFlow's default. Batches are those of all workers together: each gets its share of rows. To be called before
    TensorFlow computes anything.

    Args:
        workers: str with commas, list of str, or None. "host:port" of every worker, the same list on all of them.
            Defaults to None: those of the environment variable TF_CONFIG, if it is set; else one worker.
        index: int or None. Which of them this process is, from 0. Worker 0 alone writes files.

    Returns: tf.distribute.Strategy.

    Raises: ValueError for lists that are none, an index beyond them, or another backend than TensorFlow.
    """
    workers = _checked(workers, index)
    if keras.backend.backend() != "tensorflow":
        if workers or os.environ.get(CONFIG):
            raise ValueError("several workers are trained by TensorFlow: set KERAS_BACKEND=tensorflow")
        return _NoStrategy()
    import tensorflow as tf

    if workers:
        os.environ[CONFIG] = json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}})
    named, own = _environment()
    if len(named) > 1:
        print(f"{own} of {len(named)}: waiting until all are there: {', '.join(named)}", file=sys.stderr, flush=True)
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def worker_count(strategy):
    """How many processes train together, 1 for a strategy of one machine."""
    resolver = getattr(strategy, "cluster_resolver", None)
    spec = resolver.cluster_spec().as_dict() if resolver is not None else {}
    return max(sum(len(tasks) for tasks in spec.values()), 1)


def current():
    """The strategy whose scope this is, TensorFlow's default outside of any; None on other backends."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    return tf.distribute.get_strategy()


def is_chief(strategy=None):
    """Whether this process writes the files: it is the only one, or worker 0.

    Args:
        strategy: tf.distribute.Strategy or None. Defaults to None: the one whose scope this is.
    """
    strategy = strategy or current()
    if worker_count(strategy) == 1:
        return True
    resolver = strategy.cluster_resolver
    return resolver.task_type == "chief" or (resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs)


def barrier():
    """Waits until all workers are here."""
    if worker_count(strategy := current()) > 1:
        with naming_lost_workers(strategy):
            all_equal(strategy, 0)


class _NoStrategy:
    """What JAX has in the place of TensorFlow's strategies."""

    scope = staticmethod(contextlib.nullcontext)


class WorkerLostError(RuntimeError):
    """Another worker has ended, or does not answer."""


@contextlib.contextmanager
def naming_lost_workers(strategy):
    """Within it a worker that is gone is a `WorkerLostError` in one line, where TensorFlow fills pages."""
    if worker_count(strategy) == 1:
        yield
        return
    import tensorflow as tf

    gone = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.DeadlineExceededError,
        tf.errors.InternalError,
    )
    try:
        yield
    except gone as error:
        named = strategy.cluster_resolver.cluster_spec().as_dict()
        found = sorted(set(re.findall(r"/job:(\w+)/(?:replica:\d+/)?task:(\d+)", str(error))))
        own = (strategy.cluster_resolver.task_type, str(strategy.cluster_resolver.task_id))
        others = [f"{job} {task} ({named[job][int(task)]})" for job, task in found if (job, task) != own]
        raise WorkerLostError(
            f"{' and '.join(others) or 'another worker'} has ended or does not answer. Start all workers again: the "
            "training goes on from its newest saved state"
        ) from error


def all_equal(strategy, number):
    """Whether all workers have the same whole number; every one of them has to ask."""
    import tensorflow as tf

    def exchange():
        context, value = tf.distribute.get_replica_context(), tf.constant(number, tf.float64)
        total, squares = context.all_reduce(tf.distribute.ReduceOp.SUM, [value, value**2])
        return context.num_replicas_in_sync * squares - total**2  # 0 only for equal ones

    return not strategy.experimental_local_results(strategy.run(tf.function(exchange)))[0].numpy()


def _checked(workers, index):
    if workers is None:
        if index is not None:
            raise ValueError("an index needs the list of workers: host:port,host:port")
        return []
    workers = [name.strip() for name in workers.split(",")] if isinstance(workers, str) else list(workers)
    for name in workers:
        host, _, port = name.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise ValueError(f"a worker is host:port, such as 10.0.0.1:2222, got {name!r}")
    if twice := next((name for name in workers if workers.count(name) > 1), None):
        raise ValueError(f"the worker {twice} is named twice")
    if index is None or not 0 <= index < len(workers):
        raise ValueError(f"index must be which of the {len(workers)} workers this is, from 0, got {index}")
    return workers


def _environment():
    given = os.environ.get(CONFIG, "{}")
    try:
        config = json.loads(given)
        named = [address for tasks in config.get("cluster", {}).values() for address in tasks]
        task = config.get("task", {})
        return named, f"{task.get('type')} {task.get('index')}"
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"the environment variable {CONFIG} is no description of a cluster: {given!r}") from error
