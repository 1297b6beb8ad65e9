"""Whether a network's config.json can be true, found out before the network takes any memory.

A configuration is JSON from anywhere: its values are checked against the kind that the constructor's defaults have.
Where the header of the weights shows what they were made for, the two are compared, so that what is allocated is never
more than the file holds.
"""

import inspect
import re
from collections.abc import Mapping

LARGEST = 2**20  # of any whole number in a configuration
LEVELS = 64  # entries of any list
PER_LEVEL = ("layers_per_block", "transformer_layers_per_block", "attention_head_dim")  # one number, or one a level
MAY_BE_ZERO = ("freq_shift", "bos_token_id", "eos_token_id", "pad_token_id")
FAMILIES = {  # channels of the context -> whose they are
    768: "Stable Diffusion 1",
    1024: "Stable Diffusion 2",
    1280: "Stable Diffusion XL",
    2048: "Stable Diffusion XL",
}


def check_values(cls, config: Mapping, path) -> None:
    """Raises a ValueError unless every value is of the kind that the default of its argument has, and within bounds.

    Args:
        cls: class of the network, see `Network`.
        config: dict. Arguments of its constructor.
        path: path. Of the config.json, for messages.
    """
    parameters = inspect.signature(cls.__init__).parameters
    for name, value in config.items():
        words, fits = _wanted(name, parameters[name].default)
        if not fits(value):
            raise ValueError(f"{path}: {name} is {value!r:.80}, but must be {words}")


def _wanted(name, default):
    """What a value must be, in words and as a function."""
    if name in MAY_BE_ZERO:
        return f"a whole number from 0 to {LARGEST}, or null", lambda value: value is None or _is_whole(value, 0)
    if isinstance(default, bool):
        return "true, false or null", lambda value: value is None or isinstance(value, bool)
    if isinstance(default, float):
        return "a finite number", _is_finite
    if name == "attributes":  # of conditional models: their names and values
        return "an object, or null", lambda value: value is None or isinstance(value, dict)
    if default is None and name.endswith("_block_types"):
        return "a list of strings, or null", lambda value: value is None or isinstance(value, list | tuple)
    if default is None or name == "cross_attention_dim":
        words = f"a whole number from 1 to {LARGEST}, a string, null, or a list of such"
        return words, lambda value: all(one is None or _is_whole(one) or _is_text(one) for one in _list(value))
    if name in PER_LEVEL:
        return f"a whole number from 1 to {LARGEST}, or a list of such", lambda value: all(map(_is_whole, _list(value)))
    if isinstance(default, int):
        return f"a whole number from 1 to {LARGEST}", _is_whole
    if isinstance(default, str):
        return "a string or null", lambda value: value is None or _is_text(value)
    if isinstance(default, tuple):
        strings = not default or isinstance(default[0], str)
        one, words = (_is_text, "strings") if strings else (_is_whole, "whole numbers above 0")

        def fits(value):
            empty = not default and not value  # only where that is the default
            return isinstance(value, list | tuple) and (empty or all(map(one, _list(value))))

        return f"a list of {words}", fits
    return "", lambda value: True


def _list(value):
    """The entries of a list that is not absurdly long, else the value alone."""
    return value if isinstance(value, list | tuple) and 0 < len(value) <= LEVELS else [value]


def _is_whole(value, least=1):
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST


def _is_finite(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _is_text(value):
    return isinstance(value, str)


def unet_sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict:
    """What a U-Net's weights say about its configuration.

    Args:
        shapes: dict. Names, as diffusers has them, and shapes.
    """
    levels = _count(shapes, r"down_blocks\.(\d+)\.")
    sizes = {
        "in_channels": shapes["conv_in.weight"][1],
        "out_channels": shapes["conv_out.weight"][0],
        "block_out_channels": [shapes[f"down_blocks.{i}.resnets.0.conv1.weight"][0] for i in range(levels)],
        "layers_per_block": [_count(shapes, rf"down_blocks\.{i}\.resnets\.(\d+)\.") for i in range(levels)],
    }
    keys = [shape for name, shape in shapes.items() if name.endswith("attn2.to_k.weight")]
    projections = [shape for name, shape in shapes.items() if name.endswith(".proj_in.weight")]
    if projections:
        sizes["cross_attention_dim"] = keys[0][1] if keys else None
        sizes["use_linear_projection"] = len(projections[0]) == 2
        blocks = [rf"down_blocks\.{i}" for i in range(levels - 1)]
        blocks.append(rf"(?:mid_block|down_blocks\.{levels - 1})")
        sizes["transformer_layers_per_block"] = [
            _count(shapes, rf"{block}\.attentions\.0\.transformer_blocks\.(\d+)\.") or None for block in blocks
        ]
    return sizes


def autoencoder_sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict:
    """What an autoencoder's weights say about its configuration, likewise."""
    levels = _count(shapes, r"encoder\.down_blocks\.(\d+)\.")
    return {
        "in_channels": shapes["encoder.conv_in.weight"][1],
        "out_channels": shapes["decoder.conv_out.weight"][0],
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "block_out_channels": [shapes[f"encoder.down_blocks.{i}.resnets.0.conv1.weight"][0] for i in range(levels)],
        "layers_per_block": _count(shapes, r"encoder\.down_blocks\.0\.resnets\.(\d+)\."),
    }


def text_encoder_sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict:
    """What a text encoder's weights say about its configuration, likewise."""
    shapes = {name.removeprefix("text_model."): shape for name, shape in shapes.items()}
    vocabulary, width = shapes["embeddings.token_embedding.weight"]
    return {
        "vocab_size": vocabulary,
        "hidden_size": width,
        "intermediate_size": shapes["encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": _count(shapes, r"encoder\.layers\.(\d+)\."),
        "max_position_embeddings": shapes["embeddings.position_embedding.weight"][0],
    }


SIZES = {"UNet": unet_sizes, "AutoencoderKL": autoencoder_sizes, "TextEncoder": text_encoder_sizes}


def check_sizes(cls, config: Mapping, path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raises a ValueError unless a configuration agrees with the weights beside it; says what they would fit.

    Args:
        cls: class of the network. Only those of `SIZES` are compared.
        config: dict. Arguments of its constructor, checked by `check_values`.
        path: path. Of the config.json, for messages.
        shapes: dict. Names and shapes of the weights.
    """
    if cls.__name__ not in SIZES:
        return
    try:
        found = SIZES[cls.__name__](shapes)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"the weights beside {path} are no {cls.__name__}'s, or not whole: {str(error)[:200]} is missing"
        ) from None
    defaults = {name: parameter.default for name, parameter in inspect.signature(cls.__init__).parameters.items()}
    wrong = {name: value for name, value in found.items() if not _agrees(config.get(name, defaults[name]), value)}
    if wrong:
        said = ", ".join(f"{name}={config.get(name, defaults[name])!r:.80}" for name in wrong)
        had = ", ".join(f"{name}={value!r}" for name, value in wrong.items())
        family = FAMILIES.get(wrong.get("cross_attention_dim", wrong.get("hidden_size")))
        raise ValueError(
            f"{path} does not fit the weights beside it: it says {said}, they have {had}"
            + (f" ({family})" if family else "")
        )


def _agrees(said, found):
    """Whether a value of a configuration is what was found: one value may stand for equal ones, None is not known."""
    if isinstance(found, bool):
        return bool(said) == found
    if not isinstance(found, list):
        return all(one == found for one in _list(said))
    said = list(said) if isinstance(said, list | tuple) else [said] * len(found)
    return len(said) == len(found) and all(b is None or a == b for a, b in zip(said, found, strict=True))


def _count(shapes, pattern):
    """One more than the largest number that the group of a pattern finds in the names; 0 without any."""
    return 1 + max((int(match[1]) for match in (re.search(pattern, name) for name in shapes) if match), default=-1)
