"""Checkpoints in one file, as CompVis and Stability AI distribute them: names, architecture, weights.

A single file has no configuration: the architecture is read off the shapes of its tensors. Two things are not in it and
are told or assumed: whether the U-Net predicts the noise or v, and the number of attention heads (eight in
Stable Diffusion 1, one for each 64 channels in 2).
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path

from tfportrait.diffusion import schedules
from tfportrait.models.architecture import check_values
from tfportrait.models.autoencoder import AutoencoderKL
from tfportrait.models.parts import check_channels
from tfportrait.models.text_encoder import TextEncoder
from tfportrait.models.tokenizer import Tokenizer
from tfportrait.models.unet import UNet
from tfportrait.models.weights import Place, make_with_weights, named_variables, tensors_in

UNET, VAE, CLIP, OPEN_CLIP = (
    "model.diffusion_model.",
    "first_stage_model.",
    "cond_stage_model.transformer.",
    "cond_stage_model.model.",
)
SCALING_FACTOR = 0.18215
SCHEDULER = {  # that of every Stable Diffusion 1 and 2
    "_class_name": "PNDMScheduler",
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "clip_sample": False,
    "prediction_type": "epsilon",
}
# What other checkpoints have and these have not: part of a name -> what it is.
OTHERS = {
    "conditioner.embedders.": "Stable Diffusion XL",
    "joint_blocks.": "Stable Diffusion 3",
    "double_blocks.": "Flux",
    "control_model.": "a ControlNet",
    "lora_": "a LoRA (it is added to a checkpoint)",
    "transformer_blocks.0.attn.add_q_proj": "a diffusion transformer",
}
_HEAD_CHANNELS = 64
_RESNET = {
    "norm1.": "in_layers.0.",
    "conv1.": "in_layers.2.",
    "time_emb_proj.": "emb_layers.1.",
    "norm2.": "out_layers.0.",
    "conv2.": "out_layers.3.",
    "conv_shortcut.": "skip_connection.",
}
_UNET_ENDS = {
    "conv_in.": "input_blocks.0.0.",
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
    "mid_block.resnets.0.": "middle_block.0.",
    "mid_block.attentions.0.": "middle_block.1.",
    "mid_block.resnets.1.": "middle_block.2.",
}
_VAE_PARTS = {
    "mid_block.resnets.0.": "mid.block_1.",
    "mid_block.resnets.1.": "mid.block_2.",
    "mid_block.attentions.0.group_norm.": "mid.attn_1.norm.",
    "mid_block.attentions.0.to_q.": "mid.attn_1.q.",
    "mid_block.attentions.0.to_k.": "mid.attn_1.k.",
    "mid_block.attentions.0.to_v.": "mid.attn_1.v.",
    "mid_block.attentions.0.to_out.0.": "mid.attn_1.proj_out.",
    "conv_norm_out.": "norm_out.",
    "conv_shortcut.": "nin_shortcut.",
}
_OPEN_CLIP_PARTS = {
    "embeddings.token_embedding.weight": "token_embedding.weight",
    "embeddings.position_embedding.weight": "positional_embedding",
    "final_layer_norm.": "ln_final.",
    "encoder.layers.": "transformer.resblocks.",
    ".layer_norm1.": ".ln_1.",
    ".layer_norm2.": ".ln_2.",
    ".self_attn.out_proj.": ".attn.out_proj.",
    ".mlp.fc1.": ".mlp.c_fc.",
    ".mlp.fc2.": ".mlp.c_proj.",
}


def unet_name(name: str, layers_per_block: int, attentive: tuple[bool, ...]) -> str:
    """CompVis' name of a U-Net's weight.

    Args:
        name: str. diffusers' name.
        layers_per_block: int.
        attentive: tuple of bool. Whether each of the up blocks has attention.
    """
    for own, other in _UNET_ENDS.items():
        if name.startswith(own):
            return _replaced(name.replace(own, other, 1), _RESNET if ".resnets." in name else {})
    path, level, kind, index, rest = re.fullmatch(r"(\w+_blocks)\.(\d+)\.(\w+)\.(\d+)\.(.*)", name).groups()
    level, index = int(level), int(index)
    place = {"resnets": 0, "attentions": 1}.get(kind)
    if path == "down_blocks":
        if kind == "downsamplers":
            return f"input_blocks.{(layers_per_block + 1) * (level + 1)}.0.{rest.replace('conv.', 'op.', 1)}"
        block = f"input_blocks.{1 + (layers_per_block + 1) * level + index}"
    else:
        if kind == "upsamplers":
            return f"output_blocks.{(layers_per_block + 1) * (level + 1) - 1}.{1 + attentive[level]}.{rest}"
        block = f"output_blocks.{(layers_per_block + 1) * level + index}"
    return f"{block}.{place}.{_replaced(rest, _RESNET) if kind == 'resnets' else rest}"


def vae_name(name: str, levels: int) -> str:
    """CompVis' name of an autoencoder's weight with so many levels, from diffusers'."""
    name = _replaced(name, _VAE_PARTS)
    name = re.sub(r"down_blocks\.(\d+)\.resnets\.", r"down.\1.block.", name)
    name = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0\.", r"down.\1.downsample.", name)
    name = re.sub(r"up_blocks\.(\d+)\.resnets\.", lambda m: f"up.{levels - 1 - int(m[1])}.block.", name)
    return re.sub(r"up_blocks\.(\d+)\.upsamplers\.0\.", lambda m: f"up.{levels - 1 - int(m[1])}.upsample.", name)


def open_clip_name(name: str, width: int) -> tuple[str, slice | None]:
    """OpenCLIP's name of a text encoder's weight, from transformers', and the rows of that tensor that are meant.

    OpenCLIP keeps the projections to queries, keys and values in one tensor.
    """
    name = name.removeprefix("text_model.")
    if found := re.search(r"\.self_attn\.([qkv])_proj\.(weight|bias)$", name):
        start = "qkv".index(found[1]) * width
        rest = _replaced(name[: found.start()], {"encoder.layers.": "transformer.resblocks."})
        return f"{rest}.attn.in_proj_{found[2]}", slice(start, start + width)
    return _replaced(name, _OPEN_CLIP_PARTS), None


def _replaced(name: str, table: Mapping[str, str]) -> str:
    for own, other in table.items():
        name = name.replace(own, other)
    return name


def check_kind(path: Path, tensors: Mapping[str, Place]) -> None:
    """Raises a ValueError that says what the file is unless it is a Stable Diffusion 1 or 2 checkpoint."""
    for part, what in OTHERS.items():
        if any(part in name for name in tensors):
            raise ValueError(f"{path} is {what}, which cannot be read: Stable Diffusion 1.x and 2.x can")
    for prefix, what in ((UNET, "U-Net"), (VAE, "autoencoder")):
        if not any(name.startswith(prefix) for name in tensors):
            raise ValueError(f"{path} is no Stable Diffusion checkpoint: it has no {what} ({prefix}...)")
    if not any(name.startswith((CLIP, OPEN_CLIP)) for name in tensors):
        raise ValueError(
            f"{path} is no Stable Diffusion checkpoint: it has no text encoder ({CLIP}..., {OPEN_CLIP}...)"
        )


def unet_config(tensors: Mapping[str, Place]) -> dict:
    """The U-Net's configuration, as diffusers words it, read off the tensors of a file."""
    shapes = {name.removeprefix(UNET): place.shape for name, place in tensors.items() if name.startswith(UNET)}
    channels, attentive, count = [], [False], 0
    while (
        f"input_blocks.{count + 1}.0.in_layers.2.weight" in shapes or f"input_blocks.{count + 1}.0.op.weight" in shapes
    ):
        count += 1
        block = f"input_blocks.{count}"
        if f"{block}.0.op.weight" in shapes:
            channels.append(shapes[f"{block}.0.op.weight"][0])
            attentive.append(False)
        else:
            attentive[-1] |= f"{block}.1.norm.weight" in shapes
            last = shapes[f"{block}.0.out_layers.3.weight"][0]
    channels.append(last)
    key = next(name for name in shapes if name.endswith("attn2.to_k.weight"))
    projection = next(name for name in shapes if name.endswith(".1.proj_in.weight"))
    linear = len(shapes[projection]) == 2
    kinds = {True: "CrossAttn{}Block2D", False: "{}Block2D"}
    return {
        "in_channels": shapes["input_blocks.0.0.weight"][1],
        "out_channels": shapes["out.2.weight"][0],
        "down_block_types": [kinds[has].format("Down") for has in attentive],
        "up_block_types": [kinds[has].format("Up") for has in reversed(attentive)],
        "block_out_channels": channels,
        "layers_per_block": (count + 1) // len(channels) - 1,
        "cross_attention_dim": shapes[key][1],
        "use_linear_projection": linear,
        "attention_head_dim": [max(c // _HEAD_CHANNELS, 1) for c in channels] if linear else 8,
    }


def vae_config(tensors: Mapping[str, Place]) -> dict:
    """The autoencoder's configuration, likewise."""
    shapes = {name.removeprefix(VAE): place.shape for name, place in tensors.items() if name.startswith(VAE)}
    levels = 0
    while f"encoder.down.{levels}.block.0.conv1.weight" in shapes:
        levels += 1
    layers = sum(f"encoder.down.0.block.{i}.conv1.weight" in shapes for i in range(16))
    return {
        "in_channels": shapes["encoder.conv_in.weight"][1],
        "out_channels": shapes["decoder.conv_out.weight"][0],
        "latent_channels": shapes["post_quant_conv.weight"][0],
        "block_out_channels": [shapes[f"encoder.down.{i}.block.0.conv1.weight"][0] for i in range(levels)],
        "layers_per_block": layers,
        "norm_num_groups": 32,
        "scaling_factor": SCALING_FACTOR,
    }


def text_config(tensors: Mapping[str, Place]) -> dict:
    """The text encoder's configuration, likewise; of OpenCLIP's layers the last is not used."""
    old = any(name.startswith(CLIP) for name in tensors)
    prefix = CLIP if old else OPEN_CLIP
    shapes = {
        name.removeprefix(prefix).removeprefix("text_model."): p.shape
        for name, p in tensors.items()
        if name.startswith(prefix)
    }
    layer = "encoder.layers." if old else "transformer.resblocks."
    layers = {int(name.removeprefix(layer).split(".")[0]) for name in shapes if name.startswith(layer)}
    vocabulary, width = shapes["embeddings.token_embedding.weight" if old else "token_embedding.weight"]
    inside = shapes[f"{layer}0.mlp.fc1.weight" if old else f"{layer}0.mlp.c_fc.weight"][0]
    places = shapes["embeddings.position_embedding.weight" if old else "positional_embedding"][0]
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": inside,
        "num_hidden_layers": len(layers) - (not old),
        "num_attention_heads": max(width // _HEAD_CHANNELS, 1),
        "max_position_embeddings": places,
        "hidden_act": "quick_gelu" if old else "gelu",
    }


def read_networks(path, *, ema: bool = False, dtype: str | None = None) -> tuple[UNet, AutoencoderKL, TextEncoder]:
    """The three networks of a checkpoint in one file.

    Args:
        path: str or path. A `.safetensors` file.
        ema: bool. Take the U-Net's averaged weights, where the file has them beside the trained ones.
        dtype: str or None. Dtype policy of the networks.

    Raises: ValueError if the file is damaged, something else than Stable Diffusion 1 or 2, or has no averaged weights
        though they are asked for.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(
            f"{path} may run any code when it is opened, so that only safetensors files are read: convert it where you "
            "trust it, with torch.load(..., weights_only=True) and safetensors.torch.save_file"
        )
    tensors = tensors_in(path)
    check_kind(path, tensors)
    try:
        configs = unet_config(tensors), vae_config(tensors), text_config(tensors)
    except (KeyError, StopIteration, UnboundLocalError, IndexError, ValueError) as error:
        raise ValueError(f"{path} is no whole Stable Diffusion checkpoint: {error} is missing") from error
    classes = (UNet, AutoencoderKL, TextEncoder)
    for cls, config in zip(classes, configs, strict=True):
        check_values(cls, config, path)
    check_channels(f"the U-Net in {path}", configs[0], configs[1]["latent_channels"])
    levels = len(configs[1]["block_out_channels"])
    find_places = (
        lambda unet: _unet_places(path, unet, tensors, ema),
        lambda autoencoder: _places(autoencoder, tensors, lambda name: (VAE + vae_name(name, levels), None)),
        lambda text_encoder: _text_places(text_encoder, tensors),
    )
    unet, autoencoder, text_encoder = (
        make_with_weights(functools.partial(cls, **config, dtype=dtype), path, find)
        for cls, config, find in zip(classes, configs, find_places, strict=True)
    )
    return unet, autoencoder, text_encoder


def read(cls, path, *, dtype: str | None = None, prediction_type: str | None = None, ema: bool = False):
    """The painter in one file; its tokenizer stands beside it, in the folder `tokenizer/`.

    Args:
        cls: LatentDiffusion or a subclass.
        path: str or path. A `.safetensors` file.
        dtype: str or None. Dtype policy of the networks.
        prediction_type: str or None. "epsilon" or "v_prediction". May be left out for Stable Diffusion 1, which
            predicts the noise.
        ema: bool. As in `read_networks`.

    Raises: ValueError as in `read_networks`, or if the prediction type or the tokenizer is missing.
    """
    path = Path(path)
    tokenizer = path.parent / "tokenizer"
    if path.suffix == ".safetensors" and not tokenizer.is_dir():
        raise ValueError(
            f"{path} has no tokenizer in it: put vocab.json and merges.txt into {tokenizer}, from the folder "
            "tokenizer/ of any Stable Diffusion checkpoint in diffusers' layout"
        )
    if path.suffix == ".safetensors" and prediction_type is None and _is_second(tensors_in(path)):
        raise ValueError(
            f"{path} is Stable Diffusion 2, and its file does not say what its U-Net predicts: give "
            'prediction_type="epsilon" (the base models, 512 px) or "v_prediction" (768 px)'
        )
    unet, autoencoder, text_encoder = read_networks(path, ema=ema, dtype=dtype)
    schedule, _ = schedules.from_diffusers(SCHEDULER)
    return cls(
        unet=unet,
        autoencoder=autoencoder,
        text_encoder=text_encoder,
        tokenizer=Tokenizer.from_folder(tokenizer),
        schedule=schedule,
        prediction_type=prediction_type or "epsilon",
    )


def _is_second(tensors: Mapping[str, Place]) -> bool:
    return any(name.startswith(OPEN_CLIP) for name in tensors)


def _unet_places(path: Path, unet: UNet, tensors: Mapping[str, Place], ema: bool) -> dict[str, Place]:
    layers = unet.config["layers_per_block"]
    attentive = tuple("CrossAttn" in kind for kind in unet.config["up_block_types"])

    def find(name: str) -> tuple[str, None]:
        name = unet_name(name, layers, attentive)
        return ("model_ema." + f"diffusion_model.{name}".replace(".", "") if ema else UNET + name), None

    if ema and not any(name.startswith("model_ema.") for name in tensors):
        raise ValueError(f"{path} has no averaged weights (model_ema...): leave ema=True out")
    return _places(unet, tensors, find)


def _text_places(text_encoder: TextEncoder, tensors: Mapping[str, Place]) -> dict[str, Place]:
    if _is_second(tensors):
        width = text_encoder.config["hidden_size"]

        def find(name: str) -> tuple[str, slice | None]:
            name, rows = open_clip_name(name, width)
            return OPEN_CLIP + name, rows
    else:

        def find(name: str) -> tuple[str, None]:
            short = CLIP + name.removeprefix("text_model.")
            return (CLIP + name if CLIP + name in tensors else short), None

    return _places(text_encoder, tensors, find)


def _places(model, tensors: Mapping[str, Place], find) -> dict[str, Place]:
    """Where each of a model's variables is; one whose tensor is missing has no place."""
    places = {}
    for name in named_variables(model):
        key, rows = find(name)
        if key in tensors:
            shape = tensors[key].shape
            shape = shape if rows is None else (min(rows.stop, shape[0]) - rows.start, *shape[1:])
            places[name] = tensors[key]._replace(shape=shape, rows=rows)
    return places
