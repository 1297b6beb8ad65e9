"""Renders portraits into an image folder with captions, on all cores."""

import contextlib
import errno
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from . import render
from .portrait import sample

SETTINGS = "world.json"
METADATA = "metadata.jsonl"
_IN_PROCESS = 24  # so few portraits are done before a worker has started


def show_progress(done: int, count: int) -> None:
    """A bar on stderr, redrawn in place; nothing where stderr is no terminal."""
    if sys.stderr.isatty() and (done == count or done % 16 == 0):
        filled = 32 * done // count
        end = "\n" if done == count else ""
        print(f"\r{'█' * filled}{'░' * (32 - filled)} {done}/{count} portraits", end=end, file=sys.stderr, flush=True)


def write(
    directory: str | os.PathLike,
    count: int,
    size: int,
    *,
    seed: int = 0,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = show_progress,
) -> Path:
    """Writes the portraits of the seeds `seed` to `seed + count - 1` as an image folder.

    The folder holds `00000000.png` and so on (the number is the place, not the seed), `world.json` with seed and size, and
    in the end `metadata.jsonl`: one JSON object a line with `file_name`, `text` (English), `text_zh` (Chinese), `named` and
    `named_zh` (the attributes that each text names), `visible`, `attributes` and `seed`. Every file appears whole or not at
    all. An interrupted call leaves the finished images; the same call continues, and a larger `count` adds to them.

    Args:
        directory: path. Made if it is missing; must be empty or hold portraits of the same seed and size.
        count: int, at least 1.
        size: int. Width and height of the images, 32 to 512.
        seed: int. The first portrait's seed. Defaults to 0.
        workers: int. Processes; as many as there are cores by default.
        progress: callable. Called with (done, count) after each portrait. Defaults to a bar on stderr.

    Returns:
        Path. The directory.

    Raises:
        ValueError: a bad count, size, seed or number of workers, a directory that holds something else, or one that cannot
            be written to.
    """
    workers = _check(count, size, seed, workers)
    directory = Path(directory)
    try:
        present = _prepare(directory, seed, size)
        if workers == 1 or count <= _IN_PROCESS:
            results = (_portrait(directory, index, seed, size, present) for index in range(count))
            lines = _collect(results, count, progress)
        else:
            with _pool(directory, count, size, seed, workers) as results:
                lines = _collect(results, count, progress)
        _write_whole(directory / METADATA, "".join(line + "\n" for line in lines).encode())
    except OSError as error:
        raise ValueError(f"Cannot write to {directory}: {error.strerror or error}.") from error
    finally:
        _remove_unfinished(directory)
    return directory


def _check(count: int, size: int, seed: int, workers: int | None) -> int:
    """Raises ValueError for a bad argument; returns the number of workers."""
    render.check_size(size)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"count is the number of portraits, at least 1, not {count!r}.")
    sample(seed)
    sample(seed + count - 1)
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise ValueError(f"workers is the number of processes, at least 1, not {workers!r}.")
    return min(workers, count)


def _prepare(directory: Path, seed: int, size: int) -> frozenset[str]:
    """Makes the directory or checks that it can be continued; returns the names of the images that it holds."""
    settings = {"seed": int(seed), "size": int(size)}
    if directory.exists() and not directory.is_dir():
        raise ValueError(f"{directory} is a file, not a directory.")
    directory.mkdir(parents=True, exist_ok=True)
    names = frozenset(entry.name for entry in os.scandir(directory))
    if SETTINGS in names:
        held = json.loads((directory / SETTINGS).read_text(encoding="utf-8"))
        if held != settings:
            raise ValueError(
                f"{directory} holds portraits of seed {held.get('seed')} and size {held.get('size')}, "
                f"not seed {seed} and size {size}: choose another directory."
            )
    elif names:
        raise ValueError(f"{directory} holds other files: choose an empty or a new directory.")
    else:
        _write_whole(directory / SETTINGS, json.dumps(settings).encode())
    return names


def _write_whole(path: Path, data: bytes) -> None:
    """Writes beside, flushes to the disk, renames."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with open(beside, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _remove_unfinished(directory: Path) -> None:
    if directory.is_dir():
        for path in directory.glob("*.part"):
            path.unlink(missing_ok=True)


def _portrait(directory: Path, index: int, seed: int, size: int, present: frozenset[str]) -> tuple[int, str]:
    """Renders one portrait unless its image is there; returns its index and its line of metadata."""
    portrait = sample(seed + index)
    name = f"{index:08d}.png"
    if name not in present:
        beside = directory / f"{name}.{os.getpid()}.part"
        Image.fromarray(portrait.render(size)).save(beside, format="PNG", compress_level=4)
        os.replace(beside, directory / name)
    english, chinese = portrait.caption("en", seed=portrait.seed), portrait.caption("zh", seed=portrait.seed)
    line = {
        "file_name": name,
        "text": str(english),
        "text_zh": str(chinese),
        "named": list(english.named),
        "named_zh": list(chinese.named),
        "visible": [key for key in portrait.attributes if key in portrait.visible],
        "attributes": portrait.attributes,
        "seed": portrait.seed,
    }
    return index, json.dumps(line, ensure_ascii=False)


def _collect(results: Iterator[tuple[int, str]], count: int, progress) -> list[str]:
    """The lines of metadata in order."""
    lines = [""] * count
    for done, (index, line) in enumerate(results, 1):
        lines[index] = line
        if progress:
            progress(done, count)
    return lines


@contextlib.contextmanager
def _pool(directory: Path, count: int, size: int, seed: int, workers: int):
    """Worker processes; yields an iterator over their results, and ends them however the block is left.

    Plain subprocesses and not multiprocessing: a fork of a process that runs TensorFlow may hang, and a spawned process
    would run the caller's script again.
    """
    package = Path(__file__).resolve().parents[2]
    environment = dict(os.environ, PYTHONIOENCODING="utf-8")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-c", "from tfportrait.world.write import work; work()"]
    processes = []
    try:
        for worker in range(workers):
            task = json.dumps([str(directory.resolve()), worker, workers, count, size, seed])
            processes.append(
                subprocess.Popen(
                    [*command, task], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, encoding="utf-8"
                )
            )
        yield _results(processes)
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
        for process in processes:
            process.wait()
            process.stdout.close()
            process.stderr.close()


def _results(processes: list[subprocess.Popen]) -> Iterator[tuple[int, str]]:
    """What the workers report, as it comes."""
    reports: queue.SimpleQueue = queue.SimpleQueue()

    def listen(process: subprocess.Popen) -> None:
        for line in process.stdout:
            index, _, metadata = line.rstrip("\n").partition("\t")
            reports.put((int(index), metadata))
        reports.put(process)

    for process in processes:
        threading.Thread(target=listen, args=(process,), daemon=True).start()
    running = len(processes)
    while running:
        report = reports.get()
        if isinstance(report, tuple):
            yield report
            continue
        running -= 1
        errors = report.stderr.read().strip()
        if report.wait() == errno.ENOSPC:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if report.returncode:
            raise RuntimeError(f"A worker ended with code {report.returncode}: {errors.splitlines()[-1:] or 'no message'}")


def work() -> None:
    """A worker process: renders every n-th portrait and prints its index and metadata. The task is its argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends its workers
    directory, first, workers, count, size, seed = json.loads(sys.argv[1])
    present = frozenset(entry.name for entry in os.scandir(directory))
    try:
        for index in range(first, count, workers):
            _, line = _portrait(Path(directory), index, seed, size, present)
            print(f"{index}\t{line}", flush=True)
    except BrokenPipeError:
        os._exit(1)  # the parent is gone; there is nobody to report to
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(error.errno or 1)
