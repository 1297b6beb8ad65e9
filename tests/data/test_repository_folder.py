import json
from pathlib import Path

import numpy as np

from tfportrait import world
from tfportrait.data import load, open_source

FOLDER = Path(__file__).parents[2] / "data" / "portraits"


def test_the_small_folder_in_the_repository_is_sound():
    source = open_source(FOLDER, image_size=128)
    rows = [json.loads(line) for line in (FOLDER / "metadata.jsonl").read_text("utf-8").splitlines()]
    assert len(source) == len(rows) == 24 and not source.report.bad and not source.report.without_caption
    labels = source.labels(np.arange(24))
    for index, row in enumerate(rows):
        portrait = world.sample(row["seed"])
        assert row["attributes"] == portrait.attributes
        for name, values in world.ATTRIBUTES.items():
            assert labels[name][index] == (values.index(portrait.attributes[name]) if name in portrait.visible else -1)
    assert source.images(np.arange(24)).std(axis=(1, 2, 3)).min() > 20  # none is blank


def test_it_comes_as_batches():
    batch = next(iter(load(FOLDER, image_size=64, batch_size=8)))
    assert batch["image"].shape == (8, 64, 64, 3) and all(text for text in batch["caption"].numpy())
