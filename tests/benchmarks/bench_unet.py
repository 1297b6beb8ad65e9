"""Training steps of the U-Net and the autoencoder against diffusers' in its faster layout, in the same run.

    python tests/benchmarks/bench_unet.py [--model unet|autoencoder] [--rounds 7] [--threads 2] [--clock cpu]

Both train on the same random batch with AdamW, each with its own: ours through the compiled step of `fit`, diffusers'
eagerly, its gradients set to None, channels_last or channels_first, whichever is faster. The sides take turns; the
table has the medians. `--clock cpu --threads 1` counts processor time, for a machine that other programs share.
"""

import argparse
import os
import time

from timing import medians

UNET = {
    "sample_size": 32,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (64, 128, 192),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "layers_per_block": 1,
    "cross_attention_dim": 192,
    "attention_head_dim": 4,
    "norm_num_groups": 16,
}
AUTOENCODER = {
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "block_out_channels": (32, 64, 128),
    "layers_per_block": 1,
    "latent_channels": 4,
    "norm_num_groups": 16,
}
TOKENS = 64


def ours(model_name, batch_size, dtype):
    """A function that makes one training step of our model."""
    import keras
    import numpy as np
    import tensorflow as tf

    from tfportrait.models import AutoencoderKL, UNet
    from tfportrait.training import AdamW, Trainable

    class Regression(Trainable):
        """The mean squared error of the U-Net against a constant target."""

        def __init__(self, unet):
            super().__init__()
            self.unet = unet

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            output = self.unet(x["sample"], x["timesteps"], x["context"])
            return keras.ops.mean((keras.ops.cast(output, "float32") - y) ** 2)

    policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[dtype]
    rng = np.random.default_rng(0)
    if model_name == "unet":
        model = Regression(UNet(**UNET, dtype=policy))
        sample = rng.standard_normal((batch_size, 32, 32, 4), "float32")
        context = rng.standard_normal((batch_size, TOKENS, 192), "float32")
        x = {"sample": sample, "timesteps": rng.uniform(0, 999, batch_size).astype("float32"), "context": context}
        data = (x, sample)
    else:
        model = AutoencoderKL(**AUTOENCODER, dtype=policy)
        data = (rng.uniform(-1, 1, (batch_size, 128, 128, 3)).astype("float32"),)
    model.compile(AdamW(1e-4))
    model.optimizer.build(model.trainable_variables)  # as `fit` does: in the traced step it takes a minute
    step = model.make_train_function() or model.train_function
    batch = tf.data.Dataset.from_tensors(keras.tree.map_structure(tf.constant, data)).repeat()
    batches = iter(batch)
    return lambda: float(step(batches)["loss"])


def theirs(model_name, batch_size, dtype, channels_last):
    """A function that makes one training step of diffusers' model."""
    import diffusers
    import torch

    torch.manual_seed(0)
    if model_name == "unet":
        model = diffusers.UNet2DConditionModel(**UNET)
        shape = (batch_size, 4, 32, 32)
    else:
        model = diffusers.AutoencoderKL(**AUTOENCODER)
        shape = (batch_size, 3, 128, 128)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = model.to(memory_format=layout).train()
    sample = torch.randn(shape).contiguous(memory_format=layout)
    timesteps, context = torch.rand(batch_size) * 999, torch.randn(batch_size, TOKENS, 192)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)

    def loss():
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
            if model_name == "unet":
                output = model(sample, timesteps, context).sample
                return torch.mean((output.float() - sample) ** 2)
            posterior = model.encode(sample).latent_dist
            output = model.decode(posterior.sample()).sample
        return torch.mean(torch.abs(output.float() - sample)) + 1e-6 * posterior.kl().mean()

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        optimizer.step()
        return value.item()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=("unet", "autoencoder"), default="unet")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    arguments = parser.parse_args()
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(arguments.threads)
    import torch

    torch.set_num_threads(arguments.threads)
    batch_size = arguments.batch_size or {"unet": 32, "autoencoder": 16}[arguments.model]
    clock = {"wall": time.perf_counter, "cpu": time.process_time}[arguments.clock]
    print(f"images/s of a training step: {arguments.model}, batch {batch_size}", end="")
    print(f", {arguments.threads} threads, {arguments.clock} time")
    print(f"{'':10}{'tfportrait':>12}{'diffusers NHWC':>16}{'diffusers NCHW':>16}{'ratio':>8}")
    for dtype in arguments.dtype:
        steps = {"ours": ours(arguments.model, batch_size, dtype)}
        for name, channels_last in (("NHWC", True), ("NCHW", False)):
            steps[name] = theirs(arguments.model, batch_size, dtype, channels_last)
        speed = {name: batch_size / seconds for name, seconds in medians(steps, arguments.rounds, clock).items()}
        ratio = speed["ours"] / max(speed["NHWC"], speed["NCHW"])
        print(f"{dtype:10}{speed['ours']:12.1f}{speed['NHWC']:16.1f}{speed['NCHW']:16.1f}{ratio:8.2f}", flush=True)


if __name__ == "__main__":
    main()
