import json

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Every test has a cache of its own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("TFPORTRAIT_CACHE", str(folder))
    return folder


@pytest.fixture
def captioned(tmp_path):
    """A folder of ten pictures; picture i is all grey value 10 * i and has the captions "picture i" and "图片 i"."""
    folder = tmp_path / "captioned"
    folder.mkdir()
    with open(folder / "metadata.jsonl", "w", encoding="utf-8") as file:
        for i in range(10):
            Image.fromarray(np.full((20, 24, 3), 10 * i, np.uint8)).save(folder / f"{i}.png")
            row = {"file_name": f"{i}.png", "text": f"picture {i}", "text_zh": f"图片 {i}"}
            row["attributes"] = {"glasses": ["none", "round"][i % 2], "mood": "good"}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return folder
