"""Grades a student's function: right, or which misconception it shows."""

import copy
import dataclasses
import secrets

import numpy as np

from tfportrait.course.catalogue import exercise
from tfportrait.course.definition import LANGUAGES, check_language
from tfportrait.course.running import arrays, outputs

CASES = 12
TEXTS = {
    "right": ("right", "正确"),
    "mistake": ("not yet: {what}", "还不对：{what}"),
    "wrong": ("not yet: the largest difference is {difference:.3g}{hint}", "还不对：最大误差为 {difference:.3g}{hint}"),
    "factor": ("; all of it is {factor:.4g} times what it should be", "；整体是正确值的 {factor:.4g} 倍"),
    "constant": ("; all of it is {constant:.4g} too large", "；整体多了 {constant:.4g}"),
    "shape": ("not yet: the shape is {found}, but should be {wanted}", "还不对：形状是 {found}，应为 {wanted}"),
    "not_finite": ("not yet: there are infinities or NaN in the result", "还不对：结果中有无穷大或 NaN"),
    "changed_argument": (
        "not yet: your function changes its argument number {number}; work on a copy",
        "还不对：你的函数改动了第 {number} 个参数；请在副本上计算",
    ),
    "error": ("your function raises {error}", "你的函数抛出了异常 {error}"),
    "equation": ("see {id}: ${latex}$", "见 {id}：${latex}$"),
}


@dataclasses.dataclass(frozen=True)
class Grade:
    """What came out.

    Attributes:
        exercise: str. Id.
        kind: str. "right", "mistake", "wrong", "shape", "not_finite", "changed_argument" or "error".
        mistake: str. The misconception's name where `kind` is "mistake", else "".
        message: str. For the student, in the language that was asked for.
        seed: int. Gives the same cases again.
    """

    exercise: str
    kind: str
    mistake: str
    message: str
    seed: int

    def __bool__(self):
        return self.kind == "right"

    def __str__(self):
        return f"{self.exercise}: {self.message}"

    __repr__ = __str__


def grade(name, function, *, language="en", seed=None):
    """Compares a function with the solution on hidden cases, and with what known misconceptions compute.

    Args:
        name: str. Id of an exercise, such as "04-2".
        function: callable. The student's; it may return arrays or tensors.
        language: str. "en" or "zh".
        seed: int or None. Of the cases; else they are new every time.

    Returns: Grade, true where the function is right.

    Raises: ValueError for an unknown exercise or language, or what is no function.
    """
    task = exercise(name)
    check_language(language)
    if not callable(function):
        raise ValueError(f"grade takes a function, not a {type(function).__name__}: grade({name!r}, my_function)")
    seed = secrets.randbits(32) if seed is None else int(seed)
    cases = cases_of(task, seed)
    return judge(task, cases, outputs(function, cases), language=language, seed=seed)


def cases_of(task, seed):
    """The arguments on which an exercise is judged: list of tuple, the same for the same seed."""
    generator = np.random.default_rng(seed)
    return [task.case(generator) for _ in range(CASES)]


def judge(task, cases, found, *, language="en", seed=0):
    """Compares what a function has computed with the solution and with what known misconceptions compute.

    Args:
        task: Exercise.
        cases: list of tuple of arguments, of `cases_of`.
        found: Outputs of the function on them.
        language: str. "en" or "zh".
        seed: int. Of the cases, for the grade.

    Returns: Grade.
    """
    language = LANGUAGES.index(language)
    kind, mistake, message = _judged(task, cases, found, language)
    if kind != "right" and task.equation and kind != "error":
        message += f" ({_equation(task.equation, language)})"
    return Grade(task.id, kind, mistake, message, seed)


@np.errstate(over="ignore", invalid="ignore")
def _judged(task, cases, found, language):
    def say(key, **values):
        return TEXTS[key][language].format(**values)

    if found.error:
        return "error", "", say("error", error=found.error)
    if found.changed:
        return "changed_argument", "", say("changed_argument", number=found.changed)
    wanted = [arrays(task.solution(*copy.deepcopy(arguments))) for arguments in cases]
    if _all_close(found.results, wanted, task.tolerance):
        return "right", "", say("right")
    for mistake in task.mistakes:
        if _all_close(found.results, _outcomes(mistake.function, cases), task.tolerance):
            return "mistake", mistake.name, say("mistake", what=getattr(mistake, ("en", "zh")[language]))
    for result, right in zip(found.results, wanted, strict=True):
        shapes = [[list(array.shape) for array in each] for each in (result, right)]
        if shapes[0] != shapes[1]:
            shown = (each[0] if len(each) == 1 else each for each in shapes)
            return "shape", "", say("shape", **dict(zip(("found", "wanted"), shown, strict=True)))
    if not all(np.isfinite(array).all() for result in found.results for array in result):
        return "not_finite", "", say("not_finite")
    return "wrong", "", _difference(found.results, wanted, say)


def _outcomes(function, cases):
    try:
        return [arrays(function(*copy.deepcopy(arguments))) for arguments in cases]
    except (ValueError, IndexError, TypeError):  # a misconception that cannot be computed for these cases
        return None


def _difference(found, wanted, say):
    a, b = (np.concatenate([array.ravel() for result in side for array in result]) for side in (found, wanted))
    hint = ""
    factor = float(a @ b / (b @ b)) if (b @ b) else 0.0
    if np.allclose(a, factor * b, rtol=1e-3, atol=1e-6) and factor:
        hint = say("factor", factor=factor)
    elif np.allclose(a - b, (a - b).mean(), rtol=1e-3, atol=1e-6):
        hint = say("constant", constant=float((a - b).mean()))
    return say("wrong", difference=float(np.abs(a - b).max()), hint=hint)


def _all_close(found, wanted, tolerance):
    return wanted is not None and all(_close(a, b, tolerance) for a, b in zip(found, wanted, strict=True))


def _close(found, wanted, tolerance):
    if len(found) != len(wanted) or any(a.shape != b.shape for a, b in zip(found, wanted, strict=True)):
        return False
    return all(
        np.allclose(a, b, rtol=tolerance, atol=tolerance * max(1e-12, float(np.abs(b).max(initial=0))))
        for a, b in zip(found, wanted, strict=True)
    )


def _equation(name, language):
    from tfportrait import equations

    return TEXTS["equation"][language].format(id=name, latex=equations.get(name).latex)
