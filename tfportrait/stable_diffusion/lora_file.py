"""LoRA files (Hu et al. 2021) of Stable Diffusion 1.x and 2.x: the formats of diffusers, PEFT and Kohya.

A LoRA adds scale * up @ down to the weight of a layer: down is (rank, in), up (out, rank), or convolutions of these
channels, down with the layer's kernel and up with 1x1. In the file scale is alpha / rank, where an alpha is given.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import ml_dtypes  # noqa: F401  (teaches numpy the name "bfloat16", which safetensors asks it for)
import numpy as np
import safetensors
import safetensors.numpy

from tfportrait.files import atomic_write
from tfportrait.models.architecture import FAMILIES
from tfportrait.models.weights import read_tensor, tensors_in
from tfportrait.stable_diffusion.single_file import unet_name

SHOWN = 10
METADATA = "lora_adapter_metadata"
PATTERN = re.compile(r"[\w.|-]{1,200}")  # regular expressions of names, as far as they cannot run away
LARGEST_ALPHA = 1e6
# How the names of a layer's tensors end -> what they are.
ENDS = {
    ".lora_A.weight": "down",
    ".lora_B.weight": "up",
    ".lora_down.weight": "down",
    ".lora_up.weight": "up",
    ".lora.down.weight": "down",
    ".lora.up.weight": "up",
    "_lora.down.weight": "down",
    "_lora.up.weight": "up",
    ".lora_linear_layer.down.weight": "down",
    ".lora_linear_layer.up.weight": "up",
    ".alpha": "alpha",
}
# Parts of names that only other files have -> what those are.
OTHERS = {
    "lora_magnitude_vector": "DoRA",
    "dora_scale": "DoRA",
    "hada_w": "LoHa",
    "lokr_w": "LoKr",
    "oft_": "OFT",
    "lora_mid.": "a LoCon with a third factor (lora_mid)",
    "lora_te1_": "for Stable Diffusion XL",
    "lora_te2_": "for Stable Diffusion XL",
    "text_encoder_2.": "for Stable Diffusion XL",
    "lora_unet_label_emb": "for Stable Diffusion XL",
    "single_blocks": "for Flux",
    "single_transformer_blocks": "for Flux",
    "double_blocks": "for Flux",
    "joint_blocks": "for Stable Diffusion 3",
    "transformer.transformer_blocks": "for Stable Diffusion 3",
    "input_blocks.0.0.weight": "a whole checkpoint and no LoRA",
    "emb_params": "a textual inversion and no LoRA",
}
# What old files call the projections in the text encoder.
TEXT_PROJECTIONS = {"q_proj": "to_q", "k_proj": "to_k", "v_proj": "to_v", "out_proj": "to_out"}


class Factors(NamedTuple):
    """What a LoRA adds to one kernel: scale * down @ up, in Keras' order of the axes.

    Attributes:
        down: float32 (in, rank), or (height, width, in, rank).
        up: float32 (rank, out).
        scale: float.
    """

    down: np.ndarray
    up: np.ndarray
    scale: float


def read(path, kernels: Mapping[str, tuple[int, ...]], unet_config: Mapping) -> dict[str, Factors]:
    """The factors in a file.

    Args:
        path: str or path. A `.safetensors` file of diffusers, PEFT or Kohya.
        kernels: dict. Layer -> shape of its kernel (in, out) or (height, width, in, out); "unet." and "text_encoder."
            stand before the names that diffusers gives the layers.
        unet_config: dict. The U-Net's, for the names that CompVis gives its layers.

    Returns: dict, layer -> Factors.

    Raises: ValueError if the file is missing or damaged, is none of these, or does not fit: with its first ten tensors
        that do not.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path} may run any code when it is opened: only LoRAs in .safetensors files are read")
    found = tensors_in(path)
    _check_kind(path, found)
    layers, problems = _layers(found, kernels, unet_config)
    alphas = _Alphas(path)
    made = {}
    for layer, parts in layers.items():
        tensors = {part: read_tensor(found[name]) for part, name in parts.items()}
        if absent := [part for part in ("down", "up") if part not in tensors]:
            problems.append(f"{next(iter(parts.values()))} without the {absent[0]} part")
        elif (fit := _fitted(tensors["down"], tensors["up"], kernels[layer])) is None:
            shapes = " and ".join(str(tensors[part].shape) for part in ("down", "up"))
            problems.append(f"{parts['down']}: {shapes} for a kernel of {_on_disk(kernels[layer])}")
        elif "alpha" in tensors and tensors["alpha"].size != 1:
            problems.append(f"{parts['alpha']}: {tensors['alpha'].shape} instead of one number")
        else:
            rank = fit[1].shape[0]
            given = "alpha" in tensors
            made[layer] = Factors(*fit, float(tensors["alpha"].item()) / rank if given else alphas.scale(layer, rank))
    hint = _context_hint(found, layers, kernels)
    if problems:
        more = f" and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise ValueError(
            f"{path} does not fit the painter{hint}; nothing was changed. {len(problems)} of its tensors are wrong: "
            f"{'; '.join(problems[:SHOWN])}{more}"
        )
    return made


def write(path, factors: Mapping[str, Factors], dtype: str = "float32") -> None:
    """Writes factors as diffusers' `save_lora_weights` does; the scale is multiplied into `up`.

    Args:
        path: str or path. The file.
        factors: dict. Layer -> Factors.
        dtype: str. Of the numbers in the file.
    """
    tensors = {}
    for layer, (down, up, scale) in factors.items():
        down, up = down.T, up.T * np.float32(scale)  # (rank, in), (out, rank), or of a convolution:
        if down.ndim == 4:  # (rank, in, width, height)
            down, up = down.swapaxes(2, 3), up[:, :, None, None]
        tensors[f"{layer}.lora_A.weight"] = np.ascontiguousarray(down.astype(dtype))
        tensors[f"{layer}.lora_B.weight"] = np.ascontiguousarray(up.astype(dtype))
    with atomic_write(path) as file:
        file.write(safetensors.numpy.save(tensors, metadata={"format": "pt"}))


def _check_kind(path: Path, names: Iterable[str]) -> None:
    for part, what in OTHERS.items():
        if wrong := [name for name in names if part in name]:
            shown = ", ".join(wrong[:SHOWN]) + (f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else "")
            raise ValueError(
                f"{path} is {what}, which is not read: plain LoRA for Stable Diffusion 1.x and 2.x is. Its tensors "
                f"that say so: {shown}"
            )


def _layers(names, kernels, unet_config) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Layer -> part -> name of the tensor, and the names of tensors that belong nowhere."""
    known = {alias: layer for layer in kernels for alias in _aliases(layer, unet_config)}
    layers: dict[str, dict[str, str]] = {}
    unknown = []
    for name in names:
        end = next((end for end in ENDS if name.endswith(end)), None)
        layer = known.get(name.removesuffix(end)) if end else None
        if layer is None:
            unknown.append(f"{name} belongs to no layer")
        else:
            layers.setdefault(layer, {})[ENDS[end]] = name
    return layers, unknown


def _aliases(layer: str, unet_config: Mapping) -> list[str]:
    """What the files call a layer."""
    network, name = layer.split(".", 1)
    if network == "text_encoder":
        short, kohya = name.removeprefix("text_model."), f"lora_te_{name.replace('.', '_')}"
        path, _, last = layer.rpartition(".")
        return [layer, f"text_encoder.{short}", f"{path}.{TEXT_PROJECTIONS.get(last, last)}", kohya]
    old = re.sub(r"\.(attn[12])\.(to_[qkv]|to_out)(\.0)?$", r".\1.processor.\2", name)
    kohya = [f"lora_unet_{each.replace('.', '_')}" for each in (name, *_compvis(name, unet_config))]
    return [layer, name, f"unet.{old}", old, *kohya]


def _compvis(name: str, unet_config: Mapping) -> list[str]:
    """CompVis' name of a U-Net's layer, if there is one."""
    if name.startswith("add_embedding.") or not isinstance(unet_config["layers_per_block"], int):
        return []
    attentive = tuple("CrossAttn" in kind for kind in unet_config["up_block_types"])
    return [unet_name(f"{name}.", unet_config["layers_per_block"], attentive).removesuffix(".")]


def _fitted(down: np.ndarray, up: np.ndarray, kernel: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray] | None:
    """Both factors in Keras' order of the axes, or None if they do not fit the kernel.

    A dense layer's factors may be stored as 1x1 convolutions, and the other way round.
    """
    rank, wanted = (down.shape or (0,))[0], _on_disk(kernel)
    if not rank or down.shape[1:] not in {wanted[1:], _trimmed(wanted[1:]), (*wanted[1:], 1, 1)}:
        return None
    if up.shape not in {(wanted[0], rank), (wanted[0], rank, 1, 1)}:
        return None
    down = down.reshape(rank, *wanted[1:])  # (rank, in) or (rank, in, height, width)
    return down.T if down.ndim == 2 else down.transpose(2, 3, 1, 0), up.reshape(wanted[0], rank).T


def _on_disk(kernel: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of a kernel in PyTorch: (out, in) or (out, in, height, width)."""
    return (kernel[3], kernel[2], *kernel[:2]) if len(kernel) == 4 else tuple(kernel[::-1])


def _trimmed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:1] if shape[1:] == (1, 1) else shape


class _Alphas:
    """The scales in the metadata that diffusers writes: PEFT's configurations of the two networks."""

    def __init__(self, path: Path):
        self.path = path
        with safetensors.safe_open(path, "numpy") as file:
            metadata = file.metadata() or {}
        try:
            self.config = json.loads(metadata.get(METADATA, "{}"))
        except (ValueError, RecursionError):
            self.config = None
        if not isinstance(self.config, dict):
            raise ValueError(f"{path}: the metadata {METADATA} are damaged")

    def scale(self, layer: str, rank: int) -> float:
        network, name = layer.split(".", 1)
        alpha = self.config.get(f"{network}.lora_alpha")
        patterns = self.config.get(f"{network}.alpha_pattern") or {}
        if not isinstance(patterns, dict):
            raise ValueError(f"{self.path}: alpha_pattern in {METADATA} is no JSON object")
        for pattern, value in patterns.items():
            if not PATTERN.fullmatch(pattern):
                raise ValueError(f"{self.path}: alpha_pattern {pattern!r:.80} in {METADATA} is not read")
            if re.fullmatch(rf"(.*\.)?({pattern})", name):
                alpha = value
                break
        if alpha is None:
            return 1.0
        if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not abs(alpha) < LARGEST_ALPHA:
            raise ValueError(f"{self.path}: the alpha {alpha!r:.80} in {METADATA} is no number that a LoRA can have")
        return float(alpha) / (rank**0.5 if self.config.get(f"{network}.use_rslora") else rank)


def _context_hint(found, layers, kernels) -> str:
    """ " (it is for ..., ...)" if the file's cross-attention reads another context than the U-Net's."""
    for layer, parts in layers.items():
        if layer.endswith("attn2.to_k") and "down" in parts and len(found[parts["down"]].shape) > 1:
            width, wanted = found[parts["down"]].shape[1], kernels[layer][0]
            if width != wanted:
                made, has = (f"{FAMILIES.get(each, 'a context')} ({each} channels)" for each in (width, wanted))
                return f": it was made for {made}, the painter is {has}"
    return ""
