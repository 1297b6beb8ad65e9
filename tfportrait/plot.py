"""Pictures of images, samplings, losses and schedules, as matplotlib Figures.

Every function returns a Figure and shows nothing: notebooks display it, `figure.savefig(path)` writes it. pyplot's
global state is never touched, so figures may be made in any thread, and nothing has to be closed.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfportrait.fonts import chinese_font
from tfportrait.wrapping import wrap

_SAMPLING = {"en": ("step {}", "noise", "predicted\nx₀"), "zh": ("第 {} 步", "噪声", "预测的\nx₀")}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b4c9a", "#7f7f7f")
TEXT, FAINT = "#222222", "#d9d9d9"
CAPTION_POINTS = 8.5
LINE_INCHES = CAPTION_POINTS * 1.25 / 72


class DisplayedFigure(Figure):
    """A Figure that Jupyter displays although pyplot does not manage it."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()


def images(images, captions: Sequence[str] | None = None, columns: int | None = None, size: float = 1.6, title=None):
    """A grid of images with wrapped captions below them.

    Args:
        images: uint8 [0, 255] or float [-1, 1], (N, H, W, C) or a list of N (H, W, C); C is 1 or 3.
        captions: N strings in any language; characters that no installed font has are drawn as boxes.
        columns: int. Images in a row; None for a grid twice as wide as high at most.
        size: float. Width of an image in inches.
        title: str. Headline of the figure.

    Raises:
        ValueError: for no images, other shapes, or another number of captions than images.
    """
    pictures = [_displayable(image) for image in images]
    if not pictures:
        raise ValueError("images is empty: give at least one")
    if captions is not None and len(captions) != len(pictures):
        raise ValueError(f"{len(captions)} captions for {len(pictures)} images: give one per image, or None")
    columns = _columns(len(pictures)) if columns is None else columns
    if columns < 1:
        raise ValueError(f"columns must be at least 1, not {columns}")
    columns = min(columns, len(pictures))
    texts = [_wrap(str(caption), size) for caption in captions or [""] * len(pictures)]
    rows = [range(start, min(start + columns, len(pictures))) for start in range(0, len(pictures), columns)]
    lines = [max(texts[i].count("\n") + 1 if texts[i] else 0 for i in row) for row in rows]
    heights = [max(pictures[i].shape[0] / pictures[i].shape[1] for i in row) * size for row in rows]
    return _grid(pictures, texts, rows, lines, heights, size, title)


def table(images, columns: Sequence[str], rows: Sequence[str] = ("",), size: float = 1.6, title=None):
    """Images that two things change: one from column to column, the other from row to row.

    Args:
        images: uint8 [0, 255] or float [-1, 1], (R * C, H, W, 3) or a list of as many: row by row, of any sizes.
        columns: C strings, for below the images of a column.
        rows: R strings, for beside the images of a row.
        size: float. Width of an image in inches.
        title: str. Headline of the figure.

    Raises:
        ValueError: for another number of images, or no column or row.
    """
    pictures = [_displayable(image) for image in images]
    if not columns or not rows or len(pictures) != len(columns) * len(rows):
        raise ValueError(f"{len(pictures)} images for {len(columns)} columns and {len(rows)} rows")
    texts = [_wrap(str(label), size) for label in columns]
    parts = [range(start, start + len(columns)) for start in range(0, len(pictures), len(columns))]
    lines = [0] * (len(rows) - 1) + [max(text.count("\n") + 1 if text else 0 for text in texts)]
    heights = [max(pictures[i].shape[0] / pictures[i].shape[1] for i in part) * size for part in parts]
    texts = [""] * (len(pictures) - len(columns)) + texts
    return _grid(pictures, texts, parts, lines, heights, size, title, list(rows) if any(rows) else None)


def augmentation(originals, augmented, captions: Sequence[str] | None = None, columns: int | None = None, title=None):
    """Each image beside what augmentation made of it, original on the left, with its caption below the pair.

    Args:
        originals: uint8 [0, 255] or float [-1, 1], (N, H, W, C) or a list of N (H, W, C); C is 1 or 3.
        augmented: as many, of the same sizes.
        captions: N strings, those of the augmented images.
        columns: int. Pairs in a row; None for a grid about as wide as high.
        title: str. Headline of the figure.

    Raises:
        ValueError: for no images, or lists that do not go together.
    """
    if len(originals) != len(augmented):
        raise ValueError(f"{len(originals)} originals and {len(augmented)} augmented images: give one for each")
    pairs = []
    for before, after in zip(map(_displayable, originals), map(_displayable, augmented), strict=True):
        if before.shape != after.shape:
            raise ValueError(f"an original and its augmented image differ in size: {before.shape} and {after.shape}")
        between = np.full((before.shape[0], max(before.shape[1] // 64, 1), 3), 255, "uint8")
        pairs.append(np.concatenate([before, between, after], axis=1))
    if columns is None:
        columns = math.ceil(_columns(max(len(pairs), 1)) / 2)
    return images(pairs, captions, columns, size=3.0, title=title)


def sampling(
    x_t: Sequence, x_0: Sequence, noise_rates=None, count: int = 8, size: float = 1.3, title=None, language: str = "en"
):
    """What a sampler saw: x_t above, the x_0 predicted from it below, from noise on the left to the image on the right.

    Collect both with `on_step=lambda i, x_t, x_0: ...`; decode latents first for pictures (of latents the first three
    channels are shown, -3 to 3).

    Args:
        x_t: sequence of arrays (H, W, C) or (N, H, W, C), of which the first image is shown. float [-1, 1] or uint8.
        x_0: as many predictions, of the same shapes.
        noise_rates: sequence of floats, one per step, for the labels.
        count: int. Greatest number of steps that are shown, evenly chosen, the first and last among them.
        size: float. Width of an image in inches.
        title: str. Headline of the figure.
        language: str. "en" or "zh", of the labels.

    Raises:
        ValueError: for no steps, lists of different lengths, or another language.
    """
    if language not in _SAMPLING:
        raise ValueError(f"language is {language!r}; valid: {', '.join(_SAMPLING)}")
    step, noise, predicted = _SAMPLING[language]
    if not len(x_t) or len(x_t) != len(x_0):
        raise ValueError(f"x_t and x_0 must be as long as each other and not empty, not {len(x_t)} and {len(x_0)}")
    if noise_rates is not None and len(noise_rates) < len(x_t):
        raise ValueError(f"{len(noise_rates)} noise rates for {len(x_t)} steps: give one per step, or None")
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    chosen = np.unique(np.round(np.linspace(0, len(x_t) - 1, min(count, len(x_t)))).astype(int))
    labels = [step.format(i + 1) + ("" if noise_rates is None else f"\n{noise} {noise_rates[i]:.2f}") for i in chosen]
    pictures = [_displayable(steps[i], latents=True) for steps in (x_t, x_0) for i in chosen]
    texts = [""] * len(chosen) + labels
    rows = [range(len(chosen)), range(len(chosen), 2 * len(chosen))]
    height = pictures[0].shape[0] / pictures[0].shape[1] * size
    lines = [0, max(label.count("\n") + 1 for label in labels)]
    return _grid(pictures, texts, rows, lines, [height] * 2, size, title, ("xₜ", predicted))


def losses(history, smooth: float = 0.9, title=None):
    """Loss curves over epochs or steps; a validation curve is dashed, in the colour of its training curve.

    Losses share one panel, on a logarithmic axis where they span more than a factor of ten; all else is in a second.

    Args:
        history: what `fit` returned, or a dict {name: sequence of floats}. NaNs leave gaps.
        smooth: float in [0, 1). From 200 values on an exponential average with this memory is drawn over the raw curve.
        title: str. Headline of the figure.

    Raises:
        ValueError: if there is nothing to draw.
    """
    recorded = getattr(history, "history", history)
    curves = {name: np.ravel(np.asarray(values, float)) for name, values in recorded.items() if np.size(values)}
    if not curves:
        raise ValueError("the history is empty: nothing to draw")
    groups = [[n for n in curves if "loss" in n], [n for n in curves if "loss" not in n]]
    groups = [group for group in groups if group]
    figure = DisplayedFigure(figsize=(5.2 * len(groups), 3.4), layout="constrained")
    for axes, group in zip(np.atleast_1d(figure.subplots(1, len(groups))), groups, strict=True):
        names = list(dict.fromkeys(name.removeprefix("val_") for name in group))
        for name in group:
            colour = COLOURS[names.index(name.removeprefix("val_")) % len(COLOURS)]
            _curve(axes, curves[name], name, colour, dashed=name.startswith("val_"), smooth=smooth)
        tidy(axes, "epoch" if hasattr(history, "history") else "step", "loss" if "loss" in group[0] else "")
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
        values = np.concatenate([curves[name] for name in group])
        values = values[np.isfinite(values)]
        if "loss" in group[0] and values.size and 0 < values.min() < values.max() / 10:
            axes.set_yscale("log")
        axes.legend(frameon=True, framealpha=0.85, edgecolor="none", fontsize=9)
    add_headline(figure, title)
    return figure


def schedules(schedules: Sequence, title=None):
    """Signal rate (solid) and noise rate (dashed) over the schedule's time, and log-SNR.

    Rates are divided by the root of the sum of their squares, so that variance-exploding schedules fit the same axis;
    time runs from the clean end, 0, to the noisy end, 1 (for EDM evenly in log sigma).

    Args:
        schedules: names, configs or schedules of `tfportrait.diffusion`, or one of them.
        title: str. Headline of the figure.
    """
    from tfportrait.diffusion.schedules import Schedule, get

    chosen = [schedules] if isinstance(schedules, (str, dict, Schedule)) else list(schedules)
    if not chosen:
        raise ValueError("schedules is empty: give at least one")
    figure = DisplayedFigure(figsize=(9.6, 3.6), layout="constrained")
    rates_axes, snr_axes = figure.subplots(1, 2)
    for number, schedule in enumerate(map(get, chosen)):
        colour, name = COLOURS[number % len(COLOURS)], schedule.name.replace("_", " ")
        name += ", zero terminal SNR" if getattr(schedule, "zero_terminal_snr", False) else ""
        position, times = _time_axis(schedule)
        signal, noise = (np.asarray(rate, float) for rate in schedule.rates(times))
        norm = np.hypot(signal, noise)
        rates_axes.plot(position, signal / norm, color=colour, label=name, linewidth=1.8)
        rates_axes.plot(position, noise / norm, color=colour, linestyle=(0, (4, 2)), linewidth=1.4)
        log_snr = np.where(signal > 0, schedule.log_snr(times), np.nan)
        snr_axes.plot(position, log_snr, color=colour, linewidth=1.8)
    for axes, subject in ((rates_axes, "signal rate (solid) and noise rate (dashed)"), (snr_axes, "log-SNR")):
        tidy(axes, "time, 0 clean to 1 noisy", "")
        axes.set_title(subject, loc="left", fontsize=10, color=TEXT)
    snr_axes.axhline(0, color=FAINT, linewidth=1, zorder=0)
    curves = rates_axes.get_legend_handles_labels()
    figure.legend(*curves, loc="outside lower center", ncols=min(len(chosen), 4), frameon=False, fontsize=9)
    add_headline(figure, title)
    return figure


def comparison(images, curves, title=None):
    """A row of images for each model, and underneath their losses over the seconds of training.

    Args:
        images: dict of model name to uint8 [0, 255] or float [-1, 1], (N, H, W, C).
        curves: dict of label to a list of (seconds, value). Labels with the same words before a colon share a panel.
        title: str. Headline of the figure.

    Raises:
        ValueError: without images.
    """
    if not images:
        raise ValueError("images is empty: give at least one model's")
    panels = {}
    for label, curve in curves.items():
        panel, _, name = label.partition(": ")
        panels.setdefault(panel, []).append((name or "loss", np.asarray(curve, float)))
    columns = max(len(rows) for rows in images.values())
    width, image = 11.0, 9.6 / columns
    heights = [image * len(images), *([2.0] if panels else [])]
    figure = DisplayedFigure(figsize=(width, sum(heights) + 0.4), layout="constrained")
    parts = np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights))
    grid = parts[0].subplots(len(images), 1, squeeze=False)[:, 0]
    for axes, (name, pictures) in zip(grid, images.items(), strict=True):
        strip = np.concatenate([_displayable(picture) for picture in pictures], axis=1)
        missing = strip.shape[0] * (columns - len(pictures))
        blank = np.full((strip.shape[0], missing, *strip.shape[2:]), 255, strip.dtype)
        axes.imshow(np.concatenate([strip, blank], axis=1), aspect="equal", interpolation="nearest", cmap="gray")
        axes.set_ylabel(name.replace(" ", "\n"), rotation=0, ha="right", va="center", fontsize=9, color=TEXT)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    below = parts[-1].subplots(1, len(panels), squeeze=False)[0] if panels else ()
    for axes, (panel, lines) in zip(below, panels.items(), strict=True):
        for (name, curve), colour in zip(lines, COLOURS, strict=False):
            axes.plot(curve[:, 0], curve[:, 1], color=colour, linewidth=1.4, label=name)
        tidy(axes, "seconds", "")
        axes.set_title(panel, fontsize=9, color=TEXT, loc="left")
        axes.tick_params(labelsize=7)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.legend(frameon=False, fontsize=7)
    add_headline(figure, title)
    return figure


def _grid(pictures, texts, rows, lines, heights, size, title, row_labels=None):
    """Axes placed in inches: images of a grid touch their captions, whatever the number of lines."""
    gap, margin = 0.08, 0.12
    beside = 1.5 if row_labels and max(map(len, row_labels)) > 12 else 0.75  # inches
    left = margin + (beside if row_labels else 0)
    width = left + max(map(len, rows)) * (size + gap) - gap + margin
    headline = _wrap(_drawable(title), (width - left - margin) * CAPTION_POINTS / 12) if title else ""
    top = margin + (0.36 + 0.2 * headline.count("\n") if title else 0)
    height = top + sum(h + n * LINE_INCHES + (0.14 if n else gap) for h, n in zip(heights, lines, strict=True)) + margin
    figure = DisplayedFigure(figsize=(width, height), facecolor="white")
    y = height - top
    for number, row in enumerate(rows):
        y -= heights[number]
        for column, i in enumerate(row):
            x = left + column * (size + gap)
            axes = figure.add_axes((x / width, y / height, size / width, heights[number] / height))
            axes.imshow(pictures[i], interpolation="nearest" if pictures[i].shape[0] < 64 else "antialiased")
            axes.set_axis_off()
            axes.set_anchor("S")
            if texts[i]:
                style = {"fontsize": CAPTION_POINTS, "color": TEXT, "family": list(_fonts()), "linespacing": 1.2}
                centre = (x + size / 2) / width, (y - 0.05) / height
                figure.text(*centre, _drawable(texts[i]), ha="center", va="top", parse_math=False, **style)
        if row_labels:
            where = (left - 0.1) / width, (y + heights[number] / 2) / height
            style = {"fontsize": CAPTION_POINTS, "color": TEXT, "family": list(_fonts()), "linespacing": 1.2}
            label = _drawable(_wrap(row_labels[number], beside - 0.1))
            figure.text(*where, label, ha="right", va="center", parse_math=False, **style)
        y -= lines[number] * LINE_INCHES + (0.14 if lines[number] else gap)
    if title:
        where = left / width, (height - margin) / height
        figure.text(*where, headline, ha="left", va="top", fontsize=12, color=TEXT, family=list(_fonts()))
    return figure


def _displayable(image, latents: bool = False) -> np.ndarray:
    """uint8 (H, W, 3) of an image in any of the forms that are accepted."""
    image = np.asarray(image)
    if latents and image.ndim == 4:
        image = image[0]
    image = image[..., None] if image.ndim == 2 else image
    if latents and image.ndim == 3 and image.shape[-1] not in (1, 3):
        image = image[..., :3] / 3.0 if image.shape[-1] > 3 else image[..., :1] / 3.0
    if image.ndim != 3 or image.shape[-1] not in (1, 3) or 0 in image.shape:
        raise ValueError(f"an image has shape (height, width, 1 or 3), not {image.shape}")
    if image.dtype != np.uint8:
        image = np.rint((np.clip(np.nan_to_num(image.astype(float)), -1, 1) + 1) * 127.5).astype("uint8")
    return np.repeat(image, 3, -1) if image.shape[-1] == 1 else image


def _columns(count: int) -> int:
    """Columns of the most even grid: full rows where there are any, at most about twice as wide as high."""
    least, most = math.ceil(math.sqrt(count)), max(math.ceil(math.sqrt(2 * count)), min(count, 4))
    return min(range(least, most + 1), key=lambda columns: (-count % columns, columns))


def _wrap(text: str, inches: float) -> str:
    """Breaks text to the width of an image."""
    limit = max(int(inches * 72 / (CAPTION_POINTS * 0.6)), 4)
    return "\n".join(wrap(text, limit))


@lru_cache(maxsize=1)
def _fonts() -> tuple[str, ...]:
    """matplotlib's own font, and a Chinese one if it is installed."""
    chinese = chinese_font()
    return ("DejaVu Sans", chinese) if chinese else ("DejaVu Sans",)


@lru_cache(maxsize=4096)
def _has_glyph(character: str) -> bool:
    paths = (font_manager.findfont(name, fallback_to_default=False) for name in _fonts())
    return any(font_manager.get_font(path).get_char_index(ord(character)) for path in paths)


def _drawable(text: str) -> str:
    """Text with a box for each character that no font here has: matplotlib would warn at every drawing."""
    return "".join(c if c.isspace() or _has_glyph(c) else "□" for c in text)


def _curve(axes, values, name, colour, dashed, smooth):
    steps = np.arange(1, len(values) + 1)
    style = {"color": colour, "linestyle": (0, (4, 2)) if dashed else "-", "label": name.replace("_", " ")}
    if len(values) < 200:
        marker = "o" if len(values) == 1 else None
        axes.plot(steps, values, linewidth=1.8, marker=marker, **style)
        return
    axes.plot(steps, values, color=colour, linewidth=0.7, alpha=0.3)
    axes.plot(steps, _average(values, smooth), linewidth=1.8, **style)


def _average(values, smooth):
    """Exponential moving average without bias at the start; NaNs are passed over."""
    total = weight = 0.0
    averaged = np.full(len(values), np.nan)
    for i, value in enumerate(values):
        if np.isfinite(value):
            total, weight = smooth * total + (1 - smooth) * value, smooth * weight + (1 - smooth)
            averaged[i] = total / weight
    return averaged


def _time_axis(schedule):
    """Positions in [0, 1] and the schedule's times there."""
    position = np.linspace(0, 1, 501)
    if schedule.name == "edm":
        return position, schedule.sigma_min * (schedule.sigma_max / schedule.sigma_min) ** position
    if schedule.name == "flow":
        return position[1:-1], position[1:-1]
    return position, position * (schedule.num_train_timesteps - 1)


def tidy(axes, x_label, y_label):
    """Gives axes the look of all figures here, and their labels."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors="#444444", labelsize=9)
    axes.set_xlabel(x_label, color=TEXT, fontsize=10)
    axes.set_ylabel(y_label, color=TEXT, fontsize=10)


def add_headline(figure, title):
    """Puts a title over a figure, if there is one."""
    if title:
        figure.suptitle(_drawable(title), x=0.01, ha="left", fontsize=12, color=TEXT, family=list(_fonts()))
