"""Restyling against the truth: the world draws the same person in the other style.

    python tests/benchmarks/bench_restyle.py [--samples 128] [--figure restyle.png]

Portraits that no training has seen are restyled as `tfportrait restyle --style` does it: the oracle describes them, the
style is exchanged. For each method and strength: how often the oracle finds the new style; how many of the other
attributes that it finds in the world's own drawing of the new style it finds the same in the result (identity); their
harmonic mean; PSNR against that drawing; and for one picture the seconds, warm.
"""

import argparse
import time

import numpy as np

import tfportrait as tp
from tfportrait import metrics, world

METHODS = {
    "noise": {"method": "noise"},
    "noise, negative": {"method": "noise", "negative": True},
    "inversion": {"method": "inversion"},
}


def restyled(painter, images, sources, targets, strength, method, negative=False, batch_size=32):
    """All pictures; `negative` guides away from the description of the source."""
    parts = []
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        parts.append(
            tp.tasks.image_to_image(
                painter,
                images[part],
                targets[part],
                sources[part] if negative else None,
                strength=strength,
                method=method,
                source_prompts=sources[part] if method == "inversion" else None,
                seeds=start,
            )
        )
    return np.concatenate(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--strengths", type=float, nargs="+", default=[0.5, 0.65, 0.75, 0.85, 0.95, 1.0])
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--figure", help="write curves and pictures there")
    arguments = parser.parse_args()
    print(tp.accelerate())
    painter = tp.LatentDiffusion.from_preset("portrait_128")
    oracle = tp.Oracle.from_preset("oracle_128")
    _, _, portraits = metrics.held_out_prompts(arguments.samples)
    others = [
        [style for style in world.ATTRIBUTES["style"] if style != portrait.attributes["style"]]
        for portrait in portraits
    ]
    styles = [other[i % len(other)] for i, other in enumerate(others)]
    images = np.stack([portrait.render(128) for portrait in portraits])
    truth = np.stack([p.replace(style=style).render(128) for p, style in zip(portraits, styles, strict=True)])
    sources = tp.tasks.describe(images)
    targets = [tp.tasks.describe(image[None], style=s)[0] for image, s in zip(images, styles, strict=True)]
    wanted = oracle.read(truth)
    index = np.array([oracle.attributes["style"].index(style) for style in styles])

    def measure(found):
        read = oracle.read(found)
        style = np.mean(read["style"] == index)
        kept = np.mean([np.mean(read[name] == wanted[name]) for name in wanted if name != "style"])
        return style, kept, 2 * style * kept / (style + kept + 1e-9), metrics.psnr(truth, found).mean()

    print(f"{'method':22}{'strength':>9}{'style':>8}{'identity':>10}{'both':>8}{'PSNR':>8}{'s':>8}")
    line = "{:22}{:>9}{:8.3f}{:10.3f}{:8.3f}{:8.2f}"
    print(line.format("the picture itself", "", *measure(images)))
    curves, strips = {}, {"picture": images[:6]}
    for name in arguments.methods:
        for strength in arguments.strengths:
            found = restyled(painter, images, sources, targets, strength, **METHODS[name])
            values = measure(found)
            restyled(painter, images[:1], sources[:1], targets[:1], strength, **METHODS[name])
            start = time.perf_counter()
            restyled(painter, images[:1], sources[:1], targets[:1], strength, **METHODS[name])
            print(line.format(name, strength, *values) + f"{time.perf_counter() - start:8.2f}", flush=True)
            curves.setdefault(name, []).append(values)
            strips[f"{name} {strength:g}"] = found[:6]
    strips["world's drawing"] = truth[:6]
    if arguments.figure:
        figure(curves, strips, arguments.strengths).savefig(arguments.figure, dpi=100)


def figure(curves, strips, strengths):
    from matplotlib.figure import Figure

    made = Figure(figsize=(9, 4 + 1.5 * len(strips)), layout="constrained")
    above, below = made.subfigures(2, 1, height_ratios=[4, 1.5 * len(strips)])
    for axes, title, column in zip(above.subplots(1, 2), ("style reached", "identity kept"), (0, 1), strict=True):
        for name, values in curves.items():
            axes.plot(strengths, [v[column] for v in values], "o-", label=name)
        axes.set(title=title, xlabel="strength", ylim=(0, 1.02))
        axes.legend(frameon=False)
    for axes, (name, images) in zip(below.subplots(len(strips), 1), strips.items(), strict=True):
        axes.imshow(np.concatenate(list(images), axis=1))
        axes.set(xticks=[], yticks=[])
        axes.set_ylabel(name.replace(", ", "\n"), rotation=0, ha="right", va="center")
    return made


if __name__ == "__main__":
    main()
