import numpy as np
import pytest

from tfportrait import metrics

ATTRIBUTES = {"hair": ["red", "blond", "black"], "glasses": ["no", "yes"]}


def read(hair, glasses):
    return {"hair": np.repeat([0, 1, 2], hair), "glasses": np.repeat([0, 1], glasses)}


def test_what_is_too_frequent_is_named():
    real = read([100, 300, 600], [500, 500])
    report = metrics.balance(read([400, 300, 300], [510, 490]), real, ATTRIBUTES)
    odd = {(share.attribute, share.value): share.painted - share.real for share in report.shares if share.outside}
    assert odd == {("hair", "red"): pytest.approx(0.3), ("hair", "black"): pytest.approx(-0.3)}
    assert report.distances == {"hair": pytest.approx(0.3), "glasses": pytest.approx(0.01)}
    text = str(report)
    assert "hair red: 0.400" in text and "too often" in text and "hair black" in text and "too rarely" in text
    assert "3 of 5 values are as frequent as they should be" in text
    assert report.entropy == pytest.approx(metrics.attribute_entropy(read([400, 300, 300], [510, 490]), ATTRIBUTES))


def test_few_images_prove_nothing():
    report = metrics.balance(read([1, 1, 2], [3, 1]), read([100, 300, 600], [500, 500]), ATTRIBUTES)
    assert not any(share.outside for share in report.shares)


@pytest.mark.parametrize("rows", [[], [0, 3], [-1]])
def test_numbers_that_are_no_values(rows):
    good = read([1, 1, 1], [2, 1])
    with pytest.raises(ValueError, match="hair must have been read"):
        metrics.balance({**good, "hair": np.array(rows, int)}, good, ATTRIBUTES)
