"""Real training of small models on whatever device is there: what works, how fast, and what would be chosen."""

import contextlib
import io
import time
from collections.abc import Iterator

import keras
import numpy as np

from tfportrait.doctor import Finding
from tfportrait.training import acceleration

SIZE, BATCH, STEPS = 32, 16, 12
CASES = [  # family, precision, XLA
    ("vae", "float32", False),
    ("gan", "float32", False),
    ("diffusion", "float32", False),
    ("vae", "bfloat16", False),
    ("vae", "float16", False),
    ("vae", "float32", True),
]


def selftest() -> Iterator[Finding]:
    """Trains each family, then one in every precision and with XLA, on made-up pictures; about half a minute.

    The policy and the choice about XLA are afterwards what they were before.

    Yields: one Finding for each, with images a second; the last one says what `accelerate` would choose.
    """
    from tfportrait.training import accelerate

    policy, xla = keras.config.dtype_policy(), acceleration.xla_default()
    jax = keras.backend.backend() == "jax"  # which always compiles with XLA
    try:
        for family, precision, compiled in CASES:
            if jax and compiled:
                continue
            subject = f"trains {family}, {precision}{', XLA' if compiled or jax else ''}"
            with contextlib.redirect_stdout(io.StringIO()):
                accelerate(precision, compiled or jax)
            try:
                yield _trained(subject, family)
            except Exception as error:  # whatever breaks, the others still run
                text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                remedy = "leave XLA off" if compiled else f"use another --precision than {precision}"
                yield Finding(False, subject, text, remedy)
        with contextlib.redirect_stdout(io.StringIO()):
            choice = accelerate()
        yield Finding(True, "would choose", str(choice))
    finally:
        keras.config.set_dtype_policy(policy)
        acceleration.set_xla_default(xla)


def _trained(subject, family):
    keras.utils.set_random_seed(0)
    model, batch = _model(family)
    steps = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append((time.perf_counter(), float(logs["loss"])))

    def batches():
        while True:
            yield (batch,)

    start = time.perf_counter()
    model.fit(batches(), steps_per_epoch=STEPS, epochs=1, verbose=0, callbacks=[Clock()])
    broken = sum(
        not np.all(np.isfinite(keras.ops.convert_to_numpy(variable))) for variable in model.trainable_variables
    )
    speed = BATCH * (len(steps) - 2) / (steps[-1][0] - steps[1][0])
    text = f"{speed:.0f} images/s, first step {steps[0][0] - start:.1f} s, loss {steps[0][1]:.3g} to {steps[-1][1]:.3g}"
    if broken:
        return Finding(False, subject, f"{broken} weights are not finite", "use float32")
    return Finding(True, subject, text)


def _model(family):
    """(compiled model, batch) of small pictures that are smooth, as real ones are."""
    from tfportrait import training
    from tfportrait.models import GAN, VAE, LatentDiffusion, UNet

    random = np.random.default_rng(0)
    images = np.repeat(np.repeat(random.uniform(-1, 1, (BATCH, 4, 4, 3)), SIZE // 4, 1), SIZE // 4, 2).astype("float32")
    if family == "diffusion":
        unet = UNet(
            sample_size=SIZE // 4,
            in_channels=3,
            out_channels=3,
            down_block_types=("DownBlock2D",),
            up_block_types=("UpBlock2D",),
            mid_block_type=None,
            block_out_channels=(32,),
            layers_per_block=1,
            norm_num_groups=8,
            cross_attention_dim=None,
        )
        model = LatentDiffusion(unet=unet, schedule="cosine", prediction_type="v_prediction")
        model.compile(training.AdamW(1e-3, ema_decay=0.99))
        return model, {"image": images[:, ::4, ::4]}
    model = {"vae": VAE, "gan": GAN}[family](image_size=SIZE, channels=3, width=8, latent_dim=8)
    model.compile(model.default_optimizer(1e-3) if hasattr(model, "default_optimizer") else training.AdamW(1e-3))
    return model, {"image": images}
