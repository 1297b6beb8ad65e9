"""What steps and intervals of guidance are worth: the table `PLANS` of tfportrait/tasks/budgets.py.

    python tests/benchmarks/bench_plans.py [--samples 256] [--preset portrait_128]

For each number of steps and each interval of guidance (ratios of noise to signal): prompt accuracy on unseen prompts,
half of them Chinese, the evaluations of the U-Net that a picture takes, and "oracle_kd", the kernel distance of the
oracle's features from those of other real portraits, times 1,000 (0 for real ones, give or take).
"""

import argparse

import numpy as np

import tfportrait as tp
from tfportrait import metrics
from tfportrait.diffusion import guidance, spacing

STEPS = (3, 4, 6, 8, 12, 20, 30)
INTERVALS = (None, (0.2, 4.0), (0.4, 10.0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--preset", default="portrait_128")
    arguments = parser.parse_args()
    print(tp.accelerate())
    painter = tp.LatentDiffusion.from_preset(arguments.preset)
    oracle = tp.Oracle.from_preset("oracle_128")
    texts, named, _ = metrics.held_out_prompts(arguments.samples)
    _, _, others = metrics.held_out_prompts(2 * arguments.samples, first_seed=metrics.prompts.HELD_OUT_SEED + 10**6)
    real = oracle.embed(np.stack([portrait.render(painter.image_size) for portrait in others]))
    print(f"{'steps':>6} {'guidance':>14} {'evaluations':>12} {'accuracy':>9} {'oracle_kd':>10}")
    for steps in STEPS:
        for interval in INTERVALS:
            rates = spacing.rates(painter.schedule, "dpmpp_2m", steps, None)[:-1]
            guided = sum(guidance.within(interval, *pair) for pair in rates.tolist())
            images = []
            for start in range(0, len(texts), 32):
                part = texts[start : start + 32]
                images.append(painter.generate(part, seeds=start, num_steps=steps, guidance_interval=interval))
            images = np.concatenate(images)
            accuracy = metrics.prompt_accuracy(oracle, images, named).accuracy
            distance = 1000 * metrics.kernel_distance(oracle.embed(images), real)
            shown = "everywhere" if interval is None else "{:g} to {:g}".format(*interval)
            print(f"{steps:6} {shown:>14} {steps + guided:12} {accuracy:9.3f} {distance:10.2f}", flush=True)


if __name__ == "__main__":
    main()
