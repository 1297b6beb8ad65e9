import json

import numpy as np
import pytest
from contracts import check_files, check_folder, check_layer, shapes_only
from golden import networks
from references import cases, check_golden, check_live

from tfportrait.models import TextEncoder

TINY = {**networks.CLIP, "hidden_act": "quick_gelu"}
TOKEN_IDS = networks.inputs("clip_sd1")[0]
SD1 = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
SD2 = {"hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": 23}


def tiny(**changes):
    return TextEncoder(**{**TINY, **changes})


def test_contract():
    # The softmax does not change when all logits of a query do, so the keys' bias has no effect.
    check_layer(tiny, (TOKEN_IDS,), no_gradient=("k_proj/bias",))


@pytest.mark.parametrize("case", cases("clip"))
def test_outputs_are_those_of_transformers(case, tmp_path):
    check_golden(case, tmp_path)


@pytest.mark.peers
@pytest.mark.parametrize("case", cases("clip"))
def test_transformers_reads_ours_and_we_theirs(case, tmp_path):
    check_live(case, tmp_path)


@pytest.mark.parametrize(
    "config, parameters",
    [(SD1, 123_060_480), ({**SD2, "hidden_act": "gelu", "pad_token_id": 0}, 340_387_840)],
    ids=["stable diffusion 1.5", "stable diffusion 2.1"],
)
def test_stable_diffusion_is_a_valid_configuration(config, parameters):
    with shapes_only():
        assert TextEncoder(**config).count_params() == parameters


def test_a_token_sees_only_those_before_it():
    encoder = tiny()
    changed = TOKEN_IDS.copy()
    changed[:, 6] = (changed[:, 6] + 1) % 40
    a, b = np.asarray(encoder(TOKEN_IDS)), np.asarray(encoder(changed))
    np.testing.assert_array_equal(a[:, :6], b[:, :6])
    assert np.abs(a[:, 6:] - b[:, 6:]).max(axis=(0, 2)).min() > 0


def test_folder_round_trip(tmp_path):
    check_folder(tiny(), (TOKEN_IDS,), tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["architectures"] == ["CLIPTextModel"] and config["model_type"] == "clip_text_model"


def test_keras_file_in_a_fresh_process(tmp_path):
    check_files({"tiny": (tiny(), (TOKEN_IDS,))}, tmp_path)


def test_text_that_is_too_long_is_named():
    with pytest.raises(ValueError, match="13 tokens are more than the 12"):
        tiny()(np.zeros((1, 13), "int32"))


def test_bad_configurations_say_what_is_wanted():
    with pytest.raises(ValueError, match="hidden_act is 'relu'; valid: quick_gelu, gelu"):
        tiny(hidden_act="relu")
    with pytest.raises(ValueError, match="hidden_size=16 is not divisible by num_attention_heads=3"):
        tiny(num_attention_heads=3)
