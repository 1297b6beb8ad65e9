"""What a trained painter is used for; each is imported when it is first asked for."""

from tfportrait.lazy import lazy

_HOMES = {"compose_prompt": "painting", "paint": "painting", "upscale": "upscaling"}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
