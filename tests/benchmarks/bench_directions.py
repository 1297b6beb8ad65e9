"""Directions towards values of attributes: how often they show it, and what else they change.

    python tests/benchmarks/bench_directions.py [--count 256] [--figure data/figures/directions.jpg]

For each value and each space: the share of 64 portraits, painted from words that leave the attribute open, in which the
oracle reads the value at rising strengths, and the share of the other attributes that stay as they were.
"""

import argparse

import numpy as np

import tfportrait as tp
from tfportrait.tasks import sliders

WANTED = {"expression": "laughing", "glasses": "round", "hair_color": "red", "style": "pencil", "age": "elderly"}
STRENGTHS = {"latents": (0.5, 1.0, 2.0, 3.0), "noise": (0.1, 0.2, 0.3, 0.5)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--portraits", type=int, default=64)
    parser.add_argument("--attributes", default=",".join(WANTED))
    parser.add_argument("--figure")
    arguments = parser.parse_args()
    print(tp.accelerate())
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    oracle = tp.Oracle.from_preset("oracle_128")
    rows = []
    for attribute in arguments.attributes.split(","):
        found = tp.tasks.directions(painter, oracle, attribute, count=arguments.count)
        for space in sliders.SPACES:
            if (WANTED[attribute], space) not in found:
                print(f"{attribute} {WANTED[attribute]}: too few pictures show it, or show it not")
                continue
            direction = found[WANTED[attribute], space]
            strengths = (0.0, *STRENGTHS[space])
            effect = sliders.measure(painter, oracle, direction, strengths, count=arguments.portraits)
            for name, values in (("shown", effect.shown), ("kept", effect.kept)):
                shares = "".join(f"{value:7.2f}" for value in values)
                print(f"{attribute:11}{direction.value:10}{space:8} {name:6}{shares}", flush=True)
            if space == "latents":
                rows.append(direction)
    if arguments.figure:
        strengths = (-2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
        prompts = [
            "a young woman with long black hair in a blue shirt",
            "a middle-aged man in a suit, flat illustration",
        ]
        images = [
            tp.tasks.slide(painter, direction, prompts[i % 2], strengths, seeds=5 + i)[:, 0]
            for i, direction in enumerate(rows)
        ]
        labels = [direction.value for direction in rows]
        figure = tp.plot.table(np.concatenate(images), [f"{s:+g}" for s in strengths], labels, size=1.2)
        figure.savefig(arguments.figure, dpi=150)


if __name__ == "__main__":
    main()
