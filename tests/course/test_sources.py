"""Lessons as they are written."""

import pytest

from tfportrait.course import sources

GOOD = """# %% [markdown] id="title"
# # Title
# [[vae.kl]]
# ---
# # 标题
# [[vae.kl]]

# %% id="code"
LANGUAGE = "en"

# %% id="ex" exercise="04-2"
def add_noise(x_0, noise, alpha_bar):
    # <solution>
    return x_0
    # </solution>
"""


def write(folder, text, name="04_two_dimensions.py"):
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_lesson_is_read(tmp_path):
    lesson = sources.read(write(tmp_path, GOOD))
    assert [cell.id for cell in lesson.cells] == ["title", "code", "ex"]
    assert (lesson.title("en"), lesson.title("zh"), lesson.exercises) == ("Title", "标题", ["04-2"])
    assert "$$" in sources.with_equations(lesson.cells[0].texts["en"])


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('id="code"', 'id="title"', "two cells have the id 'title'"),
        ('id="code"', 'id="Code 1"', "small letters, digits and hyphens"),
        ('id="code"', 'id="code" tag="x"', ":8: unknown option 'tag'"),
        ("# ---\n", "", ":1: prose has 2 languages"),
        ("# # 标题", "标题", "prose is commented out: '标题'"),
        ("# # Title", "# Title", "begins with a heading"),
        ('# %% [markdown] id="title"', "import os", "a lesson begins with a cell"),
        ('# %% id="code"', "# %%code", ":8: a cell begins with"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(before, after, message, tmp_path):
    assert before in GOOD
    with pytest.raises(ValueError, match=message) as raised:
        sources.read(write(tmp_path, GOOD.replace(before, after, 1)))
    assert "04_two_dimensions.py" in str(raised.value)


def test_an_empty_folder_has_no_lessons(tmp_path):
    with pytest.raises(ValueError, match="no lessons"):
        sources.lessons(tmp_path)


def test_a_language_that_changed_alone_makes_the_other_older(tmp_path):
    path = write(tmp_path, GOOD)
    assert "no stamp" in sources.faults(sources.read(path))[0]
    assert sources.stamp(path) == ["title"]
    assert sources.faults(sources.read(path)) == [] and sources.stamp(path) == []
    path.write_text(path.read_text("utf-8").replace("# # Title", "# # Another title"), "utf-8")
    (fault,) = sources.faults(sources.read(path))
    assert "title: en changed since both said the same; zh is older" in fault


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("# [[vae.kl]]\n# ---", "# ---", "different equations"),
        ("# # 标题", "# 标题", "different headings"),
        ("[[vae.kl]]", "[[vae.nothing]]", "no equation 'vae.nothing'"),
        ('exercise="04-2"', 'exercise="04-99"', "no exercise '04-99'"),
        ("    # </solution>\n", "", "marks its solution"),
    ],
)
def test_ids_that_lead_nowhere_are_faults(before, after, message, tmp_path):
    path = write(tmp_path, GOOD.replace(before, after))
    sources.stamp(path)
    assert any(message in fault for fault in sources.faults(sources.read(path)))


@pytest.mark.parametrize("lesson", sources.lessons(), ids=lambda lesson: lesson.name)
def test_the_lessons_of_the_course_have_no_faults(lesson):
    assert sources.faults(lesson) == []
    assert all(name.startswith(lesson.name[:2]) for name in lesson.exercises)
