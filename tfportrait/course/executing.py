"""Runs notebooks from their first cell to their last, and keeps of the outputs what a reader needs."""

import base64
import io
import json
import os
import re
import subprocess
import tempfile
import time

COLORS = 64  # of a figure that is kept, where they are enough:
CHANGED, AT_MOST = 16, 0.002  # grey levels by which no more than this share of the pixels may change
QUALITY = 80  # of one that consists of pictures
PLAIN = 1.15  # by how much it may be larger in few colours, where lines and letters stay sharp
_ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")


class NotebookError(ValueError):
    """A cell that failed: its id and the error's last line."""


def execute(made, *, timeout=900, full=False, stop_at_exercise=False):
    """Runs a notebook in a kernel and a folder of its own.

    Args:
        made: dict. A notebook; it is not changed.
        timeout: int. Seconds for one cell.
        full: bool. In full mode, see `tfportrait.course.fast`. Defaults to `False`.
        stop_at_exercise: bool. Ends before the first exercise, as far as a student's version can run by itself.

    Returns: (dict, float): the notebook with its outputs, and the seconds that it took.

    Raises:
        NotebookError: a cell raised an error, or an exercise was not graded "right".
        ModuleNotFoundError: nbclient or ipykernel is missing.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    cells = made["cells"]
    exercises = [i for i, cell in enumerate(cells) if _exercise(cell)]
    if stop_at_exercise and exercises:
        cells = cells[: exercises[0]]
    book = nbformat.reads(json.dumps({**made, "cells": cells}), as_version=4)
    environment = {**os.environ, "TFPORTRAIT_FULL": str(int(full)), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            book, timeout=timeout, kernel_name="python3", resources={"metadata": {"path": folder}}, record_timing=False
        )
        start = time.perf_counter()
        try:
            client.execute(env=environment, stderr=subprocess.DEVNULL)  # the kernel's own notes
        except CellExecutionError as error:
            raise NotebookError(f"{made['metadata']['title']}, {_failed(book)}: {_last_line(error)}") from None
        except CellTimeoutError:
            raise NotebookError(f"{made['metadata']['title']}: a cell took more than {timeout} s") from None
        seconds = time.perf_counter() - start
    done = [_cleaned(cell) for cell in book.cells]
    for cell in done:
        if _exercise(cell) and not stop_at_exercise and ": right" not in _text(cell) and "正确" not in _text(cell):
            raise NotebookError(f"{made['metadata']['title']}, {cell['id']}: not graded right: {_text(cell)}")
    return {**made, "cells": done}, seconds


def _exercise(cell):
    return any(tag.startswith("exercise-") for tag in cell["metadata"].get("tags", []))


def _failed(book):
    failed = (cell["id"] for cell in book.cells for output in cell.get("outputs", []) if "ename" in output)
    return next(failed, "a cell")


def _last_line(error):
    lines = [line for line in str(error).splitlines() if line.strip()]
    return re.sub(r"\x1b\[[0-9;]*m", "", lines[-1]) if lines else "a cell failed"


def _text(cell):
    found = []
    for output in cell.get("outputs", []):
        found.append(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
    return " ".join("".join(text) for text in found)


def _cleaned(cell):
    """A cell without what differs from one run to the next and says nothing, its figures in few colours."""
    cell = {key: value for key, value in cell.items() if key != "execution_count"} | (
        {"execution_count": cell["execution_count"]} if cell["cell_type"] == "code" else {}
    )
    cell["source"] = cell["source"].splitlines(keepends=True)
    if cell["cell_type"] != "code":
        return cell
    cell["metadata"] = {key: value for key, value in cell["metadata"].items() if key == "tags"}
    cell["outputs"] = [_kept(dict(output)) for output in cell["outputs"] if output.get("name") != "stderr"]
    return cell


def _kept(output):
    output.pop("transient", None)
    output["metadata"] = {} if "metadata" in output else output.pop("metadata", None)
    if output["metadata"] is None:
        del output["metadata"]
    if "text" in output:
        output["text"] = _ADDRESS.sub("", output["text"]).splitlines(keepends=True)
    if "data" in output:
        data = dict(output["data"])
        if "image/png" in data:
            kind, small = _small(data.pop("image/png"))
            data |= {kind: small, "text/plain": "<Figure>"}
        output["data"] = {
            kind: value.splitlines(keepends=True) if kind.startswith("text/") else value for kind, value in data.items()
        }
    return output


def _small(png):
    """A figure in few colours, or as JPEG where it consists of pictures: kind and data."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        image = image.convert("RGB")
    few = image.quantize(COLORS, dither=Image.Dither.NONE)
    difference = np.abs(np.subtract(image, few.convert("RGB"), dtype=int)).max(axis=2)
    plain, photo = io.BytesIO(), io.BytesIO()
    (few if (difference > CHANGED).mean() < AT_MOST else image).save(plain, "PNG", optimize=True)
    image.save(photo, "JPEG", quality=QUALITY, optimize=True)
    kind, data = ("image/png", plain) if plain.tell() < PLAIN * photo.tell() else ("image/jpeg", photo)
    return kind, base64.b64encode(data.getvalue()).decode()
