"""CelebA (Liu et al. 2015): faces with 40 attributes, in its raw distribution, and captions from those attributes.

Raw: `img_align_celeba/000001.jpg` and so on, `list_attr_celeba.txt`, `list_eval_partition.txt` and, for crops around
the face, `list_landmarks_align_celeba.txt`; all in one folder or, as they are distributed, in `Img/`, `Anno/` and
`Eval/`. The `.csv` forms of the lists are read too. The splits are the official ones.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tfportrait.data.pictures import Listing, digest
from tfportrait.world import photographs

SPLITS = ("train", "validation", "test")  # in the order of their numbers in the partition file
COUNT = 202_599
SOURCE = (
    "CelebA's own page, https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, links to its files: fetch "
    "img_align_celeba.zip (unpack it), list_attr_celeba.txt, list_eval_partition.txt and "
    "list_landmarks_align_celeba.txt into one folder, and give that folder"
)
_ATTRIBUTES, _PARTITION, _LANDMARKS = "list_attr_celeba", "list_eval_partition", "list_landmarks_align_celeba"
LANDMARKS = tuple(
    f"{part}_{axis}" for part in ("lefteye", "righteye", "nose", "leftmouth", "rightmouth") for axis in "xy"
)
_COLOURS = {"Black_Hair": "black", "Blond_Hair": "blonde", "Brown_Hair": "brown", "Gray_Hair": "grey"}
_PLAIN = {  # one attribute, one word of the caption
    "Arched_Eyebrows": ("arched_eyebrows", "yes"),
    "Bags_Under_Eyes": ("bags_under_eyes", "yes"),
    "Big_Lips": ("big_lips", "yes"),
    "Big_Nose": ("big_nose", "yes"),
    "Blurry": ("focus", "blurry"),
    "Bushy_Eyebrows": ("bushy_eyebrows", "yes"),
    "Chubby": ("chubby", "yes"),
    "Double_Chin": ("double_chin", "yes"),
    "Eyeglasses": ("glasses", "glasses"),
    "Heavy_Makeup": ("makeup", "heavy"),
    "High_Cheekbones": ("high_cheekbones", "yes"),
    "Mouth_Slightly_Open": ("open_mouth", "yes"),
    "Narrow_Eyes": ("narrow_eyes", "yes"),
    "Oval_Face": ("face_shape", "oval"),
    "Pale_Skin": ("skin_tone", "pale"),
    "Pointy_Nose": ("pointy_nose", "yes"),
    "Rosy_Cheeks": ("rosy_cheeks", "yes"),
    "Smiling": ("expression", "smiling"),
    "Wearing_Earrings": ("earrings", "earrings"),
    "Wearing_Hat": ("headwear", "hat"),
    "Wearing_Lipstick": ("lipstick", "yes"),
    "Wearing_Necklace": ("necklace", "yes"),
    "Wearing_Necktie": ("necktie", "yes"),
}
ATTRIBUTES = tuple(
    sorted(
        [
            *_COLOURS,
            *_PLAIN,
            "5_o_Clock_Shadow",
            "Attractive",
            "Bald",
            "Bangs",
            "Goatee",
            "Male",
            "Mustache",
            "No_Beard",
        ]
        + ["Receding_Hairline", "Sideburns", "Straight_Hair", "Wavy_Hair", "Young"]
    )
)
"""The 40 names, as CelebA has them."""
_ALWAYS = ("style", "gender", "age")
_RARELY = 0.5  # how often each other attribute is said


def describe(row: Mapping[str, bool]) -> dict[str, str]:
    """What a caption can say of a picture, contradictions left out.

    CelebA's annotators contradict themselves: of two hair colours, or of straight and wavy hair, neither is said; the
    bald have no hair to speak of; "no beard" beside a goatee, a moustache or sideburns leaves the beard unsaid, and so
    does a beard where the label is a woman's. `Attractive` is an opinion and is never said.

    Args:
        row: mapping. CelebA's attributes, true or false.

    Returns: dict. Attributes of `world.photographs`.
    """
    said = {"style": "photo", "gender": "man" if row["Male"] else "woman", "age": "young" if row["Young"] else "older"}
    said.update(meaning for name, meaning in _PLAIN.items() if row[name])
    colours = [colour for name, colour in _COLOURS.items() if row[name]]
    if row["Bald"]:
        said["hair_style"] = "bald"
    else:
        if len(colours) == 1:
            said["hair_color"] = colours[0]
        if row["Wavy_Hair"] != row["Straight_Hair"]:
            said["hair_style"] = "wavy" if row["Wavy_Hair"] else "straight"
        if row["Bangs"] and not row["Receding_Hairline"]:
            said["bangs"] = "yes"
        if row["Receding_Hairline"] and not row["Bangs"]:
            said["hairline"] = "receding"
    said.update(_facial_hair(row))
    return said


def _facial_hair(row: Mapping[str, bool]) -> dict[str, str]:
    grown = row["Goatee"] or row["Mustache"] or row["Sideburns"]
    if not row["Male"] or (row["No_Beard"] and grown):
        return {}
    if row["No_Beard"]:
        return {"facial_hair": "stubble"} if row["5_o_Clock_Shadow"] else {"facial_hair": "none"}
    said = {"sideburns": "yes"} if row["Sideburns"] else {}
    if row["Goatee"]:
        return {"facial_hair": "goatee", **said}
    if row["Mustache"]:
        return {"facial_hair": "moustache", **said}
    return {"facial_hair": "stubble" if row["5_o_Clock_Shadow"] else "beard", **said}


def captions(labels: np.ndarray):
    """Captions of rows of the 40 attributes, int (n, 40): English and Chinese, naming all or some, settled by the draw.

    Returns: callable as `Listing.captions`.
    """

    def write(rows: np.ndarray, draws: np.ndarray) -> list[str]:
        return [
            caption({name: value > 0 for name, value in zip(ATTRIBUTES, labels[row], strict=True)}, int(draw))
            for row, draw in zip(rows, draws, strict=True)
        ]

    return write


def caption(row: Mapping[str, bool], draw: int) -> str:
    """A caption of one picture that a 64-bit number settles: its language, what it names and how."""
    said = describe(row)
    random = np.random.default_rng(draw)
    names = [name for name in said if random.random() < (0.9 if name in _ALWAYS else _RARELY)]
    if "age" in names and "gender" not in names:
        names.append("gender")
    return str(photographs.compose({name: said[name] for name in names}, "zh" if draw & 1 else "en", draw >> 1))


def face_boxes(landmarks: np.ndarray) -> np.ndarray:
    """The square around a face that FFHQ's alignment cuts (Karras et al. 2019), left upright.

    Args:
        landmarks: (n, 10). x and y of the left eye, right eye, nose, left and right corner of the mouth, in pixels.

    Returns: float32 (n, 4). Left, top, right, bottom.
    """
    points = np.asarray(landmarks, np.float64).reshape(-1, 5, 2)
    eyes, mouth = points[:, 0:2].mean(1), points[:, 3:5].mean(1)
    across, down = points[:, 1] - points[:, 0], mouth - eyes
    half = np.maximum(2.0 * np.linalg.norm(across, axis=1), 1.8 * np.linalg.norm(down, axis=1))[:, None]
    centre = eyes + 0.1 * down
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def labelled(labels: np.ndarray) -> Listing:
    """A listing of pictures with these labels, int32 (n, 40); its files are still to be named."""
    return Listing(
        root=Path(),
        files=[],
        captions=captions(labels),
        text_key=digest([labels.tobytes().hex(), _words_version()]),
        attributes={name: ("no", "yes") for name in ATTRIBUTES},
        labels={name: labels[:, column] for column, name in enumerate(ATTRIBUTES)},
    )


def is_layout(root: Path) -> bool:
    """Whether a folder is CelebA's raw distribution."""
    return _find(root, _ATTRIBUTES) is not None


def listing(root: Path, split: str) -> Listing:
    """The pictures of a split.

    Raises: ValueError if a list or the pictures are missing or damaged (with what to fetch), or for another split.
    """
    if split not in SPLITS:
        raise ValueError(f"celeb_a has no split {split!r}; it has {', '.join(SPLITS)}")
    names, table = _read_table(_needed(root, _ATTRIBUTES), ATTRIBUTES)
    partition, numbers = _read_table(_needed(root, _PARTITION), ("partition",))
    chosen = {name for name, number in zip(partition, numbers[:, 0], strict=True) if number == SPLITS.index(split)}
    folder = _pictures_folder(root)
    there = {path.name for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".png")}
    rows = [row for row, name in enumerate(names) if name in chosen]
    labels = (table[rows] > 0).astype(np.int32)
    kept = [number for number, row in enumerate(rows) if names[row] in there]
    files = [names[rows[number]] for number in kept]
    boxes = None
    if landmarks := _find(root, _LANDMARKS):
        of_landmarks, points = _read_table(landmarks, LANDMARKS)
        where = {name: row for row, name in enumerate(of_landmarks)}
        if all(name in where for name in files):
            boxes = face_boxes(points[[where[name] for name in files]])
    inside = folder.relative_to(root)
    listed = set(names)
    made = labelled(labels[kept])
    made.root, made.boxes = root, boxes
    made.files = [(inside / name).as_posix() for name in files]
    made.missing = [(inside / names[row]).as_posix() for row in rows if names[row] not in there]
    made.unlabelled = sorted((inside / name).as_posix() for name in there - listed if name in chosen)
    return made


def _words_version() -> str:
    return digest(
        str(photographs.compose({name: values[-1]}, "zh", 1)) for name, values in photographs.ATTRIBUTES.items()
    )


def _find(root: Path, stem: str) -> Path | None:
    places = [root, *(root / name for name in ("Anno", "Eval", "Img", "celeba", "CelebA"))]
    return next(
        (path for place in places for end in (".txt", ".csv") if (path := place / f"{stem}{end}").is_file()), None
    )


def _needed(root: Path, stem: str) -> Path:
    path = _find(root, stem)
    if path is None:
        raise ValueError(f"{root} has no {stem}.txt. {SOURCE}")
    return path


def _pictures_folder(root: Path) -> Path:
    for place in (root, root / "Img", root / "img_align_celeba"):
        folder = place / "img_align_celeba"
        if folder.is_dir() and not (folder / "img_align_celeba").is_dir():
            return folder
    packed = next(root.rglob("img_align_celeba.zip"), None)
    hint = f"unpack {packed}" if packed else SOURCE
    raise ValueError(f"{root} has no folder img_align_celeba: {hint}")


def _read_table(path: Path, columns: tuple[str, ...]) -> tuple[list[str], np.ndarray]:
    """Names of pictures and their numbers, float or int (n, columns), in the order of `columns`."""
    rows = list(_rows(path))
    header = next((row for row in rows[:2] if set(columns) <= set(row)), None)
    if header is not None:
        shift = header[0] in ("image_id", "")  # a name for the pictures' own column
        order = [header.index(name) - shift for name in columns]
    elif len(columns) == 1:  # the partition file has no header
        order = [0]
    else:
        absent = next(name for name in columns if all(name not in row for row in rows[:2]))
        raise ValueError(f"{path}: its header has no {absent!r}")
    body = [row for row in rows if len(row) > 1 and row[0].lower().endswith((".jpg", ".png"))]
    if not body:
        raise ValueError(f"{path} lists no pictures")
    try:
        numbers = np.array([[float(row[1 + column]) for column in order] for row in body])
    except (IndexError, ValueError) as error:
        bad = next(row for row in body if not _complete(row, order))
        raise ValueError(f"{path}: the line of {bad[0]} is damaged") from error
    return [row[0] for row in body], numbers


def _complete(row: list[str], order: list[int]) -> bool:
    try:
        return all(np.isfinite(float(row[1 + column])) for column in order)
    except (IndexError, ValueError):
        return False


def _rows(path: Path) -> Iterator[list[str]]:
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        if path.suffix == ".csv":
            yield from csv.reader(file)
        else:
            yield from (line.split() for line in file)
