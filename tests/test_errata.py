"""What the source document prints, tried: the printed form fails, the right one holds."""

import keras
import numpy as np
import pytest
from keras import ops

import tfportrait as tp
from tfportrait.diffusion import add_noise
from tfportrait.models.convolutional import ConvDecoder
from tfportrait.models.network import batch_images
from tfportrait.models.vae import kl_divergence, reparameterize
from tfportrait.training import AdamW


def test_the_printed_reshape_cannot_be_done():
    """Section 4.2.1."""
    printed = [keras.layers.Dense(256), keras.layers.Reshape((8, 8, 256))]
    x = printed[0](np.zeros((1, 100), "float32"))
    with pytest.raises(ValueError):
        printed[1](x)
    right = ConvDecoder(100, 256, 1, 32)
    right.build()
    assert right.dense.units == 8 * 8 * right.widths[-1]


def test_the_printed_output_is_no_picture_of_256_pixels():
    """Sections 4.2.1 and 4.2.3."""
    features = np.zeros((1, 8, 8, 16), "float32")
    picture = np.array(keras.layers.Conv2D(1, 3, activation="tanh", padding="same")(features))
    assert picture.shape == (1, 8, 8, 1)
    with pytest.raises(ValueError, match="cannot reshape array of size 64"):
        picture[0].reshape(256, 256)
    right = ConvDecoder(100, 256, 1, 8)
    right.build()
    assert len(right.convs) == 5
    assert tuple(right(np.zeros((1, 100), "float32")).shape) == (1, 256, 256, 1)


def test_the_printed_sampling_has_the_wrong_variance():
    """Section 4.2.1."""
    tf = pytest.importorskip("tensorflow")
    assert not hasattr(tf, "random_normal")
    mean, log_variance = np.full((20_000, 3), 1.0, "float32"), np.full((20_000, 3), np.log(0.25), "float32")
    with pytest.raises(TypeError):  # a list of two tensors has no columns
        [mean, log_variance][:, 0]
    printed = mean + np.exp(log_variance) * np.random.default_rng(0).standard_normal(mean.shape)
    assert printed.var() == pytest.approx(0.25**2, rel=0.05)
    assert np.var(reparameterize(mean, log_variance, seed=0)) == pytest.approx(0.25, rel=0.05)


def test_without_the_divergence_codes_leave_the_prior():
    """Section 4.2.1: squared error alone."""
    images = np.random.default_rng(0).integers(0, 256, (32, 32, 32, 1)).astype("uint8")

    def codes(beta):
        keras.utils.set_random_seed(0)
        vae = tp.VAE(image_size=32, channels=1, latent_dim=8, width=8, beta=beta, decoder_std=0.3)
        vae.compile(AdamW(3e-3))
        vae.fit(images, batch_size=32, epochs=30, verbose=0)
        mean, log_variance = vae.moments(batch_images(images))
        return float(ops.mean(ops.sum(kl_divergence(mean, log_variance), axis=-1)))

    assert codes(beta=0.0) > 5 * codes(beta=20.0)


def test_pictures_fill_the_range_of_tanh():
    """Section 4.1.2."""
    picture = np.uint8([[[[0], [255]]]])
    printed = picture / 255.0
    assert printed.min() == 0.0  # tanh's lower half never occurs
    right = np.array(batch_images(picture))
    assert right.min() == -1.0 and right.max() == 1.0


def test_noising_keeps_the_dimension():
    """Section 2.2."""
    x_0 = np.random.default_rng(0).standard_normal((2, 8, 8, 4)).astype("float32")
    noise = np.random.default_rng(1).standard_normal(x_0.shape).astype("float32")
    x_t = add_noise(x_0, noise, 0.6, 0.8)
    assert x_t.shape == x_0.shape
    np.testing.assert_allclose((x_t - np.float32(0.8) * noise) / np.float32(0.6), x_0, atol=1e-5)  # and loses nothing


def test_stable_diffusion_has_no_discriminator_and_its_loss_no_second_player():
    """Sections 1.2 and 2.3: what `fit` trains is the U-Net alone, on a squared error."""
    unet = tp.UNet(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        block_out_channels=(8,),
        down_block_types=("DownBlock2D",),
        up_block_types=("UpBlock2D",),
        mid_block_type="UNetMidBlock2D",
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=None,
    )
    painter = tp.LatentDiffusion(unet=unet)
    painter.compile(AdamW(1e-3))
    assert {id(v) for v in painter.trainable_variables} == {id(v) for v in unet.trainable_variables}
    painter.fit(np.zeros((4, 8, 8, 1), "float32"), batch_size=4, verbose=0)
    assert not any("discriminator" in v.path for v in painter.variables)
    for weight in unet.conv_out.weights:  # a network that predicts nothing has the mean square of its target as loss
        weight.assign(np.zeros(weight.shape))
    painter.prediction_type = "v_prediction"
    loss = float(painter.compute_loss(np.random.default_rng(0).standard_normal((256, 8, 8, 1)).astype("float32")))
    assert loss == pytest.approx(1.0, abs=0.05)
