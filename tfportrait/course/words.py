"""What the notebooks of the course need beside the package itself."""

import os

from tfportrait.course.definition import LANGUAGES, check_language

DPI = 80  # of a figure in a notebook


def fast():
    """Whether the notebooks run in their fast mode: a minute each, by less data and shorter training.

    It is on unless the environment variable `TFPORTRAIT_FULL` is 1.
    """
    return os.environ.get("TFPORTRAIT_FULL", "0") != "1"


def speaker(language):
    """A function that chooses between an English and a Chinese text, for the labels of figures.

    matplotlib then has a font that can write that language, and figures are drawn small enough for a notebook.

    Raises: ValueError for another language.
    """
    import matplotlib.pyplot as plt

    from tfportrait.fonts import chinese_font

    check_language(language)
    fonts = ["DejaVu Sans", *filter(None, [chinese_font()])]
    plt.rcParams.update({"font.family": fonts, "axes.unicode_minus": False, "figure.dpi": DPI, "savefig.dpi": DPI})
    return lambda *texts: texts[LANGUAGES.index(language)]
