"""The series "repair the chapter": every erratum is a bug to find, and the grader names each."""

import numpy as np
import pytest

from tfportrait import course, equations
from tfportrait.course.bank import repairs as bank

ALL = course.repairs()
NAMED = {"argvalues": ALL, "ids": lambda task: task.id}
ERRATA = {entry.id for entry in equations.entries() if entry.kind == "erratum"}


def function(source):
    names = {"np": np}
    exec(source, names)
    return next(value for name, value in names.items() if callable(value) and name not in ("np", "__builtins__"))


def test_every_erratum_has_a_repair_or_says_why_not():
    repaired = {task.erratum for task in ALL}
    assert repaired <= ERRATA and set(bank.FACTS) <= ERRATA and not repaired & set(bank.FACTS)
    missing = ERRATA - repaired - set(bank.FACTS)
    assert not missing, f"give {missing} repairs in course/bank/repairs.py, or a reason in its FACTS"
    assert len(repaired) == len(ALL)


@pytest.mark.parametrize("task", **NAMED)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_given_is_wrong_in_all_its_ways(task, language):
    start = function(course.broken(task.id, language))
    for seed in range(10):
        found = course.grade(task.id, start, seed=seed, language=language)
        assert (found.kind, found.mistake) == ("mistake", task.mistakes[0].name), seed
        assert getattr(task.mistakes[0], language) in found.message


@pytest.mark.parametrize("task", **NAMED)
def test_what_is_given_is_the_function_that_is_asked_for(task):
    assert task.broken.startswith(f"def {task.signature}:\n")


def test_with_two_bugs_the_grader_names_the_one_that_remains():
    def half_repaired(moments, noise):
        mean, log_variance = moments
        return mean + np.exp(log_variance) * noise

    assert course.grade("02-R1", half_repaired).mistake == "variance_for_deviation"
    source = course.broken("02-R1")
    assert course.grade("02-R1", function(source)).mistake == "columns_and_variance_for_deviation"
    assert course.grade("02-R1", function(source.replace("exp(log_", "exp(0.5 * log_"))).mistake == "columns"


def test_repairs_stand_beside_the_exercises_by_chapter():
    assert [task.id for task in course.repairs(3)] == [f"03-R{i}" for i in range(1, 8)]
    assert course.repairs("02", level=1) == [course.exercise("02-R3")]
    assert not {task.id for task in ALL} & {task.id for task in course.exercises()}
    chapters = [task.chapter for task in ALL]
    assert chapters == sorted(chapters)


def test_where_to_start_from_is_shown_as_it_is():
    source = course.broken("02-R1", "zh")
    assert repr(source) == str(source) and "errata.listing_sampling, § 4.2.1" in source and "采样" in source
    assert max(map(len, source.splitlines())) < 100
    with pytest.raises(ValueError, match="02-1 is no repair; these are: 01-R1"):
        course.broken("02-1")
    with pytest.raises(ValueError, match="language is 'de'; valid: en, zh"):
        course.broken("02-R1", "de")
