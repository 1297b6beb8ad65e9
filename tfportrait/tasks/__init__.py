"""What a trained painter is used for; each is imported when it is first asked for."""

from tfportrait.lazy import lazy

_HOMES = {
    "compose_prompt": "painting",
    "describe": "describing",
    "image_to_image": "restyling",
    "invert": "restyling",
    "paint": "painting",
    "restyle": "editing",
    "upscale": "upscaling",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
