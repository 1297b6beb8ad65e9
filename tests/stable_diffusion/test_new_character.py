"""The shipped painter learns a character from five pictures: bench_personal.py on a small scale."""

import numpy as np
import pytest
from benchmarks import bench_personal as bench

import tfportrait as tp


@pytest.mark.slow
def test_a_new_word_is_recognised_and_nothing_else_changes(tmp_path):
    oracle = tp.Oracle.from_preset("oracle_128")
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    identity = bench.CHARACTERS[0]
    before = bench.measure(painter, oracle, identity, "person", 12)[0]
    other = painter.generate("a smiling man with a red beard, oil painting", seeds=3)
    recipe = bench.Recipe("word", 3e-2, 100, batch_size=8)
    bench.teach(painter, identity, recipe, tmp_path / "zwk.safetensors")
    after = bench.measure(painter, oracle, identity, recipe.noun, 12)[0]
    assert after["identity"] > before["identity"] + 0.3
    assert after["scene"] > before["scene"] - 0.1
    again = painter.generate("a smiling man with a red beard, oil painting", seeds=3)
    np.testing.assert_array_equal(again, other)
    fresh = tp.LatentDiffusion.from_preset("portrait_128")
    tp.load_word(fresh, tmp_path / "zwk.safetensors")
    painted = bench.paint(painter, ["a smiling <zwk> in a forest"], 0)
    assert np.abs(bench.paint(fresh, ["a smiling <zwk> in a forest"], 0).astype(int) - painted).max() <= 2
