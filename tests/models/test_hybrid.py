import keras
import numpy as np
import pytest
from contracts import check_files, check_folder
from painters import pictures

import tfportrait as tp


def tiny(**changes):
    return tp.VAEGAN(**{"image_size": 32, "channels": 1, "width": 8, "latent_dim": 4, **changes})


def test_files(tmp_path):
    images = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 1)).astype("float32")
    model = tiny(attributes={"side": ["left", "right"]}, beta=0.5)
    check_folder(model, (images,), tmp_path / "folder")
    check_files({"hybrid": (model, (images,))}, tmp_path)
    again = tp.VAEGAN.from_folder(tmp_path / "folder")
    np.testing.assert_array_equal(again.reconstruct(pictures(2)), model.reconstruct(pictures(2)))


def test_every_player_feels_its_own_losses_alone():
    tf = pytest.importorskip("tensorflow")
    model, images = tiny(adversarial_weight=0.3, r1=0.5, r2=0.0), pictures(8)

    def gradients(weight):
        model.adversarial_weight = weight
        with tf.GradientTape() as tape:
            loss = model.compute_loss(images, training=False)
        found = tape.gradient(loss, [v.value for v in model.trainable_variables])
        return {v.path: np.array(g) for v, g in zip(model.trainable_variables, found, strict=True)}

    without, with_game = gradients(0.0), gradients(0.3)
    moved = {path for path in without if not np.allclose(without[path], with_game[path], atol=1e-6)}
    assert moved and all("generator" in path.split("/") for path in moved)
    players = {name for path, g in without.items() if np.abs(g).max() > 0 for name in path.split("/")}
    assert {"encoder", "generator", "discriminator"} <= players


def test_the_loss_is_the_sum_of_what_it_shows():
    model, images = tiny(beta=2.0, adversarial_weight=0.3, r1=0.5), pictures(8)
    loss = float(model.compute_loss(images, training=False))
    shown = {name: float(tracker.result()) for name, tracker in model.trackers.items()}
    wanted = (
        shown["reconstruction"]
        + 2.0 * shown["kl"] / 1024
        + 0.3 * shown["generator_loss"]
        + shown["discriminator_loss"]
        + shown["penalty"]
    )
    assert loss == pytest.approx(wanted, rel=1e-4)


@pytest.mark.slow
def test_it_learns_to_reconstruct_with_all_players_moving(tmp_path):
    keras.utils.set_random_seed(0)
    model, images = tiny(r1=0.1, r2=0.1), pictures(64)
    before = {v.path: v.numpy() for v in model.trainable_variables}
    model.compile(model.default_optimizer(3e-3, ema_decay=0.9))
    history = model.fit(images, batch_size=16, epochs=30, verbose=0).history
    assert history["reconstruction"][-1] < history["reconstruction"][0] - 0.5
    still = [v.path for v in model.trainable_variables if np.array_equal(v.numpy(), before[v.path])]
    assert all(path.endswith("head/bias") for path in still)  # a difference of logits does not depend on it
    with model.averaged_weights():
        assert np.abs(model.reconstruct(images[:4]).astype(int) - images[:4]).mean() < 20
    painted = model.generate(3, seeds=5)
    assert painted.shape == (3, 32, 32, 1)
    model.save_to_preset(tmp_path)
    np.testing.assert_allclose(tp.VAEGAN.from_preset(tmp_path).generate(3, seeds=5).astype(int), painted, atol=3)


@pytest.mark.parametrize("wrong", [{"beta": -1.0}, {"adversarial_weight": -0.1}])
def test_bad_arguments(wrong):
    with pytest.raises(ValueError, match="must not be negative"):
        tiny(**wrong)
    with pytest.raises(ValueError, match="loss is 'x'; valid"):
        tiny(loss="x")
