import numpy as np
import pytest
from golden import metrics as golden

import tfportrait as tp
from tfportrait import metrics


def test_psnr_by_hand():
    images = np.full((2, 4, 4, 3), 100, "uint8")
    others = images.copy()
    others[1] += 10
    assert metrics.psnr(images, others)[0] == np.inf
    assert metrics.psnr(images, others)[1] == pytest.approx(10 * np.log10(255**2 / 100))


@pytest.mark.parametrize("other", [np.zeros((1, 4, 4, 3)), np.zeros((1, 4, 4, 1), "uint8")])
def test_only_pairs_of_bytes(other):
    with pytest.raises(ValueError, match="uint8"):
        metrics.psnr(np.zeros((1, 4, 4, 3), "uint8"), other)


def test_ssim_is_that_of_scikit_image():
    with np.load(golden.OUT) as wanted:
        np.testing.assert_allclose(metrics.ssim(*golden.images()), wanted["ssim"], atol=1e-10)


def test_ssim_needs_a_window():
    with pytest.raises(ValueError, match="10 x 12 are smaller than SSIM's 11 pixels"):
        metrics.ssim(*np.zeros((2, 1, 10, 12, 3), "uint8"))


def test_perceptual_distance_by_hand_in_any_batch():
    oracle = tp.Oracle(attributes={"glasses": ["no", "yes"]}, image_size=32, widths=[8, 16])
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)
    others = images.copy()
    others[1:] = images[1:] // 2
    found = metrics.perceptual_distance(oracle, images, others, batch_size=2)
    assert found[0] == 0 and (found[1:] > 0).all()
    np.testing.assert_allclose(found, metrics.perceptual_distance(oracle, images, others), rtol=1e-5)
    wanted = 0.0
    for a, b in zip(*(oracle.features(x[1:2].astype("float32") / 127.5 - 1) for x in (images, others)), strict=True):
        a, b = (np.array(x) / np.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
        wanted += ((a - b) ** 2).sum(axis=-1).mean()
    assert found[1] == pytest.approx(wanted, rel=1e-4)
