import json
import shutil
import sys

import numpy as np
import pytest

from tfportrait import data, pipelines
from tfportrait.cli import main
from tfportrait.data import latents
from tfportrait.files import cache_dir
from tfportrait.models import AutoencoderKL
from tfportrait.presets import locate
from tfportrait.recipe import read_recipe

pytest.importorskip("apache_beam")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFPORTRAIT_CACHE", str(tmp_path / "local"))
    monkeypatch.setattr(latents, "_SHARD", 8)  # pictures in a part
    return tmp_path / "cache"


def encode(out, **options):
    return pipelines.encode("portrait_128", "portrait_world", out, image_size=32, count=20, **options)


def parts(out):
    return sorted((out / "latents").rglob("*.npy"))


@pytest.mark.slow
def test_latents_of_a_pipeline_are_those_of_one_machine_and_what_is_lost_is_made_again(cache, monkeypatch):
    assert encode(cache) == 3
    assert encode(cache) == 0
    whole = [path.read_bytes() for path in parts(cache)]
    parts(cache)[0].unlink()
    damaged = bytearray(whole[1])
    damaged[-20] ^= 1
    parts(cache)[0].write_bytes(damaged)
    (parts(cache)[0].parent / ".latents-00000000-00000008.npy.1.tmp").write_bytes(b"half")  # of a killed worker
    assert encode(cache) == 2
    assert [path.read_bytes() for path in parts(cache)] == whole

    source = data.open_source("portrait_world", "train", image_size=32, count=20)
    autoencoder = AutoencoderKL.from_folder(locate("portrait_128") / "vae")
    alone = data.encode_latents(autoencoder, source)
    assert cache_dir() != cache
    monkeypatch.setenv("TFPORTRAIT_CACHE", str(cache))
    np.testing.assert_array_equal(data.encode_latents(autoencoder, source)[:], alone[:])
    shutil.rmtree(cache / "latents")
    command = ["data", "encode", "portrait_world", "--count", "20", "--size", "32", "--out", str(cache)]
    assert main([*command, "--runner=DirectRunner"]) == 0
    assert [path.read_bytes() for path in parts(cache)] == whole


@pytest.mark.slow
def test_prompts_are_painted_once(tmp_path, capsys):
    prompts, out = tmp_path / "prompts.txt", tmp_path / "out"
    prompts.write_text("a smiling woman\n\n" + '{"prompt": "an old man", "seed": 3}\n' + '{"wrong": 1}\n')
    summary = pipelines.paint(prompts, out, "portrait_128", num_steps=2, precision="float32")
    assert str(summary) == "2 painted, 0 there already, 1 failed"
    assert [job.line for job in summary.failed] == [4]
    pictures = sorted(out.glob("*.png"))
    assert [read_recipe(path)["prompt"] for path in pictures] == ["a smiling woman", "an old man"]
    before = pictures[1].read_bytes()
    pictures[0].unlink()
    summary = pipelines.paint(prompts, out, "portrait_128", num_steps=2, precision="float32")
    assert str(summary) == "1 painted, 1 there already, 1 failed"
    assert pictures[1].read_bytes() == before
    command = ["paint", f"--prompts={prompts}", f"--out={out}", "--precision=float32", "--beam=--runner=DirectRunner"]
    assert main([*command, "--steps=3"]) == 2
    said = capsys.readouterr()
    assert "painted with num_steps 2" in said.out and "0 painted, 0 there already, 3 failed" in said.out
    assert "3 of 3 lines failed" in said.err
    assert pictures[1].read_bytes() == before
    prompts.write_text("a smiling woman\n" + json.dumps({"prompt": "a man", "out": pictures[0].name}))
    assert main([*command, "--steps=2"]) == 2
    said = capsys.readouterr().out
    assert "0 painted, 1 there already, 1 failed" in said and "is that of line 1 too" in said


def test_without_beam_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    with pytest.raises(ValueError, match=r'pip install "tfportrait\[beam\]"'):
        encode(tmp_path)


def test_a_pipeline_paints_a_file_of_prompts(capsys):
    assert main(["paint", "a man", "--beam=--runner=DirectRunner"]) == 2
    assert "give a file of prompts with --prompts" in capsys.readouterr().err


def test_wrong_names_are_said_before_any_work(tmp_path, capsys):
    assert main(["data", "encode", "portrait_wrld", "--out", str(tmp_path / "c")]) == 2
    assert "did you mean 'portrait_world'?" in capsys.readouterr().err
    assert main(["data", "encode", "portrait_world", "--preset", "nothing", "--out", str(tmp_path / "c")]) == 2
    assert "nothing" in capsys.readouterr().err
