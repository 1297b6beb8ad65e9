"""VAE, GAN, VAEGAN and the adversarial autoencoder train on JAX too, in a process of its own."""

import json

import numpy as np
import pytest
from contracts import run_fresh

pytest.importorskip("jax")
pytestmark = pytest.mark.slow

CODE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import keras, numpy as np
import tfportrait as tp
from tfportrait import models, training
from painters import pictures

assert keras.backend.backend() == "jax"
half = {"image_size": 32, "channels": 1, "width": 8, "latent_dim": 4}
critic = models.PatchDiscriminator(1, width=8, levels=2, name="discriminator")
inner = tp.AutoencoderKL(in_channels=1, out_channels=1, block_out_channels=(8, 16), norm_num_groups=4,
                         mid_block_add_attention=False)
made = {
    "vae": tp.VAE(**half),
    "gan hinge": tp.GAN(**half, loss="hinge", r1=0.1, r2=0.0, augmentation=("colour", "translation", "cutout")),
    "vaegan": tp.VAEGAN(**half, r1=0.1, r2=0.1),
    "adversarial": models.AdversarialAutoencoder(autoencoder=inner, discriminator=critic, start_step=4),
}
images, result = pictures(32), {}
for name, model in made.items():
    keras.utils.set_random_seed(0)
    default = training.AdamW if name == "vae" else model.default_optimizer
    model.compile(default(3e-3, ema_decay=0.9))
    before = {v.path: np.array(v) for v in model.trainable_variables}
    history = model.fit(images, batch_size=16, epochs=8, verbose=0).history
    still = [v.path for v in model.trainable_variables if np.array_equal(np.array(v), before[v.path])]
    painted = model.generate(2, seeds=1) if hasattr(model, "generate") else model.reconstruct(images[:2])
    result[name] = {"history": history, "still": still, "shape": painted.shape, "type": str(painted.dtype)}
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def result(request):
    folder = request.path.parent
    return json.loads(run_fresh(CODE, folder, backend="jax").splitlines()[-1])


def test_all_players_move_and_losses_stay_finite(result):
    for name, found in result.items():
        assert np.isfinite(list(found["history"].values())).all(), name
        # a difference of logits does not depend on the last bias
        assert all(path.endswith("head/bias") for path in found["still"]), (name, found["still"])
        assert found["shape"] == [2, 32, 32, 1] and found["type"] == "uint8"


@pytest.mark.parametrize("name", ["vae", "vaegan", "adversarial"])
def test_reconstructions_improve(result, name):
    history = result[name]["history"]
    losses = history.get("reconstruction", history["loss"])
    assert losses[-1] < losses[0]
