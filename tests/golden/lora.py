"""What diffusers' `load_lora_weights` makes of LoRA files, on tiny networks -> lora.npz.

    python tests/golden/lora.py   # needs torch, diffusers, transformers, peft; made with diffusers 0.42.1, peft 0.21.2

Weights, inputs and the factors in the files are numbers that numpy draws from their names (see networks.py), so that
only the outputs are kept. The same script checks that diffusers reads what this package writes: `read_by_diffusers`.
"""

import json
import pathlib
import tempfile

import numpy as np
import safetensors.numpy

try:
    import networks
except ImportError:  # imported by a test
    from golden import networks

OUT = pathlib.Path(__file__).with_suffix(".npz")
UNET, CLIP = "unet_sd1", "clip_sd1"
# File -> its strength: what is loaded together.
CASES = {
    "peft": {"peft": 1.0},
    "peft_half": {"peft": 0.5},
    "kohya": {"kohya": 1.0},
    "kohya_half": {"kohya": 0.5},
    "old": {"old": 1.0},
    "lcm": {"lcm": 1.0},
    "both": {"peft": 0.7, "kohya": -0.4},
}


def layers(part):
    """diffusers' name -> shape of the weight, of every layer of the U-Net or the text encoder that has a kernel."""
    with np.load(networks.OUT) as golden:
        shapes = json.loads(str(golden[f"{UNET if part == 'unet' else CLIP}/shapes"]))
    found = {name.removesuffix(".weight"): tuple(shape) for name, shape in shapes.items() if len(shape) > 1}
    return {name: shape for name, shape in found.items() if "embedding" not in name or "linear" in name}


def factors(file, name, shape, rank):
    """Down and up of a layer, as PyTorch has them."""
    window = shape[2:]
    down = networks.tensor(f"{file} {name} down", (rank, *shape[1:])) * 0.5
    up = networks.tensor(f"{file} {name} up", (shape[0], rank, *(1 for _ in window))) * 0.5
    return down, up


def attention(name):
    return name.endswith((".to_q", ".to_k", ".to_v", ".to_out.0", "q_proj", "k_proj", "v_proj", "out_proj"))


def make(file):
    """(tensors, metadata) of a LoRA file."""
    tensors, metadata = {}, {"format": "pt"}
    if file == "peft":  # what diffusers' training scripts write: two ranks, and alphas in the metadata
        config = {}
        for part in ("unet", "text_encoder"):
            own = [name for name in layers(part) if attention(name)]
            wide = [name for name in own if "down_blocks" in name or "layers.1" in name]
            for name in own:
                down, up = factors(file, name, layers(part)[name], 3 if name in wide else 2)
                tensors[f"{part}.{name}.lora_A.weight"], tensors[f"{part}.{name}.lora_B.weight"] = down, up
            names = [name.removeprefix("text_model.") for name in wide]
            config |= {f"{part}.r": 2, f"{part}.lora_alpha": 4, f"{part}.peft_type": "LORA"}
            config |= {
                f"{part}.rank_pattern": dict.fromkeys(names, 3),
                f"{part}.alpha_pattern": dict.fromkeys(names, 5),
            }
            config |= {f"{part}.target_modules": [name.removeprefix("text_model.") for name in own]}
        metadata["lora_adapter_metadata"] = json.dumps(config)
    if file == "old":  # diffusers before PEFT
        for name, shape in layers("unet").items():
            if attention(name):
                old = (
                    name.replace("attn1.", "attn1.processor.").replace("attn2.", "attn2.processor.").removesuffix(".0")
                )
                down, up = factors(file, name, shape, 2)
                tensors[f"unet.{old}_lora.down.weight"], tensors[f"unet.{old}_lora.up.weight"] = down, up
    if file in ("kohya", "lcm"):  # convolutions too; the LCM-LoRA of Stable Diffusion 1.5 has all of the U-Net
        for part, prefix in (("unet", "lora_unet_"), ("text_encoder", "lora_te_")):
            for name, shape in layers(part).items():
                inside = any(each in name for each in ("blocks", "mid_block", "layers"))
                if inside and (part == "unet" or file == "kohya"):
                    flat, rank = prefix + name.replace(".", "_"), 2 if len(shape) == 2 else 3
                    tensors[f"{flat}.lora_down.weight"], tensors[f"{flat}.lora_up.weight"] = factors(
                        file, name, shape, rank
                    )
                    tensors[f"{flat}.alpha"] = np.float32(1.0 if file == "kohya" else 0.5)
    return tensors, metadata


def write(folder, file):
    """Writes a LoRA file into a folder; its path."""
    tensors, metadata = make(file)
    path = pathlib.Path(folder) / f"{file}.safetensors"
    safetensors.numpy.save_file({name: np.ascontiguousarray(each) for name, each in tensors.items()}, path, metadata)
    return path


def pipeline():
    """diffusers' pipeline of the tiny networks."""
    import diffusers

    return diffusers.StableDiffusionPipeline(
        vae=diffusers.AutoencoderKL(**networks.VAE),
        text_encoder=networks.reference_model(CLIP),
        tokenizer=None,
        unet=networks.reference_model(UNET),
        scheduler=diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def outputs(pipe):
    """What the two networks of a pipeline give for the inputs of networks.py."""
    (hidden,) = networks.reference_outputs(CLIP, pipe.text_encoder).values()
    (sample,) = networks.reference_outputs(UNET, pipe.unet).values()
    return {"text_encoder": hidden, "unet": sample}


def read_by_diffusers(path):
    """What the two networks give with a LoRA file, read by diffusers."""
    pipe = pipeline()
    pipe.load_lora_weights(str(path))
    return outputs(pipe)


def main():
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for case, files in CASES.items():
            pipe = pipeline()
            for file in files:
                pipe.load_lora_weights(str(write(folder, file)), adapter_name=file)
            pipe.set_adapters(list(files), list(files.values()))
            made |= {f"{case}/{name}": value for name, value in outputs(pipe).items()}
    np.savez_compressed(OUT, **made)
    print({name: value.shape for name, value in made.items()})


if __name__ == "__main__":
    main()
