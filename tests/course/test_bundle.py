"""The course for a room without internet."""

import subprocess
import sys
import tarfile
import zipfile

import pytest

from tfportrait import __version__
from tfportrait.cli import main
from tfportrait.course import bundle, sources


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Skips where the installed package's metadata is older than its source."""
    try:
        bundle.wheel(tmp_path_factory.mktemp("wheel"))
    except ValueError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def archive(tmp_path_factory, installed):
    folder = tmp_path_factory.mktemp("bundle")
    assert main(["course", "bundle", str(folder / "course.tar"), "--language", "zh"]) == 0
    assert [path.name for path in folder.iterdir()] == ["course.tar"]
    with tarfile.open(folder / "course.tar") as file:
        file.extractall(folder)
    return folder / bundle.FOLDER


def test_it_has_students_notebooks_the_package_and_instructions(archive):
    books = sorted((archive / "notebooks").iterdir())
    assert [book.stem for book in books] == [lesson.name for lesson in sources.lessons()]
    assert "二维中的扩散" in (archive / "notebooks" / "04_two_dimensions.ipynb").read_text("utf-8")
    assert "NotImplementedError" in (archive / "notebooks" / "04_two_dimensions.ipynb").read_text("utf-8")
    text = (archive / "INSTALL.txt").read_text("utf-8")
    for part in ("Windows", "macOS", "Linux", "py -m venv", "python3 -m venv", "中文", f"[notebooks]=={__version__}"):
        assert part in text
    assert "{" not in text and str(archive.parent) not in text


def test_its_wheel_is_one_that_pip_installs_and_that_works(archive, tmp_path):
    (wheel,) = (archive / "wheels").iterdir()
    with zipfile.ZipFile(wheel) as file:
        assert file.testzip() is None and not any("__pycache__" in name for name in file.namelist())
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target"]
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode:
        pytest.skip("pip is not installed")
    subprocess.run([*pip, tmp_path, wheel], check=True)
    code = "import tfportrait, tfportrait.course as c; print(tfportrait.__file__, len(c.exercises()))"
    made = subprocess.run([sys.executable, "-P", "-c", code], env={"PYTHONPATH": str(tmp_path)}, capture_output=True)
    assert str(tmp_path).encode() in made.stdout and not made.stderr
    assert (tmp_path / "tfportrait" / "presets").is_dir() and (tmp_path / "bin" / "tfportrait").exists()


def tiny(folder, name, needs=()):
    """A wheel of nothing."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as file:
        lines = [f"Requires-Dist: {need}" for need in needs]
        info = f"{name}-1.0.dist-info"
        file.writestr(
            f"{info}/METADATA", "\n".join(["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *lines, ""])
        )
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    return path


def test_what_it_needs_comes_from_where_pip_is_set_to_look(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    tiny(tmp_path, "second")
    first = tiny(tmp_path, "first", ["second"])
    (tmp_path / "wheels").mkdir()
    bundle.download(first, tmp_path / "wheels")
    assert sorted(path.name[:6] for path in (tmp_path / "wheels").iterdir()) == ["first-", "second"]
    with pytest.raises(ValueError, match="cannot get the wheels: No matching distribution found for third"):
        bundle.download(tiny(tmp_path, "fourth", ["third"]), tmp_path / "wheels")


def test_where_pip_fails_nothing_is_left(tmp_path, monkeypatch, capsys, installed):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert main(["course", "bundle", str(tmp_path / "course.tar"), "--wheels"]) == 2
    assert "cannot get the wheels" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_package_that_is_not_installed_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "__version__", "99.0")
    with pytest.raises(ValueError, match="tfportrait was changed since it was installed: pip install"):
        bundle.bundle(tmp_path / "c.tar")
    monkeypatch.setattr(bundle.importlib.metadata, "distributions", lambda name: [])
    with pytest.raises(ValueError, match="tfportrait is not installed"):
        bundle.wheel(tmp_path)
    assert not list(tmp_path.iterdir())


def test_another_language_is_refused(tmp_path):
    with pytest.raises(ValueError, match="valid: en, zh"):
        bundle.bundle(tmp_path / "c.tar", language="de")
