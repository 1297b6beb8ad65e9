"""Latents and token ids of a data set, made once and kept: what the U-Net trains on."""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tfportrait.data.order import Order, draws
from tfportrait.data.shards import Shards, is_sound, ranges, write_shard
from tfportrait.data.source import Source
from tfportrait.files import cache_dir, check_space, sha256

_SHARD = 2048


def encode_latents(autoencoder: Any, images: Source | np.ndarray, *, batch_size: int = 64, progress: bool = True):
    """Encodes every picture once; the next call with the same pictures and the same autoencoder reads the cache.

    An interrupted encoding goes on where it stopped.

    Args:
        autoencoder: has `encode(float32 (B, H, W, C) in [-1, 1]) -> latents (B, h, w, c)` (the mean, scaled) and
            `get_config`; its weights are the cache's key.
        images: Source, or uint8 (N, H, W, C).
        batch_size: int. Pictures encoded at a time. Does not change the result.
        progress: bool. Show a bar on a terminal.

    Returns: Shards, a float16 array (N, h, w, c) on the disk.

    Raises: ValueError if images are not as above or a latent is not finite; OSError if the disk has no room.
    """
    read, count, pictures = _reader(images)
    return _computed(
        _encoder(autoencoder), np.float16, "latents", read, count, pictures, autoencoder, batch_size, progress
    )


def latent_parts(autoencoder: Any, images: Source, cache: str | os.PathLike) -> list[tuple[int, int]]:
    """The parts (start, stop) of a source's pictures whose latents are not in a cache folder yet."""
    return _missing(
        _folder("latents", autoencoder_hash(autoencoder), images.fingerprint, cache), "latents", len(images)
    )


def encode_part(
    autoencoder: Any, images: Source, part: tuple[int, int], cache: str | os.PathLike, *, batch_size: int = 64
) -> None:
    """Encodes one of `latent_parts` into a cache folder: what several machines that share it do side by side.

    Raises: as `encode_latents`.
    """
    folder = _folder("latents", autoencoder_hash(autoencoder), images.fingerprint, cache)
    folder.mkdir(parents=True, exist_ok=True)
    _compute_part(_encoder(autoencoder), np.float16, "latents", images.images, folder, part, batch_size)


def _encoder(autoencoder):
    encode = _compiled(autoencoder, "encode")
    return lambda batch: encode(batch / 127.5 - 1.0)


def reconstruct(autoencoder: Any, images: Source | np.ndarray, *, batch_size: int = 64, progress: bool = True):
    """What an autoencoder makes of every picture at half its size, cached as `encode_latents` does.

    Args:
        autoencoder: AutoencoderKL.
        images: Source, or uint8 (N, H, W, 3) with even sides.
        batch_size: int. Pictures at a time.
        progress: bool. Show a bar on a terminal.

    Returns: Shards, a uint8 array (N, H / 2, W / 2, 3) on the disk.

    Raises: as `encode_latents`.
    """
    from keras import ops

    read, count, pictures = _reader(images)
    decode = _compiled(autoencoder, "decode")
    encode = _compiled(autoencoder, "encode")

    def run(batch):
        decoded = decode(encode(halved(batch).astype(np.float32) / 127.5 - 1.0))
        return ops.round((ops.clip(decoded, -1, 1) + 1.0) * 127.5)

    return _computed(run, np.uint8, "reconstructions", read, count, pictures, autoencoder, batch_size, progress)


def halved(images: np.ndarray) -> np.ndarray:
    """Pictures at half their size, each pixel the mean of four: uint8 (..., H, W, C) to (..., H / 2, W / 2, C)."""
    *many, height, width, channels = images.shape
    cells = images.reshape(*many, height // 2, 2, width // 2, 2, channels)
    return np.rint(cells.mean(axis=(-4, -2), dtype=np.float32)).astype(np.uint8)


def _computed(run, dtype, name, read, count, pictures, autoencoder, batch_size, progress):
    """`run` of all pictures, float32 in [0, 255], in batches; what is in the cache is not computed."""
    made_by = autoencoder_hash(autoencoder)
    folder = _folder(name, made_by, pictures)
    if missing := _missing(folder, name, count):
        from tqdm import tqdm

        folder.mkdir(parents=True, exist_ok=True)
        hide = None if progress else True
        total = sum(stop - start for start, stop in missing)
        with tqdm(total=total, desc=name, unit=" pictures", disable=hide, leave=False) as bar:
            for part in missing:
                _compute_part(run, dtype, name, read, folder, part, batch_size, bar.update)
    return Shards(folder, name, count, _SHARD, made_by)


def _missing(folder, name, count):
    return [part for part in ranges(count, _SHARD) if not is_sound(folder, name, *part, thorough=True)]


def _folder(name, made_by, pictures, cache=None):
    key = hashlib.sha256(f"{pictures} {made_by}".encode()).hexdigest()[:16]
    return Path(cache or cache_dir()) / name / key


def _compute_part(run, dtype, name, read, folder, part, batch_size, done=lambda count: None):
    from keras import ops

    start, stop = part
    rows = []
    for first in range(start, stop, batch_size):
        indices = np.minimum(np.arange(first, first + batch_size), stop - 1)  # a full batch: one trace
        values = np.asarray(ops.convert_to_numpy(run(read(indices).astype(np.float32))), np.float32)
        values = values[: stop - first]
        if not np.isfinite(values).all():
            bad = first + int(np.argmin(np.isfinite(values).reshape(len(values), -1).all(axis=1)))
            raise ValueError(f"the autoencoder's {name} of picture {bad} are not finite")
        rows.append(values.astype(dtype))
        done(len(values))
    computed = np.concatenate(rows)
    check_space(folder, computed.nbytes)
    write_shard(folder, name, start, computed)


def _reader(images: Source | np.ndarray):
    if isinstance(images, Source):
        return images.images, len(images), images.fingerprint
    images = np.asarray(images)
    if images.ndim != 4 or images.dtype != np.uint8 or not len(images):
        raise ValueError(f"images must be a source or uint8 (N, H, W, C), got {images.dtype} {images.shape}")
    digest = hashlib.sha256(str(images.shape).encode() + np.ascontiguousarray(images).tobytes()).hexdigest()
    return images.__getitem__, len(images), f"array-{digest}"


def _compiled(autoencoder: Any, name: str):
    """A method of the autoencoder, compiled if that is a Keras model."""
    import keras

    method = getattr(autoencoder, name)
    if not isinstance(autoencoder, keras.Model):
        return method
    from tfportrait.training.compiled import compiled

    return compiled(autoencoder, name, lambda images: method(images))


def autoencoder_hash(autoencoder: Any) -> str:
    """Names an autoencoder by its configuration and weights, 16 hexadecimal digits."""
    from keras import ops

    others = ("name", "dtype", "trainable")  # than what settles the latents
    config = {key: value for key, value in autoencoder.get_config().items() if key not in others}
    digest = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
    for weight in autoencoder.weights:
        array = np.ascontiguousarray(ops.convert_to_numpy(weight))
        digest.update(str((array.shape, array.dtype.name)).encode() + array.tobytes())
    return digest.hexdigest()[:16]


def token_table(source: Source, tokenizer: Any, *, variants: int = 8, seed: int = 0, progress: bool = True):
    """Token ids of several captions for every example, made ahead and cached: training then only reads.

    Args:
        source: Source.
        tokenizer: has `encode(list of str) -> int32 (N, L)` and `save(folder)`; its files are part of the cache's key.
        variants: int. Captions of each example: those of the epochs 0..variants.
        seed: int. Settles the captions.
        progress: bool. Show a bar on a terminal.

    Returns: Shards, an int32 array (N, variants, L) on the disk.

    Raises: ValueError if `variants` is below 1.
    """
    if variants < 1:
        raise ValueError(f"variants must be at least 1, got {variants!r}")
    key = f"{source.text_fingerprint} {tokenizer_hash(tokenizer)} {variants} {seed}"
    folder = cache_dir() / "tokens" / hashlib.sha256(key.encode()).hexdigest()[:16]
    if missing := _missing(folder, "tokens", len(source)):
        from tqdm import tqdm

        folder.mkdir(parents=True, exist_ok=True)
        hide = None if progress else True
        total = sum(stop - start for start, stop in missing)
        with tqdm(total=total, desc="captions", unit=" examples", disable=hide, leave=False) as bar:
            for start, rows in source.caption_chunks(missing, variants, seed):
                ids = np.asarray(tokenizer.encode([text for row in rows for text in row]))
                write_shard(folder, "tokens", start, ids.astype(np.int32).reshape(len(rows), variants, -1))
                bar.update(len(rows))
    return Shards(folder, "tokens", len(source), _SHARD)


def tokenizer_hash(tokenizer: Any) -> str:
    """Names a tokenizer by its files, 16 hexadecimal digits."""
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(folder)
        sums = [f"{path.name} {sha256(path)}" for path in sorted(Path(folder).rglob("*")) if path.is_file()]
    return hashlib.sha256("\n".join(sums).encode()).hexdigest()[:16]


def latents_dataset(
    latents: np.ndarray | Shards,
    token_ids: np.ndarray | Shards | None = None,
    *,
    autoencoder: Any = None,
    images: Source | None = None,
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
    drop_remainder: bool = False,
    repeat: bool = False,
    first_step: int = 0,
    share: tuple[int, int] = (0, 1),
):
    """Batches for training a U-Net.

    Args:
        latents: float (N, h, w, c), from `encode_latents`.
        token_ids: integer (N, variants, L), from `token_table`: each epoch takes the next variant; or (N, L); or None.
        autoencoder: the one that the U-Net is to be trained with. Latents of another one are refused.
        images: Source or None. The pictures that the latents are of, for a U-Net for inpainting, which sees parts of
            them.
        batch_size, seed, shuffle, drop_remainder, repeat, first_step, share: as in `batches`.

    Returns: tf.data.Dataset of {"latents": float32 (B, h, w, c), "token_ids": int32 (B, L), "image": uint8
        (B, H, W, C)}; no "token_ids" or "image" if None.

    Raises: ValueError if the two have different lengths or shapes that are not as above, or the latents were made by
        another autoencoder.
    """
    made_by = getattr(latents, "made_by", "")
    if autoencoder is not None and made_by and made_by != (wanted := autoencoder_hash(autoencoder)):
        raise ValueError(
            f"these latents were made by the autoencoder {made_by}, not by {wanted}: encode the pictures with it"
        )
    from tfportrait.data.pipeline import import_tensorflow, stream

    tf = import_tensorflow()
    count = len(latents)
    if token_ids is not None and (len(token_ids) != count or len(token_ids.shape) not in (2, 3)):
        raise ValueError(
            f"token_ids must be (N, variants, L) or (N, L) with N={count}, the number of latents; got {token_ids.shape}"
        )
    order = Order(count, batch_size, seed, shuffle, drop_remainder, share)
    static = order.rows
    signature = {"latents": tf.TensorSpec((static, *latents.shape[1:]), tf.as_dtype(latents.dtype))}
    if token_ids is not None:
        signature["token_ids"] = tf.TensorSpec((static, token_ids.shape[-1]), tf.int32)
    if images is not None:
        signature["image"] = tf.TensorSpec((static, *images.images(np.arange(1)).shape[1:]), tf.uint8)

    def fetch(step: int) -> dict[str, np.ndarray]:
        epoch, indices = order.batch(step)
        made = {"latents": latents[indices]}
        if token_ids is not None:
            rows = token_ids[indices]
            if rows.ndim == 3:
                offset = draws(order.seed, 0, indices) % np.uint64(rows.shape[1])
                rows = rows[np.arange(len(rows)), (offset.astype(np.int64) + epoch) % rows.shape[1]]
            made["token_ids"] = rows.astype(np.int32)
        if images is not None:
            made["image"] = images.images(indices)
        return made

    def finish(batch: dict) -> dict:
        return {**batch, "latents": tf.cast(batch["latents"], tf.float32)}

    return stream(order, fetch, signature, finish, repeat, first_step)
