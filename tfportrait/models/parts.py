"""Which parts the folder of a checkpoint has, and whether they belong together."""

import inspect

from tfportrait.models.autoencoder import AutoencoderKL
from tfportrait.models.network import CONFIG
from tfportrait.models.text_encoder import TextEncoder
from tfportrait.models.unet import UNet
from tfportrait.models.weights import read_json

INDEX = "model_index.json"
PIPELINES = ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline")
NETWORKS = {"unet": UNet, "vae": AutoencoderKL, "text_encoder": TextEncoder}
KINDS = {  # of the parts that are read
    "unet": ("UNet2DConditionModel",),
    "vae": ("AutoencoderKL",),
    "text_encoder": ("CLIPTextModel",),
    "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
}
MADE_FOR = {1: "depth maps", 3: "upscaling", 4: "instructions (InstructPix2Pix)"}  # channels beside the latents
IGNORED = ("scheduler", "safety_checker", "feature_extractor")


def check_index(folder):
    """What a folder's model_index.json says that it has.

    Returns: set of str, the parts that a painter is made of.

    Raises: ValueError if it is damaged, or the folder is something else than a Stable Diffusion 1 or 2 checkpoint.
    """
    if not (folder / INDEX).is_file() and (folder / CONFIG).is_file():
        config = read_json(folder / CONFIG)
        kind = _name(config.get("_class_name") or config.get("model_type") or "one network")
        raise ValueError(f"{folder} is no whole checkpoint but {kind} alone: it has no {INDEX}")
    index = read_json(folder / INDEX)
    pipeline = index.get("_class_name", PIPELINES[0])
    if pipeline not in PIPELINES:
        raise ValueError(f"{folder} is a {_name(pipeline)}, which cannot be read: Stable Diffusion 1.x and 2.x can")
    parts = {name: kind for name, kind in index.items() if isinstance(kind, list) and kind and kind[0]}
    for name, kind in parts.items():
        if name not in KINDS and name not in IGNORED:
            raise ValueError(
                f"{folder} has a part {name!r} ({_name(kind[-1])}), which Stable Diffusion 1 and 2 have not"
            )
        if name in KINDS and kind[-1] not in KINDS[name]:
            raise ValueError(
                f"{folder} has a {_name(kind[-1])} as its {name}, which cannot be read: {KINDS[name][0]} can"
            )
    if "unet" not in parts:
        raise ValueError(f"{folder / INDEX} names no unet")
    if ("text_encoder" in parts) != ("tokenizer" in parts):
        raise ValueError(f"{folder / INDEX} names a text_encoder or a tokenizer, but not both")
    if read_json(folder / "unet" / CONFIG).get("addition_embed_type") == "text_time":
        raise ValueError(
            f"{folder} is Stable Diffusion XL (its unet has addition_embed_type 'text_time'), which cannot be read: "
            "Stable Diffusion 1.x and 2.x can"
        )
    return set(parts) & set(KINDS)


def _name(value):
    """What JSON gives as a name, at a length that fits on a line."""
    return f"{value!r:.80}".strip("'")


def check_channels(what, unet, latents):
    """Raises a ValueError unless a U-Net, by its configuration, is one for painting or for inpainting.

    Args:
        what: str. For the message.
        unet: dict. Its "in_channels" and "out_channels".
        latents: int. Channels of the latents.
    """
    if unet["out_channels"] == latents and unet["in_channels"] in (latents, 2 * latents + 1):
        return
    made_for = MADE_FOR.get(unet["in_channels"] - latents, "something else")
    raise ValueError(
        f"{what} takes {unet['in_channels']} channels and gives {unet['out_channels']}, latents have {latents}: it is "
        f"made for {made_for}, which cannot be read; one for inpainting takes {2 * latents + 1}"
    )


def check_together(folder, configs, tokenizer):
    """Raises a ValueError unless the parts of a checkpoint belong together.

    Args:
        folder: path. For messages.
        configs: dict. "unet", "vae", "text_encoder" -> arguments of its constructor.
        tokenizer: Tokenizer or None.
    """
    whole = {
        name: {key: p.default for key, p in inspect.signature(NETWORKS[name].__init__).parameters.items()} | config
        for name, config in configs.items()
    }
    unet, vae, text = (whole.get(name) for name in NETWORKS)
    latents = vae["latent_channels"] if vae else unet["out_channels"]
    check_channels(f"the U-Net in {folder}", unet, latents)
    if not text:
        return
    context = unet["cross_attention_dim"]
    if any(width != text["hidden_size"] for width in (context if isinstance(context, list) else [context])):
        raise ValueError(
            f"the U-Net in {folder} takes a context of {context} channels, its text encoder gives "
            f"{text['hidden_size']}: they do not belong together"
        )
    if max(tokenizer.vocab.values()) >= text["vocab_size"] or tokenizer.max_length > text["max_position_embeddings"]:
        raise ValueError(
            f"the tokenizer in {folder} has {max(tokenizer.vocab.values()) + 1} tokens and makes rows of "
            f"{tokenizer.max_length}, its text encoder knows {text['vocab_size']} and "
            f"{text['max_position_embeddings']}: they do not belong together"
        )
