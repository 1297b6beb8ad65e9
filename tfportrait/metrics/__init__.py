"""Measurements of what a painter paints; each is imported when it is first asked for."""

from tfportrait.lazy import lazy

_HOMES = {
    "Accuracy": "prompts",
    "Evaluation": "evaluation",
    "attribute_entropy": "distances",
    "evaluate": "evaluation",
    "frechet_distance": "distances",
    "held_out_prompts": "prompts",
    "kernel_distance": "distances",
    "nearest_distances": "distances",
    "prompt_accuracy": "prompts",
    "psnr": "image_distance",
    "repeated_share": "distances",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
