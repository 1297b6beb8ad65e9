import json
import os
import subprocess
import sys
import threading
import warnings

import keras
import numpy as np
import pytest
from contracts import check_layer
from painters import CAPTIONS, pixel_painter, tiny_painter

import tfportrait as tp
from tfportrait.diffusion import SAMPLERS, add_noise, spacing
from tfportrait.models import generation
from tfportrait.training import AdamW, acceleration, compiled


@pytest.fixture(scope="module")
def painter():
    return tiny_painter()


def batch(painter, count=8):
    images = np.random.default_rng(0).uniform(-1, 1, (count, 16, 16, 3)).astype("float32")
    return {"image": images, "token_ids": painter.tokenizer.encode([CAPTIONS[i % 4] for i in range(count)])}


def test_contract():
    images = np.random.default_rng(0).uniform(-1, 1, (3, 16, 16, 3)).astype("float32")
    check_layer(tiny_painter, (images,))


def test_an_image_depends_on_its_seed_alone_not_on_its_batch(painter):
    together = painter.generate("a red cat", seeds=[3, 7, 4], num_steps=4)
    alone = painter.generate("a red cat", seeds=7, num_steps=4)
    assert together.shape == (3, 16, 16, 3) and together.dtype == np.uint8
    assert np.abs(together[1].astype(int) - alone[0]).max() <= 2
    assert np.abs(together[0].astype(int) - together[1]).mean() > 1


def test_rows_shared_out_to_cores_give_the_same_pictures(painter, monkeypatch):
    asked = {"seeds": [3, 7, 4], "num_steps": 3, "guidance_scale": 3.0}
    wanted = painter.generate("a red cat", **asked)
    monkeypatch.setattr(acceleration, "_cores_of_rows", 2)
    shared = tiny_painter()
    shared.set_weights(painter.get_weights())
    images = shared.generate("a red cat", **asked)
    assert np.abs(images.astype(int) - wanted).max() <= 1
    assert np.abs(shared.generate("a red cat", seeds=7, num_steps=3, guidance_scale=1.0).astype(int)).max() > 0
    oracle_like = compiled.compiled(shared, "sums", compiled.side_by_side(lambda x: x + 1.0))
    np.testing.assert_array_equal(oracle_like(np.arange(5, dtype="float32")[:, None]), np.arange(1, 6)[:, None])


def test_the_first_picture_finds_its_decoder_traced(monkeypatch):
    painter, traced = tiny_painter(), []
    decode = painter.autoencoder.decode
    monkeypatch.setattr(
        painter.autoencoder, "decode", lambda latents: (traced.append(threading.current_thread()), decode(latents))[1]
    )
    for _ in range(2):
        painter.generate(["a red cat", "a blue dog"], num_steps=2)
    assert len(traced) == 1 and traced[0] is not threading.main_thread()


def test_images_decoded_one_after_another_are_the_same(painter, monkeypatch):
    together = painter.generate("a red cat", seeds=[3, 7, 4], num_steps=2)
    monkeypatch.setattr(generation, "PIXELS_AT_ONCE", 2 * 16 * 16)
    apart = painter.generate("a red cat", seeds=[3, 7, 4], num_steps=2)
    assert np.abs(apart.astype(int) - together).max() <= 1  # few pixels may be computed by another method


def test_one_seed_for_several_prompts_counts_up(painter):
    both = painter.generate(["a red cat", "a blue dog"], seeds=5, num_steps=3)
    second = painter.generate("a blue dog", seeds=6, num_steps=3)
    assert np.abs(both[1].astype(int) - second[0]).max() <= 2


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_reports_every_step_and_repeats_itself(painter, sampler):
    seen = []
    images = painter.generate(
        "a red cat",
        seeds=1,
        num_steps=4,
        sampler=sampler,
        on_step=lambda i, x_t, x_0: seen.append((i, x_t.shape, x_0.shape)),
    )
    assert [i for i, _, _ in seen] == list(range(4))
    assert {shape for _, *shapes in seen for shape in shapes} == {(1, 8, 8, 4)}
    np.testing.assert_array_equal(images, painter.generate("a red cat", seeds=1, num_steps=4, sampler=sampler))


def test_prompts_and_guidance_change_the_picture_and_guidance_one_is_the_plain_model(painter):
    def latents(**kwargs):
        found = []
        painter.generate("a red cat", seeds=1, num_steps=2, on_step=lambda i, x_t, x_0: found.append(x_0), **kwargs)
        return found[0]

    conditional, unconditional, guided = (latents(guidance_scale=scale) for scale in (1.0, 0.0, 3.0))
    np.testing.assert_allclose(guided, unconditional + 3.0 * (conditional - unconditional), atol=1e-4)
    assert np.abs(conditional - unconditional).max() > 1e-4
    np.testing.assert_allclose(latents(guidance_scale=3.0, negative_prompts="a red cat"), conditional, atol=1e-4)


def test_given_noise_replaces_that_of_the_seeds(painter):
    from tfportrait.diffusion import unit_noise

    start = unit_noise([9], 0, (8, 8, 4))
    by_seed = painter.generate("a red cat", seeds=9, num_steps=3)
    np.testing.assert_array_equal(by_seed, painter.generate("a red cat", seeds=1, num_steps=3, noise=start))
    every = np.stack([unit_noise([9], i, (8, 8, 4)) for i in range(4)])
    ancestral = painter.generate("a red cat", seeds=9, num_steps=3, sampler="ddpm")
    again = painter.generate("a red cat", seeds=1, num_steps=3, sampler="ddpm", noise=every)
    np.testing.assert_array_equal(ancestral, again)


def test_other_sizes_are_painted(painter):
    assert painter.generate("a red cat", num_steps=2, image_size=(16, 24)).shape == (1, 16, 24, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompts": ""}, "prompt is empty"),
        ({"prompts": ["a cat", "  "]}, "prompt is empty"),
        ({"prompts": []}, "empty list"),
        ({"prompts": [3]}, "must be a string"),
        ({"prompts": 3}, "must be a string"),
        ({"prompts": None, "negative_prompts": "a cat"}, "need prompts"),
        ({"num_steps": 0}, "at least 1"),
        ({"num_steps": 2.5}, "integer"),
        ({"guidance_scale": -1}, "at least 0"),
        ({"guidance_scale": float("nan")}, "at least 0"),
        ({"seeds": -1}, "2\\*\\*63"),
        ({"seeds": 2**63}, "2\\*\\*63"),
        ({"seeds": []}, "empty"),
        ({"sampler": "dpmpp"}, "dpmpp_2m"),
        ({"spacing": "karas"}, "karras"),
        ({"image_size": 15}, "nearest is 16"),
        ({"image_size": 0}, "nearest is 4"),
        ({"image_size": 16.0}, "nearest is 16"),
        ({"prompts": ["a", "b"], "seeds": [1, 2, 3]}, "2 prompts and 3 seeds"),
        ({"negative_prompts": ["a", "b", "c"]}, "3 negative prompts"),
        ({"noise": np.zeros((1, 4, 4, 4))}, "noise has shape"),
        ({"prompts": "([ BREAK ])"}, "prompt is empty"),
        ({"prompts": "a (cat:1.2.3)"}, "a weight is a number"),
        ({"prompts": "a cat", "negative_prompts": "a (dog:20)"}, "weight 20"),
        ({"clip_skip": 2}, "from 1 \\(the last layer\\) to 1"),
        ({"clip_skip": 1.0}, "an integer"),
    ],
)
def test_bad_arguments_are_refused_before_any_work(painter, arguments, message):
    with pytest.raises(ValueError, match=message):
        painter.generate(**{"prompts": "a red cat", "num_steps": 2, **arguments})


def test_a_long_prompt_is_painted_whole_and_changes_nothing_for_its_neighbours(painter):
    long = "a red cat with a blue dog and two green birds (and a red dog:1.3)"
    together = painter.generate(["a red cat", long, "a blue dog"], seeds=3, num_steps=2).astype(int)
    for i, prompt in enumerate(["a red cat", long, "a blue dog"]):
        assert np.abs(together[i] - painter.generate(prompt, seeds=3 + i, num_steps=2)[0]).max() <= 2
    start = painter.generate(long[:20], seeds=4, num_steps=2)
    assert np.abs(together[1] - start[0]).max() > 2  # what is beyond the first chunk is seen


def test_a_painter_that_reads_no_chinese_is_told_in_english(painter):
    assert not painter.tokenizer.reads_chinese
    for chinese, english in (("红发女孩", "a girl with red hair"), ("(红发:1.2), cat", "(red hair:1.2), cat")):
        said = painter.generate(chinese, "眼镜", seeds=1, num_steps=1)
        np.testing.assert_array_equal(said, painter.generate(english, "round glasses", seeds=1, num_steps=1))
    with pytest.warns(UserWarning, match="could not be translated: 赛博朋克; say"):
        painter.generate("赛博朋克女孩", num_steps=1)


def test_an_earlier_layer_of_the_text_encoder_gives_another_picture(painter):
    config = {**painter.text_encoder.config, "num_hidden_layers": 2}
    painter = tiny_painter(text_encoder=tp.TextEncoder(**config))
    last, same, earlier = (
        painter.generate("a red cat", seeds=1, num_steps=2, clip_skip=clip_skip) for clip_skip in (None, 1, 2)
    )
    np.testing.assert_array_equal(last, same)
    assert (last != earlier).any()


def test_where_the_context_is_pooled_a_prompt_that_is_too_long_says_what_was_cut(painter):
    pooled = {"addition_embed_type": "text", "addition_embed_type_num_heads": 2}
    painter = tiny_painter(unet=tp.UNet(**{**painter.unet.config, **pooled}))
    with pytest.warns(UserWarning, match="this was cut: .*birds"):
        painter.generate("a red cat and a (blue dog:1.2) and " * 3 + "two green birds", num_steps=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        painter.generate("a red cat BREAK a blue dog", num_steps=1)


def test_nothing_is_traced_again_for_other_prompts_seeds_samplers_and_step_counts(painter):
    painter.generate("a red cat", seeds=1, num_steps=2)
    functions = {
        name: f for name, f in painter._compiled_functions.items() if hasattr(f, "experimental_get_tracing_count")
    }
    before = {name: f.experimental_get_tracing_count() for name, f in functions.items()}
    painter.generate("a blue dog", seeds=5, num_steps=5, sampler="ddim", guidance_scale=2.5)
    painter.generate("a (blue:1.2) bird", "a cat", seeds=8, num_steps=3, sampler="euler_ancestral")
    assert before and before == {name: f.experimental_get_tracing_count() for name, f in functions.items()}


def test_not_a_number_names_the_stage():
    painter = tiny_painter()
    painter.unet.conv_out.bias.assign(np.full(4, np.nan))
    with pytest.raises(FloatingPointError, match="U-Net"):
        painter.generate("a red cat", num_steps=1)
    painter = tiny_painter()
    painter.autoencoder.decoder.conv_out.bias.assign(np.full(3, np.nan))
    with pytest.raises(FloatingPointError, match="decoded image"):
        painter.generate("a red cat", num_steps=1)


def test_training_reduces_the_loss_and_leaves_the_autoencoder_alone():
    painter = tiny_painter()
    before = [w.numpy().copy() for w in painter.autoencoder.weights]
    painter.compile(AdamW(3e-3, ema_decay=0.9))
    data = batch(painter)
    start = painter.evaluate(data, verbose=0)
    painter.fit(data, batch_size=8, epochs=30, verbose=0)
    end = painter.evaluate(data, verbose=0)
    assert end < 0.8 * start
    assert end == painter.evaluate(data, verbose=0)
    for old, weight in zip(before, painter.autoencoder.weights, strict=True):
        if "seed" not in weight.path:
            np.testing.assert_array_equal(old, weight.numpy())


def test_the_loss_is_the_mean_squared_error_of_the_prediction():
    """A U-Net that predicts nothing has the mean square of the target as its loss: 1 for v of unit-variance latents."""
    painter = tiny_painter(autoencoder=None, caption_dropout=0.0)
    for weight in painter.unet.conv_out.weights:
        weight.assign(np.zeros(weight.shape))
    latents = np.random.default_rng(1).standard_normal((512, 8, 8, 4)).astype("float32")
    token_ids = np.repeat(painter.tokenizer.encode(["a red cat"]), 512, axis=0)
    loss = float(painter.compute_loss({"latents": latents, "token_ids": token_ids}))
    assert abs(loss - 1.0) < 0.03


def test_focus_counts_the_latents_around_a_point_more_and_the_mean_loss_stays():
    def loss(**where):
        painter = tiny_painter(autoencoder=None, prediction_type="sample", focus=(0.25, 0.75, 0.1, 4.0))
        for weight in painter.unet.conv_out.weights:
            weight.assign(np.zeros(weight.shape))  # the error of latents x_0 is x_0^2
        latents = np.zeros((1, 8, 8, 4), "float32")
        latents[:, where.get("rows", slice(None)), where.get("columns", slice(None))] = 1.0
        token_ids = painter.tokenizer.encode(["a red cat"])
        return float(painter.compute_loss({"latents": latents, "token_ids": token_ids}))

    everywhere, near, far = loss(), loss(rows=slice(0, 4), columns=slice(4, 8)), loss(rows=slice(4, 8))
    assert everywhere == pytest.approx(1.0, abs=1e-5)
    # the bump's integral is 4 * 2 pi 0.1^2 = 0.25; the quarter around it has weight (0.25 + 0.25) / (1 + 0.25)
    assert near == pytest.approx(0.4, abs=0.01) and far == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize("focus", [(0.5, 0.5, 0.2), (0.5, 0.5, 0.0, 1.0), (0.5, 0.5, 0.2, -1.0)])
def test_a_focus_that_makes_no_sense_is_refused(focus):
    with pytest.raises(ValueError, match="focus is .* but must be"):
        tiny_painter(focus=focus)


def test_dropped_captions_are_the_empty_prompt():
    painter = tiny_painter(caption_dropout=0.999)
    captions = painter.tokenizer.encode(["a red cat"] * 4)
    seen = []
    painter.text_encoder.call = lambda ids: seen.append(np.array(ids)) or keras.ops.zeros((4, 16, 16))
    painter.compute_loss({"latents": np.zeros((4, 8, 8, 4), "float32"), "token_ids": captions})
    np.testing.assert_array_equal(seen[0], np.repeat(painter.tokenizer.encode([""]), 4, axis=0))


def test_pictures_without_captions_have_the_empty_one(painter):
    data = batch(painter, 4)
    empty = {**data, "token_ids": np.repeat(painter.tokenizer.encode([""]), 4, axis=0)}
    alone = float(painter.compute_loss(data["image"], training=False))
    assert alone == pytest.approx(float(painter.compute_loss(empty, training=False)), rel=1e-5)


def test_a_preset_keeps_the_grid_of_every_sampler(tmp_path):
    painter = tiny_painter(schedule="cosine")
    painter.save_to_preset(tmp_path)
    again = tp.LatentDiffusion.from_preset(tmp_path)
    for sampler in SAMPLERS:
        ours, theirs = (spacing.rates(p.schedule, sampler, 5) for p in (painter, again))
        np.testing.assert_allclose(ours[:-1], theirs[:-1], err_msg=sampler)


def test_a_schedule_that_diffusers_lacks_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="edm"):
        tiny_painter(schedule="edm", prediction_type="edm").save_to_preset(tmp_path / "preset")
    assert not (tmp_path / "preset").exists()


def test_latents_and_images_train_alike(painter):
    data = batch(painter, 4)
    latents = np.array(painter.autoencoder.encode(data["image"]))
    assert np.isfinite(
        float(painter.compute_loss({"latents": latents, "token_ids": data["token_ids"]}, training=False))
    )
    by_image = float(painter.compute_loss(data, training=False))
    as_bytes = {**data, "image": np.rint((data["image"] + 1) * 127.5).astype("uint8")}
    assert abs(by_image - float(painter.compute_loss(as_bytes, training=False))) < 0.01


def test_fit_takes_a_plain_array_of_images_for_unconditional_pixel_diffusion():
    painter = pixel_painter()
    painter.compile(AdamW(3e-3))
    images = np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 3)).astype("float32")
    history = painter.fit(images, batch_size=8, epochs=15, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert painter.generate(None, seeds=[1, 2], num_steps=3).shape == (2, 8, 8, 3)
    with pytest.raises(ValueError, match="unconditional"):
        painter.generate("a red cat")


@pytest.mark.slow
def test_keras_file_and_preset_give_the_same_pictures_in_a_fresh_process(tmp_path):
    painter = tiny_painter()
    painter.compile(AdamW(1e-3, ema_decay=0.5))
    painter.fit(batch(painter), batch_size=8, epochs=3, verbose=0)
    painter.save(tmp_path / "painter.keras")
    painter.save_to_preset(tmp_path / "preset")
    wanted = painter.generate("a red cat", seeds=3, num_steps=3)
    script = """
import json, sys
import tfportrait as tp
for model in (tp.load(sys.argv[1]), tp.LatentDiffusion.from_preset(sys.argv[2])):
    print("RESULT", json.dumps(model.generate("a red cat", seeds=3, num_steps=3).ravel().tolist()))
"""
    arguments = [sys.executable, "-c", script, str(tmp_path / "painter.keras"), str(tmp_path / "preset")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=os.environ)
    results = [
        json.loads(line.removeprefix("RESULT ")) for line in done.stdout.splitlines() if line.startswith("RESULT")
    ]
    from_keras, from_preset = (np.reshape(result, wanted.shape) for result in results)
    np.testing.assert_array_equal(from_keras, wanted)
    assert np.abs(from_preset - wanted).max() <= 2  # float16 on the disk


def test_a_preset_says_what_is_missing_or_damaged(tmp_path):
    tiny_painter().save_to_preset(tmp_path / "preset")
    weights = tmp_path / "preset" / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ValueError, match="diffusion_pytorch_model"):
        tp.LatentDiffusion.from_preset(tmp_path / "preset")
    (tmp_path / "preset" / "model_index.json").unlink()
    with pytest.raises(ValueError, match="model_index.json"):
        tp.LatentDiffusion.from_preset(tmp_path / "preset")
    with pytest.raises(ValueError, match="portrait"):
        tp.LatentDiffusion.from_preset("potrait_128")


def test_load_refuses_what_is_no_keras_file(tmp_path):
    (tmp_path / "x.keras").write_text("no")
    with pytest.raises(ValueError, match="no .keras file"):
        tp.load(tmp_path / "x.keras")
    with pytest.raises(ValueError, match="no file"):
        tp.load(tmp_path / "y.keras")


@pytest.mark.slow
def test_half_precision_paints_without_nan():
    keras.config.set_dtype_policy("mixed_bfloat16")
    painter = tiny_painter()
    assert painter.generate("a red cat", num_steps=2).shape == (1, 16, 16, 3)
    painter.compile(AdamW(1e-3))
    assert np.isfinite(painter.fit(batch(painter), epochs=1, verbose=0).history["loss"][0])


def test_preprocess_makes_numeric_batches_that_fit_takes(painter):
    import tensorflow as tf

    data = {"image": np.zeros((4, 16, 16, 3), "float32"), "caption": np.array(CAPTIONS)}
    dataset = painter.preprocess(tf.data.Dataset.from_tensor_slices(data).batch(2))
    first = next(iter(dataset))
    assert set(first) == {"image", "token_ids"}
    np.testing.assert_array_equal(first["token_ids"], painter.tokenizer.encode(CAPTIONS[:2]))


@pytest.mark.parametrize(
    ("arguments", "message"), [({"text_encoder": None}, "go together"), ({"caption_dropout": 1.0}, "caption_dropout")]
)
def test_parts_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny_painter(**arguments)


@pytest.mark.slow
def test_trained_denoiser_inverts_a_single_image():
    """On one training image the ideal x_0 is that image: a trained painter must come near it from any noise."""
    painter = pixel_painter()
    painter.compile(AdamW(5e-3, ema_decay=0.95))
    image = np.linspace(-1, 1, 192, dtype="float32").reshape(1, 8, 8, 3)
    painter.fit(np.repeat(image, 64, axis=0), batch_size=32, epochs=150, verbose=0)
    painted = painter.generate(None, seeds=[1, 2], num_steps=10).astype("float32") / 127.5 - 1.0
    noisy = add_noise(image, np.ones_like(image), 0.5, 0.5)
    assert np.abs(painted - image).mean() < 0.4 * np.abs(noisy - image).mean()


JAX_SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[2])
import numpy as np
import tfportrait as tp
from painters import tiny_painter
from tfportrait.training import AdamW, acceleration, compiled

painted = tp.LatentDiffusion.from_preset(sys.argv[1]).generate("a red cat", seeds=3, num_steps=3)
painter = tiny_painter()
painter.compile(AdamW(3e-3, ema_decay=0.9))
rng = np.random.default_rng(0)
data = {
    "latents": rng.standard_normal((16, 8, 8, 4)).astype("float32") * 0.1 + 0.5,
    "token_ids": painter.tokenizer.encode(["a red cat"] * 16),
}
start = painter.evaluate(data, verbose=0)
painter.fit(data, batch_size=8, epochs=20, verbose=0)
end = painter.evaluate(data, verbose=0)
print("RESULT", json.dumps([painted.ravel().tolist(), start, end, "tensorflow" in sys.modules]))
"""


@pytest.mark.slow
def test_jax_paints_the_same_picture_and_learns_without_tensorflow(tmp_path):
    painter = tiny_painter()
    painter.save_to_preset(tmp_path)
    wanted = tp.LatentDiffusion.from_preset(tmp_path).generate("a red cat", seeds=3, num_steps=3)
    arguments = [sys.executable, "-c", JAX_SCRIPT, str(tmp_path), os.path.dirname(__file__)]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment)
    result = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    painted, start, end, tensorflow = json.loads(result.removeprefix("RESULT "))
    assert np.abs(np.reshape(painted, wanted.shape) - wanted).max() <= 2
    assert end < 0.8 * start
    assert not tensorflow
