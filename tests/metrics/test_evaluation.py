import json

import numpy as np
import pytest

import tfportrait as tp
from tfportrait import metrics, world

COUNT = 24


class Perfect:
    """Paints what the prompt's own portrait looks like, and reconstructs almost without loss."""

    image_size = 32

    def __init__(self, broken_after=None):
        self.autoencoder = self
        prompts, _, portraits = metrics.held_out_prompts(COUNT)
        self.pictures = {text: portrait.render(32) for text, portrait in zip(prompts, portraits, strict=True)}
        self.calls, self.broken_after = 0, broken_after

    def generate(self, prompts, *, seeds, num_steps, guidance_scale, sampler):
        if self.calls == self.broken_after:
            raise KeyboardInterrupt
        self.calls += 1
        return np.stack([self.pictures[text] for text in prompts])

    def reconstruct(self, images):
        return np.minimum(images, 254) + 1


class Reader:
    """Reads real renders rightly, and everything in the reconstructions wrongly."""

    image_size = 32
    attributes = world.ATTRIBUTES

    def __init__(self):
        self.found = {}
        for portrait in metrics.held_out_prompts(COUNT)[2]:
            render = portrait.render(32)
            self.found[render.tobytes()] = portrait, 0
            self.found[(np.minimum(render, 254) + 1).tobytes()] = portrait, 1

    def read(self, images):
        found = [self.found[image.tobytes()] for image in images]
        return {
            name: np.array([(values.index(p.attributes[name]) + shift) % len(values) for p, shift in found])
            for name, values in world.ATTRIBUTES.items()
        }

    def features(self, images):
        return [images]

    def embed(self, images, batch_size=64):
        return np.asarray(images, "float32").reshape(len(images), 4, 8, 4, 8, 3).mean(axis=(2, 4, 5)).reshape(-1, 16)


@pytest.fixture(scope="module")
def reader():
    return Reader()


@pytest.fixture(scope="module")
def training():
    return tp.data.open_source("portrait_world", "train", image_size=32, count=40)


def test_a_perfect_painter_scores_one_and_a_wrong_reconstruction_nothing(reader, training):
    result = metrics.evaluate(Perfect(), reader, count=COUNT, num_steps=3, batch_size=10, training=training)
    assert result.prompts.accuracy == result.prompts.real == 1.0
    assert result.intervals["accuracy"] == (1.0, 1.0)
    assert result.reconstructions.accuracy == 0.0
    assert result.psnr == pytest.approx(10 * np.log10(255**2), abs=0.5) and 0.99 < result.ssim < 1
    assert result.oracle_fd == pytest.approx(0, abs=1e-6) and result.real_fd > 0.01
    assert result.precision == result.recall == result.coverage == 1.0
    assert result.memorisation.share <= 1 / COUNT + 1e-9 and not result.memorisation.repeats
    assert not any(share.outside for share in result.balance.shares)
    assert all(np.count_nonzero(m - np.diag(np.diag(m))) == 0 for m in result.confusion.values())
    assert sum(m.sum() for m in result.confusion.values()) == sum(result.prompts.counts.values())
    text = str(result)
    assert "24 unseen prompts" in text and "0.000 of that on real renders" in text
    assert "95 % interval 1.000 to 1.000" in text and "coverage 1.000" in text
    numbers = json.loads(json.dumps(result.numbers(), default=float))
    assert numbers["prompts"]["accuracy"] == 1.0 and numbers["memorisation"]["level"] == pytest.approx(1 / 24)


def test_a_painter_that_repeats_training_pictures_is_found(reader, training):
    known = training.images(np.arange(40))

    class Repeats(Perfect):
        def generate(self, prompts, *, seeds, **settings):
            return known[np.array(seeds) % 40]

    painter = Repeats()
    painter.autoencoder = None
    spare = Reader()
    spare.read = lambda images: {name: np.zeros(len(images), int) for name in world.ATTRIBUTES}
    result = metrics.evaluate(painter, spare, count=COUNT, batch_size=10, training=training)
    assert result.memorisation.share == 1.0 and result.memorisation.repeats
    assert "the painter repeats what it has seen" in str(result)
    np.testing.assert_array_equal(result.memorisation.nearest, np.arange(COUNT))


def test_inception_and_clip_where_they_are_given(reader):
    class Features:
        name = "fid"

        def __call__(self, images):
            return reader.embed(images)[:, :8]

    class Clip:
        def similarity(self, images, texts, batch_size):
            return np.full(len(images), 0.3)

    result = metrics.evaluate(Perfect(), reader, count=COUNT, inception=Features(), clip=Clip())
    assert result.fd["frechet"] == pytest.approx(0, abs=1e-6) and result.fd["deviation"] > 0
    assert result.clip_score == pytest.approx(30) and result.intervals["clip_score"] == pytest.approx((30, 30))
    assert "FID 0.000" in str(result) and "KID" in str(result) and "CLIP score 30.00" in str(result)


def test_a_stopped_evaluation_goes_on(reader, tmp_path):
    settings = {"count": COUNT, "num_steps": 3, "batch_size": 6, "parts": tmp_path, "identity": "perfect"}
    with pytest.raises(KeyboardInterrupt):
        metrics.evaluate(Perfect(broken_after=2), reader, **settings)
    painter = Perfect()
    result = metrics.evaluate(painter, reader, **settings)
    assert painter.calls == 2 and result.prompts.accuracy == 1.0 and list(tmp_path.iterdir()) == []
    assert metrics.evaluate(painter, reader, **settings).intervals == result.intervals and painter.calls == 6


def test_pictures_with_captions_are_painted_after(reader, captioned):
    source = tp.data.open_source(str(captioned), "train", image_size=32, upsample=True)

    class Named(Perfect):
        def generate(self, prompts, **settings):
            assert all(prompt.startswith(("picture", "图片")) for prompt in prompts)
            return source.images(np.arange(len(prompts)))

    blind = Reader()
    blind.read = lambda images: {name: np.zeros(len(images), int) for name in world.ATTRIBUTES}
    result = metrics.evaluate(Named(), blind, count=len(source), source=source)
    assert result.prompts is None and result.balance is None and result.confusion == {}
    assert result.psnr > 40 and "prompt accuracy" not in str(result)
    with pytest.raises(ValueError, match="no prompt named an attribute"):
        metrics.figures.accuracy(result)
    with pytest.raises(ValueError, match=f"{len(source) + 1} of {len(source)} pictures"):
        metrics.evaluate(Named(), blind, count=len(source) + 1, source=source)


def test_without_an_autoencoder_there_is_nothing_to_reconstruct(reader):
    painter = Perfect()
    painter.autoencoder = None
    result = metrics.evaluate(painter, reader, count=6, num_steps=3)
    assert result.prompts.accuracy == 1.0 and result.reconstructions is None and result.psnr is None
    assert "autoencoder" not in str(result) and result.oracle_fd is None


def test_sizes_and_counts_are_checked(training):
    reader = Reader()
    with pytest.raises(ValueError, match="at least 1"):
        metrics.evaluate(Perfect(), reader, count=0)
    with pytest.raises(ValueError, match="40 training pictures for 41 unseen ones"):
        metrics.evaluate(Perfect(), reader, count=41, training=training)
    reader.image_size = 64
    with pytest.raises(ValueError, match="reads 64 px"):
        metrics.evaluate(Perfect(), reader, count=1)


def test_figures_show_every_attribute(reader):
    result = metrics.evaluate(Perfect(), reader, count=COUNT)
    labels = [text.get_text() for text in metrics.figures.accuracy(result).axes[0].get_yticklabels()]
    assert len(labels) == len(result.prompts.by_attribute) and "hair color" in labels
    shown = metrics.figures.confusion(result).axes
    assert [axes.get_title("left") for axes in shown if axes.axison] == [n.replace("_", " ") for n in result.confusion]
