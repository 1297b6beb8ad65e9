"""Stable Diffusion at full size against diffusers and KerasCV: numbers, speed and memory, in the same run.

    python tests/benchmarks/bench_stable_diffusion.py numbers|unet|vae|picture|loading [--version 1|2] [--rounds 5]

The weights are random: diffusers makes the checkpoint in a temporary folder (4 GB; `--folder` keeps it for other runs).
The sides take turns in one process; the tables have the medians. For `picture` and `loading` each side is a process of
its own, so that its memory can be told: `picture` is 20 guided steps of DPM-Solver++(2M), from the same noise.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from timing import medians

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
TOKENIZER = Path(__file__).parents[2] / "tfportrait" / "presets" / "portrait_128" / "tokenizer"
PROMPT, NEGATIVE = "a smiling woman with red hair, watercolour", "a man"
SCHEDULER = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "steps_offset": 1,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
}
UNETS = {
    1: {"sample_size": 64, "cross_attention_dim": 768, "attention_head_dim": 8},
    2: {
        "sample_size": 96,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),
        "use_linear_projection": True,
    },
}
TEXTS = {
    1: {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
    2: {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 23,
        "num_attention_heads": 16,
        "hidden_act": "gelu",
    },
}
VAE = {
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 2,
}
DTYPES = ("float32", "bfloat16")


def make_checkpoint(folder, version):
    """A checkpoint of random weights, written by diffusers."""
    import diffusers
    import torch
    import transformers

    torch.manual_seed(0)
    text = {"vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407, **TEXTS[version]}
    prediction = "v_prediction" if version == 2 else "epsilon"
    diffusers.StableDiffusionPipeline(
        unet=diffusers.UNet2DConditionModel(**UNETS[version]),
        vae=diffusers.AutoencoderKL(**VAE),
        text_encoder=transformers.CLIPTextModel(transformers.CLIPTextConfig(**text)),
        tokenizer=transformers.CLIPTokenizer.from_pretrained(TOKENIZER),
        scheduler=diffusers.PNDMScheduler(prediction_type=prediction, **SCHEDULER),
        safety_checker=None,
        feature_extractor=None,
    ).save_pretrained(folder)


def last(x):
    """Channels first to channels last."""
    return np.moveaxis(np.asarray(x), 1, -1)


def first(x):
    import torch

    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def numbers(folder, version, _):
    """Largest difference of each network from its original, relative to the largest output."""
    import diffusers
    import torch
    import transformers

    from tfportrait.models import AutoencoderKL, TextEncoder, UNet

    rng = np.random.default_rng(0)
    side, width = (64, 768) if version == 1 else (96, 1024)
    latents, context = (
        rng.standard_normal((1, side, side, 4), "float32"),
        rng.standard_normal((1, 77, width), "float32"),
    )
    images = rng.uniform(-1, 1, (1, 256, 256, 3)).astype("float32")
    token_ids = rng.integers(0, 49407, (2, 77)).astype("int32")

    def report(name, ours, theirs):
        ours, theirs = np.asarray(ours), np.asarray(theirs)
        print(f"{name:16}{np.abs(ours - theirs).max() / np.abs(theirs).max():10.1e}", flush=True)

    with torch.inference_mode():
        theirs = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet").eval()
        wanted = last(theirs(first(latents), torch.tensor([321.0]), torch.from_numpy(context)).sample)
        del theirs
        report("U-Net", UNet.from_folder(folder / "unet", dtype="float32")(latents, np.float32([321]), context), wanted)
        theirs = diffusers.AutoencoderKL.from_pretrained(folder / "vae").eval()
        ours = AutoencoderKL.from_folder(folder / "vae", dtype="float32")
        moments = theirs.encode(first(images)).latent_dist
        report("VAE, encode", ours.moments(images)[0], last(moments.mean))
        decoded = last(theirs.decode(first(latents) / ours.scaling_factor).sample)
        report("VAE, decode", ours.decode(latents), decoded)
        theirs = transformers.CLIPTextModel.from_pretrained(folder / "text_encoder").eval()
        wanted = theirs(torch.from_numpy(token_ids).long()).last_hidden_state.numpy()
        report("text encoder", TextEncoder.from_folder(folder / "text_encoder", dtype="float32")(token_ids), wanted)


def unet(folder, version, rounds):
    """Seconds of a forward pass, batch 1, 64x64x4: yields what was measured and a dict of side to seconds."""
    import diffusers
    import torch

    from tfportrait.models import UNet
    from tfportrait.training.compiled import compiled

    rng = np.random.default_rng(0)
    width = UNETS[version]["cross_attention_dim"]
    latents, context = rng.standard_normal((1, 64, 64, 4), "float32"), rng.standard_normal((1, 77, width), "float32")
    for dtype in DTYPES:
        ours = UNet.from_folder(folder / "unet", dtype=dtype)
        run = compiled(ours, "forward", lambda *x, ours=ours: ours(*x))
        steps = {"tfportrait": lambda run=run: np.asarray(run(latents, np.float32([321]), context))}
        for name, layout in (("diffusers NCHW", torch.contiguous_format), ("diffusers NHWC", torch.channels_last)):
            theirs = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=getattr(torch, dtype))
            theirs = theirs.eval().to(memory_format=layout)
            steps[name] = forward(theirs, latents, context, dtype, layout)
        if dtype == "float32" and version == 1:
            steps["KerasCV"] = keras_cv_forward(latents, context)
        yield f"U-Net, {dtype}", medians(steps, rounds)
        steps.clear()


def forward(network, latents, context, dtype, layout):
    import torch

    x = first(latents).to(getattr(torch, dtype)).contiguous(memory_format=layout)
    context = torch.from_numpy(context).to(x.dtype)

    def step():
        with torch.inference_mode():
            return network(x, torch.tensor([321.0]), context).sample.float().numpy()

    return step


def keras_cv_forward(latents, context):
    from keras_cv.src.models.stable_diffusion.diffusion_model import DiffusionModel

    from tfportrait.training.compiled import compiled

    network = DiffusionModel(512, 512, 77, download_weights=False)
    run = compiled(network, "forward", lambda *x: network(x, training=False))
    return lambda: np.asarray(run(latents, np.zeros((1, 320), "float32"), context))


def vae(folder, _, rounds):
    """Seconds of a decoding to 512 px; as `unet`."""
    import diffusers
    import torch

    from tfportrait.models import AutoencoderKL
    from tfportrait.training.compiled import compiled

    latents = np.random.default_rng(0).standard_normal((1, 64, 64, 4), "float32")
    for dtype in DTYPES:
        ours = AutoencoderKL.from_folder(folder / "vae", dtype=dtype)
        run = compiled(ours, "decode", ours.decode)
        steps = {"tfportrait": lambda run=run: np.asarray(run(latents))}
        for name, layout in (("diffusers NCHW", torch.contiguous_format), ("diffusers NHWC", torch.channels_last)):
            theirs = diffusers.AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=getattr(torch, dtype))
            theirs = theirs.eval().to(memory_format=layout)
            steps[name] = decoding(theirs, latents, dtype, layout)
        yield f"VAE, decode, {dtype}", medians(steps, rounds)


def decoding(network, latents, dtype, layout):
    import torch

    x = first(latents).to(getattr(torch, dtype)).contiguous(memory_format=layout)

    def step():
        with torch.inference_mode():
            return network.decode(x).sample.float().numpy()

    return step


def show(name, seconds):
    theirs = [value for side, value in seconds.items() if side.startswith("diffusers")]
    print(f"{name}: {'  '.join(f'{side} {value:.2f} s' for side, value in seconds.items())}", end="")
    for what, value in (("default", theirs[0]), ("faster", min(theirs))):
        print(f"  {seconds['tfportrait'] / value:.2f} of diffusers' {what} layout", end="")
    print(flush=True)


def picture(folder, version, rounds):
    """Seconds, peak memory and picture of 20 guided steps at the checkpoint's size."""
    for dtype in DTYPES:
        seconds, peaks, pictures = {}, {}, {}
        for _ in range(rounds):
            for side in ("tfportrait", "diffusers"):
                result = worker(f"paint_{side}", folder, dtype)
                seconds.setdefault(side, []).append(result["seconds"])
                peaks[side] = max(peaks.get(side, 0), result["peak"])
                pictures[side] = np.load(result["picture"]).astype(int)
        middle = {side: statistics.median(values) for side, values in seconds.items()}
        difference = np.abs(pictures["tfportrait"] - pictures["diffusers"])
        print(f"whole picture, {dtype}: {middle['tfportrait']:.1f} s against {middle['diffusers']:.1f} s, ", end="")
        print(
            f"ratio {middle['tfportrait'] / middle['diffusers']:.2f}; peak memory {peaks['tfportrait']:.2f} GiB ",
            end="",
        )
        print(f"against {peaks['diffusers']:.2f}; mean difference {difference.mean():.3f} of 255, ", end="")
        print(f"largest {difference.max()}, deviation {pictures['diffusers'].std():.1f}", flush=True)


def paint_tfportrait(folder, dtype):
    import tfportrait as tp

    painter = tp.LatentDiffusion.from_preset(folder, dtype=dtype)
    shape = (painter.image_size // 8, painter.image_size // 8, 4)
    kwargs = {"guidance_scale": 7.5, "noise": tp.diffusion.unit_noise([7], 0, shape)}
    painter.generate(PROMPT, NEGATIVE, num_steps=1, **kwargs)
    return lambda: painter.generate(PROMPT, NEGATIVE, num_steps=20, **kwargs)[0]


def paint_diffusers(folder, dtype):
    import diffusers
    import torch

    import tfportrait as tp

    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(folder, torch_dtype=getattr(torch, dtype))
    pipeline.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    side = pipeline.unet.config.sample_size
    latents = first(tp.diffusion.unit_noise([7], 0, (side, side, 4))).to(getattr(torch, dtype))

    def run(steps):
        return pipeline(
            PROMPT, negative_prompt=NEGATIVE, num_inference_steps=steps, guidance_scale=7.5, latents=latents
        ).images[0]

    run(1)
    return lambda: np.asarray(run(20))


def loading(folder, _, __):
    """Anonymous memory at its peak while loading, beside that of the weights."""
    for dtype in DTYPES:
        result = worker("load", folder, dtype)
        print(
            f"loading, {dtype}: {result['seconds']:.1f} s, weights {result['weights']:.2f} GiB, peak of anonymous ",
            end="",
        )
        print(f"memory {result['peak']:.2f} GiB, ratio {result['peak'] / result['weights']:.2f}", flush=True)


def load(folder, dtype):
    import tfportrait as tp
    from tfportrait.models.weights import named_variables

    tp.LatentDiffusion.from_preset("portrait_128")  # what libraries take at their first use
    before, highest, done = memory("RssAnon"), [0.0], threading.Event()

    def watch():
        while not done.wait(0.005):
            highest[0] = max(highest[0], memory("RssAnon"))

    watching = threading.Thread(target=watch)
    watching.start()
    start = time.perf_counter()
    painter = tp.LatentDiffusion.from_preset(folder, dtype=dtype)
    seconds = time.perf_counter() - start
    done.set()
    watching.join()
    networks = painter.unet, painter.autoencoder, painter.text_encoder
    size = sum(
        {"float32": 4, "bfloat16": 2}[w.dtype] * np.prod(w.shape) for n in networks for w in named_variables(n).values()
    )
    return {"seconds": seconds, "weights": float(size) / 2**30, "peak": highest[0] - before}


def memory(key):
    """A number of /proc/self/status, in GiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) / 2**20


def worker(task, folder, dtype):
    """Runs one side in a process of its own."""
    command = [sys.executable, __file__, task, "--folder", str(folder), "--dtype", dtype]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def work(task, folder, dtype):
    if task == "load":
        return load(folder, dtype)
    paint = {"paint_tfportrait": paint_tfportrait, "paint_diffusers": paint_diffusers}[task](folder, dtype)
    start = time.perf_counter()
    image = paint()
    seconds = time.perf_counter() - start
    np.save(folder / f"{task}.npy", image)
    return {"seconds": seconds, "peak": memory("VmHWM"), "picture": str(folder / f"{task}.npy")}


TASKS = {"numbers": numbers, "unet": unet, "vae": vae, "picture": picture, "loading": loading}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=(*TASKS, "load", "paint_tfportrait", "paint_diffusers"))
    parser.add_argument("--version", type=int, choices=(1, 2), default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(os.cpu_count())
    if arguments.task not in TASKS:
        print(json.dumps(work(arguments.task, arguments.folder, arguments.dtype)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        if not (folder / "model_index.json").is_file():
            make_checkpoint(folder, arguments.version)
        for name, seconds in TASKS[arguments.task](folder, arguments.version, arguments.rounds) or ():
            show(name, seconds)


if __name__ == "__main__":
    main()
