"""Painters that something is added to: the tests' tiny one, and that of the golden LoRA files."""

import json

import numpy as np
from golden import lora as golden
from golden import networks
from models.painters import tiny_painter

import tfportrait as tp
from tfportrait.models.weights import named_variables

__all__ = ["ATTENTION_LAYERS", "batch", "outputs", "painter", "tiny_painter"]

ATTENTION_LAYERS = 24  # of the tiny painter's U-Net: three transformers, two attentions in each, four projections


def batch(painter, count=8):
    """Pictures and captions as `fit` takes them."""
    images = np.random.default_rng(0).uniform(-1, 1, (count, 16, 16, 3)).astype("float32")
    return {"image": images, "token_ids": painter.tokenizer.encode(["a red cat", "a blue dog"] * (count // 2))}


def painter(dtype=None):
    """A Stable Diffusion 1 of 16x16 pixels with the golden U-Net and text encoder."""
    made = {}
    with np.load(networks.OUT) as arrays:
        for case, cls in ((golden.UNET, tp.UNet), (golden.CLIP, tp.TextEncoder)):
            config = json.loads(str(arrays[f"{case}/config"]))
            network = cls(**{name: config[name] for name in cls.arguments() if name in config}, dtype=dtype)
            for name, variable in named_variables(network).items():
                shape = tuple(variable.shape)
                kernel = variable.name == "kernel"
                disk = (shape[3], shape[2], *shape[:2]) if len(shape) == 4 else shape[::-1] if kernel else shape
                value = networks.weight(name, disk)
                value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T if kernel else value
                variable.assign(value)
            made[case] = network
    return tp.LatentDiffusion(unet=made[golden.UNET], text_encoder=made[golden.CLIP], tokenizer=Forty())


class Forty:
    """Stands for a tokenizer where no text is read: the golden text encoder knows 40 tokens, fewer than bytes."""

    def __len__(self):
        return 40


def outputs(painter):
    """What its networks give for the inputs of the golden file."""
    (token_ids,) = networks.inputs(golden.CLIP)
    return {
        "text_encoder": np.asarray(painter.text_encoder(token_ids)),
        "unet": np.asarray(painter.unet(*networks.inputs(golden.UNET))),
    }
