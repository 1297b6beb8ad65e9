import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import zoo
from PIL import Image, ImageEnhance

from tfportrait import cli, world
from tfportrait.data import check as checking
from tfportrait.data.check import check, fingerprint, near_groups
from tfportrait.data.decode import decode, read

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")
PORTRAITS = Path(__file__).parents[2] / "data" / "portraits"


def write_zoo(folder):
    for kind in zoo.kinds():
        kind.make(folder)
    return {kind.text: kind for kind in zoo.kinds()}


def save_portraits(folder, count, size=96):
    for seed in range(count):
        Image.fromarray(world.sample(seed).render(size)).save(folder / f"{seed}.png")


def test_the_report_of_the_zoo(tmp_path, capsys):
    kinds = write_zoo(tmp_path)
    report = check(tmp_path, max_bad_fraction=0.6, image_size=(64, 40))
    expected = {counted: [] for counted in ("good", "bad", "other", "misnamed", "unseen")}
    for name in sorted(kinds, key=os.fsencode):
        expected[kinds[name].counted].append(name)
    assert [path for path, _ in report.bad] == expected["bad"]
    for path, reason in report.bad:
        with pytest.raises(ValueError) as caught:
            decode(tmp_path / path, (8, 8))
        assert reason == str(caught.value)
    assert report.good == len(expected["good"]) == sum(report.formats.values()) == sum(report.modes.values())
    assert report.other == {".*": 1, ".parquet": 1, ".svg": 1, ".txt": 1}
    assert [path for path, _ in report.misnamed] == expected["misnamed"]
    assert report.misnamed[0] == ("no suffix", "PNG")
    assert report.links == 0
    small = {"one pixel.png", "one colour.png", "long.png"}
    assert report.enlarged == len(small)
    assert report.widths == (1, 48, 5000) and report.heights == (1, 64, 99)
    assert report.smallest_sides == {"under 32": 2, "32-63": report.good - 4, "64-127": 2}
    assert report.ok
    same = next(group for group in report.duplicates if "plain.png" in group)
    assert {"link.png", "CAPITALS.JPG", "人像.png", os.fsdecode(b"not UTF-8 \xff\xe9.png")} <= set(same)
    table = report.table()
    assert all(letter.isprintable() or letter == "\n" for letter in table)
    assert len(table.splitlines()) <= 27 and max(map(len, table.splitlines()[1:])) <= 110
    assert check(tmp_path, max_bad_fraction=0.6, image_size=(64, 40), progress=False) == report
    assert capsys.readouterr().out == ""


def test_json_holds_everything_whatever_the_names(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    name = b"bad \xff.png"
    (folder / os.fsdecode(name)).write_bytes(b"")
    save_portraits(folder, 3)
    report = check(folder, image_size=128, max_bad_fraction=0.5)
    report.save(tmp_path / "report.json")
    loaded = json.loads((tmp_path / "report.json").read_bytes())
    assert loaded == json.loads(report.json())
    assert os.fsencode(loaded["bad"][0]["path"]) == name
    assert loaded["ok"] is True and loaded["good"] == 3 and loaded["enlarged"] == 3
    assert loaded["image_size"] == [128, 128] and loaded["path"] == str(folder)
    assert set(loaded) == {"ok"} | set(vars(report))


def test_near_duplicates_are_found_and_other_portraits_are_not(tmp_path):
    for path in PORTRAITS.rglob("*.png"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert check(tmp_path).near_duplicates == check(tmp_path).duplicates == []
    original = Image.open(tmp_path / "03.png").convert("RGB")
    original.save(tmp_path / "encoded.jpg", quality=60)
    original.resize((200, 200), Image.Resampling.BICUBIC).save(tmp_path / "larger.webp")
    original.resize((70, 64), Image.Resampling.LANCZOS).save(tmp_path / "smaller.png")
    ImageEnhance.Brightness(original).enhance(1.1).save(tmp_path / "brighter.png")
    stored, exif = zoo.turned(original, 8)
    stored.save(tmp_path / "turned.jpg", exif=exif, quality=90)
    (tmp_path / "copy.png").write_bytes((tmp_path / "03.png").read_bytes())
    report = check(tmp_path)
    assert report.duplicates == [["03.png", "copy.png"]]
    copies = ["03.png", "brighter.png", "encoded.jpg", "larger.webp", "smaller.png", "turned.jpg"]
    assert report.near_duplicates == [copies]


def test_plain_pictures_of_other_colours_are_no_duplicates(tmp_path):
    for number, colour in enumerate(["red", "blue", "white", "black", "grey", "#fe0000"]):
        Image.new("RGB", (40, 40), colour).save(tmp_path / f"{number}.png")
    assert check(tmp_path).near_duplicates == [["0.png", "5.png"]]


def test_the_hash_is_the_perceptual_hash_of_imagehash():
    imagehash = pytest.importorskip("imagehash")
    for seed in range(20):
        data = zoo.encode(Image.fromarray(world.sample(seed).render(96)), "PNG")
        picture = read(data)
        peer = np.packbits(imagehash.phash(picture.image).hash).tobytes()
        assert (fingerprint(picture)[0] ^ int.from_bytes(peer)).bit_count() <= 4


@pytest.mark.parametrize("near", [0, 1, 4, 8])
def test_near_groups_are_those_of_all_pairs(near):
    rng = np.random.default_rng(near)
    centres = rng.integers(0, 2**64, 60, np.uint64)
    hashes = np.repeat(centres, 5)
    for _ in range(4):
        hashes ^= np.where(rng.random(300) < 0.6, np.uint64(1) << rng.integers(0, 64, 300, np.uint64), np.uint64(0))
    thumbnails = np.repeat(rng.integers(0, 2, (150, 1)) * 255, 2, 0).repeat(3, 1).astype(np.uint8)
    alike = np.unpackbits((hashes[:, None] ^ hashes)[..., None].view(np.uint8), axis=-1).sum(-1) <= near
    alike &= np.abs(thumbnails[:, None].astype(int) - thumbnails).mean(-1) < 32
    for _ in range(9):
        alike = (alike.astype(int) @ alike) > 0  # what is reached by steps
    expected = {tuple(np.flatnonzero(row).tolist()) for row in alike if row.sum() > 1}
    groups = near_groups(hashes, thumbnails, near)
    assert groups == sorted(map(list, expected))


def test_near_groups_of_many_pictures_take_seconds():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, 20_000, np.uint64)
    hashes[5000:10_000] = hashes[0] ^ (np.uint64(1) << rng.integers(0, 64, 5000, np.uint64))  # a film of one scene
    hashes[-1] = hashes[-2]
    start = time.perf_counter()
    groups = near_groups(hashes, np.zeros((20_000, 3), np.uint8), 4)
    assert [len(group) for group in groups] == [5001, 2]
    assert time.perf_counter() - start < 20


def test_no_pictures(tmp_path):
    for folder in (tmp_path, tmp_path / "texts"):
        folder.mkdir(exist_ok=True)
        report = check(folder)
        assert not report.ok and report.good == 0 and report.bad == [] and "no pictures (.png" in report.table()
        (folder / "x.txt").write_text("x")
    assert json.loads(report.json())["widths"] == []


def test_one_file(tmp_path):
    (tmp_path / "x.png").write_bytes(b"nothing")
    Image.new("RGB", (9, 9)).save(tmp_path / "picture", "PNG")
    assert check(tmp_path / "x.png").bad == [("x.png", "not a picture but text")]
    report = check(tmp_path / "picture")
    assert report.good == 1 and report.ok and report.misnamed == []


def test_linked_folders_are_not_followed(tmp_path):
    save_portraits(tmp_path, 1)
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "deeper").mkdir()
    save_portraits(tmp_path / "deeper", 1)
    report = check(tmp_path)
    assert report.links == 1 and report.good == 2
    assert report.duplicates == [["0.png", "deeper/0.png"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_bad_fraction": 1.5}, "max_bad_fraction must be from 0 to 1, got 1.5"),
        ({"near": 9}, "near must be from 0 to 8 bits, got 9"),
        ({"image_size": 0}, "image_size must be a positive integer"),
        ({"image_size": (1, 2, 3)}, "image_size must be a positive integer"),
    ],
)
def test_bad_arguments(tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        check(tmp_path, **arguments)
    with pytest.raises(ValueError, match="nowhere does not exist"):
        check(tmp_path / "nowhere")


def test_the_command(tmp_path, capsys):
    folder = tmp_path / "pictures"
    folder.mkdir()
    save_portraits(folder, 4)
    (folder / "bad.jpg").write_bytes(b"")
    arguments = ["data", "check", str(folder), "--size", "128", "--json", str(tmp_path / "x.json")]
    assert cli.main([*arguments, "--max-bad-fraction", "0.2"]) == 0
    out, error = capsys.readouterr()
    assert "smaller than 128 x 128" in out and "the file is empty" in out and error == ""
    assert cli.main(arguments) == 2
    out, error = capsys.readouterr()
    assert "the file is empty" in out and error.count("\n") == 1
    assert "1 of 5 pictures" in error and "(20.0%; 5.0% may be)" in error
    assert json.loads((tmp_path / "x.json").read_bytes())["ok"] is False
    assert cli.main([*arguments[:3], "--json", str(tmp_path / "no" / "x.json")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_ctrl_c_stops_at_once(tmp_path, capsys, monkeypatch):
    save_portraits(tmp_path, 20, 32)
    seen = []

    def look(_, name):
        seen.append(name)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return checking.BadImage("x")

    monkeypatch.setattr(checking, "_look", look)
    monkeypatch.setattr(checking.workers, "cores", lambda: 1)
    assert cli.main(["data", "check", str(tmp_path)]) == 130
    assert "stopped" in capsys.readouterr().err and len(seen) < 20


def test_the_command_loads_no_framework(tmp_path):
    save_portraits(tmp_path, 1, 32)
    code = (
        "import sys; from tfportrait.cli import main; main(['data', 'check', sys.argv[1]]); "
        "print([name for name in ('tensorflow', 'keras', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
