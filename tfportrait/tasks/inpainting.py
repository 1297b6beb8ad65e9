"""Inpainting and outpainting: new content where a mask says so, every other pixel as it was."""

import numpy as np
from keras import ops

from tfportrait.models import generation, masking
from tfportrait.tasks.filling import fill
from tfportrait.tasks.pictures import check_images, to_float
from tfportrait.tasks.restyling import encode, together
from tfportrait.training.compiled import compiled


def inpaint(
    painter,
    image,
    mask,
    prompts=None,
    negative_prompts=None,
    *,
    seeds=0,
    num_steps=20,
    guidance_scale=4.0,
    sampler="dpmpp_2m",
    spacing=None,
    strength=1.0,
    feather=0,
    noise=None,
    progress=False,
    on_step=None,
    clip_skip=None,
):
    """Paints what a mask marks, so that it goes with the rest of the image.

    A U-Net that was made for it sees the rest of the image (Rombach et al. 2022, section 4.5). With any other, whatever
    it predicts outside the mask is replaced by the image before the sampler goes on (Lugmayr et al. 2022, RePaint,
    without its repetitions): it needs no training. With strength 1 that is in proportion where a latent lies partly
    outside, and what the mask hides is not looked at: its place is filled from around it.

    Args:
        painter: LatentDiffusion.
        image: uint8 (H, W, 3) or (N, H, W, 3). Sides are such as `generate` takes for `image_size`.
        mask: bool or uint8 (H, W) or (N, H, W). What is not zero is painted. Every other pixel stays as it is, bit for
            bit.
        prompts, negative_prompts: as `LatentDiffusion.generate` takes them: what the whole image is to show.
        seeds: int or list of int in [0, 2**63).
        num_steps, guidance_scale, sampler, spacing, progress, on_step, clip_skip: as `generate` takes them.
        strength: float in (0, 1]. Below 1 the masked part is painted over and not all anew, as `image_to_image` does.
        feather: int >= 0. Pixels inside the mask over which what was there goes over into what is painted.
        noise: float array or None. As `image_to_image` takes it.

    Returns:
        uint8 (N, H, W, 3).

    Raises:
        ValueError: an argument that cannot be used, before any work is done.
        FloatingPointError: not a number in the latents or the image; names the stage.
    """
    images, prompts, seeds = together(check_images(image), prompts, seeds)
    marked = check_mask(mask, images.shape[:3])
    if isinstance(feather, bool) or not isinstance(feather, int) or feather < 0:
        raise ValueError(f"feather is {feather!r}, but must be a whole number of pixels, 0 or more")
    request = generation.Request.check(
        painter,
        prompts,
        negative_prompts,
        seeds,
        num_steps=num_steps,
        guidance_scale=guidance_scale,
        sampler=sampler,
        steps_spacing=spacing,
        image_size=images.shape[1:3],
        start=noise,
        clip_skip=clip_skip,
        strength=strength,
    )
    shares = _shares(marked, painter.downsampling)
    cells = np.ceil(shares)  # whatever holds a masked pixel
    with painter.averaged_weights():
        latents = channels = wrap = None
        if strength < 1:
            latents = encode(painter, images)
        if painter.inpaints:
            hidden = to_float(images) * ~marked[..., None]
            channels = compiled(painter, "beside", lambda hidden, cells: masking.seen_beside(painter, hidden, cells))(
                hidden, cells
            )
        else:
            if strength == 1:
                filled = fill(images.astype("float32"), marked)
                known, replaced = encode(painter, np.rint(filled).astype("uint8")), ops.convert_to_tensor(shares)
            else:
                known, replaced = latents, ops.convert_to_tensor(cells)
            wrap = keep(known, replaced)
        painted = generation.sample(
            painter, request, latents=latents, channels=channels, wrap=wrap, progress=progress, on_step=on_step
        )
        if not painter.inpaints:  # some schedules end with a little noise
            painted = known + replaced * (painted - known)
        painted = generation.decode(painter, painted)
    return blend(images, painted, marked, feather)


def outpaint(painter, image, borders, prompts=None, negative_prompts=None, **options):
    """Paints what is beyond the borders of an image.

    Args:
        painter, prompts, negative_prompts: as `inpaint` takes them.
        image: uint8 (H, W, 3) or (N, H, W, 3).
        borders: (int, int, int, int). New pixels above, to the right, below and to the left. The new sides are such as
            `generate` takes for `image_size`.
        **options: as `inpaint` takes them.

    Returns:
        uint8 (N, top + H + bottom, left + W + right, 3).

    Raises:
        ValueError: as `inpaint`.
    """
    images = check_images(image)
    borders = tuple(borders)
    if len(borders) != 4 or not all(isinstance(side, int) and side >= 0 for side in borders) or not any(borders):
        raise ValueError(f"borders are {borders}, but must be four whole numbers of pixels: top, right, bottom, left")
    top, right, bottom, left = borders
    sides = ((top, bottom), (left, right))
    mask = np.pad(np.zeros(images.shape[1:3], bool), sides, constant_values=True)
    return inpaint(
        painter, np.pad(images, ((0, 0), *sides, (0, 0)), "edge"), mask, prompts, negative_prompts, **options
    )


def check_mask(mask, shape):
    """A mask as bool (N, H, W).

    Args:
        mask: bool or uint8 (H, W) or (N, H, W).
        shape: (N, H, W), of the images.

    Raises:
        ValueError: another type or size, or a mask that marks nothing.
    """
    mask = np.asarray(mask)
    if mask.dtype not in (np.uint8, np.bool_) or mask.ndim not in (2, 3):
        raise ValueError(f"mask must be uint8 or bool (H, W) or (N, H, W), got {mask.dtype} {mask.shape}")
    if mask.shape[-2:] != shape[1:] or (mask.ndim == 3 and len(mask) not in (1, shape[0])):
        raise ValueError(f"mask is {mask.shape}, but the images are {shape}: they must be of one size")
    marked = np.broadcast_to(mask != 0, shape)
    if empty := [i for i, each in enumerate(marked) if not each.any()]:
        raise ValueError(
            f"the mask of image {empty[0]} marks nothing: what is to be painted must not be 0 (black) in it"
        )
    return marked


def _shares(marked, factor):
    """How much of every latent is marked, float32 (N, h, w, 1) in [0, 1]."""
    count, height, width = marked.shape
    cells = marked.reshape(count, height // factor, factor, width // factor, factor)
    return cells.mean(axis=(2, 4), dtype="float32")[..., None]


def keep(latents, cells):
    """What makes of a denoiser one that knows the latents wherever `cells`, (N, h, w, 1), are 0."""

    def wrap(denoise):
        def known(x, signal_rate, noise_rate):
            return latents + cells * (denoise(x, signal_rate, noise_rate) - latents)

        return known

    return wrap


def blend(images, painted, marked, feather):
    """The images with what is painted where they are marked, uint8 (N, H, W, 3).

    What the autoencoder makes different outside the mask is taken for what it makes different inside: its smooth
    continuation is added, so that no seam is left (Perez et al. 2003, Poisson image editing).
    """
    painted = painted.astype("float32")
    painted = np.clip(painted + fill(images - painted, marked), 0, 255)
    weights, inside = marked.astype("float32"), marked
    for _ in range(feather):  # each time the outermost pixels that are left go
        around = np.pad(inside, ((0, 0), (1, 1), (1, 1)), mode="edge")
        rows = around[:, :-2] & around[:, 1:-1] & around[:, 2:]
        inside = rows[..., :-2] & rows[..., 1:-1] & rows[..., 2:]
        weights = weights + inside
    weights = weights[..., None] / (feather + 1)
    return np.rint(images + weights * (painted - images)).astype("uint8")
