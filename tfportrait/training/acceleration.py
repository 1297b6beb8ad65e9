"""Precision and compilation, chosen once for the device and printed."""

import dataclasses
import difflib
import os
import platform
import subprocess
import time
from pathlib import Path

import keras
import numpy as np

PRECISIONS = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
    "mixed_bfloat16": "mixed_bfloat16",
    "mixed_float16": "mixed_float16",
}
FASTER = 0.95  # bfloat16 has to save at least 5 % of the time to be worth its rounding

_xla = None
_cores_of_rows = 1


@dataclasses.dataclass(frozen=True)
class Acceleration:
    """What `accelerate` chose.

    Attributes:
        backend: str. "tensorflow" or "jax".
        device: str. "CPU" or the name of the GPU.
        precision: str. The Keras dtype policy: "float32", "mixed_bfloat16" or "mixed_float16".
        xla: bool. Whether `Trainable.compile` has XLA compile the training step by default.
        reason: str. Why this precision.
    """

    backend: str
    device: str
    precision: str
    xla: bool
    reason: str

    def __str__(self):
        xla = "XLA on" if self.xla else "XLA off"
        return f"{self.backend} on {self.device}: {self.precision} ({self.reason}), {xla}"


def accelerate(precision="auto", xla="auto", *, brief=False, rows=0):
    """Chooses precision and compilation for this device, sets them as defaults and prints the choice in one line.

    Call it before a model is created: models keep the precision that they were created with. On a GPU: XLA, and
    bfloat16 if the card computes it (compute capability 8 or higher), else float16 with loss scaling. On a CPU: no XLA
    with TensorFlow, and bfloat16 if the processor computes it and a check of half a second finds it faster,
    else float32. Weights, optimizer and losses stay in float32 always.

    Args:
        precision: str. "auto", "float32", "bfloat16" or "float16" (mixed precision).
        xla: bool or "auto". JAX always compiles with XLA.
        brief: bool. For a process that paints a few pictures and ends. On a CPU "auto" is then float32 without the
            check, and TensorFlow runs its graphs without rewriting them first. Defaults to `False`.
        rows: int. Rows of the batches of a process that computes forwards only, by small networks: two for a picture
            with guidance. If a CPU has no more cores than that, TensorFlow runs every operation on one core, and a
            painter's networks share out the rows to all cores: many small operations then wait for no other core. It
            is for the whole process, so that nothing happens after TensorFlow has begun to compute. Defaults to `0`.

    Returns: Acceleration. What was chosen.

    Raises: ValueError for other arguments.
    """
    global _xla
    if precision != "auto" and precision not in PRECISIONS:
        near = difflib.get_close_matches(str(precision), PRECISIONS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"unknown precision {precision!r}; {hint}valid: auto, {', '.join(PRECISIONS)}")
    if xla not in (True, False, "auto"):
        raise ValueError(f"xla is {xla!r}, but must be True, False or 'auto'")
    backend = keras.backend.backend()
    if backend == "jax" and xla is False:
        raise ValueError("JAX always compiles with XLA; xla=False needs the TensorFlow backend")
    device, capability = _tensorflow_gpu() if backend == "tensorflow" else _jax_gpu()
    if brief and not device and backend == "tensorflow":
        _run_graphs_as_they_are()
    if rows and not device and backend == "tensorflow":
        _share_out(rows)
    if precision == "auto" and brief and not device:
        precision, reason = "float32", "a few pictures on a CPU"
    elif precision == "auto":
        precision, reason = _gpu_precision(capability) if device else _cpu_precision(backend)
    else:
        precision, reason = PRECISIONS[precision], "as asked"
    _xla = bool(device) or backend == "jax" if xla == "auto" else xla
    keras.config.set_dtype_policy(precision)
    choice = Acceleration(backend, device or "CPU", precision, _xla, reason)
    print(choice, flush=True)
    return choice


def xla_default():
    """What `accelerate` chose for XLA: bool, or None if it was not called."""
    return _xla


def set_xla_default(value):
    """What `xla_default` is to be: bool, or None as if `accelerate` had not been called."""
    global _xla
    _xla = value


def cores_of_rows():
    """To how many cores the rows of a batch are shared out: 1 if operations are (see `accelerate`)."""
    return _cores_of_rows


def _share_out(rows):
    global _cores_of_rows
    import tensorflow as tf

    cores = usable_cores()
    if not 2 <= cores <= rows:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(cores)
    except RuntimeError:  # TensorFlow has begun, with the threads that it has
        return
    _cores_of_rows = cores


def usable_cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _run_graphs_as_they_are():
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


def _tensorflow_gpu():
    """(name of the first GPU, compute capability such as 8.0), or ("", None)."""
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        details = tf.config.experimental.get_device_details(gpu)
        capability = details.get("compute_capability")
        return details.get("device_name", "GPU"), float("{}.{}".format(*capability)) if capability else None
    return "", None


def _jax_gpu():
    import jax

    device = jax.devices()[0]
    if device.platform == "cpu":
        return "", None
    capability = getattr(device, "compute_capability", None)
    try:
        return device.device_kind, float(capability)
    except (TypeError, ValueError):
        return device.device_kind, None


def _gpu_precision(capability):
    if capability is None:
        return "mixed_bfloat16", "compute capability unknown"
    if capability >= 8:
        return "mixed_bfloat16", f"compute capability {capability}"
    return "mixed_float16", f"compute capability {capability} has no bfloat16"


def _cpu_precision(backend):
    if backend == "jax":
        return "float32", "XLA has no fast bfloat16 convolution for CPUs"
    if not cpu_has_bfloat16():
        return "float32", "the processor has no bfloat16"
    ratio = _bfloat16_over_float32()
    if ratio <= FASTER:
        return "mixed_bfloat16", f"a training step takes {ratio:.0%} of the time in float32"
    return "float32", f"in bfloat16 a training step takes {ratio:.0%} of the time"


def cpu_has_bfloat16():
    """Whether the processor multiplies in bfloat16 (AVX-512 BF16, AVX-NE-CONVERT, AMX or ARM's BF16)."""
    try:
        if platform.system() == "Linux":
            lines = Path("/proc/cpuinfo").read_text().splitlines()
            words = next((line for line in lines if line.startswith(("flags", "Features"))), "").split()
            return any(word in words for word in ("avx512_bf16", "amx_bf16", "bf16"))
        if platform.system() == "Darwin":
            command = ["sysctl", "-n", "hw.optional.arm.FEAT_BF16"]
            return subprocess.run(command, capture_output=True, text=True).stdout.strip() == "1"
    except OSError:
        return False
    return platform.system() == "Windows"  # it cannot be asked there: the measurement decides


def _bfloat16_over_float32(repeats=5):
    """Time of a training step of convolution, normalisation and SiLU in bfloat16, divided by that in float32."""
    import tensorflow as tf

    generator = np.random.default_rng(0)
    images = tf.constant(generator.standard_normal((16, 16, 16, 128)), "float32")  # (B, H, W, C)
    kernels = [tf.constant(generator.standard_normal((3, 3, 128, 128)) / 34, "float32") for _ in range(2)]

    def step_in(dtype):
        @tf.function(autograph=False)
        def step():
            with tf.GradientTape() as tape:
                tape.watch(kernels)
                x = tf.cast(images, dtype)
                for kernel in kernels:
                    x = tf.nn.conv2d(x, tf.cast(kernel, dtype), 1, "SAME")
                    h = tf.cast(x, "float32")
                    mean, variance = tf.nn.moments(h, [1, 2], keepdims=True)
                    x = tf.nn.silu(tf.cast((h - mean) * tf.math.rsqrt(variance + 1e-5), dtype))
                loss = tf.reduce_mean(tf.square(tf.cast(x, "float32")))
            return tape.gradient(loss, kernels)

        return step

    steps = {dtype: step_in(dtype) for dtype in ("bfloat16", "float32")}
    times = {dtype: [] for dtype in steps}
    for repeat in range(repeats + 1):
        for dtype, step in steps.items():  # in turns, so that other load on the machine meets both
            start = time.perf_counter()
            step()[0].numpy()
            if repeat:  # the first call traces
                times[dtype].append(time.perf_counter() - start)
    return min(times["bfloat16"]) / min(times["float32"])
