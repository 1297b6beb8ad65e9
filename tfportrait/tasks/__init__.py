"""What a trained painter is used for; each is imported when it is first asked for."""

from tfportrait.lazy import lazy

_HOMES = {
    "animate": "animation",
    "compose_prompt": "painting",
    "degrade": "degradations",
    "describe": "describing",
    "edit_part": "editing",
    "explore": "exploring",
    "find_overlay": "overlays",
    "image_to_image": "restyling",
    "inpaint": "inpainting",
    "outpaint": "inpainting",
    "paint": "painting",
    "panorama": "panoramas",
    "paint_jobs": "batches",
    "read_prompts": "batches",
    "repaint": "painting",
    "repair": "editing",
    "restore": "restoration",
    "restyle": "editing",
    "upscale": "upscaling",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
