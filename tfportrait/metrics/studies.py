"""How quality depends on the sampler, its steps and the guidance: the same prompts and seeds, again and again."""

import time

import numpy as np
from tqdm import tqdm

from tfportrait.metrics.distances import attribute_entropy, frechet_distance, kernel_distance, precision_recall
from tfportrait.metrics.evaluation import NEIGHBOURS, accuracy_intervals, check_sizes
from tfportrait.metrics.parts import Parts
from tfportrait.metrics.prompts import accuracy_of, held_out_prompts
from tfportrait.world.choice import world_of

SAMPLERS = ("ddim", "euler", "euler_ancestral", "heun", "dpmpp_2m", "ddpm")
STEPS = (1, 2, 3, 4, 6, 8, 12, 20, 30, 50, 100)
SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)


def study(painter, oracle, settings, *, count=128, batch_size=32, parts=None, identity=None, seed=0):
    """Measures every setting on the same unseen prompts, from the same noise.

    Args:
        painter: LatentDiffusion, of the oracle's image size.
        oracle: Oracle of a drawn world.
        settings: list of dict. Each of "sampler", "num_steps", "guidance_scale".
        count: int. Prompts, every other one Chinese; at least 10.
        batch_size: int. Images painted at a time.
        parts, identity: as `evaluate` takes them.
        seed: int. Of the first image.

    Returns:
        list of dict: the settings' own, "accuracy" and its "interval" (95 %, bootstrapped), "oracle_fd", "oracle_kd",
        "precision", "recall", "entropy" (of the attributes that are read), "seconds" for an image (warm; the first
        batch is painted twice) and "count".

    Raises:
        ValueError: fewer than 10 prompts, no settings, sizes that differ, or an oracle of no drawn world.
    """
    if count < 10:
        raise ValueError(f"count must be at least 10, got {count}")
    if not settings:
        raise ValueError("there is no setting to study")
    check_sizes(painter, oracle)
    texts, named, drawn = held_out_prompts(count, of=world_of(oracle.attributes))
    size, kept = oracle.image_size, Parts(parts, identity, [count, batch_size, seed])

    def real():
        parts = (drawn[i : i + batch_size] for i in range(0, count, batch_size))
        return {"features": np.concatenate([oracle.embed(np.stack([e.render(size) for e in part])) for part in parts])}

    expected = kept.get("real", real)["features"]
    rows = []
    for setting in tqdm(settings, desc="settings", leave=False, disable=None):
        name = "-".join(str(setting[key]) for key in ("sampler", "num_steps", "guidance_scale"))
        found = kept.get(name, lambda setting=setting: _painted(painter, oracle, texts, setting, batch_size, seed))
        rows.append({**setting, **_measured(found, named, oracle.attributes, expected), "count": count})
    kept.remove()
    return rows


def sampler_settings(samplers=SAMPLERS, steps=STEPS, guidance_scale=4.0):
    """Every sampler with every number of steps, for `study`."""
    return [
        {"sampler": sampler, "num_steps": number, "guidance_scale": guidance_scale}
        for sampler in samplers
        for number in steps
    ]


def guidance_settings(scales=SCALES, sampler="dpmpp_2m", num_steps=20):
    """Every guidance scale, for `study`."""
    return [{"sampler": sampler, "num_steps": num_steps, "guidance_scale": float(scale)} for scale in scales]


def _painted(painter, oracle, texts, setting, batch_size, seed):
    reads, features, seconds = [], [], []
    for start in range(0, len(texts), batch_size):
        part = texts[start : start + batch_size]
        for warm in (False, True) if start == 0 else (True,):
            begin = time.perf_counter()
            images = painter.generate(part, seeds=seed + start, **setting)
            if warm and len(part) == batch_size:
                seconds.append((time.perf_counter() - begin) / len(part))
        reads.append(oracle.read(images))
        features.append(oracle.embed(images))
    read = {f"read.{name}": np.concatenate([each[name] for each in reads]) for name in oracle.attributes}
    return {**read, "features": np.concatenate(features), "seconds": np.median(seconds) if seconds else np.nan}


def _measured(found, named, attributes, expected):
    read = {name: found[f"read.{name}"] for name in attributes}
    features = found["features"]
    precision, recall = precision_recall(features, expected, neighbours=NEIGHBOURS["precision_recall"])
    return {
        "accuracy": accuracy_of(read, named, attributes).accuracy,
        "interval": accuracy_intervals(read, named, attributes)["accuracy"],
        "oracle_fd": frechet_distance(features, expected),
        "oracle_kd": kernel_distance(features, expected),
        "precision": precision,
        "recall": recall,
        "entropy": attribute_entropy(read, attributes),
        "seconds": float(found["seconds"]),
    }


def study_table(rows):
    """The rows as text, one line each."""
    lines = [f"{'sampler':16} {'steps':>5} {'guidance':>8} {'accuracy':>9}  95 % interval   {'oracle_fd':>9} "
             f"{'recall':>6} {'entropy':>7} {'s/image':>8}"]  # fmt: skip
    for row in rows:
        low, high = row["interval"]
        lines.append(
            f"{row['sampler']:16} {row['num_steps']:5d} {row['guidance_scale']:8g} {row['accuracy']:9.3f}  "
            f"{low:.3f} to {high:.3f}  {row['oracle_fd']:9.3f} {row['recall']:6.3f} {row['entropy']:7.3f} "
            f"{row['seconds']:8.3f}"
        )
    return "\n".join(lines)
