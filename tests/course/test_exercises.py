"""Every exercise and repair: its solution passes, and each of its misconceptions is named."""

import numpy as np
import pytest

from tfportrait import course, equations

EXERCISES = course.exercises()
ALL = EXERCISES + course.repairs()
MISTAKES = [(task.id, mistake) for task in ALL for mistake in task.mistakes]


@pytest.mark.parametrize("task", ALL, ids=lambda task: task.id)
def test_the_solution_is_right_on_any_cases(task):
    for seed in range(10):
        assert course.grade(task.id, task.solution, seed=seed), seed


@pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=[f"{name} {mistake.name}" for name, mistake in MISTAKES])
def test_the_misconception_is_named_in_both_languages(name, mistake):
    for seed in range(10):
        found = course.grade(name, mistake.function, seed=seed)
        assert (found.kind, found.mistake) == ("mistake", mistake.name), seed
        assert mistake.en in found.message and not found
    assert mistake.zh in course.grade(name, mistake.function, seed=0, language="zh").message


@pytest.mark.parametrize("task", ALL, ids=lambda task: task.id)
def test_an_exercise_is_complete(task):
    assert task.level in (1, 2, 3) and task.en and any("\u4e00" <= letter for letter in task.zh)
    assert len({mistake.name for mistake in task.mistakes}) == len(task.mistakes) >= 3
    if task.equation:
        assert equations.get(task.equation).latex
    arguments = task.case(np.random.default_rng(0))
    assert len(arguments) == task.signature.count(",") + 1


def test_levels_and_chapters():
    assert len({task.id for task in ALL}) == len(ALL)
    assert {task.level for task in EXERCISES} == {1, 2, 3}
    assert [task.id for task in course.exercises(4)] == [f"04-{i}" for i in range(1, 7)]
    assert course.exercises("04", level=3) == [course.exercise("04-4")]
