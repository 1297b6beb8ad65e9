"""Same weights, noise and sampler: the picture of diffusers' pipeline; tests/golden/pipeline.py keeps the script."""

import functools
import json
import tempfile

import numpy as np
import pytest
from golden import pipeline as golden
from PIL import Image

import tfportrait as tp
from tfportrait.cli import main
from tfportrait.models import generation, weights

GOLDEN = np.load(golden.OUT)
CASES = json.loads(str(GOLDEN["cases"]))
# A painter is compiled anew for each scheduler: these are enough to notice what breaks.
QUICK = [{}, golden.ZERO_SNR]


@functools.cache
def painter(kind, changes):
    """The checkpoint with these changes to its scheduler's configuration, read as a user reads it."""
    with tempfile.TemporaryDirectory() as folder:
        golden.write_folder(folder, kind)
        path = f"{folder}/scheduler/scheduler_config.json"
        weights.write_json(path, weights.read_json(path) | json.loads(changes))
        return tp.LatentDiffusion.from_preset(folder)


def paint(model, case, monkeypatch):
    """Final latents and pictures."""
    decode, latents = generation.decode, []
    monkeypatch.setattr(generation, "decode", lambda p, x: latents.append(np.array(x)) or decode(p, x))
    model.guidance_rescale = case["guidance_rescale"]
    images = model.generate(
        golden.PROMPTS,
        golden.NEGATIVES if case["negative"] else None,
        num_steps=case["steps"],
        guidance_scale=case["guidance_scale"],
        sampler=case["sampler"],
        noise=np.stack([golden.noise(step) for step in range(case["steps"] + 1)]),
    )
    return latents[0], images


def assert_same(latents, images, number):
    wanted = GOLDEN[f"{number}/latents"]
    assert np.linalg.norm(latents - wanted) < 1e-4 * np.linalg.norm(wanted)
    assert np.abs(images.astype("float32") - GOLDEN[f"{number}/images"]).mean() < 0.02


def numbered(cases):
    return [
        pytest.param(i, id=golden.describe(c), marks=[] if c["scheduler"] in QUICK else pytest.mark.slow)
        for i, c in enumerate(cases)
    ]


@pytest.mark.parametrize("number", numbered(CASES))
def test_a_checkpoint_paints_what_diffusers_paints(number, monkeypatch):
    case = CASES[number]
    model = painter(case["kind"], json.dumps(case["scheduler"]))
    assert_same(*paint(model, case, monkeypatch), number)


def test_every_sampler_is_compared_on_both_kinds():
    plain = {(case["kind"], case["sampler"]) for case in CASES if not case["scheduler"]}
    assert plain == {(kind, sampler) for kind in golden.KINDS for sampler in tp.diffusion.SAMPLERS}
    assert any(case["guidance_rescale"] and case["scheduler"] == golden.ZERO_SNR for case in CASES)


@pytest.mark.parametrize("kind", ["sd1", pytest.param("sd2", marks=pytest.mark.slow)])
def test_the_command_paints_what_diffusers_paints(kind, tmp_path):
    """With nothing said but the seed, diffusers being given the seed's noise as its latents."""
    folder, out = golden.write_folder(tmp_path / "checkpoint", kind), tmp_path / "x.png"
    arguments = ["--preset", str(folder), "--seed", str(golden.SEED), "--precision", "float32", "--out", str(out)]
    assert main(["paint", golden.PROMPTS[0], *arguments]) == 0
    painted = np.asarray(Image.open(out)).astype("float32")
    assert np.abs(painted - GOLDEN[f"{kind}/command"][0]).mean() < 0.02


@pytest.mark.parametrize("kind", golden.KINDS)
def test_prompts_are_padded_as_the_checkpoint_says(kind, tmp_path):
    golden.write_folder(tmp_path, kind)
    tokenizer = tp.Tokenizer.from_folder(tmp_path / "tokenizer")
    row = tokenizer.encode("a red cat")[0]
    assert tokenizer.max_length == 77 and row[-1] == tokenizer.vocab[golden.KINDS[kind]["pad_token"]]
