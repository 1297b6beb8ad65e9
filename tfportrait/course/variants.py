"""What a teacher's key decides: which cases a student gets, and under which name he appears."""

import base64
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

BYTES = 32


def make_key(path):
    """Writes a new key, readable by its owner only.

    Raises: ValueError if there is a file already, or the path lies in a repository.
    """
    path = Path(path).expanduser()
    if repository := next((folder for folder in path.absolute().parents if (folder / ".git").exists()), None):
        raise ValueError(f"{path} lies in the repository {repository}, and would be published with it")
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ValueError(f"{path} is there already; whoever replaces a key loses its variants and pseudonyms") from None
    with os.fdopen(opened, "w") as file:
        file.write(secrets.token_hex(BYTES) + "\n")
    return path


def read_key(path):
    """The key of a file: bytes.

    Raises: ValueError if it is none.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f"{path}: no such file; tfportrait course key {path} makes a key")
    with open(path, "rb") as file:
        text = file.read(1000)
    if not re.fullmatch(rb"[0-9a-f]{%d}\s*" % (2 * BYTES), text):
        raise ValueError(f"{path} is no key; tfportrait course key FILE makes one")
    return bytes.fromhex(text.decode().strip())


def seed(key, student, exercise):
    """The seed of a student's cases of an exercise, which nobody can compute without the key: int."""
    return int.from_bytes(_keyed(key, "cases", student, exercise)[:16])


def pseudonym(key, student):
    """A name such as "S-K7QF-2MXA" from which nobody finds the student without the key."""
    text = base64.b32encode(_keyed(key, "pseudonym", student)).decode()
    return f"S-{text[:4]}-{text[4:8]}"


def _keyed(key, *parts):
    return hmac.digest(key, "\0".join(parts).encode(), hashlib.sha256)
