"""The pages in English and in Chinese: what is changed in one has to be changed in the other."""

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = (".", "tests/benchmarks")  # those with a README in both
LANGUAGES = {"README.md": "English · [简体中文](README.zh-CN.md)", "README.zh-CN.md": "[English](README.md) · 简体中文"}

UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = {name: 10 * i for i, name in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
CHINESE = "零一二三四五六七八九"

CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
DIGITS = re.compile(r"(?:(?<![A-Za-z0-9])-)?\d+(?:,\d{3})*(?:\.\d+)?(?:e-?\d+)?")
ENGLISH_WORDS = re.compile(rf"\b(?:({'|'.join(TENS)})(?:-({'|'.join(UNITS[1:10])}))?|({'|'.join(UNITS)}))\b", re.I)
CHINESE_WORDS = re.compile(rf"[{CHINESE}]?十[{CHINESE}]?|[{CHINESE}]")
NO_NUMBER = re.compile(rf"[{CHINESE}十]+分之[{CHINESE}十]+|第[{CHINESE}十]+|双三次")  # fractions, ordinals, bicubic


@dataclass
class Section:
    """What stands between two headings."""

    level: int
    title: str
    prose: str = ""
    rows: list = field(default_factory=list)
    code: list = field(default_factory=list)
    comments: str = ""

    @property
    def links(self):
        """(whether it is a picture, target), in their order; a page in Chinese stands for the one in English."""
        found = LINK.findall("\n".join([self.prose, *self.rows]))
        return [(mark == "!", target.replace(".zh-CN.md", ".md")) for mark, target in found]


def sections(text):
    """Splits Markdown at its headings; the line of languages is no part of any."""
    found, inside = [Section(0, "")], False
    for line in text.splitlines():
        section = found[-1]
        if line.startswith("```"):
            inside = not inside
            section.code.append(line)
        elif inside:
            code, mark, comment = re.match(r"(.*?)(\s*(?<!\S)#(?=\s)|$)(.*)", line).groups()
            section.code.append(code)
            section.comments += mark and comment + "\n"
        elif heading := re.match(r"(#+) (.*)", line):
            found.append(Section(len(heading[1]), heading[2]))
        elif line.startswith("|"):
            section.rows.append(line)
        elif line not in LANGUAGES.values():
            section.prose += line + "\n"
    return found


def inline(text):
    return Counter(re.sub(r"\s+", " ", code) for code in CODE.findall(text))


def numbers(text):
    """Numbers in figures, and those from three on in words: "one" is a pronoun too, and "两" often is "both"."""
    text = LINK.sub(lambda link: link[0].split("](")[0], CODE.sub(" ", text))
    words = []
    for ten, unit, alone in ENGLISH_WORDS.findall(text):
        words.append(TENS.get(ten.lower(), 0) + UNITS.index((unit or alone or "zero").lower()))
    for word in CHINESE_WORDS.findall(NO_NUMBER.sub(" ", text)):
        tens, ten, units = word.rpartition("十")
        words.append((10 * CHINESE.index(tens or "一") if ten else 0) + CHINESE.index(units or "零"))
    return Counter(DIGITS.findall(text)) + Counter(str(word) for word in words if word > 2)


def differences(english, chinese):
    """One line for each thing that is in one of two texts alone, with its section. Headings come first, alone."""
    pairs = list(zip_longest(sections(english), sections(chinese)))
    if any(one is None or other is None or one.level != other.level for one, other in pairs):
        titles = [[section and "#" * section.level + " " + section.title for section in pair] for pair in pairs[1:]]
        return ["the headings differ:", *(f"{one or '(none)'} | {other or '(none)'}" for one, other in titles)]
    lines = []

    def compare(where, what, one, other):
        if one != other:
            only = [[str(x) for x in (a - b).elements()] for a, b in ((one, other), (other, one))]
            lines.append(f"{where}: {what} in English alone: {only[0]}, in Chinese alone: {only[1]}")

    for one, other in pairs:
        where = f"{one.title} ({other.title})"
        if one.code != other.code:
            compare(where, "code", Counter(one.code), Counter(other.code))
            if Counter(one.code) == Counter(other.code):
                lines.append(f"{where}: the lines of code are in another order")
        if one.links != other.links:
            lines.append(f"{where}: pictures and links {one.links}, in Chinese {other.links}")
        compare(where, "numbers in comments", numbers(one.comments), numbers(other.comments))
        compare(where, "numbers", numbers(one.title + "\n" + one.prose), numbers(other.title + "\n" + other.prose))
        compare(where, "inline code", inline(one.prose), inline(other.prose))
        if len(one.rows) != len(other.rows):
            lines.append(f"{where}: {len(one.rows)} rows of tables, in Chinese {len(other.rows)}")
        for row, translated in zip(one.rows, other.rows, strict=False):
            place = f"{where}, row {row.split('|')[1].strip() or translated.split('|')[2].strip()!r}"
            compare(place, "numbers", numbers(row), numbers(translated))
            compare(place, "inline code", inline(row), inline(translated))
            if row.count("|") != translated.count("|"):
                lines.append(f"{place}: another number of cells")
    return lines


def read(folder, name):
    return (ROOT / folder / name).read_text("utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_both_languages_say_the_same(folder):
    found = differences(*(read(folder, name) for name in LANGUAGES))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("folder", FOLDERS)
def test_each_names_the_other_under_its_title(folder, name):
    title, *below = read(folder, name).splitlines()[:4]
    assert title.startswith("# ") and below == ["", LANGUAGES[name], ""]


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("folder", FOLDERS)
def test_links_lead_somewhere_in_their_own_language(folder, name):
    text = read(folder, name).replace(LANGUAGES[name], "")
    targets = [ROOT / folder / target for _, target in LINK.findall(text) if "://" not in target]
    assert targets and not [target for target in targets if not target.exists()]
    if name != "README.md":
        assert not [target for target in targets if target.with_name(target.stem + ".zh-CN.md").exists()]


ONE = """# Title

English · [简体中文](README.zh-CN.md)

Sixty-four pictures, three of twenty by a fifth, 1,773 at -0.2 ([how](how.md)); `a b` and `c`, one or two.

## Measure

```
measure --samples 512  # of 64
measure --all
```

| | time |
|---|---|
| U-Net, `unet` | 2.66 s, 1e-9 |

![a figure](figure.png)

## Extend

Nothing.
"""
OTHER = """# 标题

[English](README.md) · 简体中文

六十四幅图，20 幅中的三幅，多五分之一，1,773 与 -0.2（[方法](how.md)）；`c` 与 `a
b`，第三章之外，两个。

## 测量

```
measure --samples 512  # 共 64
measure --all
```

| | 时间 |
|---|---|
| U-Net，`unet` | 2.66 s，1e-9 |

![一幅图](figure.png)

## 扩展

无。
"""


@pytest.mark.parametrize(
    "change, said",
    [
        (("三幅", "四幅"), r"^Title \(标题\): numbers in English alone: \['3'\], in Chinese alone: \['4'\]$"),
        (("六十四", "六十五"), r"^Title .* numbers .*'64'.*'65'"),
        (("-0.2", "0.2"), r"^Title .* numbers .*'-0.2'.*'0.2'"),
        (("`c`", "c"), r"^Title .* inline code .*'c'"),
        (("how.md", "why.md"), r"^Title .* links .*how.md.*why.md"),
        (("2.66", "2.67"), r"^Measure \(测量\), row 'U-Net, `unet`': numbers .*'2.66'.*'2.67'"),
        (("，1e-9", " | 1e-9"), r"^Measure .* row .* cells$"),
        (("| U-Net，`unet` | 2.66 s，1e-9 |\n", ""), r"^Measure .*: 3 rows of tables, in Chinese 2$"),
        (("512", "513"), r"^Measure .* code .*samples 512.*samples 513"),
        (("共 64", "共 65"), r"^Measure .* numbers in comments .*'64'.*'65'"),
        (("figure.png", "figures.png"), r"^Measure .* pictures .*figure.png.*figures.png"),
        (("## 扩展\n\n无。\n", ""), r"^the headings differ:\n# Title \| # 标题\n.*\n## Extend \| \(none\)$"),
        (("## 扩展", "### 扩展"), r"^the headings differ:\n.*\n.*\n## Extend \| ### 扩展$"),
    ],
)
def test_a_change_of_one_language_is_named(change, said):
    assert differences(ONE, OTHER) == []
    assert change[0] in OTHER
    assert re.search(said, "\n".join(differences(ONE, OTHER.replace(*change))))
