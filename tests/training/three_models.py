"""Trains a VAE, a GAN and a latent-diffusion model, one after the other, on the portrait world; run as a script.

    python three_models.py FOLDER [SECONDS]

Each saves its state after every step, and SECONDS go by between two steps. Operations are deterministic.
"""

import sys
import time
from pathlib import Path

import keras
import tensorflow as tf

import tfportrait as tp
from tfportrait import data, training

EPOCHS = {"vae": 5, "gan": 5, "diffusion": 2}  # it takes longest to trace
FAMILIES = tuple(EPOCHS)
STEPS = 6  # of an epoch


class Wait(keras.callbacks.Callback):
    """Waits after every step."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(self.seconds)


def make(name):
    """A model whose weights are the same in every process."""
    keras.utils.set_random_seed(0)
    size = {"image_size": 32, "width": 8, "latent_dim": 4}
    if name == "diffusion":
        sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
        from painters import tiny_painter

        return tiny_painter()
    return {"vae": tp.VAE, "gan": tp.GAN}[name](**size)


def main(folder, seconds=0.0):
    tf.config.experimental.enable_op_determinism()
    source = data.open_source("portrait_world", "train", image_size=32, count=4 * STEPS)
    for name in FAMILIES:
        directory = Path(folder) / name
        if (directory / f"state-{EPOCHS[name] * STEPS:010d}.safetensors").exists():
            continue  # it is finished, and building it takes seconds
        model = make(name)
        fields = ("image", "caption") if name == "diffusion" else ("image",)
        batches = data.batches(source, batch_size=4, seed=5, fields=fields)
        if name == "diffusion":
            batches = model.preprocess(batches)
        optimizer = getattr(model, "default_optimizer", lambda rate: training.AdamW(rate, ema_decay=0.9))(1e-3)
        model.compile(optimizer)
        recovery = training.Recovery(directory, every_steps=1)
        model.fit(batches, epochs=EPOCHS[name], verbose=0, callbacks=[recovery, Wait(seconds)])


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
