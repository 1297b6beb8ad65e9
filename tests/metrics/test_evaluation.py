import numpy as np
import pytest

from tfportrait import metrics, world


class Perfect:
    """Paints what the prompt's own portrait looks like, and reconstructs without loss."""

    image_size = 32

    def __init__(self):
        self.autoencoder = self
        prompts, _, portraits = metrics.held_out_prompts(6)
        self.pictures = {text: portrait.render(32) for text, portrait in zip(prompts, portraits, strict=True)}

    def generate(self, prompts, *, seeds, num_steps, guidance_scale, sampler):
        return np.stack([self.pictures[text] for text in prompts])

    def reconstruct(self, images):
        return np.minimum(images, 254) + 1


class Reader:
    """Reads real renders rightly, and everything in the reconstructions wrongly."""

    image_size = 32
    attributes = world.ATTRIBUTES

    def read(self, images):
        portraits = metrics.held_out_prompts(6)[2]
        shifts = {}
        for portrait in portraits:
            render = portrait.render(32)
            shifts[render.tobytes()] = portrait, 0
            shifts[(np.minimum(render, 254) + 1).tobytes()] = portrait, 1
        found = [shifts[image.tobytes()] for image in images]
        return {
            name: np.array([(values.index(p.attributes[name]) + shift) % len(values) for p, shift in found])
            for name, values in world.ATTRIBUTES.items()
        }


def test_a_perfect_painter_scores_one_and_a_wrong_reconstruction_nothing():
    result = metrics.evaluate(Perfect(), Reader(), count=6, num_steps=3, batch_size=4)
    assert result.prompts.accuracy == result.prompts.real == 1.0
    assert result.reconstructions.accuracy == 0.0
    assert result.psnr == pytest.approx(10 * np.log10(255**2), abs=0.5)
    assert "6 unseen prompts" in str(result) and "0.000 of that on real renders" in str(result)


def test_without_an_autoencoder_there_is_nothing_to_reconstruct():
    painter = Perfect()
    painter.autoencoder = None
    result = metrics.evaluate(painter, Reader(), count=6, num_steps=3)
    assert result.prompts.accuracy == 1.0 and result.reconstructions is None and result.psnr is None
    assert "autoencoder" not in str(result)


def test_sizes_and_counts_are_checked():
    reader = Reader()
    with pytest.raises(ValueError, match="at least 1"):
        metrics.evaluate(Perfect(), reader, count=0)
    reader.image_size = 64
    with pytest.raises(ValueError, match="reads 64 px"):
        metrics.evaluate(Perfect(), reader, count=1)
