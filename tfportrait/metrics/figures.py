"""Pictures of evaluations and studies, as matplotlib Figures."""

import numpy as np
from matplotlib.ticker import LogLocator, NullLocator

from tfportrait.plot import COLOURS, FAINT, TEXT, DisplayedFigure, add_headline, tidy


def accuracy(evaluation, title=None):
    """Prompt accuracy of every attribute with its 95 % interval, and of the oracle on real pictures.

    Args:
        evaluation: Evaluation with `prompts`.
        title: str.

    Raises: ValueError where no prompt named an attribute.
    """
    found = _prompts(evaluation)
    names = sorted(found.by_attribute, key=found.by_attribute.get)
    figure = DisplayedFigure(figsize=(7.0, 1.1 + 0.27 * len(names)), layout="constrained")
    axes = figure.subplots()
    values = np.array([found.by_attribute[name] for name in names])
    ends = np.array([evaluation.intervals[f"accuracy.{name}"] for name in names])
    axes.barh(names, values, color=COLOURS[0], alpha=0.75, height=0.7, label="painted")
    axes.errorbar(
        values, names, xerr=np.abs(ends - values[:, None]).T, fmt="none", ecolor=TEXT, elinewidth=1, label="95 %"
    )
    if found.real_by_attribute:
        real = [found.real_by_attribute[name] for name in names]
        axes.plot(real, names, "D", color=COLOURS[1], markersize=4, label="real pictures")
    axes.axvline(found.accuracy, color=TEXT, linewidth=1, linestyle="--", label=f"all: {found.accuracy:.3f}")
    axes.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    axes.set_xlim(0, 1.02)
    axes.set_ylim(-0.6, len(names) - 0.4)
    tidy(axes, "share of the named values that the oracle finds", "")
    figure.legend(*axes.get_legend_handles_labels(), frameon=False, fontsize=8, ncols=4, loc="outside lower center")
    add_headline(figure, title)
    return figure


def confusion(evaluation, title=None):
    """For every attribute what was read (columns) where a value was named (rows), as shares of the rows.

    Args, raises: as `accuracy`.
    """
    _prompts(evaluation)
    matrices = {name: np.asarray(matrix) for name, matrix in evaluation.confusion.items()}
    columns = min(4, len(matrices))
    rows = -(-len(matrices) // columns)
    figure = DisplayedFigure(figsize=(3.3 * columns, 3.1 * rows + 0.4), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, (name, matrix) in zip(grid, matrices.items(), strict=False):
        shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        size = max(4.0, 8.0 - 0.25 * len(matrix))
        for i, j in zip(*np.nonzero(matrix), strict=True):
            dark = "white" if shares[i, j] > 0.55 else TEXT
            axes.text(j, i, f"{100 * shares[i, j]:.0f}", ha="center", va="center", fontsize=size, color=dark)
        labels = [value.replace("_", " ") for value in evaluation.values[name]]
        axes.set_xticks(range(len(matrix)), labels, rotation=90, fontsize=size)
        axes.set_yticks(range(len(matrix)), labels, fontsize=size)
        axes.tick_params(length=0)
        axes.spines[:].set_color(FAINT)
        axes.set_title(name.replace("_", " "), fontsize=9, color=TEXT, loc="left")
    for axes in grid[len(matrices) :]:
        axes.set_axis_off()
    add_headline(figure, title)
    return figure


def _prompts(evaluation):
    if evaluation.prompts is None:
        raise ValueError("no prompt named an attribute: there is no accuracy to show")
    return evaluation.prompts


def samplers(rows, title=None):
    """Distance to real pictures and prompt accuracy against the steps of every sampler; of equal results there is one
    line.

    Args:
        rows: list of dict, as `study` returns them.
        title: str.
    """
    return _against(rows, "num_steps", "steps", ("oracle_fd", "accuracy"), title, log=True)


def guidance(rows, title=None):
    """Prompt accuracy, distance and variety against the guidance.

    Args: as `samplers`.
    """
    return _against(rows, "guidance_scale", "guidance", ("accuracy", "oracle_fd", "recall", "entropy"), title)


LABELS = {"oracle_fd": "oracle_fd", "accuracy": "prompt accuracy", "recall": "recall", "entropy": "attribute entropy"}


def _against(rows, key, label, measured, title, log=False):
    if not rows:
        raise ValueError("there are no rows to show")
    figure = DisplayedFigure(figsize=(3.6 * len(measured) + 0.6, 3.5), layout="constrained")
    grid = figure.subplots(1, len(measured), squeeze=False)[0]
    lines = {}  # what was measured -> the samplers that gave it
    for sampler in dict.fromkeys(row["sampler"] for row in rows):
        of_it = sorted((row for row in rows if row["sampler"] == sampler), key=lambda row: row[key])
        same = tuple((row[key], *(round(row[k], 6) for k in measured)) for row in of_it)
        lines.setdefault(same, ([], of_it))[0].append(sampler)
    for axes, name in zip(grid, measured, strict=True):
        for (samplers, of_it), colour in zip(lines.values(), COLOURS, strict=False):
            x, y = ([row[k] for row in of_it] for k in (key, name))
            axes.plot(x, y, "o-", color=colour, linewidth=1.4, markersize=3, label=", ".join(samplers))
            if name == "accuracy" and len(lines) == 1:
                axes.fill_between(x, *np.transpose([row["interval"] for row in of_it]), color=colour, alpha=0.15)
        tidy(axes, label, "")
        axes.set_title(LABELS[name], fontsize=10, color=TEXT, loc="left")
        if log:
            axes.set_xscale("log")
            ticks = sorted({row[key] for row in rows})
            shown = [tick for tick in ticks if tick in (1, 2, 4, 8, 20, 50, 100)] or ticks
            axes.set_xticks(shown, [str(tick) for tick in shown])
            axes.minorticks_off()
            if name == "oracle_fd":
                axes.set_yscale("log")
                axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 4, 6)))
                axes.yaxis.set_major_formatter("{x:g}")
                axes.yaxis.set_minor_locator(NullLocator())
    if len(lines) > 1:
        handles = grid[0].get_legend_handles_labels()
        figure.legend(*handles, frameon=False, fontsize=8, ncols=len(lines), loc="outside lower center")
    add_headline(figure, title)
    return figure
