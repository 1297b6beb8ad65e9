"""The page on a class."""

import re
from html.parser import HTMLParser

import pytest

from tfportrait import course
from tfportrait.course import report, results

NASTY = "<img src=x onerror=alert(1)>\"'&"


def made():
    tasks = course.exercises(4)
    found = [results.Result(NASTY, task.id, "right", "", NASTY, 0.2) for task in tasks]
    kinds = iter(kind for kind in results.KINDS if kind not in ("right", "mistake"))
    for i, task in enumerate(tasks):
        mistake = task.mistakes[0].name if i < 2 else ""
        kind = "mistake" if mistake else next(kinds)
        found.append(results.Result("ben", task.id, kind, mistake, NASTY, 0.3))
    return found + [results.Result("ben", task.id, "unanswered", "", "", 0.0) for task in course.exercises(7)]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.open = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_is_whole_and_needs_nothing_else(language):
    text = report.page(made(), language=language)
    parser = Tags()
    parser.feed(text)
    assert parser.open == []
    names = {tag for tag, _ in parser.tags}
    assert not names & {"img", "script", "link", "iframe", "object", "form", "a"}
    attributes = {name for _, found in parser.tags for name in found}
    assert not any(name.startswith("on") for name in attributes) and not attributes & {"src", "href"}
    assert not re.search(r"https?:|url\(|@import", text) and "default-src 'none'" in text
    assert "{" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


def test_shares_misconceptions_and_students_are_there():
    text = report.page(made())
    assert "<b>50%</b>" in text and "2 students, 6 exercises" in text and "Chapters without any answer: 7." in text
    for task in course.exercises(4)[:2]:
        assert task.mistakes[0].en.split("'")[0][:30] in text
    assert "6 / 6" in text and "0 / 6" in text and "Diffusion in two dimensions" in text
    chinese = report.page(made(), language="zh")
    assert course.exercises(4)[0].mistakes[0].zh in chinese and "二维中的扩散" in chinese


def test_pseudonyms_replace_names():
    text = report.page(made(), names={NASTY: "S-AAAA-BBBB", "ben": "S-CCCC-DDDD"})
    assert "S-AAAA-BBBB" in text and ">ben<" not in text and "onerror" not in text


def test_a_class_that_has_answered_nothing_has_a_page_too():
    found = [results.Result("ben", "04-1", "unanswered", "", "", 0.0)]
    assert "–" in report.page(found)
    with pytest.raises(ValueError, match="valid: en, zh"):
        report.page(found, language="de")
