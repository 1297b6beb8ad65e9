"""Stopped at any moment, training goes on from its last intact state."""

import errno
import shutil
import signal
import time

import keras
import numpy as np
import pytest
from processes import start
from tiny import images, tiny

from tfportrait import files, training

LONG = """
import keras, time
from tiny import images, tiny
from tfportrait import training

class Slow(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.02)

model = tiny()
model.compile(training.AdamW(1e-2, ema_decay=0.9))
recovery = training.Recovery({directory!r}, every_steps={every_steps})
model.fit(images(64), batch_size=4, epochs=1000, shuffle=False, verbose=0, callbacks=[recovery, Slow()])
"""


class Stop(keras.callbacks.Callback):
    """Fails after so many batches, as a crash would."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, batch, logs=None):
        self.batches -= 1
        if not self.batches:
            raise RuntimeError("crash")


def fit(directory, *callbacks, epochs=3, recovery=None, **kwargs):
    """Trains a new model of 8 steps an epoch; returns it and the recovery."""
    model = tiny()
    model.compile(training.AdamW(1e-2, ema_decay=0.9), **kwargs)
    recovery = recovery or training.Recovery(directory, every_steps=1)
    model.history_ = model.fit(
        images(32), batch_size=4, epochs=epochs, shuffle=False, verbose=0, callbacks=[recovery, *callbacks]
    ).history
    return model, recovery


def state(model):
    return [v.numpy() for v in model.variables] + [v.numpy() for v in model.optimizer.variables]


def assert_same(model, other):
    for a, b in zip(state(model), state(other), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize("batches", [3, 8, 13])  # within the first epoch, at its end, within the second
def test_continued_equals_uninterrupted(tmp_path, batches):
    uninterrupted, _ = fit(tmp_path / "whole")
    with pytest.raises(RuntimeError, match="crash"):
        fit(tmp_path / "crashed", Stop(batches))
    continued, recovery = fit(tmp_path / "crashed")
    assert recovery.restored.name == f"state-{batches:010d}.safetensors"
    assert int(continued.optimizer.iterations.numpy()) == 24
    assert len(continued.history_["loss"]) == 3 - batches // 8
    assert_same(continued, uninterrupted)


def test_signals_and_step_are_given_back_after_an_error(tmp_path):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    for batches in (3, 1):  # the second crash is in a batch that is passed over
        with pytest.raises(RuntimeError, match="crash"):
            fit(tmp_path, Stop(batches))
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    model, stop = tiny(), Stop(1)
    model.compile(training.AdamW(1e-2, ema_decay=0.9))
    with pytest.raises(RuntimeError, match="crash"):
        model.fit(images(32), batch_size=4, verbose=0, callbacks=[training.Recovery(tmp_path), stop])
    model.fit(images(32), batch_size=4, verbose=0)
    assert int(model.optimizer.iterations.numpy()) == 3 + 8


def test_ctrl_c_saves(tmp_path):
    class Press(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 5:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, Press(), recovery=training.Recovery(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["state-0000000006.safetensors"]


def test_finished_training_is_not_repeated(tmp_path):
    model, _ = fit(tmp_path)
    again, recovery = fit(tmp_path)
    assert recovery.restored is not None and again.history_ == {}
    assert_same(again, model)
    more, _ = fit(tmp_path, epochs=4)
    assert len(more.history_["loss"]) == 1 and int(more.optimizer.iterations.numpy()) == 32
    last, _ = fit(tmp_path, epochs=4)  # a continued training is finished too
    assert last.history_ == {}
    # a later fit of the same model without recovery begins at its first epoch
    assert len(more.fit(images(8), batch_size=4, epochs=2, verbose=0).history["loss"]) == 2


def test_loss_scale_is_restored(tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model, _ = fit(tmp_path, epochs=1)
        scale = model.optimizer.dynamic_scale
        scale.assign(123.0)
        recovery = training.Recovery(tmp_path)
        recovery.set_model(model)
        recovery._position, recovery._steps = (1, 0), 9
        recovery.save()
        again, _ = fit(tmp_path, epochs=1)
        assert float(again.optimizer.dynamic_scale.numpy()) == 123.0
    finally:
        keras.config.set_dtype_policy(before)


def test_damaged_files_are_passed_over(tmp_path):
    with pytest.raises(RuntimeError):
        fit(tmp_path, Stop(5))
    newest, older = sorted(tmp_path.glob("state-*"), reverse=True)  # keep=2
    damaged = bytearray(newest.read_bytes())
    damaged[-3] ^= 1
    newest.write_bytes(damaged)
    with pytest.warns(UserWarning, match=f"{newest.name} is damaged .its checksum differs"):
        _, recovery = fit(tmp_path, epochs=1)
    assert recovery.restored == older


def test_truncated_files_are_passed_over(tmp_path):
    with pytest.raises(RuntimeError):
        fit(tmp_path, Stop(5))
    for path in tmp_path.glob("state-*"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.warns(UserWarning, match="is damaged"):
        _, recovery = fit(tmp_path, epochs=1)
    assert recovery.restored is None


def test_full_disk_leaves_older_files_and_training_alone(tmp_path, monkeypatch):
    with pytest.raises(RuntimeError):
        fit(tmp_path, Stop(2))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.warns(UserWarning, match="no space left on the disk. Training goes on; the newest saved state is .*02"):
        model, _ = fit(tmp_path, epochs=1)
    assert int(model.optimizer.iterations.numpy()) == 8
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_state_of_another_model(tmp_path):
    fit(tmp_path, epochs=1)
    model = tiny(width=8)
    model.compile(training.AdamW())
    with pytest.raises(ValueError, match="is the state of another model or optimizer: .*conv_in/kernel"):
        model.fit(images(8), batch_size=4, verbose=0, callbacks=[training.Recovery(tmp_path)])
    model = tiny()
    model.compile(training.AdamW())  # without an average
    with pytest.raises(ValueError, match="another model or optimizer"):
        model.fit(images(8), batch_size=4, verbose=0, callbacks=[training.Recovery(tmp_path)])


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="keep is 0, but must be above 0"):
        training.Recovery(tmp_path, keep=0)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="cannot create the folder"):
        fit(tmp_path / "file")


def wait_for_steps(process, directory, steps):
    while True:
        assert process.poll() is None, process.stderr.read()
        newest = max((path.name for path in directory.glob("state-*.safetensors")), default="state-0")
        if int(newest.split("-")[1].split(".")[0]) >= steps:
            return
        time.sleep(0.05)


def test_killed(tmp_path):
    process = start(LONG.format(directory=str(tmp_path), every_steps=1))
    wait_for_steps(process, tmp_path, 20)
    process.kill()
    process.wait()
    saved = max(int(path.name[6:16]) for path in tmp_path.glob("state-*.safetensors"))
    # Whatever the kill left of a file half written is not taken for a state.
    (tmp_path / ".state-9999999999.safetensors.1.tmp").write_bytes(b"half")
    copy = shutil.copytree(tmp_path, tmp_path.parent / "copy")
    continued, uninterrupted = tiny(), tiny()
    for model, directory in ((continued, copy), (uninterrupted, tmp_path.parent / "whole")):
        model.compile(training.AdamW(1e-2, ema_decay=0.9))
        epochs = saved // 16 + 1
        recovery = training.Recovery(directory)
        model.fit(images(64), batch_size=4, epochs=epochs, shuffle=False, verbose=0, callbacks=[recovery])
    assert int(continued.optimizer.iterations.numpy()) == 16 * epochs
    for a, b in zip(state(continued), state(uninterrupted), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_sigterm_saves_and_exits(tmp_path):
    process = start(LONG.format(directory=str(tmp_path), every_steps=5))
    wait_for_steps(process, tmp_path, 5)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert "stopped by SIGTERM; the state is saved in" in output
    newest = max(tmp_path.glob("state-*.safetensors"))
    _, recovery = fit(tmp_path, epochs=1)
    assert recovery.restored == newest
