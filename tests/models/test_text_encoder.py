import json

import golden.text
import golden.tokenizer
import numpy as np
import pytest
from contracts import check_files, check_folder, check_layer, shapes_only
from golden import networks
from painters import tiny_painter
from references import cases, check_golden, check_live

from tfportrait.models import TextEncoder, generation
from tfportrait.models.weights import named_variables

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


def golden_text_encoder():
    tokenizer = golden.tokenizer.rebuilt(golden.text.LENGTH)
    encoder = TextEncoder(vocab_size=len(tokenizer), **golden.text.CLIP)
    for name, variable in named_variables(encoder).items():
        shape = tuple(variable.shape)
        dense = variable.name == "kernel"  # (out, in) on disk
        value = networks.weight(name, shape[::-1] if dense else shape)
        variable.assign(value.T if dense else value)
    return encoder, tokenizer


@pytest.fixture(scope="module")
def painter():
    text_encoder, tokenizer = golden_text_encoder()
    return tiny_painter(text_encoder=text_encoder, tokenizer=tokenizer)


@pytest.mark.parametrize("number", range(len(golden.text.PROMPTS)))
def test_contexts_of_weighted_and_long_prompts_are_those_of_the_web_uis(painter, number):
    prompt = [*golden.text.PROMPTS][number]
    wanted = np.load(golden.text.OUT)[f"prompt {number}"]
    context = np.asarray(generation.encode_prompts(painter, [prompt]))[0]
    assert context.shape == wanted.shape and len(wanted) % golden.text.LENGTH == 0
    np.testing.assert_allclose(context, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("clip_skip", [1, 2, 3])
def test_layers_counted_from_the_last_are_those_of_transformers(painter, clip_skip):
    wanted = np.load(golden.text.OUT)[f"layer {clip_skip}"]
    context = generation.encode_prompts(painter, ["a (smiling:1.3) woman"], clip_skip)
    np.testing.assert_allclose(np.asarray(context)[0], wanted, rtol=0, atol=1e-4)


def test_shorter_prompts_are_filled_up_with_empty_chunks(painter):
    long = "red hair " * 20
    both, alone, empty = (
        np.asarray(generation.encode_prompts(painter, texts)) for texts in ([long, "a man"], ["a man"], [""])
    )
    assert both.shape == (2, 2 * golden.text.LENGTH, 16)
    np.testing.assert_array_equal(both[1], np.concatenate([alone[0], empty[0]]))


def test_a_prompt_without_brackets_has_the_plain_context(painter):
    plain = np.asarray(painter.text_encoder(painter.tokenizer.encode(["a smiling woman"])))
    context = generation.encode_prompts(painter, ["a smiling woman"])
    np.testing.assert_allclose(np.asarray(context), plain, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(context, generation.encode_prompts(painter, ["(a smiling woman:1.0)"]))


def test_an_encoder_whose_outputs_have_no_mean_keeps_the_weights_as_they_are(painter):
    """Restoring a mean of zero would multiply by a quotient of two roundings."""
    encoder, tokenizer = golden_text_encoder()
    encoder.final_layer_norm.gamma.assign(np.ones(16))
    encoder.final_layer_norm.beta.assign(np.zeros(16))
    painter = tiny_painter(text_encoder=encoder, tokenizer=tokenizer)
    plain, weighted = (
        np.asarray(generation.encode_prompts(painter, [prompt]))[0] for prompt in ("a man", "a (man:1.5)")
    )
    np.testing.assert_allclose(weighted[2], 1.5 * plain[2], rtol=1e-5)
    np.testing.assert_array_equal(weighted[3:], plain[3:])


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


@pytest.mark.parametrize("clip_skip", [0, 3, -1])
def test_a_layer_that_is_not_there_is_named(clip_skip):
    with pytest.raises(ValueError, match=f"clip_skip is {clip_skip}, but this encoder has 2 layers"):
        tiny()(TOKEN_IDS, clip_skip=clip_skip)


def test_bad_configurations_say_what_is_wanted():
    with pytest.raises(ValueError, match="hidden_act is 'relu'; valid: quick_gelu, gelu, gelu_pytorch_tanh"):
        tiny(hidden_act="relu")
    with pytest.raises(ValueError, match="hidden_size=16 is not divisible by num_attention_heads=3"):
        tiny(num_attention_heads=3)
