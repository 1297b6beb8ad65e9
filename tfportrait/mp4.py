"""What `tfportrait.clips` needs of MP4 files (ISO/IEC 14496-12): frames in, and an XMP packet in a box of its own."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # XMP specification, part 3, "MPEG-4"
QUALITY = 18  # of x264's constant rate factor: what eyes take for the original


def check_encoder():
    """The module that brings the encoder.

    Raises: ValueError if it is not installed.
    """
    try:
        import imageio_ffmpeg
    except ImportError:
        raise ValueError(
            'MP4 needs the package imageio-ffmpeg: pip install "tfportrait[video]", or write a GIF or a WebP'
        ) from None
    return imageio_ffmpeg


def encode(frames: list[np.ndarray], fps: float, packet: bytes) -> bytes:
    """An MP4 file in H.264 that every player takes, with an XMP packet.

    Args:
        frames: list of uint8 (H, W, 3). The format needs even sides: where they are not, the last row or column is
            doubled.
        fps: float.
        packet: bytes.
    """
    height, width = frames[0].shape[:2]
    edges = ((0, height % 2), (0, width % 2), (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        writer = check_encoder().write_frames(
            str(path),
            (width + width % 2, height + height % 2),
            fps=fps,
            codec="libx264",
            quality=None,
            macro_block_size=2,
            output_params=["-crf", str(QUALITY), "-movflags", "+faststart"],
        )
        writer.send(None)
        for frame in frames:
            writer.send(np.ascontiguousarray(np.pad(frame, edges, "edge")))
        writer.close()
        data = path.read_bytes()
    return data + (len(packet) + 24).to_bytes(4, "big") + b"uuid" + XMP_UUID + packet


def is_mp4(path: str | os.PathLike) -> bool:
    """Whether a file begins as one of ISO's media files does."""
    with open(path, "rb") as file:
        return file.read(8)[4:] == b"ftyp"


def read_packet(path: str | os.PathLike) -> bytes:
    """The XMP packet of an MP4 file, b"" where it has none.

    Raises: ValueError if its boxes do not fit together; OSError if it cannot be read.
    """
    with open(path, "rb") as file:
        for kind, size in _boxes(file, os.path.getsize(path)):
            if kind == b"uuid" and size >= 16 and file.read(16) == XMP_UUID:
                return file.read(size - 16)
    return b""


def _boxes(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int]]:
    """Kind and size of what is in each box of the outermost level, the file standing at its beginning."""
    start = 0
    while start < end:
        file.seek(start)
        head = file.read(8)
        size, inner = int.from_bytes(head[:4], "big"), 8
        if size == 1:  # it stands behind the kind
            size, inner = int.from_bytes(file.read(8), "big"), 16
        size = end - start if size == 0 else size  # up to the end
        if len(head) < 8 or size < inner or start + size > end:
            raise ValueError(f"the box at byte {start} does not fit into the file")
        yield head[4:], size - inner
        start += size
