"""What a preset is worth: its painter against the oracle, its autoencoder against real renders."""

import dataclasses

import numpy as np
from tqdm import tqdm

from tfportrait.metrics.image_distance import psnr
from tfportrait.metrics.prompts import Accuracy, held_out_prompts, prompt_accuracy
from tfportrait.world.choice import world_of


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Measured on portraits or scenes that no training has seen.

    Attributes:
        prompts: Accuracy. Of the images painted for the prompts.
        reconstructions: Accuracy or None. Of what the autoencoder makes of the pictures that the prompts describe:
            what the painter can reach at best. None without an autoencoder, as is `psnr`.
        psnr: float or None. Mean over these reconstructions, in dB.
        count: int. Prompts, every other one Chinese.
        num_steps: int. Steps of the sampler.
    """

    prompts: Accuracy
    reconstructions: Accuracy | None
    psnr: float | None
    count: int
    num_steps: int

    def __str__(self):
        lines = [f"{self.count} unseen prompts, half of them Chinese, {self.num_steps} steps", str(self.prompts)]
        if self.reconstructions is not None:
            accuracy, real = self.reconstructions.accuracy, self.prompts.real
            lines.append(
                f"autoencoder: {self.psnr:.2f} dB PSNR; oracle on its reconstructions {accuracy:.3f}, "
                f"{accuracy / real:.3f} of that on real renders"
            )
            worst = sorted(self.reconstructions.by_attribute.items(), key=lambda item: item[1])[:3]
            lines.append("  lowest: " + ", ".join(f"{name} {value:.3f}" for name, value in worst))
        return "\n".join(lines)


def evaluate(painter, oracle, *, count=512, num_steps=20, guidance_scale=4.0, sampler="dpmpp_2m", batch_size=32):
    """Paints unseen prompts and has an oracle read the pictures.

    Args:
        painter: LatentDiffusion, of the oracle's image size.
        oracle: Oracle. The prompts are of the world whose attributes it reads, portraits or scenes.
        count: int. Number of prompts.
        num_steps, guidance_scale, sampler: as `LatentDiffusion.generate` takes them.
        batch_size: int. Images painted at a time.

    Returns:
        Evaluation.

    Raises:
        ValueError: `count` is below 1, or the two have different image sizes, or the oracle is of no drawn world.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    if painter.image_size != oracle.image_size:
        raise ValueError(f"the painter paints {painter.image_size} px, but the oracle reads {oracle.image_size} px")
    texts, named, drawn = held_out_prompts(count, of=world_of(oracle.attributes))
    real = np.stack([each.render(oracle.image_size) for each in drawn])
    painted, reconstructed = [], []
    for start in tqdm(range(0, count, batch_size), desc="painting", unit="batch", leave=False, disable=None):
        part = slice(start, start + batch_size)
        painted.append(
            painter.generate(
                texts[part],
                seeds=start,
                num_steps=num_steps,
                guidance_scale=guidance_scale,
                sampler=sampler,
            )
        )
        if painter.autoencoder is not None:
            reconstructed.append(painter.autoencoder.reconstruct(real[part]))
    prompts = prompt_accuracy(oracle, np.concatenate(painted), named, real_images=real)
    reconstructions = reconstruction_psnr = None
    if reconstructed:
        reconstructed = np.concatenate(reconstructed)
        reconstructions = prompt_accuracy(oracle, reconstructed, named)
        reconstruction_psnr = float(psnr(real, reconstructed).mean())
    return Evaluation(prompts, reconstructions, reconstruction_psnr, count, num_steps)
