"""The series "repair the chapter": every erratum is a bug to find, and the grader names each."""

import numpy as np
import pytest

from tfportrait import course, equations
from tfportrait.course.bank import repairs as bank

ALL = course.repairs()
NAMED = {"argvalues": ALL, "ids": lambda task: task.id}
MISTAKES = [(task.id, mistake) for task in ALL for mistake in task.mistakes]
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
def test_the_solution_is_right_on_any_cases(task):
    for seed in range(10):
        assert course.grade(task.id, task.solution, seed=seed), seed


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=[f"{name} {mistake.name}" for name, mistake in MISTAKES])
def test_what_remains_wrong_is_named_in_both_languages(name, mistake):
    for seed in range(10):
        found = course.grade(name, mistake.function, seed=seed)
        assert (found.kind, found.mistake) == ("mistake", mistake.name), seed
        assert mistake.en in found.message and not found
    assert mistake.zh in course.grade(name, mistake.function, seed=0, language="zh").message


@pytest.mark.parametrize("task", **NAMED)
def test_a_repair_is_complete(task):
    assert task.level in (1, 2, 3) and task.en and any("\u4e00" <= letter for letter in task.zh)
    assert len({mistake.name for mistake in task.mistakes}) == len(task.mistakes) >= 3
    if task.equation:
        assert equations.get(task.equation).latex
    assert len(task.case(np.random.default_rng(0))) == task.signature.count(",") + 1
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
