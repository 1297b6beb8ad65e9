import json

import numpy as np
import pytest
import safetensors.numpy
from adapted import outputs, painter
from golden import lora as golden
from golden import networks

import tfportrait as tp
from tfportrait.stable_diffusion import loras, single_file

ATTENTION = "unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"


@pytest.fixture(scope="module")
def plain():
    return painter()


@pytest.fixture(scope="module")
def base(plain):
    return outputs(plain)


@pytest.fixture
def fresh(plain):
    """The painter, without LoRAs afterwards."""
    yield plain
    for lora in loras(plain).values():
        lora.remove()


def written(folder, tensors, metadata=None, name="x.safetensors"):
    tensors = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
    safetensors.numpy.save_file(tensors, folder / name, metadata)
    return folder / name


def factors(layer=ATTENTION, shape=(8, 12), rank=2, ends=("lora_A.weight", "lora_B.weight")):
    return {
        f"{layer}.{ends[0]}": networks.tensor("down", (rank, *shape[1:])),
        f"{layer}.{ends[1]}": networks.tensor("up", (shape[0], rank)),
    }


@pytest.mark.parametrize(
    ("case", "live"), [*((case, False) for case in golden.CASES), ("kohya_half", True), ("both", True)]
)
def test_files_give_the_outputs_that_diffusers_gives(tmp_path, fresh, case, live):
    for file, strength in golden.CASES[case].items():
        tp.load_lora(fresh, golden.write(tmp_path, file), strength, live=live)
    with np.load(golden.OUT) as wanted:
        for name, ours in outputs(fresh).items():
            np.testing.assert_allclose(ours, wanted[f"{case}/{name}"], rtol=0, atol=1e-4, err_msg=name)


def test_layers_may_have_compvis_names(tmp_path, fresh):
    tensors, _ = golden.make("lcm")
    flat = {f"lora_unet_{name.replace('.', '_')}": name for name in golden.layers("unet")}
    renamed = {}
    for key, value in tensors.items():
        layer, part = key.split(".", 1)
        compvis = single_file.unet_name(f"{flat[layer]}.", 2, (False, True)).removesuffix(".")
        renamed[f"lora_unet_{compvis.replace('.', '_')}.{part}"] = value
    assert not set(renamed) & set(tensors) and any("input_blocks_1_1_" in key for key in renamed)
    tp.load_lora(fresh, written(tmp_path, renamed))
    with np.load(golden.OUT) as wanted:
        np.testing.assert_allclose(outputs(fresh)["unet"], wanted["lcm/unet"], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({}, 1.0),
        ({"unet.lora_alpha": 6}, 3.0),
        ({"unet.lora_alpha": 6, "unet.alpha_pattern": {"attn2.to_k": 1}}, 0.5),
        ({"unet.lora_alpha": 6, "unet.alpha_pattern": {"attn1.to_k": 1}}, 3.0),
        ({"unet.lora_alpha": 6, "unet.use_rslora": True}, 6 / 2**0.5),
        ({"text_encoder.lora_alpha": 6}, 1.0),
    ],
)
def test_alphas_of_the_metadata(tmp_path, fresh, config, scale):
    file = written(tmp_path, factors(), {"lora_adapter_metadata": json.dumps(config)})
    lora = tp.load_lora(fresh, file)
    down, up = factors().values()
    np.testing.assert_allclose(np.asarray(lora.added(ATTENTION)), scale * (up @ down).T, rtol=1e-5)


SDXL = {f"lora_te1_text_model_{i}.lora_down.weight": np.zeros((2, 8)) for i in range(12)}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (factors() | {f"{ATTENTION}.lora_magnitude_vector": np.zeros(8)}, "is DoRA, .* not read.*magnitude_vector"),
        ({"lora_unet_x.dora_scale": np.zeros(8)}, "is DoRA"),
        ({"lora_unet_x.hada_w1_a": np.zeros(8)}, "is LoHa"),
        ({"lora_unet_x.lokr_w1": np.zeros(8)}, "is LoKr"),
        ({"lora_unet_x.lora_mid.weight": np.zeros(8)}, r"is a LoCon with a third factor \(lora_mid\)"),
        (SDXL, "is for Stable Diffusion XL.*lora_te1_text_model_0.lora_down.weight, .* and 2 more"),
        ({"lora_unet_double_blocks_0.lora_down.weight": np.zeros((2, 8))}, "is for Flux"),
        ({"model.diffusion_model.input_blocks.0.0.weight": np.zeros(8)}, "is a whole checkpoint"),
        (factors(shape=(8, 1024)), r"made for Stable Diffusion 2 \(1024 channels\).*\(2, 1024\).* kernel of \(8, 12\)"),
        (factors(shape=(9, 12)), r"1 of its tensors are wrong: .*to_k.lora_A.weight: \(2, 12\) and \(9, 2\)"),
        (dict([*factors().items()][:1]), "lora_A.weight without the up part"),
        (factors("unet.nowhere"), "2 of its tensors are wrong: unet.nowhere.lora_A.weight belongs to no layer; "),
        (factors() | {"something": np.zeros(3)}, "something belongs to no layer"),
        ({}, "has no tensor in it"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_named_and_change_nothing(tmp_path, fresh, base, tensors, message):
    with pytest.raises(ValueError, match=message):
        tp.load_lora(fresh, written(tmp_path, tensors))
    assert not loras(fresh)
    np.testing.assert_array_equal(outputs(fresh)["unet"], base["unet"])


def test_a_fitting_tensor_beside_a_wrong_one_is_not_applied(tmp_path, fresh, base):
    tensors = factors() | factors(ATTENTION.replace("to_k", "to_v"), (8, 13))
    with pytest.raises(ValueError, match="nothing was changed. 1 of its tensors are wrong"):
        tp.load_lora(fresh, written(tmp_path, tensors))
    np.testing.assert_array_equal(outputs(fresh)["unet"], base["unet"])


def test_other_and_damaged_files(tmp_path, fresh):
    with pytest.raises(ValueError, match="may run any code"):
        tp.load_lora(fresh, tmp_path / "x.ckpt")
    with pytest.raises(ValueError, match="cannot read the weights"):
        tp.load_lora(fresh, tmp_path / "nowhere.safetensors")
    file = written(tmp_path, factors())
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ValueError, match="cannot read the weights"):
        tp.load_lora(fresh, file)


@pytest.mark.peers
def test_diffusers_reads_what_is_saved(tmp_path, fresh):
    for module in ("torch", "diffusers", "peft"):
        pytest.importorskip(module)
    lora = tp.load_lora(fresh, golden.write(tmp_path, "kohya"))
    lora.save(tmp_path / "ours.safetensors")
    theirs = golden.read_by_diffusers(tmp_path / "ours.safetensors")
    for name, ours in outputs(fresh).items():
        np.testing.assert_allclose(ours, theirs[name], rtol=0, atol=1e-4, err_msg=name)
