import json

import keras
import numpy as np
import pytest
from contracts import check_files, check_folder, check_layer, run_fresh, shapes_only
from golden import networks
from references import cases, check_golden, check_live

from tfportrait.models import AutoencoderKL

TINY = {"block_out_channels": (8, 16), "norm_num_groups": 4, "sample_size": 16, "scaling_factor": 0.5}
IMAGES = networks.inputs("vae_sd")[0]


def tiny(**changes):
    return AutoencoderKL(**{**TINY, **changes})


def test_contract():
    # The keys' bias has no effect on a softmax.
    check_layer(tiny, (IMAGES[:, :8, :8],), output_dtype="float32", no_gradient=("to_k/bias",))


@pytest.mark.parametrize("case", cases("vae"))
def test_outputs_are_diffusers(case, tmp_path):
    check_golden(case, tmp_path)


@pytest.mark.peers
@pytest.mark.parametrize("case", cases("vae"))
def test_diffusers_reads_ours_and_we_theirs(case, tmp_path):
    check_live(case, tmp_path)


def test_stable_diffusion_is_a_valid_configuration():
    with shapes_only():
        network = AutoencoderKL(block_out_channels=(128, 256, 512, 512), layers_per_block=2, sample_size=512)
    assert network.count_params() == 83_653_863


def test_folder_round_trip(tmp_path):
    network = tiny()
    network.scaling_factor = 0.8
    check_folder(network, (IMAGES,), tmp_path)
    assert AutoencoderKL.from_folder(tmp_path).scaling_factor == 0.8


@pytest.mark.slow
def test_keras_file_in_a_fresh_process(tmp_path):
    network = tiny(kl_weight=1e-4)
    network.compile(keras.optimizers.AdamW(1e-3))
    network.fit({"image": IMAGES}, verbose=0)
    check_files({"tiny": (network, (IMAGES,))}, tmp_path)


@pytest.mark.slow
def test_keras_file_under_jax(tmp_path):
    check_files({"tiny": (tiny(), (IMAGES,))}, tmp_path, backend="jax", tolerance=1e-4)


def test_encode_scales_the_mean_and_decode_undoes_it():
    network = tiny()
    mean, _ = network.moments(IMAGES)
    latents = network.encode(IMAGES)
    assert latents.shape == (2, 8, 8, 4) and network.reduction == 2
    np.testing.assert_allclose(latents, 0.5 * np.asarray(mean), rtol=1e-6)
    np.testing.assert_allclose(network.decode(latents), network(IMAGES), atol=1e-5)


def test_a_seed_samples_the_latents():
    network = tiny()
    mean, log_variance = (np.asarray(x) for x in network.moments(IMAGES))
    samples = np.asarray(network.encode(np.repeat(IMAGES, 100, 0), seed=3)).reshape(2, 100, 8, 8, 4) / 0.5
    samples = samples.transpose(1, 0, 2, 3, 4)
    np.testing.assert_array_equal(network.encode(IMAGES, seed=3), network.encode(IMAGES, seed=3))
    deviation = np.exp(0.5 * log_variance)
    assert np.abs((samples.mean(0) - mean) / deviation).max() < 5 / np.sqrt(100)
    assert abs((samples.std(0) / deviation).mean() - 1) < 0.02


def test_the_loss_is_the_one_of_the_docstring():
    network = tiny(kl_weight=0.01, perceptual_weight=3.0)
    network.perceptual = lambda a, b: keras.ops.mean((a - b) ** 2, axis=(1, 2, 3))
    mean, log_variance = (np.asarray(x) for x in network.moments(IMAGES))
    decoded = np.asarray(network(IMAGES))
    divergence = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).sum((1, 2, 3))
    error = IMAGES - decoded
    losses = np.abs(error).mean((1, 2, 3)) + np.sqrt((error**2).mean((1, 2, 3))) + 0.01 * divergence
    losses = losses + 3 * ((IMAGES - decoded) ** 2).mean((1, 2, 3))
    loss = network.compute_loss(IMAGES, training=False)
    np.testing.assert_allclose(loss, losses.mean(), rtol=1e-5)
    weighted = network.compute_loss({"image": IMAGES}, sample_weight=np.float32([2, 0]), training=False)
    np.testing.assert_allclose(weighted, losses[0], rtol=1e-5)
    psnr = 10 * np.log10(4 / ((IMAGES - decoded.clip(-1, 1)) ** 2).mean((1, 2, 3))).mean()
    assert float(network.trackers["psnr"].result()) == pytest.approx(psnr, rel=1e-4)


def test_training_samples_other_latents_at_every_step():
    network = tiny()
    a, b = (float(network.compute_loss(IMAGES, training=True)) for _ in range(2))
    assert a != b
    assert float(network.compute_loss(IMAGES, training=False)) == float(network.compute_loss(IMAGES, training=False))


@pytest.mark.parametrize("policy", ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)])
def test_fit_learns_in_every_precision(policy):
    keras.utils.set_random_seed(0)
    network = tiny(mid_block_add_attention=False, dtype=policy)
    network.compile(keras.optimizers.AdamW(1e-2))
    images = np.repeat(np.random.default_rng(0).uniform(-1, 1, (32, 1, 1, 3)), 256, 1).reshape(32, 16, 16, 3)
    history = network.fit({"image": images.astype("float32")}, epochs=8, batch_size=4, verbose=0).history
    assert set(history) == {"loss", "reconstruction", "kl", "psnr"}
    assert history["loss"][-1] < 0.8 * history["loss"][0]
    assert history["psnr"][-1] > history["psnr"][0] + 2


TRAIN = """
import json, random, sys
import keras, numpy as np
import tfportrait as tp
random.seed(0)  # Keras draws the seeds of its initializers from here
network = tp.AutoencoderKL(**json.loads(sys.argv[1]))
network.compile(keras.optimizers.AdamW(1e-2), jit_compile=True)
images = np.repeat(np.random.default_rng(0).uniform(-1, 1, (8, 1, 1, 3)), 256, 1).reshape(8, 16, 16, 3)
print(*network.fit({"image": images.astype("float32")}, epochs=24, batch_size=4, verbose=0).history["loss"])
assert ("tensorflow" in sys.modules) == (keras.backend.backend() == "tensorflow")
"""


@pytest.mark.slow
def test_fit_learns_on_jax():
    losses = [float(loss) for loss in run_fresh(TRAIN, json.dumps(TINY), backend="jax").split()]
    assert losses[-1] < 0.8 * losses[0]


def test_bad_configurations_and_sizes_say_what_is_wanted():
    with pytest.raises(ValueError, match="'AttnDownEncoderBlock2D'; valid: DownEncoderBlock2D"):
        tiny(down_block_types=("DownEncoderBlock2D", "AttnDownEncoderBlock2D"))
    with pytest.raises(ValueError, match="down_block_types has 1 entries for 2 levels"):
        tiny(down_block_types=("DownEncoderBlock2D",))
    with pytest.raises(ValueError, match="side of 15 pixels.*multiple of 2, e.g. 16"):
        tiny().encode(np.zeros((1, 15, 16, 3), "float32"))
