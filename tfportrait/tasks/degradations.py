"""What damages pictures: how each kind does it, and which picture near a guess fits best to what it has left."""

import dataclasses
import functools
import io
import math

import numpy as np
from keras import ops
from PIL import Image, JpegImagePlugin

from tfportrait.diffusion.noise import expand_seeds, unit_noise
from tfportrait.tasks.pictures import check_images

GREY = 127.5  # grey levels of a picture in [-1, 1] to 1
ROUNDING = 1 / math.sqrt(12)  # deviation of rounding to whole grey levels
LUMA = np.array([0.299, 0.587, 0.114], "float32")  # of ITU-R BT.601, as in JPEG
NOISE = 7  # the step whose noise damages pictures: another one than those of the sampler


class Degradation:
    """A kind of damage, known but for its noise.

    Images are float32 (N, H, W, 3) in [-1, 1] where nothing else is said.
    """

    name: str
    is_state = False  # whether damaged images are states of a diffusion process

    def apply(self, images, *, seeds=0):
        """Damages pictures.

        Args:
            images: uint8 (H, W, 3) or (N, H, W, 3).
            seeds: int or list of int. The noise's; 7 for four images means 7, 8, 9, 10.

        Returns: uint8 (N, H, W, 3).
        """
        images = check_images(images)
        return self._apply(images, expand_seeds(seeds, len(images)))

    def _apply(self, images, seeds):
        raise NotImplementedError

    def measured(self, damaged):
        """This kind with what was left open measured on damaged pictures, uint8 (N, H, W, 3)."""
        return self

    @property
    def hides(self):
        """float: deviation of the noise that hides the damage, from which a sampler may start."""
        raise NotImplementedError

    def nearest(self, images, damaged, variance):
        """The most probable images, given what is left of them.

        Args:
            images: the means of normally distributed images.
            damaged: as `apply` returns them, in [-1, 1].
            variance: float. Of every pixel.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Gaussian(Degradation):
    """Normally distributed noise, the same everywhere, cut off at black and white.

    Args:
        level: float in (0, 255] or None. Standard deviation in grey levels. None: measured (Donoho & Johnstone 1994):
            within a tenth or so from 10 to 50, too little for much more, of which black and white cut too much off.
    """

    level: float | None = None
    name = "gaussian"
    is_state = True

    def __post_init__(self):
        _check_level(self, 255)

    def __str__(self):
        return f"Gaussian noise of {self.level:g} grey levels"

    def _apply(self, images, seeds):
        return _rounded(images + self.level * unit_noise(seeds, NOISE, images.shape[1:]))

    def measured(self, damaged):
        if self.level is not None:
            return self
        pixels = damaged.astype("float32")
        details, means, deviation = np.abs(_details(pixels)), _means(pixels), 255.0
        for reach in (0.0, 2.5):  # the second time only where nothing is cut off
            inside = (means >= reach * deviation) & (means <= 255 - reach * deviation)
            if inside.mean() > 0.02:
                deviation = np.median(details[inside]) / 0.6745
        return Gaussian(round(float(np.clip(deviation, 0.5, 255)), 2))

    @property
    def hides(self):
        return self.level / GREY

    def uncut(self, damaged, images, noise):
        """Damaged images as they may have been before the cut at black and white, if `images` are undamaged.

        Args:
            noise: float32 (N, H, W, 3), unit noise.
        """
        return _uncut(damaged, images, self.hides, noise)

    def nearest(self, images, damaged, variance):
        return _weighed(images, _uncut(damaged, images, self.hides), variance, self.hides**2)


@dataclasses.dataclass(frozen=True)
class Poisson(Degradation):
    """The noise of light: every pixel counts photons.

    Args:
        level: float in (0, 10000] or None. Photons of white. None: measured.
    """

    level: float | None = None
    name = "poisson"

    def __post_init__(self):
        _check_level(self, 10_000)

    def __str__(self):
        return f"Poisson noise of {self.level:g} photons in white"

    def _apply(self, images, seeds):
        random = (np.random.Generator(np.random.Philox(key=[seed, NOISE])) for seed in seeds)
        counts = np.stack(
            [each.poisson(image * (self.level / 255.0)) for each, image in zip(random, images, strict=True)]
        )
        return _rounded(counts * (255.0 / self.level))

    def measured(self, damaged):
        if self.level is not None:
            return self
        pixels = damaged.astype("float32")
        details = _details(pixels)
        means = _means(pixels)
        inside = (means > 16) & (means < 224)  # where little is cut off
        if not inside.any():
            return Poisson(10_000.0)
        # The median of a squared normal variable is 0.4549 times its variance.
        variance = np.median(details[inside] ** 2 / means[inside]) / 0.4549
        return Poisson(round(float(np.clip(255.0 / max(variance, 1e-6), 1.0, 10_000)), 2))

    @property
    def hides(self):
        return math.sqrt(4.0 / self.level)

    def nearest(self, images, damaged, variance):
        share = np.clip((images + 1.0) / 2.0, 1.0 / self.level, 1.0)
        noise_variance = 4.0 * share / self.level
        uncut = _uncut(damaged, images, np.sqrt(noise_variance))
        return _weighed(images, np.where(damaged > 0, uncut, damaged), variance, noise_variance)


@dataclasses.dataclass(frozen=True)
class Jpeg(Degradation):
    """Compression as JPEG.

    Args:
        level: int from 1 to 100 or None. The quality, as Pillow counts it.
        tables: tuple of two tuples of 64 int or None. Quantisation steps of luminance and colour in rows, in place of
            a quality: what a file says.
        sampling: int. Pixels to a number of colour along a side: 2, or 1.
    """

    level: float | None = None
    tables: tuple | None = None
    sampling: int = 2
    name = "jpeg"

    def __post_init__(self):
        if self.tables is None:
            _check_level(self, 100)
        if self.level is None and self.tables is None:
            raise ValueError("jpeg needs a level, the quality from 1 to 100: only a JPEG file tells it by itself")

    def __str__(self):
        return "JPEG, " + (f"quality {self.level:g}" if self.tables is None else "as the file says")

    @classmethod
    def of_file(cls, path):
        """The compression of a JPEG file, None for any other file."""
        with Image.open(path) as image:
            if image.format != "JPEG" or not getattr(image, "quantization", None):
                return None
            tables = [tuple(table) for _, table in sorted(image.quantization.items())]
            sampling = 1 if JpegImagePlugin.get_sampling(image) == 0 else 2
        return cls(tables=(tables[0], tables[-1]), sampling=sampling)

    @functools.cached_property
    def steps(self):
        """float32 (2, 8, 8): the quantisation steps of luminance and colour, in grey levels."""
        if self.tables is not None:
            return np.reshape(np.array(self.tables, "float32"), (2, 8, 8))
        file = io.BytesIO()
        Image.new("RGB", (16, 16)).save(file, "JPEG", quality=int(self.level))
        return Jpeg.of_file(file).steps

    def _apply(self, images, seeds):
        tables = [list(np.ravel(steps).astype(int)) for steps in self.steps]
        damaged = []
        for image in images:
            file = io.BytesIO()
            Image.fromarray(image).save(file, "JPEG", qtables=tables, subsampling=0 if self.sampling == 1 else 2)
            damaged.append(np.asarray(Image.open(file)))
        return np.stack(damaged)

    @property
    def hides(self):
        return 0.6

    def nearest(self, images, damaged, variance):
        images, height, width = _filled(images, 8 * self.sampling)
        stored = _coefficients(_filled(damaged, 8 * self.sampling)[0], self.sampling)
        changes = []
        guesses = _coefficients(images, self.sampling)
        for channel, (guess, values) in enumerate(zip(guesses, stored, strict=True)):
            step = self.steps[min(channel, 1)] / GREY
            middle = np.rint(values / step) * step  # the decoded picture was rounded and cut off
            scale = self.sampling if channel else 1  # means of so many squared pixels vary less
            deviation = math.sqrt(variance) / scale
            changes.append(_truncated_mean(guess, deviation, middle - step / 2, middle + step / 2) - guess)
        return (images + _pixels(changes, self.sampling))[:, :height, :width]


@dataclasses.dataclass(frozen=True)
class Blur(Degradation):
    """Blur by a Gaussian, and a little noise.

    Args:
        level: float in (0, 50]. Standard deviation of the Gaussian in pixels.
        noise: float in [0, 255]. Standard deviation of normally distributed noise in grey levels.
    """

    level: float | None = None
    noise: float = 0.0
    name = "blur"

    def __post_init__(self):
        _check_level(self, 50)
        if self.level is None:
            raise ValueError("blur needs a level: the standard deviation of the Gaussian in pixels, e.g. 2")
        if not 0 <= self.noise <= 255:
            raise ValueError(f"the noise of blur is {self.noise}, but must be in [0, 255]")

    def __str__(self):
        noise = f", and noise of {self.noise:g} grey levels" if self.noise else ""
        return f"blur of {self.level:g} pixels{noise}"

    def _apply(self, images, seeds):
        blurred = _inverse_cosines(self._kept(images) * _cosines(images.astype("float32")))
        return _rounded(blurred + self.noise * unit_noise(seeds, NOISE, images.shape[1:]))

    @property
    def hides(self):
        return 1.0

    def nearest(self, images, damaged, variance):
        kept = self._kept(images)
        spectrum = _cosines(images)
        noise = max(self.noise, ROUNDING) / GREY
        gain = variance * kept / (variance * kept**2 + noise**2)
        return _inverse_cosines(spectrum + gain * (_cosines(damaged) - kept * spectrum))

    def _kept(self, images):
        """Of every frequency, the share that the blur keeps: (H, W, 1)."""
        rows, columns = (_gaussian_gain(side, self.level) for side in images.shape[1:3])
        return (rows[:, None] * columns)[..., None]


@dataclasses.dataclass(frozen=True)
class Grey(Degradation):
    """No colours: every pixel its luminance."""

    name = "grey"

    def __str__(self):
        return "no colours"

    def _apply(self, images, seeds):
        return np.repeat(_rounded(images @ LUMA)[..., None], 3, axis=-1)

    @property
    def hides(self):
        return math.inf

    def nearest(self, images, damaged, variance):
        """The colour differences of the guess, as far as black and white allow them at the luminance that is known."""
        luminance = damaged.mean(axis=-1, keepdims=True)
        colour = images - (images @ LUMA)[..., None]
        room = np.where(colour > 0, 1.0 - luminance, 1.0 + luminance)
        share = np.min(np.maximum(room, 0) / np.maximum(np.abs(colour), 1e-6), axis=-1, keepdims=True)
        return luminance + np.minimum(share, 1.0) * colour


KINDS = {kind.name: kind for kind in (Gaussian, Poisson, Jpeg, Blur, Grey)}


def get(degradation, level=None):
    """A degradation by its name.

    Args:
        degradation: str or Degradation. A name of `KINDS`.
        level: float or None. Its level; None where it is measured or has none.

    Raises: ValueError for an unknown name (lists the known ones), or a level that it cannot have.
    """
    if isinstance(degradation, Degradation):
        if level is not None:
            raise ValueError("give the level to the degradation itself, not beside it")
        return degradation
    if degradation not in KINDS:
        raise ValueError(f"unknown degradation {degradation!r}; known are {', '.join(KINDS)}")
    if degradation == "grey":
        if level is not None:
            raise ValueError("grey has no level")
        return Grey()
    return KINDS[degradation](level)


def _check_level(degradation, most):
    level = degradation.level
    if level is not None and not 0 < level <= most:
        raise ValueError(f"the level of {degradation.name} is {level}, but must be above 0 and at most {most}")


def _rounded(levels):
    return np.rint(np.clip(levels, 0, 255)).astype("uint8")


def _weighed(images, damaged, variance, noise_variance):
    """The mean of two measurements of the same, each of its variance."""
    return images + variance / (variance + noise_variance) * (damaged - images)


def _uncut(damaged, images, deviation, noise=None):
    """What was black or white before it was cut off, expected or (by unit `noise`) drawn, for undamaged `images`."""
    deviation = np.broadcast_to(np.float32(deviation), damaged.shape)
    found = damaged.copy()
    for sign in (1, -1):
        cut = sign * damaged >= 1.0
        image, scale = sign * images[cut], deviation[cut]
        least = np.clip((1.0 - image) / scale, -4.0, 4.0)
        if noise is None:
            beyond = np.exp(-0.5 * least**2) / math.sqrt(2 * math.pi) / _normal_share(-least)
        else:  # as much of the distribution's tail lies beyond it as of the whole lies beyond the noise
            tail = _normal_share(-least) * _normal_share(-noise[cut])
            beyond = -math.sqrt(2.0) * ops.convert_to_numpy(ops.erfinv(np.float32(2.0 * np.maximum(tail, 1e-7) - 1.0)))
        found[cut] = sign * np.maximum(image + scale * beyond, 1.0)
    return found


def _details(pixels):
    """The finest diagonal details of a Haar wavelet, of the deviation of the pixels' noise: (N, H/2, W/2, 3)."""
    a, b, c, d = _quarters(pixels)
    return (a - b - c + d) / 2


def _means(pixels):
    return sum(_quarters(pixels)) / 4


def _quarters(pixels):
    height, width = (side // 2 * 2 for side in pixels.shape[1:3])
    pixels = pixels[:, :height, :width]
    return [pixels[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]


def _normal_share(x):
    """The share of a normal distribution below x."""
    return 0.5 * (1.0 + ops.convert_to_numpy(ops.erf(np.float32(x / math.sqrt(2.0)))))


def _truncated_mean(mean, deviation, low, high):
    """The mean of a normal distribution within limits."""
    a, b = (low - mean) / deviation, (high - mean) / deviation
    share = _normal_share(b) - _normal_share(a)
    density = (np.exp(-0.5 * a**2) - np.exp(-0.5 * b**2)) / math.sqrt(2 * math.pi)
    inside = mean + deviation * density / np.maximum(share, 1e-4)
    return np.where(share > 1e-4, np.clip(inside, low, high), np.clip(mean, low, high)).astype("float32")


def _filled(images, unit):
    """Images filled up with their edge to multiples of `unit`, and what their sides were."""
    _, height, width, _ = images.shape
    return np.pad(images, ((0, 0), (0, -height % unit), (0, -width % unit), (0, 0)), "edge"), height, width


@functools.cache
def _cosine_matrix(side):
    """The orthonormal discrete cosine transform (II) of `side` numbers, float32 (side, side)."""
    k, i = np.mgrid[:side, :side]
    matrix = np.cos(np.pi * k * (2 * i + 1) / (2 * side)) * math.sqrt(2 / side)
    matrix[0] /= math.sqrt(2)
    return matrix.astype("float32")


def _cosines(images):
    rows, columns = (_cosine_matrix(side) for side in images.shape[1:3])
    return np.einsum("ki,nijc,lj->nklc", rows, images, columns, optimize=True)


def _inverse_cosines(spectra):
    rows, columns = (_cosine_matrix(side) for side in spectra.shape[1:3])
    return np.einsum("ki,nklc,lj->nijc", rows, spectra, columns, optimize=True)


@functools.cache
def _gaussian_gain(side, sigma):
    """What a Gaussian of deviation `sigma` leaves of each frequency of `side` mirrored pixels."""
    reach = math.ceil(4 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    angles = np.pi * np.arange(side)[:, None] / side * np.arange(-reach, reach + 1)
    return (np.cos(angles) @ weights).astype("float32")


def _to_luma_and_colour(images):
    """Y, Cb and Cr of images in [-1, 1], all of them around 0."""
    luma = images @ LUMA
    blue = (images[..., 2] - luma) / (2 - 2 * LUMA[2])
    red = (images[..., 0] - luma) / (2 - 2 * LUMA[0])
    return luma, blue, red


def _coefficients(images, sampling):
    """The cosines that JPEG stores: of Y, Cb and Cr, each (N, h, w, 8, 8), in units of [-1, 1]."""
    found = []
    for channel, values in enumerate(_to_luma_and_colour(images)):
        if channel and sampling > 1:
            n, height, width = values.shape
            values = values.reshape(n, height // sampling, sampling, width // sampling, sampling).mean(axis=(2, 4))
        n, height, width = values.shape
        blocks = values.reshape(n, height // 8, 8, width // 8, 8).transpose(0, 1, 3, 2, 4)
        found.append(_cosine_matrix(8) @ blocks @ _cosine_matrix(8).T)
    return found


def _pixels(coefficients, sampling):
    """Images of such coefficients."""
    planes = []
    for channel, blocks in enumerate(coefficients):
        blocks = _cosine_matrix(8).T @ blocks @ _cosine_matrix(8)
        n, rows, columns = blocks.shape[:3]
        values = blocks.transpose(0, 1, 3, 2, 4).reshape(n, 8 * rows, 8 * columns)
        if channel and sampling > 1:
            values = values.repeat(sampling, axis=1).repeat(sampling, axis=2)
        planes.append(values)
    luma, blue, red = planes
    red = luma + (2 - 2 * LUMA[0]) * red
    blue = luma + (2 - 2 * LUMA[2]) * blue
    green = (luma - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]
    return np.stack([red, green, blue], axis=-1)


def degrade(image, degradation, level=None, *, seeds=0):
    """Damages pictures, to see what `restore` makes of them.

    Args:
        image: uint8 (H, W, 3) or (N, H, W, 3).
        degradation: str or Degradation.
        level: float. Grey levels of the noise, photons of white, quality, pixels of the blur.
        seeds: int or list of int.

    Returns: uint8 (N, H, W, 3).
    """
    degradation = get(degradation, level)
    if isinstance(degradation, Gaussian | Poisson) and degradation.level is None:
        raise ValueError(f"say how much: degrade needs a level of {degradation.name}")
    return degradation.apply(image, seeds=seeds)
