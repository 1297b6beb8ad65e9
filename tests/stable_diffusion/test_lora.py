import json

import keras
import numpy as np
import pytest
from adapted import ATTENTION_LAYERS, batch, tiny_painter
from contracts import run_fresh
from PIL import Image

import tfportrait as tp
from tfportrait.cli import main
from tfportrait.models.weights import named_variables
from tfportrait.recipe import read_recipe
from tfportrait.stable_diffusion import loras
from tfportrait.training import AdamW


def number(value):
    return np.array(keras.ops.convert_to_numpy(value))


def values(painter):
    networks = painter.unet, painter.text_encoder
    return [number(variable) for network in networks for variable in network.weights]


def same(ours, theirs):
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


def predicted(painter):
    """What the U-Net says of fixed noise and words, with the averaged weights where there are any."""
    noise = np.random.default_rng(1).standard_normal((1, 8, 8, 4)).astype("float32")
    with painter.averaged_weights():
        context = painter.text_encoder(painter.tokenizer.encode("a red cat"))
        return number(keras.ops.cast(painter.unet(noise, np.float32([500.0]), context), "float32"))


def fit(painter, epochs=1, **options):
    """A few steps, without the time that compiling takes."""
    painter.compile(AdamW(1e-2, **options), run_eagerly=True)
    painter.fit(batch(painter), batch_size=4, epochs=epochs, verbose=0)


def randomised(lora, seed=0):
    """A LoRA as if it had been trained."""
    random = np.random.default_rng(seed)
    for factors in lora.factors.values():
        factors["up"].assign(0.3 * random.standard_normal(factors["up"].shape))
    return lora


@pytest.fixture
def painter():
    keras.utils.set_random_seed(0)
    return tiny_painter()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two LoRA files: of the attention, and of convolutions, dense layers and the text encoder."""
    folder, painter = tmp_path_factory.mktemp("loras"), tiny_painter()
    first = randomised(tp.add_lora(painter, rank=2, alpha=3.0, text_encoder=True, name="first"), 1)
    second = randomised(
        tp.add_lora(painter, rank=1, targets=("to_q", "conv1", "conv", "time_emb_proj"), name="second"), 2
    )
    first.save(folder / "first.safetensors")
    second.save(folder / "second.safetensors")
    return folder / "first.safetensors", folder / "second.safetensors"


def test_fit_moves_the_lora_and_nothing_else(painter):
    before, start, names = values(painter), predicted(painter), [*named_variables(painter.unet)]
    lora = tp.add_lora(painter, rank=2, text_encoder=True)
    assert len(lora.factors) == ATTENTION_LAYERS + 4
    assert [*named_variables(painter.unet)] == names
    np.testing.assert_array_equal(predicted(painter), start)  # it begins as no change
    trained = painter.trainable_variables
    assert {id(v) for v in trained} == {id(v) for f in lora.factors.values() for v in f.values()}
    first = [number(v) for v in trained]
    with pytest.raises(ValueError, match="must call `compile"):
        painter.fit(batch(painter))
    fit(painter, epochs=2)
    assert not any(np.array_equal(number(v), was) for v, was in zip(trained, first, strict=True))
    assert same(values(painter), before)
    assert np.abs(predicted(painter) - start).max() > 1e-3
    lora.remove()
    assert same(values(painter), before)
    np.testing.assert_array_equal(predicted(painter), start)
    assert len(painter.trainable_variables) == len(painter.unet.trainable_variables) > 0


def test_live_merged_and_every_file_are_the_same(tmp_path, painter):
    """With the average that training keeps: merging, and all files, take it."""
    lora = randomised(tp.add_lora(painter, rank=2, text_encoder=True))
    fit(painter, epochs=2, ema_decay=0.9)
    wanted = predicted(painter)
    lora.save(tmp_path / "x.safetensors")
    painter.save(tmp_path / "x.keras")
    again = tp.load(tmp_path / "x.keras")
    np.testing.assert_array_equal(predicted(again), wanted)
    assert [*loras(again)] == ["lora"] and len(again.trainable_variables) == len(painter.trainable_variables)
    before = values(painter)
    painter.save_to_preset(tmp_path / "preset")
    assert same(values(painter), before)
    lora.merge()
    np.testing.assert_allclose(predicted(painter), wanted, atol=1e-5)
    lora.merge()  # is merged
    lora.remove()
    assert same(values(painter), before)
    tp.load_lora(painter, tmp_path / "x.safetensors")
    np.testing.assert_allclose(predicted(painter), wanted, atol=1e-5)
    from_preset = tp.LatentDiffusion.from_preset(tmp_path / "preset")
    np.testing.assert_allclose(predicted(from_preset), wanted, atol=0.02 * np.abs(wanted).max())  # float16 on disk


@pytest.mark.parametrize("live", [False, True], ids=["merged", "live"])
def test_several_with_strengths_that_change(painter, files, live):
    before, start = values(painter), predicted(painter)
    first = tp.load_lora(painter, files[0], 0.5, live=live)
    alone = predicted(painter)
    second = tp.load_lora(painter, files[1], 1.5, live=live)
    both = predicted(painter)
    assert [*loras(painter)] == ["first", "second"] and (first.strength, second.strength) == (0.5, 1.5)
    assert np.abs(alone - start).max() > 1e-2 and np.abs(both - alone).max() > 1e-2
    second.strength = 0.0
    np.testing.assert_array_equal(predicted(painter), alone)
    second.strength = 1.5
    np.testing.assert_array_equal(predicted(painter), both)
    first.remove()  # before the later one, which shares kernels with it
    second.strength = 0
    np.testing.assert_array_equal(predicted(painter), start)
    second.remove()
    assert same(values(painter), before) and not loras(painter)
    with pytest.raises(ValueError, match="'second' is in no painter"):
        second.remove()


def test_what_was_compiled_follows(painter, files):
    """The functions that paint are compiled once; another LoRA, and another strength, are seen all the same."""

    def painted():
        return painter.generate("a red cat", seeds=1, num_steps=4, guidance_scale=1.0, sampler="lcm").astype(int)

    plain = painted()
    lora = tp.load_lora(painter, files[0], live=True)
    strong = painted()
    lora.strength = 0.0
    np.testing.assert_array_equal(painted(), plain)
    lora.strength = 1.0
    lora.merge()
    assert np.abs(strong - plain).max() > 2 and np.abs(painted() - strong).max() <= 1


def test_merged_below_and_live_above(painter, files):
    """A new LoRA is trained on top of one that is merged."""
    before = values(painter)
    merged = tp.load_lora(painter, files[0])
    kernels = values(painter)
    live = tp.add_lora(painter, rank=1)
    fit(painter)
    assert same(values(painter), kernels)
    live.merge()
    merged.remove()
    live.remove()
    assert same(values(painter), before)


def test_kernels_in_half_precision_are_summed_in_float32_and_rounded_once(files):
    painter = tiny_painter(dtype="bfloat16")
    before = values(painter)
    lora = tp.load_lora(painter, files[0], 0.7)
    name = "down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
    variable = named_variables(painter.unet)[f"{name}.weight"]
    index = next(i for i, each in enumerate(painter.unet.weights) if each is variable)
    factors = {part: number(value) for part, value in lora.factors[f"unet.{name}"].items()}
    wanted = before[index].astype("float32") + 0.7 * factors["down"] @ factors["up"]
    assert np.mean(number(variable) == wanted.astype(before[index].dtype)) > 0.99
    lora.remove()
    assert same(values(painter), before)


def test_live_is_rounded_with_the_kernel_not_after_it():
    """A change far below bfloat16's steps moves the mean of the products as far as it should."""
    painter = tiny_painter(dtype="mixed_bfloat16")
    layer = painter.unet.down_blocks[1].attentions[0].proj_in
    layer._kernel.assign(np.random.default_rng(0).uniform(1.0, 2.0, layer._kernel.shape))
    lora = tp.add_lora(painter, rank=1, targets="proj_in")
    for factors in lora.factors.values():
        factors["down"].assign(np.full(factors["down"].shape, 1e-3))
        factors["up"].assign(np.ones(factors["up"].shape))
    basis = np.eye(layer._kernel.shape[2], dtype="float32")[None, None]  # (1, 1, C, C): what comes out is the kernel
    changed = number(keras.ops.cast(layer(basis), "float32"))[0, 0]
    plain = number(layer._kernel)[0, 0].astype("bfloat16").astype("float32")
    assert 3e-4 < (changed - plain).mean() < 2e-3


def test_kernels_that_were_trained_after_merging_are_not_taken_apart(painter, files):
    lora = tp.load_lora(painter, files[0])
    fit(painter)
    trained = values(painter)
    with pytest.raises(ValueError, match="was trained or replaced after a LoRA had been merged"):
        lora.remove()
    assert same(values(painter), trained)


def test_a_moving_average_would_undo_it(painter, files):
    fit(painter, ema_decay=0.9)
    for add in (lambda: tp.load_lora(painter, files[0]), lambda: tp.add_lora(painter)):
        with pytest.raises(ValueError, match="moving average .* save_to_preset"):
            add()


def test_arguments_are_checked(painter, files):
    for message, call in {
        "rank is 0": lambda: tp.add_lora(painter, rank=0),
        "is named ...to_x; there are conv, .*to_q": lambda: tp.add_lora(painter, targets="to_x"),
        "strength of a LoRA is nan": lambda: tp.load_lora(painter, files[0], float("nan")),
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=message):
            call()
    lora = tp.load_lora(painter, files[0])
    with pytest.raises(ValueError, match="has a LoRA named 'first' already"):
        tp.load_lora(painter, files[0])
    with pytest.raises(ValueError, match="must be a finite number"):
        lora.strength = "much"
    tp.load_lora(painter, files[0], name="again")


JAX = """
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/.."]
import keras, numpy as np
import tfportrait as tp
from adapted import batch, tiny_painter
from test_lora import predicted, randomised, same, values
from tfportrait.training import AdamW

assert keras.backend.backend() == "jax"
painter = tiny_painter()
before = values(painter)
lora = randomised(tp.add_lora(painter, rank=2, text_encoder=True))
word = [np.array(v) for v in painter.trainable_variables]
painter.compile(AdamW(1e-2, ema_decay=0.9))
painter.fit(batch(painter), batch_size=4, epochs=2, verbose=0)
moved = [not np.array_equal(a, np.array(b)) for a, b in zip(word, painter.trainable_variables, strict=True)]
live = predicted(painter)
lora.merge()
merged = predicted(painter)
lora.remove()
print(json.dumps([all(moved), float(np.abs(live - merged).max()), same(values(painter), before)]))
"""


@pytest.mark.slow
def test_on_jax(request):
    pytest.importorskip("jax")
    moved, difference, restored = json.loads(run_fresh(JAX, request.path.parent, backend="jax").splitlines()[-1])
    assert moved and difference < 1e-4 and restored


def test_paint_takes_several_and_writes_them_down(tmp_path, painter, files, capsys):
    painter.save_to_preset(tmp_path / "preset")
    strengths = {files[0]: 0.5, files[1]: 1.0}
    loras_given = [f"--lora={files[0]}=0.5", f"--lora={files[1]}"]
    fixed = ["paint", "a red cat", "--preset", str(tmp_path / "preset"), "--steps", "2", "--precision", "float32"]
    assert main([*fixed, *loras_given, "--out", str(tmp_path / "x.png")]) == 0
    stored = read_recipe(tmp_path / "x.png")["loras"]
    assert [(each["file"], each["strength"]) for each in stored] == [(f.name, s) for f, s in strengths.items()]
    assert all(len(each["hash"]) == 64 for each in stored)
    loaded = tp.LatentDiffusion.from_preset(tmp_path / "preset")
    for file, strength in strengths.items():
        tp.load_lora(loaded, file, strength)
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "x.png")), loaded.generate("a red cat", num_steps=2)[0]
    )
    for wrong, message in {
        f"{files[0]}=much": "the strength of a LoRA is a number, such as first.safetensors=0.8; got 'much'",
        "nowhere.safetensors=1": "there is no LoRA file nowhere.safetensors",
        str(files[0]): "is given twice",
    }.items():
        more = [f"--lora={files[0]}"] if "twice" in message else []
        assert main([*fixed, f"--lora={wrong}", *more]) == 2
        assert message in capsys.readouterr().err
