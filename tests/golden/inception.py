"""Features of torch-fidelity's Inception with random weights -> inception.npz.

    python tests/golden/inception.py       # needs torch, torch-fidelity; made with torch-fidelity 0.4.0

Weights and images are numbers that numpy draws from their names, as in networks.py. The features are kept for an image
that is enlarged and one that is made smaller.
"""

import pathlib

import numpy as np

OUT = pathlib.Path(__file__).with_suffix(".npz")
SIZES = (40, 320)


def weight(name, shape):
    """A weight by its name: kernels that keep the size of the numbers, scales and variances around 1."""
    from golden import networks

    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, "int64")
    if name.endswith(("bn.weight", "bn.running_var")):
        return networks.tensor(name, shape, 0.7, 1.3)
    if len(shape) == 1:
        return networks.tensor(name, shape, -0.2, 0.2)
    return networks.tensor(name, shape) * np.float32(np.sqrt(6 / np.prod(shape[1:])))


def images(size):
    """uint8 (2, size, size, 3)."""
    from golden import networks

    return networks.tensor(f"images{size}", (2, size, size, 3), 0, 256).astype("uint8")


def main():
    import sys
    import tempfile
    import unittest.mock

    import torch

    for name in ("", ".transforms", ".transforms.functional", ".datasets"):  # its other parts want them
        sys.modules[f"torchvision{name}"] = unittest.mock.MagicMock()
    from torch_fidelity import feature_extractor_inceptionv3 as reference

    torch.nn.Module.load_state_dict, load = lambda self, state: None, torch.nn.Module.load_state_dict
    with tempfile.NamedTemporaryFile(suffix=".pth") as file:
        torch.save({}, file.name)
        model = reference.FeatureExtractorInceptionV3("fid", ["2048"], feature_extractor_weights_path=file.name)
    state = {k: torch.from_numpy(np.asarray(weight(k, tuple(v.shape)))) for k, v in model.state_dict().items()}
    load(model, state)
    kept = {"names": np.array([f"{name} {','.join(map(str, value.shape))}" for name, value in state.items()])}
    for size in SIZES:
        pixels = torch.from_numpy(np.ascontiguousarray(images(size).transpose(0, 3, 1, 2)))
        with torch.no_grad():
            kept[str(size)] = model(pixels)[0].numpy().astype("float32")
    np.savez_compressed(OUT, **kept)


if __name__ == "__main__":
    import sys

    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
    main()
