"""What others would find in the same uploads: vPDQ's rule, and the package ``videohash``."""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.contestant import PEERS
from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.decoding.frame import FrameLimits, Sampling, read_frames
from media_screening.decoding.probe import probe
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
    """Another way to find works; it names no seconds."""

    def find(self, path: Path) -> set[str]:
        """The works that it calls the same as this upload."""


@dataclass(frozen=True, kw_only=True)
class Vpdq:
    """Videos as vPDQ keeps them. Our PDQ is that of ``pdqhash``, bit by bit (decision 0023)."""

    known: Mapping[str, NDArray[np.uint8]]

    def find(self, path: Path) -> set[str]:
        """Works of which enough frames are within reach, either way."""
        ours = vpdq_frames(path)
        found = set()
        for name, theirs in self.known.items():
            if not len(ours) or not len(theirs):
                continue
            near = hamming_bits(ours[:, None], theirs[None]) <= VPDQ_BITS
            if max(near.any(axis=1).mean(), near.any(axis=0).mean()) >= VPDQ_SHARE:
                found.add(name)
        return found


def vpdq_frames(path: Path) -> NDArray[np.uint8]:
    """PDQ of a frame a second."""
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

    known: Mapping[str, int]
    child: subprocess.Popen[str]

    def find(self, path: Path) -> set[str]:
        """Works whose hash is as near as the package asks for."""
        ours = _hash_of(self.child, path)
        return {
            name
            for name, theirs in self.known.items()
            if (ours ^ theirs).bit_count() <= VIDEOHASH_BITS
        }


def has_video_hash(python: Path) -> bool:
    """Whether that Python has the package; it runs on none newer than 3.11."""
    if not python.exists():
        return False
    asked = [str(python), "-c", "import videohash"]
    return subprocess.run(asked, stderr=subprocess.DEVNULL, check=False).returncode == 0


@contextmanager
def video_hash(works: Mapping[str, Path], python: Path) -> Iterator[VideoHash]:
    """Start the package in the Python of the bench's peers, and let it hash the works."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ffmpeg").symlink_to(ffmpeg_path())
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        with subprocess.Popen(
            [python, PEERS / "video_hash.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PATH": path},
        ) as child:  # fmt: skip
            yield VideoHash(
                known={name: _hash_of(child, work) for name, work in works.items()}, child=child
            )
            _pipe(child.stdin).close()


def _hash_of(child: subprocess.Popen[str], path: Path) -> int:
    asked = _pipe(child.stdin)
    asked.write(f"{path}\n")
    asked.flush()
    answer: dict[str, str] = json.loads(_pipe(child.stdout).readline())
    return int(answer["hash"], 16)


def _pipe(pipe: IO[str] | None) -> IO[Any]:
    assert pipe is not None
    return pipe
