import json

import numpy as np
import pytest
import safetensors.numpy
from adapted import batch, tiny_painter
from contracts import run_fresh
from test_lora import number, same, values

import tfportrait as tp
from tfportrait import presets
from tfportrait.training import AdamW


@pytest.fixture
def painter():
    return tiny_painter()


def read(painter, text):
    return number(painter.text_encoder(painter.tokenizer.encode(text)))


def taught(painter, word, epochs=2):
    """Trains the word on pictures whose captions have it."""
    data = batch(painter)
    data["token_ids"] = painter.tokenizer.encode([f"a {word.word} cat"] * 8)
    painter.compile(AdamW(1e-2), run_eagerly=True)
    painter.fit(data, batch_size=4, epochs=epochs, verbose=0)


def test_fit_moves_the_words_vectors_and_nothing_else(painter):
    before, letters = values(painter), read(painter, "a <zwk> cat")
    ordinary = read(painter, "a red cat")
    word = tp.add_word(painter, "<ZWK>", like="red", count=2)
    assert [id(v) for v in painter.trainable_variables] == [id(word.vectors)]
    np.testing.assert_array_equal(read(painter, "a red cat"), ordinary)
    start = number(word.vectors)
    taught(painter, word)
    assert (number(word.vectors) != start).all() and same(values(painter), before)
    np.testing.assert_array_equal(read(painter, "a red cat"), ordinary)
    assert np.abs(read(painter, "a <zwk> cat") - letters).max() > 0.1
    word.remove()
    np.testing.assert_array_equal(read(painter, "a <zwk> cat"), letters)
    assert len(painter.trainable_variables) == len(painter.unet.trainable_variables) > 0


def test_a_word_begins_as_what_it_is_like(painter):
    tp.add_word(painter, "<zwk>", like="x")
    np.testing.assert_allclose(read(painter, "a <zwk>"), read(painter, "a x"), atol=1e-6)


def test_ids_follow_the_vocabulary(painter):
    tokenizer = painter.tokenizer
    size, alone = len(tokenizer), tokenizer.encode("a <zwk>, sad")
    one = tp.add_word(painter, "<zwk>", like="a cat", count=3)
    tp.add_word(painter, "qqq", like="cat")
    ids = [*tokenizer.encode("a <zwk>, qqq 画qqq")[0]]
    assert len(tokenizer) == size and tokenizer.encode("a").max() < size
    assert [i for i in ids if i >= size] == [size, size + 1, size + 2, size + 3, size + 3]
    assert tokenizer.decode(ids).startswith("a <zwk> <zwk>_1 <zwk>_2 , qqq")
    assert tokenizer.count("<zwk>") == 5 and tokenizer.truncated("<zwk> " * 6) == "<zwk>_2 <zwk> <zwk>_1 <zwk>_2 "
    one.remove()
    assert tokenizer.encode("qqq")[0][1] == size
    np.testing.assert_array_equal(tokenizer.encode("a <zwk>, sad"), alone)


def test_files(tmp_path, painter):
    word = tp.add_word(painter, "<zwk>", like="red cat", count=2)
    taught(painter, word, epochs=1)
    wanted = read(painter, "a <zwk>")
    word.save(tmp_path / "zwk.safetensors")
    tensors = safetensors.numpy.load_file(tmp_path / "zwk.safetensors")
    assert {name: value.shape for name, value in tensors.items()} == {"<zwk>": (2, 16)}
    painter.save(tmp_path / "x.keras")
    again = tp.load(tmp_path / "x.keras")
    np.testing.assert_array_equal(read(again, "a <zwk>"), wanted)
    assert len(again.trainable_variables) == 1
    with pytest.warns(UserWarning, match="the word '<zwk>' is not in the preset"):
        painter.save_to_preset(tmp_path / "preset")
    plain = tp.LatentDiffusion.from_preset(tmp_path / "preset")
    trainable = len(plain.trainable_variables)
    loaded = tp.load_word(plain, tmp_path / "zwk.safetensors")
    np.testing.assert_allclose(read(plain, "a <zwk>"), wanted, atol=1e-2)  # float16 on disk
    assert len(plain.trainable_variables) == trainable  # it is known, not learnt
    loaded.remove()
    safetensors.numpy.save_file({"emb_params": tensors["<zwk>"]}, tmp_path / "mine.safetensors")
    tp.load_word(plain, tmp_path / "mine.safetensors")
    np.testing.assert_allclose(read(plain, "a mine"), wanted, atol=1e-2)
    safetensors.numpy.save_file({"<one>": tensors["<zwk>"][0]}, tmp_path / "one.safetensors")
    assert tp.load_word(plain, tmp_path / "one.safetensors", word="<1>").vectors.shape == (1, 16)


def test_a_lora_is_trained_beside_a_word_that_is_known(painter):
    word = tp.add_word(painter, "<zwk>", like="red")
    lora = tp.add_lora(painter, rank=1)
    assert len(painter.trainable_variables) == 2 * len(lora.factors)
    lora.remove()
    word.remove()


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"<x>": np.zeros((1, 768), "float32")}, r"of 768 channels \(Stable Diffusion 1\), .* text encoder has 16"),
        ({"<x>": np.zeros((2, 1024), "float32")}, r"of 1024 channels \(Stable Diffusion 2\)"),
        ({"a": np.zeros(16, "float32"), "b": np.zeros(16, "float32")}, "is no textual inversion: .* this has 2"),
        ({"clip_g": np.zeros(16, "float32"), "clip_l": np.zeros(16, "float32")}, "is no textual inversion"),
        ({"two words": np.zeros(16, "float32")}, "must be without spaces"),
    ],
)
def test_other_files_are_refused(tmp_path, painter, tensors, message):
    safetensors.numpy.save_file(tensors, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match=message):
        tp.load_word(painter, tmp_path / "x.safetensors")
    assert not painter.additions and not painter.tokenizer.added


def test_arguments_are_checked(tmp_path, painter):
    tp.add_word(painter, "<zwk>", like="cat")
    for message, call in {
        "may run any code": lambda: tp.load_word(painter, tmp_path / "x.pt"),
        "'<ZWK>' already: give another, such as '<ZWK-2>'": lambda: tp.add_word(painter, "<ZWK>", like="cat"),
        "knows the word 'x' already": lambda: tp.add_word(painter, "x", like="cat"),
        "must be without spaces": lambda: tp.add_word(painter, "a b", like="cat"),
        "like=' ' has no words": lambda: tp.add_word(painter, "<y>", like=" "),
        "count is 0": lambda: tp.add_word(painter, "<y>", like="cat", count=0),
    }.items():
        with pytest.raises(ValueError, match=message):
            call()


JAX = """
import json, sys
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/.."]
import keras, numpy as np
import tfportrait as tp
from adapted import tiny_painter
from test_lora import number, same, values
from tfportrait.training import AdamW

assert keras.backend.backend() == "jax"
painter = tiny_painter()
before = values(painter)
word = tp.add_word(painter, "<zwk>", like="red")
start = number(word.vectors)
images = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3)).astype("uint8")
data = tp.personal_dataset(painter, images, "a <zwk>", ["a red cat"], batch_size=2, num_steps=1)
painter.compile(AdamW(1e-2))
painter.fit(data, steps_per_epoch=2, verbose=0)
print(json.dumps([bool((number(word.vectors) != start).all()), same(values(painter), before)]))
"""


@pytest.mark.slow
def test_on_jax(request):
    pytest.importorskip("jax")
    assert json.loads(run_fresh(JAX, request.path.parent, backend="jax").splitlines()[-1]) == [True, True]


@pytest.mark.slow
@pytest.mark.peers
def test_diffusers_reads_what_is_saved(tmp_path):
    diffusers = pytest.importorskip("diffusers")
    torch = pytest.importorskip("torch")
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    pipe = diffusers.StableDiffusionPipeline.from_pretrained(
        presets.locate("portrait_128"), torch_dtype=torch.float32, local_files_only=True
    )
    random = np.random.default_rng(0)
    for word, count in (("<zwk>", 2), ("qqq", 1)):
        added = tp.add_word(painter, word, like="woman", count=count)
        added.vectors.assign(random.standard_normal(added.vectors.shape))
        added.save(tmp_path / "x.safetensors")
        pipe.load_textual_inversion(str(tmp_path), weight_name="x.safetensors")
    for text in ("a portrait of <zwk>, watercolour", "qqq and <ZWK>.", "一位<zwk>女士"):
        spelt = pipe.maybe_convert_prompt(text.lower(), pipe.tokenizer)
        length = painter.tokenizer.max_length
        ids = pipe.tokenizer(spelt, padding="max_length", max_length=length, truncation=True)["input_ids"]
        np.testing.assert_array_equal(painter.tokenizer.encode(text)[0], ids)
        theirs = pipe.text_encoder(torch.tensor([ids]))[0].detach().numpy()
        np.testing.assert_allclose(read(painter, text), theirs, atol=1e-4)
