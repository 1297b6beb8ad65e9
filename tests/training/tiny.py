"""A tiny denoiser that every test of this folder trains; also run as a script in fresh processes."""

import keras
import numpy as np
from keras import ops

from tfportrait import training
from tfportrait.training import replicas


@keras.saving.register_keras_serializable("tests")
class Tiny(training.Trainable):
    """Removes noise from 8x8 images: enough for convolution, normalisation, seeds and a metric of its own."""

    def __init__(self, *, width=4, noise=True, **kwargs):
        super().__init__(**kwargs)
        self.width, self.noise = width, noise
        self.conv_in = keras.layers.Conv2D(width, 3, padding="same", name="conv_in")
        self.norm = keras.layers.GroupNormalization(2, name="norm")
        self.conv_out = keras.layers.Conv2D(3, 3, padding="same", name="conv_out")
        self.seed_generator = keras.random.SeedGenerator(1)
        self.error = keras.metrics.Mean(name="error")
        self.calls = 0  # of compute_loss in Python: how often a step is traced

    def build(self, input_shape=None):
        self.conv_in.build((None, None, None, 3))
        self.norm.build((None, None, None, self.width))
        self.conv_out.build((None, None, None, self.width))

    def call(self, x, training=False):
        return self.conv_out(ops.silu(self.norm(self.conv_in(x))))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        self.calls += 1
        noise = replicas.normal(ops.shape(x), self.seed_generator) if self.noise else 0.0
        error = ops.cast(self(x + 0.1 * noise, training=training), "float32") - ops.cast(x, "float32")
        loss = ops.mean(ops.square(error))
        self.error.update_state(ops.mean(ops.abs(error)))
        return loss

    def get_config(self):
        return {**super().get_config(), "width": self.width, "noise": self.noise}


def images(count=32, seed=0):
    """float32 (count, 8, 8, 3) in [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1, 1, (count, 8, 8, 3)).astype("float32")


def tiny(seed=3, **kwargs):
    """A built model, with the same weights for the same seed on every backend."""
    model = Tiny(**kwargs)
    model.build((None, 8, 8, 3))
    generator = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        variable.assign(generator.normal(0, 0.3, variable.shape).astype("float32"))
    return model
