"""What is run of a notebook, and what is read of an answer."""

import json

import numpy as np
import pytest

from tfportrait import course
from tfportrait.course import running
from tfportrait.course.grading import cases_of


def test_only_what_the_function_needs_is_run():
    cells = [
        "%matplotlib inline\nimport numpy as np\nfrom math import *\n!pip list\n1 / 0",
        "x = undefined\nSCALE = {}\nSCALE['a'] = 2\nSCALE['a'] += 1",
        "def (:",
        "def helper(y):\n    x = y\n    return later(x) * SCALE['a'] + pi",
        "def f(x):\n    return np.sum([helper(each) for each in x])\nassert f([1]) == 7\nprint(undefined)",
        "def later(x):\n    return 2 * x\nhelper = None",
    ]
    assert running.function_of(cells, [4], "f")([1, 2]) == pytest.approx(18 + 2 * np.pi)


def test_the_last_of_several_cells_counts_and_a_cell_with_one_function_may_name_it_otherwise():
    cells = ["def f(x):\n    return 1", "def f(x):\n    return 2", "def g(x):\n    return 3", "f = lambda x: 4"]
    assert running.function_of(cells, [0, 1], "f")(0) == 2
    assert running.function_of(cells, [2], "h")(0) == 3
    assert running.function_of(cells, [3], "f")(0) == 4


@pytest.mark.parametrize(
    ("cells", "error"),
    [
        (["def f(x:"], SyntaxError),
        (["x = 1"], NameError),
        (["def g(x): return 1\ndef h(x): return 2"], NameError),
        (["f = 1 / 0"], ZeroDivisionError),
        (["f = " + "(" * 5000], (SyntaxError, MemoryError)),
    ],
)
def test_a_cell_without_the_function_says_so(cells, error):
    with pytest.raises(error):
        running.function_of(cells, [0], "f")


@pytest.mark.parametrize("task", course.exercises() + course.repairs(), ids=lambda task: task.id)
def test_cases_of_every_exercise_go_there_and_results_back_as_they_are(task):
    cases = cases_of(task, 0)
    for before, after in zip(cases, running.unpack(json.loads(json.dumps(running.pack(cases)))), strict=True):
        assert [type(value) for value in before] == [type(value) for value in after]
        for a, b in zip(before, after, strict=True):
            np.testing.assert_array_equal(a, b, strict=isinstance(a, np.ndarray))
    found = running.outputs(task.solution, cases)
    again = running.read_answer(running.answer(found), len(cases))
    for a, b in zip(found.results, again.results, strict=True):
        for one, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)


def test_arguments_that_were_changed_and_errors_come_back():
    def careless(x):
        x += 1
        return x

    cases = [(np.zeros(3),)]
    assert running.read_answer(running.answer(running.outputs(careless, cases)), 1).changed == 1
    found = running.read_answer(running.answer(running.outputs(lambda x: 1 / 0, cases)), 1)
    assert found.error == "ZeroDivisionError: division by zero"
    found = running.read_answer(running.answer(running.outputs(lambda x: np.zeros(2**20), cases)), 1)
    assert "more than" in found.error


GOOD = {"results": [[{"dtype": "<f8", "shape": [1], "data": "AAAAAAAA8D8="}]], "error": "", "changed": 0}


def array(**changes):
    return {**GOOD, "results": [[{**GOOD["results"][0][0], **changes}]]}


def test_a_good_answer_is_read():
    assert running.read_answer(json.dumps(GOOD).encode(), 1).results[0][0] == [1.0]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"04-2: right",
        b"\xff\xfe",
        b"[" * 100_000,
        b"9" * 10_000,
        b"null",
        b"[]",
        {},
        {**GOOD, "results": []},
        {**GOOD, "results": [[]] * 2},
        {**GOOD, "results": 3},
        {**GOOD, "results": [GOOD["results"][0] * 17]},
        {**GOOD, "error": ["x"]},
        {**GOOD, "changed": True},
        {**GOOD, "changed": -1},
        array(dtype="O"),
        array(dtype="<f4"),
        array(shape=[2]),
        array(shape=[-1]),
        array(shape=[1.0]),
        array(shape=[0, 2**70], data=""),
        array(shape=[1] * 9),
        array(shape="1"),
        array(data="!"),
        array(data=None),
    ],
)
def test_nonsense_is_no_answer(answer):
    line = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    assert running.read_answer(line, 1) is None


def test_an_error_is_shown_without_what_moves_a_cursor():
    line = json.dumps({**GOOD, "error": "Error:\x1b[2J\n\u202e" + "x" * 1000}).encode()
    assert running.read_answer(line, 1).error.startswith("Error: [2J xxx")
    assert len(running.read_answer(line, 1).error) == running.MAX_TEXT
