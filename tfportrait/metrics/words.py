"""How well images fit their prompts, by a CLIP checkpoint."""


def clip_score(clip, images, prompts, *, batch_size=32):
    """A hundred times the cosine of each image and its prompt in CLIP's space.

    Source: Hessel et al. 2021, equation 1, without the factor 2.5 and unclipped, as torchmetrics has it.

    Args:
        clip: CLIP, as `CLIP.from_folder` reads it.
        images: uint8 (N, H, W, 3).
        prompts: list of N str.
        batch_size: int.

    Returns: float64 (N,).

    Raises: ValueError if the numbers differ, or there is no tokenizer.
    """
    return 100.0 * clip.similarity(images, prompts, batch_size=batch_size)
