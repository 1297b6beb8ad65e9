import json
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from models.painters import tiny_painter
from PIL import Image
from test_inpainting import inpainting_painter

import tfportrait as tp
from tfportrait.cli import main
from tfportrait.presets import locate
from tfportrait.tasks import familiarity, strangers

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), "uint8")
PHOTOGRAPH = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="module")
def painter():
    return tp.LatentDiffusion.from_preset("portrait_128", dtype="float32")


def test_a_photograph_is_a_stranger_and_portraits_are_not(painter):
    folder, photograph = locate("portrait_128"), np.asarray(Image.open(PHOTOGRAPH).convert("RGB"))
    portraits = np.stack([tp.world.sample(2**45 + i).render(128) for i in range(6)])
    known = json.loads((folder / strangers.CALIBRATION).read_text())
    assert familiarity(painter, portraits).min() > known["least"] > familiarity(painter, photograph).max() + 1
    assert strangers.stranger(folder, painter, portraits[0]) is None
    said = strangers.stranger(folder, painter, photograph)
    assert "portrait_128" in said and "Stable Diffusion" in said and "\n" not in said


def test_larger_pictures_are_measured_at_the_size_of_the_training(painter):
    portrait = tp.world.sample(5)
    small, large = (familiarity(painter, portrait.render(side)) for side in (128, 384))
    wide = np.pad(portrait.render(128), ((0, 0), (64, 64), (0, 0)))
    np.testing.assert_allclose(large, small, atol=1)
    np.testing.assert_allclose(familiarity(painter, wide), small, atol=1e-3)


def test_what_is_measured_does_not_depend_on_the_batch():
    painter = tiny_painter()
    together = familiarity(painter, np.concatenate([IMAGES] * 6))
    assert together.shape == (18,) and together.dtype == np.float32
    np.testing.assert_allclose(familiarity(painter, IMAGES[0]), together[:1], atol=1e-3)


def test_the_calibration_lets_its_own_pictures_pass_and_others_not(tmp_path):
    painter = tiny_painter()
    measured = strangers.calibrate(painter, IMAGES, tmp_path, "noise")
    assert strangers.stranger(tmp_path, painter, IMAGES[1]) is None or measured["least"] > measured["median"] - 0.01
    (tmp_path / strangers.CALIBRATION).write_text(json.dumps({**measured, "least": measured["median"] + 50}))
    assert "noise" in strangers.stranger(tmp_path, painter, IMAGES[1])
    assert strangers.stranger(tmp_path / "elsewhere", painter, IMAGES[1]) is None


def test_a_painter_for_inpainting_and_wrong_images_are_refused(tmp_path):
    with pytest.raises(ValueError, match="made for inpainting"):
        familiarity(inpainting_painter(), IMAGES)
    with pytest.raises(ValueError, match="uint8"):
        familiarity(tiny_painter(), IMAGES / 255)


def test_the_command_says_it_and_goes_on(tmp_path, capsys):
    out = tmp_path / "restyled.png"
    main(["restyle", str(PHOTOGRAPH), "--style", "oil", "--steps", "2", "--out", str(out)])
    assert "unlike what portrait_128 has learnt" in capsys.readouterr().out and out.is_file()
