import numpy as np
import pytest

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
