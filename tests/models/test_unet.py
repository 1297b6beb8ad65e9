import keras
import numpy as np
import pytest
from contracts import check_files, check_folder, check_layer, shapes_only
from golden import networks
from keras import ops
from references import cases, check_golden, check_live

from tfportrait.models import UNet
from tfportrait.training import Trainable

TINY = {
    "sample_size": 8,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (8, 16),
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "cross_attention_dim": 12,
    "attention_head_dim": 2,
}
INPUTS = networks.inputs("unet_sd1")
SD2 = {"sample_size": 96, "cross_attention_dim": 1024, "use_linear_projection": True}


def tiny(**changes):
    return UNet(**{**TINY, **changes})


def test_contract():
    check_layer(tiny, INPUTS)


@pytest.mark.slow
def test_contract_with_pooled_text():
    def pooled(**kwargs):
        return tiny(addition_embed_type="text", addition_embed_type_num_heads=3, **kwargs)

    check_layer(pooled, INPUTS, no_gradient=("k_proj/bias",))


@pytest.mark.slow
def test_contract_unconditional():
    def unconditional(**kwargs):
        return tiny(cross_attention_dim=None, down_block_types=("DownBlock2D",) * 2, **kwargs)

    check_layer(unconditional, (*INPUTS[:2], None))


@pytest.mark.parametrize("case", cases("unet"))
def test_outputs_are_diffusers(case, tmp_path):
    check_golden(case, tmp_path)


@pytest.mark.peers
@pytest.mark.parametrize(
    "case", [case if case == "unet_sd2" else pytest.param(case, marks=pytest.mark.slow) for case in cases("unet")]
)
def test_diffusers_reads_ours_and_we_theirs(case, tmp_path):
    check_live(case, tmp_path)


@pytest.mark.parametrize(
    "config, parameters",
    [
        ({"sample_size": 64, "cross_attention_dim": 768}, 859_520_964),
        ({**SD2, "attention_head_dim": (5, 10, 20, 20)}, 865_910_724),
    ],
    ids=["stable diffusion 1.5", "stable diffusion 2.1"],
)
def test_stable_diffusion_is_a_valid_configuration(config, parameters):
    with shapes_only():
        unet = UNet(**config)
    assert unet.count_params() == parameters
    assert sum(np.prod(v.shape) for v in unet.trainable_variables) == parameters


def test_folder_round_trip(tmp_path):
    check_folder(tiny(), INPUTS, tmp_path)
    unconditional = tiny(cross_attention_dim=None, mid_block_type=None)
    check_folder(unconditional, (*INPUTS[:2], None), tmp_path)


def test_keras_file_in_a_fresh_process(tmp_path):
    unconditional = tiny(cross_attention_dim=None, mid_block_type=None)
    models = {"tiny": (tiny(), INPUTS), "unconditional": (unconditional, (*INPUTS[:2], None))}
    check_files(models, tmp_path)


@pytest.mark.slow
def test_keras_file_under_jax(tmp_path):
    check_files({"tiny": (tiny(), INPUTS)}, tmp_path, backend="jax", tolerance=1e-4)


def test_times_are_not_rounded_in_half_precision():
    unet = tiny(dtype="mixed_bfloat16")
    sample, _, context = INPUTS
    # bfloat16 knows no number between 996 and 1000.
    a, b = (np.asarray(unet(sample, np.full(2, t, "float32"), context), "float32") for t in (997, 998))
    assert np.abs(a - b).max() > 0


def test_one_time_serves_the_batch():
    unet = tiny()
    sample, _, context = INPUTS
    np.testing.assert_array_equal(
        unet(sample, np.array(7.0, "float32"), context), unet(sample, np.full(2, 7, "float32"), context)
    )


def test_any_size_that_the_levels_divide():
    unet = tiny()
    times, context = np.ones(1, "float32"), np.zeros((1, 3, 12), "float32")
    assert unet(np.zeros((1, 4, 6, 4), "float32"), times, context).shape == (1, 4, 6, 4)
    with pytest.raises(ValueError, match="side of 5 pixels.*multiple of 2, e.g. 4"):
        unet(np.zeros((1, 5, 6, 4), "float32"), times, context)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"down_block_types": ("DownBlock2D", "AttnDownBlock2D")}, "'AttnDownBlock2D'.*valid: CrossAttnDownBlock2D"),
        ({"up_block_types": ("UpBlock2D",)}, "up_block_types has 1 entries for 2 levels"),
        ({"mid_block_type": "Middle"}, "mid_block_type is 'Middle'; valid: UNetMidBlock2DCrossAttn"),
        ({"layers_per_block": (1, 2, 3)}, "layers_per_block has 3 values for 2 levels"),
        ({"norm_num_groups": 3}, "norm_num_groups=3"),
        ({"attention_head_dim": 3}, "attention heads"),
        ({"addition_embed_type": "text_time"}, "addition_embed_type is 'text_time'; valid: text, None"),
        ({"addition_embed_type": "text", "cross_attention_dim": None}, "cross_attention_dim is None"),
        ({"cross_attention_dim": (12, 16)}, r"cross_attention_dim=\[12, 16\]"),
    ],
)
def test_bad_configurations_say_what_is_wanted(changes, message):
    with pytest.raises(ValueError, match=message):
        tiny(**changes)


class Denoising(Trainable):
    """A U-Net and a layer before its context, so that gradients go through both."""

    def __init__(self, unet):
        super().__init__()
        self.unet, self.dense = unet, keras.layers.Dense(12)
        self.dense.build((None, None, 12))
        self.built = True

    def call(self, x):
        return self.unet(x["sample"], x["timesteps"], self.dense(x["context"]))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(self(x)))


@pytest.mark.slow
def test_gradient_checkpointing_trains_the_same():
    sample, timesteps, context = INPUTS
    batch = {"sample": sample, "timesteps": np.broadcast_to(timesteps, sample.shape[:1]), "context": context}
    trained = []
    for checkpointing in (False, True):
        keras.utils.set_random_seed(0)
        model = Denoising(tiny())
        model.unet.gradient_checkpointing = checkpointing
        model.compile(keras.optimizers.SGD(0.1))
        model.fit(batch, batch_size=len(sample), epochs=2, verbose=0)
        trained.append(model.get_weights())
    assert model.unet.gradient_checkpointing
    for plain, checkpointed in zip(*trained, strict=True):
        np.testing.assert_allclose(checkpointed, plain, atol=1e-5)


def test_missing_context_is_named():
    with pytest.raises(ValueError, match=r"context is missing: this U-Net wants \(B, L, 12\)"):
        tiny()(*INPUTS[:2])
