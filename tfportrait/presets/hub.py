"""Checkpoints by their name on the Hugging Face hub, fetched into its cache: safetensors and texts, never pickles."""

import re
from pathlib import Path

NAME = re.compile(r"[\w.-]+/[\w.-]+")
PARTS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
_TEXTS = re.compile(r"model_index\.json|(unet|vae|text_encoder|scheduler)/\w*config\.json|tokenizer/[\w.]+\.(json|txt)")


def fetch(name: str) -> Path:
    """The folder of a checkpoint on the hub, from the cache where it is there already.

    Args:
        name: str. "organisation/model".

    Raises: ValueError if it cannot be fetched, is not in diffusers' layout, or has no safetensors.
    """
    from huggingface_hub import HfApi, snapshot_download

    try:
        files = HfApi().list_repo_files(name)
    except Exception as error:  # no network, no such name, not allowed: the hub has no common base for them
        try:
            return Path(snapshot_download(name, local_files_only=True))
        except Exception:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"no preset or folder {name!r}, and the hub does not give it: {reason}") from error
    return Path(snapshot_download(name, allow_patterns=wanted(name, files)))


def wanted(name: str, files: list[str]) -> list[str]:
    """Of a checkpoint's files those that a painter needs: full precision before half, one copy of everything.

    Raises: ValueError if something is missing.
    """
    if "model_index.json" not in files:
        single = [file for file in files if file.endswith(".safetensors") and "/" not in file]
        hint = f"; it has {', '.join(single[:3])}: fetch one of them and give its path" if single else ""
        raise ValueError(f"{name} on the hub is not in diffusers' layout (no model_index.json){hint}")
    chosen = [file for file in files if _TEXTS.fullmatch(file)]
    for part, stem in PARTS.items():
        chosen += _weights(name, part, stem, set(files))
    return chosen


def _weights(name: str, part: str, stem: str, files: set[str]) -> list[str]:
    for variant in ("", ".fp16"):
        if (file := f"{part}/{stem}{variant}.safetensors") in files:
            return [file]
        shard = re.compile(rf"{part}/{stem}{re.escape(variant)}-\d+-of-\d+\.safetensors")
        index = f"{part}/{stem}.safetensors.index{variant}.json"
        if index in files:
            return [index, *sorted(file for file in files if shard.fullmatch(file))]
    pickles = any(file.startswith(f"{part}/") and file.endswith(".bin") for file in files)
    raise ValueError(
        f"{name} on the hub has no safetensors for its {part}"
        + (", only pickles, which may run any code when they are opened" if pickles else "")
    )
