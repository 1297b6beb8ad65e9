"""Metrics of others on numbers that numpy draws -> metrics.npz.

    python tests/golden/metrics.py     # needs torch, torchmetrics, prdc, scikit-image

Made with torch 2.13.0, torchmetrics 1.9, prdc 0.2 and scikit-image 0.26. Fréchet and kernel distances are those of
torchmetrics, which computes them of features; precision, recall, density and coverage are those of prdc.
"""

import pathlib

import numpy as np

OUT = pathlib.Path(__file__).with_suffix(".npz")
NEIGHBOURS = 5


def features():
    """Two sets of features that overlap in part, float64 (300, 12) and (250, 12)."""
    random = np.random.default_rng(0)
    mixed = random.standard_normal((12, 12)) / 4 + np.eye(12)
    return random.standard_normal((300, 12)) @ mixed, random.standard_normal((250, 12)) * 0.8 + 0.3


def images():
    """Pairs of images, uint8 (4, 40, 56, 3): noise, noise on smooth colours, a shift in brightness, equal ones."""
    random = np.random.default_rng(1)
    first = random.integers(0, 256, (4, 40, 56, 3), np.uint8)
    slope = np.linspace(20, 200, 56)[None, :, None] + np.linspace(0, 40, 40)[:, None, None] + np.zeros(3)
    first[1:] = slope.astype("uint8")
    second = first.copy()
    second[0] = random.integers(0, 256, (40, 56, 3), np.uint8)
    second[1] = np.clip(slope + random.normal(0, 12, slope.shape), 0, 255)
    second[2] += 15
    return first, second


def main():
    import torch
    from prdc import compute_prdc
    from skimage.metrics import structural_similarity
    from torchmetrics.image.fid import _compute_fid
    from torchmetrics.image.kid import poly_mmd

    first, second = (torch.tensor(x, dtype=torch.float64) for x in features())
    moments = [x for set_ in (first, second) for x in (set_.mean(dim=0), torch.cov(set_.T))]
    results = {
        "frechet": _compute_fid(*moments).item(),
        "kernel": poly_mmd(first[:250], second).item(),
        **compute_prdc(second.numpy(), first.numpy(), nearest_k=NEIGHBOURS),
        "ssim": [
            structural_similarity(
                a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, channel_axis=-1
            )
            for a, b in zip(*images(), strict=True)
        ],
    }
    np.savez_compressed(OUT, **results)
    print(results)


if __name__ == "__main__":
    main()
