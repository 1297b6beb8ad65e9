"""Classifier-free guidance (Ho and Salimans 2022) with the rescaling of Lin et al. 2023."""

from __future__ import annotations

from collections.abc import Callable

from tfportrait.diffusion.numeric import ops_for


def guide(conditional, unconditional, guidance_scale, rescale: float = 0.0):
    """unconditional + guidance_scale (conditional - unconditional), its contrast held by `rescale`.

    Without `rescale` it makes no difference whether x_0 or the network's own outputs are guided. diffusers and Lin et
    al. rescale the outputs.

    Equations: `guidance.classifier_free`, `guidance.rescale`.

    Args:
        conditional: float32 (B, ...). Predicted with the prompt: x_0, or the network's output.
        unconditional: float32 (B, ...). Predicted with the negative or the empty prompt.
        guidance_scale: float, or a scalar tensor where a compiled function takes it. 1 gives `conditional`.
        rescale: float in [0, 1]. Share of the result brought to the standard deviation of `conditional`, per example
            (Lin et al. 2023, equations 15 and 16).
    """
    guided = unconditional + guidance_scale * (conditional - unconditional)
    if rescale == 0:
        return guided
    ops = ops_for(guided)
    axes = tuple(range(1, len(guided.shape)))
    wanted, found = (ops.std(x, axis=axes, keepdims=True) for x in (conditional, guided))
    return guided * (rescale * wanted / ops.maximum(found, 1e-12) + (1 - rescale))


def within(interval, signal_rate, noise_rate) -> bool:
    """Whether the ratio of noise to signal lies in an interval (Kynkaanniemi et al. 2024).

    Args:
        interval: (float, float) or None. None is every ratio, infinity among them.
        signal_rate, noise_rate: float.
    """
    low, high = interval or (0.0, float("inf"))
    return low <= (noise_rate / signal_rate if signal_rate > 0 else float("inf")) <= high


class Guided:
    """Two denoisers as one. Evaluates only one of them where the scale is 0 or 1.

    Args:
        conditional: callable. Denoiser with the prompt bound.
        unconditional: callable. Denoiser with the negative or the empty prompt bound.
        guidance_scale: float >= 0.
        rescale: float in [0, 1]. Of x_0; `LatentDiffusion` rescales the output of its U-Net.
    """

    def __init__(self, conditional: Callable, unconditional: Callable, guidance_scale: float, rescale: float = 0.0):
        if not 0 <= guidance_scale < float("inf"):
            raise ValueError(f"guidance_scale must be 0 or more, not {guidance_scale}")
        if not 0 <= rescale <= 1:
            raise ValueError(f"rescale must lie between 0 and 1, not {rescale}")
        self.conditional, self.unconditional = conditional, unconditional
        self.guidance_scale, self.rescale = guidance_scale, rescale

    def __call__(self, x, signal_rate, noise_rate):
        if self.guidance_scale == 1:
            return self.conditional(x, signal_rate, noise_rate)
        if self.guidance_scale == 0:
            return self.unconditional(x, signal_rate, noise_rate)
        return guide(
            self.conditional(x, signal_rate, noise_rate),
            self.unconditional(x, signal_rate, noise_rate),
            self.guidance_scale,
            self.rescale,
        )
