"""Pictures of the progress and lines for log files."""

import re
import time

import numpy as np
import pytest
from PIL import Image
from tiny import Tiny, images, tiny

from tfportrait import training
from tfportrait.training import callbacks


class Painter(Tiny):
    """A model with `generate` and `reconstruct`."""

    def generate(self, prompts=None, *, seeds=0, count=3):
        weights = float(np.abs(self.conv_in.kernel.numpy()).sum())
        assert prompts == ["a smiling woman"]
        return np.random.default_rng([seeds, int(weights * 1000)]).integers(0, 256, (count, 8, 8, 3), np.uint8)

    def reconstruct(self, pictures):
        return np.asarray(pictures) * 0.5


def painter():
    model = Painter()
    model.build()
    model.compile(training.AdamW(1e-2))
    return model


def test_tile():
    pictures = np.stack([np.full((2, 3, 3), value, np.uint8) for value in range(5)])
    grid = callbacks.tile(pictures)
    assert grid.shape == (4, 9, 3)
    assert [grid[0, 0, 0], grid[1, 4, 0], grid[0, 8, 2], grid[2, 0, 0], grid[3, 5, 1]] == [0, 1, 2, 3, 4]
    assert (grid[2:, 6:] == 255).all()
    assert callbacks.tile(pictures, columns=5).shape == (2, 15, 3)


def test_sample_grid(tmp_path):
    model = painter()
    grid = training.SampleGrid(tmp_path, prompts=["a smiling woman"], seeds=7, every_epochs=2, columns=3)
    model.fit(images(8), batch_size=8, epochs=4, verbose=0, callbacks=[grid])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["samples-0002.png", "samples-0004.png"]
    written = np.asarray(Image.open(tmp_path / "samples-0004.png"))
    np.testing.assert_array_equal(written, callbacks.tile(model.generate(["a smiling woman"], seeds=7), 3))


def test_reconstruction_strip_and_tensorboard(tmp_path):
    pytest.importorskip("tensorboard")
    x = images(4)
    strip = training.ReconstructionStrip(tmp_path / "strips", x, tensorboard=tmp_path / "logs")
    painter().fit(images(8), batch_size=8, verbose=0, callbacks=[strip])
    written = np.asarray(Image.open(tmp_path / "strips" / "reconstructions-0001.png")).astype(float)
    assert written.shape == (16, 32, 3)
    np.testing.assert_allclose(written[:8, 8:16], (x[1] + 1) * 127.5, atol=0.51)
    np.testing.assert_allclose(written[8:, 24:], (x[3] / 2 + 1) * 127.5, atol=0.51)
    assert list((tmp_path / "logs" / "reconstructions").glob("events.out.tfevents.*"))


def test_progress(capsys):
    model = tiny()
    model.compile(training.AdamW(1e-2))
    progress = training.Progress(batch_size=4, seconds=0.0)
    model.fit(images(16), batch_size=4, epochs=2, verbose=0, callbacks=[progress])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[:2] for line in lines[:4]] == [
        ["epoch 1/2", "step 2/4"],
        ["epoch 1/2", "step 3/4"],
        ["epoch 1/2", "step 4/4"],
        ["epoch 1/2", "done"],
    ]
    assert len(lines) == 8
    for line in lines:
        assert re.search(r" images/s  (\d+% waiting for data  )?0 min left", line) and "loss " in line


def test_waiting_for_data_is_measured(capsys):
    model = tiny()
    model.compile(training.AdamW(1e-2))
    progress = training.Progress(batch_size=4, seconds=0.0)

    def fit(seconds):
        def batches():
            for _ in range(12):
                time.sleep(seconds)
                yield (images(4),)

        calls = model.calls
        model.fit(batches(), epochs=1, steps_per_epoch=12, verbose=0, callbacks=[progress])
        return progress.waiting, model.calls - calls, capsys.readouterr().out.splitlines()[-1]

    waiting, traced, line = fit(0.2)
    assert traced == 1  # the step is not compiled twice
    assert 0.5 < waiting <= 1.0 and f"{waiting:.0%} waiting for data" in line
    ready, traced, _ = fit(0.0)
    assert traced == 0 and ready < waiting


def test_a_profile_of_some_steps_is_written(tmp_path, capsys):
    model = tiny()
    model.compile(training.AdamW(1e-3))
    profile = training.Profile(tmp_path / "profile", first=2, steps=2)
    model.fit(images(32), batch_size=4, verbose=0, callbacks=[profile])
    (written,) = (tmp_path / "profile").rglob("*.xplane.pb")
    assert written.stat().st_size > 1000
    assert capsys.readouterr().out == f"the profile is in {tmp_path / 'profile'}\n"
    short = training.Profile(tmp_path / "short", first=6, steps=10)  # more than there are
    model.fit(images(32), batch_size=4, verbose=0, callbacks=[short])
    assert list((tmp_path / "short").rglob("*.xplane.pb"))
    with pytest.raises(ValueError, match="first is 0 and steps 0"):
        training.Profile(tmp_path, first=0, steps=0)


def test_bad_arguments(tmp_path):
    with pytest.raises(ValueError, match="every_epochs is 0"):
        training.SampleGrid(tmp_path, every_epochs=0)
