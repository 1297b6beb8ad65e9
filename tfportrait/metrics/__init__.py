"""Measurements of what a painter paints; each is imported when it is first asked for."""

from tfportrait.lazy import lazy

_HOMES = {
    "Accuracy": "prompts",
    "Evaluation": "evaluation",
    "evaluate": "evaluation",
    "held_out_prompts": "prompts",
    "prompt_accuracy": "prompts",
    "psnr": "image_distance",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
