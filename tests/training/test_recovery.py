"""Stopped at any moment, training goes on from its last intact state."""

import errno
import os
import shutil
import signal
import time

import keras
import numpy as np
import pytest
from processes import start
from tiny import images, tiny

from tfportrait import files, training
from tfportrait.training import recovery as recovery_module

pytestmark = pytest.mark.gpu

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
    logged = uninterrupted.history_["loss"][batches // 8 :]
    np.testing.assert_allclose(continued.history_["loss"], logged, rtol=1e-6)  # of whole epochs
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
    assert [path.name for path in tmp_path.iterdir()] == ["state-0000000006.safetensors"]  # and no lock


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


def spoilt(content, header, kind):
    """The bytes of a file with one kind of damage; its JSON is `content[8:header]`."""
    flips = {
        "length of the header": 0,
        "high byte of that length": 7,
        "structure of the header": 8,
        "name of a tensor": content.index(b"model/00001"),
        "shape": content.index(b'"shape":[') + 9,
        "dtype": content.index(b'"dtype":"') + 9,
        "offset": content.index(b'"data_offsets":[') + 16,
        "format": content.index(b"format") + 10,
        "epoch": content.index(b"step_in_epoch") + 17,
        "checksum": content.index(b"checksum") + 15,
        "first number": header,
        "last number": len(content) - 1,
    }
    if kind in flips:
        damaged = bytearray(content)
        damaged[flips[kind]] ^= 2
        return bytes(damaged)
    return {
        "empty": b"",
        "zeros": bytes(len(content)),
        "half": content[: len(content) // 2],
        "longer": content + bytes(8),
        "something else": b"\x89PNG\r\n\x1a\n" + content[8:],
    }[kind]


KINDS = ["length of the header", "high byte of that length", "structure of the header", "name of a tensor", "shape"]
KINDS += ["dtype", "offset", "format", "epoch", "checksum", "first number", "last number"]
KINDS += ["empty", "zeros", "half", "longer", "something else"]


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    directory = tmp_path_factory.mktemp("crashed")
    with pytest.raises(RuntimeError):
        fit(directory, Stop(5))
    return directory


@pytest.fixture(scope="module")
def model():
    model = tiny()
    model.compile(training.AdamW(1e-2, ema_decay=0.9))
    return model


def begin(model, directory):
    """A recovery as `fit` begins with it."""
    recovery = training.Recovery(directory)
    recovery.set_model(model)
    try:
        recovery.on_train_begin()
    finally:
        recovery.release()
    return recovery


@pytest.mark.parametrize("kind", KINDS)
def test_any_damage_is_noticed(crashed, model, tmp_path, kind):
    shutil.copytree(crashed, tmp_path, dirs_exist_ok=True)
    newest, older = sorted(tmp_path.glob("state-*"), reverse=True)
    content = newest.read_bytes()
    newest.write_bytes(spoilt(content, 8 + int.from_bytes(content[:8], "little"), kind))
    with pytest.warns(UserWarning, match=f"{newest.name} is damaged"):
        recovery = begin(model, tmp_path)
    assert recovery.restored == older


def test_a_folder_in_the_place_of_a_file(crashed, model, tmp_path):
    shutil.copytree(crashed, tmp_path, dirs_exist_ok=True)
    (tmp_path / "state-9999999999.safetensors").mkdir()
    with pytest.warns(UserWarning, match="9999999999.safetensors is damaged"):
        recovery = begin(model, tmp_path)
    assert recovery.restored.name == "state-0000000005.safetensors"


def test_the_state_of_a_newer_version_is_refused(model, tmp_path, monkeypatch):
    monkeypatch.setattr(recovery_module, "FORMAT", 2)
    begin(model, tmp_path).save()
    monkeypatch.setattr(recovery_module, "FORMAT", 1)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(
        ValueError, match="was written by a newer tfportrait .format 2, this one reads up to 1.: update"
    ):
        fit(tmp_path, epochs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_other_data_are_refused_by_name(tmp_path):
    def run(**data):
        return fit(tmp_path, epochs=1, recovery=training.Recovery(tmp_path, data=data))[1]

    run(pictures="aa", captions="bb")
    assert run(pictures="aa", captions="bb").restored is not None
    with pytest.raises(ValueError, match="was trained on other data: captions was bb, and is cc. Give the data"):
        run(pictures="aa", captions="cc")
    with pytest.raises(ValueError, match="captions was bb, and is None"):
        run(pictures="aa")


def test_two_trainings_do_not_share_a_directory(tmp_path):
    class Second(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            with pytest.raises(ValueError, match=f"is in use by another training, process {os.getpid()}: wait for it"):
                fit(tmp_path)
            self.tried = True

    second = Second()
    _, recovery = fit(tmp_path, second, epochs=1)
    assert second.tried and recovery.restored is None
    fit(tmp_path, epochs=1)  # free again


@pytest.mark.parametrize("jump", [-1e9, 1e9])
def test_a_clock_that_jumps_saves_neither_more_nor_less(tmp_path, monkeypatch, jump):
    class Jump(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            monkeypatch.setattr(time, "time", lambda: jump)

    saved = []
    recovery = training.Recovery(tmp_path, every_minutes=60)
    monkeypatch.setattr(recovery, "save", lambda: saved.append(1))
    fit(tmp_path, Jump(), epochs=1, recovery=recovery)
    assert saved == [1]  # at the end


def test_what_a_killed_process_left_half_written_is_removed(tmp_path):
    half = tmp_path / ".state-0000000007.safetensors.1.tmp"
    half.write_bytes(b"half")
    fit(tmp_path, epochs=1)
    assert not half.exists()


def test_truncated_files_are_passed_over(tmp_path):
    with pytest.raises(RuntimeError):
        fit(tmp_path, Stop(5))
    for path in tmp_path.glob("state-*"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.warns(UserWarning, match="is damaged"):
        _, recovery = fit(tmp_path, epochs=1)
    assert recovery.restored is None


def test_full_disk_leaves_older_files_and_training_alone(tmp_path, monkeypatch, capsys):
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

    class Terminate(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.warns(UserWarning, match="no space left on the disk"), pytest.raises(SystemExit):
        fit(tmp_path, Terminate(), epochs=1)
    assert "stopped by SIGTERM; its state could not be saved; the newest saved state is" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_read_only_directory_is_refused_before_any_step(tmp_path, monkeypatch):
    def touch(path, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(files.Path, "touch", touch)
    model = tiny()
    model.compile(training.AdamW())
    with pytest.raises(ValueError, match=f"cannot write {tmp_path}: Read-only file system"):
        model.fit(images(8), batch_size=4, verbose=0, callbacks=[training.Recovery(tmp_path)])
    assert int(model.optimizer.iterations.numpy()) == 0 and not list(tmp_path.iterdir())


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
