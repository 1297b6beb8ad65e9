"""Comparison of our networks with the reference implementations: golden numbers, and live where torch is installed."""

import json

import numpy as np
import pytest
import safetensors.numpy
from golden import networks

from tfportrait.models import AutoencoderKL, TextEncoder, UNet

KINDS = {"unet": UNet, "vae": AutoencoderKL, "clip": TextEncoder}
TOLERANCE = 1e-4


def cases(kind):
    return [case for case in networks.CASES if case.startswith(kind)]


def outputs(network, given):
    """Our outputs, named as the golden ones."""
    if isinstance(network, AutoencoderKL):
        mean, log_variance = network.moments(*given)
        return {"mean": mean, "logvar": log_variance, "decoded": network.decode(mean * network.scaling_factor)}
    return {"hidden" if isinstance(network, TextEncoder) else "output": network(*given)}


def compare(ours, theirs):
    for name, wanted in theirs.items():
        np.testing.assert_allclose(np.asarray(ours[name]), wanted, rtol=0, atol=TOLERANCE, err_msg=name)


def check_golden(case, folder, dtype="float32"):
    """A folder as the reference implementation writes it is read and gives its outputs."""
    golden = np.load(networks.OUT)
    (folder / "config.json").write_text(str(golden[f"{case}/config"]))
    shapes = json.loads(str(golden[f"{case}/shapes"]))
    tensors = {name: networks.weight(name, tuple(shape)) for name, shape in shapes.items()}
    kind = KINDS[case.split("_")[0]]
    safetensors.numpy.save_file(tensors, folder / f"{kind.weights_stem}.safetensors")
    network = kind.from_folder(folder)
    theirs = {name: golden[f"{case}/{name}"] for name in outputs(network, networks.inputs(case))}
    compare(outputs(network, networks.inputs(case)), theirs)


def check_live(case, folder):
    """The installed reference implementation reads what we write, and we what it writes; both paint the same."""
    for module in ("torch", "diffusers", "transformers"):
        pytest.importorskip(module)
    reference = networks.reference_model(case)
    reference.save_pretrained(folder / "theirs")
    network = KINDS[case.split("_")[0]].from_folder(folder / "theirs")
    theirs = networks.reference_outputs(case, reference)
    compare(outputs(network, networks.inputs(case)), theirs)
    network.save_to_folder(folder / "ours", dtype="float32")
    compare(networks.reference_outputs(case, type(reference).from_pretrained(folder / "ours").eval()), theirs)
