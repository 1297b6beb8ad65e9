import numpy as np
import pytest
from test_evaluation import Perfect, Reader

from tfportrait import metrics


class Improving(Perfect):
    """Each step shows one more picture in twelve as it should be; the others are all the same."""

    def generate(self, prompts, *, seeds, num_steps, **settings):
        images = super().generate(prompts, seeds=seeds, num_steps=num_steps, **settings)
        wrong = (seeds + np.arange(len(images))) % 12 >= num_steps
        images[wrong] = next(iter(self.pictures.values()))
        return images


SETTINGS = metrics.sampler_settings(["ddim", "euler"], [2, 6, 12])


def test_more_steps_that_help_are_seen_to_help():
    rows = metrics.study(Improving(), Reader(), SETTINGS, count=24, batch_size=10)
    assert [(row["sampler"], row["num_steps"]) for row in rows] == [
        (s, n) for s in ("ddim", "euler") for n in (2, 6, 12)
    ]
    assert rows[0]["accuracy"] < rows[1]["accuracy"] < rows[2]["accuracy"] == 1.0 == rows[2]["recall"]
    assert rows[0]["oracle_fd"] > rows[1]["oracle_fd"] > rows[2]["oracle_fd"] == pytest.approx(0, abs=1e-6)
    assert rows[0]["entropy"] < rows[2]["entropy"] and rows[0]["seconds"] > 0
    assert rows[0]["interval"][0] <= rows[0]["accuracy"] <= rows[0]["interval"][1]
    text = metrics.study_table(rows)
    assert len(text.splitlines()) == 7 and "euler" in text
    panels = metrics.figures.samplers(rows).axes
    assert [len(axes.lines) for axes in panels] == [1, 1] and panels[0].get_xscale() == "log"
    assert panels[0].lines[0].get_label() == "ddim, euler"  # which painted the same
    apart = metrics.figures.samplers([*rows[:5], {**rows[5], "accuracy": 0.5}]).axes
    assert [line.get_label() for line in apart[0].lines] == ["ddim", "euler"]
    np.testing.assert_array_equal(panels[1].lines[0].get_ydata(), [row["accuracy"] for row in rows[:3]])


def test_a_stopped_study_goes_on(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        metrics.study(Improving(broken_after=5), Reader(), SETTINGS, count=12, parts=tmp_path, identity="improving")
    painter = Improving()
    rows = metrics.study(painter, Reader(), SETTINGS, count=12, parts=tmp_path, identity="improving")
    assert len(rows) == 6 and painter.calls == 8 and list(tmp_path.iterdir()) == []


def test_guidance_is_one_curve_a_panel():
    settings = metrics.guidance_settings([1, 4], num_steps=6)
    rows = metrics.study(Improving(), Reader(), settings, count=12)
    assert [row["guidance_scale"] for row in rows] == [1.0, 4.0]
    assert [len(axes.lines) for axes in metrics.figures.guidance(rows).axes] == [1, 1, 1, 1]


def test_bad_studies():
    with pytest.raises(ValueError, match="at least 10"):
        metrics.study(Perfect(), Reader(), SETTINGS, count=9)
    with pytest.raises(ValueError, match="no setting"):
        metrics.study(Perfect(), Reader(), [], count=10)
    with pytest.raises(ValueError, match="no rows"):
        metrics.figures.samplers([])
