"""Stable Diffusion 1.x and 2.x checkpoints in the package's own classes, and what is added to them: LoRA, new words."""

from tfportrait.lazy import lazy

_HOMES = {
    "LoRA": "lora",
    "Word": "words",
    "add_lora": "lora",
    "add_word": "words",
    "load_lora": "lora",
    "load_word": "words",
    "loras": "lora",
    "personal_dataset": "personal",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
