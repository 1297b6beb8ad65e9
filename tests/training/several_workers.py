"""Trains models by one process or by several, with the same batches; run as a script.

    python several_workers.py OUT FAMILY,FAMILY,... [SECONDS [host:port,host:port,... INDEX]]

Families are "vae", "gan" and "diffusion". Writes OUT/FAMILY-INDEX.npz: the logs of all steps, all weights and their
averages. SECONDS go by between two steps. Adam divides a gradient by its own size, so that rounding alone settles the
sign of a step wherever the gradient is zero; its epsilon is large here.
"""

import sys
import time
from pathlib import Path

import tfportrait as tp
from tfportrait import data, training
from tfportrait.training import cluster

BATCH, EPOCHS, STEPS = 8, 2, 3


def main(out, families, seconds=0.0, workers=None, index=None):
    strategy = training.strategy(workers, index)

    import keras
    import numpy as np

    source = data.open_source("portrait_world", "train", image_size=32, count=BATCH * STEPS)
    for name in families.split(","):
        keras.utils.set_random_seed(0)
        with strategy.scope():
            model = make(name)
            model.compile(optimizer(name))
        fields = ("image", "caption") if name == "diffusion" else ("image",)
        batches = data.batches(source, batch_size=BATCH, seed=5, fields=fields)
        seen = []

        def note(batch, logs, seen=seen):
            if logs:  # else Recovery passes it over
                seen.append([logs[key] for key in sorted(logs)])
                time.sleep(seconds)

        model.fit(
            model.preprocess(batches) if name == "diffusion" else batches,
            epochs=EPOCHS,
            verbose=0,
            callbacks=[
                keras.callbacks.LambdaCallback(on_train_batch_end=note),
                training.Recovery(Path(out) / f"{name}-state", every_steps=1),
            ],
        )
        arrays = {f"weight {i} {v.path}": np.asarray(v.value) for i, v in enumerate(model.trainable_variables)}
        with model.averaged_weights():
            arrays |= {f"average {i}": np.asarray(v.value) for i, v in enumerate(model.trainable_variables)}
        np.savez(Path(out) / f"{name}-{index or 0}.npz", logs=np.array(seen), **arrays)
    cluster.barrier()


def make(name):
    if name == "diffusion":
        sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
        from painters import tiny_painter

        return tiny_painter()
    return {"vae": tp.VAE, "gan": tp.GAN}[name](image_size=32, width=8, latent_dim=4)


def optimizer(name):
    players = [training.AdamW(1e-3, epsilon=1e-3, ema_decay=0.9, global_clipnorm=0.5) for _ in range(2)]
    if name != "gan":
        return players[0]
    return training.Players(dict(zip(("generator", "discriminator"), players, strict=True)))


if __name__ == "__main__":
    out, families, *rest = sys.argv[1:]
    main(out, families, *(kind(value) for kind, value in zip((float, str, int), rest)))  # noqa: B905
