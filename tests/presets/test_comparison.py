import json
import re
from pathlib import Path

import numpy as np
import pytest

import tfportrait as tp
from tfportrait import cli
from tfportrait.cli import options
from tfportrait.presets import comparison


@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    """One that has learnt nothing: its features tell images apart all the same."""
    folder = tmp_path_factory.mktemp("oracle")
    tp.Oracle(attributes=tp.world.ATTRIBUTES, image_size=32, widths=[8, 16]).save_to_preset(folder)
    return folder


SMALL = {"image_size": 32, "width": 16, "count": 64, "samples": 32}


@pytest.mark.slow
def test_all_families_share_the_budget_and_leave_a_table_and_a_picture(oracle, tmp_path, capsys):
    rows = comparison.compare(tmp_path, budget=10, oracle=oracle, **SMALL)
    assert [row.name for row in rows] == ["real renders", *(name.replace("_", " ") for name in comparison.TRAINERS)]
    for row in rows:
        assert np.isfinite([row.oracle_fd, row.oracle_kd, row.entropy, row.twins, row.nearest]).all(), row
        assert row.images.shape == (16, 32, 32, 3)
    assert min(rows, key=lambda row: row.oracle_fd).name == "real renders"
    for row in rows[1:]:
        assert row.parameters > 1000 and row.images_per_second > 0 and row.seconds_per_16 > 0
        assert row.curves and all(time >= 0 for curve in row.curves.values() for time, _ in curve)
    assert (tmp_path / "comparison.png").read_bytes()[:4] == b"\x89PNG"
    record, folder = comparison.recorded(tmp_path)
    assert folder == tmp_path
    assert comparison.table(record["rows"]) == comparison.table(rows)
    capsys.readouterr()
    assert cli.main(["compare", "--show", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "latent diffusion" in shown and "budget_seconds: 10" in shown


def test_a_model_that_diverges_is_a_row_with_a_note(oracle, tmp_path, monkeypatch):
    def broken(setting, seconds):
        raise FloatingPointError("training, step 3 of epoch 1: generator_loss is nan. A lower learning rate helps")

    monkeypatch.setitem(comparison.TRAINERS, "gan", broken)
    rows = comparison.compare(tmp_path, budget=5, oracle=oracle, models=["gan"], **SMALL)
    assert rows[1].note == "diverged: training, step 3 of epoch 1: generator_loss is nan" and rows[1].images is None
    assert "diverged" in comparison.table(rows)
    json.loads((tmp_path / "comparison.json").read_text())


def test_a_collapsed_generator_is_named(oracle):
    source = tp.data.open_source("portrait_world", "train", image_size=32, count=64)
    unseen = tp.data.open_source("portrait_world", "validation", image_size=32, count=64)
    judge = comparison.Judge(tp.Oracle.from_preset(oracle), source, unseen, 32, 0)
    same = np.repeat(unseen.images(np.arange(1)), 32, axis=0)
    assert judge.measure(comparison.Row("gan"), same).note == "collapsed"
    assert judge.measure(comparison.Row("real"), unseen.images(np.arange(32, 64))).note == ""
    memory = judge.measure(comparison.Row("memory"), source.images(np.arange(32)))
    assert memory.nearest < 0.01


def test_time_ends_a_training():
    model = tp.VAE(image_size=32, channels=1, latent_dim=4, width=8)
    model.compile("adam")
    clock = comparison.Clock(1.0, {"loss": "VAE"})
    images = np.zeros((32, 32, 32, 1), "uint8")
    model.fit(images, batch_size=16, epochs=10**6, verbose=0, callbacks=[clock])
    assert 1.0 <= clock.elapsed < 20 and clock.images >= 32
    assert all(np.isfinite(value) for _, value in clock.curves["VAE"])


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"models": ["flow"]}, "unknown model 'flow'; valid: vae, gan"),
        ({"budget": 2}, "at least a second for each"),
        ({"samples": 8}, "samples=8 must be at least 32"),
        ({"image_size": 48, "models": ["vae"], "budget": 5}, "the nearest is"),
    ],
)
def test_bad_arguments(wrong, message, oracle, tmp_path):
    with pytest.raises(ValueError, match=message):
        comparison.compare(tmp_path, oracle=oracle, **{**SMALL, "budget": 20, **wrong})


@pytest.mark.parametrize("text, wanted", [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400)])
def test_durations(text, wanted):
    assert options.seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "m", "ten", "-5m", "0", "inf"])
def test_bad_durations(text):
    with pytest.raises(ValueError, match=re.escape(f"got {text!r}")):
        options.seconds(text)


def test_show_without_a_record(tmp_path, capsys):
    assert cli.main(["compare", "--show", "--out", str(tmp_path / "none")]) == 2
    assert "cannot read" in capsys.readouterr().err


def test_show_prints_the_record_that_ships_unless_there_is_one_here(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["compare", "--show"]) == 0
    *lines, picture = capsys.readouterr().out.splitlines()
    assert Path(picture).is_file() and "budget_seconds: 600.0" in lines
    for name in comparison.TRAINERS:
        assert any(line.startswith(name.replace("_", " ")) for line in lines)
    (tmp_path / "comparison").mkdir()
    row = comparison.Row("mine").numbers()
    (tmp_path / "comparison" / "comparison.json").write_text(json.dumps({"rows": [row], "seed": 3}))
    assert cli.main(["compare", "--show"]) == 0
    shown = capsys.readouterr().out
    assert "mine" in shown and "seed: 3" in shown and "gan" not in shown
