"""What diffusers' StableDiffusionPipeline paints with tiny checkpoints -> pipeline.npz.

    python tests/golden/pipeline.py     # needs torch, diffusers, transformers; made with diffusers 0.42.1, 5.24.0

Two checkpoints, wired as Stable Diffusion 1 and 2, are saved by diffusers; every tensor is replaced by numbers that
numpy draws from its name, so that the texts of the folder and the names and shapes of its tensors are all that is kept
of it. All noise, that of the steps too, is drawn from its number; that of `tfportrait paint` from its seed.
"""

import contextlib
import importlib
import itertools
import json
import pathlib
import sys
import tempfile

import numpy as np
import safetensors.numpy

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from golden import networks  # noqa: E402

OUT = pathlib.Path(__file__).with_suffix(".npz")
SIDE, LATENTS = 16, 8
SEED = 7  # of what the command paints
PROMPTS, NEGATIVES = ["a red cat", "two green birds!"], ["blurred", ""]
# The scheduler of Stable Diffusion 1.5, word by word.
SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.6.0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}
UNET = {
    "sample_size": LATENTS,
    "block_out_channels": [8, 16],
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "cross_attention_dim": 16,
}
VAE = networks.VAE | {"scaling_factor": 0.18215}
TEXT = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "max_position_embeddings": 77}
KINDS = {
    "sd1": {
        "unet": UNET | {"attention_head_dim": 4},
        "text_encoder": TEXT | {"num_hidden_layers": 2, "hidden_act": "quick_gelu"},
        "scheduler": SCHEDULER,
        "pad_token": "<|endoftext|>",
    },
    "sd2": {
        "unet": UNET | {"attention_head_dim": [2, 4], "use_linear_projection": True},
        "text_encoder": TEXT | {"num_hidden_layers": 2, "hidden_act": "gelu"},
        "scheduler": SCHEDULER | {"prediction_type": "v_prediction"},
        "pad_token": "!",
    },
}
CLASSES = {
    "ddpm": "DDPMScheduler",
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "euler_ancestral": "EulerAncestralDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler",
    "lcm": "LCMScheduler",
}
KARRAS, LEADING, TRAILING = (
    {"use_karras_sigmas": True},
    {"timestep_spacing": "leading"},
    {"timestep_spacing": "trailing"},
)
ZERO_SNR = TRAILING | {"rescale_betas_zero_snr": True}


def case(kind, sampler, steps, scheduler=None, *, guidance_scale=7.5, guidance_rescale=0.0, negative=False):
    """One call of the pipeline; `scheduler` is what scheduler_config.json says beside what it always does."""
    return {
        "kind": kind,
        "sampler": sampler,
        "steps": steps,
        "scheduler": scheduler or {},
        "guidance_scale": guidance_scale,
        "guidance_rescale": guidance_rescale,
        "negative": negative,
    }


CASES = [
    *(case("sd1", sampler, 8 if sampler == "lcm" else 20) for sampler in CLASSES),
    *(case("sd1", sampler, 20, KARRAS) for sampler in ("dpmpp_2m", "euler", "heun")),
    *(case("sd1", sampler, 12, LEADING) for sampler in CLASSES),
    *(case("sd1", sampler, 10, TRAILING) for sampler in CLASSES if sampler != "lcm"),
    case("sd1", "ddim", 10, negative=True),
    case("sd1", "ddim", 10, {"set_alpha_to_one": True}),
    case("sd1", "ddim", 10, LEADING | {"steps_offset": 0}),
    case("sd1", "dpmpp_2m", 10, guidance_scale=1.0),
    case("sd1", "dpmpp_2m", 10, guidance_rescale=0.7, negative=True),
    *(case("sd2", sampler, 8 if sampler == "lcm" else 20) for sampler in CLASSES),
    case("sd2", "dpmpp_2m", 20, KARRAS, negative=True),
    *(case("sd2", sampler, 10, ZERO_SNR, guidance_rescale=0.7) for sampler in ("ddim", "euler", "dpmpp_2m")),
    case("sd2", "euler_ancestral", 10, ZERO_SNR),
    case("sd2", "ddim", 10, guidance_rescale=0.7, negative=True),
]


def describe(case):
    """A name for a case, unique."""
    changes = "-".join(f"{key}={value}" for key, value in case["scheduler"].items())
    more = [f"guidance{case['guidance_scale']}", f"rescale{case['guidance_rescale']}", "negative" * case["negative"]]
    return "-".join(filter(None, [case["kind"], case["sampler"], str(case["steps"]), changes, *more]))


def noise(step):
    """Of the start (0) or of step i (i + 1), float32 (2, h, w, c)."""
    bits = np.random.Philox(key=np.array([23, step], "uint64"))
    return np.random.Generator(bits).standard_normal((2, LATENTS, LATENTS, 4), "float32")


def write_tokenizer(folder, pad_token):
    """CLIP's bytes and a few merges."""
    from tfportrait.models.tokenizer import END, START, Tokenizer, _base_tokens

    tokens, merges = _base_tokens(), [("c", "a"), ("ca", "t</w>"), ("r", "e"), ("re", "d</w>"), ("i", "r")]
    names = [*tokens, *("".join(pair) for pair in merges), START, END]
    vocab = {name: number for number, name in enumerate(names)}
    Tokenizer(vocab, merges, special_tokens={"pad_token": pad_token}).save(folder)
    return vocab


def fill(folder):
    """Replaces the numbers of every tensor below a folder. Returns the names and shapes, by file."""
    shapes = {}
    for file in sorted(folder.rglob("*.safetensors")):
        name = file.relative_to(folder).as_posix()
        shapes[name] = {k: v.shape for k, v in safetensors.numpy.load_file(file).items() if "position_ids" not in k}
        write_tensors(file, shapes[name])
    return shapes


def write_tensors(file, shapes):
    """A file of tensors whose numbers come from their names."""
    tensors = {name: networks.weight(name, tuple(shape)) for name, shape in shapes.items()}
    safetensors.numpy.save_file(tensors, file, metadata={"format": "pt"})


def write_folder(folder, kind):
    """The checkpoint that the pipeline read, written without it."""
    folder = pathlib.Path(folder)
    golden = np.load(OUT)
    for name, text in json.loads(str(golden[f"{kind}/texts"])).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    for name, shapes in json.loads(str(golden[f"{kind}/shapes"])).items():
        write_tensors(folder / name, shapes)
    return folder


def save_reference(folder, kind):
    """A checkpoint that diffusers and transformers have saved."""
    import diffusers
    import transformers

    config = KINDS[kind]
    vocab = write_tokenizer(folder / "made", config["pad_token"])
    text = transformers.CLIPTextConfig(
        vocab_size=len(vocab),
        bos_token_id=len(vocab) - 2,
        eos_token_id=len(vocab) - 1,
        pad_token_id=vocab[config["pad_token"]],
        **config["text_encoder"],
    )
    diffusers.StableDiffusionPipeline(
        unet=diffusers.UNet2DConditionModel(**config["unet"]),
        vae=diffusers.AutoencoderKL(**VAE),
        text_encoder=transformers.CLIPTextModel(text),
        tokenizer=transformers.CLIPTokenizer.from_pretrained(folder / "made"),
        scheduler=diffusers.PNDMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    for file in (folder / "made").iterdir():  # as they lie beside real checkpoints
        file.rename(folder / "tokenizer" / file.name)
    (folder / "made").rmdir()
    (folder / "tokenizer" / "tokenizer.json").unlink(missing_ok=True)
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(config["scheduler"], indent=2))


@contextlib.contextmanager
def fixed_noise(scheduler):
    """Within, the scheduler's fresh noise is `noise`."""
    import torch

    module, steps = importlib.import_module(type(scheduler).__module__), itertools.count(1)
    original = getattr(module, "randn_tensor", None)
    module.randn_tensor = lambda *args, **options: torch.from_numpy(noise(next(steps)).transpose(0, 3, 1, 2).copy())
    yield
    module.randn_tensor = original


def paint(pipe, case, config, prompts=PROMPTS, start=None):
    """The pipeline's latents and pictures for a case, NHWC.

    Args:
        pipe: StableDiffusionPipeline.
        case: dict. See `case`.
        config: dict. Content of scheduler_config.json.
        prompts: list of str.
        start: float32 (N, h, w, c) or None. Noise to start with instead of `noise(0)`.
    """
    import diffusers
    import torch

    pipe.scheduler = getattr(diffusers, CLASSES[case["sampler"]]).from_config({**config, **case["scheduler"]})
    pipe.set_progress_bar_config(disable=True)
    pipe = diffusers.StableDiffusionPipeline(**pipe.components, requires_safety_checker=False)  # checks the scheduler
    pipe.set_progress_bar_config(disable=True)
    with fixed_noise(pipe.scheduler):
        latents = pipe(
            prompts,
            negative_prompt=NEGATIVES if case["negative"] else None,
            height=SIDE,
            width=SIDE,
            num_inference_steps=case["steps"],
            guidance_scale=case["guidance_scale"],
            guidance_rescale=case["guidance_rescale"],
            latents=torch.from_numpy((noise(0) if start is None else start).transpose(0, 3, 1, 2).copy()),
            output_type="latent",
        ).images
    with torch.no_grad():
        decoded = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
    images = pipe.image_processor.postprocess(decoded, output_type="pil")
    return latents.numpy().transpose(0, 2, 3, 1), np.stack([np.asarray(image) for image in images])


def main():
    import diffusers

    from tfportrait.diffusion import unit_noise

    kept = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            save_reference(folder, kind)
            kept[f"{kind}/shapes"] = json.dumps(fill(folder))
            texts = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*.*") if file.is_file()}
            texts = {k: v.read_text("utf-8") for k, v in sorted(texts.items()) if not k.endswith(".safetensors")}
            kept[f"{kind}/texts"] = json.dumps(texts)
            pipe = diffusers.StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
            for number, one in enumerate(CASES):
                if one["kind"] == kind:
                    latents, images = paint(pipe, one, KINDS[kind]["scheduler"])
                    assert np.isfinite(latents).all(), one
                    kept[f"{number}/latents"], kept[f"{number}/images"] = latents, images
                    print(describe(one), float(np.abs(latents).max()), float(images.std()))
            one, start = case(kind, "dpmpp_2m", 20, guidance_scale=4.0), unit_noise([SEED], 0, (LATENTS, LATENTS, 4))
            kept[f"{kind}/command"] = paint(pipe, one, KINDS[kind]["scheduler"], PROMPTS[:1], start)[1]
    np.savez_compressed(OUT, cases=json.dumps(CASES), **kept)
    print(f"{len(CASES)} cases, {OUT.stat().st_size / 1024:.0f} KiB, diffusers {diffusers.__version__}")


if __name__ == "__main__":
    main()
