"""Clips between two prompts: how long they take, and how steadily they go.

    python tests/benchmarks/bench_animate.py [--pairs 16] [--frames 24]

Pairs of captions of one unseen person who changes one expression for another, with one seed. "change" is the mean
absolute difference of two frames in a row, in grey levels; "worst" the largest of them over the mean, 1 being perfectly
steady; "kept" the share of attributes other than the expression that the oracle reads in every frame as in the first;
"reached" how often it reads the wanted expression in the last. Beside the clips: the two keyframes cross-faded, and
frames of new seeds, which is what painting them one by one gives. The time is that of one clip, warm.
"""

import argparse
import time

import numpy as np

import tfportrait as tp
from tfportrait import metrics

TO = {"neutral": "laughing", "smiling": "angry", "sad": "smiling", "angry": "smiling"}


def steadiness(clips):
    changes = np.abs(np.diff(clips.astype("float32"), axis=1)).mean(axis=(2, 3, 4))
    return changes.mean(), (changes.max(axis=1) / np.maximum(changes.mean(axis=1), 1e-6)).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--frames", type=int, default=24)
    arguments = parser.parse_args()
    print(tp.accelerate())
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    oracle = tp.Oracle.from_preset("oracle_128")
    expressions = list(tp.world.ATTRIBUTES["expression"])
    _, _, portraits = metrics.held_out_prompts(arguments.pairs)
    pairs, wanted = [], []
    for portrait in portraits:
        now = portrait.attributes["expression"]
        later = TO.get(now, "neutral")
        pairs.append([str(tp.world.compose({**portrait.attributes, "expression": each})) for each in (now, later)])
        wanted.append(expressions.index(later))
    clips = {"animate": [], "cross-faded": [], "new seeds": []}
    seconds = []
    for seed, words in enumerate(pairs):
        start = time.perf_counter()
        clip = tp.tasks.animate(painter, words, frames=arguments.frames, seeds=seed)
        seconds.append(time.perf_counter() - start)
        share = np.linspace(0, 1, arguments.frames)[:, None, None, None]
        faded = np.rint((1 - share) * clip[0] + share * clip[-1]).astype("uint8")
        half = arguments.frames // 2
        texts = [words[0]] * half + [words[1]] * (arguments.frames - half)
        fresh = painter.generate(texts, seeds=1000 * seed)
        for name, each in (("animate", clip), ("cross-faded", faded), ("new seeds", fresh)):
            clips[name].append(each)
    print(f"{'':14}{'change':>8}{'worst':>8}{'kept':>8}{'reached':>9}")
    for name, made in clips.items():
        made = np.stack(made)
        read = oracle.read(made.reshape(-1, *made.shape[2:]))
        read = {key: values.reshape(made.shape[:2]) for key, values in read.items()}
        kept = np.mean([(v == v[:, :1]).mean() for k, v in read.items() if k != "expression"])
        reached = np.mean(read["expression"][:, -1] == wanted)
        print("{:14}{:8.2f}{:8.2f}{:8.3f}{:9.2f}".format(name, *steadiness(made), kept, reached))
    print(f"{np.median(seconds[1:]):.2f} s for a clip of {arguments.frames} frames, warm")


if __name__ == "__main__":
    main()
