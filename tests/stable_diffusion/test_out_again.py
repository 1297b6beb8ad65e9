"""Read, trained or not, and written again: diffusers loads the folder and paints the picture that is painted here."""

import warnings

import checkpoints
import numpy as np
import pytest
from golden import pipeline as golden

import tfportrait as tp
from tfportrait.models import weights

CASES = {
    kind: [
        golden.case(kind, "dpmpp_2m", 6, negative=True),
        golden.case(kind, "ddim", 6, guidance_rescale=0.7),
        golden.case(kind, "euler_ancestral", 6, golden.TRAILING),
    ]
    for kind in golden.KINDS
}


@pytest.fixture
def from_folder(tmp_path):
    return lambda kind: tp.LatentDiffusion.from_preset(golden.write_folder(tmp_path / "folder", kind))


def from_file(folder, kind):
    """A painter from one file, with the golden tokenizer beside it."""
    golden.write_tokenizer(folder / "tokenizer", golden.KINDS[kind]["pad_token"])
    path = checkpoints.written(folder, checkpoints.checkpoint(kind))
    return tp.LatentDiffusion.from_preset(path, prediction_type={"sd1": None, "sd2": "v_prediction"}[kind])


def noise(steps):
    return np.stack([golden.noise(step) for step in range(steps + 1)])


def paint(model, case):
    model.guidance_rescale = case["guidance_rescale"]
    return model.generate(
        golden.PROMPTS,
        golden.NEGATIVES if case["negative"] else None,
        num_steps=case["steps"],
        guidance_scale=case["guidance_scale"],
        sampler=case["sampler"],
        spacing="trailing" if case["scheduler"] else None,
        image_size=golden.SIDE,
        noise=noise(case["steps"]),
    )


def difference(images, others):
    """Mean difference of pictures, of 255."""
    return np.abs(images.astype("float32") - others).mean()


def train(model, steps):
    """A few steps at a rate that changes the picture."""
    batch = {
        "image": np.random.default_rng(0).uniform(-1, 1, (4, golden.SIDE, golden.SIDE, 3)).astype("float32"),
        "token_ids": model.tokenizer.encode(["a red cat", "a dog", "", "two green birds"]),
    }
    model.compile(optimizer="adam")
    model.optimizer.learning_rate = 1e-2
    model.fit(batch, batch_size=4, epochs=steps, verbose=0)


@pytest.mark.parametrize("kind", ["sd1", pytest.param("sd2", marks=pytest.mark.slow)])
def test_what_is_written_paints_what_was_read(kind, from_folder, tmp_path):
    """Within what float16 on the disk leaves; and the reference painted it, see test_diffusers_pipeline.py."""
    case = next(c for c in golden.CASES if (c["kind"], c["sampler"], c["scheduler"]) == (kind, "ddim", {}))
    wanted = np.load(golden.OUT)[f"{golden.CASES.index(case)}/images"]
    model = from_folder(kind)
    assert difference(paint(model, case), wanted) < 0.02
    model.save_to_preset(tmp_path / "out")
    again = tp.LatentDiffusion.from_preset(tmp_path / "out")
    assert again.schedule == model.schedule and again.prediction_type == model.prediction_type
    assert again.tokenizer.get_config() == model.tokenizer.get_config()
    assert difference(paint(again, case), wanted) < 1.0


@pytest.mark.slow
@pytest.mark.peers
@pytest.mark.parametrize("kind", golden.KINDS)
@pytest.mark.parametrize("source", ["folder", "file", "trained"])
def test_diffusers_paints_the_same_from_what_is_written(source, kind, from_folder, tmp_path, capfd):
    diffusers = pytest.importorskip("diffusers")
    pytest.importorskip("transformers")
    model = from_file(tmp_path, kind) if source == "file" else from_folder(kind)
    before = paint(model, CASES[kind][0])
    if source == "trained":
        train(model, 4)
        assert difference(paint(model, CASES[kind][0]), before) > 1
    out = tmp_path / "out"
    model.save_to_preset(out)
    capfd.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe = diffusers.StableDiffusionPipeline.from_pretrained(out)
    assert "not expected" not in capfd.readouterr().err
    assert type(pipe.scheduler).__name__ == "DPMSolverMultistepScheduler" and pipe.safety_checker is None
    again, scheduler = tp.LatentDiffusion.from_preset(out), weights.read_json(out / "scheduler/scheduler_config.json")
    for case in CASES[kind]:
        latents, theirs = golden.paint(pipe, case, scheduler)
        assert np.isfinite(latents).all() and difference(paint(again, case), theirs) < 0.05
        if not case["scheduler"] and not case["guidance_rescale"]:
            assert difference(paint(model, case), theirs) < 1.0  # float16 on the disk
