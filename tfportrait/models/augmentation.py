"""Differentiable augmentation (Zhao et al. 2020): what a discriminator sees is disturbed, real and painted alike.

A small data set is then not learnt by heart, and since the painted images pass through the same disturbances, with
their gradients, the generator does not copy them.
"""

from keras import ops

from tfportrait.training import replicas

POLICIES = ("colour", "translation", "cutout")


def augment(images, policies, seed):
    """Disturbs each image by itself.

    Args:
        images: float32 (B, H, W, C) in [-1, 1].
        policies: sequence of `"colour"` (brightness, saturation, contrast), `"translation"` (up to an eighth of the
            side, black beyond the edge) and `"cutout"` (a grey square of half the side).
        seed: `keras.random.SeedGenerator` or int.

    Returns: float32 (B, H, W, C), differentiable any number of times.
    """
    for policy in policies:
        images = {"colour": colour, "translation": translation, "cutout": cutout}[policy](images, seed)
    return images


def colour(images, seed):
    """Brightness moved by up to 0.5, saturation times up to 2, contrast times 0.5 to 1.5."""
    shape = (ops.shape(images)[0], 1, 1, 1)
    images = images + replicas.uniform(shape, -0.5, 0.5, seed=seed)
    grey = ops.mean(images, axis=-1, keepdims=True)
    images = grey + (images - grey) * replicas.uniform(shape, 0.0, 2.0, seed=seed)
    middle = ops.mean(images, axis=(1, 2, 3), keepdims=True)
    return middle + (images - middle) * replicas.uniform(shape, 0.5, 1.5, seed=seed)


def translation(images, seed):
    """Moved by up to an eighth of the side. As a product of matrices: exact, and XLA differentiates it."""
    for axis in (1, 2):
        side = images.shape[axis]
        reach = max(side // 8, 1)
        shift = replicas.randint((ops.shape(images)[0], 1), -reach, reach + 1, seed=seed)
        moved = ops.one_hot(ops.arange(side)[None] - shift, side, dtype=images.dtype)  # (B, to, from); none: zeros
        images = ops.einsum("bij,bjwc->biwc" if axis == 1 else "bij,bhjc->bhic", moved, images)
    return images


def cutout(images, seed):
    """A square of half the side, its centre anywhere, becomes 0."""
    keep = 0.0
    for axis in (1, 2):
        side = images.shape[axis]
        centre = replicas.randint((ops.shape(images)[0], 1), 0, side + 1, seed=seed)
        outside = ops.abs(2 * (ops.arange(side)[None] - centre) + 1) > side // 2  # (B, side)
        outside = ops.cast(outside, images.dtype)
        keep = ops.maximum(keep, outside[:, :, None, None] if axis == 1 else outside[:, None, :, None])
    return images * keep
