"""Processes that run what students wrote, and can do nothing else.

In the sandbox, made by bubblewrap, such a process has no network, sees no other process, reads the system and the
Python packages but neither the exercises' solutions nor anybody's files, and writes into two small folders that vanish
with it. Where this process is root, that one becomes another user first, for whom the limit of processes holds.

Without the sandbox only the limits hold: seconds, memory, processes, sizes of files. Such a process reads and deletes
what its user may, uses the network, finds the solutions, and can outlive its judge in a session of its own.
"""

import contextlib
import dataclasses
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

MAX_ANSWER = 8 * 2**20  # bytes
MAX_FILE = 16 * 2**20  # bytes
MAX_FILES = 64 * 2**20  # bytes, of a folder
MAX_PROCESSES = 192  # and threads
FIRST_USER, USERS = 60600, 500  # numbers that no system gives to anybody
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
SETTINGS = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime")
SHOWN = ("__init__.py", "definition.py", "running.py", "words.py")  # of this package; the rest knows solutions
HOME = "/home/student"
_PACKAGE = Path(__file__).absolute().parents[1]
_CHILD = (
    "import sys; sys.path[:0] = {first!r}; sys.path += [each for each in {folders!r} if each not in sys.path]; "
    "from tfportrait.course.running import serve; serve()"
)
_PROBE = """import numpy.polynomial
import tfportrait.equations

def probe(x):
    return numpy.polynomial.Polynomial([x])(x) * len(tfportrait.equations.__doc__)
"""
_VARIABLES = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}


@dataclasses.dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        how: str. "answer"; "time" or "memory", more than was allowed; "ended" without an answer, or with too much.
        line: bytes. The answer, or b"".
        seconds: float. Until then.
        error: str. The last line that the process printed before it ran a student's code.
        starved: bool. Whether it ran out of time having got less than half of a core: others may have had it.
    """

    how: str
    line: bytes
    seconds: float
    error: str = ""
    starved: bool = False


class Sandbox:
    """Starts processes, watches and ends them.

    Args:
        seconds: float. For each.
        memory: int. Bytes, for each process and for all that it starts, together.
        unsafe: bool. Whether to do without bubblewrap.
    """

    def __init__(self, *, seconds=20.0, memory=2**32, unsafe=False):
        self.seconds, self.memory, self.unsafe = seconds, memory, unsafe
        self.stop = threading.Event()  # ends all processes
        self._root = hasattr(os, "geteuid") and os.geteuid() == 0
        self._others = 0 if self._root else _tasks_of_user()

    def check(self, hidden=()):
        """Finds out whether it works here.

        Args:
            hidden: sequence of path. What no student's code may see.

        Raises: ValueError if it does not, or would show one of those.
        """
        if not self.unsafe:
            if not shutil.which("bwrap"):
                raise ValueError(
                    "grading runs what students wrote in a sandbox, and bubblewrap (bwrap) is not installed: install "
                    "it (Linux), or take --unsafe, which lets their code read and delete your files"
                )
            for path in hidden:
                real = Path(path).expanduser().resolve()
                shown = next((root for root in _roots() if real.is_relative_to(Path(root).resolve())), None)
                if shown:
                    raise ValueError(f"{path} lies in {shown}, which students' code may read; move it elsewhere")
        job = {"cells": [_PROBE], "chosen": [0], "name": "probe", "cases": [[1.0]]}
        ended = self.run(job)
        error = json.loads(ended.line)["error"] if ended.how == "answer" else ended.error or ended.how
        if error:
            name, way = ("--unsafe", "run it as another user") if self.unsafe else ("the sandbox", "or take --unsafe")
            raise ValueError(f"{name} does not work here: {error}; {way}")

    def run(self, job, slot=0):
        """Gives a job to a process of its own: see `tfportrait.course.running.serve`.

        Args:
            job: dict that JSON can hold.
            slot: int. Another one for each process that runs at the same time.

        Returns: Ended.
        """
        user = FIRST_USER + (os.getpid() + slot) % USERS if self._root else None
        limits = {
            "seconds": 2 * int(self.seconds) + 2,
            "memory": self.memory,
            "file": MAX_FILE,
            "processes": None if self._others is None else self._others + MAX_PROCESSES,
            "user": user,
        }
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said, self._home(user) as home:
            given.write(json.dumps({**job, "limits": limits}).encode() + b"\n")
            given.seek(0)
            start = time.monotonic()
            process = subprocess.Popen(
                self._command(),
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=home,
                env=_environment(home or HOME),
                start_new_session=True,
            )
            try:
                how, line = self._watch(process, start + self.seconds)
                starved = how == "time" and _computed(process.pid) < self.seconds / 2
            finally:
                seconds = time.monotonic() - start
                self._kill(process, user)
            said.seek(0)
            lines = said.read(10_000).decode("utf-8", "replace").split("\n")
        error = next((line for line in reversed(lines) if line.strip()), "")[:200]
        return Ended(how, line, seconds, error, starved)

    def _watch(self, process, deadline):
        read, over = bytearray(), threading.Event()

        def reading():
            with process.stdout as stream:
                while len(read) <= MAX_ANSWER and b"\n" not in read[-65536:]:
                    part = os.read(stream.fileno(), 65536)
                    if not part:
                        break
                    read.extend(part)
                over.set()

        threading.Thread(target=reading, daemon=True).start()
        while not over.wait(0.05):
            if self.stop.is_set() or time.monotonic() > deadline:
                return "time", b""
            if _memory(process.pid) > self.memory:
                return "memory", b""
        line, newline, _ = bytes(read).partition(b"\n")
        return ("answer", line) if newline and len(line) <= MAX_ANSWER else ("ended", b"")

    def _kill(self, process, user):
        if not self.unsafe:
            process.kill()  # with bubblewrap all ends that it has started
        elif os.name == "nt":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
        else:
            for _ in range(100):
                left = {*_descendants(process.pid), *(_of_user(user) if user else ())}
                for pid in left:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                if not left - {process.pid}:
                    break
                time.sleep(0.01)
        process.wait()

    @contextlib.contextmanager
    def _home(self, user):
        if not self.unsafe:
            yield None
            return
        with tempfile.TemporaryDirectory(prefix="tfportrait-", ignore_cleanup_errors=True) as folder:
            if user:
                os.chown(folder, user, user)
            yield folder

    def _command(self):
        *sites, own = _folders()
        first = [] if own in sites else [own]  # this copy of the package, where it is not an installed one
        python = [sys.executable, "-P", "-c", _CHILD.format(first=first, folders=sites)]
        return python if self.unsafe else [*_bubblewrap(self._root), "--", *python]


def _environment(home):
    kept = {name: os.environ[name] for name in ("KERAS_BACKEND", "PATH", "SYSTEMROOT") if name in os.environ}
    return {**_VARIABLES, **kept, "HOME": home, "TMPDIR": home, "TEMP": home}


def _folders():
    """Where packages are imported from."""
    sites = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    return [*sites, str(_PACKAGE.parent)]


def _roots():
    """Folders that students' code may read, none within another."""
    places = [*SYSTEM, sys.prefix, sys.exec_prefix, sys.base_prefix, *_folders()[:-1], str(_PACKAGE)]
    places += [os.path.realpath(place) for place in places]
    found = []
    for place in sorted({os.path.abspath(place) for place in places if os.path.exists(place)}, key=len):
        if os.path.islink(place) or not any(Path(place).is_relative_to(root) for root in found if root != place):
            found.append(place)
    return found


def _bubblewrap(root):
    command = ["bwrap", "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net", "--unshare-ipc"]
    command += ["--unshare-uts", "--unshare-cgroup-try", "--cap-drop", "ALL"]
    # What belongs to root would belong to root's user namespace too: it becomes another user instead.
    command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"] if root else ["--unshare-user"]
    roots = _roots()
    parents = {parent for place in (*roots, *SETTINGS) for parent in Path(place).parents}
    size = ["--size", str(MAX_FILES)] if _knows_size() else []
    command += ["--dir", str(Path(HOME).parent)]
    for place in (HOME, "/tmp"):  # before the packages, which may lie there
        command += ["--perms", "1777", *size, "--tmpfs", place]
    for parent in sorted(parents)[1:]:  # bubblewrap itself would make them for root only
        command += ["--dir", str(parent)]
    for place in roots:
        bind = ["--symlink", os.readlink(place)] if os.path.islink(place) else ["--ro-bind", place]
        command += [*bind, place]
    for place in SETTINGS:
        command += ["--ro-bind-try", place, place]
    for course in _courses():
        command += ["--tmpfs", str(course)]
        for name in SHOWN if course == _PACKAGE / "course" else ():
            command += ["--ro-bind", str(course / name), str(course / name)]
        command += ["--remount-ro", str(course)]
    command += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    return [*command, "--remount-ro", "/", "--chdir", HOME]


def _courses():
    """This package's folder of the course, by all its names, and that of other copies of it."""
    packages = [_PACKAGE, _PACKAGE.resolve(), *(Path(folder) / "tfportrait" for folder in _folders()[:-1])]
    return [path for path in dict.fromkeys(package / "course" for package in packages) if path.is_dir()]


@functools.cache
def _knows_size():
    """Whether this bubblewrap can limit the size of a folder: since 0.7."""
    found = subprocess.run(["bwrap", "--help"], capture_output=True, text=True)
    return "--size" in found.stdout + found.stderr


def _memory(pid):
    """Bytes that a process and all that it has started hold; 0 where that cannot be told."""
    return sum(_status(each, "RssAnon") + _status(each, "RssShmem") for each in _descendants(pid)) * 1024


def _computed(pid):
    """Seconds that a process and all that it has started have computed; infinity where that cannot be told."""
    ticks = 0
    for each in _descendants(pid):
        try:
            with open(f"/proc/{each}/stat", "rb") as file:
                ticks += sum(map(int, file.read().rpartition(b")")[2].split()[11:15]))
        except OSError:
            if each == pid:
                return float("inf")
    return ticks / os.sysconf("SC_CLK_TCK")


def _descendants(pid):
    """A process and all below it: list of int."""
    found = [pid]
    for each in found:  # grows
        try:
            for task in os.listdir(f"/proc/{each}/task"):
                with open(f"/proc/{each}/task/{task}/children") as file:
                    found += map(int, file.read().split())
        except OSError:  # it has ended, or this is no Linux
            continue
    return found


def _status(pid, name):
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) for line in file if line.startswith(f"{name}:")), 0)
    except (OSError, UnicodeDecodeError):
        return 0


def _of_user(user):
    """Processes of a user that still run."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if name.isdecimal():
            with contextlib.suppress(OSError, UnicodeDecodeError), open(f"/proc/{name}/status") as file:
                text = file.read()
                if f"\nUid:\t{user}\t" in text and "\nState:\tZ" not in text:
                    found.append(int(name))
    return found


def _tasks_of_user():
    """How many processes and threads this user has: int, or None where that cannot be told."""
    if not os.path.isdir("/proc/self"):
        return None
    return sum(_status(pid, "Threads") for pid in _of_user(os.getuid()))
