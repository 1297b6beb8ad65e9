import keras
import numpy as np
import pytest
from contracts import check_files, check_folder, check_layer
from keras import ops

import tfportrait as tp
from tfportrait.models.gan import Discriminator, Generator, discriminator_losses, generator_losses, penalised

ATTRIBUTES = {"colour": ["black", "white"], "side": ["left", "right", "none"]}
HALF = {"image_size": 32, "channels": 1, "width": 8}


def tiny_gan(**changes):
    return tp.GAN(**{**HALF, "latent_dim": 4, "generator_normalization": "group", **changes})


def halves(count=32):
    """Pictures black or white in their left half, grey in the right, and their attributes."""
    white = np.arange(count) % 2
    images = np.full((count, 32, 32, 1), 128, "uint8")
    images[:, :, :16] = np.where(white, 255, 0)[:, None, None, None]
    return {"image": images, "attributes": {"colour": white.astype("int32")}}


@pytest.mark.parametrize("attributes", [{}, ATTRIBUTES])
@pytest.mark.parametrize("normalization", ["group", "batch", None])
def test_players_keep_the_contract(attributes, normalization):
    random = np.random.default_rng(0)
    labels = np.int32([[0, 1], [1, 2], [-1, 0]]) if attributes else None
    noise = random.standard_normal((3, 4)).astype("float32")
    images = random.uniform(-1, 1, (3, 32, 32, 1)).astype("float32")

    def make(cls, *first):
        def build(**kwargs):
            layer = cls(*first, attributes, **HALF, normalization=normalization, **kwargs)
            layer.build()
            return layer

        return build

    check_layer(make(Generator, 4), (noise, labels), output_dtype="float32")
    check_layer(make(Discriminator), (images, labels), output_dtype="float32")


def test_files(tmp_path):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 1)).astype("float32")
    models = {
        "plain": (tiny_gan(generator_normalization="batch"), (images,)),
        "conditional": (tiny_gan(attributes=ATTRIBUTES, loss="hinge", r1=0.0, augmentation=("colour",)), (images,)),
    }
    for name, (model, inputs) in models.items():
        check_folder(model, inputs, tmp_path / name)
    check_files(models, tmp_path)


def test_losses_have_the_published_form():
    real, painted = np.float32([2.0, -1.0]), np.float32([0.5, 3.0])

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    np.testing.assert_allclose(generator_losses("bce", real, painted), -np.log(sigmoid(painted)), rtol=1e-5)
    wanted = -np.log(sigmoid(real)) - np.log(1 - sigmoid(painted))
    np.testing.assert_allclose(discriminator_losses("bce", real, painted), wanted, rtol=1e-5)
    np.testing.assert_allclose(discriminator_losses("hinge", real, painted), [1.5, 6.0])
    np.testing.assert_allclose(generator_losses("hinge", real, painted), -painted)
    wanted = -np.log(sigmoid(real - painted))
    np.testing.assert_allclose(discriminator_losses("relativistic", real, painted), wanted, rtol=1e-5)
    wanted = -np.log(sigmoid(painted - real))
    np.testing.assert_allclose(generator_losses("relativistic", real, painted), wanted, rtol=1e-5)


def test_the_penalty_is_half_the_squared_length_of_each_images_gradient():
    images = np.random.default_rng(0).uniform(-1, 1, (3, 4, 4, 2)).astype("float32")
    slope = np.arange(32, dtype="float32").reshape(4, 4, 2) / 10
    logits, penalty = penalised(lambda x: 0.5 * ops.sum(slope * x**2, axis=(1, 2, 3)), images, 3.0)
    np.testing.assert_allclose(logits, 0.5 * (slope * images**2).sum((1, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(penalty, 1.5 * ((slope * images) ** 2).sum((1, 2, 3)), rtol=1e-4)
    assert not np.array(penalised(lambda x: ops.sum(x, axis=(1, 2, 3)), images, 0.0)[1]).any()


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("loss", ["bce", "hinge", "relativistic"])
def test_each_player_moves_by_its_own_loss_alone(loss, jit_compile):
    """One step: the generator's weights do not feel the discriminator's loss, nor the reverse."""
    tf = pytest.importorskip("tensorflow")
    gan, data = tiny_gan(loss=loss), halves(8)

    @tf.function(jit_compile=jit_compile)
    def gradients():
        with tf.GradientTape() as tape:
            total = gan.compute_loss(data, training=False)
        return total, tape.gradient(total, [v.value for v in gan.trainable_variables])

    total, found = gradients()
    images = data["image"] / 127.5 - 1
    # compiled likewise, since XLA draws other numbers
    noise = tf.function(lambda: keras.random.normal((8, 4), seed=20140), jit_compile=jit_compile)()
    with tf.GradientTape(persistent=True) as tape:
        painted = gan.generator(noise)
        real, fake = gan.discriminator(images), gan.discriminator(painted)
        loss_of_generator = ops.mean(generator_losses(loss, ops.stop_gradient(real), fake))
    wanted = tape.gradient(loss_of_generator, [v.value for v in gan.generator.trainable_variables])
    got = found[: len(wanted)]
    for a, b in zip(got, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4 * max(1.0, np.abs(b).max()))
    assert np.isfinite(float(total)) and all(np.isfinite(np.array(g)).all() for g in found)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_it_learns_with_its_own_optimizers_in_every_precision(policy):
    keras.utils.set_random_seed(1)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        gan, data = tiny_gan(r1=0.1, r2=0.1), halves()
        gan.compile(gan.default_optimizer(3e-3, ema_decay=0.9))
        history = gan.fit(data, batch_size=16, epochs=30, verbose=0).history
    finally:
        keras.config.set_dtype_policy(before)
    assert np.isfinite(history["loss"]).all()
    painted = gan.generate(8, seeds=3).astype("float32")
    # the right half of all pictures is grey, the left half black or white
    assert np.abs(painted[:, :, 20:28] - 128).mean() < 60
    assert np.abs(painted[:, :, 4:12] - 128).mean() > 70


def test_an_overflow_leaves_both_players_alone_and_the_scale_recovers():
    keras.config.set_dtype_policy("mixed_float16")
    gan, data = tiny_gan(r1=0.1, r2=0.1), halves(16)
    gan.compile(gan.default_optimizer(3e-3, ema_decay=0.9))
    scaler = gan.optimizer
    assert isinstance(scaler, keras.optimizers.LossScaleOptimizer)
    scaler.dynamic_growth_steps = 4
    players = [scaler, *scaler.inner_optimizer.players.values()]
    weights = {id(variable): variable.numpy() for variable in gan.trainable_variables}

    def moved():
        changed = [v.path for v in gan.trainable_variables if not np.array_equal(v.numpy(), weights[id(v)])]
        return {name for name in ("generator", "discriminator") if any(f"/{name}/" in path for path in changed)}

    scaler.dynamic_scale.assign(2.0**40)
    overflows = 0
    while not moved():
        assert overflows < 40
        gan.train_on_batch(data)
        overflows += 1
        scale = float(scaler.dynamic_scale.numpy())
        assert scale == (2.0 ** (40 - overflows) if not moved() else 2.0 ** (41 - overflows))
    assert overflows > 1 and moved() == {"generator", "discriminator"}
    assert [int(optimizer.iterations.numpy()) for optimizer in players[1:]] == [1, 1]
    for _ in range(8):
        gan.train_on_batch(data)
    assert len({int(optimizer.iterations.numpy()) for optimizer in players[1:]}) == 1  # in step, whatever overflows
    assert np.isfinite([np.abs(variable.numpy()).max() for variable in gan.variables]).all()
    scaler.dynamic_scale.assign(2.0)
    for _ in range(8):
        gan.train_on_batch(data)
    assert float(scaler.dynamic_scale.numpy()) > 2.0  # grown again


def test_attributes_decide_what_is_painted(tmp_path):
    keras.utils.set_random_seed(1)
    gan, data = tiny_gan(attributes={"colour": ["black", "white"]}, r1=0.1, r2=0.1), halves()
    gan.compile(gan.default_optimizer(3e-3, ema_decay=0.9))
    gan.fit(data, batch_size=16, epochs=40, verbose=0)
    colours = {"colour": ["black", "white"] * 4}

    def left(gan):
        return gan.generate(8, attributes=colours).astype("float32")[:, :, 4:12].mean((1, 2, 3))

    painted = left(gan)
    assert painted[::2].mean() < 90 and painted[1::2].mean() > 165
    gan.save_to_preset(tmp_path)
    np.testing.assert_allclose(left(tp.GAN.from_preset(tmp_path)), painted, atol=1)


def test_seeds_are_images():
    gan = tiny_gan()
    three = gan.generate(3, seeds=5).astype(int)
    assert three.shape == (3, 32, 32, 1)
    np.testing.assert_allclose(gan.generate(seeds=[6]).astype(int)[0], three[1], atol=1)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"loss": "wasserstein"}, "loss is 'wasserstein'; valid: bce, hinge, relativistic"),
        ({"discriminator_normalization": "batch"}, "batch normalisation mixes the images"),
        ({"augmentation": ("flip",)}, "augmentation is 'flip'; valid: colour, translation, cutout"),
        ({"r1": -1.0}, "must not be negative"),
        ({"image_size": 100}, "the nearest is 128"),
    ],
)
def test_bad_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        tiny_gan(**wrong)


def test_unknown_attributes_list_the_valid_ones():
    gan = tiny_gan(attributes=ATTRIBUTES)
    with pytest.raises(ValueError, match="attribute is 'size'; valid: colour, side"):
        gan.generate(attributes={"size": "big"})
    with pytest.raises(ValueError, match="colour is 'red'; valid: black, white"):
        gan.generate(attributes={"colour": "red"})
    with pytest.raises(ValueError, match="colour has 3 values for 2 images"):
        gan.generate(2, attributes={"colour": ["black"] * 3})
    with pytest.raises(ValueError, match="unconditional"):
        tiny_gan().generate(attributes={"colour": "black"})


def test_a_broken_player_is_named():
    gan = tiny_gan()
    gan.compile(gan.default_optimizer())
    gan.generator.decoder.dense.bias.assign(np.full(gan.generator.decoder.dense.bias.shape, np.nan))
    with pytest.raises(FloatingPointError, match="step 1 of epoch 1.*generator_loss is nan"):
        gan.fit(halves(), batch_size=16, verbose=0)
