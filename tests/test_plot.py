import sys
import threading
import types
import warnings

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from matplotlib.figure import Figure

from tfportrait import fonts, plot
from tfportrait.diffusion import schedules

CHINESE = "一位面带微笑、戴圆框眼镜的红色长发女士，水彩风格"


def pixels(figure):
    """What the figure looks like, uint8 (H, W, 3); any warning fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def colours(*values):
    return np.stack([np.full((16, 16, 3), value, "uint8") for value in values])


def test_every_image_and_caption_of_a_grid_is_drawn_once():
    palette = [(255, 0, 0), (0, 160, 0), (0, 0, 255), (255, 200, 0), (160, 0, 160)]
    figure = plot.images(colours(*palette), [f"caption {i}" for i in range(5)], columns=3, title="Five")
    assert isinstance(figure, Figure)
    shown = pixels(figure)
    areas = [np.all(np.abs(shown.astype(int) - colour) < 3, -1).sum() for colour in palette]
    assert min(areas) > 0.9 * max(areas) > 10_000
    assert [text.get_text() for text in figure.texts] == [f"caption {i}" for i in range(5)] + ["Five"]
    boxes = [axes.get_position() for axes in figure.axes]
    assert boxes[0].y0 == boxes[1].y0 == boxes[2].y0 > boxes[3].y1
    assert boxes[3].x0 == boxes[0].x0


def test_captions_wrap_within_their_image_and_do_not_touch_the_next_row():
    long = "a smiling middle-aged woman with long red hair and round glasses in a blue turtleneck, watercolour"
    figure = plot.images(colours(*range(0, 240, 30)), [long, CHINESE] * 4, columns=4)
    pixels(figure)
    renderer = figure.canvas.get_renderer()
    for i, text in enumerate(figure.texts):
        box, image = text.get_window_extent(renderer), figure.axes[i].get_window_extent(renderer)
        assert box.y1 <= image.y0 + 1
        assert box.x0 > image.x0 - 6 and box.x1 < image.x1 + 6
        assert box.y0 > 0
        if i < 4:
            assert box.y0 > figure.axes[i + 4].get_window_extent(renderer).y1
    assert "".join(figure.texts[0].get_text().split()) == "".join(long.split())


def test_floats_and_greys_are_shown_like_uint8():
    grey = np.linspace(0, 255, 256).reshape(16, 16, 1).astype("uint8")
    wanted = pixels(plot.images([grey]))
    np.testing.assert_array_equal(pixels(plot.images([grey / 127.5 - 1])), wanted)
    np.testing.assert_array_equal(pixels(plot.images([np.repeat(grey, 3, -1)])), wanted)


def test_dollars_are_not_mathematics():
    figure = plot.images(colours(9), ["costs $5 or $6_x"])
    pixels(figure)
    assert figure.texts[0].get_text().replace("\n", " ") == "costs $5 or $6_x"


def test_chinese_without_a_font_is_drawn_as_boxes_without_warnings(monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ())
    monkeypatch.setattr(fonts, "SHIPPED", tmp_path / "absent.otf")
    clear()
    try:
        figure = plot.images(colours(9), [CHINESE])
        pixels(figure)
        assert set(figure.texts[0].get_text()) == {"□", "\n"}
    finally:
        clear()


@pytest.fixture
def squares(tmp_path, monkeypatch):
    """A font with square glyphs for the caption's characters, installed after matplotlib's listing."""
    path = tmp_path / "chinese.ttf"
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0)), pen.lineTo((0, 900)), pen.lineTo((900, 900)), pen.lineTo((900, 0)), pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "square"])
    builder.setupCharacterMap({ord(character): "square" for character in CHINESE})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "square": (1000, 0)})
    builder.setupHorizontalHeader(ascent=900, descent=-100)
    builder.setupNameTable({"familyName": "Squares SC", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    entries = list(font_manager.fontManager.ttflist)
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(broken), str(path)])
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ("Absent SC", "Squares SC"))
    clear()
    yield
    font_manager.fontManager.ttflist[:] = entries
    clear()


def clear():
    plot._fonts.cache_clear()
    plot._has_glyph.cache_clear()


def test_chinese_is_drawn_in_the_font_that_has_it(squares):
    figure = plot.images(colours((255, 255, 255)), [CHINESE])
    assert figure.texts[0].get_text().replace("\n", "") == CHINESE
    ink = (pixels(figure) < 100).all(-1).sum()
    boxes = plot.images(colours((255, 255, 255)), ["□" * len(CHINESE)])
    assert ink > 2 * (pixels(boxes) < 100).all(-1).sum()  # filled squares, not the outlines of boxes


def test_augmentation_puts_each_image_beside_what_became_of_it(squares):
    before = colours((255, 0, 0), (0, 160, 0), (0, 0, 255))
    after = np.stack([np.full((16, 16, 1), value, np.float32) for value in (-1, -0.5, 0.5)])
    figure = plot.augmentation(before, after, ["one", CHINESE, "three"], title="Pairs")
    shown = pixels(figure).astype(int)
    assert len(figure.axes) == 3
    assert [text.get_text().replace("\n", "") for text in figure.texts] == ["one", CHINESE, "three", "Pairs"]
    for left, grey in zip(((255, 0, 0), (0, 160, 0), (0, 0, 255)), (0, 64, 191), strict=True):
        original, beside = (np.argwhere((np.abs(shown - colour) < 2).all(-1)) for colour in (left, [grey] * 3))
        assert len(original) > 10_000
        (middle, x) = original.mean(0)
        beside = beside[(np.abs(beside[:, 0] - middle) < 30) & (beside[:, 1] > x)]
        assert len(beside) > 5_000


def test_a_long_title_is_broken():
    figure = plot.augmentation(colours(9), colours(9), title="a title that is longer than one pair is wide by far")
    pixels(figure)
    box = figure.texts[-1].get_window_extent(figure.canvas.get_renderer())
    assert box.x1 <= figure.bbox.x1 and box.y0 > figure.axes[0].get_window_extent().y1


def test_sampling_shows_the_first_and_the_last_step():
    steps = [np.full((2, 8, 8, 3), value) for value in np.linspace(-1, 1, 20)]
    figure = plot.sampling(steps, steps[::-1], noise_rates=np.linspace(1, 0, 21), count=5)
    pixels(figure)
    shown = [axes.images[0].get_array()[0, 0, 0] for axes in figure.axes]
    assert len(shown) == 10 and shown[0] == 0 and shown[4] == 255 and shown[5] == 255 and shown[9] == 0
    labels = [text.get_text() for text in figure.texts]
    assert "step 1\nnoise 1.00" in labels and "step 20\nnoise 0.05" in labels
    assert len(plot.sampling(steps[:2], steps[:2]).axes) == 4


def test_sampling_of_latents():
    latents = [np.zeros((1, 4, 4, 4)), np.full((1, 4, 4, 4), 3.0)]
    shown = [axes.images[0].get_array() for axes in plot.sampling(latents, latents).axes]
    assert shown[0].shape == (4, 4, 3) and shown[0].max() == 128 and shown[1].min() == 255


def test_losses_of_a_history():
    history = types.SimpleNamespace(history={"loss": [1.0, 0.5], "val_loss": [1.1, 0.7], "accuracy": [0.2, 0.6]})
    figure = plot.losses(history, title="Oracle")
    pixels(figure)
    first, second = figure.axes
    assert [line.get_label() for line in first.lines] == ["loss", "val loss"]
    assert first.lines[0].get_color() == first.lines[1].get_color() and first.lines[1].is_dashed()
    assert first.get_xlabel() == "epoch" and first.get_yscale() == "linear"
    assert [line.get_label() for line in second.lines] == ["accuracy"]


def test_losses_of_many_steps_are_smoothed_and_survive_nans():
    values = 100 * np.exp(-np.arange(500) / 60) + 0.1
    values[250] = np.nan
    figure = plot.losses({"loss": values})
    pixels(figure)
    axes = figure.axes[0]
    assert axes.get_yscale() == "log" and axes.get_xlabel() == "step"
    raw, smooth = (line.get_ydata() for line in axes.lines)
    np.testing.assert_array_equal(raw, values)
    np.testing.assert_allclose(smooth[0], values[0])
    assert np.isnan(smooth[250]) and smooth[251] > values[251]
    pixels(plot.losses({"loss": [0.3]}))


def test_schedule_curves():
    chosen = ["cosine", "edm", "flow", schedules.get("scaled_linear", zero_terminal_snr=True)]
    figure = plot.schedules(chosen)
    pixels(figure)
    rates, log_snr = figure.axes
    assert len(rates.lines) == 8
    for signal, noise in zip(rates.lines[::2], rates.lines[1::2], strict=True):
        np.testing.assert_allclose(signal.get_ydata() ** 2 + noise.get_ydata() ** 2, 1, rtol=1e-5)
    for line in log_snr.lines[:4]:
        assert np.nanmax(np.diff(line.get_ydata())) < 0
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["cosine", "edm", "flow", "scaled linear, zero terminal SNR"]
    assert len(plot.schedules("ddpm_linear").axes[0].lines) == 2


def test_jupyter_shows_the_figure_and_pyplot_is_not_touched():
    figure = plot.images(colours(50))
    assert figure._repr_png_().startswith(b"\x89PNG\r\n")
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_figures_may_be_made_in_threads():
    wanted = pixels(plot.images(colours(10, 200), ["one", "two"]))
    found = [None] * 4

    def draw(i):
        found[i] = pixels(plot.images(colours(10, 200), ["one", "two"]))

    threads = [threading.Thread(target=draw, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(image, wanted) for image in found)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.images([]), "images is empty"),
        (lambda: plot.images(colours(1, 2), ["one"]), "1 captions for 2 images"),
        (lambda: plot.images(colours(1), columns=0), "columns must be at least 1"),
        (lambda: plot.images([np.zeros((4, 4, 2))]), r"\(height, width, 1 or 3\), not \(4, 4, 2\)"),
        (lambda: plot.augmentation(colours(1), colours(1, 2)), "1 originals and 2 augmented images"),
        (lambda: plot.augmentation(colours(1), colours(1)[:, :8]), r"differ in size: \(16, 16, 3\) and \(8, 16, 3\)"),
        (lambda: plot.augmentation([], []), "images is empty"),
        (lambda: plot.augmentation(colours(1), colours(1), columns=0), "columns must be at least 1"),
        (lambda: plot.sampling([], []), "not 0 and 0"),
        (lambda: plot.sampling(colours(1), colours(1, 2)), "not 1 and 2"),
        (lambda: plot.sampling(colours(1, 2), colours(1, 2), noise_rates=[1.0]), "1 noise rates for 2 steps"),
        (lambda: plot.sampling(colours(1), colours(1), language="fr"), "valid: en, zh"),
        (lambda: plot.losses({"loss": []}), "nothing to draw"),
        (lambda: plot.schedules([]), "schedules is empty"),
        (lambda: plot.schedules("cosin"), "did you mean 'cosine'"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_comparison_has_a_row_for_each_model_and_a_panel_for_each_family():
    pictures = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3)).astype("uint8")
    curves = {
        "GAN: generator": [(0.0, 1.0), (2.0, 0.5)],
        "GAN: discriminator": [(0.0, 1.0), (2.0, 1.5)],
        "latent diffusion": [(1.0, 1.0)],
    }
    figure = plot.comparison({"real": pictures, "GAN": pictures[:3, ..., :1]}, curves)
    above, below = figure.subfigs
    assert [axes.get_ylabel() for axes in above.axes] == ["real", "GAN"]
    assert [axes.get_title(loc="left") for axes in below.axes] == ["GAN", "latent diffusion"]
    assert [line.get_label() for line in below.axes[0].lines] == ["generator", "discriminator"]
    assert figure._repr_png_()[:4] == b"\x89PNG"
    assert len(plot.comparison({"real": pictures}, {}).subfigs) == 1
    with pytest.raises(ValueError, match="images is empty"):
        plot.comparison({}, curves)
