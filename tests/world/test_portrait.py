import hashlib
import io
import json
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import resvg_py
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tfportrait import world
from tfportrait.world.attributes import HATS, IMPOSSIBLE, UNUSUAL

NAMES = list(world.ATTRIBUTES)
seeds = st.integers(0, 2**63 - 1)
# Of the attributes of 502 seeds: changing it changes everybody's portraits.
GOLDEN = "dd383e5dae6859e8631d95195e2a5f659e0c17e98fe1a9f8f4dc19fe479165c3"
attributes = st.sampled_from([(name, value) for name, values in world.ATTRIBUTES.items() for value in values])


def digest(portraits):
    return hashlib.sha256(json.dumps([portrait.attributes for portrait in portraits]).encode()).hexdigest()


def test_a_seed_gives_the_same_attributes_on_every_machine():
    assert digest(world.sample(seed) for seed in (*range(500), 2**40, 2**63 - 1)) == GOLDEN


def test_a_seed_gives_the_same_picture_in_another_process():
    code = (
        "import hashlib; from tfportrait import world; "
        "print(hashlib.sha256(b''.join(world.sample(s, style=t).render(64).tobytes() "
        "for s, t in enumerate(world.ATTRIBUTES['style']))).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pictures = [
        world.sample(seed, style=style).render(64).tobytes() for seed, style in enumerate(world.ATTRIBUTES["style"])
    ]
    assert other.stdout.strip() == hashlib.sha256(b"".join(pictures)).hexdigest()


def test_the_world_needs_neither_keras_nor_tensorflow():
    code = (
        "import sys; from tfportrait import world; world.sample(1).render(32); world.sample(1).caption(); "
        "print(sorted({'keras', 'tensorflow', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@given(seeds, st.lists(attributes, max_size=4))
def test_given_attributes_are_kept_and_never_contradict_the_rest(seed, pairs):
    given_ = dict(pairs)
    items = set(given_.items())
    if any(pair <= items for pair in IMPOSSIBLE):
        with pytest.raises(ValueError, match="No portrait has"):
            world.sample(seed, **given_)
        return
    portrait = world.sample(seed, **given_)
    everything = set(portrait.attributes.items())
    assert items <= everything and list(portrait.attributes) == NAMES
    assert all(portrait.attributes[name] in values for name, values in world.ATTRIBUTES.items())
    assert not any(pair <= everything for pair in IMPOSSIBLE)


def test_no_frowned_upon_pair_comes_by_chance():
    for seed in range(3000):
        items = set(world.sample(seed).attributes.items())
        assert not any(pair <= items for pair in IMPOSSIBLE | UNUSUAL), items


def test_every_value_comes_often_enough_to_be_learnt():
    portraits = [world.sample(seed) for seed in range(3000)]
    for name, values in world.ATTRIBUTES.items():
        drawn = [portrait[name] for portrait in portraits]
        for value in values:
            share = drawn.count(value) / len(drawn)
            assert share > 0.25 / len(values) and share < 0.76, (name, value, share)


def test_fixing_one_attribute_leaves_the_others_draws():
    for seed in range(100):
        portrait = world.sample(seed)
        for name in ("style", "background", "lighting", "skin_tone"):
            for value in world.ATTRIBUTES[name]:
                changed = world.sample(seed, **{name: value})
                assert changed == portrait.replace(**{name: value})


def test_replace_keeps_seed_and_leaves_the_original():
    portrait = world.sample(3, glasses="none")
    other = portrait.replace(glasses="round")
    assert (other.seed, other["glasses"], portrait["glasses"]) == (3, "round", "none")
    assert {**other.attributes, "glasses": "none"} == portrait.attributes
    assert portrait != other and portrait == world.sample(3, glasses="none") and len({portrait, other}) == 2
    portrait.attributes["glasses"] = "square"
    assert portrait["glasses"] == "none"


def test_what_hides_what():
    plain = dict(style="flat", expression="neutral", glasses="none", headwear="none", hair_style="short")
    assert world.sample(0, **plain).visible == frozenset(NAMES)
    assert "hair_color" not in world.sample(0, **plain | {"hair_style": "bald", "age": "elderly"}).visible
    assert "eye_color" not in world.sample(0, **plain | {"glasses": "sunglasses"}).visible
    assert "eye_color" not in world.sample(0, **plain | {"expression": "laughing"}).visible
    assert "hair_style" not in world.sample(0, **plain | {"headwear": "cap"}).visible
    assert "hair_style" in world.sample(0, **plain | {"headwear": "crown"}).visible
    for style in ("pencil", "ink"):
        shown = world.sample(0, **plain | {"style": style}).visible
        assert not shown & {"skin_tone", "hair_color", "eye_color", "clothing_color"}


@settings(max_examples=40)
@given(st.integers(0, 10_000), attributes)
def test_a_hidden_attribute_does_not_change_the_picture(seed, pair):
    portrait = world.sample(seed)
    try:
        other = portrait.replace(**dict([pair]))
    except ValueError:
        return
    if pair[0] in portrait.visible | other.visible or portrait.visible != other.visible:
        return
    np.testing.assert_array_equal(portrait.render(64), other.render(64))


@pytest.mark.parametrize("style", world.ATTRIBUTES["style"])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "style"])
def test_every_visible_value_looks_different(name, style):
    base = dict(style=style, expression="smiling", glasses="none", headwear="none", facial_hair="none", lighting="even")
    base |= dict(age="young", hair_style="short", pose="front")
    if name == "facial_hair":
        base |= dict(gender="man")
    pictures = {}
    for value in world.ATTRIBUTES[name]:
        portrait = world.Portrait(11, {**world.sample(11, **base).attributes, name: value})
        if name in portrait.visible:
            pictures[value] = portrait.render(128).astype(int)
    for value, picture in pictures.items():
        for other, against in pictures.items():
            if other < value:
                changed = (np.abs(picture - against).max(-1) > 24).sum()
                assert changed >= 40, (value, other, changed)


def test_hats_hide_hair_that_lies_flat_but_not_long_hair():
    for hat in HATS:
        bare = world.sample(5, style="flat", headwear=hat, hair_style="short")
        np.testing.assert_array_equal(bare.render(64), bare.replace(hair_style="spiky").render(64))
        assert (bare.render(64) != bare.replace(hair_style="long").render(64)).mean() > 0.03


@pytest.mark.parametrize("style", world.ATTRIBUTES["style"])
def test_sizes(style):
    portrait = world.sample(8, style=style)
    small, large = portrait.render(32), portrait.render(512)
    for picture, size in ((small, 32), (large, 512), (portrait.render(np.int64(101)), 101)):
        assert picture.shape == (size, size, 3) and picture.dtype == np.uint8
    reduced = large.reshape(32, 16, 32, 16, 3).mean((1, 3))
    assert np.abs(reduced - small).mean() < 6  # the same picture, not a crop or another layout


def test_pixel_art_is_made_of_equal_cells():
    picture = world.sample(2, style="pixel").render(128)
    cells = picture.reshape(32, 4, 32, 4, 3)
    assert (cells == cells[:, :1, :, :1]).all()


@pytest.mark.parametrize("style", world.ATTRIBUTES["style"])
def test_svg_is_the_same_picture(style):
    portrait = world.sample(21, style=style)
    document = portrait.svg()
    assert ElementTree.fromstring(document).tag == "{http://www.w3.org/2000/svg}svg"
    assert "href" not in document
    drawn = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=document, width=128, height=128)))).convert(
        "RGB"
    )
    assert np.abs(np.asarray(drawn).astype(int) - portrait.render(128)).mean() < 1.5


@pytest.mark.parametrize("style", ["pencil", "ink"])
def test_drawings_have_no_colour(style):
    picture = world.sample(4, style=style).render(128).astype(int)
    picture = picture[:100]  # above the red seal
    assert (picture.max(-1) - picture.min(-1)).max() < 40


@pytest.mark.parametrize("size", [31, 513, 128.0, "128", True, None])
def test_bad_sizes(size):
    with pytest.raises(ValueError, match="size is an integer from 32 to 512"):
        world.sample(1).render(size)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "1", True, None])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match=r"seed is an integer from 0 to 2\*\*63 - 1"):
        world.sample(seed)


def test_bad_attributes_name_the_valid_ones_nearest_first():
    with pytest.raises(ValueError, match="Unknown attribute 'glass'. Valid ones: glasses, "):
        world.sample(1, glass="round")
    with pytest.raises(ValueError, match="Unknown value 'oils' for style. Valid ones: oil, "):
        world.sample(1, style="oils")
    with pytest.raises(ValueError, match="Unknown value 3 for style"):
        world.sample(1, style=3)
    with pytest.raises(ValueError, match="age=child together with facial_hair=beard"):
        world.sample(1, age="child", facial_hair="beard")
    with pytest.raises(ValueError, match="gender=woman together with facial_hair=moustache"):
        world.sample(1, gender="woman").replace(facial_hair="moustache")
    with pytest.raises(ValueError, match="missing: style, "):
        world.Portrait(1, {"age": "young"})


def test_unusual_combinations_are_painted_when_asked_for():
    assert world.sample(1, gender="man", clothing="dress")["clothing"] == "dress"
    assert world.sample(1, gender="woman", hair_style="bald").render(32).shape == (32, 32, 3)
