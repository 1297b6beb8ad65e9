import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from processes import environment, free_addresses, run

SCRIPT = Path(__file__).parent / "several_workers.py"
FAMILIES = ("vae", "gan", "diffusion")


def start(out, families, count, seconds=0.0):
    """`count` workers of one training, or the only process."""
    out.mkdir(exist_ok=True)
    workers = ",".join(free_addresses(count))
    arguments = [sys.executable, str(SCRIPT), str(out), families, str(seconds)]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "env": environment("tensorflow")}
    if count == 1:
        return [subprocess.Popen(arguments, **output)]
    return [subprocess.Popen([*arguments, workers, str(index)], **output) for index in range(count)]


def finish(processes):
    texts = [process.communicate(timeout=500)[0] for process in processes]
    for process, text in zip(processes, texts, strict=True):
        assert process.returncode == 0, text[-3000:]


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process has learnt."""
    out = tmp_path_factory.mktemp("alone")
    finish(start(out, ",".join(FAMILIES), 1))
    return out


def check_same(out, alone, families, count):
    for family in families:
        with np.load(alone / f"{family}-0.npz") as file:
            expected = dict(file)
        for index in range(count):
            with np.load(out / f"{family}-{index}.npz") as found:
                assert set(found) == set(expected)
                for name, value in expected.items():
                    np.testing.assert_allclose(found[name], value, atol=1e-5, rtol=0, err_msg=f"{family} {name}")


@pytest.mark.slow
@pytest.mark.parametrize(("count", "families"), [(2, FAMILIES), (4, ("vae",))])
def test_workers_learn_what_one_process_does(count, families, alone, tmp_path):
    finish(start(tmp_path, ",".join(families), count))
    check_same(tmp_path, alone, families, count)


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_worker_is_named_within_a_minute_and_all_go_on_together(end, alone, tmp_path):
    first, second = start(tmp_path, "vae", 2, seconds=1.0)
    state = tmp_path / "vae-state"
    while not any(state.glob("state-*2.safetensors")):
        assert first.poll() is None, first.communicate()[0]
        time.sleep(0.1)
    second.send_signal(end)
    since = time.monotonic()
    text = first.communicate(timeout=120)[0]
    assert time.monotonic() - since < 60
    second.kill()
    second.wait()
    assert first.returncode != 0
    assert re.search(r"WorkerLostError: worker 1 \(127\.0\.0\.1:\d+\) has ended or does not answer", text), text[-3000:]
    if end == signal.SIGSTOP:
        return  # what follows is the same
    finish(start(tmp_path, "vae", 2))
    with np.load(tmp_path / "vae-0.npz") as found, np.load(alone / "vae-0.npz") as expected:
        assert 0 < len(found["logs"]) < len(expected["logs"])  # it went on
        for name in set(expected) - {"logs"}:
            np.testing.assert_allclose(found[name], expected[name], atol=1e-5, rtol=0, err_msg=name)


@pytest.mark.parametrize(
    ("workers", "index", "message"),
    [
        ("10.0.0.1", 0, "host:port"),
        ("10.0.0.1:99999,b:1", 0, "host:port"),
        ("a:1,a:1", 0, "a:1 is named twice"),
        ("a:1,b:1", 2, "which of the 2 workers"),
        ("a:1,b:1", None, "which of the 2 workers"),
        (None, 1, "needs the list of workers"),
    ],
)
def test_bad_lists_of_workers(workers, index, message):
    from tfportrait import training

    with pytest.raises(ValueError, match=message):
        training.strategy(workers, index)


def test_the_environment_must_describe_a_cluster(monkeypatch):
    from tfportrait import training

    monkeypatch.setenv("TF_CONFIG", "[worker]")
    with pytest.raises(ValueError, match="TF_CONFIG is no description of a cluster"):
        training.strategy()


def test_one_device_is_no_cluster(monkeypatch):
    import tensorflow as tf

    from tfportrait import training
    from tfportrait.training import cluster

    monkeypatch.delenv("TF_CONFIG", raising=False)
    strategy = training.strategy()
    assert strategy is tf.distribute.get_strategy()
    assert cluster.is_chief(strategy) and cluster.worker_count(strategy) == 1


@pytest.mark.slow
def test_replicas_of_one_machine_learn_what_one_does_in_half_precision_too():
    print(run(TWO_REPLICAS))


TWO_REPLICAS = """
import keras
import numpy as np
import tensorflow as tf
from tiny import images, tiny
from tfportrait import training

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)

def train(strategy, jit_compile, optimizer):
    with strategy.scope():
        model = tiny()
        model.compile(optimizer(), jit_compile=jit_compile)
    fitted = model.fit(images(64), batch_size=16, epochs=2, verbose=0, shuffle=False)
    with model.averaged_weights():
        return fitted.history["loss"], model.conv_in.kernel.numpy()

plain = lambda: training.AdamW(1e-2, epsilon=1e-4, ema_decay=0.9)
optimizers = {
    "plain": plain,
    "clipped": lambda: training.AdamW(1e-2, epsilon=1e-4, ema_decay=0.9, global_clipnorm=0.01),
    "muon": lambda: training.Muon(1e-2, ema_decay=0.9),
}
for policy, name, jit_compile in [
    *(("float32", name, False) for name in optimizers),
    ("float32", "plain", True),
    ("mixed_float16", "plain", False),
]:
    keras.config.set_dtype_policy(policy)
    one = train(tf.distribute.get_strategy(), jit_compile, optimizers[name])
    two = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), jit_compile, optimizers[name])
    exact = policy == "float32"
    print(policy, name, jit_compile, np.abs(two[1] - one[1]).max(), np.subtract(two[0], one[0]))
    np.testing.assert_allclose(two[0], one[0], rtol=1e-4 if exact else 1e-2)
    np.testing.assert_allclose(two[1], one[1], atol=1e-5 if exact else 1e-3)
"""


@pytest.mark.slow
def test_what_replicas_cannot_do_is_refused():
    run("""
import pytest
import tensorflow as tf
from tiny import images, tiny
from tfportrait import training

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    model = tiny()
    with pytest.raises(ValueError, match="gradient_accumulation_steps does not work with several replicas"):
        model.compile(training.AdamW(gradient_accumulation_steps=2))
    model.compile("adamw")
with pytest.raises(ValueError, match="batches of 5 cannot be shared by 2 replicas"):
    model.fit(tf.data.Dataset.from_tensor_slices(images(10)).batch(5, drop_remainder=True))
""")
