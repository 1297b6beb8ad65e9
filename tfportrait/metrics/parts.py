"""Results of a long measurement, kept batch by batch, so that one that was stopped goes on."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np

from tfportrait import files


class Parts:
    """Arrays under names, in a folder of their own until the measurement is finished.

    Args:
        folder: str or path, or None to keep nothing. What is there belongs to the settings: other settings begin anew.
        identity: what JSON can hold, or None. Tells the models that are measured from others; needed where there is a
            folder.
        settings: what JSON can hold. Everything else that the arrays depend on.

    Raises: ValueError for a folder without an identity.
    """

    def __init__(self, folder, identity, settings):
        self.folder = None
        if folder is not None:
            if identity is None:
                raise ValueError("parts need an identity: what was kept of another model would be taken for this one's")
            settings = [identity, settings]
            digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
            self.folder = Path(folder) / f".parts-{digest}"
            self.folder.mkdir(parents=True, exist_ok=True)

    def get(self, name, make):
        """The arrays of that name: those that were kept, or else what `make()` returns, which is kept.

        Args:
            name: str.
            make: callable () -> dict of str to array.

        Returns: dict of str to array.
        """
        if self.folder is None:
            return make()
        path = self.folder / f"{name}.npz"
        try:
            with np.load(path) as kept:
                return dict(kept)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile):  # missing, or damaged by a full disk
            arrays = make()
        with files.atomic_write(path) as file:
            np.savez(file, **arrays)
        return arrays

    def remove(self):
        """Removes what was kept."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
