"""What every family keeps in `fit`: one trace for all batches and epochs, with XLA too, and a step for every weight."""

import keras
import numpy as np
import pytest
from contracts import to_numpy
from painters import pictures

import tfportrait as tp
from tfportrait import models

pytestmark = pytest.mark.gpu

HALF = {"image_size": 32, "channels": 1, "width": 8, "latent_dim": 4}
OUTER = {"in_channels": 1, "out_channels": 1, "block_out_channels": (8, 16), "norm_num_groups": 4}


def adversarial():
    critic = models.PatchDiscriminator(1, width=8, levels=2, name="discriminator")
    return models.AdversarialAutoencoder(
        autoencoder=tp.AutoencoderKL(**OUTER, mid_block_add_attention=False), discriminator=critic, start_step=1
    )


FAMILIES = {
    "vae": lambda: tp.VAE(**HALF),
    "gan bce": lambda: tp.GAN(**HALF, loss="bce", r1=0.0, r2=0.0),
    "gan hinge": lambda: tp.GAN(**HALF, loss="hinge", r1=0.1, r2=0.0, augmentation=("colour", "translation", "cutout")),
    "gan relativistic": lambda: tp.GAN(**HALF, r1=0.1, r2=0.1),
    "vaegan": lambda: tp.VAEGAN(**HALF, r1=0.1, r2=0.1),
    "autoencoder": lambda: tp.AutoencoderKL(**OUTER, mid_block_add_attention=False),
    "adversarial": adversarial,
}


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", FAMILIES)
def test_one_trace_for_a_whole_training_and_a_step_for_every_weight(family, jit_compile):
    keras.utils.set_random_seed(0)
    model, traces = FAMILIES[family](), []
    optimizer = getattr(model, "default_optimizer", keras.optimizers.Adam)(3e-3)
    model.compile(optimizer, jit_compile=jit_compile)
    compute_loss = model.compute_loss

    def counted(*args, **kwargs):
        traces.append(kwargs)
        return compute_loss(*args, **kwargs)

    model.compute_loss = counted
    before = {v.path: to_numpy(v) for v in model.trainable_variables}
    for _ in range(2):
        history = model.fit(pictures(40), batch_size=16, epochs=2, verbose=0).history  # a last batch of 8
        assert np.isfinite(history["loss"]).all()
    assert len(traces) == 1
    still = [v.path for v in model.trainable_variables if np.array_equal(to_numpy(v), before[v.path])]
    # differences of logits do not depend on the last bias
    assert all(path.endswith("discriminator/head/bias") for path in still)
    assert not still or "relativistic" in family or family == "vaegan"
