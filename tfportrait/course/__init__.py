"""The course: exercises, and graders that name the misconception.

tp.course.exercises()                       # all of them
tp.course.grade("04-2", my_function)        # right, or what is wrong
tp.course.broken("02-R1")                   # a wrong function, to be repaired and graded
tp.course.capstones()                       # projects for the end, with rubrics
tp.course.guide()                           # for teachers
tp.course.assess("submissions")             # a class, each exercise in a sandbox of its own
"""

from tfportrait.lazy import lazy

_HOMES = {
    "Capstone": "projects",
    "Criterion": "projects",
    "Exercise": "definition",
    "Grade": "grading",
    "Mistake": "definition",
    "assess": "assessing",
    "broken": "repairing",
    "capstones": "projects",
    "exercise": "catalogue",
    "exercises": "catalogue",
    "fast": "words",
    "gain": "measures",
    "grade": "grading",
    "guide": "guides",
    "half_trained": "checkpoint",
    "Result": "results",
    "repairs": "catalogue",
    "sampler_errors": "measures",
    "share_of_the_way": "measures",
    "slides": "decks",
    "speaker": "words",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
