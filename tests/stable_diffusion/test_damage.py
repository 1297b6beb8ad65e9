"""Damaged checkpoints: a painter or a ValueError on one line, whatever is in the files; nothing half read."""

import functools
import itertools
import json
import math
import random
import struct

import adapted
import checkpoints
import numpy as np
import pytest
import safetensors.numpy
from golden import pipeline as golden
from hypothesis import given, settings
from hypothesis import strategies as st

import tfportrait as tp
from tfportrait.models import parts, preset, weights
from tfportrait.stable_diffusion import lora_file, single_file

ODD = [None, True, 0, -1, 1, 2, 7, 10**9, 10**12, 10**400, 0.5, math.nan, math.inf, -1e308, "", "x", "a\nb", "\ud800"]
ODD += [[], [0], [8, 16], [10**9, 16], [[8], 16], [8] * 1000, ["x"], [None], {}, {"content": 5}, {"a": {"b": []}}]
ODD += ["F64", "I64", "F8_E4M3", "BOOL", "float16", "StableDiffusionXLPipeline", "../../x", "/x.safetensors"]
WHOLE = [b"", b"\0", b"{}", b"[]", b"[" * 100_000, b'{"a":' * 100_000, b"<html>", b"\xff\xfe"]


def places(value, path=()):
    """The paths to all values within JSON."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in itertools.islice(items, 80):
        yield from places(inner, (*path, key))


def change_json(value, rng):
    """JSON with one value replaced, removed, renamed or repeated."""
    path = rng.choice([path for path in places(value)][1:] or [()])
    if not path:
        return rng.choice(ODD)
    inside = functools.reduce(lambda inner, key: inner[key], path[:-1], value)
    old, key = inside[path[-1]], path[-1]
    match rng.randrange(5):
        case 0:
            del inside[key]
        case 1 if isinstance(inside, dict):
            inside[f"{key}x"] = inside.pop(key)
        case 2 if isinstance(old, list):
            inside[key] = old * 2
        case 3 if isinstance(old, int):
            inside[key] = old + rng.choice([-1, 1, -old, old, 2**40])
        case _:
            inside[key] = rng.choice(ODD)
    return value


def change_bytes(content, rng, end=None):
    """Cut short, or a few bytes replaced, removed or put in."""
    content, end = bytearray(content), end or len(content)
    if rng.random() < 0.3:
        return bytes(content[: rng.randrange(len(content) + 1)])
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(max(1, min(end, len(content))))
        content[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(3))
    return bytes(content)


def change_tensors(content, rng):
    """A safetensors file with another header, another length of the header, or other numbers."""
    length = struct.unpack("<Q", content[:8])[0]
    header, numbers = content[8 : 8 + length], bytearray(content[8 + length :])
    match rng.randrange(6):
        case 0:
            return change_bytes(content, rng, 8 + length)
        case 1:
            return struct.pack("<Q", rng.choice([0, 1, length - 1, length + 1, 2**31, 2**62, 2**64 - 1])) + content[8:]
        case 2:
            at = 4 * rng.randrange(len(numbers) // 4)
            numbers[at : at + 4] = np.float32(rng.choice([math.nan, math.inf, 3e38])).tobytes()
        case 3:  # a name twice
            name = rng.choice(list(json.loads(header))[1:])
            header = header.rstrip()[:-1] + f',"{name}":{json.dumps(json.loads(header)[name])}}}'.encode()
        case _:
            header = json.dumps(change_json(json.loads(header), rng)).encode()
    return struct.pack("<Q", len(header)) + header + bytes(numbers)


def change(path, rng):
    """Damages a file."""
    content = path.read_bytes()
    kind = rng.randrange(10)
    if kind < 2:
        path.unlink()
        if kind:
            path.mkdir()
        return
    if kind == 2:
        path.write_bytes(rng.choice(WHOLE))
    elif path.suffix == ".safetensors":
        path.write_bytes(change_tensors(content, rng))
    elif path.suffix == ".json" and kind < 8:
        path.write_text(json.dumps(change_json(json.loads(content), rng)), "utf-8")
    else:
        path.write_bytes(change_bytes(content, rng))


@functools.cache
def built(cls, config):
    return cls(**json.loads(config))


def once(cls):
    """A class that builds one network for each configuration: building takes longer than all the rest."""
    make = {"__new__": lambda _, *, dtype=None, **config: built(cls, json.dumps(config))}
    return type(cls.__name__, (cls,), make)


def outcome(read):
    """Whether something was read; a ValueError must say on a line why not."""
    try:
        read()
    except ValueError as error:
        message = str(error)
        assert len(message.splitlines()) == 1 and len(message) < 2000, message
        return False
    return True


def damaged(path, seed, read):
    """The outcome of reading with a file damaged, which is put back."""
    content = path.read_bytes()
    try:
        change(path, random.Random(seed))
        return outcome(read)
    finally:
        if path.is_dir():
            path.rmdir()
        path.write_bytes(content)


@pytest.fixture(scope="module", autouse=True)
def build_once():
    with pytest.MonkeyPatch.context() as patch:
        for name, cls in list(parts.NETWORKS.items()):
            patch.setitem(parts.NETWORKS, name, once(cls))
            patch.setattr(single_file, cls.__name__, once(cls))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return golden.write_folder(tmp_path_factory.mktemp("folder"), "sd2")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return checkpoints.written(tmp_path_factory.mktemp("file"), checkpoints.checkpoint("sd2"))


SEEDS = given(st.integers(0, 2**32))


def some_file(folder, seed):
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return files[seed % len(files)]


@settings(max_examples=150, deadline=None, derandomize=True)
@SEEDS
def test_damaged_folders_before_networks_are_built(folder, seed):
    def check():
        preset.read(lambda **painter: painter, folder)

    with pytest.MonkeyPatch.context() as patch:
        for cls in parts.NETWORKS.values():
            patch.setattr(cls, "from_folder", lambda folder, dtype: None)
        damaged(some_file(folder, seed), seed, check)


@pytest.fixture(scope="module")
def one_file(folder, tmp_path_factory):
    """The tokenizer as transformers 5 writes it."""
    tokenizer, path = tp.Tokenizer.from_folder(folder / "tokenizer"), tmp_path_factory.mktemp("one") / "tokenizer.json"
    model = {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": tokenizer.vocab, "merges": tokenizer.merges}
    weights.write_json(path, {"model": model})
    return path


@settings(max_examples=100, deadline=None, derandomize=True)
@SEEDS
def test_damaged_tokenizers_in_one_file(one_file, seed):
    damaged(one_file, seed, lambda: tp.Tokenizer.from_folder(one_file.parent))


@pytest.mark.slow
@settings(max_examples=120, deadline=None, derandomize=True)
@SEEDS
def test_damaged_folders(folder, seed):
    damaged(some_file(folder, seed), seed, lambda: tp.LatentDiffusion.from_preset(folder))


@settings(max_examples=25, deadline=None, derandomize=True)
@SEEDS
def test_damaged_single_files(file, seed):
    damaged(file, seed, lambda: single_file.read_networks(file))


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@SEEDS
def test_many_damaged_single_files(file, seed):
    damaged(file, seed, lambda: single_file.read_networks(file))


@settings(max_examples=25, deadline=None, derandomize=True)
@SEEDS
def test_a_network_keeps_its_weights_where_a_file_is_refused(folder, seed):
    network, part = built(tp.AutoencoderKL, json.dumps(golden.VAE)), folder / "vae"
    before = [np.array(variable) for variable in network.weights]
    if not damaged(part / "diffusion_pytorch_model.safetensors", seed, lambda: weights.read_weights(network, part)):
        for variable, value in zip(network.weights, before, strict=True):
            np.testing.assert_array_equal(variable, value)


def added_files(folder):
    """A LoRA of the tiny painter and a word for it, and what reads each."""
    painter = adapted.tiny_painter()
    lora = tp.add_lora(painter, rank=2)
    lora.save(folder / "lora.safetensors")
    lora.remove()
    word = tp.add_word(painter, "<zwk>", like="cat", count=2)
    word.save(folder / "word.safetensors")
    word.remove()
    with_metadata = folder / "alphas.safetensors"
    tensors = safetensors.numpy.load_file(folder / "lora.safetensors")
    metadata = {"unet.lora_alpha": 4, "unet.alpha_pattern": {"attn1.to_q": 2, "mid_block.attentions.0": 8}}
    metadata = {lora_file.METADATA: json.dumps(metadata)}
    safetensors.numpy.save_file(tensors, with_metadata, metadata=metadata)
    return painter, [(file, tp.load_lora) for file in ("lora", "alphas")] + [("word", tp.load_word)]


def check_damaged_additions(folder, count):
    painter, readers = added_files(folder)
    before = [np.array(v) for v in painter.unet.weights + painter.text_encoder.weights]
    read = 0
    for seed in range(count):
        name, load = readers[seed % 3]
        file, made = folder / f"{name}.safetensors", []
        if damaged(file, seed, lambda load=load, file=file, made=made: made.append(load(painter, file))):
            made[0].remove()
            read += 1
    assert read
    for variable, value in zip(painter.unet.weights + painter.text_encoder.weights, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_damaged_loras_and_words(tmp_path):
    check_damaged_additions(tmp_path, 30)


@pytest.mark.slow
def test_many_damaged_loras_and_words(tmp_path):
    check_damaged_additions(tmp_path, 150)
