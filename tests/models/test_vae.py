import keras
import numpy as np
import pytest
from contracts import check_files, check_folder, check_layer
from keras import ops
from painters import pictures

import tfportrait as tp
from tfportrait.models.vae import gaussian_nll, kl_divergence, reparameterize
from tfportrait.training import AdamW


def tiny_vae(**changes):
    return tp.VAE(**{"image_size": 32, "channels": 1, "latent_dim": 4, "width": 8, **changes})


@pytest.mark.parametrize("normalization", ["group", "batch", None])
def test_contract(normalization):
    def make(**kwargs):
        return tiny_vae(normalization=normalization, **kwargs)

    images = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32, 1)).astype("float32")
    # the log-variance does not reach the reconstruction through the mean, but shares its layer
    check_layer(make, (images,), output_dtype="float32")


def test_files(tmp_path):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 1)).astype("float32")
    models = {name or "none": (tiny_vae(normalization=name), (images,)) for name in ("batch", "group", None)}
    for name, (model, inputs) in models.items():
        check_folder(model, inputs, tmp_path / name)
    check_files(models, tmp_path)


def test_the_divergence_is_that_of_the_integral():
    """KL(N(m, s^2) || N(0, 1)) by numerical integration."""
    mean, log_variance = np.float32([0.0, 1.5, -0.3]), np.float32([0.0, -1.0, 0.7])
    z = np.linspace(-12, 12, 200_001)
    wanted = []
    for m, s in zip(mean, np.exp(log_variance / 2), strict=True):
        log_q = -0.5 * ((z - m) / s) ** 2 - np.log(s) - 0.5 * np.log(2 * np.pi)
        log_p = -0.5 * z**2 - 0.5 * np.log(2 * np.pi)
        wanted.append(np.sum(np.exp(log_q) * (log_q - log_p)) * (z[1] - z[0]))
    np.testing.assert_allclose(kl_divergence(mean, log_variance), wanted, atol=1e-5)


def test_reparameterised_samples_have_their_mean_and_variance():
    mean, log_variance = np.full((20_000, 1), 2.0, "float32"), np.full((20_000, 1), np.log(0.25), "float32")
    samples = np.array(reparameterize(mean, log_variance, seed=1))
    assert abs(samples.mean() - 2) < 0.02 and abs(samples.std() - 0.5) < 0.02


def test_the_best_deviation_has_the_least_likelihood_loss():
    errors = np.float32([0.1, 0.3])
    best = float(np.mean(gaussian_nll(errors)))
    others = [float(np.mean(gaussian_nll(errors, std))) for std in np.sqrt(0.2) * np.array([0.5, 0.9, 1.1, 2.0])]
    assert best == pytest.approx(float(np.mean(gaussian_nll(errors, float(np.sqrt(0.2))))), abs=1e-6)
    assert best < min(others)
    # by the formula of the normal density
    assert best == pytest.approx(0.5 * (1 + np.log(2 * np.pi * 0.2)), abs=1e-6)


def test_the_loss_is_the_negative_elbo():
    vae = tiny_vae(decoder_std=0.5, beta=2.0)
    images = pictures(8)
    loss = float(vae.compute_loss(images, training=False))
    logged = {name: float(tracker.result()) for name, tracker in vae.trackers.items()}
    assert loss == pytest.approx(logged["reconstruction"] + 2.0 * logged["kl"] / 1024, rel=1e-5)
    assert loss == float(vae.compute_loss(images, training=False))
    mean, log_variance = vae.moments(images / 127.5 - 1)
    assert logged["kl"] == pytest.approx(float(ops.mean(ops.sum(kl_divergence(mean, log_variance), -1))), rel=1e-5)


def test_the_bound_is_below_the_likelihood_and_reaches_it_at_the_posterior():
    """x = 2 z + 0.5 e with z, e ~ N(0, 1): its likelihood and its posterior are known."""
    a, s, x = 2.0, 0.5, 1.3
    likelihood = -0.5 * x**2 / (a**2 + s**2) - 0.5 * np.log(2 * np.pi * (a**2 + s**2))
    precision = 1 + a**2 / s**2
    posterior = (a * x / s**2 / precision, np.log(1 / precision))

    def bound(mean, log_variance):
        error = (x - a * mean) ** 2 + a**2 * np.exp(log_variance)  # the expectation over z, by hand
        nll = float(gaussian_nll(np.float32([error]), s)[0])
        return -nll - float(kl_divergence(np.float32(mean), np.float32(log_variance)))

    assert bound(*posterior) == pytest.approx(likelihood, abs=1e-5)
    for other in [(0.0, 0.0), (posterior[0] + 0.1, posterior[1]), (posterior[0], posterior[1] - 0.5)]:
        assert bound(*other) < likelihood - 1e-3


def test_free_bits_cost_nothing_below_and_all_above():
    images = pictures(8)
    plain, free = tiny_vae(), tiny_vae(free_bits=50.0)
    free.set_weights(plain.get_weights())
    without = float(plain.compute_loss(images, training=False))
    divergence = float(plain.trackers["kl"].result())
    assert divergence < 50  # each of the four latents carries less than its allowance: all of it is charged
    with_bits = float(free.compute_loss(images, training=False))
    assert with_bits - without == pytest.approx((4 * 50 - divergence) / 1024, rel=1e-3)


def test_it_learns_to_reconstruct_and_its_samples_are_in_the_range(tmp_path):
    keras.utils.set_random_seed(0)
    vae, images = tiny_vae(), pictures(64)
    vae.compile(AdamW(3e-3, ema_decay=0.9))
    history = vae.fit(images, batch_size=16, epochs=25, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] - 0.5
    with vae.averaged_weights():
        error = np.abs(vae.reconstruct(images[:4]).astype(int) - images[:4]).mean()
    assert error < 20  # the black picture is 32 away
    painted = vae.generate(3, seeds=5)
    assert painted.shape == (3, 32, 32, 1) and painted.dtype == np.uint8
    np.testing.assert_allclose(vae.generate(seeds=[6]).astype(int)[0], painted[1], atol=1)
    vae.save_to_preset(tmp_path)
    again = tp.VAE.from_preset(tmp_path)
    np.testing.assert_allclose(again.generate(3, seeds=5).astype(int), painted, atol=3)


def test_a_sampled_code_depends_on_its_seed():
    vae, images = tiny_vae(), (pictures(2) / 127.5 - 1).astype("float32")
    first, second = np.array(vae.encode(images, seed=1)), np.array(vae.encode(images, seed=2))
    assert first.shape == (2, 4) and not np.array_equal(first, second)
    np.testing.assert_array_equal(vae.encode(images), vae.moments(images)[0])


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"image_size": 48}, "must be one of 32, 64, 128, 256; the nearest is"),
        ({"image_size": 512}, "the nearest is 256"),
        ({"channels": 4}, "must be 1 .grey. or 3 .RGB."),
        ({"width": 12}, "multiple of 8"),
        ({"normalization": "layer"}, "normalization is 'layer'; valid: batch, group, None"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"beta": -1.0}, "must not be negative"),
        ({"decoder_std": 0.0}, "decoder_std"),
    ],
)
def test_bad_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        tiny_vae(**wrong)


def test_images_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"images are \(2, 32, 32, 3\), but this model takes \(B, 32, 32, 1\)"):
        tiny_vae().compute_loss(np.zeros((2, 32, 32, 3), "uint8"))
