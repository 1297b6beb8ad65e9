"""Finding the overlays that `tfportrait.world.overlays` draws, and no others: by their known patterns."""

import numpy as np

from tfportrait.provenance import draw_label
from tfportrait.world import overlays

CONTRAST = 12.0  # grey levels at which an edge counts as much as it is compressed
# Of the correlation. The words "AI GENERATED" in the letters and rows of "text" come to 0.39, portraits alone to 0.09.
THRESHOLDS = {"text": 0.55, "lines": 0.45, "stamp": 0.5, "date": 0.65}
LABELLED = 0.4  # correlation with the label of generated content from which on it stays


def find_overlay(image):
    """What an overlay of the portrait world covers.

    The edges of the picture are correlated with those of every pattern at every place where it may lie (a matched
    filter). Nothing else is ever marked: neither what others lay over pictures, nor what says that a model made one.

    Args:
        image: uint8 (size, size, 3), size from 96 to 256.

    Returns:
        bool (size, size). True where an overlay lies; nowhere if none is found.

    Raises:
        ValueError: a picture of another shape.
    """
    image = np.asarray(image)
    size = overlays.picture_size(image)
    found = [each for each in (*_everywhere(image, size), *_in_corners(image, size)) if each[1] >= THRESHOLDS[each[0]]]
    if not found:
        return np.zeros((size, size), bool)
    _, _, pattern, top, left = max(found, key=lambda each: each[1] / THRESHOLDS[each[0]])
    return (overlays.window(pattern, top, left, size) > 0) & ~_label(image)


def _label(image):
    """Where `provenance.draw_label` has said that a model made the picture, bool (size, size)."""
    black, white = (draw_label(np.full_like(image, level)).mean(axis=-1) for level in (0, 255))
    correlation = _correlation(_edges(image.astype("float32").mean(axis=-1)), black, 0, 0)
    return (white - black < 255) & (correlation > LABELLED)


def _everywhere(image, size):
    """The best window of every pattern that covers the whole picture: (kind, correlation, pattern, top, left)."""
    edges = _edges(image.astype("float32").mean(axis=-1))
    patterns = [("text", overlays.tiled(word, size)) for word in overlays.WORDS] + [("lines", overlays.lines(size))]
    for kind, pattern in patterns:
        wanted = _gradient(pattern)
        product, seen, energy = (
            _correlate(*pair) for pair in ((edges, wanted), (edges**2, wanted != 0), (np.ones_like(edges), wanted**2))
        )
        score = np.abs(product) / np.sqrt(np.maximum(seen * energy, 1e-6))
        top, left = np.unravel_index(score.argmax(), score.shape)
        yield kind, float(score[top, left]), pattern, int(top), int(left)


def _in_corners(image, size):
    """The stamps and the likeliest date in every corner and colour channel, as `_everywhere` gives patterns."""
    columns = overlays.date_columns(size)
    digits = [overlays.digit(number, size) for number in range(10)]
    stamps = [overlays.stamp(name, size) for name in overlays.STAMPS]
    for edges in (_edges(image[..., channel].astype("float32")) for channel in range(3)):
        for top, left in overlays.corners(overlays.STAMP_SIZE, size):
            for pattern in stamps:
                yield "stamp", abs(_correlation(edges, pattern, top, left)), pattern, top, left
        for top, left in overlays.corners(overlays.DATE_SIZE, size):
            scores = np.array([[_correlation(edges, each, top, left - c) for each in digits] for c in columns])
            for sign in (1, -1):
                pattern = overlays.date((sign * scores).argmax(axis=1).tolist(), size)
                yield "date", sign * _correlation(edges, pattern, top, left), pattern, top, left


def _edges(values):
    """Differences of grey levels, however strong: those of the portrait would outweigh all others."""
    edges = _gradient(values)
    return edges / np.sqrt(edges**2 + CONTRAST**2)


def _gradient(values):
    """Differences to the pixel below and to the right, (2, H, W)."""
    return np.stack([np.diff(values, axis=axis, append=np.take(values, [-1], axis)) for axis in (0, 1)])


def _correlation(edges, pattern, top, left):
    """Normalised correlation, in [-1, 1], with one window of a pattern, where that has edges."""
    wanted = _gradient(overlays.window(pattern, top, left, edges.shape[1]))
    seen = edges * (wanted != 0)
    return float((seen * wanted).sum() / np.sqrt((seen**2).sum() * (wanted**2).sum() + 1e-6))


def _correlate(edges, wanted):
    """The sum of products for every window of a canvas, (size + 1, size + 1)."""
    size, canvas = edges.shape[1], wanted.shape[1:]
    spectrum = np.fft.rfft2(edges, canvas).conj() * np.fft.rfft2(wanted)
    return np.fft.irfft2(spectrum.sum(axis=0), canvas)[: size + 1, : size + 1]
