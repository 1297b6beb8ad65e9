"""Slides from an executed notebook."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from tfportrait import course
from tfportrait.course import notebooks, sources

ROOT = Path(__file__).parents[2]
LESSON = next(lesson for lesson in sources.lessons() if lesson.name == "08_samplers")


class Deck(HTMLParser):
    """What a deck has: tags in order, kinds of its slides, addresses, and whether all tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.kinds, self.addresses, self.open, self.headings = [], [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "section":
            self.kinds.append(attributes["class"])
        self.headings += tag in ("h1", "h2")
        self.addresses += [attributes[name] for name in ("src", "href") if name in attributes]
        if tag not in ("img", "meta"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "zh"])
def test_headings_figures_and_tasks_are_slides_and_solutions_are_not(language, tmp_path):
    path = course.slides(ROOT / "notebooks" / language / "08_samplers.ipynb", tmp_path / "deck.html")
    text = path.read_text("utf-8")
    deck = Deck(text)
    assert deck.open == [] and deck.headings == len(deck.kinds) and deck.kinds[0] == "title"
    assert deck.kinds.count("task") == len(LESSON.exercises) and deck.kinds.count("figure") >= 3
    assert f'<html lang="{language}">' in text and LESSON.title(language) in text
    for name in LESSON.exercises:
        assert course.exercise(name).signature in text
    assert "np.sqrt(next_alpha_bar) * x_0" not in text and "import" not in text
    assert all(address.startswith("data:image/") for address in deck.addresses) and "http" not in text
    assert "@media print" in text and "ArrowRight" in text
    figures = [address for address in deck.addresses if not address.startswith("data:image/svg")]
    for address in figures:
        Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).verify()
    assert len(figures) == deck.kinds.count("figure")
    assert len(text) < 2**19


def made(*cells, title="Tiny"):
    figure = io.BytesIO()
    Image.new("RGB", (4, 4)).save(figure, "PNG")
    shown = [{"data": {"image/png": base64.b64encode(figure.getvalue()).decode()}, "output_type": "display_data"}]
    found = []
    for kind, text in cells:
        cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text}
        if kind == "code":
            cell |= {"cell_type": "code", "outputs": [], "execution_count": 1}
        if kind == "figure":
            cell |= {"cell_type": "code", "outputs": shown, "execution_count": 1}
        found.append(cell)
    return {"cells": found, "metadata": {"title": title}, "nbformat": 4, "nbformat_minor": 5}


def deck_of(tmp_path, *cells, **options):
    notebooks.save(tmp_path / "tiny.ipynb", made(*cells, **options))
    return course.slides(tmp_path / "tiny.ipynb", tmp_path / "tiny.html").read_text("utf-8")


def test_prose_is_set(tmp_path):
    prose = (
        "# A & B\n\nSome *stress*, **more**, `x < y`, [a link](http://x.org) and $\\lVert x_t \\rVert$.\n\n"
        "* one\n* two,\n  long\n\n1. first\n\n$$\n\\frac{a}{b}\n$$\n`vae.kl`\n\n$\\begin{x}$"
    )
    text = deck_of(tmp_path, ("markdown", prose), ("figure", "x = 1"), title="A & B")
    assert "<h1>A &amp; B</h1>" in text and "<title>A &amp; B</title>" in text
    assert "<em>stress</em>" in text and "<strong>more</strong>" in text and "<code>x &lt; y</code>" in text
    assert "a link" in text and "x.org" not in text
    assert re.search(r"<ul><li>one</li><li>two,\s+long</li></ul><ol><li>first</li></ol>", text)
    assert text.count("data:image/svg+xml") == 2 and '<span class="id">vae.kl</span>' in text
    assert "<code>\\begin{x}</code>" in text  # which matplotlib cannot set
    assert Deck(text).kinds == ["title", "figure"]


def test_a_figure_stands_below_a_short_text(tmp_path):
    short, long = "## Short\n\nText.", "## Long\n\n" + "Many words. " * 60
    text = deck_of(
        tmp_path, ("markdown", "# T"), ("markdown", short), ("figure", ""), ("markdown", long), ("figure", "")
    )
    assert Deck(text).kinds == ["title", "figure", "prose", "figure"]
    assert text.count("<h2>Long</h2>") == 2 and text.count("<h2>Short</h2>") == 1
    sizes = [float(size) for size in re.findall(r"--size: ([\d.]+)", text)]
    assert sizes[1] == 3.9 and 2 < sizes[2] < 3.9


def test_what_is_no_executed_notebook_is_refused(tmp_path):
    notebooks.save(tmp_path / "empty.ipynb", made(("markdown", "# T"), ("code", "1")))
    with pytest.raises(ValueError, match="empty.ipynb has no figures: run it first"):
        course.slides(tmp_path / "empty.ipynb", tmp_path / "x.html")
    (tmp_path / "text.ipynb").write_text("text", "utf-8")
    with pytest.raises(ValueError, match="text.ipynb is no notebook of the course"):
        course.slides(tmp_path / "text.ipynb", tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()
