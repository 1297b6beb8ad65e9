"""The course: exercises, and graders that name the misconception.

tp.course.exercises()                       # all of them
tp.course.grade("04-2", my_function)        # right, or what is wrong
"""

from tfportrait.lazy import lazy

_HOMES = {
    "Exercise": "definition",
    "Grade": "grading",
    "Mistake": "definition",
    "exercise": "catalogue",
    "fast": "words",
    "speaker": "words",
    "exercises": "catalogue",
    "grade": "grading",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
