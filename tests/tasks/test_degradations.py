import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from scipy import ndimage, stats

import tfportrait as tp
from tfportrait.tasks import degradations
from tfportrait.tasks.degradations import LUMA, Blur, Gaussian, Grey, Jpeg, Poisson
from tfportrait.tasks.pictures import to_float

RANDOM = np.random.default_rng(0)
ALL = [Gaussian(25), Poisson(30), Jpeg(10), Jpeg(40, sampling=1), Blur(1.5), Blur(2, noise=5), Grey()]


@pytest.fixture(scope="module")
def portraits():
    return np.stack([tp.world.sample(seed).render(64) for seed in range(6)])


@pytest.mark.parametrize("kind", ALL, ids=repr)
def test_the_same_seed_damages_alike_in_any_batch(kind, portraits):
    together = kind.apply(portraits[:3], seeds=[4, 5, 6])
    assert together.shape == portraits[:3].shape and together.dtype == np.uint8
    np.testing.assert_array_equal(kind.apply(portraits[2], seeds=6)[0], together[2])
    other = kind.apply(portraits[2], seeds=7)[0]
    assert (other != together[2]).any() == (kind in (Gaussian(25), Poisson(30), Blur(2, noise=5)))


def test_the_noises_have_the_deviation_that_they_say():
    flat = np.full((1, 256, 256, 3), 100, "uint8")
    assert Gaussian(20).apply(flat).std() == pytest.approx(20, rel=0.02)
    counted = Poisson(30).apply(flat).astype(float)
    assert counted.mean() == pytest.approx(100, rel=0.01)
    assert counted.std() == pytest.approx(math.sqrt(100 * 255 / 30), rel=0.02)
    np.testing.assert_array_equal(Poisson(30).apply(flat), Poisson(30.0).apply(flat))


@pytest.mark.parametrize("level", [10, 25, 50])
def test_the_level_of_gaussian_noise_is_measured(level, portraits):
    damaged = Gaussian(level).apply(portraits)
    assert Gaussian().measured(damaged).level == pytest.approx(level, rel=0.12)
    assert Gaussian(level).measured(damaged) == Gaussian(level)


@pytest.mark.parametrize("level", [10, 30, 200])
def test_the_level_of_poisson_noise_is_measured(level, portraits):
    assert Poisson().measured(Poisson(level).apply(portraits)).level == pytest.approx(level, rel=0.2)


def test_pictures_without_noise_have_a_level_too():
    assert Gaussian().measured(np.full((1, 16, 16, 3), 255, "uint8")).level == 0.5
    assert Poisson().measured(np.zeros((1, 16, 16, 3), "uint8")).level == 10_000


def test_blur_is_scipys(portraits):
    found = Blur(1.5).apply(portraits[0])[0]
    wanted = ndimage.gaussian_filter(portraits[0].astype(float), (1.5, 1.5, 0), mode="reflect", truncate=4)
    assert np.abs(found - wanted).max() < 0.51  # but for rounding


def test_jpeg_is_pillows(portraits, tmp_path):
    file = io.BytesIO()
    Image.fromarray(portraits[0]).save(file, "JPEG", quality=20)
    np.testing.assert_array_equal(Jpeg(20).apply(portraits[0])[0], np.asarray(Image.open(file)))
    for name, sampling in (("x.jpg", 2), ("y.jpg", 1)):
        Image.fromarray(portraits[0]).save(tmp_path / name, quality=20, subsampling=0 if sampling == 1 else 2)
        kind = Jpeg.of_file(tmp_path / name)
        np.testing.assert_array_equal(kind.steps, Jpeg(20).steps)
        assert kind.sampling == sampling
        np.testing.assert_array_equal(kind.apply(portraits[0])[0], np.asarray(Image.open(tmp_path / name)))
    Image.fromarray(portraits[0]).save(tmp_path / "x.png")
    assert Jpeg.of_file(tmp_path / "x.png") is None


@pytest.mark.parametrize("kind", [Jpeg(10), Jpeg(10, sampling=1), Blur(1.5), Grey()], ids=repr)
def test_what_agrees_with_the_damaged_stays(kind, portraits):
    """The undamaged is among the images that agree with the damaged, so that nothing in it is to be changed."""
    x = to_float(portraits)
    moved = kind.nearest(x, to_float(kind.apply(portraits)), 1e-4)
    assert np.abs(moved - x).mean() < 0.004
    assert moved.dtype == np.float32


@pytest.mark.parametrize("kind", ALL, ids=repr)
@pytest.mark.parametrize("size", [(64, 64), (37, 50)])
def test_a_guess_comes_nearer_to_the_truth(kind, size, portraits):
    """A guess that is as wrong as it is taken to be: what is known of the image must make it better."""
    images = portraits[:2, : size[0], : size[1]]
    x, variance = to_float(images), 0.3**2
    guess = x + 0.3 * RANDOM.standard_normal(x.shape).astype("float32")
    damaged = kind.apply(images)
    moved = kind.nearest(guess, to_float(damaged), variance)
    assert np.mean((moved - x) ** 2) < 0.95 * np.mean((guess - x) ** 2)


@settings(max_examples=30, deadline=None)
@given(
    arrays.arrays(np.uint8, (1, 4, 4, 3)),
    arrays.arrays(np.float32, (1, 4, 4, 3), elements=st.floats(-1.5, 1.5, width=32)),
)
def test_colours_of_any_guess_leave_the_luminance(images, guess):
    damaged = to_float(Grey().apply(images))
    coloured = Grey().nearest(guess, damaged, 1.0)
    assert np.abs(coloured).max() <= 1 + 1e-5
    np.testing.assert_allclose(coloured @ LUMA, damaged[..., 0], atol=1e-5)


def test_blur_is_undone_where_little_is_lost(portraits):
    x = to_float(portraits)
    damaged = degradations._inverse_cosines(Blur(1.0)._kept(x) * degradations._cosines(x))
    found = Blur(1.0).nearest(np.zeros_like(x), damaged, 0.25)
    assert np.mean((found - x) ** 2) < 0.1 * np.mean((damaged - x) ** 2)


def test_jpeg_keeps_within_what_was_stored(portraits):
    """A wild guess, moved to where it agrees: compressed again it is the damaged picture."""
    kind = Jpeg(10, sampling=1)
    damaged = kind.apply(portraits)
    guess = to_float(damaged) + 0.1 * RANDOM.standard_normal(damaged.shape).astype("float32")
    moved = kind.nearest(guess, to_float(damaged), 1e-6)
    again = kind.apply(np.rint(np.clip((moved + 1) * 127.5, 0, 255)).astype("uint8"))
    assert np.mean(np.abs(again.astype(int) - damaged) > 2) < 0.1


@settings(max_examples=50, deadline=None)
@given(st.floats(-3, 3), st.floats(0.05, 2), st.floats(-1, 1), st.floats(0.01, 2))
def test_the_mean_of_a_truncated_normal_distribution(mean, deviation, low, width):
    found = degradations._truncated_mean(np.float32(mean), deviation, np.float32(low), np.float32(low + width))
    limits = (low - mean) / deviation, (low + width - mean) / deviation
    assert low - 1e-5 <= found <= low + width + 1e-5
    if stats.norm.cdf(limits[1]) - stats.norm.cdf(limits[0]) > 1e-3:
        assert found == pytest.approx(stats.truncnorm.mean(*limits, mean, deviation), abs=2e-3 + 1e-3 * deviation)


def test_what_was_cut_off_is_drawn_beyond_the_cut():
    white, noise = np.ones((1, 100, 100, 3), "float32"), RANDOM.standard_normal((1, 100, 100, 3)).astype("float32")
    image = np.full_like(white, 0.9)
    found = Gaussian(25).uncut(white, image, noise)
    deviation = 25 / 127.5
    wanted = stats.truncnorm(0.1 / deviation, np.inf, 0.9, deviation)
    assert found.min() >= 1
    assert (found.mean(), found.std()) == pytest.approx((wanted.mean(), wanted.std()), rel=0.03)
    middle = np.zeros_like(white)
    np.testing.assert_array_equal(Gaussian(25).uncut(middle, image, noise), middle)


@pytest.mark.parametrize(
    "name, level, message",
    [
        ("fog", None, "known are gaussian, poisson, jpeg, blur, grey"),
        ("gaussian", -1, "above 0 and at most 255"),
        ("gaussian", math.nan, "above 0 and at most 255"),
        ("blur", None, "blur needs a level"),
        ("jpeg", None, "the quality from 1 to 100"),
        ("jpeg", 101, "at most 100"),
        ("grey", 3, "grey has no level"),
        ("gaussian", None, "say how much"),
        (Blur(2), 3, "to the degradation itself"),
    ],
)
def test_bad_degradations_are_refused(name, level, message):
    with pytest.raises(ValueError, match=message):
        tp.tasks.degrade(np.zeros((8, 8, 3), "uint8"), name, level)
