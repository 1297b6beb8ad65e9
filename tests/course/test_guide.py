"""The teacher's guide names only what exists, and says the same in both languages."""

import re

import pytest

import tfportrait as tp
from tfportrait import course, equations

TEXTS = {language: course.guide(language) for language in ("en", "zh")}
NAME = re.compile(r"`(\d\d-R?\d+)`(?:\s`(\w+)`)?")


@pytest.mark.parametrize("language", TEXTS)
def test_every_exercise_and_misconception_exists(language):
    found = NAME.findall(TEXTS[language])
    assert len({name for name, _ in found}) > 60
    for name, mistake in found:
        task = course.exercise(name)
        assert not mistake or mistake in {each.name for each in task.mistakes}, (name, mistake)


@pytest.mark.parametrize("language", TEXTS)
def test_every_chapter_has_misconceptions_of_its_own(language):
    chapters = re.findall(r"(?m)^\*\*(\d\d)\.\*\* ((?:.+\n)+)", TEXTS[language])
    assert [chapter for chapter, _ in chapters] == [f"{i:02d}" for i in range(14)]
    for chapter, text in chapters:
        assert any(name.startswith(chapter) and mistake for name, mistake in NAME.findall(text)), chapter


@pytest.mark.parametrize("language", TEXTS)
def test_repairs_facts_capstones_and_plans_are_in_it(language):
    text = TEXTS[language]
    assert "<!--" not in text and text._repr_markdown_() == text
    assert all(f"`{task.id}` `{task.signature}`" in text for task in (*course.exercises(), *course.repairs()))
    assert all(f"`{entry.id}`" in text for entry in equations.entries() if entry.kind == "erratum")
    assert all(f"### {capstone.title[language == 'zh']}" in text for capstone in course.capstones())
    rows = re.findall(r"(?m)^\| (\d\d) \|", text)
    assert rows == [f"{i:02d}" for i in range(14)]
    for name in re.findall(r"`tp\.([\w.]+)\(", text):
        part = tp
        for word in name.split("."):
            part = getattr(part, word)


def test_both_languages_have_the_same_parts():
    shapes = [re.findall(r"(?m)^(#+) ", text) for text in TEXTS.values()]
    assert shapes[0] == shapes[1] and len(shapes[0]) > 10
    names = [[*NAME.findall(text)] for text in TEXTS.values()]
    assert names[0] == names[1]
    times = [re.findall(r"(?m)\| (\d+) \| (\d+) \|$", text) for text in TEXTS.values()]
    assert times[0] == times[1] and len(times[0]) == 14


def test_another_language_is_refused():
    with pytest.raises(ValueError, match="language is 'de'; valid: en, zh"):
        course.guide("de")


def test_the_command_prints_it(capsys):
    from tfportrait.cli import main

    assert main(["course", "guide", "--language", "zh"]) == 0
    assert capsys.readouterr().out.strip() == TEXTS["zh"].strip()
