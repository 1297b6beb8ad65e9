"""What diffusers' converter makes of CompVis' names; python tests/golden/single_file.py writes single_file.json.gz.

Each tensor of a checkpoint in CompVis' names holds its own number; after the conversion the number says where it came
from. Needs diffusers, transformers and torch.
"""

import gzip
import json
from pathlib import Path

OUT = Path(__file__).with_suffix(".json.gz")
UNETS = {
    "sd1": {"cross_attention_dim": 768, "attention_head_dim": 8},
    "sd2": {"cross_attention_dim": 1024, "attention_head_dim": [5, 10, 20, 20], "use_linear_projection": True},
}
WIDTH = 4  # of the text encoder, whose projections OpenCLIP keeps in one tensor


def numbered(names):
    """A tensor for each name that holds the name's number."""
    import torch

    return {name: torch.full((3, 1, 1, 1) if "attn_1" in name else (3, 1), float(i)) for i, name in enumerate(names)}


def came_from(converted, names):
    """Name after the conversion -> name before it."""
    return {new: names[round(float(tensor.flatten()[0]))] for new, tensor in converted.items()}


def open_clip(ours, utils):
    """Name after the conversion -> name before it and the row that comes first. A value says its tensor and row."""
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel

    model = CLIPTextModel(
        CLIPTextConfig(hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=2, num_attention_heads=1)
    )
    names = sorted({ours.open_clip_name(name, WIDTH)[0] for name in model.state_dict() if "position_ids" not in name})
    rows = {name: 3 * WIDTH if "in_proj" in name else WIDTH for name in names}
    tensors = {ours.OPEN_CLIP + n: 1000.0 * i + torch.arange(float(rows[n]))[:, None] for i, n in enumerate(names)}
    tensors[ours.OPEN_CLIP + "text_projection"] = torch.zeros(WIDTH, WIDTH)
    converted = utils.convert_open_clip_checkpoint(model, tensors, ours.OPEN_CLIP)
    first = {name: divmod(round(float(tensor.flatten()[0])), 1000) for name, tensor in converted.items()}
    return {
        name: (ours.OPEN_CLIP + names[number], row) for name, (number, row) in first.items() if "projection" not in name
    }


def main():
    from diffusers.loaders import single_file_utils as utils
    from diffusers.models import AutoencoderKL, UNet2DConditionModel

    from tfportrait.stable_diffusion import single_file as ours

    made = {}
    for kind, config in UNETS.items():
        unet = UNet2DConditionModel.from_config({**UNet2DConditionModel().config, **config})
        attentive = (False, True, True, True)
        names = [ours.UNET + ours.unet_name(name, 2, attentive) for name in unet.state_dict()]
        made[f"unet_{kind}"] = came_from(utils.convert_ldm_unet_checkpoint(numbered(names), unet.config), names)
    config = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2}
    for part in ("down_block_types", "up_block_types"):
        config[part] = [f"{'Down' if part[0] == 'd' else 'Up'}EncoderBlock2D".replace("UpEn", "UpDe")] * 4
    vae = AutoencoderKL(**config)
    names = [ours.VAE + ours.vae_name(name, 4) for name in vae.state_dict()]
    made["vae"] = came_from(utils.convert_ldm_vae_checkpoint(numbered(names), vae.config), names)
    made["open_clip"] = open_clip(ours, utils)
    with gzip.open(OUT, "wt") as file:
        json.dump(made, file)
    print({name: len(pairs) for name, pairs in made.items()})


if __name__ == "__main__":
    main()
