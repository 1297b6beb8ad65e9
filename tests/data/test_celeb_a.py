import layouts
import numpy as np
import pytest
from layouts import flags

from tfportrait.data import celeb_a, open_source
from tfportrait.world import photographs


def greys(source):
    return np.round(source.images(np.arange(len(source)))[:, 8, 8, 0] / 20).astype(int).tolist()


@pytest.mark.parametrize(
    "make", [layouts.celeb_a_raw, lambda root: layouts.celeb_a_raw(root, True), layouts.celeb_a_csv]
)
def test_the_raw_distribution_in_its_official_splits(make, tmp_path):
    root = make(tmp_path)
    source = open_source(root, image_size=64)
    assert greys(source) == [1, 2, 3, 6]
    assert greys(open_source(root, "validation", image_size=64)) == [4]
    assert greys(open_source(root, "test", image_size=64)) == [5]
    labels = source.labels(np.arange(4))
    assert source.attributes["Smiling"] == ("no", "yes") and len(source.attributes) == 40
    np.testing.assert_array_equal(labels["Smiling"], [1, 0, 1, 0])
    np.testing.assert_array_equal(labels["Male"], [1, 1, 1, 0])
    with pytest.raises(ValueError, match="no split 'val'; it has train, validation, test"):
        open_source(root, "val", image_size=64)


def test_captions_say_what_the_labels_say_in_both_languages(tmp_path):
    source = open_source(layouts.celeb_a_raw(tmp_path), image_size=32)
    texts = [source.captions(np.array([0, 3]), epoch=epoch) for epoch in range(60)]
    men, women = zip(*texts, strict=True)
    assert len(set(men)) > 30 and any("男" in text for text in men) and any(" man" in text for text in men)
    assert any("smil" in text or "微笑" in text for text in men)
    assert not any("smil" in text or "微笑" in text for text in women)
    assert any("wavy" in text or "波浪" in text for text in women)
    assert not any("女" in text or "woman" in text or "lady" in text for text in men)


@pytest.mark.parametrize(
    ("true", "said", "unsaid"),
    [
        (["Black_Hair", "Blond_Hair"], {}, ["hair_color"]),
        (["Gray_Hair"], {"hair_color": "grey", "age": "older", "gender": "woman"}, []),
        (["Wavy_Hair", "Straight_Hair"], {}, ["hair_style"]),
        (["Bald", "Black_Hair", "Bangs", "Wavy_Hair", "Male"], {"hair_style": "bald"}, ["hair_color", "bangs"]),
        (["Male", "No_Beard", "Goatee"], {"gender": "man"}, ["facial_hair"]),
        (["Male", "No_Beard"], {"facial_hair": "none"}, []),
        (["Male"], {"facial_hair": "beard"}, []),
        (["Male", "Mustache", "Sideburns"], {"facial_hair": "moustache", "sideburns": "yes"}, []),
        (["Male", "No_Beard", "5_o_Clock_Shadow"], {"facial_hair": "stubble"}, []),
        (["Goatee", "Mustache"], {"gender": "woman"}, ["facial_hair"]),
        (["Bangs", "Receding_Hairline"], {}, ["bangs", "hairline"]),
        (["Attractive", "Young"], {"age": "young", "style": "photo", "gender": "woman"}, []),
    ],
)
def test_contradictions_are_not_said(true, said, unsaid):
    found = celeb_a.describe(flags(**dict.fromkeys(true, True)))
    assert said.items() <= found.items() and not set(unsaid) & set(found)
    photographs.compose(found, "zh")  # the grammar has words for all of it


def test_every_attribute_but_the_opinion_can_be_said():
    """Turning one attribute changes what is said, from a man or from a woman."""
    for name in set(celeb_a.ATTRIBUTES) - {"Attractive"}:
        changed = []
        for start in ({"No_Beard": True}, {"Male": True}, {"Male": True, "No_Beard": True}):
            before, after = flags(**start), flags(**start)
            after[name] = not after[name]
            changed.append(celeb_a.describe(before) != celeb_a.describe(after))
        assert any(changed), name


def test_the_crop_around_the_face(tmp_path):
    box = celeb_a.face_boxes(np.array([[float(x) for x in layouts.LANDMARKS.split()]]))[0]
    # eyes at (87.5, 111), mouth at (90.5, 153): 37.2 between the eyes, 42.1 down; twice the one is less than 1.8 times
    # the other
    half = 1.8 * np.hypot(3.0, 42.0)
    np.testing.assert_allclose(box, [87.8 - half, 115.2 - half, 87.8 + half, 115.2 + half], rtol=1e-5)
    source = open_source(layouts.celeb_a_raw(tmp_path), image_size=64, crop="face")
    assert len(source) == 4
    assert source.fingerprint != open_source(tmp_path, image_size=64).fingerprint
    (tmp_path / "list_landmarks_align_celeba.txt").unlink()
    with pytest.raises(ValueError, match="nowhere where the faces are: crop='center'"):
        open_source(tmp_path, image_size=64, crop="face")


def test_missing_lists_and_pictures_say_what_to_fetch(tmp_path):
    root = layouts.celeb_a_raw(tmp_path)
    (root / "img_align_celeba" / "000002.jpg").unlink()
    layouts.picture(3).save(root / "img_align_celeba" / "000009.jpg")
    with pytest.warns(UserWarning, match=r"1 of 4 pictures .*000002\.jpg: listed but missing"):
        assert len(open_source(root, image_size=64, max_bad_fraction=0.5)) == 3
    (root / "img_align_celeba").rename(root / "other")
    with pytest.raises(ValueError, match="no folder img_align_celeba: .*mmlab.ie.cuhk.edu.hk"):
        open_source(root, image_size=64)
    (root / "img_align_celeba.zip").write_bytes(b"")
    with pytest.raises(ValueError, match="unpack .*img_align_celeba.zip"):
        open_source(root, image_size=64)
    (root / "list_eval_partition.txt").unlink()
    with pytest.raises(ValueError, match="has no list_eval_partition.txt.*list_eval_partition.txt"):
        open_source(root, image_size=64)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("000002.jpg -1", "000002.jpg x", "the line of 000002.jpg is damaged"),
        ("Wearing_Hat ", "", "its header has no 'Wearing_Hat'"),
        (".jpg", "", "lists no pictures"),
    ],
)
def test_damaged_lists_are_named(tmp_path, old, new, message):
    path = layouts.celeb_a_raw(tmp_path) / "list_attr_celeba.txt"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=rf"list_attr_celeba\.txt:? .*{message}|list_attr_celeba\.txt {message}"):
        open_source(tmp_path, image_size=64)
