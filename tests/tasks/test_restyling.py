import keras
import numpy as np
import pytest
from models.painters import pixel_painter, tiny_painter
from PIL import Image

from tfportrait import tasks
from tfportrait.cli import main
from tfportrait.diffusion import noise as noises
from tfportrait.models import generation
from tfportrait.recipe import read_recipe

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (3, 16, 16, 3), "uint8")


@pytest.fixture(scope="module")
def painter():
    keras.utils.set_random_seed(0)
    return tiny_painter()


def test_it_starts_from_the_noised_latents_and_makes_the_last_steps(painter):
    seen = []
    tasks.image_to_image(
        painter,
        IMAGES[0],
        "a red cat",
        strength=0.5,
        num_steps=4,
        seeds=7,
        on_step=lambda i, x, x_0: seen.append((i, x)),
    )
    rates = generation.Request.check(painter, "a red cat", None, 7, 4, 4.0, "dpmpp_2m", None, None, None).rates
    latents = np.asarray(painter.autoencoder.encode(IMAGES[:1].astype("float32") / 127.5 - 1))
    wanted = rates[2][0] * latents + rates[2][1] * noises.unit_noise([7], 0, (8, 8, 4))
    assert [i for i, _ in seen] == [0, 1]
    np.testing.assert_allclose(seen[0][1], wanted, atol=1e-5)


def test_the_same_seed_gives_the_same_image_in_any_batch(painter):
    options = {"strength": 0.5, "num_steps": 4}
    together = tasks.image_to_image(
        painter, IMAGES, ["a red cat", "a blue dog", "a red cat"], seeds=[5, 6, 7], **options
    )
    assert together.shape == IMAGES.shape and together.dtype == np.uint8
    alone = tasks.image_to_image(painter, IMAGES[1], "a blue dog", seeds=6, **options)
    assert np.abs(alone[0].astype(int) - together[1]).max() <= 2
    several = tasks.image_to_image(painter, IMAGES[1], "a blue dog", seeds=[5, 6], **options)
    assert np.abs(several[1].astype(int) - together[1]).max() <= 2


@pytest.mark.parametrize("method", ["noise", "inversion"])
def test_little_strength_keeps_the_picture(painter, method):
    """Nearer to what the autoencoder makes of it than all new ones are."""
    shown = painter.autoencoder.reconstruct(IMAGES).astype(int)
    options = {"method": method, "num_steps": 20, "source_prompts": "a blue dog" if method == "inversion" else None}
    far, near = (
        np.abs(tasks.image_to_image(painter, IMAGES, "a red cat", strength=s, **options) - shown).mean()
        for s in (1.0, 0.05)
    )
    assert near < 0.7 * far


def test_inversion_finds_the_noise_that_paints_the_picture(painter):
    """With the prompt that it was inverted for, without guidance, the picture comes back; with other noise not."""
    shown = painter.autoencoder.reconstruct(IMAGES).astype(int)
    options = {"strength": 0.5, "num_steps": 20, "guidance_scale": 1.0}
    found = tasks.image_to_image(
        painter, IMAGES, "a red cat", method="inversion", source_prompts="a red cat", **options
    )
    other = tasks.image_to_image(painter, IMAGES, "a red cat", sampler="ddim", **options)
    assert np.abs(found - shown).mean() < 0.4 * np.abs(other - shown).mean()


def test_pixels_without_words():
    images = RANDOM.integers(0, 256, (2, 8, 8, 3), "uint8")
    for method in tasks.restyling.METHODS:
        found = tasks.image_to_image(pixel_painter(), images, None, strength=0.5, num_steps=4, method=method)
        assert found.shape == images.shape


def test_one_trace_for_a_shape(painter):
    traces, unet = [], painter.unet
    call = type(unet).call

    def counting(self, *args, **kwargs):
        traces.append(1)
        return call(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        fresh = tiny_painter()
        patch.setattr(type(unet), "call", counting)
        for image, strength, seed in ((IMAGES[0], 0.5, 1), (IMAGES[1], 0.75, 2), (IMAGES[2], 1.0, 3)):
            tasks.image_to_image(fresh, image, "a red cat", strength=strength, num_steps=4, seeds=seed)
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 0}, "strength is 0, but must be above 0"),
        ({"strength": 1.5}, "at most 1"),
        ({"strength": float("nan")}, "strength is nan"),
        ({"strength": 0.04}, "num_steps of at least 25, or a strength of at least 0.05"),
        ({"method": "magic"}, "must be noise or inversion"),
        ({"method": "inversion", "sampler": "heun"}, "samples with ddim"),
        ({"source_prompts": "a cat", "method": "noise"}, "for the method inversion"),
        ({"method": "inversion"}, "needs source_prompts"),
        ({"seeds": [1, 2]}, "3 images"),
        ({"prompts": ["a", "b"]}, "2 prompts"),
        ({"image": IMAGES[:, :15]}, "nearest is"),
        ({"image": IMAGES / 255}, "must be uint8"),
    ],
)
def test_bad_input(painter, options, message):
    options = {"image": IMAGES, "prompts": "a red cat", **options}
    with pytest.raises(ValueError, match=message):
        tasks.image_to_image(painter, **options)


def test_the_command(tmp_path, capsys, monkeypatch, opened_once):
    tiny_painter().save_to_preset(tmp_path / "preset")
    picture, out = tmp_path / "in.png", tmp_path / "out.png"
    Image.fromarray(RANDOM.integers(0, 256, (24, 40, 4), "uint8")).save(picture)
    arguments = ["restyle", str(picture), "--preset", str(tmp_path / "preset"), "--steps=4", f"--out={out}"]
    assert main([*arguments, "a red cat", "--strength=0.5", "--seed=3"]) == 0
    said = capsys.readouterr().out
    assert "2 of 4 steps" in said and "middle" in said and "Painting: a red cat" in said
    recipe = read_recipe(out)
    assert (recipe["task"], recipe["prompt"], recipe["seed"], recipe["strength"]) == ("restyle", "a red cat", 3, 0.5)
    assert recipe["input"]["file"] == "in.png" and len(recipe["input"]["hash"]) == 64
    assert main([*arguments, "--style=oil"]) == 0
    assert "Painting: a portrait, oil painting" in capsys.readouterr().out  # it knows nothing of the portrait world
    monkeypatch.setattr("tfportrait.models.Tokenizer.reads_chinese", True)
    opened_once()  # it would remember what it reads
    assert main([*arguments, "--style=oil"]) == 0
    said = capsys.readouterr().out
    assert "The picture shows: " in said and "oil painting" in said and "(strength 1, inversion)" in said
    assert main([*arguments, "a red cat", "--style=oil"]) == 0
    assert "Painting: a red cat, oil painting" in capsys.readouterr().out
    for more, message in (
        ([], "say what to paint"),
        (["--style=crayon"], "Unknown value 'crayon' for style"),
        (["a red cat", "--strength=0.1"], "not one step"),
        (["a red cat", "--method=noise", "--strength=0"], "strength is 0.0"),
        (["a red cat", "--fit=stretch"], "crop or letterbox"),
    ):
        assert main([*arguments, *more]) == 2
        assert message in capsys.readouterr().err
