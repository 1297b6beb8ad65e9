"""tfportrait beside diffusers and KerasCV on identical networks and weights, in one run: a table of README.md.

    pip install "tfportrait[peers]"
    python tests/benchmarks/peers.py [--groups machine,import,command,step,paint,unet,vae,picture] [--rounds 5]
                                     [--dtype float32] [--compile] [--out peers.json]

Every group is a process of its own; within one the sides take turns, and the table has the medians. A ratio is our time
over that of the faster of diffusers' layouts (and of `torch.compile` with --compile): below 1 is faster. The share of
the machine's peak is that of its best product of matrices, for the same number of multiplications: what reaches 1 is
nothing but such products. `unet`, `vae` and `picture` are Stable Diffusion 1.5 at full size with random weights; they
need 10 GB of memory, 8 GB of disk and most of the time.
"""

import argparse
import functools
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from timing import medians

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
PROMPT = "a smiling woman with long red hair and round glasses, watercolour"
GUIDANCE, STEPS = 4.0, 20
PRESET = Path(__file__).parents[2] / "tfportrait" / "presets" / "portrait_128"
# What the table says of a target: our time over the peer's, or seconds.
TARGETS = {"import": 0.3, "command": 6.0, "step": 1.0, "paint": 0.6, "unet": {"float32": 0.65, "bfloat16": 0.85}}
TARGETS |= {"vae": {"float32": 0.9, "bfloat16": 0.9}}
IN_SECONDS = ("import", "command")  # groups whose target is our own time


def machine(rounds, **_):
    """The best product of matrices and the best copy, in GFLOP/s and GB/s."""
    import torch

    sides = {}
    for dtype in ("float32", "bfloat16"):
        a = torch.randn(3072, 3072).to(getattr(torch, dtype))
        seconds = min(timed(lambda a=a: a @ a) for _ in range(max(rounds, 5)))
        sides[dtype] = 2 * 3072**3 / seconds / 1e9
    x, y = torch.zeros(2**27), torch.zeros(2**27)
    sides["copy"] = 2 * x.nbytes / min(timed(lambda: y.copy_(x)) for _ in range(max(rounds, 5))) / 1e9
    yield {"name": "machine", "sides": sides}


def timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def process(*arguments):
    """A function that runs Python in a process of its own, from nothing to its end."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    def run():
        subprocess.run([sys.executable, *arguments], check=True, env=environment, capture_output=True)

    return run


def imports(rounds, **_):
    """Seconds of a process that imports the package, less those of an empty one."""
    sides = {name: process("-c", f"import {name}") for name in ("tfportrait", "diffusers", "keras_cv")}
    found = medians({"nothing": process("-c", "pass"), **sides}, rounds)
    nothing = found.pop("nothing")
    yield {"name": "import", "sides": {name: seconds - nothing for name, seconds in found.items()}}


DIFFUSERS = f"""
import sys, torch, diffusers
pipeline = diffusers.StableDiffusionPipeline.from_pretrained(r"{PRESET}", torch_dtype=torch.float32)
pipeline.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
image = pipeline("{PROMPT}", num_inference_steps={STEPS}, guidance_scale={GUIDANCE}).images[0]
image.save(sys.argv[1])
"""


def command(rounds, **_):
    """Seconds from the command to the first picture of the shipped preset."""
    with tempfile.TemporaryDirectory() as folder:
        ours = ["-m", "tfportrait", "paint", PROMPT, "--steps", str(STEPS), "--out", f"{folder}/ours.png"]
        sides = {"tfportrait": process(*ours), "diffusers": process("-c", DIFFUSERS, f"{folder}/theirs.png")}
        yield {"name": f"command to PNG, {STEPS} steps", "sides": medians(sides, rounds)}


def step(rounds, dtype, **_):
    """Seconds of a training step of the painter's U-Net, batch 32."""
    import bench_unet

    sides = {"tfportrait": bench_unet.ours("unet", 32, dtype)}
    for name, channels_last in (("diffusers NCHW", False), ("diffusers NHWC", True)):
        sides[name] = bench_unet.theirs("unet", 32, dtype, channels_last)
    yield {"name": "training step of a U-Net, 32 images", "sides": medians(sides, rounds), "flops": unet_flops(32, 3)}


def unet_flops(batch, passes):
    """Multiplications and additions of bench_unet's U-Net; backwards it has about twice as many as forwards."""
    import bench_unet
    import diffusers
    import torch

    with torch.device("meta"):  # shapes alone
        network = diffusers.UNet2DConditionModel(**bench_unet.UNET)
        return passes * counted(
            network, torch.zeros(batch, 4, 32, 32), torch.zeros(batch), torch.zeros(batch, bench_unet.TOKENS, 192)
        )


def counted(function, *arguments):
    """Multiplications and additions of a function of PyTorch."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        function(*arguments)
    return counter.get_total_flops()


def folder_flops(folder):
    """Multiplications and additions of the networks in a folder: the U-Net's forward pass, and the decoder, of one."""
    import diffusers
    import torch

    kinds = {"unet": diffusers.UNet2DConditionModel, "vae": diffusers.AutoencoderKL}
    with torch.device("meta"):
        unet, vae = (kind.from_config(kind.load_config(Path(folder) / name)) for name, kind in kinds.items())
        side, channels = unet.config.sample_size, unet.config.in_channels
        latents, context = torch.zeros(1, channels, side, side), torch.zeros(1, 77, unet.config.cross_attention_dim)
        return {"unet": counted(unet, latents, torch.zeros(1), context), "vae": counted(vae.decode, latents)}


def paint(rounds, dtype, compiled, **_):
    """Seconds of a warm picture, and of sixteen at once, with the shipped preset."""
    import diffusers
    import torch

    import tfportrait as tp

    tp.accelerate(dtype, rows=2)
    painter = tp.LatentDiffusion.from_preset("portrait_128", dtype=dtype)
    pipelines = {}
    layouts = {"diffusers NCHW": torch.contiguous_format, "diffusers NHWC": torch.channels_last}
    if compiled:
        layouts["diffusers compiled"] = torch.contiguous_format
    for name, layout in layouts.items():
        pipeline = diffusers.StableDiffusionPipeline.from_pretrained(PRESET, torch_dtype=getattr(torch, dtype))
        pipeline.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
        pipeline.set_progress_bar_config(disable=True)
        pipeline.unet.to(memory_format=layout)
        pipeline.vae.to(memory_format=layout)
        if name.endswith("compiled"):
            pipeline.unet = torch.compile(pipeline.unet)
        pipelines[name] = pipeline
    flops = folder_flops(PRESET)
    for count in (1, 16):
        sides = {
            "tfportrait": lambda n=count: painter.generate(
                [PROMPT] * n, seeds=0, num_steps=STEPS, guidance_scale=GUIDANCE
            )
        }
        for name, pipeline in pipelines.items():
            sides[name] = lambda p=pipeline, n=count: p(
                [PROMPT] * n, num_inference_steps=STEPS, guidance_scale=GUIDANCE, output_type="np"
            )
        yield {
            "name": f"{count} pictures of 128 px, {STEPS} guided steps",
            "sides": medians(sides, rounds),
            "flops": count * (2 * STEPS * flops["unet"] + flops["vae"]),
        }


def stable_diffusion(task, rounds, dtype, **_):
    """Stable Diffusion 1.5: a forward pass, a decoding, or a whole picture with the peak of memory."""
    import bench_stable_diffusion as bench
    import torch

    torch.set_num_threads(os.cpu_count())
    bench.DTYPES = (dtype,)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench.make_checkpoint(folder, 1)
        if task != "picture":
            for what, seconds in bench.TASKS[task](folder, 1, rounds):
                yield {"name": f"Stable Diffusion 1.5: {what}", "sides": seconds, "flops": folder_flops(folder)[task]}
            return
        results = {side: bench.worker(f"paint_{side}", folder, dtype) for side in ("tfportrait", "diffusers")}
        for what, key in (("whole picture", "seconds"), ("its peak memory, GiB", "peak")):
            sides = {side: result[key] for side, result in results.items()}
            yield {"name": f"Stable Diffusion 1.5: {what}, {dtype}", "sides": sides}


GROUPS = {"machine": machine, "import": imports, "command": command, "step": step, "paint": paint}
GROUPS |= {task: functools.partial(stable_diffusion, task) for task in ("unet", "vae", "picture")}


def target(group, dtype):
    found = TARGETS.get(group)
    return found.get(dtype) if isinstance(found, dict) else found


def table(rows, dtype):
    """The rows as Markdown."""
    peak = next((row["sides"][dtype] for row in rows if row["group"] == "machine"), None)
    lines = [
        "| | tfportrait | diffusers, faster | others | ratio | target | share of the peak |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        sides = dict(row["sides"])
        if row["group"] == "machine":
            continue
        ours = sides.pop("tfportrait")
        theirs = {name: sides.pop(name) for name in list(sides) if name.startswith("diffusers")}
        best = min(theirs, key=theirs.get)
        wanted, share = target(row["group"], dtype), ""
        if peak and row.get("flops"):
            share = f"{row['flops'] / ours / 1e9 / peak:.2f}, diffusers {row['flops'] / theirs[best] / 1e9 / peak:.2f}"
        unit = "" if "GiB" in row["name"] else " s"
        others = ", ".join(f"{name} {value:.2f}{unit}" for name, value in sides.items())
        said = "" if wanted is None else f"{wanted:g} s" if row["group"] in IN_SECONDS else f"{wanted:g}"
        named = f" ({best.split()[-1]})" if " " in best else ""
        lines.append(
            f"| {row['name']} | {ours:.2f}{unit} | {theirs[best]:.2f}{unit}{named} | {others} | "
            f"{ours / theirs[best]:.2f} | {said} | {share} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", default=",".join(GROUPS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--child", choices=GROUPS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        for row in GROUPS[arguments.child](rounds=arguments.rounds, dtype=arguments.dtype, compiled=arguments.compile):
            print("ROW", json.dumps({**row, "group": arguments.child}), flush=True)
        return
    groups = arguments.groups.split(",")
    if unknown := [group for group in groups if group not in GROUPS]:
        parser.error(f"unknown groups {', '.join(unknown)}; known are {', '.join(GROUPS)}")
    rows = []
    for group in groups:
        print(f"{group} ...", file=sys.stderr, flush=True)
        options = ["--rounds", str(arguments.rounds), "--dtype", arguments.dtype, *["--compile"] * arguments.compile]
        done = subprocess.run([sys.executable, __file__, "--child", group, *options], text=True, capture_output=True)
        if done.returncode:
            sys.exit(f"{group} failed:\n{done.stderr[-3000:]}")
        rows += [json.loads(line[4:]) for line in done.stdout.splitlines() if line.startswith("ROW ")]
    where = f"{platform.machine()}, {os.cpu_count()} cores"
    for sides in (row["sides"] for row in rows if row["group"] == "machine"):
        where += f"; best products of matrices {sides['float32']:.0f} GFLOP/s in float32, {sides['bfloat16']:.0f} "
        where += f"in bfloat16; copies {sides['copy']:.1f} GB/s"
    print(f"{where}; {arguments.dtype}, medians of {arguments.rounds}\n")
    print(table(rows, arguments.dtype))
    if arguments.out:
        record = {"machine": where, "dtype": arguments.dtype, "rounds": arguments.rounds, "rows": rows}
        arguments.out.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
