"""KerasCV's networks in ours: equal outputs from small models of KerasCV's layers, and (slow) from the real ones."""

import gc
import os
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import tfportrait as tp
from tfportrait.diffusion import Denoiser, samplers, schedules, spacing, unit_noise
from tfportrait.models.tokenizer import Tokenizer
from tfportrait.stable_diffusion import keras_cv as reader
from tfportrait.stable_diffusion.single_file import SCHEDULER

keras_cv = pytest.importorskip("keras_cv")
import keras_cv_models as small  # noqa: E402  (needs KerasCV)

RANDOM = np.random.default_rng(1)
LATENTS = RANDOM.standard_normal((2, small.SIDE, small.SIDE, 4)).astype("float32")
CONTEXT = RANDOM.standard_normal((2, small.TOKENS, small.CONTEXT)).astype("float32")
IMAGES = RANDOM.uniform(-1, 1, (2, 2 * small.SIDE, 2 * small.SIDE, 3)).astype("float32")
TIMES = np.float32([3, 901])


def check_equal(ours, theirs, tolerance=1e-5):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape and theirs.std() > 0
    assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


def encoded(model, token_ids):
    positions = np.tile(np.arange(token_ids.shape[1], dtype="int32"), (len(token_ids), 1))
    return model([token_ids, positions])


@pytest.fixture(scope="module")
def model():
    """A `StableDiffusion` whose parts are small, so that it downloads none."""
    model = keras_cv.models.StableDiffusion(jit_compile=False)
    model._diffusion_model, model._decoder = small.diffusion_model(), small.decoder()
    model._image_encoder, model._text_encoder = small.image_encoder(), small.text_encoder()
    return model


@pytest.fixture(scope="module")
def painter(model):
    tokenizer = Tokenizer.train(["a red cat", "a blue dog"] * 2, 560, max_length=small.TOKENS)
    return tp.stable_diffusion.from_keras_cv(model, tokenizer)


def test_every_network_computes_the_same(model, painter):
    check_equal(painter.unet(LATENTS, TIMES, CONTEXT), reader.network(model.diffusion_model, CONTEXT)(LATENTS, TIMES))
    check_equal(painter.autoencoder.encode(IMAGES), model.image_encoder(IMAGES))
    check_equal(painter.autoencoder.decode(LATENTS), model.decoder(LATENTS))
    token_ids = painter.tokenizer.encode(["a red cat", "a blue dog with a hat"])
    check_equal(painter.text_encoder(token_ids), encoded(model.text_encoder, token_ids))


def test_what_is_flat_is_encoded_the_same(model, painter):
    """Only here does the epsilon of the normalisations show."""
    flat = np.full_like(IMAGES, 0.3)
    check_equal(painter.autoencoder.encode(flat), model.image_encoder(flat), tolerance=1e-4)


def test_the_gelu_of_the_second_version():
    token_ids = RANDOM.integers(0, 560, (2, small.TOKENS)).astype("int32")
    theirs = small.text_encoder(activation=keras.ops.gelu)
    check_equal(reader.text_encoder(theirs)(token_ids), encoded(theirs, token_ids))


def test_our_samplers_run_on_their_network(model, painter):
    schedule, _ = schedules.from_diffusers(SCHEDULER)
    rates = spacing.rates(schedule, "dpmpp_2m", 4)
    start = unit_noise([5, 6], 0, LATENTS.shape[1:])

    def sample(network):
        denoise = Denoiser(network, schedule, "epsilon")
        return samplers.get("dpmpp_2m")(denoise, keras.ops.convert_to_tensor(start), rates, None)

    theirs = sample(reader.network(model.diffusion_model, CONTEXT))
    check_equal(sample(lambda x, time: painter.unet(x, time, CONTEXT)), theirs, tolerance=1e-4)


def test_it_paints_and_is_kept_in_a_folder(painter, tmp_path):
    assert painter.generate("a red cat", num_steps=1, guidance_scale=1).shape == (1, 2 * small.SIDE, 2 * small.SIDE, 3)
    painter.unet.save_to_folder(tmp_path / "unet", dtype="float32")
    again = tp.UNet.from_folder(tmp_path / "unet")
    assert again.config == painter.unet.config and again.config["approximate_gelu"]
    np.testing.assert_allclose(again(LATENTS, TIMES, CONTEXT), painter.unet(LATENTS, TIMES, CONTEXT), atol=1e-5)


def test_constants_of_diffusers_stay_out_of_its_files(painter):
    assert "norm_eps" not in tp.AutoencoderKL().disk() and "norm_eps" in painter.autoencoder.disk()
    plain = tp.UNet(**{**painter.unet.config, "transformer_norm_eps": 1e-6, "approximate_gelu": False})
    assert not {"transformer_norm_eps", "approximate_gelu"} & set(plain.disk())


def test_the_noise_schedule_is_kerascvs():
    from keras_cv.src.models.stable_diffusion.constants import _ALPHAS_CUMPROD

    schedule, _ = schedules.from_diffusers(SCHEDULER)
    signal_rate = np.sqrt(np.float32(_ALPHAS_CUMPROD))
    times = schedule.network_time(schedule.time(signal_rate, np.sqrt(1 - signal_rate**2)))
    np.testing.assert_allclose(times, np.arange(1000), atol=0.01)


def test_what_kerascv_does_not_build_is_refused():
    with pytest.raises(ValueError, match="Sequential is no keras_cv.models.StableDiffusion"):
        tp.stable_diffusion.from_keras_cv(keras.Sequential(), "tokenizer")
    with pytest.raises(ValueError, match="Sequential has no ResBlock"):
        reader.unet(keras.Sequential())
    theirs = small.text_encoder()
    theirs = keras.Model(theirs.inputs, keras.layers.LayerNormalization()(theirs.output))
    with pytest.raises(ValueError, match="not built as KerasCV builds it: 2 LayerNormalization where 1 belong"):
        reader.text_encoder(theirs)


def free_memory():
    """Bytes that Linux says are available; elsewhere all that there are."""
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        return 1024 * int(re.search(r"MemAvailable:\s+(\d+)", meminfo.read_text())[1])
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0


@pytest.mark.slow
@pytest.mark.parametrize("version", [1, 2])
def test_the_real_networks_compute_the_same(version):
    """With random weights, one network after the other: 8.7 GB at most."""
    if free_memory() < 12e9:
        pytest.skip("needs 12 GB of free memory")
    from keras_cv.src.models.stable_diffusion import diffusion_model, text_encoder

    suffix = "V2" * (version == 2)
    latents = RANDOM.standard_normal((1, 16, 16, 4)).astype("float32")
    token_ids = RANDOM.integers(0, 49408, (1, 77)).astype("int32")
    theirs = getattr(text_encoder, f"TextEncoder{suffix}")(77, download_weights=False)
    check_equal(reader.text_encoder(theirs)(token_ids), encoded(theirs, token_ids), tolerance=1e-4)
    if version == 1:
        encoder = keras_cv.models.stable_diffusion.ImageEncoder(download_weights=False)
        decoder = keras_cv.models.stable_diffusion.Decoder(128, 128, download_weights=False)
        ours = reader.autoencoder(encoder, decoder)
        images = RANDOM.uniform(-1, 1, (1, 128, 128, 3)).astype("float32")
        check_equal(ours.encode(images), encoder(images), tolerance=1e-4)
        check_equal(ours.decode(latents), decoder(latents), tolerance=1e-4)
        del encoder, decoder, ours
    del theirs
    gc.collect()
    theirs = getattr(diffusion_model, f"DiffusionModel{suffix}")(128, 128, 77, download_weights=False)
    context = RANDOM.standard_normal((1, 77, theirs.input_shape[2][-1])).astype("float32")
    wanted = np.asarray(reader.network(theirs, context)(latents, np.float32([901])))
    check_equal(reader.unet(theirs)(latents, np.float32([901]), context), wanted, tolerance=1e-4)
