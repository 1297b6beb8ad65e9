import keras
import numpy as np
import pytest

from tfportrait import course


def right(x_0, noise, alpha_bar):
    return np.sqrt(alpha_bar) * x_0 + np.sqrt(1 - alpha_bar) * noise


def test_right_in_either_language_and_with_tensors():
    found = course.grade("04-2", right)
    assert found and found.kind == "right" and str(found) == "04-2: right"
    assert str(course.grade("04-2", right, language="zh")) == "04-2: 正确"
    assert course.grade("04-2", lambda *a: keras.ops.convert_to_tensor(right(*a)))
    assert course.grade("04-2", lambda *a: right(*a).astype("float32"))
    assert course.grade("04-2", lambda *a: right(*a).tolist())


def test_cases_are_new_each_time_and_the_same_for_a_seed():
    seen = []

    def look(*arguments):
        seen.append(arguments[0].copy())
        return right(*arguments)

    for seed in (None, None, 3, 3):
        course.grade("04-2", look, seed=seed)
    first, second, third, fourth = np.split(np.array(seen), 4)
    assert not np.array_equal(first, second) and not np.array_equal(second, third)
    np.testing.assert_array_equal(third, fourth)
    again = course.grade("04-2", lambda *a: right(*a) * 1.5)
    assert course.grade("04-2", lambda *a: right(*a) * 1.5, seed=again.seed) == again


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (lambda x, n, a: 1.5 * right(x, n, a), "wrong", "all of it is 1.5 times what it should be"),
        (lambda x, n, a: right(x, n, a) + 0.25, "wrong", "all of it is 0.25 too large"),
        (lambda x, n, a: right(x, n, a) + 0.1 * x, "wrong", "the largest difference is"),
        (lambda x, n, a: right(x, n, a)[0], "shape", "the shape is [5], but should be [3, 5]"),
        (lambda x, n, a: right(x, n, a) * np.nan, "not_finite", "infinities or NaN"),
        (lambda x, n, a: undefined, "error", "NameError: name 'undefined' is not defined"),  # noqa: F821
        (lambda x, n: x, "error", "TypeError"),
        (lambda x, n, a: "0.5", "error", "it returns '0.5'"),
        (lambda x, n, a: None, "error", "it returns None; is a return missing?"),
    ],
)
def test_what_else_can_be_wrong(function, kind, message):
    found = course.grade("04-2", function, seed=0)
    assert found.kind == kind and message in found.message and not found


def test_a_changed_argument_is_named():
    def careless(x_0, noise, alpha_bar):
        noise *= np.sqrt(1 - alpha_bar)
        return np.sqrt(alpha_bar) * x_0 + noise

    found = course.grade("04-2", careless)
    assert found.kind == "changed_argument" and "argument number 2" in found.message


def test_the_equation_is_shown_where_the_answer_is_wrong():
    message = course.grade("04-2", lambda x, n, a: a * x + (1 - a) * n).message
    assert "diffusion.forward" in message and "$" in message


def test_bad_calls():
    with pytest.raises(ValueError, match="no exercise '04-99'; there are 04-1, 04-2"):
        course.grade("04-99", right)
    with pytest.raises(ValueError, match="no exercise 'x'; there are 00-1"):
        course.exercise("x")
    with pytest.raises(ValueError, match="valid: en, zh"):
        course.grade("04-2", right, language="de")
    with pytest.raises(ValueError, match="grade takes a function, not a float"):
        course.grade("04-2", 0.5)
