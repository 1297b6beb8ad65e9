"""The course as one file, for a room without internet."""

import base64
import hashlib
import importlib.metadata
import io
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tfportrait import __version__
from tfportrait.course import notebooks
from tfportrait.course.definition import LANGUAGES, check_language
from tfportrait.files import atomic_write

FOLDER = "tfportrait-course"
EXTRA = "notebooks"  # what opens them
STORED = {".npz", ".otf", ".png", ".safetensors"}  # what hardly becomes smaller
_DATE = (1980, 1, 1, 0, 0, 0)
_WHERE = {
    "en": (
        "The folder wheels has all that is needed: no internet. It was made for Python {python} on {platform}; "
        "computers of another kind need a bundle that was made on their kind.",
        "The folder wheels has this package only; pip takes what it needs from the internet, or from the mirror that "
        "is set in its settings. A bundle for rooms without internet is made by: tfportrait course bundle OUT.tar "
        "--wheels",
    ),
    "zh": (
        "wheels 文件夹中已有全部所需内容，无需联网。它适用于 {platform} 上的 Python {python}；"
        "其他类型的计算机需要在同类计算机上制作的课程包。",
        "wheels 文件夹中只有本软件包；其依赖由 pip 从互联网或 pip 设置中的镜像下载。"
        "为不能联网的教室制作课程包：tfportrait course bundle OUT.tar --wheels",
    ),
}
INSTALL = """\
tfportrait {version}

English
-------
Python 3.11, 3.12 or 3.13 is needed. {where_en}
Open a terminal in the folder of this file.

Linux, macOS:
    python3 -m venv .venv
    .venv/bin/pip install {options} "{requirement}"
    .venv/bin/tfportrait doctor
    .venv/bin/jupyter lab notebooks

Windows (PowerShell):
    py -m venv .venv
    .venv\\Scripts\\pip install {options} "{requirement}"
    .venv\\Scripts\\tfportrait doctor
    .venv\\Scripts\\jupyter lab notebooks

The presets are in the package. Begin with notebooks/{first}.

中文
----
需要 Python 3.11、3.12 或 3.13。{where_zh}
请在本文件所在的文件夹中打开终端。

Linux、macOS：
    python3 -m venv .venv
    .venv/bin/pip install {options} "{requirement}"
    .venv/bin/tfportrait doctor
    .venv/bin/jupyter lab notebooks

Windows（PowerShell）：
    py -m venv .venv
    .venv\\Scripts\\pip install {options} "{requirement}"
    .venv\\Scripts\\tfportrait doctor
    .venv\\Scripts\\jupyter lab notebooks

预设模型已包含在软件包中。请从 notebooks/{first} 开始。
"""


def bundle(path, *, language="en", wheels=False):
    """Writes the notebooks for students, the package and how to install it into one archive.

    Args:
        path: str or path. The archive, .tar.
        language: str. "en" or "zh", of the notebooks; the instructions have both.
        wheels: bool. All that the package needs too, as pip finds it by its settings, for computers like this one.

    Returns: path.

    Raises: ValueError for another language, or where pip cannot get what is needed.
    """
    check_language(language)
    path = Path(path)
    with tempfile.TemporaryDirectory(prefix=".tfportrait-", dir=path.parent) as folder:
        folder = Path(folder)
        (folder / "wheels").mkdir()
        own = wheel(folder / "wheels")
        if wheels:
            download(f"{own}[{EXTRA}]", folder / "wheels")
        written, _ = notebooks.write(folder / "notebooks", language=language)
        options = "--no-index --find-links wheels" if wheels else "--find-links wheels"
        values = {"python": ".".join(map(str, sys.version_info[:2])), "platform": sysconfig.get_platform()}
        text = INSTALL.format(
            version=__version__,
            options=options,
            requirement=f"tfportrait[{EXTRA}]=={__version__}",
            first=written[0].name,
            **{f"where_{each}": _WHERE[each][not wheels].format(**values) for each in LANGUAGES},
        )
        (folder / "INSTALL.txt").write_text(text, "utf-8")
        with atomic_write(path) as file, tarfile.open(fileobj=file, mode="w") as archive:
            for each in sorted(each for each in folder.rglob("*") if each.is_file()):
                archive.add(each, f"{FOLDER}/{each.relative_to(folder).as_posix()}", filter=_anonymous)
    return path


def _anonymous(entry):
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


def wheel(folder):
    """Packs this package, wherever it is installed, as a wheel into a folder.

    Returns: path of the wheel.

    Raises: ValueError if it is not installed, or not as it is now, so that nobody knows what it needs.
    """
    found = importlib.metadata.distributions(name="tfportrait")  # a folder of its source counts as one too
    about = next((each for each in found if each.read_text("METADATA")), None)
    if about is None or about.version != __version__ or EXTRA not in about.metadata.get_all("Provides-Extra", ()):
        what = "is not installed" if about is None else "was changed since it was installed"
        raise ValueError(f"tfportrait {what}: pip install . in its folder, then bundle")
    package = Path(__file__).parents[1]
    info = f"tfportrait-{__version__}.dist-info"
    path = Path(folder) / f"tfportrait-{__version__}-py3-none-any.whl"
    record = io.StringIO()
    with atomic_write(path) as file, zipfile.ZipFile(file, "w") as archive:

        def add(name, data):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_STORED if Path(name).suffix in STORED else zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.write(f"{name},sha256={digest},{len(data)}\n")

        for each in sorted(package.rglob("*")):
            name = each.relative_to(package)
            if each.is_file() and "__pycache__" not in name.parts and not any(part[0] == "." for part in name.parts):
                add(f"tfportrait/{name.as_posix()}", each.read_bytes())
        for name in ("METADATA", "entry_points.txt", "top_level.txt"):
            if (text := about.read_text(name)) is not None:
                add(f"{info}/{name}", text.encode())
        add(f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: tfportrait\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        record.write(f"{info}/RECORD,,\n")
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD", _DATE), record.getvalue())
    return path


def download(requirement, folder):
    """Puts wheels of a requirement and of all that it needs into a folder, by pip and its settings.

    Raises: ValueError with pip's last line where it fails.
    """
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--wheel-dir"]
    found = subprocess.run([*command, str(folder), str(requirement)], capture_output=True, text=True)
    if found.returncode:
        lines = [line for line in found.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines or ["pip failed"]
        raise ValueError(f"cannot get the wheels: {errors[-1].removeprefix('ERROR: ')}")
