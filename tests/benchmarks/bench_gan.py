"""Training steps of the GAN against the same networks in eager PyTorch in its faster layout, in the same run.

    python tests/benchmarks/bench_gan.py [--losses relativistic bce] [--rounds 7] [--threads 2]

Both sides paint once, judge real and painted images in one pass for both players, and update each player by its own
Adam. `relativistic` has both gradient penalties (second-order gradients); `bce` has none. The sides take turns; the
table has the medians.
"""

import argparse
import os

from timing import medians

LATENT, SLOPE = 100, 0.2
PENALTIES = {"relativistic": 1.0, "bce": 0.0}


def ours(loss, size, width, batch_size, dtype):
    """A function that makes one training step of our model."""
    import numpy as np
    import tensorflow as tf

    from tfportrait.models import GAN

    weight = PENALTIES[loss]
    policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[dtype]
    model = GAN(image_size=size, width=width, loss=loss, r1=weight, r2=weight, dtype=policy)
    model.compile(model.default_optimizer(ema_decay=None))
    images = np.random.default_rng(0).uniform(-1, 1, (batch_size, size, size, 3)).astype("float32")
    step = model.make_train_function() or model.train_function
    batches = iter(tf.data.Dataset.from_tensors((tf.constant(images),)).repeat())
    return lambda: float(step(batches)["loss"])


def theirs(loss, size, width, batch_size, dtype, channels_last):
    """A function that makes one training step of the same networks in PyTorch."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    levels = (size // 8).bit_length() - 1
    widths = [width * min(2**i, 8) for i in range(levels)]
    layout = torch.channels_last if channels_last else torch.contiguous_format

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense = nn.Linear(LATENT, 64 * widths[-1])
            layers = []
            for inside, outside in zip(widths[::-1], [*widths[-2::-1], 3], strict=True):
                convolution = nn.ConvTranspose2d(inside, outside, 4, 2, 1)
                layers += [nn.BatchNorm2d(inside, eps=1e-5), nn.LeakyReLU(SLOPE), convolution]
            self.layers = nn.Sequential(*layers)

        def forward(self, noise):
            x = self.dense(noise).view(-1, widths[-1], 8, 8).contiguous(memory_format=layout)
            return torch.tanh(self.layers(x).float())

    class Discriminator(nn.Module):
        def __init__(self):
            super().__init__()
            layers = []
            for inside, outside in zip([3, *widths[:-1]], widths, strict=True):
                layers += [nn.Conv2d(inside, outside, 4, 2, 1), nn.LeakyReLU(SLOPE)]
            self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(64 * widths[-1], 1))

        def forward(self, images):
            return self.layers(images)[:, 0].float()

    generator, discriminator = (network().to(memory_format=layout) for network in (Generator, Discriminator))
    optimizers = [torch.optim.Adam(n.parameters(), 2e-4, (0.0, 0.99)) for n in (generator, discriminator)]
    real = (torch.rand(batch_size, 3, size, size) * 2 - 1).contiguous(memory_format=layout)
    weight = PENALTIES[loss]

    def penalised(images):
        if not weight:
            return discriminator(images), 0.0
        images = images.detach().requires_grad_()
        logits = discriminator(images)
        gradients = torch.autograd.grad(logits.sum(), images, create_graph=True)[0]
        return logits, 0.5 * weight * gradients.float().square().sum((1, 2, 3))

    def losses():
        painted = generator(torch.randn(batch_size, LATENT))
        discriminator.requires_grad_(False)
        judged = discriminator(painted)
        discriminator.requires_grad_(True)
        r, real_penalty = penalised(real)
        f, painted_penalty = penalised(painted.detach())
        s = functional.softplus
        if loss == "bce":
            own, opposed = s(-judged), s(-r) + s(f)
        else:
            own, opposed = s(r.detach() - judged), s(f - r)
        return (own + opposed + real_penalty + painted_penalty).mean()

    def step():
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
            value = losses()
        value.backward()
        for optimizer in optimizers:
            optimizer.step()
        return value.item()

    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--losses", choices=list(PENALTIES), nargs="+", default=list(PENALTIES))
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(arguments.threads)
    import torch

    torch.set_num_threads(arguments.threads)
    print(f"images/s of a training step: GAN, {arguments.size} px, batch {arguments.batch_size}", end="")
    print(f", {arguments.threads} threads")
    print(f"{'':24}{'tfportrait':>12}{'PyTorch NHWC':>14}{'PyTorch NCHW':>14}{'ratio':>8}")
    for loss in arguments.losses:
        for dtype in arguments.dtype:
            case = (loss, arguments.size, arguments.width, arguments.batch_size, dtype)
            steps = {"ours": ours(*case)}
            for name, channels_last in (("NHWC", True), ("NCHW", False)):
                steps[name] = theirs(*case, channels_last)
            seconds = medians(steps, arguments.rounds)
            speed = {name: arguments.batch_size / value for name, value in seconds.items()}
            ratio = speed["ours"] / max(speed["NHWC"], speed["NCHW"])
            columns = f"{speed['ours']:12.1f}{speed['NHWC']:14.1f}{speed['NCHW']:14.1f}{ratio:8.2f}"
            print(f"{loss:14}{dtype:10}{columns}", flush=True)


if __name__ == "__main__":
    main()
