"""Small checkpoints in one file."""

import re

import keras
import numpy as np
import safetensors.numpy

import tfportrait as tp
from tfportrait.models import weights
from tfportrait.stable_diffusion import single_file

UNET = {
    "block_out_channels": [32, 64],
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "layers_per_block": 1,
}
VAE = {"block_out_channels": [32, 64], "layers_per_block": 1, "norm_num_groups": 32, "scaling_factor": 0.18215}
TEXT = {"vocab_size": 560, "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 1}
KINDS = {
    "sd1": ({"cross_attention_dim": 64, "attention_head_dim": 8}, {"num_hidden_layers": 2, "hidden_act": "quick_gelu"}),
    "sd2": (
        {"cross_attention_dim": 64, "attention_head_dim": [1, 1], "use_linear_projection": True},
        {"num_hidden_layers": 1, "hidden_act": "gelu"},
    ),
}


def networks(kind):
    keras.utils.set_random_seed(3)
    unet, text = KINDS[kind]
    made = tp.UNet(**UNET, **unet), tp.AutoencoderKL(**VAE), tp.TextEncoder(**TEXT, **text)
    random = np.random.default_rng(0)
    for network in made:
        for variable in network.weights:  # biases too
            variable.assign(random.standard_normal(variable.shape) * 0.1)
    return made


def checkpoint(kind, ema=False):
    """The tensors of a small checkpoint in one file."""
    unet, autoencoder, text = networks(kind)
    tensors = {}
    for name, variable in weights.named_variables(unet).items():
        key = single_file.unet_name(name, 1, (False, True))
        value = weights._to_disk(variable)
        tensors[single_file.UNET + key] = 0 * value if ema else value
        if ema:
            tensors["model_ema.diffusion_model" + key.replace(".", "")] = value
    for name, variable in weights.named_variables(autoencoder).items():
        value, key = weights._to_disk(variable), single_file.vae_name(name, 2)
        convolution = re.search(r"attn_1\.(q|k|v|proj_out)\.weight", key)
        tensors[single_file.VAE + key] = value[..., None, None] if convolution else value
    for name, variable in weights.named_variables(text).items():
        value = weights._to_disk(variable)
        if kind == "sd1":
            tensors[single_file.CLIP + name] = value
            continue
        key, rows = single_file.open_clip_name(name, 64)
        if rows is not None:
            whole = tensors.setdefault(single_file.OPEN_CLIP + key, np.zeros((192, *value.shape[1:]), "float32"))
            whole[rows] = value
        else:
            tensors[single_file.OPEN_CLIP + key] = value
    if kind == "sd2":  # the last layer is there and not used
        start = single_file.OPEN_CLIP + "transformer.resblocks."
        last = {
            name.replace(f"{start}0.", f"{start}1."): value for name, value in tensors.items() if f"{start}0." in name
        }
        tensors |= last | {single_file.OPEN_CLIP + "text_projection": np.zeros((64, 64), "float32")}
    tensors["alphas_cumprod"] = np.zeros(1000, "float32")
    return tensors


def written(folder, tensors):
    path = folder / "model.safetensors"
    safetensors.numpy.save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)
    return path
