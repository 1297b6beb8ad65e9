import json

import numpy as np
import pytest
from PIL import Image

from tfportrait import cli, workers, world
from tfportrait.data import open_source


def rows(folder):
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines()]


def test_folder_has_the_pictures_and_the_truth_about_them(tmp_path):
    folder = world.write(tmp_path / "new" / "portraits", 12, 32, seed=5, workers=2)
    written = rows(folder)
    assert [row["file_name"] for row in written] == [f"{i:02d}.png" for i in range(12)]
    assert sorted(path.name for path in folder.iterdir()) == [f"{i:02d}.png" for i in range(12)] + ["metadata.jsonl"]
    for i, row in enumerate(written):
        portrait = world.sample(5 + i)
        np.testing.assert_array_equal(np.asarray(Image.open(folder / row["file_name"])), portrait.render(32))
        assert row["seed"] == 5 + i and row["attributes"] == portrait.attributes
        assert set(row["attributes"]) - set(row["hidden"]) == portrait.visible
        assert set(row["named"]) | set(row["named_zh"]) <= portrait.visible
        assert row["text"] == portrait.caption("en", seed=i) and row["text_zh"] == portrait.caption("zh", seed=i)


def test_it_loads_as_a_data_set_with_the_same_labels(tmp_path, monkeypatch):
    monkeypatch.setenv("TFPORTRAIT_CACHE", str(tmp_path / "cache"))
    folder = world.write(tmp_path / "portraits", 12, 32)
    source = open_source(folder, image_size=32)
    labels = source.labels(np.arange(12))
    assert source.attributes == {name: world.ATTRIBUTES[name] for name in sorted(world.ATTRIBUTES)}
    for i in range(12):
        portrait = world.sample(i)
        np.testing.assert_array_equal(source.images(np.array([i]))[0], portrait.render(32))
        for name, values in world.ATTRIBUTES.items():
            wanted = values.index(portrait.attributes[name]) if name in portrait.visible else -1
            assert labels[name][i] == wanted, (i, name)


def test_command(tmp_path, capsys):
    assert cli.main(["world", "--count", "3", "--size", "40", "--seed", "9", "--out", str(tmp_path / "x")]) == 0
    assert "3 portraits at 40 px" in capsys.readouterr().out
    assert [row["seed"] for row in rows(tmp_path / "x")] == [9, 10, 11]
    assert Image.open(tmp_path / "x" / "0.png").size == (40, 40)


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize("existed", [True, False])
def test_nothing_is_left_half_written(tmp_path, monkeypatch, failure, existed):
    def broken(task, jobs, **_):
        (first, *_) = jobs
        yield world.write.__globals__["render_job"](**first)
        raise failure

    monkeypatch.setattr(workers, "run", broken)
    if existed:
        (tmp_path / "x").mkdir()
    with pytest.raises(failure):
        world.write(tmp_path / "x", 5, 32)
    assert not (tmp_path / "x").exists() if not existed else not list((tmp_path / "x").iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 32), "count must be an integer from 1"),
        ((3, 31), "size must be an integer from 32 to 512, got 31"),
        ((3, 64.0), r"size must be an integer from 32 to 512, got 64\.0"),
        ((3, 513), "got 513"),
    ],
)
def test_bad_arguments(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        world.write(tmp_path / "x", *arguments)
    with pytest.raises(ValueError, match="seed must be an integer from 0"):
        world.write(tmp_path / "x", 1, 32, seed=-1)
    with pytest.raises(ValueError, match="workers must be at least 1"):
        world.write(tmp_path / "x", 1, 32, workers=0)
    assert not (tmp_path / "x").exists()


def test_a_folder_with_files_is_left_alone(tmp_path, capsys):
    (tmp_path / "mine").write_text("mine")
    assert cli.main(["world", "--count", "2", "--out", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
