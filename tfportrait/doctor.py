"""What could be wrong with an installation, one finding a line, each with its remedy."""

import contextlib
import dataclasses
import io
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

from tfportrait import __version__
from tfportrait.files import CHECKSUMS, cache_dir, verify_checksums
from tfportrait.terminal import start_backend

PYTHONS = ((3, 11), (3, 13))
FREE_BYTES = 2 * 10**9  # 20,000 rendered portraits, their latents and a training run's checkpoints
PACKAGES = ("numpy", "pillow", "matplotlib", "safetensors", "tokenizers", "resvg_py", "click", "tqdm")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        ok: bool.
        subject: str. What was looked at.
        text: str. What was found.
        remedy: str. What to do; empty if all is well.
    """

    ok: bool
    subject: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{'ok  ' if self.ok else 'warn'}  {self.subject}: {self.text}"
        return f"{line}; {self.remedy}" if self.remedy else line


def checks() -> Iterator[Finding]:
    """Looks at the installation and yields what it finds as it goes; a check that fails is itself a finding."""
    for subject, check in _CHECKS.items():
        try:
            yield from check(subject)
        except Exception as error:  # whatever is broken, the other checks still run
            text = " ".join(f"{type(error).__name__}: {error}".split())
            yield Finding(False, subject, text, "pip install --force-reinstall tfportrait")


def _python(subject: str) -> Iterator[Finding]:
    low, high = PYTHONS
    fits = low <= sys.version_info[:2] <= high
    remedy = "" if fits else f"use Python {low[0]}.{low[1]} to {high[0]}.{high[1]}"
    yield Finding(fits, subject, f"{platform.python_version()} on {platform.platform(terse=True)}", remedy)


def _packages(subject: str) -> Iterator[Finding]:
    found, missing = [f"tfportrait {__version__}"], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Finding(False, subject, f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    yield Finding(True, subject, ", ".join(found))


def _keras(subject: str) -> Iterator[Finding]:
    backend = start_backend()
    import keras

    fits = backend in ("tensorflow", "jax")
    remedy = "" if fits else "set KERAS_BACKEND to tensorflow or jax"
    yield Finding(fits, subject, f"keras {keras.__version__} on {backend} {_version(backend)}", remedy)


def _version(package: str) -> str:
    for name in (package, f"{package}-cpu"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return "(version unknown)"


def _devices(subject: str) -> Iterator[Finding]:
    import keras

    from tfportrait.workers import cores

    if keras.backend.backend() == "jax":
        import jax

        accelerators = [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    else:
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        accelerators = [tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name) for gpu in gpus]
    unused = not accelerators and shutil.which("nvidia-smi") is not None
    remedy = 'an NVIDIA driver is here but no GPU is used: pip install "tfportrait[cuda]"' if unused else ""
    yield Finding(not unused, subject, ", ".join([f"{cores()} CPU cores", *accelerators]), remedy)


def _acceleration(subject: str) -> Iterator[Finding]:
    from tfportrait.training import accelerate

    with contextlib.redirect_stdout(io.StringIO()):  # it prints its choice itself
        choice = accelerate()
    yield Finding(True, subject, str(choice))


def _presets(subject: str) -> Iterator[Finding]:
    folder = Path(__file__).parent / "presets"
    presets = sorted(path.parent for path in folder.glob(f"*/{CHECKSUMS}"))
    if not presets:
        yield Finding(False, subject, f"none in {folder}", "pip install --force-reinstall tfportrait")
    for preset in presets:
        problems = verify_checksums(preset)
        remedy = "pip install --force-reinstall tfportrait" if problems else ""
        text = "; ".join(problems) or f"intact ({_size(preset) / 1e6:.1f} MB)"
        yield Finding(not problems, f"{subject} {preset.name}", text, remedy)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _disk(subject: str) -> Iterator[Finding]:
    cache = cache_dir()
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    used = _size(cache) if cache.exists() else 0
    text = f"{free / 1e9:.1f} GB free for the cache {cache}, which holds {used / 1e9:.1f} GB"
    if not os.access(existing, os.W_OK):
        yield Finding(False, subject, f"{existing} cannot be written", "set TFPORTRAIT_CACHE to a folder that can")
        return
    enough = free >= FREE_BYTES
    remedy = "" if enough else f"free some: training wants {FREE_BYTES / 1e9:.0f} GB (TFPORTRAIT_CACHE moves the cache)"
    yield Finding(enough, subject, text, remedy)


def _fonts(subject: str) -> Iterator[Finding]:
    from tfportrait.fonts import chinese_font

    font = chinese_font()
    remedy = "" if font else "Chinese captions in plots will show as boxes: install Noto Sans CJK"
    yield Finding(font is not None, subject, font or "no Chinese font", remedy)


_CHECKS: dict[str, Callable[[str], Iterator[Finding]]] = {
    "python": _python,
    "packages": _packages,
    "keras": _keras,
    "devices": _devices,
    "acceleration": _acceleration,
    "preset": _presets,
    "disk": _disk,
    "chinese font": _fonts,
}
