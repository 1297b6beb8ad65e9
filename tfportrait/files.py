"""Files that are written whole or not at all, and checksums that show whether they still are."""

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

CHECKSUMS = "SHA256SUMS"
LOCK = ".lock"


def cache_dir() -> Path:
    """The folder for what can be made again: rendered worlds, resized images, latents.

    `$TFPORTRAIT_CACHE` if it is set, else the platform's cache folder (`$XDG_CACHE_HOME` or `~/.cache` on Linux,
    `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows) and `tfportrait` in it. It is not created here.
    """
    if override := os.environ.get("TFPORTRAIT_CACHE"):
        return Path(override).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tfportrait"


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[IO[bytes]]:
    """Opens a file beside `path`, flushes it to the disk and renames it when the block ends without an error.

    Whoever reads `path` sees the old file or the whole new one; after an error nothing is left behind.

    Args:
        path: str or path. The file to write. Its folder must exist.

    Yields: a binary file open for writing.

    Raises: OSError if the file cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def check_writable(path: str | os.PathLike) -> Path:
    """Finds out before any work whether `path` can be written as a file; leaves nothing behind.

    Args:
        path: str or path. The file that is going to be written.

    Returns: the path, with `~` expanded.

    Raises: ValueError if it is a folder, its folder does not exist, or the folder takes no new files.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        raise ValueError(f"cannot write {path}: it is a folder; give a file name in it")
    folder = path.parent
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise ValueError(f"cannot write {path}: the folder {folder} {what}")
    _probe(folder, path)
    return path


def check_writable_folder(path: str | os.PathLike) -> Path:
    """Finds out before any work whether files can be written into the folder `path`, which is created if need be.

    Returns: the path, with `~` expanded.

    Raises: ValueError if it is a file or takes no new files.
    """
    path = Path(path).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot create the folder {path}: {error.strerror}") from error
    _probe(path, path)
    return path


def _probe(folder: Path, shown: Path) -> None:
    probe = folder / f".tfportrait.{os.getpid()}.tmp"
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise ValueError(f"cannot write {shown}: {error.strerror}") from error


@contextlib.contextmanager
def locked(folder: str | os.PathLike, purpose: str) -> Iterator[None]:
    """Within it a folder is this process' alone; a process that ends, however it does, gives it back.

    Where the system has no such locks (Windows) nothing is locked.

    Args:
        folder: str or path. It must exist.
        purpose: str. What for, for the message.

    Raises: ValueError if another process, or another part of this one, has it.
    """
    path = Path(folder) / LOCK
    with contextlib.ExitStack() as opened:
        while True:
            file = opened.enter_context(open(path, "a+"))
            if not _lock(file):
                file.seek(0)
                raise ValueError(
                    f"{folder} is in use by another {purpose}, process {file.read().strip() or 'unknown'}: wait for "
                    "it, or use another folder"
                )
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                    break  # else whoever had it has removed it meanwhile
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink()


def _lock(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def check_space(folder: str | os.PathLike, needed: int) -> None:
    """Raises an OSError (no space left) if the disk of `folder` has fewer than `needed` bytes free."""
    folder = Path(folder).absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(28, f"{needed / 1e9:.1f} GB needed but {free / 1e9:.1f} GB free on the disk of {folder}")


def sha256(path: str | os.PathLike) -> str:
    """The file's SHA-256 as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(folder: str | os.PathLike) -> None:
    """Writes `SHA256SUMS` (the format of sha256sum) with every file below `folder`, hidden ones left out."""
    folder = Path(folder)
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    names = sorted(path.as_posix() for path in files if not any(part.startswith(".") for part in path.parts))
    with atomic_write(folder / CHECKSUMS) as file:
        file.write("".join(f"{sha256(folder / name)}  {name}\n" for name in names).encode())


def verify_checksums(folder: str | os.PathLike) -> list[str]:
    """Compares the files of `folder` with its `SHA256SUMS`.

    Returns: one line for each file that is missing or damaged; empty if all is well.

    Raises: ValueError if the folder has no `SHA256SUMS` or it cannot be parsed.
    """
    folder = Path(folder)
    sums = folder / CHECKSUMS
    if not sums.is_file():
        raise ValueError(f"{folder} has no {CHECKSUMS}")
    problems = []
    for number, line in enumerate(sums.read_text("utf-8").splitlines(), 1):
        digest, separator, name = line.partition("  ")
        if len(digest) != 64 or not separator or not name:
            raise ValueError(f"{sums} line {number} is not '<sha256>  <file>'")
        if not (folder / name).is_file():
            problems.append(f"{name} is missing")
        elif sha256(folder / name) != digest:
            problems.append(f"{name} is damaged (its checksum differs)")
    return problems
