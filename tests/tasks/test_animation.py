import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.painters import pixel_painter, tiny_painter
from PIL import Image

from tfportrait import tasks
from tfportrait.cli import main
from tfportrait.models.video import VideoDiffusion
from tfportrait.recipe import read_recipe
from tfportrait.tasks.animation import between

WORDS = ["a red cat", "a blue dog", "two green birds"]


@pytest.fixture(scope="module")
def painter():
    return tiny_painter()


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_keyframes_are_what_generate_paints(painter, scale):
    options = {"num_steps": 3, "guidance_scale": scale}
    clip = tasks.animate(painter, WORDS, frames=5, seeds=[3, 8, 5], **options)
    assert clip.shape == (5, 16, 16, 3) and clip.dtype == np.uint8
    wanted = painter.generate(WORDS, seeds=[3, 8, 5], **options)
    assert np.abs(clip[::2].astype(int) - wanted).max() <= 2
    assert (clip[1] != clip[0]).any() and (clip[1] != clip[2]).any()


def test_one_seed_is_that_of_every_keyframe(painter):
    clip = tasks.animate(painter, ["a red cat", "a red cat"], frames=3, seeds=7, num_steps=2)
    assert np.abs(clip.astype(int) - clip[:1]).max() <= 2


def test_frames_do_not_depend_on_how_many_are_painted_together(painter, monkeypatch):
    options = {"frames": 7, "seeds": [1, 2], "num_steps": 2, "sampler": "ddpm", "negative_prompt": "two birds"}
    together = tasks.animate(painter, WORDS[:2], **options)
    monkeypatch.setattr("tfportrait.tasks.animation.FRAMES_AT_ONCE", 3)
    assert np.abs(tasks.animate(painter, WORDS[:2], **options).astype(int) - together).max() <= 2


@given(
    st.lists(st.floats(0.01, 10), min_size=1, max_size=5),
    st.integers(2, 40),
    st.booleans(),
)
def test_frames_lie_between_the_keyframes_of_their_time(distances, frames, loop):
    times = np.cumsum([0.0, *distances])
    keys, shares = between(len(times), frames, times, loop)
    assert len(keys) == len(shares) == frames
    assert keys[0][0] == 0 and shares[0] == 0 and all(-1e-6 <= share <= 1 + 1e-6 for share in shares)
    end = times[-1] + (times[-1] / len(distances) if loop else 0)
    for (i, j), share, time in zip(keys, shares, np.linspace(0, end, frames, endpoint=not loop), strict=True):
        assert j == (i + 1) % len(times)
        until = times[j] if j else (end if loop else times[j])
        assert times[i] + share * (until - times[i]) == pytest.approx(time, abs=1e-6)
    assert loop or (keys[-1][1] == len(times) - 1 and shares[-1] == pytest.approx(1))


def test_one_trace_for_all_clips_of_a_shape(monkeypatch):
    painter, traces = tiny_painter(), []
    call = painter.unet.call
    monkeypatch.setattr(painter.unet, "call", lambda *args, **kwargs: traces.append(1) or call(*args, **kwargs))
    for seed in (1, 2):
        tasks.animate(painter, WORDS, frames=16, seeds=seed, num_steps=2)
    assert len(traces) == 1


@pytest.mark.parametrize(
    "options, message",
    [
        ({"prompts": ["a red cat"]}, "at least two prompts"),
        ({"prompts": "a red cat"}, "at least two prompts"),
        ({"frames": 0}, "frames is 0"),
        ({"frames": 10**6, "image_size": 128}, "46 GiB and 20,000,000 steps.*at most 43,690"),
        ({"times": [0, 1]}, "2 times for 3 prompts"),
        ({"times": [0, 2, 1]}, "do not rise"),
        ({"times": [0, 1, float("inf")]}, "do not rise"),
        ({"seeds": [1, 2]}, "2 seeds for 3"),
        ({"image_size": 17}, "must be multiples"),
        ({"sampler": "magic"}, "magic"),
    ],
)
def test_bad_arguments_are_refused(options, message, painter):
    with pytest.raises(ValueError, match=message):
        tasks.animate(painter, **{"prompts": WORDS, **options})


def test_a_painter_without_words_is_refused():
    with pytest.raises(ValueError, match="reads no words"):
        tasks.animate(pixel_painter(), WORDS)


def shown(painter, image):
    return painter.autoencoder.reconstruct(image[None])[0]


def test_a_chain_begins_with_the_image_and_goes_step_by_step(painter):
    image = np.random.default_rng(1).integers(0, 256, (16, 16, 3), "uint8")
    options = {"frames": 4, "num_steps": 4, "strength": 0.5, "seeds": 3}
    clip = tasks.chain(painter, image, ["a red cat"], smoothing=0.0, **options)
    assert clip.shape == (4, 16, 16, 3) and clip.dtype == np.uint8
    assert np.abs(clip[0].astype(int) - shown(painter, image)).max() <= 2
    second = tasks.image_to_image(painter, image, "a red cat", strength=0.5, seeds=3, num_steps=4)[0]
    assert np.abs(clip[1].astype(int) - second).max() <= 2
    steps = np.abs(np.diff(clip.astype(int), axis=0)).mean(axis=(1, 2, 3))
    smooth = tasks.chain(painter, image, ["a red cat"], smoothing=0.9, **options)
    assert np.abs(np.diff(smooth.astype(int), axis=0)).mean(axis=(1, 2, 3))[0] < 0.8 * steps[0]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"smoothing": 1.0}, "smoothing is 1.0"),
        ({"smoothing": -0.1}, "smoothing is -0.1"),
        ({"strength": 0}, "strength is 0"),
        ({"image": np.zeros((2, 16, 16, 3), "uint8")}, "one image, got 2"),
        ({"prompts": []}, "at least two prompts"),
        ({"frames": 1}, "frames is 1"),
    ],
)
def test_bad_chains_are_refused(options, message, painter):
    given = {"image": np.zeros((16, 16, 3), "uint8"), "prompts": ["a cat"], "num_steps": 4, **options}
    with pytest.raises(ValueError, match=message):
        tasks.chain(painter, given.pop("image"), given.pop("prompts"), **given)


def test_the_command_begins_with_a_picture(tmp_path, painter):
    painter.save_to_preset(tmp_path / "preset")
    Image.fromarray(np.full((20, 20, 3), 90, "uint8")).save(tmp_path / "in.png")
    arguments = ["a red cat", f"--from={tmp_path / 'in.png'}", "--steps=4", "--frames=3", "--smoothing=0.2"]
    out = tmp_path / "clip.webp"
    assert main(["animate", *arguments, f"--preset={tmp_path / 'preset'}", f"--out={out}"]) == 0
    with Image.open(out) as clip:
        assert clip.n_frames == 3
    recipe = read_recipe(out)
    assert recipe["input"]["file"] == "in.png" and recipe["smoothing"] == 0.2 and recipe["image_size"] == [16, 16]


@pytest.mark.parametrize("suffix", ["gif", "webp", "mp4"])
def test_the_command_writes_a_clip_with_its_recipe(suffix, tmp_path, capsys, painter):
    painter.save_to_preset(tmp_path / "preset")
    out = tmp_path / f"clip.{suffix}"
    arguments = [f"--preset={tmp_path / 'preset'}", f"--out={out}", "--steps=2", "--frames=4"]
    assert main(["animate", *WORDS[:2], "--loop", "--times=0,2", "--seed=3", "--seed=4", *arguments]) == 0
    if suffix != "mp4":
        with Image.open(out) as clip:
            assert clip.n_frames == 4 and clip.size == (16, 16)
    recipe = read_recipe(out)
    assert (recipe["task"], recipe["prompts"], recipe["seeds"]) == ("animate", WORDS[:2], [3, 4])
    for wrong, message in (
        (["animate", "a red cat", *arguments], "at least two prompts"),
        (["animate", *WORDS, *arguments, "--times=0,x"], "--times takes numbers"),
        (["animate", *WORDS, *arguments, "--fps=0"], "--fps is 0"),
        (["animate", *WORDS, *arguments, "--out=clip.avi"], "must end in .gif, .webp, .mp4"),
    ):
        assert main(wrong) == 2
        assert message in capsys.readouterr().err


def test_the_command_shows_one_motion_by_the_video_model(tmp_path, capsys, painter):
    painter.save_to_preset(tmp_path / "preset")
    channels = painter.unet.left_channels
    video = VideoDiffusion(channels=channels, motions=("smile", "turn"), num_heads=2, norm_num_groups=2, frames=4)
    video.save_to_preset(tmp_path / "video")
    out = tmp_path / "clip.gif"
    arguments = [f"--preset={tmp_path / 'preset'}", f"--video={tmp_path / 'video'}", f"--out={out}", "--steps=1"]
    assert main(["animate", "a man", "--motion=turn-left", "--frames=3", "--seed=4", *arguments]) == 0
    recipe = read_recipe(out)
    assert (recipe["motion"], recipe["frames"], recipe["seeds"]) == ("turn-left", 3, 4)
    with Image.open(out) as clip:
        assert clip.n_frames == 3
    for wrong, message in (
        (["a man", "--motion=wink"], "known are smile"),
        (["a mountain", "--motion=nightfall"], "this model knows smile, turn"),
        (["a man", "--motion=smile", "--loop"], "it takes no --loop"),
        (["a man", "--motion=smile", "--frames=0"], "from 2 to 64"),
        (["a man", "--motion=smile", "--frames=1000000"], "from 2 to 64"),
        (["a man", "--motion=smile", "--seed=1", "--seed=2"], "one seed"),
        (["a smiling man", "--motion=smile"], "leave that out"),
        (["a", "b", "c", "--motion=smile"], "not 3"),
        (["a man", "--motion=smile", f"--video={tmp_path / 'preset'}"], "no preset of a video model"),
    ):
        assert main(["animate", *wrong[:-1], *arguments, wrong[-1]]) == 2, wrong
        assert message in capsys.readouterr().err
    assert main(["animate", "a man", "--motion=smile", arguments[0]]) == 2  # the shipped model is another painter's
    assert "but the video model was made for [" in capsys.readouterr().err
    assert main(["animate", "a man", "a woman", *arguments]) == 2
    assert "--video is the model of a --motion" in capsys.readouterr().err
