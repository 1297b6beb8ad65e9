import sys

import numpy as np
import pytest
from PIL import Image

from tfportrait import mp4
from tfportrait.clips import write_clip
from tfportrait.provenance import read_xmp
from tfportrait.recipe import read_recipe

FRAMES = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), "uint8").repeat(8, 1).repeat(8, 2)
RECIPE = {"task": "animate", "prompts": ["笑", "<&>"], "seed": 2**62}


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("repeat", [True, False])
def test_a_clip_has_its_frames_its_pace_and_its_marks(tmp_path, suffix, repeat):
    path = write_clip(tmp_path / f"x{suffix}", FRAMES, RECIPE, fps=10, repeat=repeat)
    assert read_recipe(path) == RECIPE
    with Image.open(path) as clip:
        marks = read_xmp(clip.info["comment"] if suffix == ".gif" else clip.info["xmp"])
        assert marks["DigitalSourceType"].endswith("trainedAlgorithmicMedia") and "AIGC" in marks
        assert clip.n_frames == 5 and clip.info.get("loop", 1) == (0 if repeat else 1)
        for number, frame in enumerate(FRAMES):
            clip.seek(number)
            clip.load()
            assert clip.info["duration"] == 100
            assert np.abs(np.asarray(clip.convert("RGB")).astype(int) - frame).mean() < 20


def test_drawings_look_the_same_in_a_gif(tmp_path):
    import tfportrait as tp

    frames = np.stack([tp.world.sample(seed).render(64) for seed in range(3)])
    with Image.open(write_clip(tmp_path / "x.gif", frames)) as clip:
        for number, frame in enumerate(frames):
            clip.seek(number)
            assert np.abs(np.asarray(clip.convert("RGB")).astype(int) - frame).mean() < 6


@pytest.mark.parametrize("sides", [(64, 48), (33, 47)])
def test_an_mp4_has_its_frames_its_pace_and_its_marks(tmp_path, sides):
    import tfportrait as tp

    frames = np.stack([tp.world.sample(seed).render(64)[: sides[0], : sides[1]] for seed in (1, 1, 2, 2)])
    path = write_clip(tmp_path / "x.mp4", frames, RECIPE, fps=8)
    assert read_recipe(path) == RECIPE
    marks = read_xmp(mp4.read_packet(path))
    assert marks["DigitalSourceType"].endswith("trainedAlgorithmicMedia") and "AIGC" in marks
    reader = mp4.check_encoder().read_frames(str(path))
    size = next(reader)["size"]
    assert size == (sides[1] + sides[1] % 2, sides[0] + sides[0] % 2)
    read = [np.frombuffer(frame, "uint8").reshape(size[1], size[0], 3)[: sides[0], : sides[1]] for frame in reader]
    assert len(read) == 4
    assert np.abs(np.stack(read).astype(int) - frames).mean() < 6


def test_mp4_files_of_others_and_damaged_ones(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "x.mp4", FRAMES, RECIPE)
    data = path.read_bytes()
    start = data.index(b"uuid") - 4
    assert start + int.from_bytes(data[start : start + 4], "big") == len(data)
    path.write_bytes(data[:start])
    with pytest.raises(ValueError, match="carries no tfportrait recipe"):
        read_recipe(path)
    path.write_bytes(data[:-9])
    with pytest.raises(ValueError, match="x.mp4 is damaged: the box at byte"):
        read_recipe(path)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ValueError, match=r"tfportrait\[video\]"):
        write_clip(tmp_path / "y.mp4", FRAMES)


def test_a_label_is_drawn_into_every_frame(tmp_path):
    frames = np.full((2, 64, 128, 3), 200, "uint8")
    frames[1] = 100
    with Image.open(write_clip(tmp_path / "x.webp", frames, label=True)) as clip:
        for number in range(2):
            clip.seek(number)
            assert np.asarray(clip.convert("RGB")).std() > 5


@pytest.mark.parametrize(
    "name, frames, options, message",
    [
        ("x.avi", FRAMES, {}, "must end in .gif, .webp, .mp4"),
        ("x.gif", FRAMES[0], {}, "uint8"),
        ("x.gif", FRAMES[:0], {}, "uint8"),
        ("x.gif", FRAMES, {"fps": 0}, "fps is 0"),
        ("x.gif", FRAMES, {"recipe": {"x": float("nan")}}, "as JSON"),
    ],
)
def test_bad_clips_are_refused(tmp_path, name, frames, options, message):
    with pytest.raises(ValueError, match=message):
        write_clip(tmp_path / name, frames, **options)
    assert not list(tmp_path.iterdir())
