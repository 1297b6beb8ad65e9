"""What a trained painter is used for; each is imported when it is first asked for."""

from tfportrait.lazy import lazy

_HOMES = {
    "animate": "animation",
    "chain": "animation",
    "compose_prompt": "painting",
    "degrade": "degradations",
    "describe": "describing",
    "read_attributes": "describing",
    "directions": "sliders",
    "edit_part": "editing",
    "explore": "exploring",
    "familiarity": "strangers",
    "find_overlay": "overlays",
    "image_to_image": "restyling",
    "inpaint": "inpainting",
    "motion_ends": "moving",
    "outpaint": "inpainting",
    "paint": "painting",
    "panorama": "panoramas",
    "paint_jobs": "batches",
    "read_input": "editing",
    "read_prompts": "batches",
    "repaint": "painting",
    "repair": "editing",
    "restore": "restoration",
    "restyle": "editing",
    "slide": "sliders",
    "upscale": "upscaling",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
