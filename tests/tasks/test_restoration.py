import dataclasses

import numpy as np
import pytest
from models.painters import pixel_painter, tiny_painter
from models.test_pixel_diffusion import tiny
from PIL import Image

import tfportrait as tp
from tfportrait import metrics, tasks
from tfportrait.cli import main
from tfportrait.recipe import read_recipe
from tfportrait.tasks.degradations import Blur, Gaussian, Grey, Jpeg, Poisson
from tfportrait.tasks.pictures import to_float

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (3, 16, 16, 3), "uint8")
ALL = [Gaussian(25), Poisson(30), Jpeg(10), Blur(1.5, noise=5), Grey()]


@pytest.fixture(scope="module")
def model():
    return tiny()


@pytest.fixture(scope="module")
def painter():
    return tiny_painter()


class Normal:
    """A model of images whose pixels are independent and normally distributed, N(0, 1/4): its answers are exact."""

    def denoise(self, x, signal_rate, noise_rate):
        return np.float32(0.25 * signal_rate / (0.25 * signal_rate**2 + noise_rate**2)) * x


@pytest.mark.slow
def test_of_normally_distributed_images_the_mean_of_samples_is_the_known_one(model, monkeypatch):
    """The posterior's mean is Wiener's filter, its variance what that leaves open."""
    monkeypatch.setattr(model, "denoise", Normal().denoise)
    x = np.rint(np.clip(127.5 + 0.5 * 127.5 * RANDOM.standard_normal((1, 16, 16, 3)), 0, 255)).astype("uint8")
    kind = Blur(1.0, noise=20.0)
    damaged = kind.apply(x)
    wiener = kind.nearest(np.zeros(x.shape, "float32"), to_float(damaged), 0.25)
    found = to_float(tasks.restore(model, damaged, kind, samples=1000, num_steps=60))
    assert np.sqrt(np.mean((found - np.clip(wiener, -1, 1)) ** 2)) < 0.12 * wiener.std()
    several = to_float(tasks.restore(model, damaged.repeat(100, 0), kind, samples=1, num_steps=40))
    left_open = kind._kept(x) ** 2 / (20 / 127.5) ** 2 + 4.0
    spread = several.std(axis=0)
    assert np.sqrt(np.mean(spread**2)) == pytest.approx(np.sqrt(np.mean(1 / left_open)), rel=0.15)


@pytest.mark.parametrize("kind", ALL, ids=repr)
def test_the_same_seed_gives_the_same_image_in_any_batch(kind, model):
    damaged = kind.apply(IMAGES)
    together = tasks.restore(model, damaged, kind, seeds=[5, 6, 7], num_steps=2, samples=2)
    assert together.shape == IMAGES.shape and together.dtype == np.uint8
    alone = tasks.restore(model, damaged[1], kind, seeds=6, num_steps=2, samples=2)
    assert np.abs(alone[0].astype(int) - together[1]).max() <= 2


@pytest.mark.parametrize("kind", ALL, ids=repr)
def test_painters_of_latents_restore_too(kind, painter):
    damaged = kind.apply(IMAGES)
    together = tasks.restore(painter, damaged, kind, "a red cat", seeds=[5, 6, 7], num_steps=2)
    alone = tasks.restore(painter, damaged[1], kind, "a red cat", seeds=6, num_steps=2)
    assert np.abs(alone[0].astype(int) - together[1]).max() <= 2
    assert (tasks.restore(painter, damaged[1], kind, "a red cat", seeds=8, num_steps=2) != alone).any()


def test_words_and_guidance_count_for_painters(painter):
    results = [
        tasks.restore(painter, IMAGES[0], Grey(), words, num_steps=2, guidance_scale=scale)
        for words, scale in ((None, 1.0), ("a red cat", 1.0), ("a blue dog", 1.0), ("a blue dog", 5.0))
    ]
    assert len({result.tobytes() for result in results}) == 4


def test_a_painter_of_pixels_without_autoencoder():
    assert tasks.restore(pixel_painter(), IMAGES[:, :8, :8], Gaussian(25), num_steps=2).shape == (3, 8, 8, 3)


@pytest.mark.parametrize("size", [(5, 7), (16, 17), (1, 40)])
@pytest.mark.parametrize("kind", ALL, ids=repr)
def test_any_size(kind, size, model):
    damaged = kind.apply(RANDOM.integers(0, 256, (*size, 3), "uint8"))
    assert tasks.restore(model, damaged, kind, num_steps=1, samples=1).shape == (1, *size, 3)


def test_grey_pictures_keep_their_luminance(model):
    damaged = Grey().apply(IMAGES)
    again = Grey().apply(tasks.restore(model, damaged, Grey(), num_steps=2, samples=1))
    assert np.abs(again.astype(int) - damaged).max() <= 1


def test_one_trace_for_a_shape():
    model, traces = tiny(), []
    predict = model._predict
    model._predict = lambda *args, **kwargs: traces.append(1) or predict(*args, **kwargs)
    for kind, steps in ((Gaussian(25), 2), (Blur(1.0), 4), (Grey(), 3)):
        tasks.restore(model, IMAGES, kind, num_steps=steps)
    assert len(traces) == 1


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_steps": 0}, "num_steps is 0"),
        ({"num_steps": 2.5}, "num_steps is 2.5"),
        ({"samples": 0}, "samples is 0"),
        ({"prompts": "a cat"}, "restores without words"),
        ({"degradation": "fog"}, "known are"),
        ({"seeds": [1, 2]}, "2 seeds"),
        ({"image": np.zeros((2000, 3000, 3), "uint8")}, "6,000,000 pixels"),
    ],
)
def test_bad_arguments_are_refused(options, message, model):
    arguments = {"image": IMAGES[0], "degradation": "gaussian", **options}
    with pytest.raises(ValueError, match=message):
        tasks.restore(model, **arguments)


@pytest.mark.parametrize("kind, gain", [(Gaussian(25), 9.0), (Poisson(30), 8.0), (Blur(2), 5.0)], ids=repr)
def test_the_shipped_model_of_pixels_restores(kind, gain):
    images = np.stack([tp.world.sample(2**41 + seed).render(128) for seed in range(3)])
    damaged = kind.apply(images)
    found = tasks.restore(tp.PixelDiffusion.from_preset("pixels_128"), damaged, kind)
    assert metrics.psnr(images, found).mean() > metrics.psnr(images, damaged).mean() + gain


def test_the_shipped_painter_takes_colours_from_words():
    portrait = tp.world.sample(2**41 + 2, hair_color="red", background="plain")
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    grey = Grey().apply(portrait.render(128))
    words = [str(tp.world.compose({**portrait.attributes, "hair_color": each})) for each in ("red", "blue")]
    red, blue = (tasks.restore(painter, grey, Grey(), text, guidance_scale=4.0)[0].astype(int) for text in words)
    hair = red[..., 0] - red[..., 2] - (blue[..., 0] - blue[..., 2])
    assert np.quantile(hair, 0.95) > 40


def test_the_command_writes_a_picture_with_its_recipe(tmp_path, capsys):
    tiny().save_to_preset(tmp_path / "preset")
    Image.fromarray(IMAGES[0][:10]).save(tmp_path / "in.png")
    arguments = [f"--preset={tmp_path / 'preset'}", f"--out={tmp_path / 'out.png'}", "--steps=1", "--seed=3"]
    file = str(tmp_path / "in.png")
    assert main(["restore", file, "--degradation=blur", "--level=1", "--noise=2", *arguments]) == 0
    assert np.asarray(Image.open(tmp_path / "out.png")).shape == (10, 16, 3)
    recipe = read_recipe(tmp_path / "out.png")
    assert (recipe["task"], recipe["input"]["file"], recipe["seed"]) == ("restore", "in.png", 3)
    assert recipe["degradation"] == {"name": "blur", **dataclasses.asdict(Blur(1.0, 2.0))}
    for wrong, message in (
        (["restore", file], "say what damaged"),
        (["restore", str(tmp_path / "none.png"), "--degradation=grey"], "none.png"),
        (["restore", file, "--degradation=gaussian", "--noise=2"], "for blur alone"),
        (["restore", file, "--degradation=grey", "--prompt=red"], "without words"),
    ):
        assert main([*wrong, *arguments]) == 2
        assert message in capsys.readouterr().err


def test_the_command_knows_what_a_jpeg_was_compressed_with(tmp_path, capsys):
    tiny().save_to_preset(tmp_path / "preset")
    Image.fromarray(IMAGES[0]).save(tmp_path / "in.jpg", quality=10)
    arguments = [f"--preset={tmp_path / 'preset'}", f"--out={tmp_path / 'out.png'}", "--steps=1"]
    assert main(["restore", str(tmp_path / "in.jpg"), *arguments]) == 0
    assert "JPEG, as the file says" in capsys.readouterr().out
    recipe = read_recipe(tmp_path / "out.png")["degradation"]
    np.testing.assert_array_equal(np.reshape(recipe["tables"], (2, 8, 8)), Jpeg(10).steps)
