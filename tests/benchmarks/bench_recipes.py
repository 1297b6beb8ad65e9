"""The same U-Net on the same portraits for the same time: our recipe, that of diffusers' example, and the parts.

    tfportrait train autoencoder --config lesson_32 --out lesson
    tfportrait train diffusion --config lesson_32 --out lesson
    python tests/benchmarks/bench_recipes.py --config lesson_32 --start lesson [--budget 240] [--recipes ours,plain,...]

`plain` is diffusers' examples/text_to_image/train_text_to_image.py with its defaults: predicted noise, Stable
Diffusion's betas, all noise levels alike, AdamW at a constant 1e-4 after 500 steps of warm-up, batches of 16, no
average of the weights, images encoded in every step. Every other recipe is ours with one part of `plain`. All have the
U-Net, the data and the image size of a configuration, and start from the same autoencoder, text encoder and random
U-Net. The seconds of a step are measured first, the recipes taking turns; each then makes as many steps as the budget
has room for, so that what disturbs the machine later changes nothing. Measured at tenths of the time are prompt
accuracy and oracle_fd of unseen prompts. What is in the folder is not measured or trained again: a run that was stopped
goes on.
"""

import argparse
import collections
import json
import math
import time
from pathlib import Path

import keras
import numpy as np

import tfportrait as tp
from tfportrait import data, metrics, training
from tfportrait.models import LatentDiffusion, UNet
from tfportrait.models.oracle import resized
from tfportrait.presets import trainers

PLAIN = {
    "schedule": {"name": "scaled_linear", "timestep_spacing": "trailing"},
    "prediction_type": "epsilon",
    "weighting": "uniform",
    "focus": None,
    "ema_decay": None,
    "cached": False,
    "optimizer": {"name": "adamw", "rate": 1e-4, "warmup": 500, "decay": False, "beta_2": 0.999},
    "batch_size": 16,
}
ABLATIONS = ("schedule", "prediction_type", "weighting", "focus", "ema_decay", "cached", "optimizer")
TENTHS = (0.1, 0.2, 0.4, 0.7, 1.0)


def ours(config):
    """The configuration's recipe; its cosine of the learning rate runs over the time."""
    settings = config["diffusion"]
    optimizer = {"name": settings["optimizer"], "rate": settings["learning_rate"], "warmup": 50, "decay": True}
    return {
        **{name: settings.get(name) for name in ("schedule", "prediction_type", "weighting", "focus", "batch_size")},
        "ema_decay": 0.998,  # of a training that is shorter than the configuration's
        "cached": True,
        "optimizer": {**optimizer, "beta_2": 0.99},
    }


def recipes(config):
    whole = ours(config)
    parts = [part for part in ABLATIONS if whole[part] != PLAIN[part]]
    return {"ours": whole, "plain": PLAIN, **{f"without {part}": {**whole, part: PLAIN[part]} for part in parts}}


class Share(keras.callbacks.Callback):
    """Sets the learning rate by the share of all steps that has been made, and ends after a given one."""

    def __init__(self, optimizer, steps):
        super().__init__()
        self.optimizer, self.steps = optimizer, steps
        self.made, self.until = 0, steps

    def on_train_batch_begin(self, batch, logs=None):
        rate = self.optimizer["rate"] * min((self.made + 1) / self.optimizer["warmup"], 1.0)
        if self.optimizer["decay"]:
            rate *= 0.5 * (1 + math.cos(math.pi * self.made / self.steps))
        self.model.optimizer.learning_rate = rate

    def on_train_batch_end(self, batch, logs=None):
        self.made += 1
        if self.made >= self.until:
            self.model.stop_training = True


class Stamps(keras.callbacks.Callback):
    """Notes when each step ended."""

    def on_train_begin(self, logs=None):
        self.times = []

    def on_train_batch_end(self, batch, logs=None):
        self.times.append(time.perf_counter())


def batches(painter, source, recipe, seed):
    """Latents and captions, cached as ours does it, or pictures that every step encodes."""
    size = {"batch_size": recipe["batch_size"], "repeat": True, "drop_remainder": True, "seed": seed}
    if not recipe["cached"]:
        return painter.preprocess(data.batches(source, fields=("image", "caption"), **size))
    latents = data.encode_latents(painter.autoencoder, source)
    token_ids = data.token_table(source, painter.tokenizer, variants=4, seed=seed)
    return data.latents_dataset(latents, token_ids, autoencoder=painter.autoencoder, **size)


def prepared(recipe, config, start, source, seed=0):
    """A painter of the recipe, before its first step, and its batches."""
    keras.utils.set_random_seed(seed)
    start = LatentDiffusion.from_preset(start)
    painter = LatentDiffusion(
        unet=UNet(**config["unet"]),
        autoencoder=start.autoencoder,
        text_encoder=start.text_encoder,
        tokenizer=start.tokenizer,
        caption_dropout=config["diffusion"]["caption_dropout"],
        **{key: recipe[key] for key in ("schedule", "prediction_type", "weighting", "focus")},
    )
    chosen = recipe["optimizer"]
    kind = {"adamw": training.AdamW, "muon": training.Muon}[chosen["name"]]
    average = {} if recipe["ema_decay"] is None else {"ema_decay": recipe["ema_decay"]}
    painter.compile(kind(chosen["rate"], weight_decay=0.01, beta_2=chosen["beta_2"], global_clipnorm=1.0, **average))
    return painter, batches(painter, source, recipe, seed)


def step_seconds(painters, rounds=5, steps=12):
    """Median seconds of a step of each recipe, which take turns; what traces and fills pipelines is left out."""
    found = {name: [] for name in painters}
    for number in range(rounds + 1):
        for name, (painter, dataset) in painters.items():
            stamps = Stamps()
            painter.fit(dataset, epochs=1, steps_per_epoch=steps, verbose=0, callbacks=[stamps])
            if number:
                found[name].extend(np.diff(stamps.times)[steps // 3 :])
    return {name: float(np.median(seconds)) for name, seconds in found.items()}


def train(painter, dataset, optimizer, steps, judge):
    """Yields what was measured at each of TENTHS of the steps."""
    share = Share(optimizer, steps)
    for tenth in TENTHS:
        share.until = round(tenth * steps)
        painter.fit(dataset, epochs=10**6, steps_per_epoch=10**4, verbose=0, callbacks=[share])
        yield {"steps": share.made, **judge(painter)}


def judged(samples, size):
    """A function that measures a painter: prompt accuracy and oracle_fd of its pictures of a size."""
    oracle = tp.Oracle.from_preset("oracle_128")
    texts, named, drawn = metrics.held_out_prompts(samples)
    real = oracle.embed(np.stack([each.render(size) for each in drawn]))  # brought to the oracle's size

    def judge(painter):
        options = {"num_steps": 20, "image_size": size}
        parts = [painter.generate(texts[i : i + 16], seeds=i, **options) for i in range(0, samples, 16)]
        images = resized(np.concatenate(parts), oracle.image_size)
        accuracy = metrics.prompt_accuracy(oracle, images, named).accuracy
        return {"accuracy": accuracy, "oracle_fd": metrics.frechet_distance(oracle.embed(images), real)}

    return judge


def earlier(file, setting):
    """What an earlier run of the same setting has measured: seconds of a step, and rows of recipes that it ended."""
    if not file.is_file():
        return {}, []
    known = json.loads(file.read_text())
    seconds, rows = known.pop("step_seconds", {}), known.pop("rows")
    if known != setting:
        raise SystemExit(f"{file} is of another setting, {known}: give another --out")
    counts = collections.Counter(row["recipe"] for row in rows)
    return seconds, [row for row in rows if counts[row["recipe"]] == len(TENTHS)]


def figure(rows, path):
    """Accuracy and distance over the time."""
    from tfportrait.plot import COLOURS, DisplayedFigure, tidy

    drawing = DisplayedFigure(figsize=(9.0, 3.8), layout="constrained")
    names = list(dict.fromkeys(row["recipe"] for row in rows))
    for axes, key in zip(drawing.subplots(1, 2), ("accuracy", "oracle_fd"), strict=True):
        for i, name in enumerate(names):
            of_it = [row for row in rows if row["recipe"] == name]
            style = {"color": COLOURS[i % len(COLOURS)], "linewidth": 2.2 if i < 2 else 1.0, "label": name}
            axes.plot([row["seconds"] for row in of_it], [row[key] for row in of_it], "o-", markersize=3, **style)
        tidy(axes, "seconds of training", "")
        axes.set_title({"accuracy": "prompt accuracy", "oracle_fd": "oracle_fd"}[key], fontsize=10, loc="left")
    drawing.legend(*axes.get_legend_handles_labels(), frameon=False, fontsize=8, ncols=5, loc="outside lower center")
    drawing.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="portrait_128", help="whose U-Net, data and recipe: a name or a TOML file")
    parser.add_argument("--start", default="portrait_128", help="preset with the autoencoder and the text encoder")
    parser.add_argument("--budget", type=float, default=600.0, help="seconds of training for each recipe")
    parser.add_argument("--recipes", default=None, help="names, with commas; else all")
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--out", type=Path, default=Path("recipes"))
    arguments = parser.parse_args()
    print(tp.accelerate())
    config = trainers.load(arguments.config)
    known = recipes(config)
    names = arguments.recipes.split(",") if arguments.recipes else list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"unknown recipes {', '.join(unknown)}; known are {', '.join(known)}")
    size, count = config["data"]["image_size"], config["data"]["train"]
    source = data.open_source(config["data"]["source"], "train", image_size=size, count=count)
    arguments.out.mkdir(parents=True, exist_ok=True)
    setting = {name: str(getattr(arguments, name)) for name in ("config", "start", "budget", "samples")}
    file = arguments.out / "recipes.json"
    seconds, rows = earlier(file, setting)

    def save():
        file.write_text(json.dumps({**setting, "step_seconds": seconds, "rows": rows}, indent=1))

    if missing := [name for name in names if name not in seconds]:
        seconds |= step_seconds({name: prepared(known[name], config, arguments.start, source) for name in missing})
        save()
    for name in names:
        print(f"{name:26} {seconds[name]:.3f} s a step of {known[name]['batch_size']} images")
    judge = judged(arguments.samples, size)
    print(f"{'recipe':26} {'seconds':>8} {'steps':>6} {'accuracy':>9} {'oracle_fd':>9}")
    for name in [name for name in names if name not in {row["recipe"] for row in rows}]:
        painter, dataset = prepared(known[name], config, arguments.start, source)
        steps = round(arguments.budget / seconds[name])
        for measured in train(painter, dataset, known[name]["optimizer"], steps, judge):
            row = {"recipe": name, "seconds": measured["steps"] * seconds[name], **measured}
            rows.append(row)
            print(
                f"{name:26} {row['seconds']:8.0f} {row['steps']:6d} {row['accuracy']:9.3f} {row['oracle_fd']:9.3f}",
                flush=True,
            )
            save()
    figure(rows, arguments.out / "recipes.png")


if __name__ == "__main__":
    main()
