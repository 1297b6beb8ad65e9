"""What several workers send each other in a training step, measured, and what that costs on GPUs, computed.

    python tests/benchmarks/bench_scaling.py [--steps 10] [--workers 2,4]

The shipped preset's U-Net is trained by several processes on this machine, which talk over its loopback device; the
bytes are the device's own count (Linux), the gradients' size times 2 (n - 1) what a ring has to send. Efficiency is the
time of computing over that of computing and sending one after the other, as the step does; rates are those below, and
computing is three forward passes, counted in TensorFlow's graph, at 40 % of the card's peak.
"""

import argparse
import math
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from processes import free_addresses  # noqa: E402

PEAK, SHARE = 990e12, 0.4  # an H100's bf16 operations a second, and how much of them training reaches
LATENCY = 10e-6  # seconds for each of a ring's 2 (n - 1) rounds
# Name, number of GPUs, bytes a second of the slowest link in the ring.
MACHINES = (
    ("8, one machine, NVLink", 8, 200e9),
    ("8, eight machines, 100 Gbit/s", 8, 10e9),
    ("64, eight machines, 400 Gbit/s", 64, 40e9),
    ("64, eight machines, 100 Gbit/s", 64, 10e9),
)
SD15 = {
    "sample_size": 64,
    "block_out_channels": (320, 640, 1280, 1280),
    "cross_attention_dim": 768,
    "attention_head_dim": 8,
}
COUNTER = Path("/proc/net/dev")


def work(steps, workers, index):
    import tfportrait as tp
    from tfportrait import training

    strategy = training.strategy(workers, index)
    import keras
    import numpy as np
    import tensorflow as tf

    with strategy.scope():
        painter = tp.LatentDiffusion.from_preset("portrait_128")
        painter.compile(training.AdamW(1e-4))
    marks = []

    def mark(batch, logs):
        marks.append((sent(), time.perf_counter()))

    count, config = 4 * strategy.num_replicas_in_sync, painter.unet.config
    shape = (count, config["sample_size"], config["sample_size"], config["in_channels"])
    noise = np.random.default_rng(0).normal(size=shape).astype("float32")
    batch = {"latents": noise, "token_ids": np.repeat(painter.empty_token_ids, count, 0)}
    data = tf.data.Dataset.from_tensors(batch).repeat()
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=mark)
    painter.fit(data, steps_per_epoch=steps + 2, verbose=0, callbacks=[watch])
    size = sum(int(np.prod(variable.shape)) for variable in painter.trainable_variables) * 4
    (first, start), (last, end) = marks[1], marks[-1]
    print("RESULT", (last - first) / steps, size, (end - start) / steps, flush=True)


def sent():
    """Bytes that the loopback device has sent."""
    line = re.search(r"lo:\s*(.*)", COUNTER.read_text())[1]
    return int(line.split()[8])


def measure(count, steps):
    workers = ",".join(free_addresses(count))
    command = [sys.executable, __file__, "--steps", str(steps), "--workers", workers]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    running = [subprocess.Popen([*command, "--index", str(index)], **output) for index in range(count)]
    texts = [process.communicate()[0] for process in running]
    if not (found := re.search(r"RESULT (.*)", texts[0])):
        sys.exit(texts[0])
    total, size, seconds = map(float, found[1].split())
    print(
        f"| {count} | {total / 1e6:.1f} MB | {2 * (count - 1) * size / 1e6:.1f} MB | {seconds:.2f} s |",
        flush=True,
    )


def operations(network, tokens):
    """(floating-point operations of one image's forward pass, bytes of the gradients)."""
    import tensorflow as tf
    from tensorflow.python.profiler.model_analyzer import profile
    from tensorflow.python.profiler.option_builder import ProfileOptionBuilder

    config = network.config
    side = config["sample_size"]
    shapes = (1, side, side, config["in_channels"]), (1,), (1, tokens, config["cross_attention_dim"])
    graph = tf.function(lambda *inputs: network(*inputs), autograph=False)
    concrete = graph.get_concrete_function(*(tf.TensorSpec(shape) for shape in shapes))
    builder = ProfileOptionBuilder(ProfileOptionBuilder.float_operation()).with_empty_output()
    return profile(concrete.graph, options=builder.build()).total_float_ops, 4 * network.count_params()


def predict():
    import tfportrait as tp

    painter = tp.LatentDiffusion.from_preset("portrait_128")
    networks = {
        "portrait_128, 512 a GPU": (512, operations(painter.unet, painter.empty_token_ids.shape[1])),
        "Stable Diffusion 1.5, 512 px, 16 a GPU": (16, operations(tp.UNet(**SD15), 77)),
    }
    print(
        "\n| U-Net | gradients | operations an image | GPUs | computing | sending | efficiency | images a GPU for 0.9 |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, (batch, (flops, size)) in networks.items():
        computing = 3 * flops * batch / (PEAK * SHARE)
        for machine, count, rate in MACHINES:
            sending = 2 * (count - 1) / count * size / rate + 2 * (count - 1) * LATENCY
            print(
                f"| {name} | {size / 1e6:.0f} MB | {flops / 1e9:.1f} G | {machine} | {computing * 1e3:.1f} ms | "
                f"{sending * 1e3:.1f} ms | {computing / (computing + sending):.2f} | "
                f"{math.ceil(9 * sending / computing * batch)} |"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--workers", default="2,4")
    parser.add_argument("--index", type=int)
    arguments = parser.parse_args()
    if arguments.index is not None:
        work(arguments.steps, arguments.workers, arguments.index)
        return
    print("| workers | bytes sent in a step, all together | by a ring | a step here |\n|---|---|---|---|")
    for count in map(int, arguments.workers.split(",")):
        measure(count, arguments.steps)
    predict()


if __name__ == "__main__":
    main()
