import numpy as np
import pytest

from tfportrait import world
from tfportrait.data import load, open_source, token_table, worlds
from tfportrait.data.worlds import FIRST_SEED, PortraitWorld, SceneWorld


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    """Four portraits a shard."""
    ranges, shards = worlds.ranges, worlds.Shards
    monkeypatch.setattr(worlds, "ranges", lambda count: ranges(count, 4))
    monkeypatch.setattr(worlds, "Shards", lambda *arguments: shards(*arguments, 4))


def test_pictures_labels_and_captions_are_the_portraits(cache):
    source = PortraitWorld("validation", image_size=32, count=6, workers=2)
    indices = np.array([5, 0, 3])
    images, labels = source.images(indices), source.labels(indices)
    assert images.shape == (3, 32, 32, 3) and images.dtype == np.uint8
    assert source.attributes is world.ATTRIBUTES
    for row, index in enumerate(indices):
        portrait = world.sample(FIRST_SEED["validation"] + int(index))
        np.testing.assert_array_equal(images[row], portrait.render(32))
        for name, values in world.ATTRIBUTES.items():
            wanted = values.index(portrait.attributes[name]) if name in portrait.visible else -1
            assert labels[name][row] == wanted and labels[name].dtype == np.int32
    texts = {text for epoch in range(10) for text in source.captions(np.array([3]), epoch=epoch)}
    assert len(texts) > 5
    assert {any("\u4e00" <= letter <= "\u9fff" for letter in text) for text in texts} == {True, False}
    assert source.captions(indices, epoch=2, seed=1) == source.captions(indices, epoch=2, seed=1)


def test_hidden_attributes_are_unknown():
    count = 30
    source = PortraitWorld(image_size=32, count=count)
    labels = source.labels(np.arange(count))
    dark = labels["glasses"] == world.ATTRIBUTES["glasses"].index("sunglasses")
    assert dark.any() and (labels["eye_color"][dark] == -1).all()
    assert (labels["eye_color"] >= 0).any() and (labels["style"] >= 0).all()


def test_scenes_are_a_source_too():
    source = SceneWorld("test", image_size=32, count=5)
    scene = world.scenes.sample(FIRST_SEED["test"] + 3)
    np.testing.assert_array_equal(source.images(np.array([3]))[0], scene.render(32))
    labels = source.labels(np.arange(5))
    for name, values in world.scenes.ATTRIBUTES.items():
        assert labels[name][3] == (values.index(scene[name]) if name in scene.visible else -1)
    texts = {source.captions(np.array([3]), epoch=epoch)[0] for epoch in range(12)}
    assert len(texts) > 5 and any("\u4e00" <= letter <= "\u9fff" for text in texts for letter in text)
    mixed = open_source({"portrait_world": 1, "scene_world": 1}, image_size=32, count=4)
    assert mixed.attributes["style"] == world.ATTRIBUTES["style"] and "setting" in mixed.attributes


def test_splits_share_no_portrait():
    spans = [range(first, first + 2**40) for first in FIRST_SEED.values()]
    assert all(a.stop <= b.start for a, b in zip(spans, spans[1:], strict=False))
    sources = [open_source("portrait_world", split, image_size=32, count=2) for split in FIRST_SEED]
    pictures = [source.images(np.arange(2)) for source in sources]
    assert not (pictures[0] == pictures[1]).all() and not (pictures[1] == pictures[2]).all()


def rendered(monkeypatch):
    jobs = []
    real = worlds.workers.run
    monkeypatch.setattr(
        worlds.workers, "run", lambda task, todo, workers: jobs.extend(todo) or real(task, todo, workers=1)
    )
    return jobs


def test_only_what_is_missing_is_rendered(cache, monkeypatch):
    jobs = rendered(monkeypatch)
    small = PortraitWorld(image_size=32, count=8)
    assert [(job["start"], job["stop"]) for job in jobs] == [(0, 4), (4, 8)]
    jobs.clear()
    large = PortraitWorld(image_size=32, count=11)
    assert [(job["start"], job["stop"]) for job in jobs] == [(8, 11)]
    np.testing.assert_array_equal(large.images(np.arange(8)), small.images(np.arange(8)))
    assert large.fingerprint != small.fingerprint
    jobs.clear()
    next(cache.rglob("images-00000004-*")).write_bytes(b"cut short")
    PortraitWorld(image_size=32, count=8)
    assert [(job["start"], job["stop"]) for job in jobs] == [(4, 8)]


def test_an_interrupted_rendering_goes_on(cache, monkeypatch):
    real = worlds.render_job
    calls = []

    def interrupted(**job):
        if calls:
            raise KeyboardInterrupt
        calls.append(job)
        return real(**job)

    jobs = rendered(monkeypatch)
    monkeypatch.setattr(worlds, "render_job", interrupted)
    with pytest.raises(KeyboardInterrupt):
        PortraitWorld(image_size=32, count=8)
    assert not list(cache.rglob("*.tmp"))
    monkeypatch.setattr(worlds, "render_job", real)
    jobs.clear()
    PortraitWorld(image_size=32, count=8)
    assert [(job["start"], job["stop"]) for job in jobs] == [(4, 8)]


def test_another_drawing_has_another_cache(cache, monkeypatch):
    PortraitWorld(image_size=32, count=2)
    jobs = rendered(monkeypatch)
    monkeypatch.setattr(worlds, "drawing_version", lambda name: "changed")
    PortraitWorld(image_size=32, count=2)
    assert len(jobs) == 1


def test_versions_follow_the_code_but_not_its_comments(tmp_path, monkeypatch):
    for name, text in [("__init__", ""), ("face", "x = 1"), ("attributes", "y = 1"), ("captions", "z = 1")]:
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setattr(worlds.world, "__file__", str(tmp_path / "__init__.py"))

    def versions():
        return [worlds._version("portrait_world", text=text) for text in (False, True)]

    drawing, text = versions()
    (tmp_path / "face.py").write_text("# about x\nx = 1\n")
    assert versions() == [drawing, text]
    (tmp_path / "face.py").write_text("x = 2")
    assert versions()[0] != drawing and versions()[1] == text
    drawing = versions()[0]
    (tmp_path / "captions.py").write_text("z = 2")
    assert versions()[0] == drawing and versions()[1] != text
    text = versions()[1]
    (tmp_path / "attributes.py").write_text("y = 2")
    assert versions()[0] != drawing and versions()[1] != text


def test_token_table_on_all_cores_is_the_captions():
    class Letters:
        def encode(self, texts):
            return np.array([[ord(letter) for letter in text[:40].ljust(40)] for text in texts], np.int32)

        def save(self, folder):
            pass

    source = PortraitWorld(image_size=32, count=5)
    table = token_table(source, Letters(), variants=3, seed=4)
    for epoch in range(3):
        wanted = Letters().encode(source.captions(np.arange(5), epoch=epoch, seed=4))
        np.testing.assert_array_equal(table[:][:, epoch], wanted)


def test_load_has_every_attribute():
    (batch,) = load("portrait_world", "test", image_size=32, batch_size=4, count=4)
    assert batch["image"].shape == (4, 32, 32, 3) and set(batch["attributes"]) == set(world.ATTRIBUTES)


@pytest.mark.parametrize(
    ("split", "options", "message"),
    [
        ("tset", {}, "no split 'tset'; it has train, validation, test"),
        ("train", {"image_size": 16}, "squares of 32 to 512 pixels, got image_size=16; nearest: 32"),
        ("train", {"image_size": (64, 128)}, r"got image_size=\(64, 128\); nearest: 64"),
        ("train", {"count": 0}, "count must be an integer of at least 1, got 0"),
    ],
)
def test_bad_arguments(cache, split, options, message):
    with pytest.raises(ValueError, match=message):
        PortraitWorld(split, **{"image_size": 32, "count": 2, **options})
    assert not cache.exists()


def test_full_disk_is_told_before_rendering(cache, monkeypatch):
    def full(folder, needed):
        assert needed >= 10 * 32 * 32 * 3
        raise OSError(28, "full")

    monkeypatch.setattr(worlds, "check_space", full)
    with pytest.raises(OSError, match="full"):
        PortraitWorld(image_size=32, count=10)
    assert not list(cache.rglob("*.npy"))
