"""A class is graded as each student would be, and says what it cannot grade."""

import json

import pytest

from tfportrait import course
from tfportrait.cli import main
from tfportrait.course import notebooks, results, sandbox, sources, variants
from tfportrait.course.grading import cases_of


@pytest.fixture
def way():
    """Options with which grading works here."""
    for unsafe in (False, True):
        try:
            sandbox.Sandbox(unsafe=unsafe).check()
            return {"unsafe": unsafe}
        except ValueError as error:
            reason = str(error)
    pytest.skip(reason)


LESSON = next(lesson for lesson in sources.lessons() if lesson.name.startswith("04"))
CHANGED = {"np.cumprod(1 - betas)": "1 - betas", "noise_rate**2\n": "noise_rate\n", "np.log1p(-alpha_bar)": "1"}


def hand_in(folder, student, change=lambda text: text, student_version=False):
    made = notebooks.notebook(LESSON, student=student_version)
    for cell in made["cells"]:
        cell["source"] = change("".join(cell["source"]))
    (folder / student).mkdir(parents=True)
    notebooks.save(folder / student / f"{LESSON.name}.ipynb", made)


def changed(text):
    for before, after in CHANGED.items():
        text = text.replace(before, after)
    return text


def test_notebooks_are_graded_as_their_students_saw_it(tmp_path, way):
    hand_in(tmp_path, "anna")
    hand_in(tmp_path, "ben", changed)
    hand_in(tmp_path, "chen", student_version=True)
    seen = []
    found = course.assess(tmp_path, chapters=[4], on_student=lambda own: seen.append(own[0].student), **way)
    assert seen == ["anna", "ben", "chen"]
    kinds = {student: [result.kind for result in found if result.student == student] for student in seen}
    graded = set(LESSON.exercises)
    assert [result.exercise for result in found[: len(found) // 3]] == [task.id for task in course.exercises(4)]
    assert {result.kind for result in found if result.student == "anna" and result.exercise in graded} == {"right"}
    assert set(kinds["chen"]) == {"unanswered"}
    space = {}
    for cell in LESSON.cells:
        if cell.exercise or cell.id == "setup":
            exec(changed(cell.code), space)
    for result in found:
        if result.student == "ben" and result.exercise in graded:
            own = space[course.exercise(result.exercise).function]
            grade = course.grade(result.exercise, own)
            assert (result.kind, result.mistake) == (grade.kind, grade.mistake), result.exercise
    assert {"mistake"} <= set(kinds["ben"])


def test_every_kind_of_wrong_is_the_same_as_for_a_student_alone(tmp_path, way):
    bodies = ("x_0 * np.nan", "x_0[0]", "3 * RIGHT", "RIGHT + 1", "None", "'x'", "x_0.tolist()", "undefined")
    for i, body in enumerate(bodies):
        body = body.replace("RIGHT", "(np.sqrt(alpha_bar) * x_0 + np.sqrt(1 - alpha_bar) * noise)")
        text = f"import numpy as np\ndef add_noise(x_0, noise, alpha_bar):\n    return {body}\n"
        (tmp_path / f"{i}.py").write_text(text)
    variants.make_key(tmp_path.parent / "key")
    key = variants.read_key(tmp_path.parent / "key")
    found = course.assess(tmp_path, key=tmp_path.parent / "key", chapters=[4], language="zh", **way)
    for i in range(len(bodies)):
        space = {}
        exec((tmp_path / f"{i}.py").read_text(), space)
        wanted = course.grade("04-2", space["add_noise"], language="zh", seed=variants.seed(key, str(i), "04-2"))
        (result,) = (each for each in found if (each.student, each.exercise) == (str(i), "04-2"))
        assert (result.kind, result.mistake, result.message) == (wanted.kind, wanted.mistake, wanted.message)
    (tmp_path.parent / "key").unlink()


def test_a_broken_file_stops_nobody_and_is_told(tmp_path, way):
    (tmp_path / "anna.ipynb").write_text("{")
    (tmp_path / "ben.py").write_text(
        "def log_snr(alpha_bar):\n    import math\n    return [math.log(x / (1 - x)) for x in alpha_bar]\n"
    )
    (tmp_path / "carl").mkdir()
    for name in "ab":
        (tmp_path / "carl" / f"{name}.py").write_text("def log_snr(alpha_bar):\n    return 0\n")
    with pytest.warns(UserWarning, match="anna.ipynb: no notebook"):
        found = course.assess(tmp_path, chapters=[4], **way)
    kinds = {(result.student, result.exercise): result.kind for result in found}
    assert (
        kinds["anna", "04-1"] == "unreadable"
        and kinds["ben", "04-6"] == "right"
        and kinds["ben", "04-1"] == "unanswered"
    )
    assert kinds["carl", "04-6"] == "unreadable" and kinds["carl", "04-5"] == "unanswered"


def test_repairs_are_graded_on_request(tmp_path, way):
    source = course.broken("02-R1")
    (tmp_path / "anna.py").write_text(f"import numpy as np\n{source}", "utf-8")
    assert not [each for each in course.assess(tmp_path, chapters=[2], **way) if each.kind != "unanswered"]
    (found,) = (
        each for each in course.assess(tmp_path, chapters=[2], repairs=True, **way) if each.kind != "unanswered"
    )
    assert (found.exercise, found.mistake) == ("02-R1", course.exercise("02-R1").mistakes[0].name)


def test_bad_calls(tmp_path):
    (tmp_path / "anna.py").write_text("")
    with pytest.raises(ValueError, match="valid: en, zh"):
        course.assess(tmp_path, language="de")
    with pytest.raises(ValueError, match="positive"):
        course.assess(tmp_path, seconds=0)
    (tmp_path / "key").write_text("")
    with pytest.raises(ValueError, match="lies among the submissions"):
        course.assess(tmp_path, key=tmp_path / "key")


def test_a_key_gives_each_student_cases_that_stay(tmp_path):
    path = variants.make_key(tmp_path / "key")
    key = variants.read_key(path)
    assert path.stat().st_mode & 0o777 in (0o600, 0o666)
    seeds = {variants.seed(key, student, task) for student in ("anna", "ben") for task in ("04-1", "04-2")}
    assert len(seeds) == 4 and variants.seed(key, "anna", "04-1") in seeds
    assert variants.seed(bytes(32), "anna", "04-1") not in seeds
    first, second = (
        cases_of(course.exercise("04-1"), variants.seed(key, who, "04-1"))[0][0] for who in ("anna", "ben")
    )
    assert (first != second).all()
    names = {variants.pseudonym(key, str(i)) for i in range(1000)}
    assert len(names) == 1000 and all(len(name) == 11 for name in names)
    assert variants.pseudonym(key, "0") in names and variants.pseudonym(bytes(32), "0") not in names


def test_keys_are_never_overwritten_nor_put_into_a_repository(tmp_path):
    path = variants.make_key(tmp_path / "key")
    before = path.read_text()
    with pytest.raises(ValueError, match="is there already"):
        variants.make_key(path)
    assert path.read_text() == before
    (tmp_path / "project" / ".git").mkdir(parents=True)
    with pytest.raises(ValueError, match="lies in the repository"):
        variants.make_key(tmp_path / "project" / "key")
    (tmp_path / "bad").write_text("secret")
    for name, message in (("bad", "is no key"), ("missing", "no such file")):
        with pytest.raises(ValueError, match=message):
            variants.read_key(tmp_path / name)


def test_results_are_a_table_that_no_spreadsheet_runs(tmp_path):
    texts = (
        "=cmd|' /C calc'!A1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "'=1",
        "''-x",
        "o'neill",
        "'quoted'",
        '"',
        "王,小明",
        "＝1",
    )
    made = [results.Result(text, "04-2", "error", "", text, 0.25) for text in texts]
    made.append(results.Result("zoe", "04-2", "mistake", "exchanged", "x", 1.0))
    results.write(tmp_path / "r.csv", made)
    assert results.read(tmp_path / "r.csv") == made
    results.write_grades(tmp_path / "g.csv", made, {each.student: "S-1" for each in made})
    for name in ("r.csv", "g.csv"):
        text = (tmp_path / name).read_text("utf-8-sig")
        assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "＝") for cell in text.replace("\n", ",").split(","))
    assert text.splitlines()[0] == "student,pseudonym,04-2,total" and text.splitlines()[-1] == "zoe,S-1,0,0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "r.csv:1: its columns are none"),
        ("a,b\n", "r.csv:1: its columns are a, b"),
        ("HEAD\n", "r.csv: no results"),
        ("HEAD\nanna,04-99,right,,right,1\n", "r.csv:2: no exercise '04-99'"),
        ("HEAD\nanna,04-2,great,,right,1\n", "r.csv:2: kind is 'great'"),
        ("HEAD\nanna,04-2,mistake,nothing,x,1\n", "r.csv:2: 04-2 has no mistake 'nothing'"),
        ("HEAD\nanna,04-2,right,exchanged,x,1\n", "r.csv:2: 04-2 has no mistake"),
        ("HEAD\nanna,04-2,right,,right,soon\n", "r.csv:2: could not convert"),
        ("HEAD\nanna,04-2\n", "r.csv:2: 2 columns"),
        ("HEAD\nanna,04-2,right,,right,1\nanna,04-2,right,,right,1\n", "r.csv:3: anna has 04-2 twice"),
        (b"\xff", "r.csv: not UTF-8"),
    ],
)
def test_a_table_that_is_none_is_told_with_its_line(text, message, tmp_path):
    data = (
        text
        if isinstance(text, bytes)
        else text.replace("HEAD", "student,exercise,kind,mistake,message,seconds").encode()
    )
    (tmp_path / "r.csv").write_bytes(data)
    with pytest.raises(ValueError) as raised:
        results.read(tmp_path / "r.csv")
    assert message in str(raised.value)


def test_the_commands(tmp_path, capsys, way):
    folder, key, table = tmp_path / "class", str(tmp_path / "key"), str(tmp_path / "r.csv")
    hand_in(folder, "anna", changed)
    (folder / "<b>ben.py").write_text("import numpy as np\ndef alpha_bars(b):\n    return np.cumprod(1 - b)\n")
    assert main(["course", "key", key]) == 0 and main(["course", "key", key]) == 2
    options = ["--key", key, "--chapter", "4", *["--unsafe"] * way["unsafe"]]
    seen = []
    for _ in range(2):
        assert main(["course", "grade", str(folder), "--out", table, *options]) == 0
        seen.append([(each.student, each.exercise, each.kind, each.message) for each in results.read(table)])
    assert seen[0] == seen[1]  # the same key, the same cases, the same differences
    assert "<b>ben: 1 right of 1 answered" in capsys.readouterr().out
    page = tmp_path / "report.html"
    more = ["--pseudonyms", "--key", key, "--csv", str(tmp_path / "g.csv"), "--language", "zh"]
    assert main(["course", "report", table, "--out", str(page), *more]) == 0
    text = page.read_text("utf-8")
    assert "S-" in text and "ben" not in text and "anna" not in text and "班级报告" in text
    grades = json.dumps((tmp_path / "g.csv").read_text("utf-8-sig").splitlines())
    assert "anna,S-" in grades and ",total" in grades
    assert main(["course", "report", str(folder), "--out", str(page), *options]) == 0
    assert "&lt;b&gt;ben" in page.read_text("utf-8") and "<b>ben" not in page.read_text("utf-8")
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["grade", "nowhere", "--out", "r.csv"], "nowhere: no such folder"),
        (["grade", ".", "--out", "nowhere/r.csv"], "the folder nowhere does not exist"),
        (["grade", ".", "--out", "r.csv", "--chapter", "99"], "99 is not in the range"),
        (["report", "nowhere.csv", "--out", "r.html"], "nowhere.csv: No such file"),
        (["report", ".", "--out", "r.html", "--pseudonyms"], "--pseudonyms are made from a key"),
        (["report", ".", "--out", "r.html"], "no submissions"),
        (["key", "nowhere/key"], "nowhere/key: No such file"),
        (["bundle", "nowhere/c.tar"], "the folder nowhere does not exist"),
    ],
)
def test_bad_commands_are_told_in_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["course", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not list(tmp_path.iterdir())
