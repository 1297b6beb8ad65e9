"""Same weights, noise and sampler: the pictures of diffusers' image-to-image and inpainting pipelines."""

import functools
import json
import tempfile

import numpy as np
import pytest
from golden import editing as golden
from golden import pipeline

import tfportrait as tp
from tfportrait.tasks import inpainting

GOLDEN = np.load(golden.OUT)
CASES = json.loads(str(GOLDEN["cases"]))


@functools.cache
def painter(channels):
    with tempfile.TemporaryDirectory() as folder:
        return tp.LatentDiffusion.from_preset(golden.write_folder(folder, channels))


@pytest.mark.parametrize("number", range(len(CASES)), ids=["-".join(map(str, case.values())) for case in CASES])
def test_pictures_are_those_of_diffusers(number, monkeypatch):
    case = CASES[number]
    made = int(case["steps"] * case["strength"])
    options = {
        "num_steps": case["steps"],
        "strength": case["strength"],
        "sampler": case["sampler"],
        "guidance_scale": 7.5,
        "noise": np.stack([pipeline.noise(step) for step in range(made + 1)]),
    }
    words = pipeline.PROMPTS, pipeline.NEGATIVES
    model = painter(case.get("channels", 4))
    if case["task"] == "image_to_image":
        found = tp.tasks.image_to_image(model, golden.pictures(), *words, **options)
    else:
        monkeypatch.setattr(inpainting, "blend", lambda images, painted, marked, feather: painted)  # as diffusers does
        found = tp.tasks.inpaint(model, golden.pictures(), golden.mask(), *words, **options)
    assert np.abs(found.astype("float32") - GOLDEN[str(number)]).mean() < 0.02
