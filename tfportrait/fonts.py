"""The Chinese font that plots are drawn in."""

from pathlib import Path

from matplotlib import font_manager

CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Heiti TC",
    "STHeiti",
    "SimHei",
    "SimSun",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
SHIPPED = Path(__file__).with_name("chinese_font.otf")  # tests/golden/chinese_font.py makes it


def chinese_font() -> str | None:
    """The first of `CHINESE_FONTS` that is installed, also if that was after matplotlib had listed the fonts.

    Where none is, the font that comes with the package: the 1,600 or so characters of its own texts and the commonest.
    """
    name = _listed()
    if name is None:
        _list_new()
        name = _listed() or _shipped()
    return name


def _listed() -> str | None:
    installed = set(font_manager.fontManager.get_font_names())
    return next((name for name in CHINESE_FONTS if name in installed), None)


def _shipped() -> str | None:
    if not SHIPPED.is_file():
        return None
    if not any(entry.fname == str(SHIPPED) for entry in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(SHIPPED)
    return next(entry.name for entry in font_manager.fontManager.ttflist if entry.fname == str(SHIPPED))


def _list_new() -> None:
    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - known:
        try:
            font_manager.fontManager.addfont(path)
        except Exception:  # a font that matplotlib cannot read raises what its parser happens to meet
            continue
