import json

import numpy as np
import pytest
import safetensors.numpy
from golden import clip as golden

import tfportrait as tp
from tfportrait.models.clip import CLIP
from tfportrait.models.weights import named_variables


def written(folder):
    """A checkpoint with the reference's weights, in transformers' layout."""
    clip = CLIP(text=golden.TEXT, vision=golden.VISION, projection_dim=golden.DIMENSION)
    shapes = {}
    for name, variable in named_variables(clip).items():
        shape = tuple(variable.shape)
        if variable.name == "kernel":
            shape = (shape[3], shape[2], *shape[:2]) if len(shape) == 4 else shape[::-1]
        shapes[name] = shape
    tensors = {name: np.asarray(golden.weight(name, shape)) for name, shape in shapes.items()}
    safetensors.numpy.save_file(tensors, folder / "model.safetensors")
    tokenizer = tp.Tokenizer.train(["a red cat", "a blue dog"] * 2, 560, max_length=12)
    tokenizer.save(folder)
    config = {"text_config": {**golden.TEXT, "dropout": 0.0}, "vision_config": {**golden.VISION, "num_channels": 3}}
    (folder / "config.json").write_text(json.dumps({**config, "projection_dim": golden.DIMENSION}))
    return folder


def test_embeddings_are_those_of_transformers(tmp_path):
    clip = CLIP.from_folder(written(tmp_path))
    images, texts = clip(dict(zip(("images", "token_ids"), golden.inputs(), strict=True)))
    with np.load(golden.OUT) as wanted:
        np.testing.assert_allclose(images, wanted["images"], atol=2e-6)
        np.testing.assert_allclose(texts, wanted["texts"], atol=2e-6)


def test_similarity_is_the_cosine_in_any_batch(tmp_path):
    clip = CLIP.from_folder(written(tmp_path))
    clip.tokenizer = Numbers()
    images = np.random.default_rng(0).integers(0, 256, (3, 40, 36, 3), np.uint8)
    found = clip.similarity(images, ["a", "b", "c"], batch_size=2)
    np.testing.assert_allclose(found, clip.similarity(images, ["a", "b", "c"]), atol=1e-6)
    pixels, texts = clip.embed_images(clip.prepared(images)), clip.embed_tokens(golden.inputs()[1])
    np.testing.assert_allclose(found, (np.array(pixels) * np.array(texts)).sum(axis=-1), atol=1e-6)
    np.testing.assert_allclose(tp.metrics.clip_score(clip, images, ["a", "b", "c"]), 100 * found, atol=1e-4)


class Numbers:
    """A tokenizer that gives the reference's token ids."""

    def encode(self, texts):
        return golden.inputs()[1][["abc".index(text) for text in texts]]


def test_images_are_prepared_as_clip_learnt_them():
    clip = CLIP(text=golden.TEXT, vision=golden.VISION, projection_dim=golden.DIMENSION)
    grey = clip.prepared(np.full((1, 32, 64, 3), 128, "uint8"))
    np.testing.assert_allclose(grey[0, 0, 0], (128 / 255 - np.array([0.48145466, 0.4578275, 0.40821073]))
                               / [0.26862954, 0.26130258, 0.27577711], rtol=1e-6)  # fmt: skip
    wide = np.zeros((1, 32, 64, 3), "uint8")
    wide[:, :, 16:48] = 255
    assert clip.prepared(wide).min() > 1  # the middle alone


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "config.json").write_text("{}"), "has no CLIP: its config.json says nothing"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model"),
        (lambda folder: (folder / "vocab.json").unlink(), "vocab.json"),
    ],
)
def test_damaged_checkpoints(tmp_path, change, message):
    change(written(tmp_path))
    with pytest.raises(ValueError, match=message):
        CLIP.from_folder(tmp_path)


def test_bad_pairs(tmp_path):
    clip = CLIP(text=golden.TEXT, vision=golden.VISION, projection_dim=golden.DIMENSION)
    images = np.zeros((2, 32, 32, 3), "uint8")
    with pytest.raises(ValueError, match="2 images and 1 texts"):
        clip.similarity(images, ["a"])
    with pytest.raises(ValueError, match="no tokenizer"):
        clip.similarity(images, ["a", "b"])
    with pytest.raises(ValueError, match="must be uint8"):
        clip.prepared(images / 255)
