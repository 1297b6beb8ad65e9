"""Grades a class.

The process that runs a student's function gets arguments and returns outputs. What is right is decided here, where
nothing of the student's runs.
"""

import contextlib
import secrets
import threading
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from tfportrait.course import catalogue, running, variants
from tfportrait.course.definition import LANGUAGES, check_language
from tfportrait.course.grading import cases_of, judge
from tfportrait.course.results import Result
from tfportrait.course.sandbox import Sandbox
from tfportrait.course.submissions import collect
from tfportrait.workers import cores

TEXTS = {
    "time": ("it takes more than {seconds:g} s", "运行超过了 {seconds:g} 秒"),
    "memory": ("it takes more than {memory} MB of memory", "占用的内存超过了 {memory} MB"),
    "ended": ("its process ended without a result", "进程没有给出结果就结束了"),
    "unanswered": ("not answered", "未作答"),
}


def assess(
    folder,
    *,
    key=None,
    chapters=(),
    repairs=False,
    language="en",
    seconds=20.0,
    memory=4096,
    unsafe=False,
    on_student=None,
):
    """Grades every exercise of every student of a folder, each in a process of its own.

    Args:
        folder: str or path. See `tfportrait.course.submissions`.
        key: str or path of a key, or None. With a key the cases are each student's own, and the same every time.
        chapters: collection of int. Only exercises of these; empty for all.
        repairs: bool. The series "repair the chapter" too.
        language: str. "en" or "zh", of the messages.
        seconds: float. For one exercise.
        memory: int. MB, for one exercise.
        unsafe: bool. Whether to do without the sandbox: students' code can then read and delete files.
        on_student: callable or None. Called with each student's list of Result when it is there.

    Returns: list of Result, by student and exercise. What cannot be read is warned of.

    Raises: ValueError for a folder without submissions, a key in it, no sandbox, or a bad argument.
    """
    check_language(language)
    if seconds <= 0 or memory <= 0:
        raise ValueError(f"seconds and memory are positive, not {seconds} and {memory}")
    if key is not None and Path(key).expanduser().resolve().is_relative_to(Path(folder).resolve()):
        raise ValueError(f"{key} lies among the submissions; keep the key where no student's file is")
    secret = secrets.token_bytes(variants.BYTES) if key is None else variants.read_key(key)
    submissions, ignored = collect(folder)
    for line in [*ignored, *(fault for each in submissions for fault in each.faults)]:
        warnings.warn(line, stacklevel=2)
    tasks = catalogue.exercises() + (catalogue.repairs() if repairs else [])
    tasks = sorted(
        (task for task in tasks if not chapters or int(task.chapter) in chapters), key=lambda task: task.chapter
    )
    box = Sandbox(seconds=seconds, memory=memory * 2**20, unsafe=unsafe)
    box.check([folder, *([key] if key is not None else [])])
    # Without the sandbox one after another: the limit of processes is then one for all of this user's.
    workers = 1 if unsafe else cores()
    judging = _Judging(box, secret, language, workers)
    pairs = [(submission, task) for submission in submissions for task in tasks]
    found = []
    with _pool(box, workers) as pool:
        for _, results in groupby(pool.map(lambda pair: judging(*pair), pairs), key=lambda result: result.student):
            found.append(list(results))
            if on_student:
                on_student(found[-1])
    return [result for results in found for result in results]


@contextlib.contextmanager
def _pool(box, workers):
    pool = ThreadPoolExecutor(workers)
    try:
        yield pool
    except BaseException:
        box.stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


class _Judging:
    def __init__(self, box, secret, language, workers):
        self.box, self.secret, self.language = box, secret, language
        names = Counter(task.function for task in catalogue.exercises() + catalogue.repairs())
        self.shared = {name for name, count in names.items() if count > 1}
        self.workers, self.slots = workers, set(range(workers))
        self.free, self.waiting = threading.Condition(), 0

    def __call__(self, submission, task):
        student = submission.student
        try:
            work, chosen = submission.find(task, self.shared)
        except ValueError as error:
            return Result(student, task.id, "unreadable", "", str(error), 0.0)
        if work is None:
            if submission.faults:
                return Result(student, task.id, "unreadable", "", submission.faults[0], 0.0)
            return Result(student, task.id, "unanswered", "", self.say("unanswered"), 0.0)
        seed = variants.seed(self.secret, student, task.id)
        cases = cases_of(task, seed)
        job = {"cells": work.cells, "chosen": chosen, "name": task.function, "cases": running.pack(cases)}
        with self.place() as slot:
            ended = self.box.run(job, slot)
        if ended.starved and self.workers > 1:  # perhaps by what others started
            with self.place(alone=True) as slot:
                ended = self.box.run(job, slot)
        kind, mistake, message = self.judged(task, cases, seed, ended)
        return Result(student, task.id, kind, mistake, message, round(ended.seconds, 2))

    @contextlib.contextmanager
    def place(self, alone=False):
        """A slot for a process; with no other process in any, if it shall be alone."""
        with self.free:
            self.waiting += alone
            self.free.wait_for(lambda: len(self.slots) == self.workers if alone else self.slots and not self.waiting)
            slot = self.slots.pop()
        try:
            yield slot
        finally:
            with self.free:
                self.waiting -= alone
                self.slots.add(slot)
                self.free.notify_all()

    def judged(self, task, cases, seed, ended):
        if ended.how != "answer":
            return ended.how, "", self.say(ended.how)
        found = running.read_answer(ended.line, len(cases))
        if found is None:
            return "ended", "", self.say("ended")
        if found.error.startswith(("NotImplementedError", "MemoryError")):
            kind = "unanswered" if found.error.startswith("Not") else "memory"
            return kind, "", self.say(kind)
        grade = judge(task, cases, found, language=self.language, seed=seed)
        return grade.kind, grade.mistake, grade.message

    def say(self, kind):
        values = {"seconds": self.box.seconds, "memory": self.box.memory >> 20}
        return TEXTS[kind][LANGUAGES.index(self.language)].format(**values)
