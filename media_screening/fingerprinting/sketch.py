"""What of an upload is searched first for a new reference: a hash every half second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.fingerprint import Fingerprint
from media_screening.fingerprinting.pdq import PDQ_BYTES
from media_screening.fingerprinting.still import find_stills

SKETCH_EVERY_SECONDS = 0.5
"""A stretch of 3 s, the shortest that is a match, has six of them."""


def sketch_of(fingerprint: Fingerprint) -> NDArray[np.uint8]:
    """Hashes of stills that begin at least ``SKETCH_EVERY_SECONDS`` apart; shape (n, 32)."""
    stills = find_stills(fingerprint)
    kept: list[int] = []
    after_s = -np.inf
    for row, start_s in enumerate(stills.start_s.tolist()):
        if start_s >= after_s:
            kept.append(row)
            after_s = start_s + SKETCH_EVERY_SECONDS
    return stills.pdq[kept].reshape(len(kept), PDQ_BYTES)
