"""Three steps of PyTorch's Muon on matrices of three shapes -> muon.npz.

    python tests/golden/muon.py        # needs torch; made with torch 2.13.0

PyTorch computes the iteration in bfloat16, whose rounding would hide mistakes: here it is made to keep float32.
Weights and gradients are numbers that numpy draws.
"""

import pathlib

import numpy as np

OUT = pathlib.Path(__file__).with_suffix(".npz")
SHAPES = {"tall": (12, 5), "wide": (5, 12), "square": (8, 8)}
SETTINGS = {"learning_rate": 0.05, "weight_decay": 0.1, "momentum": 0.9, "ns_steps": 4}
STEPS = 3


def case(name):
    """The weights before the first step, float32 (n, m), and the gradients of the steps, float32 (STEPS, n, m)."""
    random = np.random.default_rng(list(SHAPES).index(name))
    return (random.normal(0, 0.3, size).astype("float32") for size in (SHAPES[name], (STEPS, *SHAPES[name])))


def main():
    import torch

    torch.Tensor.bfloat16 = torch.Tensor.float
    results = {}
    for name in SHAPES:
        weights, gradients = case(name)
        parameter = torch.nn.Parameter(torch.tensor(weights))
        optimizer = torch.optim.Muon(
            [parameter],
            lr=SETTINGS["learning_rate"],
            weight_decay=SETTINGS["weight_decay"],
            momentum=SETTINGS["momentum"],
            ns_steps=SETTINGS["ns_steps"],
            adjust_lr_fn="match_rms_adamw",
        )
        after = []
        for gradient in gradients:
            parameter.grad = torch.tensor(gradient)
            optimizer.step()
            after.append(parameter.detach().numpy().copy())
        results[name] = np.stack(after)
    np.savez_compressed(OUT, **results)


if __name__ == "__main__":
    main()
