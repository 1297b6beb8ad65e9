"""The smallest weights become zero, step by step, and stay it."""

import keras
import numpy as np
import pytest
from tiny import images, tiny

from tfportrait import training
from tfportrait.training import pruning


def wide(**kwargs):
    model = tiny(width=64, noise=False)  # kernels of 1,728 weights
    model.compile(training.AdamW(1e-3, ema_decay=0.9), **kwargs)
    return model


class Seen(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.shares = []

    def on_train_batch_end(self, batch, logs=None):
        self.shares.append(pruning.sparsity(self.model))


def test_the_share_of_zeros_follows_the_paper_and_the_large_weights_stay():
    model, seen = wide(), Seen()
    before = np.abs(model.conv_in.kernel.numpy())
    model.fit(images(64), batch_size=4, verbose=0, callbacks=[training.Pruning(0.6, steps=10, every=2), seen])
    wanted = [0.6 * (1 - (1 - min(t, 10) / 10) ** 3) for t in (2, 4, 6, 8, 10, 16)]
    np.testing.assert_allclose([seen.shares[t - 1] for t in (2, 4, 6, 8, 10, 16)], wanted, atol=1e-3)
    zeros = model.conv_in.kernel.numpy() == 0
    assert before[zeros].max() < np.quantile(before, 0.75)  # nothing large was taken
    with model.averaged_weights():
        assert (model.conv_in.kernel.numpy()[zeros] == 0).all()
        assert (model.conv_in.kernel.numpy()[~zeros] != 0).all()


def test_small_tensors_stay_and_the_loss_still_falls():
    model = wide()
    history = model.fit(images(64), batch_size=8, epochs=8, verbose=0, callbacks=[training.Pruning(0.5, steps=30)])
    assert (model.norm.gamma.numpy() != 0).all() and (model.conv_in.bias.numpy() != 0).all()
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_it_goes_on_where_it_was_stopped(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 5:
                raise RuntimeError("crash")

    def train(directory, *more):
        model = wide()
        callbacks = [training.Pruning(0.6, steps=10, every=4), training.Recovery(directory, every_steps=1), *more]
        model.fit(images(64), batch_size=4, verbose=0, shuffle=False, callbacks=callbacks)
        return model

    with pytest.raises(RuntimeError, match="crash"):
        train(tmp_path / "crashed", Stop())
    continued, uninterrupted = train(tmp_path / "crashed"), train(tmp_path / "whole")
    assert pruning.sparsity(continued) == pytest.approx(0.6, abs=1e-3)
    for one, other in zip(continued.variables, uninterrupted.variables, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-6)
    zeros = [model.conv_in.kernel.numpy() == 0 for model in (continued, uninterrupted)]
    np.testing.assert_array_equal(*zeros)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sparsity": 1.0, "steps": 3}, "sparsity is 1.0, but must be between 0 and 1"),
        ({"sparsity": 0.5, "steps": 0}, "steps is 0, but must be at least 1"),
        ({"sparsity": 0.5, "steps": 3, "every": 0}, "every is 0, but must be at least 1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        training.Pruning(**arguments)


def test_nothing_to_prune():
    model = tiny()
    model.compile(training.AdamW(1e-3))
    with pytest.raises(ValueError, match="nothing to prune: the model trains no kernel of at least 1024 weights"):
        model.fit(images(8), verbose=0, callbacks=[training.Pruning(0.5, steps=3)])
