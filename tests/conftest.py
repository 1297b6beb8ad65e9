"""Puts this folder on the import path, so that tests anywhere below it can import `contracts` and `golden`."""

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# Compiling takes longer than what is computed here: XLA shall not optimise much, and JAX keep what it has compiled.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(tempfile.gettempdir()) / "tfportrait-tests-jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import tfportrait  # noqa: E402, F401  (before a test imports TensorFlow: it turns oneDNN on, as in the processes that users start)

# Files that take longest, longest first. Each is the work of one process: the last one would keep the others waiting.
LONGEST = (
    "course/test_notebooks.py",
    "training/test_kills.py",
    "training/test_several_workers.py",
    "presets/test_trainers.py",
    "export/test_export.py",
    "models/test_autoencoder.py",
    "models/test_families.py",
    "presets/test_interrupts.py",
    "models/test_families_on_jax.py",
    "stable_diffusion/test_damage.py",
    "models/test_latent_diffusion.py",
    "stable_diffusion/test_new_character.py",
    "presets/test_comparison.py",
    "stable_diffusion/test_keras_cv.py",
    "stable_diffusion/test_lora.py",
    "tasks/test_restoration.py",
    "tasks/test_inpainting.py",
    "tasks/test_sliders.py",
    "tasks/test_painting.py",
    "models/test_unet.py",
    "stable_diffusion/test_single_file.py",
)


def pytest_collection_modifyitems(items):
    """The longest files first; with --no-loadscope-reorder they are begun first, too."""
    places = {name: place for place, name in enumerate(LONGEST)}
    folder = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.relative_to(folder).as_posix(), len(LONGEST)))


@pytest.fixture(autouse=True)
def precision(request):
    """Every test begins in float32 without a choice about XLA, whatever `accelerate` chose in the one before.

    TensorFlow takes longer to rewrite a graph than these tests take to run it; it does so in the slow ones, and in
    processes that tests start.
    """
    if "tensorflow" in sys.modules:
        slow = request.node.get_closest_marker("slow") is not None
        sys.modules["tensorflow"].config.optimizer.set_experimental_options({"disable_meta_optimizer": not slow})
    yield
    if "keras" in sys.modules:
        import keras

        keras.config.set_dtype_policy("float32")
    if "tfportrait.training.acceleration" in sys.modules:
        sys.modules["tfportrait.training.acceleration"].set_xla_default(None)


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
