import keras
import numpy as np
import pytest
from contracts import check_files, check_layer
from keras import ops

import tfportrait as tp
from tfportrait import models, training
from tfportrait.models.network import batch_images


def tiny_autoencoder(**changes):
    settings = {"block_out_channels": (8, 16), "norm_num_groups": 4, "mid_block_add_attention": False}
    return tp.AutoencoderKL(**{**settings, **changes})


def tiny(**changes):
    critic = models.PatchDiscriminator(3, width=8, levels=2, name="discriminator")
    return models.AdversarialAutoencoder(autoencoder=tiny_autoencoder(), discriminator=critic, **changes)


def pictures(count=16):
    """Sharp squares, which the mean absolute error alone blurs."""
    random = np.random.default_rng(0)
    images = np.full((count, 16, 16, 3), 60, "uint8")
    for image, (y, x) in zip(images, random.integers(0, 8, (count, 2)), strict=True):
        image[y : y + 7, x : x + 7] = random.integers(120, 255, 3)
    return images


def test_patches_are_judged_each(tmp_path):
    images = np.random.default_rng(0).uniform(-1, 1, (3, 32, 32, 3)).astype("float32")

    def make(**kwargs):
        layer = models.PatchDiscriminator(3, width=8, levels=2, **kwargs)
        layer.build()
        return layer

    check_layer(make, (images,), output_dtype="float32")
    assert tuple(make()(images).shape) == (3, 8, 8)


def test_files(tmp_path):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    check_files({"model": (tiny(start_step=3, weight=0.25), (images,))}, tmp_path)


def test_before_its_start_the_discriminator_learns_and_the_autoencoder_does_not_feel_it():
    tf = pytest.importorskip("tensorflow")
    keras.utils.set_random_seed(0)
    images = pictures(4)

    def gradients(model):
        with tf.GradientTape() as tape:
            loss = model.compute_loss(images, training=False)
        variables = model.trainable_variables
        return {
            v.path.split("/", 1)[1] if "/" in v.path else v.path: np.array(g)
            for v, g in zip(variables, tape.gradient(loss, [v.value for v in variables]), strict=True)
        }

    late, early = tiny(start_step=10), tiny()
    early.set_weights(late.get_weights())
    before, after = gradients(late), gradients(early)
    alone = late.autoencoder
    with tf.GradientTape() as tape:
        loss = alone.compute_loss(images, training=False)
    wanted = tape.gradient(loss, alone.decoder.conv_out.kernel.value)
    position = [i for i, v in enumerate(late.trainable_variables) if v is alone.decoder.conv_out.kernel][0]
    np.testing.assert_allclose(list(before.values())[position], wanted, rtol=1e-3, atol=1e-5)
    assert not np.allclose(list(after.values())[position], wanted, rtol=1e-2, atol=1e-4)
    # What is added to all logits counts for real and painted ones alike: the last bias may have no gradient.
    places = [v.path for v in late.trainable_variables]
    critics = [
        g
        for path, g in zip(places, before.values(), strict=True)
        if "discriminator" in path and not path.endswith("head/bias")
    ]
    assert critics and all(np.abs(g).max() > 0 for g in critics)


def test_the_adaptive_weight_balances_both_gradients_at_the_last_kernel():
    tf = pytest.importorskip("tensorflow")
    model, images = tiny(), pictures(4)
    model.compute_loss(images, training=False)
    shown = float(model.trackers["adaptive_weight"].result())
    kernel, real = model.autoencoder.decoder.conv_out.kernel, batch_images(images)
    with tf.GradientTape(persistent=True) as tape:
        decoded = model.autoencoder(real)
        rebuilt = ops.mean(model.autoencoder.loss_per_image(real, decoded, 0.0))
        judged = -ops.mean(model.discriminator(decoded))
    lengths = [float(tf.norm(tape.gradient(loss, kernel.value))) for loss in (rebuilt, judged)]
    assert shown == pytest.approx(lengths[0] / (lengths[1] + 1e-4), rel=1e-3)


def test_it_trains_both_players_and_counts_its_steps():
    keras.utils.set_random_seed(0)
    model, images = tiny(start_step=4), pictures()
    before = {v.path: v.numpy() for v in model.trainable_variables}
    model.compile(model.default_optimizer(2e-3, ema_decay=0.9))
    history = model.fit(images, batch_size=8, epochs=8, verbose=0).history
    assert float(model.step) == 16 and np.isfinite(history["loss"]).all()
    assert history["adaptive_weight"][0] == 0 and history["adaptive_weight"][-1] > 0
    assert history["reconstruction"][-1] < history["reconstruction"][0]
    assert all(not np.array_equal(v.numpy(), before[v.path]) for v in model.trainable_variables)
    assert model.reconstruct(images).shape == images.shape


def test_bad_arguments():
    with pytest.raises(ValueError, match="must be an AutoencoderKL"):
        models.AdversarialAutoencoder(autoencoder=None)
    with pytest.raises(ValueError, match="must not be negative"):
        tiny(weight=-1)
    with pytest.raises(ValueError, match="multiple of 8"):
        models.PatchDiscriminator(3, width=12)
    model = tiny(start_step=20)
    model.compile()
    with pytest.raises(ValueError, match="start_step is 20, but training ends after 10 steps"):
        model.fit(pictures(), epochs=5, steps_per_epoch=2)


def test_the_oracles_distance_is_none_for_equal_images_and_trains_an_autoencoder():
    oracle = tp.Oracle(attributes={"a": ["x", "y"]}, image_size=16, widths=[8, 16])
    distance = models.oracle_distance(oracle)
    images = batch_images(pictures(8))
    np.testing.assert_allclose(distance(images, images), 0, atol=1e-6)
    blurred = ops.average_pool(images, 3, 1, padding="same")
    assert (np.array(distance(images, blurred)) > 1e-4).all()
    autoencoder = tiny_autoencoder(perceptual_weight=0.5)
    plain = float(autoencoder.compute_loss(images, training=False))
    autoencoder.perceptual = distance
    decoded = autoencoder(images)
    wanted = plain + 0.5 * float(ops.mean(distance(images, decoded)))
    assert float(autoencoder.compute_loss(images, training=False)) == pytest.approx(wanted, rel=1e-4)
    weights = [w.copy() for w in oracle.get_weights()]
    autoencoder.compile(training.AdamW(1e-3))
    autoencoder.fit(pictures(8), batch_size=8, epochs=2, verbose=0)
    for before, after in zip(weights, oracle.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_vgg_says_where_its_weights_go(monkeypatch):
    def offline(**kwargs):
        raise OSError("no network")

    monkeypatch.setattr(keras.applications, "VGG16", offline)
    with pytest.raises(ValueError, match="no network.*use oracle_distance"):
        models.vgg_distance()


def test_vgg_judges_what_it_was_trained_on(monkeypatch):
    """The images reach VGG as ImageNet's weights want them, its gradient reaches the images; random weights."""
    tf = pytest.importorskip("tensorflow")
    made, vgg16 = [], keras.applications.VGG16

    def random_weights(include_top, weights):
        assert weights == "imagenet" and not include_top
        made.append(vgg16(include_top=False, weights=None))
        return made[0]

    monkeypatch.setattr(keras.applications, "VGG16", random_weights)
    distance = models.vgg_distance()
    images = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3)).astype("float32"))
    np.testing.assert_allclose(distance(images, images), 0, atol=1e-6)
    with tf.GradientTape() as tape:
        tape.watch(images)
        apart = distance(images, ops.flip(images, axis=1))
    assert (np.array(apart) > 1e-4).all() and np.abs(tape.gradient(apart, images)).max() > 0
    # BGR from 0 to 255, each channel without its mean over ImageNet
    pixels = ((np.array(images)[..., ::-1] + 1) * 127.5 - [103.939, 116.779, 123.68]).astype("float32")
    names = ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")
    layers = keras.Model(made[0].input, [made[0].get_layer(name).output for name in names])

    def directions(x):
        return [y / np.sqrt((y * y).sum(-1, keepdims=True) + 1e-8) for y in map(np.array, layers(x))]

    pairs = zip(directions(pixels), directions(pixels[:, ::-1]), strict=True)
    np.testing.assert_allclose(apart, sum(((a - b) ** 2).sum(-1).mean((1, 2)) for a, b in pairs), rtol=1e-3)
    assert not made[0].trainable_variables
