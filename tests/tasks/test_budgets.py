import dataclasses

import numpy as np
import pytest
from models.painters import tiny_painter
from PIL import Image

from tfportrait.cli import main
from tfportrait.recipe import read_recipe
from tfportrait.tasks import budgets
from tfportrait.tasks.budgets import Speed

SPEED = Speed(guided=0.1, plain=0.06, rest=0.2, enlarging=0.5)
OPENED = {"preset": "tiny", "preset_hash": "0", "precision": "float32"}


@pytest.fixture(scope="module")
def painter():
    return tiny_painter()


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr(budgets, "speed", lambda *_: SPEED)


@pytest.mark.usefixtures("known")
def test_the_best_plan_within_the_budget_is_chosen(painter):
    every = [budgets.plan(painter, OPENED, budget=seconds) for seconds in np.linspace(1, 20, 39)]
    steps = [choice.settings["num_steps"] for choice in every]
    assert steps == sorted(steps) and len(set(steps)) > 2
    for seconds, choice in zip(np.linspace(1, 20, 39), every, strict=True):
        assert choice.seconds <= seconds


@pytest.mark.usefixtures("known")
def test_time_is_foreseen_from_the_evaluations(painter, monkeypatch):
    plan = dataclasses.replace(budgets.PLANS[0], num_steps=10, guidance_interval=None)
    monkeypatch.setattr(budgets, "PLANS", (plan,))
    monkeypatch.setattr(budgets, "QUALITIES", {"draft": 0})
    assert budgets.plan(painter, OPENED, quality="draft").seconds == pytest.approx(0.2 + 10 * 0.1)
    plain = budgets.plan(painter, OPENED, quality="draft", guidance_scale=1.0)
    assert plain.seconds == pytest.approx(0.2 + 10 * 0.06)
    never = dataclasses.replace(plan, guidance_interval=(1e6, 1e7))
    monkeypatch.setattr(budgets, "PLANS", (never,))
    assert budgets.plan(painter, OPENED, quality="draft").seconds == pytest.approx(0.2 + 10 * 0.06, abs=0.05)


@pytest.mark.usefixtures("known")
def test_better_qualities_take_longer_and_a_budget_limits_them(painter):
    seconds = [budgets.plan(painter, OPENED, quality=name).seconds for name in ("draft", "good", "best")]
    assert seconds == sorted(seconds) and len(set(seconds)) == 3
    both = budgets.plan(painter, OPENED, quality="best", budget=seconds[1])
    assert both.seconds <= seconds[1]


@pytest.mark.usefixtures("known")
def test_the_best_quality_enlarges_where_it_can_and_no_size_is_asked_for(painter):
    best = budgets.plan(painter, OPENED, quality="best", enlarges=True)
    assert best.settings["image_size"] == 2 * painter.image_size and "enlarged to" in str(best)
    smaller = budgets.plan(painter, OPENED, quality="best", enlarges=False)
    assert "image_size" not in smaller.settings and best.seconds == pytest.approx(smaller.seconds + 0.5)
    assert "image_size" not in budgets.plan(painter, OPENED, quality="best", enlarges=True, image_size=32).settings


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 0.1}, r"nothing keeps to 0.1 s: the fastest, .* steps.*, takes about 0\.\d+ s"),
        ({"quality": "superb"}, "known are draft, good, best"),
        ({}, "give a quality"),
    ],
)
def test_what_cannot_be_kept_is_said(painter, options, message):
    with pytest.raises(ValueError, match=message):
        budgets.plan(painter, OPENED, **options)


def test_plans_are_ordered_by_what_they_are_worth():
    accuracies = [plan.accuracy for plan in budgets.PLANS]
    distances = [plan.distance for plan in budgets.PLANS]
    assert accuracies == sorted(accuracies) and distances == sorted(distances, reverse=True) and len(accuracies) > 3
    assert list(budgets.QUALITIES) == ["draft", "good", "best"]
    assert budgets.QUALITIES["best"] == len(budgets.PLANS) - 1


def test_speed_is_measured_once_and_again_if_the_file_is_damaged(painter, monkeypatch, tmp_path):
    monkeypatch.setenv("TFPORTRAIT_CACHE", str(tmp_path))
    first = budgets.speed(painter, OPENED)
    assert first.guided > 0 and first.rest > 0 and first.enlarging == 0
    calls = []
    monkeypatch.setattr(budgets, "_measured", lambda *_: calls.append(1) or SPEED)
    assert budgets.speed(painter, OPENED) == first and not calls
    assert budgets.speed(painter, {**OPENED, "precision": "bfloat16"}) == SPEED
    for path in (tmp_path / "speed").iterdir():
        path.write_text("{", "utf-8")
    assert budgets.speed(painter, OPENED) == SPEED and len(calls) == 2


def test_the_command_says_what_it_chose_and_the_recipe_has_it(painter, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TFPORTRAIT_CACHE", str(tmp_path / "cache"))
    painter.save_to_preset(tmp_path / "preset")
    out = tmp_path / "x.png"
    arguments = ["paint", "a red cat", f"--preset={tmp_path / 'preset'}", f"--out={out}"]
    assert main([*arguments, "--quality=draft"]) == 0
    printed = capsys.readouterr().out
    recipe = read_recipe(out)
    plan = budgets.PLANS[budgets.QUALITIES["draft"]]
    assert f"{plan.num_steps} steps" in printed and "Painted in" in printed
    assert recipe["num_steps"] == plan.num_steps
    again = tmp_path / "again.png"
    assert main(["paint", f"--recipe={out}", f"--preset={tmp_path / 'preset'}", f"--out={again}"]) == 0
    with Image.open(out) as first, Image.open(again) as second:
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
    capsys.readouterr()
    for more, message in (
        (["--budget=1us"], "a duration is such as"),
        (["--budget=0.000001s"], "nothing keeps to 1e-06 s"),
        (["--quality=best", "--steps=3"], "--steps cannot be given beside --quality or --budget"),
        (["--budget=2s", "--sampler=ddim"], "--sampler cannot be given beside --quality or --budget"),
    ):
        assert main([*arguments, *more]) == 2
        assert message in capsys.readouterr().err
