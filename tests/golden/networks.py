"""Outputs of diffusers' and transformers' networks with tiny configurations -> networks.npz.

    python tests/golden/networks.py        # needs torch, diffusers, transformers; made with diffusers 0.42.1, 5.23.0

Weights and inputs are numbers that numpy draws from their names, so that only the outputs are kept, together with the
config.json and the names and shapes of the weights as the reference implementation writes them.
"""

import json
import pathlib
import tempfile
import zlib

import numpy as np

OUT = pathlib.Path(__file__).with_suffix(".npz")

DOWN, CROSS_DOWN = "DownBlock2D", "CrossAttnDownBlock2D"
UP, CROSS_UP = "UpBlock2D", "CrossAttnUpBlock2D"
UNET = {"sample_size": 8, "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4}
VAE = {"sample_size": 16, "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4}
VAE |= {"down_block_types": ["DownEncoderBlock2D"] * 2, "up_block_types": ["UpDecoderBlock2D"] * 2}
CLIP = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
CLIP |= {"max_position_embeddings": 12, "bos_token_id": 38, "eos_token_id": 39, "pad_token_id": 0}

CASES = {
    # Stable Diffusion 1: attention on the upper levels, a number of heads for all, two residual blocks.
    "unet_sd1": UNET
    | {"down_block_types": [CROSS_DOWN, DOWN], "up_block_types": [UP, CROSS_UP], "layers_per_block": 2}
    | {"cross_attention_dim": 12, "attention_head_dim": 4},
    # Stable Diffusion 2: heads per level, linear projections.
    "unet_sd2": UNET
    | {"down_block_types": [CROSS_DOWN, DOWN], "up_block_types": [UP, CROSS_UP], "use_linear_projection": True}
    | {"cross_attention_dim": 12, "attention_head_dim": [2, 4], "upcast_attention": True},
    # The painter of this package: attention on the lower levels only; here with two transformer layers.
    "unet_lower": UNET
    | {"block_out_channels": [4, 8, 12], "down_block_types": [DOWN, CROSS_DOWN, CROSS_DOWN]}
    | {"up_block_types": [CROSS_UP, CROSS_UP, UP], "transformer_layers_per_block": 2}
    | {"cross_attention_dim": 12, "attention_head_dim": 2},
    # The whole text also joins the embedding of the time.
    "unet_pooled": UNET
    | {"down_block_types": [DOWN, CROSS_DOWN], "up_block_types": [CROSS_UP, UP], "attention_head_dim": 2}
    | {"cross_attention_dim": 12, "addition_embed_type": "text", "addition_embed_type_num_heads": 3},
    # Without attention and middle, sines first.
    "unet_plain": UNET
    | {"down_block_types": [DOWN, DOWN], "up_block_types": [UP, UP], "mid_block_type": None, "in_channels": 3}
    | {"cross_attention_dim": [None, None], "flip_sin_to_cos": False, "freq_shift": 1, "out_channels": 2},
    # Unconditional, self-attention in the middle.
    "unet_unconditional": UNET
    | {"down_block_types": [DOWN, DOWN], "up_block_types": [UP, UP], "cross_attention_dim": [None, None]}
    | {"attention_head_dim": 2},
    "unet_small_middle": UNET
    | {"down_block_types": [DOWN, CROSS_DOWN], "up_block_types": [CROSS_UP, UP], "attention_head_dim": 2}
    | {"mid_block_type": "UNetMidBlock2D", "cross_attention_dim": 12},
    "vae_sd": VAE,
    "vae_bare": VAE
    | {"use_quant_conv": False, "use_post_quant_conv": False, "mid_block_add_attention": False, "latent_channels": 3},
    "clip_sd1": CLIP | {"hidden_act": "quick_gelu"},
    "clip_sd2": CLIP | {"hidden_act": "gelu"},
}


def tensor(name, shape, low=-1.0, high=1.0):
    """Numbers in [low, high) that depend on the name and nothing else, float32."""
    bits = np.random.Philox(key=zlib.crc32(name.encode()))
    return (low + (high - low) * np.random.Generator(bits).random(shape)).astype("float32")


def weight(name, shape):
    """A weight: kernels of unit gain, scales around 1, biases around 0."""
    if len(shape) == 1:
        return (
            tensor(name, shape, 0.7, 1.3)
            if "norm" in name and name.endswith("weight")
            else tensor(name, shape, -0.3, 0.3)
        )
    return tensor(name, shape) * np.float32(np.sqrt(3 / np.prod(shape[1:])))


def inputs(case):
    """The inputs of a case, NHWC: what its network is called with."""
    config = CASES[case]
    if case.startswith("clip"):
        return (np.floor(tensor("ids", (2, 12), 0, 40)).astype("int32"),)
    if case.startswith("vae"):
        return (tensor("images", (2, 16, 16, 3)),)
    sample = tensor("sample", (2, 8, 8, config.get("in_channels", 4)))
    context = tensor("context", (2, 5, 12)) if config["cross_attention_dim"] == 12 else None
    return sample, np.float32([3, 981]), context


def reference_model(case):
    """The reference implementation with the case's weights."""
    import diffusers
    import torch
    import transformers

    if case.startswith("clip"):
        model = transformers.CLIPTextModel(transformers.CLIPTextConfig(**CASES[case]))
    else:
        kind = diffusers.UNet2DConditionModel if case.startswith("unet") else diffusers.AutoencoderKL
        model = kind(**CASES[case])
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(weight(disk_name(case, name), tuple(parameter.shape))))
    return model.eval()


def disk_name(case, name):
    """transformers 5 drops the prefix in memory that its files have."""
    return f"text_model.{name}" if case.startswith("clip") and not name.startswith("text_model.") else name


def reference_outputs(case, model):
    """What the reference implementation returns for the case's inputs, as NHWC arrays by name."""
    import torch

    def nchw(x):
        return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))

    def nhwc(x):
        return x.numpy().transpose(0, 2, 3, 1)

    with torch.no_grad():
        first, *rest = inputs(case)
        if case.startswith("clip"):
            return {"hidden": model(torch.from_numpy(first).long()).last_hidden_state.numpy()}
        if case.startswith("vae"):
            moments = model.encode(nchw(first)).latent_dist
            decoded = model.decode(moments.mean).sample
            return {"mean": nhwc(moments.mean), "logvar": nhwc(moments.logvar), "decoded": nhwc(decoded)}
        timesteps, context = rest
        context = None if context is None else torch.from_numpy(context)
        return {"output": nhwc(model(nchw(first), torch.from_numpy(timesteps), context).sample)}


def main():
    kept = {}
    for case in CASES:
        model = reference_model(case)
        shapes = {disk_name(case, name): list(value.shape) for name, value in model.named_parameters()}
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            config = (pathlib.Path(folder) / "config.json").read_text()
        kept[f"{case}/config"] = np.array(config)
        kept[f"{case}/shapes"] = np.array(json.dumps(shapes))
        for name, value in reference_outputs(case, model).items():
            kept[f"{case}/{name}"] = value.astype("float32")
    np.savez_compressed(OUT, **kept)


if __name__ == "__main__":
    main()
