"""Small models are trained on whatever device is there."""

import keras
import pytest

from tfportrait import selftest
from tfportrait.training import acceleration

pytestmark = pytest.mark.gpu


def test_each_case_is_a_finding_and_nothing_stays_changed(monkeypatch):
    monkeypatch.setattr(selftest, "CASES", [("vae", "float16", False), ("nonsense", "float32", False)])
    monkeypatch.setattr(selftest, "STEPS", 4)
    trained, broken, choice = selftest.selftest()
    assert trained.ok and trained.subject == "trains vae, float16" and " images/s, first step " in trained.text
    assert not broken.ok and broken.text.startswith("KeyError") and "another --precision" in broken.remedy
    assert choice.ok and choice.subject == "would choose" and keras.backend.backend() in choice.text
    assert keras.config.dtype_policy().name == "float32" and acceleration.xla_default() is None


@pytest.mark.slow
def test_everything_works_on_this_device():
    assert [finding.text for finding in selftest.selftest() if not finding.ok] == []
