"""Miniature copies of the data sets' own layouts: true file names, true header lines, true lists."""

import csv
import json

import numpy as np
from PIL import Image

from tfportrait.data import celeb_a

CELEB_A_HEADER = (
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair "
    "Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones "
    "Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline "
    "Rosy_Cheeks Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick "
    "Wearing_Necklace Wearing_Necktie Young"
)
LANDMARKS_HEADER = (
    "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y"
)
LANDMARKS = "69 109 106 113 77 142 73 152 108 154"  # those of 000001.jpg
PARTS = (0, 0, 0, 1, 2, 0)  # train, validation, test


def picture(number, size=(178, 218)):
    """A picture, (width, height), whose grey says which one it is."""
    return Image.fromarray(np.full((size[1], size[0], 3), 20 * number, np.uint8))


def celeb_a_raw(root, nested=False):
    """Six pictures, numbered from 1; odd ones smile, the first three are of men. In CelebA's own three folders?"""
    folders = [root / name if nested else root for name in ("Img", "Anno", "Eval")]
    pictures, lists, parts = folders
    (pictures / "img_align_celeba").mkdir(parents=True)
    names = CELEB_A_HEADER.split()
    lines = []
    for number in range(1, 7):
        picture(number).save(pictures / "img_align_celeba" / f"{number:06d}.jpg", quality=95)
        has = {"Smiling": number % 2, "Male": number <= 3, "Young": True, "Brown_Hair": True, "Wavy_Hair": number > 3}
        flags = " ".join(" 1" if has.get(name) else "-1" for name in names)
        lines.append(f"{number:06d}.jpg {flags}")
    for folder in folders:
        folder.mkdir(exist_ok=True)
    (lists / "list_attr_celeba.txt").write_text("\n".join(["6", CELEB_A_HEADER + " ", *lines]) + "\n")
    rows = [f"{number:06d}.jpg  {LANDMARKS}" for number in range(1, 7)]
    (lists / "list_landmarks_align_celeba.txt").write_text("\n".join(["6", LANDMARKS_HEADER + " ", *rows]) + "\n")
    rows = [f"{number:06d}.jpg {part}" for number, part in enumerate(PARTS, 1)]
    (parts / "list_eval_partition.txt").write_text("\n".join(rows) + "\n")
    return root


def celeb_a_csv(root):
    """The same as Kaggle has it: lists in CSV, pictures one folder deeper."""
    celeb_a_raw(root / "raw")
    (root / "img_align_celeba").mkdir()
    (root / "raw" / "img_align_celeba").rename(root / "img_align_celeba" / "img_align_celeba")
    for stem, head in (("list_attr_celeba", None), ("list_eval_partition", "partition")):
        lines = [line.split() for line in (root / "raw" / f"{stem}.txt").read_text().splitlines()]
        header = lines.pop(0) and lines.pop(0) if head is None else [head]
        with open(root / f"{stem}.csv", "w", newline="") as file:
            csv.writer(file).writerows([["image_id", *header], *lines])
    return root


def ffhq(root, index=True):
    """Pictures 0, 1, 999, 1000 and 60000 as thumbnails, and the first as a large one."""
    numbers = (0, 1, 999, 1000, 60000)
    for number in numbers:
        folder = root / "thumbnails128x128" / f"{number - number % 1000:05d}"
        folder.mkdir(parents=True, exist_ok=True)
        picture(number % 7, (128, 128)).save(folder / f"{number:05d}.png")
    (root / "images1024x1024" / "00000").mkdir(parents=True)
    picture(9, (1024, 1024)).save(root / "images1024x1024" / "00000" / "00000.png")
    if index:
        kinds = {str(n): {"category": "training" if n < 60000 else "validation"} for n in numbers}
        (root / "ffhq-dataset-v2.json").write_text(json.dumps(kinds))
    return root


def imagenet(root, kaggle=False):
    """Two synsets with two pictures each, and two validation pictures: sorted, or flat as in Kaggle's copy."""
    place = root / "ILSVRC" / "Data" / "CLS-LOC" if kaggle else root
    for number, synset in enumerate(("n01440764", "n02123045")):
        folder = place / "train" / synset
        folder.mkdir(parents=True)
        for image in range(2):
            picture(2 * number + image, (100, 80)).save(folder / f"{synset}_{image}.JPEG")
    rows = []
    for number, synset in enumerate(("n02123045", "n01440764"), 1):
        folder = place / "val" if kaggle else place / "val" / synset
        folder.mkdir(parents=True, exist_ok=True)
        picture(number, (80, 100)).save(folder / f"ILSVRC2012_val_{number:08d}.JPEG")
        rows.append([f"ILSVRC2012_val_{number:08d}", f"{synset} 10 20 30 40 "])
    if kaggle:
        with open(root / "LOC_val_solution.csv", "w", newline="") as file:
            csv.writer(file).writerows([["ImageId", "PredictionString"], *rows])
    return root


def open_images(root):
    """Three pictures for training and one for validation; what a person denies is no label."""
    for split, names in {"train": ("000a1", "000b2", "000c3"), "validation": ("00aa",)}.items():
        (root / split).mkdir(parents=True)
        for number, name in enumerate(names):
            picture(number, (90, 70)).save(root / split / f"{name}.jpg")
    (root / "class-descriptions.csv").write_text("/m/01yrx,Cat\n/m/07j7r,Tree\n/m/04bcr3,Table\n")
    head = "ImageID,Source,LabelName,Confidence\n"
    by_people = ("000a1,verification,/m/01yrx,1", "000a1,verification,/m/07j7r,0", "000b2,verification,/m/04bcr3,1")
    (root / "train-annotations-human-imagelabels.csv").write_text(
        head + "\n".join([*by_people, "ffff,verification,/m/01yrx,1"]) + "\n"
    )
    (root / "train-annotations-machine-imagelabels.csv").write_text(
        head + "000a1,machine,/m/07j7r,0.9\n000b2,machine,/m/07j7r,0.9\n000b2,machine,/m/01yrx,0.5\n"
    )
    (root / "validation-annotations-bbox.csv").write_text(
        "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"
        "00aa,xclick,/m/01yrx,1,0.1,0.5,0.1,0.5,0,0,0,0,0\n00aa,xclick,/m/07j7r,1,0.2,0.6,0.1,0.5,0,0,0,0,0\n"
    )
    return root


def flags(**true):
    """A row of CelebA's attributes, false but for those given."""
    return {name: bool(true.get(name)) for name in celeb_a.ATTRIBUTES}
