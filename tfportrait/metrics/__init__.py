"""Measurements of what a painter paints; each is imported when it is first asked for."""

from tfportrait.lazy import lazy

_HOMES = {
    "Accuracy": "prompts",
    "Balance": "bias",
    "Evaluation": "evaluation",
    "FrechetDistance": "watching",
    "InceptionFeatures": "features",
    "Memorisation": "memory",
    "Moments": "moments",
    "Share": "bias",
    "WatchDistance": "watching",
    "attribute_entropy": "distances",
    "balance": "bias",
    "bootstrap": "intervals",
    "clip_score": "words",
    "density_coverage": "distances",
    "evaluate": "evaluation",
    "figures": "",
    "frechet_distance": "distances",
    "guidance_settings": "studies",
    "held_out_prompts": "prompts",
    "kernel_distance": "distances",
    "kernel_distance_of_subsets": "distances",
    "memorisation": "memory",
    "nearest": "distances",
    "nearest_distances": "distances",
    "perceptual_distance": "image_distance",
    "precision_recall": "distances",
    "prompt_accuracy": "prompts",
    "psnr": "image_distance",
    "repeated_share": "distances",
    "sampler_settings": "studies",
    "ssim": "image_distance",
    "study": "studies",
    "study_table": "studies",
    "wilson": "intervals",
}

__all__, __getattr__, __dir__ = lazy(__name__, _HOMES)
