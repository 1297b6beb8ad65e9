"""Clips painted all at once: temporal layers that begin as nothing, learn, and go into a preset of their own."""

import keras
import numpy as np
import pytest
from painters import tiny_painter

from tfportrait import tasks, training
from tfportrait.diffusion import guidance
from tfportrait.models.latent_diffusion import LatentDiffusion
from tfportrait.models.video import VideoDiffusion, guide_clips
from tfportrait.tasks.moving import video_presets

MOTIONS = ("darker", "lighter")


def tiny_video(painter, frames=4):
    keras.utils.set_random_seed(5)
    channels = painter.unet.left_channels
    video = VideoDiffusion(
        channels=channels, motions=MOTIONS, width=12, num_heads=2, norm_num_groups=2, motion_dim=4, frames=frames
    )
    return video.attach(painter)


@pytest.fixture(scope="module")
def painter():
    return tiny_painter()


@pytest.fixture(scope="module")
def video(painter):
    return tiny_video(painter)


def clips(painter, count=8, frames=4):
    """Latents that rise or fall steadily, by motion."""
    random = np.random.default_rng(0)
    side = painter.unet.config["sample_size"]
    start = random.normal(0, 0.3, (count, 1, side, side, painter.latent_channels))
    motion = np.arange(count, dtype="int32") % 2
    slope = (
        np.where(motion == 0, -1.0, 1.0)[:, None, None, None, None]
        * np.linspace(0, 1, frames)[None, :, None, None, None]
    )
    ids = painter.tokenizer.encode(["a cat"] * count)
    return {"latents": (start + slope).astype("float32"), "first": ids, "last": ids, "motion": motion}


def test_untrained_it_paints_what_the_painter_paints(painter, video):
    clip = video.generate("a red cat", motion="darker", frames=3, seeds=7, num_steps=2)
    assert clip.shape == (1, 3, 16, 16, 3) and clip.dtype == np.uint8
    alone = painter.generate("a red cat", seeds=7, num_steps=2)
    assert np.abs(clip[0].astype(int) - alone).max() <= 2


def test_the_frames_contexts_go_from_the_first_words_to_the_last(painter, video):
    options = {"motion": "darker", "frames": 5, "seeds": 7, "num_steps": 2, "motion_guidance": 4.0}
    both = video.generate("a red cat", "two green birds", **options)[0]
    first, last = (video.generate(text, **options)[0] for text in ("a red cat", "two green birds"))
    assert np.abs(both[0].astype(int) - first[0]).max() <= 2
    assert np.abs(both[-1].astype(int) - last[-1]).max() <= 2
    assert (both[2] != first[2]).any()


def test_what_tells_frames_apart_is_guided_by_itself():
    random = np.random.default_rng(3)
    conditional, unconditional = random.normal(size=(2, 6, 4, 4, 2)).astype("float32")
    same = np.asarray(guide_clips(conditional, unconditional, 3, 4.0, 4.0))
    np.testing.assert_allclose(same, guidance.guide(conditional, unconditional, 4.0), rtol=1e-5, atol=1e-5)
    parts = [x.reshape(2, 3, 4, 4, 2) for x in (conditional, unconditional)]
    means = [x.mean(axis=1, keepdims=True) for x in parts]
    apart = [x - mean for x, mean in zip(parts, means, strict=True)]
    wanted = guidance.guide(*means, 4.0) + guidance.guide(*apart, 1.5)
    found = np.asarray(guide_clips(conditional, unconditional, 3, 4.0, 1.5)).reshape(wanted.shape)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_less_guidance_of_the_motion_leaves_frames_nearer_to_each_other(video):
    options = {"motion": "darker", "frames": 4, "seeds": 7, "num_steps": 2}
    spread = [
        video.generate("a red cat", "two green birds", motion_guidance=scale, **options)[0].astype(float).std(0).mean()
        for scale in (0.5, 4.0)
    ]
    assert spread[0] < spread[1]


def test_the_loss_weighs_what_tells_frames_apart(painter):
    moving, losses = clips(painter), {}
    still = {**moving, "latents": moving["latents"][:, :1].repeat(4, axis=1)}
    for weight in (1.0, 5.0, 9.0):
        video = VideoDiffusion(
            channels=painter.unet.left_channels,
            motions=MOTIONS,
            width=12,
            num_heads=2,
            norm_num_groups=2,
            difference_weight=weight,
        ).attach(painter)
        losses[weight] = [float(video.compute_loss(data, training=False)) for data in (still, moving)]
    np.testing.assert_allclose(losses[1.0][0], losses[9.0][0], rtol=1e-5)  # nothing tells still frames apart
    assert losses[5.0][1] > 1.01 * losses[1.0][1]
    np.testing.assert_allclose(losses[9.0][1] - losses[5.0][1], losses[5.0][1] - losses[1.0][1], rtol=1e-3)


def test_clips_of_other_seeds_differ_and_do_not_depend_on_the_batch(painter, video):
    options = {"motion": "darker", "frames": 3, "num_steps": 2, "sampler": "euler_ancestral"}
    both = video.generate("a red cat", seeds=[3, 4], **options)
    alone = video.generate("a red cat", seeds=4, **options)
    assert both.shape == (2, 3, 16, 16, 3) and (both[0] != both[1]).any()
    assert np.abs(both[1].astype(int) - alone[0]).max() <= 2


@pytest.mark.slow
def test_it_learns_motions_that_words_do_not_say_and_leaves_the_painter_alone():
    painter = tiny_painter()
    video, data = tiny_video(painter), clips(painter)
    before = [keras.ops.convert_to_numpy(weight) for weight in painter.unet.weights]
    video.compile(training.AdamW(1e-2))
    batches = ((data,) for _ in range(60))
    history = video.fit(batches, steps_per_epoch=20, epochs=3, verbose=0, shuffle=False).history["loss"]
    assert history[-1] < 0.9 * history[0]
    for weight, old in zip(painter.unet.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), old)
    losses = [float(video.compute_loss(data, training=False)) for _ in range(2)]
    assert losses[0] == losses[1]
    wrong = float(video.compute_loss({**data, "motion": 1 - data["motion"]}, training=False))
    assert wrong > losses[0]


@pytest.mark.slow
@pytest.mark.parametrize("motion", ["turn-left", "nightfall"])
def test_what_ships_moves_more_steadily_than_clips_between_prompts(motion):
    names = video_presets(motion)
    painter = LatentDiffusion.from_preset(names[0])
    prompt = "a lake in the mountains" if motion == "nightfall" else "a woman with long red hair, anime"
    first, last, kind = tasks.motion_ends([prompt], motion)
    video = VideoDiffusion.from_preset(names[1], painter)
    together = video.generate(first, last, motion=kind, seeds=[1, 2], num_steps=8)
    single = np.stack([tasks.animate(painter, [first, last], frames=8, seeds=seed, num_steps=8) for seed in (1, 2)])
    steps = [np.abs(np.diff(clips.astype(float), axis=1)).mean(axis=(2, 3, 4)) for clips in (together, single)]
    worst = [(step.max(axis=1) / step.mean(axis=1)).mean() for step in steps]
    assert worst[0] < 0.8 * worst[1] and steps[0].mean() > 0.5  # steady, and not still


def test_it_comes_back_from_its_preset_without_the_painter(painter, tmp_path):
    video = tiny_video(painter)
    for layer in video.transformers:
        layer.proj_out.kernel.assign(np.random.default_rng(1).normal(0, 0.1, layer.proj_out.kernel.shape))
    video.save_to_preset(tmp_path)
    again = VideoDiffusion.from_preset(tmp_path, painter)
    assert again.motions == list(MOTIONS) and again.frames == 4
    own, painters = (sum(int(np.prod(weight.shape)) for weight in each.weights) for each in (video, painter.unet))
    assert 2 * own < painters * 8
    options = {"motion": "lighter", "seeds": 3, "num_steps": 2}
    first, second = (each.generate("a red cat", **options).astype(int) for each in (video, again))
    assert np.abs(first - second).max() <= 3  # float16 on disk
    assert np.abs(first - tiny_video(painter).generate("a red cat", **options)).max() > 3


def test_one_trace_for_clips_of_one_length(painter, monkeypatch):
    video, traces = tiny_video(painter), []
    call = painter.unet.call
    monkeypatch.setattr(painter.unet, "call", lambda *args, **kwargs: traces.append(1) or call(*args, **kwargs))
    for seed, motion in ((1, "darker"), (2, "lighter")):
        video.generate("a red cat", motion=motion, seeds=seed, num_steps=2)
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"motion": "jump"}, "unknown motion 'jump'; this model knows darker, lighter"),
        ({"frames": 1}, "frames is 1"),
        ({"frames": 65}, "frames is 65"),
        ({"last": ["a", "b"]}, "2 prompts for the last frames of 1 clips"),
        ({"num_steps": 0}, "num_steps is 0"),
        ({"motion_guidance": -1.0}, "motion_guidance is -1.0"),
    ],
)
def test_bad_arguments_are_refused(video, options, message):
    with pytest.raises(ValueError, match=message):
        video.generate("a red cat", options.pop("last", None), **{"motion": "darker", **options})


def test_another_painter_is_refused_and_none_is_said(painter, video):
    with pytest.raises(ValueError, match="leave .* channels, but the video model was made for"):
        VideoDiffusion(channels=(3, 3, 3), motions=MOTIONS, norm_num_groups=1, num_heads=1).attach(painter)
    with pytest.raises(ValueError, match="has no painter yet"):
        VideoDiffusion(channels=(4,), motions=MOTIONS, norm_num_groups=1, num_heads=1).painter  # noqa: B018
