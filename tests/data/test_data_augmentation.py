import colorsys
import os
import subprocess
import sys

import numpy as np
import pytest

from tfportrait import world
from tfportrait.data import Augmentation, Report, Source, batches, load, mirrored_text
from tfportrait.data import augmentation as module
from tfportrait.data.augmentation import KERAS_CV, NAMES, mirrored_labels
from tfportrait.world import lexicon, synonyms
from tfportrait.world.reading import read_prompt

SIDE = 32
POSES, OTHER = ("left", "front", "right"), {"left": "right", "front": "front", "right": "left"}
LIST = ["flip", "rotation", "shear", "zoom", "crop", "colour"]


class Examples(Source):
    """Example i is red i + 10 everywhere and has a white bar at the side that its pose names, or none."""

    name, fingerprint, text_fingerprint, report = "examples", "", "", Report()
    attributes = {"pose": POSES, "number": tuple(map(str, range(40)))}

    def __len__(self):
        return 40

    def images(self, indices):
        made = np.zeros((len(indices), SIDE, SIDE + 4, 3), np.uint8)
        made[..., 0] = np.asarray(indices)[:, None, None] + 10
        for image, index in zip(made, indices, strict=True):
            if POSES[index % 3] != "front":
                image[:, slice(0, 6) if POSES[index % 3] == "left" else slice(-6, None)] = 255
        made.setflags(write=False)
        return made

    def labels(self, indices):
        return {"pose": (indices % 3).astype(np.int32), "number": np.asarray(indices, np.int32)}

    def captions(self, indices, *, epoch=0, seed=0):
        return [f"facing {POSES[index % 3]}" for index in indices]


def passes(augmentation, count=1, **options):
    """Batches of the examples as dicts of numpy arrays."""
    steps = count * -(-len(Examples()) // options.get("batch_size", 16))
    dataset = batches(Examples(), **{"batch_size": 16, "repeat": True, "augmentation": augmentation, **options})
    return list(dataset.take(steps).as_numpy_iterator())


def by_number(made):
    """Example number -> picture."""
    return {
        int(number): image
        for batch in made
        for number, image in zip(batch["attributes"]["number"], batch["image"], strict=True)
    }


def changed(spec, pictures, seed=0, epoch=0):
    """Pictures float32 (n, H, W, C) as they are in an epoch, without flips."""
    augmentation, indices = Augmentation(spec), np.arange(len(pictures))
    changes = augmentation.changes(seed, epoch, indices, *pictures.shape[1:3])
    return np.asarray(augmentation.apply(pictures, changes))


def noise(count=6, channels=3):
    return np.random.default_rng(0).uniform(-1, 1, (count, SIDE, SIDE + 4, channels)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "flip"])
def test_each_changes_the_pictures_and_keeps_shape_range_and_type(name, channels):
    pictures = noise(channels=channels)
    made = changed({name: 1.0}, pictures)
    assert made.shape == pictures.shape and made.dtype == np.float32
    assert made.min() >= -1 and made.max() <= 1
    assert (np.abs(made - pictures).mean((1, 2, 3)) > 1e-3).all()
    ends = np.sign(pictures).astype(np.float32)
    assert np.abs(changed({name: 1.0}, ends)).max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_strength_orders_the_changes(name):
    source = by_number(passes(None))
    amounts = []
    for strength in (0.0, 0.2, 1.0):
        made = by_number(passes({name: strength}))
        amounts.append(np.mean([np.abs(made[number] - source[number]).mean() for number in source]))
    assert amounts[0] == 0 and amounts[1] < 0.75 * amounts[2]
    if name != "colour":  # the pictures are nearly black: half of the draws clip
        assert 0 < amounts[1]


@pytest.mark.parametrize("spec", [None, [], {}, {"flip": 0, "rotation": 0.0, "jpeg": 0}, ["shear=0"], Augmentation([])])
def test_nothing_is_the_identity(spec):
    for one, other in zip(passes(None), passes(spec), strict=True):
        np.testing.assert_array_equal(one["image"], other["image"])
        assert one["caption"].tolist() == other["caption"].tolist()
        np.testing.assert_array_equal(one["attributes"]["pose"], other["attributes"]["pose"])


def test_a_resumed_run_sees_the_same_bits():
    spec = list(NAMES)
    whole = passes(spec, 2, seed=5)
    rest = list(
        batches(Examples(), batch_size=16, seed=5, repeat=True, first_step=2, augmentation=spec)
        .take(4)
        .as_numpy_iterator()
    )
    for one, other in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(one["image"], other["image"])
        assert one["caption"].tolist() == other["caption"].tolist()
        np.testing.assert_array_equal(one["attributes"]["pose"], other["attributes"]["pose"])


@pytest.mark.parametrize("name", ["flip", "rotation", "shear", "zoom", "crop", "colour"])
def test_epochs_and_seeds_draw_anew_and_batches_do_not_matter(name):
    indices = np.arange(200)

    def drawn(seed, epoch, indices=indices):
        augmentation = Augmentation([name])
        changes = augmentation.changes(seed, epoch, indices, SIDE, SIDE)
        return np.column_stack([augmentation.flips(seed, epoch, indices), *changes.values()])

    first = drawn(0, 0)
    for other in (drawn(0, 1), drawn(1, 0)):
        assert (first != other).any(1).mean() > 0.35
    np.testing.assert_array_equal(drawn(0, 0, indices[[7, 3]]), first[[7, 3]])
    assert len(np.unique(first, axis=0)) == (2 if name == "flip" else 200)


def test_two_epochs_of_one_example_look_different():
    made = passes(LIST, 2, batch_size=20)
    first, second = by_number(made[:2]), by_number(made[2:])
    assert set(first) == set(second) == set(range(40))
    differ = [np.abs(first[number] - second[number]).max() > 1e-3 for number in first]
    assert np.mean(differ) > 0.95


def test_an_example_is_changed_in_the_same_way_in_any_batch():
    one, other = by_number(passes(LIST, batch_size=16)), by_number(passes(LIST, batch_size=7))
    for number, image in one.items():
        np.testing.assert_allclose(other[number], image, atol=1e-5)


def test_a_flip_takes_labels_and_captions_along():
    plain, share = by_number(passes(None)), 0
    for batch in passes(["flip=0.5"]):
        labels = batch["attributes"]["number"], batch["attributes"]["pose"]
        for image, caption, number, pose in zip(batch["image"], batch["caption"], *labels, strict=True):
            flipped = not np.array_equal(image, plain[number])
            np.testing.assert_array_equal(image, plain[number][:, ::-1] if flipped else plain[number])
            bars = image[:, 0, 1].mean() > 0, image[:, -1, 1].mean() > 0
            assert POSES[pose] == {(True, False): "left", (False, False): "front", (False, True): "right"}[bars]
            assert caption.decode() == f"facing {POSES[pose]}"
            share += flipped
    assert 4 <= share <= 22  # of the 27 whose picture has a side
    for batch in passes(["flip=1"]):
        for image, number in zip(batch["image"], batch["attributes"]["number"], strict=True):
            np.testing.assert_array_equal(image, plain[number][:, ::-1])


def test_flips_come_as_often_as_asked_and_apart_from_all_else():
    indices = np.arange(4000)
    flips = Augmentation({"flip": 0.3, "rotation": 1}).flips(0, 0, indices)
    assert abs(flips.mean() - 0.3) < 0.03
    angles = Augmentation({"flip": 0.3, "rotation": 1}).changes(0, 0, indices, SIDE, SIDE)["matrix"][:, 1]
    assert abs(np.corrcoef(flips, angles)[0, 1]) < 0.05
    language = module.draws(0, 0, indices) & np.uint64(1)  # the low bit chooses the world's language
    assert abs(np.corrcoef(flips, language)[0, 1]) < 0.05


def test_labels_of_a_flip():
    attributes = {
        "pose": POSES,
        "view": ("facing_right", "facing_left", "back"),
        "side": ("front", "left"),
        "侧": ("右", "左"),
        "source": ("left", "right"),
        "hair": ("left over", "long"),
    }
    flipped = np.array([True, True, True, False])
    labels = {name: np.array([0, 1, -1, 0], np.int32) for name in attributes}
    made = mirrored_labels(labels, attributes, flipped)
    assert {name: column.tolist() for name, column in made.items()} == {
        "pose": [2, 1, -1, 0],
        "view": [1, 0, -1, 0],
        "side": [0, -1, -1, 0],  # no value says "right"
        "侧": [1, 0, -1, 0],
        "source": [0, 1, -1, 0],
        "hair": [-1, 1, -1, 0],
    }
    assert all(column.dtype == np.int32 for column in made.values())


# ---- geometry, read off pictures whose values are their own coordinates ----------------------------------------------

FAR = 64  # coordinates are divided by it


def ramps(count, height=SIDE, width=SIDE + 4):
    """Pictures whose red is x / FAR and green y / FAR, from their middle."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    picture = np.stack([x - (width - 1) / 2, y - (height - 1) / 2, 0 * x], -1) / FAR
    return np.repeat(picture[None], count, 0)


def maps(spec, count=40):
    """The affine maps (n, 2, 3) from a result's pixels to the picture's, both from the middle, with the pictures."""
    pictures = ramps(count)
    made = changed(spec, pictures)
    inner = (slice(10, -10), slice(10, -10))
    places = pictures[0][inner][..., :2].reshape(-1, 2) * FAR
    design = np.column_stack([places, np.ones(len(places))])
    found = []
    for image in made:
        values = image[inner][..., :2].reshape(-1, 2) * FAR
        solution, *_ = np.linalg.lstsq(design, values, rcond=None)
        assert np.abs(design @ solution - values).max() < 2e-3  # one affine map for the whole picture
        found.append(solution.T)
    return np.array(found), made


def test_rotation_turns_about_the_middle():
    found, _ = maps({"rotation": 0.5})
    linear = found[..., :2]
    np.testing.assert_allclose(linear @ linear.swapaxes(1, 2), np.broadcast_to(np.eye(2), linear.shape), atol=1e-3)
    np.testing.assert_allclose(np.linalg.det(linear), 1, atol=1e-3)
    np.testing.assert_allclose(found[..., 2], 0, atol=1e-2)
    angles = np.degrees(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
    assert angles.min() < -10 and angles.max() > 10 and np.abs(angles).max() < 15.1


def test_shear_slants_along_both_axes():
    found, _ = maps({"shear": 0.5})
    forward = np.linalg.inv(found[..., :2])
    np.testing.assert_allclose(forward[:, [0, 1], [0, 1]], 1, atol=1e-3)
    np.testing.assert_allclose(found[..., 2], 0, atol=1e-2)
    slants = forward[:, [0, 1], [1, 0]]
    assert (slants.min(0) < -0.12).all() and (slants.max(0) > 0.12).all() and np.abs(slants).max() < 0.201
    assert abs(np.corrcoef(slants.T)[0, 1]) < 0.5


def test_zoom_keeps_the_middle_and_the_proportions():
    found, made = maps({"zoom": 1.0})
    scale = found[:, 0, 0]
    np.testing.assert_allclose(found[..., :2], scale[:, None, None] * np.eye(2), atol=1e-3)
    np.testing.assert_allclose(found[..., 2], 0, atol=1e-2)
    assert 1 / 1.401 < scale.min() < 0.8 and 1.25 < scale.max() < 1.401
    # Where it shrinks, what lies beyond the border is the reflection: pixel -1 is pixel 0, pixel -2 is pixel 1.
    small = made[scale.argmax(), :, :, 0] * FAR
    half = (SIDE + 4) / 2
    x = scale.max() * (np.arange(SIDE + 4) - half + 0.5)
    reflected = np.where(x < -half, -2 * half - x, np.where(x > half, 2 * half - x, x))
    np.testing.assert_allclose(small[16], np.clip(reflected, 0.5 - half, half - 0.5), atol=0.05)


def test_crop_cuts_a_part_anywhere():
    found, made = maps({"crop": 1.0})
    side = found[:, 0, 0]
    np.testing.assert_allclose(found[..., :2], side[:, None, None] * np.eye(2), atol=1e-3)
    assert 0.599 < side.min() < 0.7 and 0.9 < side.max() <= 1
    room = (1 - side[:, None]) / 2 * (SIDE + 4, SIDE)
    assert (np.abs(found[..., 2]) <= room + 1e-2).all()
    assert ((found[..., 2] / room).std(0) > 0.4).all()
    assert abs(np.corrcoef((found[..., 2] / room).T)[0, 1]) < 0.5


def test_all_of_them_are_one_resampling():
    found, _ = maps(["rotation=1", "shear=1", "zoom", "crop"])
    assert np.abs(np.linalg.det(found[..., :2]) - 1).max() > 0.1


@pytest.mark.parametrize("value", [-1.0, 0.25, 1.0])
def test_no_corner_is_black(value):
    flat = np.full((20, SIDE, SIDE, 3), value, np.float32)
    np.testing.assert_allclose(changed({"rotation": 1, "shear": 1, "zoom": 1}, flat), value, atol=1e-6)


def test_colour_keeps_the_hue():
    colours = np.array([(0.55, 0.35, 0.3), (0.3, 0.5, 0.4), (0.4, 0.35, 0.6), (0.5, 0.5, 0.5)] * 5, np.float32)
    pictures = np.broadcast_to(colours[:, None, None] * 2 - 1, (20, 8, 8, 3)).astype(np.float32)
    made = changed({"colour": 0.5}, pictures)[:, 0, 0] / 2 + 0.5
    for before, after in zip(colours, made, strict=True):
        (hue, saturation, _), (new_hue, new_saturation, _) = colorsys.rgb_to_hsv(*before), colorsys.rgb_to_hsv(*after)
        if saturation:
            assert abs(hue - new_hue) < 0.02
        else:
            assert new_saturation < 1e-5
    values = changed({"colour": 0.5}, pictures).mean((1, 2, 3))
    assert (values - pictures.mean((1, 2, 3)) > 0.05).any() and (values - pictures.mean((1, 2, 3)) < -0.05).any()


def test_contrast_and_saturation_go_both_ways():
    pictures = noise(40, 1) * 0.3 + noise(40) * 0.1
    made = changed({"colour": 1.0}, pictures)
    spread = made.std((1, 2, 3)) / pictures.std((1, 2, 3))
    assert spread.min() < 0.8 and spread.max() > 1.2
    chroma = np.ptp(made, -1).mean((1, 2)) / np.ptp(pictures, -1).mean((1, 2)) / spread
    assert chroma.min() < 0.9 and chroma.max() > 1.1


# ---- in the pipeline -------------------------------------------------------------------------------------------------


def test_load_takes_names_and_strengths(captioned):
    spec = {"flip": 1.0, "rotation": 1.0}
    one = load(captioned, image_size=16, batch_size=4, augmentation=spec)
    other = load(captioned, image_size=16, batch_size=4, augmentation=["flip=1", "rotation=1"])
    for batch, again in zip(one.as_numpy_iterator(), other.as_numpy_iterator(), strict=True):
        assert set(batch) == {"image", "caption", "attributes"}
        np.testing.assert_array_equal(batch["image"], again["image"])
    assert one.element_spec["image"].shape[1:] == (16, 16, 3)
    fixed = load(captioned, image_size=16, batch_size=5, augmentation=spec)
    assert fixed.element_spec["image"].shape == (5, 16, 16, 3)


def test_augmentation_needs_the_pictures():
    with pytest.raises(ValueError, match="augmentation needs the field \"image\", got fields=\\['caption'\\]"):
        batches(Examples(), batch_size=4, fields=["caption"], augmentation=["flip"])
    made = next(batches(Examples(), batch_size=4, fields=["image"], augmentation=["flip"]).as_numpy_iterator())
    assert set(made) == {"image"}


def test_mixed_precision_leaves_the_pictures_alone():
    import keras

    wanted = changed(LIST, noise())
    module._layers.cache_clear()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        np.testing.assert_array_equal(changed(LIST, noise()), wanted)
    finally:
        module._layers.cache_clear()


JAX = """
import sys
sys.path.insert(0, sys.argv[1])
import tfportrait.data
assert "keras" not in sys.modules and "tensorflow" not in sys.modules
import numpy, test_data_augmentation
from tfportrait.data.augmentation import KERAS_CV
test_data_augmentation.passes(test_data_augmentation.LIST)
assert sys.modules["keras"].backend.backend() == "jax"
assert "keras_cv" not in sys.modules
numpy.save(sys.argv[2], test_data_augmentation.passes([*test_data_augmentation.LIST, *KERAS_CV])[0]["image"])
"""


def test_pictures_are_the_same_where_jax_trains_and_libraries_load_when_needed(tmp_path):
    pytest.importorskip("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    arguments = [sys.executable, "-c", JAX, os.path.dirname(__file__), str(tmp_path / "jax.npy")]
    subprocess.run(arguments, check=True, env=environment)
    np.testing.assert_allclose(np.load(tmp_path / "jax.npy"), passes([*LIST, *KERAS_CV])[0]["image"], atol=1e-6)


# ---- what may be asked for -------------------------------------------------------------------------------------------


def test_specs():
    assert Augmentation(["flip", "rotation=0.3"]).strengths == {"flip": 0.5, "rotation": 0.3}
    assert Augmentation("Channel-Shift = 1").strengths == {"channel_shift": 1.0}
    assert Augmentation({"zoom": 1, "flip": np.float32(0.5)}).strengths == {"flip": 0.5, "zoom": 1.0}
    assert repr(Augmentation("crop")) == "Augmentation({'crop': 0.5})"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (["rotate"], "unknown augmentation 'rotate'; valid ones: rotation, "),
        (["color=0.3"], "unknown augmentation 'color'; valid ones: colour, "),
        (["rescale"], r"rescale is no augmentation: pictures are always rescaled to \[-1, 1\]"),
        (["flip=1.5"], "the strength of flip must be a number from 0 .* got 1.5; nearest: 1"),
        ({"flip": -0.5}, "got -0.5; nearest: 0"),
        (["flip=nan"], "must be a number from 0 .* got nan$"),
        (["flip=often"], "must be a number from 0 .* got 'often'$"),
        (["flip="], "must be a number from 0 .* got ''$"),
        ({"flip": True}, "must be a number from 0 .* got True$"),
        ({"flip": None}, "must be a number from 0 .* got None$"),
        (["flip", "zoom", "flip=0.2"], "augmentation flip is given twice"),
        (["flip", "flip=0"], "augmentation flip is given twice"),
        ([3], "an augmentation is a name, or name=strength such as rotation=0.5; got 3"),
    ],
)
def test_bad_specs(spec, message):
    with pytest.raises(ValueError, match=message):
        Augmentation(spec)
    with pytest.raises(ValueError, match=message):
        batches(Examples(), batch_size=4, augmentation=spec)


@pytest.mark.parametrize("name", KERAS_CV)
def test_without_keras_cv_its_names_say_what_to_do(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "keras_cv", None)
    with pytest.raises(
        ValueError, match=f"'{name}' needs KerasCV, which cannot .*: pip install .*, or leave {name} out"
    ):
        Augmentation([name])
    assert Augmentation({**dict.fromkeys(LIST, 0.5), name: 0}).strengths == dict.fromkeys(LIST, 0.5)


# ---- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "mirrored"),
    [
        ("looking to the left, lit from the right", "looking to the right, lit from the left"),
        ("Left-facing. RIGHT side; leftmost, rightwards", "Right-facing. LEFT side; rightmost, leftwards"),
        ("bright copyright, leftover and righteous", "bright copyright, leftover and righteous"),
        ("朝left看, right侧", "朝right看, left侧"),
        ("面向左侧，右侧光", "面向右侧，左侧光"),
        ("三十岁左右，朝左看", "三十岁左右，朝右看"),
        ("左顾右盼，左眼红，右眼蓝", "左顾右盼，右眼红，左眼蓝"),
        ("座右铭", "座右铭"),
        ("", ""),
    ],
)
def test_mirrored_text(text, mirrored):
    assert mirrored_text(text) == mirrored
    assert mirrored_text(mirrored) == text


def swapped(attributes):
    return {
        name: OTHER.get(value, value) if name in ("pose", "lighting") else value for name, value in attributes.items()
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_mirrored_captions_of_the_world_say_the_mirrored_portrait(language):
    sides = 0
    for seed in range(400):
        caption = world.sample(seed).caption(language, seed=seed)
        said = read_prompt(caption).attributes
        assert read_prompt(mirrored_text(caption)).attributes == swapped(said), caption
        sides += said != swapped(said)
    assert sides > 60


def test_every_phrase_of_a_side_is_mirrored():
    phrases = 0
    for name in ("pose", "lighting"):
        said = [phrase for place in synonyms.ALSO_READ[name].values() for phrase in place]
        for table in (lexicon.ENGLISH, lexicon.CHINESE):
            said += [phrase for places in table[name].values() for texts in places.values() for phrase in texts]
        for phrase in said:
            read = read_prompt(phrase).attributes
            assert read_prompt(mirrored_text(phrase)).attributes == swapped(read), phrase
            phrases += read.get(name) in ("left", "right")
    assert phrases > 60
