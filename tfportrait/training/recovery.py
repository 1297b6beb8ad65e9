"""Recovery: training that is stopped at any moment goes on from its last saved state."""

import contextlib
import errno
import hashlib
import json
import signal
import threading
import time
import warnings
from pathlib import Path

import keras
import numpy as np
import safetensors
import safetensors.numpy

from tfportrait import files
from tfportrait.training import cluster

METRICS = "metrics/"  # names of their variables begin so
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, safetensors.SafetensorError)  # what reading raises
FORMAT = 1  # of the files; a newer one is not read


class Recovery(keras.callbacks.Callback):
    """Saves the whole state of the training, and goes on from the newest intact one when `fit` is called again.

        model.fit(data, epochs=40, callbacks=[Recovery("runs/portrait")])    # the same line starts and continues

    The state: all weights, their averages, optimizer, loss scale, random seeds, the epoch's metrics, epoch and step.
    `epochs` of `fit` is the total, over all continuations. A data set of `tfportrait.data` begins with the interrupted
    epoch; the batches of it that were trained on are read and passed over. A training that was killed, however often,
    ends with the same bits as one that was not, as far as the device computes the same sum twice. A file is written
    beside, flushed to the disk, and renamed; its checksum is verified before it is used, and a damaged file is passed
    over with a warning. SIGTERM and Ctrl-C let the running step finish, save, and end the training: SIGTERM with exit
    code 143. Only one training at a time can have the directory. Of several workers the first one saves, and all of
    them go on from what it saved, so that the directory must be one that they all see.

    Args:
        directory: str or path. Folder of the state files, one model's alone. It is created.
        every_minutes: float or None. Save after so many minutes. Defaults to 10.
        every_steps: int or None. Save after so many steps. Defaults to None.
        keep: int. How many files are kept, the newest. Defaults to 2.
        data: dict of str to str, or None. What the data are, such as {"pictures": source.fingerprint}: kept in the
            state, and training does not go on with others.

    Raises: ValueError for arguments out of range, and in `fit` if another training has the directory, or the state is
        another model's, of other data, or of a newer version.
    """

    FILES = "state-*.safetensors"

    def __init__(self, directory, *, every_minutes=10.0, every_steps=None, keep=2, data=None):
        super().__init__()
        for name, value in (("every_minutes", every_minutes), ("every_steps", every_steps), ("keep", keep)):
            if value is not None and value <= 0:
                raise ValueError(f"{name} is {value}, but must be above 0")
        self.directory = Path(directory).expanduser()
        self.every_minutes = every_minutes
        self.every_steps = every_steps
        self.keep = keep
        self.data = dict(data or {})
        self.dataset = None  # `Trainable.fit` says what it trains on
        self.restored = None  # the file that the training went on from
        self._held = contextlib.ExitStack()  # the directory's lock
        self._saves, self._several = True, False  # which of several workers this is
        self._metrics = {}  # of the interrupted epoch, until it begins again
        self._signal = None
        self._handlers = {}
        self._train_function = None  # the model's own, while batches are passed over

    def on_train_begin(self, logs=None):
        files.check_writable_folder(self.directory)
        if not self.model.optimizer.built:
            raise ValueError("Recovery needs a model whose weights exist: call the model once before fit")
        strategy = self.model.distribute_strategy if keras.backend.backend() == "tensorflow" else None
        self._several = cluster.worker_count(strategy) > 1
        self._saves = cluster.is_chief(strategy)
        if self._saves:
            self._held.enter_context(files.locked(self.directory, "training"))
            for half_written in self.directory.glob(f".{self.FILES}.*.tmp"):
                half_written.unlink()
        self._steps = 0  # in all, over all continuations
        self._position = (0, 0)  # epoch, steps of it that are done
        self._restore()
        if self._several and not cluster.all_equal(strategy, self._steps):
            raise ValueError(
                f"the workers do not find the same state in {self.directory} (step {self._steps} here): it must be "
                "one directory that all of them see"
            )
        self._mark_saved()
        self.model._initial_epoch = self._position[0]
        if hasattr(self.dataset, "element_spec"):
            from tfportrait.data import begin_at

            begin_at(self.dataset, self._position[0])
        if self._position[1]:
            self._skip(self._position[1])
        self._catch_signals()

    def on_epoch_begin(self, epoch, logs=None):
        self.model._initial_epoch = None  # read by now, and not meant for the next fit
        self._epoch = epoch
        metrics, self._metrics = self._metrics, {}
        for name, variable in self._metrics_variables().items() if metrics else ():
            if name in metrics and tuple(metrics[name].shape) == tuple(variable.shape):
                variable.assign(metrics[name])

    def on_train_batch_end(self, batch, logs=None):
        if self._train_function is not None:  # a batch passed over
            return
        self._steps += batch + 1 - self._position[1] if self._position[0] == self._epoch else batch + 1
        self._position = (self._epoch, batch + 1)
        minutes = (time.monotonic() - self._saved_at) / 60
        due = self.every_minutes is not None and minutes >= self.every_minutes
        due = due or (self.every_steps is not None and self._steps - self._saved[0] >= self.every_steps)
        if due or self._signal is not None:
            self.save()
        self._exit_on_signal()

    def on_epoch_end(self, epoch, logs=None):
        self._position = (epoch + 1, 0)
        if self._signal is not None:
            self.save()
        self._exit_on_signal()

    def on_train_end(self, logs=None):
        self.model._initial_epoch = None
        if (self._steps, self._position) != self._saved:
            self.save()
        self.release()

    def peek(self):
        """Epochs that the newest intact state has done: where `fit` will go on, and so where its data must begin."""
        for path in self._files():
            with contextlib.suppress(*DAMAGED):
                return _read(path)[0]["epoch"]
        return 0

    def save(self):
        """Writes the state now. If the disk is full, warns and leaves the older files alone."""
        epoch, step = self._position
        if not self._saves:
            self._mark_saved()
            return
        path = self._path()
        variables = self._variables() | (self._metrics_variables() if step else {})
        tensors = {name: np.array(keras.ops.convert_to_numpy(v), order="C") for name, v in variables.items()}
        state = {"format": FORMAT, "epoch": epoch, "step_in_epoch": step, "steps": self._steps, "data": self.data}
        state["checksum"] = _checksum(tensors, state)
        try:
            with files.atomic_write(path) as file:
                file.write(safetensors.numpy.save(tensors, metadata={"tfportrait": json.dumps(state)}))
        except OSError as error:
            reason = "no space left on the disk" if error.errno == errno.ENOSPC else error.strerror or error
            warnings.warn(f"could not save {path}: {reason}. Training goes on; {self._newest()}", stacklevel=2)
        else:
            for old in self._files()[self.keep :]:
                old.unlink()
        self._mark_saved()

    def _mark_saved(self):
        self._saved_at, self._saved = time.monotonic(), (self._steps, self._position)

    def _variables(self):
        model = self.model  # on JAX this brings its variables up to date with the loop, so it is not for every batch
        return {
            **{f"model/{index:05d}": variable for index, variable in enumerate(model.variables)},
            **{f"optimizer/{index:05d}": variable for index, variable in enumerate(model.optimizer.variables)},
        }

    def _metrics_variables(self):
        # Several workers hold a part of each, which one alone cannot read: their metrics begin anew.
        variables = [] if self._several else self.model.metrics_variables
        return {f"{METRICS}{index:05d}": variable for index, variable in enumerate(variables)}

    def _path(self):
        return self.directory / f"state-{self._steps:010d}.safetensors"

    def _files(self):
        return sorted(self.directory.glob(self.FILES), reverse=True)

    def _restore(self):
        for path in self._files():
            try:
                state, tensors = _read(path)
            except NewerState:
                raise
            except DAMAGED as error:
                warnings.warn(f"{path} is damaged ({error}); the one before it is used", stacklevel=2)
                continue
            self._metrics = {name: tensors.pop(name) for name in list(tensors) if name.startswith(METRICS)}
            variables = self._variables()
            _check_same(path, variables, tensors)
            self._check_data(path, state.get("data", {}))
            for name, variable in variables.items():
                variable.assign(tensors[name])
            self._steps = state["steps"]
            self._position = (state["epoch"], state["step_in_epoch"])
            self.restored = path
            print(f"going on from {path}: epoch {state['epoch'] + 1}, step {state['steps']}", flush=True)
            return

    def _check_data(self, path, data):
        for name in sorted({*data, *self.data}):
            before, now = data.get(name), self.data.get(name)
            if before != now and data:  # a state without any was written before they were given
                raise ValueError(
                    f"{path} was trained on other data: {name} was {before}, and is {now}. Give the data that it was "
                    f"trained on, or use another directory, or delete the files in {path.parent}"
                )

    def _skip(self, count):
        """Has the next `count` batches read and not trained on."""
        model = self.model
        train_function = self._train_function = model.train_function
        remaining = count

        def step(*arguments):  # (iterator) on TensorFlow, (state, iterator) on JAX
            nonlocal remaining
            if not remaining:
                model.train_function, self._train_function = train_function, None
                return train_function(*arguments)
            for _ in range(min(remaining, model.steps_per_execution)):
                next(iter(arguments[-1]))
                remaining -= 1
            return {} if len(arguments) == 1 else ({}, arguments[0])

        model.train_function = step

    def release(self):
        """Gives signals and the model's step back; `Trainable.fit` does it at its end, whatever that is."""
        if self._train_function is not None:
            self.model.train_function, self._train_function = self._train_function, None
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}
        self._held.close()

    def _catch_signals(self):
        if threading.current_thread() is threading.main_thread():  # only it may
            for number in (signal.SIGTERM, signal.SIGINT):
                self._handlers[number] = signal.signal(number, self._on_signal)

    def _on_signal(self, number, frame):
        if self._signal == signal.SIGINT == number:  # Ctrl-C twice: now
            raise KeyboardInterrupt
        self._signal = number

    def _exit_on_signal(self):
        if self._signal is None:
            return
        number, self._signal = self._signal, None
        self.release()
        print(f"stopped by {signal.Signals(number).name}; {self._where_saved()}", flush=True)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    def _where_saved(self):
        if not self._saves:
            return "the first worker saves the state"
        if self._path().exists():
            return f"the state is saved in {self.directory}"
        return f"its state could not be saved; {self._newest()}"

    def _newest(self):
        newest = next(iter(self._files()), None)
        return f"the newest saved state is {newest}" if newest else "nothing is saved yet"


class NewerState(ValueError):
    """A file that a later version has written."""


def _read(path):
    """(state, tensors) of a file; raises one of `DAMAGED` if anything in it is not as it was written."""
    with safetensors.safe_open(path, "np") as file:
        state = json.loads((file.metadata() or {})["tfportrait"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if state.pop("checksum") != _checksum(tensors, state):  # the same in every format
        raise ValueError("its checksum differs")
    if state["format"] > FORMAT:
        raise NewerState(
            f"{path} was written by a newer tfportrait (format {state['format']}, this one reads up to {FORMAT}): "
            "update it, or use another directory"
        )
    return state, tensors


def _checksum(tensors, state):
    digest = hashlib.sha256(json.dumps(state, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tensors[name].shape}".encode())
        digest.update(np.ascontiguousarray(tensors[name]).reshape(-1).view(np.uint8))
    return digest.hexdigest()


def _check_same(path, variables, tensors):
    for name, variable in variables.items():
        if name not in tensors or tuple(tensors[name].shape) != tuple(variable.shape):
            found = f"has shape {tensors[name].shape}" if name in tensors else "is missing"
            raise ValueError(
                f"{path} is the state of another model or optimizer: {variable.path} with shape "
                f"{tuple(variable.shape)} {found} there. Use another directory, or delete the files in this one"
            )
    if len(tensors) != len(variables):
        raise ValueError(
            f"{path} is the state of another model or optimizer: it has {len(tensors)} variables, "
            f"this one {len(variables)}. Use another directory, or delete the files in this one"
        )
