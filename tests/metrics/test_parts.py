import numpy as np
import pytest

from tfportrait.metrics.parts import Parts


def test_what_was_measured_is_kept_for_the_same_settings_alone(tmp_path):
    made = []

    def make(value):
        made.append(value)
        return {"a": np.arange(value)}

    assert len(Parts(tmp_path, "x", [1]).get("first", lambda: make(3))["a"]) == 3
    assert len(Parts(tmp_path, "x", [1]).get("first", lambda: make(4))["a"]) == 3
    assert len(Parts(tmp_path, "x", [2]).get("first", lambda: make(5))["a"]) == 5
    assert made == [3, 5]
    assert len(Parts(tmp_path, "y", [1]).get("first", lambda: make(6))["a"]) == 6
    Parts(tmp_path, "x", [1]).remove()
    assert len(Parts(tmp_path, "x", [1]).get("first", lambda: make(4))["a"]) == 4


def test_damaged_parts_are_made_again(tmp_path):
    parts = Parts(tmp_path, "x", [])
    parts.get("a", lambda: {"x": np.ones(1000)})
    file = next(parts.folder.glob("*.npz"))
    for content in (file.read_bytes()[:300], b"", b"PK\3\4", b"x" * 500):
        file.write_bytes(content)
        assert parts.get("a", lambda: {"x": np.zeros(2)})["x"].tolist() == [0, 0]
        assert parts.get("a", lambda: 1 / 0)["x"].tolist() == [0, 0]


def test_without_a_folder_nothing_is_kept():
    parts = Parts(None, None, [])
    assert [parts.get("a", lambda: {"x": 1})["x"], parts.get("a", lambda: {"x": 2})["x"]] == [1, 2]
    parts.remove()


def test_a_folder_needs_an_identity(tmp_path):
    with pytest.raises(ValueError, match="what was kept of another model would be taken for this one's"):
        Parts(tmp_path, None, [])
