import numpy as np

from tfportrait.metrics.parts import Parts


def test_what_was_measured_is_kept_for_the_same_settings_alone(tmp_path):
    made = []

    def make(value):
        made.append(value)
        return {"a": np.arange(value)}

    assert len(Parts(tmp_path, [1, "x"]).get("first", lambda: make(3))["a"]) == 3
    assert len(Parts(tmp_path, [1, "x"]).get("first", lambda: make(4))["a"]) == 3
    assert len(Parts(tmp_path, [2, "x"]).get("first", lambda: make(5))["a"]) == 5
    assert made == [3, 5]
    Parts(tmp_path, [1, "x"]).remove()
    assert len(Parts(tmp_path, [1, "x"]).get("first", lambda: make(4))["a"]) == 4


def test_damaged_parts_are_made_again(tmp_path):
    parts = Parts(tmp_path, [])
    parts.get("a", lambda: {"x": np.ones(1000)})
    file = next(parts.folder.glob("*.npz"))
    for content in (file.read_bytes()[:300], b"", b"PK\3\4", b"x" * 500):
        file.write_bytes(content)
        assert parts.get("a", lambda: {"x": np.zeros(2)})["x"].tolist() == [0, 0]
        assert parts.get("a", lambda: 1 / 0)["x"].tolist() == [0, 0]


def test_without_a_folder_nothing_is_kept():
    parts = Parts(None, [])
    assert [parts.get("a", lambda: {"x": 1})["x"], parts.get("a", lambda: {"x": 2})["x"]] == [1, 2]
    parts.remove()
