"""diffusers and transformers load the shipped preset and paint the same picture."""

import warnings

import numpy as np
import pytest

import tfportrait as tp
from tfportrait import diffusion, presets

pytestmark = [pytest.mark.slow, pytest.mark.peers]
torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
PROMPTS = ["a smiling woman with long red hair and round glasses, watercolour", "一位戴墨镜的男士，像素风格", ""]


@pytest.fixture(scope="module")
def painter():
    return tp.LatentDiffusion.from_preset("portrait_128", dtype="float32")


@pytest.fixture(scope="module")
def pipeline():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return diffusers.StableDiffusionPipeline.from_pretrained(
            presets.locate("portrait_128"), torch_dtype=torch.float32, local_files_only=True
        )


def latent_shape(painter):
    side, config = painter.image_size // painter.autoencoder.reduction, painter.autoencoder.config
    return side, side, config["latent_channels"]


def channels_first(x):
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def channels_last(x):
    return np.moveaxis(x.detach().numpy(), 1, -1)


def test_tokenizers_agree(painter, pipeline):
    length = painter.tokenizer.max_length
    theirs = pipeline.tokenizer(PROMPTS, padding="max_length", max_length=length, truncation=True)["input_ids"]
    np.testing.assert_array_equal(painter.tokenizer.encode(PROMPTS), theirs)


@pytest.mark.parametrize("part", ["text_encoder", "unet", "encode", "decode"])
def test_networks_agree_to_1e_4(painter, pipeline, part):
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((2, *latent_shape(painter))).astype("float32")
    images = rng.uniform(-1, 1, (2, 128, 128, 3)).astype("float32")
    ids = painter.tokenizer.encode(PROMPTS[:2])
    context = np.array(painter.text_encoder(ids))
    times = np.array([10.0, 900.0], "float32")
    with torch.no_grad():
        if part == "text_encoder":
            ours, theirs = context, pipeline.text_encoder(torch.from_numpy(ids.astype("int64")))[0].numpy()
        elif part == "unet":
            ours = np.array(painter.unet(latents, times, context))
            theirs = pipeline.unet(channels_first(latents), torch.from_numpy(times), torch.from_numpy(context)).sample
            theirs = channels_last(theirs)
        elif part == "encode":
            ours = np.array(painter.autoencoder.moments(images)[0])
            theirs = channels_last(pipeline.vae.encode(channels_first(images)).latent_dist.mean)
        else:
            ours = np.array(painter.autoencoder.decode(latents))
            scaled = channels_first(latents) / pipeline.vae.config.scaling_factor
            theirs = channels_last(pipeline.vae.decode(scaled).sample)
    assert np.abs(ours - theirs).max() <= 1e-4 * max(1.0, np.abs(theirs).max())


def test_the_same_start_gives_the_same_picture(painter, pipeline):
    start = diffusion.unit_noise([3], 0, latent_shape(painter))
    ours = painter.generate(PROMPTS[0], noise=start, num_steps=20, guidance_scale=4.0)
    theirs = pipeline(
        PROMPTS[0],
        height=128,
        width=128,
        num_inference_steps=20,
        guidance_scale=4.0,
        latents=channels_first(start),
        output_type="np",
    ).images
    difference = np.abs(ours.astype("float32") - theirs * 255.0)
    assert difference.mean() <= 0.5 and difference.max() <= 16
