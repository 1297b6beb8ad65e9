"""What diffusers' image-to-image and inpainting pipelines make of pictures -> editing.npz.

    python tests/golden/editing.py     # needs torch, diffusers, transformers; made with diffusers 0.42.1, 5.24.0

The checkpoints are those of pipeline.py; that for inpainting has a U-Net of nine channels. The autoencoder gives the
mode of its posterior instead of a sample: chance in it is no part of what is compared.
"""

import contextlib
import json
import pathlib
import sys

import numpy as np
import safetensors.numpy

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from golden import pipeline  # noqa: E402

OUT = pathlib.Path(__file__).with_suffix(".npz")
BOX = np.s_[4:12, 2:10]  # whole latents


def image_to_image(sampler, steps, strength):
    return {"task": "image_to_image", "sampler": sampler, "steps": steps, "strength": strength}


def inpaint(sampler, steps, strength=1.0, channels=9):
    return {"task": "inpaint", "sampler": sampler, "steps": steps, "strength": strength, "channels": channels}


CASES = [
    *(image_to_image(sampler, 10, 0.6) for sampler in pipeline.CLASSES if sampler != "lcm"),
    image_to_image("dpmpp_2m", 20, 0.75),
    image_to_image("euler", 10, 1.0),
    *(inpaint(sampler, 10) for sampler in ("ddim", "dpmpp_2m", "euler", "euler_ancestral")),
    inpaint("ddim", 10, 0.5),
    inpaint("ddim", 10, 0.5, channels=4),
]


def pictures():
    """uint8 (2, 16, 16, 3), smooth."""
    y, x = np.mgrid[:16, :16] / 16
    waves = [np.sin(6 * x + 4 * y * c + c) for c in (1, 2, 3)]
    first = 127.5 + 120 * np.stack(waves, axis=-1)
    return np.stack([first, first[::-1, :, ::-1]]).astype("uint8")


def mask():
    """uint8 (16, 16)."""
    marked = np.zeros((16, 16), "uint8")
    marked[BOX] = 255
    return marked


def write_folder(folder, channels=4):
    """The checkpoint; with 9 channels the one for inpainting."""
    folder = pipeline.write_folder(folder, "sd1")
    if channels == 9:
        config = json.loads((folder / "unet" / "config.json").read_text())
        (folder / "unet" / "config.json").write_text(json.dumps({**config, "in_channels": 9}))
        (file,) = (folder / "unet").glob("*.safetensors")
        shapes = {name: value.shape for name, value in safetensors.numpy.load_file(file).items()}
        shapes["conv_in.weight"] = (shapes["conv_in.weight"][0], 9, 3, 3)
        pipeline.write_tensors(file, shapes)
    return folder


@contextlib.contextmanager
def settled(module):
    """Within, the pipeline starts from `pipeline.noise(0)` and takes the mode of what the autoencoder gives."""
    import torch

    start = torch.from_numpy(pipeline.noise(0).transpose(0, 3, 1, 2).copy())
    originals = module.randn_tensor, module.retrieve_latents
    module.randn_tensor = lambda *args, **options: start
    module.retrieve_latents = lambda output, *args, **options: output.latent_dist.mode()
    yield
    module.randn_tensor, module.retrieve_latents = originals


def paint(folder, case):
    """Pictures of a case, uint8 (2, 16, 16, 3)."""
    import diffusers
    from diffusers.pipelines.stable_diffusion import (
        pipeline_stable_diffusion_img2img,
        pipeline_stable_diffusion_inpaint,
    )
    from PIL import Image

    kinds = {
        "image_to_image": (diffusers.StableDiffusionImg2ImgPipeline, pipeline_stable_diffusion_img2img),
        "inpaint": (diffusers.StableDiffusionInpaintPipeline, pipeline_stable_diffusion_inpaint),
    }
    kind, module = kinds[case["task"]]
    pipe = kind.from_pretrained(folder, safety_checker=None, requires_safety_checker=False)
    pipe.scheduler = getattr(diffusers, pipeline.CLASSES[case["sampler"]]).from_config(pipeline.SCHEDULER)
    pipe = kind(**pipe.components, requires_safety_checker=False)  # checks the scheduler
    pipe.set_progress_bar_config(disable=True)
    options = {}
    if case["task"] == "inpaint":
        options = {"mask_image": Image.fromarray(mask()), "height": 16, "width": 16}
    with pipeline.fixed_noise(pipe.scheduler), settled(module):
        images = pipe(
            pipeline.PROMPTS,
            image=[Image.fromarray(picture) for picture in pictures()],
            negative_prompt=pipeline.NEGATIVES,
            num_inference_steps=case["steps"],
            strength=case["strength"],
            guidance_scale=7.5,
            **options,
        ).images
    return np.stack([np.asarray(image) for image in images])


def main():
    import tempfile

    kept = {}
    for number, case in enumerate(CASES):
        with tempfile.TemporaryDirectory() as folder:
            kept[str(number)] = paint(write_folder(folder, case.get("channels", 4)), case)
            print(case, float(kept[str(number)].std()))
    np.savez_compressed(OUT, cases=json.dumps(CASES), **kept)


if __name__ == "__main__":
    main()
