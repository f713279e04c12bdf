"""What others would find in the same uploads: vPDQ's rule, and videohash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media_screening.decoding.frame import FrameLimits, Sampling, read_frames
from media_screening.decoding.probe import probe
from media_screening.fingerprinting.fingerprint import MIN_PDQ_QUALITY, hamming_bits
from media_screening.fingerprinting.pdq import pdq_of

VPDQ_BITS = 31
VPDQ_FRAMES_PER_SECOND = 1.0
VPDQ_SHARE = 0.8
"""The defaults of Meta's vPDQ: a frame a second, PDQ within 31 bits, 80 % of the frames of either
side, frames of a quality under 50 left out."""


@dataclass(frozen=True, kw_only=True)
class Vpdq:
    """Videos as vPDQ keeps them. Our PDQ is that of ``pdqhash``, bit by bit (decision 0023)."""

    known: dict[str, NDArray[np.uint8]]

    def matches(self, path: Path) -> set[str]:
        """The works that the rule calls the same as this upload."""
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
