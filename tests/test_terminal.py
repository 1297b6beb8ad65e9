"""What is kept away from the user of libraries that talk, and of what they load."""

import json
import os
import subprocess
import sys

import pytest

from tfportrait import terminal


def test_what_is_hidden_can_be_imported_afterwards():
    sys.modules.pop("colorsys", None)
    with terminal.without("colorsys", "json"), pytest.raises(ImportError):
        import colorsys
    import colorsys

    assert sys.modules["json"] is json and colorsys.rgb_to_hsv(0, 0, 0) == (0, 0, 0)


@pytest.mark.parametrize("by", ["environment", "file"])
@pytest.mark.parametrize(("backend", "loaded"), [("tensorflow", False), ("jax", True)])
def test_the_backend_loads_nothing_for_drawing_and_no_other_backend(backend, loaded, by, tmp_path):
    (tmp_path / "keras.json").write_text(json.dumps({"backend": backend if by == "file" else "torch"}), "utf-8")
    environment = {**os.environ, "KERAS_HOME": str(tmp_path), "KERAS_BACKEND": backend}
    if by == "file":
        del environment["KERAS_BACKEND"]
    code = "import sys; from tfportrait.terminal import start_backend; print(start_backend(), 'jax' in sys.modules, "
    code += "'matplotlib.pyplot' in sys.modules); import matplotlib.pyplot"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [backend, str(loaded), "False"]
