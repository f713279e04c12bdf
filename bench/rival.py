"""What others would find in the same uploads: vPDQ's rule, and the package ``videohash``."""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.contestant import PEERS
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.decoding.frame import FrameLimits, Sampling, read_frames
from media_screening.decoding.probe import probe
from media_screening.errors import ScreeningFailed
from media_screening.fingerprinting.fingerprint import MIN_PDQ_QUALITY, hamming_bits
from media_screening.fingerprinting.pdq import pdq_of

VPDQ_BITS = 31
VPDQ_FRAMES_PER_SECOND = 1.0
VPDQ_SHARE = 0.8
"""The defaults of Meta's vPDQ: a frame a second, PDQ within 31 bits, 80 % of the frames of either
side, frames of a quality under 50 left out."""

VIDEOHASH_BITS = math.ceil(0.15 * 64)
"""``VideoHash.is_similar``: so many of its 64 bits may differ."""


class Rival(Protocol):
    """Another way to tell that an upload is a work; it names no seconds."""

    def hashes(self, path: Path) -> list[str]:
        """What it keeps of a video, in hexadecimal."""

    def are_same(self, ours: list[str], theirs: list[str]) -> bool:
        """Whether it calls two videos the same."""


class Vpdq:
    """Videos as vPDQ keeps them. Our PDQ is that of ``pdqhash``, bit by bit (decision 0023)."""

    def hashes(self, path: Path) -> list[str]:
        """PDQ of a frame a second."""
        return [one.tobytes().hex() for one in vpdq_frames(path)]

    def are_same(self, ours: list[str], theirs: list[str]) -> bool:
        """Whether enough frames of either are within reach of one of the other's."""
        if not ours or not theirs:
            return False
        near = hamming_bits(_pdq(ours)[:, None], _pdq(theirs)[None]) <= VPDQ_BITS
        return bool(max(near.any(axis=1).mean(), near.any(axis=0).mean()) >= VPDQ_SHARE)


def _pdq(hashes: list[str]) -> NDArray[np.uint8]:
    return np.array([list(bytes.fromhex(one)) for one in hashes], np.uint8)


def vpdq_frames(path: Path) -> NDArray[np.uint8]:
    """PDQ of a frame a second; tried again where a busy machine let ffmpeg wait too long."""
    for _ in range(TRIES - 1):
        with suppress(ScreeningFailed):
            return _vpdq_frames(path)
    return _vpdq_frames(path)


TRIES = 4


def _vpdq_frames(path: Path) -> NDArray[np.uint8]:
    sampling = Sampling(frames_per_second=VPDQ_FRAMES_PER_SECOND)
    frames = read_frames(path, probe=probe(path), sampling=sampling, limits=FrameLimits())
    hashes = []
    for batch in frames:
        pdq, quality = pdq_of(batch.pixels)
        hashes.append(pdq[quality >= MIN_PDQ_QUALITY])
    return np.concatenate(hashes)


@dataclass(frozen=True, kw_only=True)
class VideoHash:
    """Videos as ``videohash`` keeps them, 64 bits each, made by the package in its own Python."""

    child: subprocess.Popen[str]

    def hashes(self, path: Path) -> list[str]:
        """The one hash of a video."""
        asked = _pipe(self.child.stdin)
        asked.write(f"{path}\n")
        asked.flush()
        answer: dict[str, str] = json.loads(_pipe(self.child.stdout).readline())
        return [answer["hash"]]

    def are_same(self, ours: list[str], theirs: list[str]) -> bool:
        """As ``VideoHash.is_similar``."""
        return (int(ours[0], 16) ^ int(theirs[0], 16)).bit_count() <= VIDEOHASH_BITS


def has_video_hash(python: Path) -> bool:
    """Whether that Python has the package; it runs on none newer than 3.11."""
    if not python.exists():
        return False
    asked = [str(python), "-c", "import videohash"]
    return subprocess.run(asked, stderr=subprocess.DEVNULL, check=False).returncode == 0


@contextmanager
def video_hash(python: Path) -> Iterator[VideoHash]:
    """Start the package in the Python of the bench's peers."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ffmpeg").symlink_to(ffmpeg_path())
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        with subprocess.Popen(
            [python, PEERS / "video_hash.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PATH": path},
        ) as child:  # fmt: skip
            yield VideoHash(child=child)
            _pipe(child.stdin).close()


def _pipe(pipe: IO[str] | None) -> IO[Any]:
    assert pipe is not None
    return pipe
