"""Capstones: complete in both languages, and their commands and measures exist."""

import json
import re
import shlex

import numpy as np
import pytest

import tfportrait as tp
from tfportrait import course
from tfportrait.cli import app
from tfportrait.diffusion import samplers

ALL = course.capstones()
NAMED = {"argvalues": ALL, "ids": lambda capstone: capstone.id}


def chinese(text):
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


@pytest.mark.parametrize("capstone", **NAMED)
def test_a_capstone_is_complete_in_both_languages(capstone):
    pairs = [capstone.title, capstone.task, capstone.number, *capstone.deliverables]
    for criterion in capstone.criteria:
        points = [level[0] for level in criterion.levels]
        assert points == sorted(set(points), reverse=True) and points[-1] == 0
        pairs += [(criterion.en, criterion.zh), *(level[1:] for level in criterion.levels)]
    assert all(en and not chinese(en) and chinese(zh) for en, zh in pairs)
    assert capstone.points == 20 and set(capstone.chapters) <= set(range(14))


@pytest.mark.parametrize("capstone", **NAMED)
def test_its_commands_are_understood_and_its_measure_exists(capstone):
    for command in capstone.commands:
        program, name, *arguments = shlex.split(command)
        assert program == "tfportrait"
        app.commands[name].make_context(name, arguments)
    (name,) = re.findall(r"^tp\.([\w.]+)\(", capstone.measure)
    found = tp
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)


def test_shown_as_markdown():
    text = course.capstones()[0].markdown("zh")
    assert text.startswith("### 用 LoRA") and "| 标准 | 6 分 | 4 分 | 2 分 | 0 分 |" in text and "满分 20 分" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {6} and course.capstones()[0]._repr_markdown_().startswith("### An attribute")
    with pytest.raises(ValueError, match="language is 'de'; valid: en, zh"):
        course.capstones()[0].markdown("de")


def evaluation(folder, accuracies, *, count=100, oracle="o", samples=128):
    from tfportrait.metrics import wilson

    intervals = {f"accuracy.{name}": wilson(round(share * count), count) for name, share in accuracies.items()}
    mean = float(np.mean(list(accuracies.values())))
    record = {
        "settings": {"preset": str(folder), "hashes": ["p", oracle], "seed": 0, "samples": samples, "steps": 20},
        "results": {
            "prompts": {"by_attribute": accuracies, "accuracy": mean, "guessing": 0.25, "real": 0.95},
            "intervals": {**intervals, "accuracy": (mean - 0.07, mean + 0.07)},
        },
    }
    folder.mkdir()
    (folder / "evaluation.json").write_text(json.dumps(record), "utf-8")
    return folder


def test_the_gain_has_the_interval_of_two_shares(tmp_path):
    before = evaluation(tmp_path / "before", {"earrings": 56 / 70, "style": 0.9}, count=70)
    after = evaluation(tmp_path / "after", {"earrings": 48 / 80, "style": 0.8}, count=80)
    found = course.gain(after, before, "earrings")
    np.testing.assert_allclose(found.interval, (0.0524, 0.3339), atol=5e-5)  # Newcombe 1998, table II (a), method 10
    assert found.others == pytest.approx(0.1) and "a gain of +0.200" in str(found)
    with pytest.raises(ValueError, match="attribute is 'hat'; both measured earrings, style"):
        course.gain(before, after, "hat")
    other = evaluation(tmp_path / "other", {"earrings": 0.5, "style": 0.8}, oracle="another")
    with pytest.raises(ValueError, match="measured differently"):
        course.gain(before, other, "earrings")


def test_the_way_from_guessing_to_the_oracle(tmp_path):
    share, (low, high) = course.share_of_the_way(evaluation(tmp_path / "mine", {"style": 0.6}))
    assert share == pytest.approx(0.5) and (low, high) == pytest.approx((0.4, 0.6))


def test_samplers_are_compared_at_equal_evaluations():
    errors = {name: course.sampler_errors(samplers.get(name), (24, 48)) for name in ("ddim", "heun", "dpmpp_2m")}
    assert errors["dpmpp_2m"][24] < errors["ddim"][24] < errors["heun"][24]
    assert errors["dpmpp_2m"][48] < errors["heun"][48] < errors["ddim"][48] < 0.04
    text = course.capstones()[1].number[0]
    for name, found in errors.items():  # which the students are told
        assert all(f"{error:.3f}" in text for error in found.values()), name

    def wasteful(denoise, x, rates, noise):
        for _ in range(30):
            x = denoise(x, *rates[0])
        return x

    with pytest.raises(ValueError, match="more than 24 times in one step"):
        course.sampler_errors(wasteful, (24,))
