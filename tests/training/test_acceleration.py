"""What `accelerate` chooses."""

import os
import subprocess
import sys
import time

import keras
import pytest
import tensorflow as tf
from processes import run

from tfportrait import training
from tfportrait.training import acceleration


@pytest.fixture(autouse=True)
def restore():
    before, xla = keras.config.dtype_policy(), acceleration._xla
    yield
    keras.config.set_dtype_policy(before)
    acceleration._xla = xla
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.fixture
def machine(monkeypatch):
    """Pretends to be another machine: GPU name, compute capability, processor with bfloat16, time ratio."""

    def pretend(gpu="", capability=None, has_bfloat16=True, ratio=1.0):
        monkeypatch.setattr(acceleration, "_tensorflow_gpu", lambda: (gpu, capability))
        monkeypatch.setattr(acceleration, "cpu_has_bfloat16", lambda: has_bfloat16)
        monkeypatch.setattr(acceleration, "_bfloat16_over_float32", lambda: ratio)

    return pretend


@pytest.mark.parametrize(
    "what, precision, xla",
    [
        ({"ratio": 0.7}, "mixed_bfloat16", False),
        ({"ratio": 0.97}, "float32", False),
        ({"ratio": 0.7, "has_bfloat16": False}, "float32", False),
        ({"gpu": "RTX 4090", "capability": 8.9}, "mixed_bfloat16", True),
        ({"gpu": "T4", "capability": 7.5}, "mixed_float16", True),
    ],
)
def test_choice(machine, what, precision, xla, capsys):
    machine(**what)
    choice = training.accelerate()
    assert (choice.precision, choice.xla) == (precision, xla)
    assert keras.config.dtype_policy().name == precision and acceleration.xla_default() is xla
    line = capsys.readouterr().out
    assert line == f"{choice}\n" and precision in line and (what.get("gpu") or "CPU") in line


def test_a_brief_run_starts_at_once_on_a_cpu_and_is_nothing_special_on_a_gpu(machine, monkeypatch):
    machine(ratio=0.7)
    monkeypatch.setattr(acceleration, "_bfloat16_over_float32", lambda: pytest.fail("the check was run"))
    assert training.accelerate(brief=True).precision == "float32"
    assert tf.config.optimizer.get_experimental_options()["disable_meta_optimizer"]
    assert training.accelerate("bfloat16", brief=True).precision == "mixed_bfloat16"
    machine(gpu="RTX 4090", capability=8.9)
    assert training.accelerate(brief=True).precision == "mixed_bfloat16"


@pytest.mark.parametrize(
    ("cores", "rows", "begun", "shared"), [(2, 2, False, 2), (4, 2, False, 1), (1, 2, False, 1), (2, 2, True, 1)]
)
def test_rows_are_shared_out_where_there_are_enough_for_the_cores(cores, rows, begun, shared):
    out = run(
        "import os, tensorflow as tf\n"
        "from tfportrait import training\n"
        "from tfportrait.training import acceleration\n"
        f"acceleration.usable_cores = lambda: {cores}\n"
        f"tf.ones(()) if {begun} else None\n"
        f"training.accelerate('float32', rows={rows})\n"
        "training.accelerate('float32')\n"
        "threads = tf.config.threading.get_intra_op_parallelism_threads()\n"
        "print('found', acceleration.cores_of_rows(), threads)\n"
    )
    assert f"found {shared} {int(shared > 1)}" in out


def test_the_user_overrides_all(machine):
    machine(gpu="T4", capability=7.5)
    choice = training.accelerate(precision="bfloat16", xla=False)
    assert (choice.precision, choice.xla, choice.reason) == ("mixed_bfloat16", False, "as asked")


def test_bad_arguments():
    with pytest.raises(ValueError, match="unknown precision 'bfloat'; did you mean 'bfloat16'. valid: auto, float32"):
        training.accelerate(precision="bfloat")
    with pytest.raises(ValueError, match="xla is 'on'"):
        training.accelerate(xla="on")


def test_the_check_is_quick_and_plausible():
    start = time.perf_counter()
    ratio = acceleration._bfloat16_over_float32(repeats=2)
    assert time.perf_counter() - start < 10  # half a second on an idle machine
    assert 0.05 < ratio < 50


def test_jax():
    out = run(
        "import sys\n"
        "from tfportrait import training\n"
        "choice = training.accelerate()\n"
        "assert choice.backend == 'jax' and choice.xla\n"
        "assert 'tensorflow' not in sys.modules\n"
        "try:\n"
        "    training.accelerate(xla=False)\n"
        "except ValueError as error:\n"
        "    print(error)\n",
        backend="jax",
    )
    assert "JAX always compiles with XLA" in out


def set_by_import(variable, chosen, before=""):
    """What an environment variable is after the import, where the user has chosen a value, or None."""
    environment = {name: value for name, value in os.environ.items() if name != variable}
    environment |= {} if chosen is None else {variable: chosen}
    code = f"{before}import os, tfportrait; print(os.environ.get({variable!r}))"
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return printed.stdout.strip()


@pytest.mark.parametrize(("chosen", "used"), [(None, "1"), ("0", "0")])
def test_onednn_is_on_unless_the_user_has_turned_it_off(chosen, used):
    assert set_by_import("TF_ENABLE_ONEDNN_OPTS", chosen) == used


@pytest.mark.parametrize(("kernel", "chosen", "used"), [(True, None, "3"), (True, "0", "0"), (False, None, "None")])
def test_notebooks_do_not_show_what_tensorflow_logs(kernel, chosen, used):
    before = "import sys; sys.modules['ipykernel'] = sys; " if kernel else ""
    assert set_by_import("TF_CPP_MIN_LOG_LEVEL", chosen, before) == used
