"""The Chinese font that comes with the package: it is the last resort, and it has what figures can need."""

import ast
import configparser
import fnmatch
import warnings
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib import font_manager, pyplot

from tfportrait import fonts

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "the labels of the lessons": ROOT / "tfportrait" / "course" / "lessons",
    "captions": ROOT / "tfportrait" / "world",
}


@pytest.fixture
def listed():
    entries = list(font_manager.fontManager.ttflist)
    yield
    font_manager.fontManager.ttflist[:] = entries


def texts(folder):
    """All strings of the code in a folder; comments, such as the prose of lessons, are none."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


@pytest.mark.parametrize("what", FOLDERS)
def test_it_has_every_chinese_character_of_figures(what):
    wanted = {letter for text in texts(FOLDERS[what]) for letter in text if "\u4e00" <= letter <= "\u9fa5"}
    missing = "".join(sorted(wanted - {chr(code) for code in TTFont(fonts.SHIPPED).getBestCmap()}))
    assert len(wanted) > 50 and not missing, (
        f"{fonts.SHIPPED.name} lacks {missing} of {what}: python tests/golden/chinese_font.py FONT, "
        "where FONT is NotoSansCJK-Regular.ttc (Debian's package fonts-noto-cjk)"
    )


def test_it_is_used_where_no_other_is_installed(monkeypatch, listed):
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ("Absent SC",))
    assert fonts.chinese_font() == fonts.chinese_font() == "Portrait Sans SC"
    assert sum(entry.fname == str(fonts.SHIPPED) for entry in font_manager.fontManager.ttflist) == 1
    figure = pyplot.figure(figsize=(2, 0.5))
    figure.text(0, 0.3, "噪声调度", family=["DejaVu Sans", "Portrait Sans SC"], fontsize=16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of every glyph that is missing
        figure.canvas.draw()
    assert (np.asarray(figure.canvas.buffer_rgba())[..., 0] < 128).sum() > 300
    pyplot.close(figure)


def test_another_comes_first(monkeypatch, listed):
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ("DejaVu Sans",))  # as if it were Chinese
    assert fonts.chinese_font() == "DejaVu Sans"


def test_it_is_small_and_comes_with_its_licence():
    assert fonts.SHIPPED.stat().st_size <= 350_000
    licence = fonts.SHIPPED.with_name("chinese_font.OFL.txt")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence.read_text("utf-8")
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    patterns = settings["options.package_data"]["tfportrait"].replace(" ", "").replace("**/", "").split(",")
    for path in (fonts.SHIPPED, licence):
        assert any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns), path.name
