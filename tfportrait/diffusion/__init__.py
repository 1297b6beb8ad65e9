"""Diffusion as pure maths: schedules, predictions, denoisers, guidance, samplers. No network, text or image size.

Everything is written in two named rates, x_t = signal_rate * x_0 + noise_rate * noise, so that one code serves
variance-preserving schedules (DDPM, Stable Diffusion), variance-exploding ones (EDM) and rectified flow.
numpy arrays go in and come out without Keras; backend tensors go through `keras.ops`.
"""

from tfportrait.diffusion import (
    denoiser,
    diffusers_config,
    guidance,
    noise,
    prediction,
    samplers,
    schedules,
    spacing,
    weighting,
)
from tfportrait.diffusion.denoiser import Denoiser, consistency
from tfportrait.diffusion.guidance import Guided, guide
from tfportrait.diffusion.noise import add_noise, expand_seeds, unit_noise
from tfportrait.diffusion.samplers import SAMPLERS
from tfportrait.diffusion.schedules import SCHEDULES, DiscreteSchedule, EDMSchedule, FlowSchedule, from_diffusers

__all__ = [
    "SAMPLERS",
    "SCHEDULES",
    "Denoiser",
    "DiscreteSchedule",
    "EDMSchedule",
    "FlowSchedule",
    "Guided",
    "add_noise",
    "consistency",
    "denoiser",
    "diffusers_config",
    "expand_seeds",
    "from_diffusers",
    "guidance",
    "guide",
    "noise",
    "prediction",
    "samplers",
    "schedules",
    "spacing",
    "unit_noise",
    "weighting",
]
