"""Pictures unlike what a painter has learnt, recognised by how well it takes noise off them.

A painter knows pictures of its own kind: it takes noise off their latents far better than a linear filter does, which
knows nothing but their mean and variance. Of others it knows no more than the filter.
"""

import json
from pathlib import Path

import numpy as np
from keras import ops
from PIL import Image

from tfportrait.diffusion import noise as noises
from tfportrait.files import atomic_write
from tfportrait.models import generation
from tfportrait.models.weights import read_json
from tfportrait.tasks.pictures import check_images, to_float

CALIBRATION = "familiarity.json"
NOISE = 0.8  # ratio of noise to signal
SEED = 20221
QUANTILE = 0.005  # of unworn pictures of its own kind, which are not to settle
MARGIN = 0.5  # what is left of their familiarity in pictures that are worn: blurred, compressed
AT_ONCE = 16


def familiarity(painter, images):
    """How much better a painter takes noise off images than a linear filter, which tells whether it knows their kind.

    Latents of an image, with noise of `NOISE` times their strength, are estimated by the painter without words, and by
    the best linear filter that knows only the mean and variance of each of their channels (Wiener's).

    Args:
        painter: LatentDiffusion.
        images: uint8 (H, W, 3) or (N, H, W, 3). They are cut square, and shrunk to the size of the training.

    Returns:
        float32 (N,). Decibels: ten times the decimal logarithm of the filter's mean square error over the painter's.

    Raises:
        ValueError: not images, or a painter whose U-Net is made for inpainting.
    """
    if painter.inpaints:
        raise ValueError("this painter's U-Net is made for inpainting: it takes no noise off a whole picture")
    side, _ = generation.image_sides(painter, None)
    images = np.stack([_square(image, side) for image in check_images(images)])
    signal_rate, noise_rate = np.float32(1 / np.hypot(1, NOISE)), np.float32(NOISE / np.hypot(1, NOISE))
    gains = []
    with painter.averaged_weights():
        context = None if painter.text_encoder is None else generation.encode_prompts(painter, [""])
        for begin in range(0, len(images), AT_ONCE):
            clean = ops.convert_to_numpy(painter.autoencoder.encode(to_float(images[begin : begin + AT_ONCE])))
            clean = clean.astype("float32")
            noise = noises.unit_noise([SEED + begin + i for i in range(len(clean))], 0, clean.shape[1:])
            noisy = noises.add_noise(clean, noise, signal_rate, noise_rate)
            words = None if context is None else ops.repeat(context, len(clean), axis=0)
            denoise = generation.guided_denoiser(painter, words, None, False)
            found = ops.convert_to_numpy(denoise(noisy, signal_rate, noise_rate))
            mean, power = clean.mean(axis=(1, 2), keepdims=True), clean.var(axis=(1, 2), keepdims=True)
            filtered = mean + power / (power + np.float32(NOISE**2)) * (noisy / signal_rate - mean)
            errors = [np.square(each - clean).mean(axis=(1, 2, 3)) for each in (filtered, found)]
            gains.append(10 * np.log10(np.maximum(errors[0], 1e-12) / np.maximum(errors[1], 1e-12)))
    return np.concatenate(gains).astype("float32")


def calibrate(painter, images, folder, kind):
    """Measures what a painter knows, and writes it into its preset.

    Args:
        painter: LatentDiffusion.
        images: uint8 (N, H, W, 3). Of the painter's kind, not of its training.
        folder: str or path. Of the preset.
        kind: str. What they are, for people.

    Returns:
        dict. What was written: "least", the familiarity of a picture of the painter's kind, which is `MARGIN` of what
            all images but `QUANTILE` of them have; "median", "images", "noise", "kind".
    """
    gains = familiarity(painter, images)
    measured = {
        "kind": kind,
        "least": round(float(MARGIN * np.quantile(gains, QUANTILE)), 2),
        "median": round(float(np.median(gains)), 2),
        "images": len(gains),
        "noise": NOISE,
    }
    with atomic_write(Path(folder) / CALIBRATION) as file:
        file.write((json.dumps(measured, ensure_ascii=False, indent=2) + "\n").encode())
    return measured


def stranger(preset, painter, image):
    """What is to be said of an image that is unlike what a painter has learnt.

    Args:
        preset: path. Folder of the painter's preset.
        painter: LatentDiffusion.
        image: uint8 (H, W, 3).

    Returns:
        str, or None: it is of the painter's kind, or the preset has no calibration.
    """
    path = Path(preset) / CALIBRATION
    if not path.is_file() or painter.inpaints:
        return None
    known = read_json(path)
    (gain,) = familiarity(painter, image)
    if gain >= known["least"]:
        return None
    return (
        f"This picture is unlike what {Path(preset).name} has learnt ({known['kind']}): it knows {gain:.1f} dB more of "
        f"it than a plain filter, and at least {known['least']:.1f} dB of its own kind. It will be painted as one of "
        "them. For photographs give a Stable Diffusion checkpoint: --preset FOLDER, a .safetensors file, or a name "
        "such as stable-diffusion-v1-5/stable-diffusion-v1-5"
    )


def _square(image, side):
    """The middle of an image as a square of a side."""
    if image.shape[:2] == (side, side):
        return image
    height, width = image.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    cut = Image.fromarray(image[top : top + edge, left : left + edge])
    return np.asarray(cut.resize((side, side), Image.BOX if edge >= 2 * side else Image.BICUBIC))
