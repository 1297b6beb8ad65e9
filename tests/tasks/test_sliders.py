import keras
import numpy as np
import pytest
from models.painters import tiny_painter

import tfportrait as tp
from tfportrait import tasks
from tfportrait.tasks import sliders


class Light:
    """An oracle that takes bright pictures for smiling ones, and every picture for that of a man."""

    attributes = {"expression": ["neutral", "smiling"], "gender": ["woman", "man"]}

    def __init__(self, middle):
        self.middle = middle

    def read(self, images):
        bright = images.astype(float).mean(axis=(1, 2, 3)) > self.middle
        return {"expression": bright.astype("int32"), "gender": np.ones(len(images), "int32")}


@pytest.fixture(scope="module")
def painter():
    """One with room for all that is said of a picture: prompts of several lengths would each be traced."""
    keras.utils.set_random_seed(0)
    return tiny_painter(max_length=256)


@pytest.fixture(scope="module")
def oracle(painter):
    prompts = [str(tp.world.compose(tp.world.sample(i).attributes)) for i in range(32)]
    images = painter.generate(prompts, seeds=list(range(32)), num_steps=2)
    return Light(np.median(images.astype(float).mean(axis=(1, 2, 3))))


@pytest.fixture(scope="module")
def found(painter, oracle):
    return tasks.directions(painter, oracle, "expression", count=64, num_steps=2)


def test_every_value_has_a_direction_in_both_spaces(found):
    assert set(found) == {(value, space) for value in ("neutral", "smiling") for space in sliders.SPACES}
    for (value, space), direction in found.items():
        assert (direction.attribute, direction.value, direction.space) == ("expression", value, space)
        np.testing.assert_allclose(
            direction.vector, -found[{"neutral": "smiling", "smiling": "neutral"}[value], space].vector, atol=1e-5
        )
    assert sum(found[value, "noise"].count for value in ("neutral", "smiling")) == 64


@pytest.mark.parametrize(("space", "strength"), [("latents", 3.0), ("noise", 0.9)])
def test_a_direction_leads_to_its_value_and_back(painter, oracle, found, space, strength):
    direction = found["smiling", space]
    effect = sliders.measure(painter, oracle, direction, [-strength, 0.0, strength], count=32, num_steps=2)
    away, here, there = effect.shown
    assert away < here < there or (away < there and there > 0.8 and away < 0.2)
    assert effect.kept == [1.0, 1.0, 1.0]  # it takes everybody for a man


def test_no_strength_changes_nothing(painter, found):
    wanted = painter.generate(["a man", "a woman"], seeds=4, num_steps=3)
    for space in sliders.SPACES:
        images = tasks.slide(painter, found["smiling", space], ["a man", "a woman"], [0.0, 0.5], seeds=4, num_steps=3)
        assert images.shape == (2, 2, 16, 16, 3) and images.dtype == np.uint8
        assert np.abs(images[0].astype(int) - wanted).max() <= 1
        assert (images[1] != images[0]).any()


def test_bad_arguments_are_refused(painter, oracle, found):
    with pytest.raises(ValueError, match="does not read 'hat'; it reads expression"):
        tasks.directions(painter, oracle, "hat")
    with pytest.raises(ValueError, match="at least 16"):
        tasks.directions(painter, oracle, "expression", count=8)
    with pytest.raises(ValueError, match="nothing to tell apart"):
        tasks.directions(painter, Light(256), "expression", count=16, num_steps=1)
    with pytest.raises(ValueError, match=r"lie in \[-1, 1\]"):
        tasks.slide(painter, found["smiling", "noise"], "a man", [1.5], num_steps=1)
    other = sliders.Direction("expression", "smiling", "latents", np.zeros((3, 3, 1), "float32"), 9)
    with pytest.raises(ValueError, match=r"shape \(3, 3, 1\)"):
        tasks.slide(painter, other, "a man", [1.0], num_steps=1)
