"""Work on all cores, in child processes that never import the caller's script.

`multiprocessing` starts a child by importing the parent's main module again (or by forking a process in which
TensorFlow already has threads), so that `tfportrait.data.load` in a plain script would run the script twice. These
children are plain `python -c` processes: jobs go in and results come out as lines of JSON, arrays go through files.
"""

import contextlib
import importlib
import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

_CHILD = "from tfportrait.workers import serve; serve()"


def cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(task: str, jobs: Iterable[dict[str, Any]], *, workers: int | None = None) -> Iterator[Any]:
    """Calls `task(**job)` for every job on several cores and yields the results as they come, in any order.

    Args:
        task: str. "module:function", importable in a fresh process.
        jobs: iterable of dict. Keyword arguments that JSON can hold; so must be what the function returns.
        workers: int. Number of processes. Defaults to None: one a core. One worker, or one job, runs in this process.

    Raises: RuntimeError if a job fails or a worker dies (the message has the child's error); the remaining jobs are
        dropped. Leaving the loop early, or Ctrl-C, ends the children.
    """
    jobs = list(jobs)
    workers = min(workers or cores(), len(jobs))
    if workers <= 1:
        for job in jobs:
            yield _call(task, job)
        return
    children = [_start() for _ in range(workers)]
    free: queue.SimpleQueue = queue.SimpleQueue()
    for child in children:
        free.put(child)

    def one(job: dict[str, Any]) -> Any:
        child = free.get()
        try:
            return _ask(child, task, job)
        finally:
            free.put(child)

    pool = ThreadPoolExecutor(workers)
    try:
        for future in as_completed([pool.submit(one, job) for job in jobs]):
            yield future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.terminate()
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(5)
            child.kill()
        pool.shutdown()
        for child in children:
            child.wait()
            child.stdout.close()
            with contextlib.suppress(OSError):
                child.stdin.close()


def _start() -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    # A session of its own keeps the terminal's Ctrl-C from the child: the parent ends it in good order.
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )


def _ask(child: subprocess.Popen, task: str, job: dict[str, Any]) -> Any:
    try:
        child.stdin.write(json.dumps([task, job]).encode() + b"\n")
        child.stdin.flush()
        line = child.stdout.readline()
    except OSError:
        line = b""
    if not line:
        raise RuntimeError(f"a worker process ended unexpectedly (exit code {child.poll()}) in {task}")
    answer = json.loads(line)
    if "error" in answer:
        if answer["errno"] is not None:
            raise OSError(answer["errno"], answer["error"])
        raise RuntimeError(f"{task}: {answer['error']}")
    return answer["result"]


def _call(task: str, job: dict[str, Any]) -> Any:
    module, _, function = task.partition(":")
    return getattr(importlib.import_module(module), function)(**job)


def serve() -> None:
    """The child's side: reads jobs from standard input until it closes, writes one line of JSON for each."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an exception: files half-written are removed on the way out
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get between the answers
    for line in sys.stdin.buffer:
        task, job = json.loads(line)
        try:
            answer = {"result": _call(task, job)}
        except Exception as error:
            name = type(error).__name__
            answer = {"error": f"{name}: {error}", "errno": getattr(error, "errno", None)}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()
