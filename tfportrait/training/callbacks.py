"""Callbacks: a loss that must stay finite, pictures of the progress, lines of it for log files, a profile."""

import importlib.util
import math
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from tfportrait import files


class StopOnNaN(keras.callbacks.Callback):
    """Ends the training with a `FloatingPointError` that names epoch, step and metrics once one is not finite.

    Without loss scaling and with one replica the weights are those before that step; it also names the layer where it
    began (unless `steps_per_execution` is above 1). `Trainable.fit` always uses it.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self._check(logs, f"training, step {batch + 1} of epoch {self._epoch + 1}")

    def on_test_end(self, logs=None):
        self._check(logs, "validation")

    def _check(self, logs, stage):
        broken = [f"{name} is {value}" for name, value in (logs or {}).items() if not np.all(np.isfinite(value))]
        if broken:
            if found := getattr(self.model, "where_not_finite", str)():
                broken[-1] += f": {found}"
            raise FloatingPointError(
                f"{stage}: {', '.join(broken)}. A lower learning rate, global_clipnorm=1.0 or float32 "
                "instead of float16 usually helps"
            )


class Progress(keras.callbacks.Callback):
    """Prints a line now and then, fit for a log file: epoch, step, metrics, images/s, waiting and the remaining time.

    Waiting is the share of the time in which the step has no data yet; it is said from a hundredth on, on TensorFlow
    with one replica. Use it with `fit(..., verbose=0)`. The first step of an epoch, which may compile, is not timed,
    nor is validation.

    Attributes:
        waiting: float or None. That share, since the epoch began; None where it is not known.

    Args:
        batch_size: int. Images in a batch.
        seconds: float. Time between two lines within an epoch; each epoch ends with one. Defaults to 30.
    """

    def __init__(self, batch_size, *, seconds=30.0):
        super().__init__()
        self.batch_size = batch_size
        self.seconds = seconds
        self.waited = 0.0  # seconds, counted by the step
        self.waiting = None

    def set_model(self, model):
        super().set_model(model)
        model._input_clock = self

    def on_train_end(self, logs=None):
        self.model._input_clock = None

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._first = epoch, None

    def on_train_batch_end(self, batch, logs=None):
        if not logs:  # Recovery passes this batch over
            return
        now = time.perf_counter()
        if self._first is None:
            self._first = self._last = batch, now
            self._waited_before = self.waited
            self._printed = now
            return
        self._last = batch, now
        if now - self._printed >= self.seconds:
            self._printed = now
            self._print(f"step {batch + 1}/{self.params.get('steps') or '?'}", batch + 1, logs)

    def on_epoch_end(self, epoch, logs=None):
        self._print("done", self.params.get("steps") or 0, logs or {})

    def _print(self, where, batches, logs):
        epochs, steps = self.params.get("epochs"), self.params.get("steps")
        parts = [f"epoch {self._epoch + 1}/{epochs}", where]
        parts += [f"{name} {float(value):.4g}" for name, value in logs.items()]
        if self._first is not None and self._last[0] > self._first[0]:
            seconds = self._last[1] - self._first[1]
            steps_per_second = (self._last[0] - self._first[0]) / seconds
            parts.append(f"{steps_per_second * self.batch_size:.0f} images/s")
            self.waiting = (self.waited - self._waited_before) / seconds if self.waited else None
            if self.waiting is not None and self.waiting >= 0.01:
                parts.append(f"{self.waiting:.0%} waiting for data")
            if steps and epochs:
                minutes = ((epochs - self._epoch) * steps - batches) / steps_per_second / 60
                parts.append(f"{minutes / 60:.1f} h left" if minutes >= 90 else f"{minutes:.0f} min left")
        print("  ".join(parts), flush=True)


class Profile(keras.callbacks.Callback):
    """Writes a profile of some steps for TensorBoard (with tensorboard-plugin-profile) or Perfetto.

    Args:
        directory: str or path. Where it goes, as `plugins/profile/DATE/*.xplane.pb`. It is created.
        first: int. The first step, counted from 0, after those that compile. Defaults to 5.
        steps: int. How many. Defaults to 10.
    """

    def __init__(self, directory, *, first=5, steps=10):
        super().__init__()
        if first < 0 or steps < 1:
            raise ValueError(f"first is {first} and steps {steps}, but they must be at least 0 and 1")
        self.directory = files.check_writable_folder(directory)
        self.first, self.last = first, first + steps
        self._step = 0
        self._stop = None

    def on_train_batch_begin(self, batch, logs=None):
        if self._step == self.first:
            self._stop = _start_profile(str(self.directory))

    def on_train_batch_end(self, batch, logs=None):
        self._step += 1
        if self._step == self.last:
            self._end()

    def on_train_end(self, logs=None):
        self._end()

    def _end(self):
        if self._stop is not None:
            stop, self._stop = self._stop, None
            stop()
            print(f"the profile is in {self.directory}", flush=True)


def _start_profile(directory):
    if keras.backend.backend() == "jax":
        import jax

        jax.profiler.start_trace(directory)
        return jax.profiler.stop_trace
    import tensorflow as tf

    tf.profiler.experimental.start(directory)
    return tf.profiler.experimental.stop


class _Pictures(keras.callbacks.Callback):
    """Writes a picture at the end of every so many epochs and of the last, and to TensorBoard if asked."""

    name = ""

    def __init__(self, directory, *, every_epochs=1, tensorboard=None):
        super().__init__()
        if every_epochs < 1:
            raise ValueError(f"every_epochs is {every_epochs}, but must be at least 1")
        if tensorboard is not None and importlib.util.find_spec("tensorboard") is None:
            raise ValueError("pictures for TensorBoard need it installed: pip install tensorboard")
        self.directory = files.check_writable_folder(directory)
        self.every_epochs = every_epochs
        self.tensorboard = tensorboard
        self._writer = None

    def picture(self):
        """uint8 (H, W, 3)."""
        raise NotImplementedError

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every_epochs and epoch + 1 != self.params.get("epochs"):
            return
        picture = self.picture()
        with files.atomic_write(self.directory / f"{self.name}-{epoch + 1:04d}.png") as file:
            Image.fromarray(picture).save(file, "png")
        if self.tensorboard is not None:
            import tensorflow as tf

            self._writer = self._writer or tf.summary.create_file_writer(str(Path(self.tensorboard) / self.name))
            with self._writer.as_default():
                tf.summary.image(self.name, picture[None], step=epoch + 1)
            self._writer.flush()


class SampleGrid(_Pictures):
    """A grid of `model.generate(...)` at the end of an epoch, from the same seeds each time: `samples-0001.png`, ...

    Args:
        directory: str or path. Where the pictures go. It is created.
        columns: int or None. Images in a row; by default the grid is about square.
        every_epochs: int. Defaults to 1.
        tensorboard: str, path or None. Log folder; the pictures are written there too (beside
            `keras.callbacks.TensorBoard`, which writes the curves).
        **generate: the arguments of `model.generate`: `prompts`, `seeds`, `num_steps`, ...
    """

    name = "samples"

    def __init__(self, directory, *, columns=None, every_epochs=1, tensorboard=None, **generate):
        super().__init__(directory, every_epochs=every_epochs, tensorboard=tensorboard)
        self.columns = columns
        self.generate = generate

    def picture(self):
        return tile(self.model.generate(**self.generate), self.columns)


class ReconstructionStrip(_Pictures):
    """Images above what `model.reconstruct(images)` makes of them: `reconstructions-0001.png`, ...

    Args:
        directory: str or path. Where the pictures go. It is created.
        images: uint8 (N, H, W, 3) or float (N, H, W, 3) in [-1, 1]. Handed to `reconstruct` as they are.
        every_epochs: int. Defaults to 1.
        tensorboard: str, path or None. Log folder; the pictures are written there too.
    """

    name = "reconstructions"

    def __init__(self, directory, images, *, every_epochs=1, tensorboard=None):
        super().__init__(directory, every_epochs=every_epochs, tensorboard=tensorboard)
        self.images = np.asarray(images)

    def picture(self):
        reconstructed = _uint8(keras.ops.convert_to_numpy(self.model.reconstruct(self.images)))
        return tile(np.concatenate([_uint8(self.images), reconstructed]), len(self.images))


def tile(images, columns=None):
    """Images uint8 (N, H, W, 3) as one picture uint8 (rows * H, columns * W, 3); missing ones are white."""
    images = np.asarray(images)
    columns = columns or math.ceil(math.sqrt(len(images)))
    rows = -(-len(images) // columns)
    blank = np.full((rows * columns - len(images), *images.shape[1:]), 255, np.uint8)
    grid = np.concatenate([images, blank]).reshape(rows, columns, *images.shape[1:])
    return grid.swapaxes(1, 2).reshape(rows * images.shape[1], columns * images.shape[2], images.shape[3])


def _uint8(images):
    if images.dtype == np.uint8:
        return images
    return np.clip(np.round((images.astype(np.float32) + 1) * 127.5), 0, 255).astype(np.uint8)
