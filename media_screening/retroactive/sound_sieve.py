"""Which of many past uploads may sound as a new reference does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from contracts.ids import UploadId
from media_screening.index.word_join import WordJoin
from media_screening.sound.sound_fingerprint import Hearing, SoundFingerprint

MAX_FLIPS = 1
MIN_VALUES = 3
"""So many different values of an upload must lie on one line. By chance there are 0.4 a minute in a
reference of two hours, and those lie all over it."""

_LINE_VALUES = 32
"""How far apart two values may lie to be on one line: four seconds, by which ten percent of speed
differ in forty. Lines overlap by half."""


class SoundSieve:
    """Finds uploads of which several values are a reference's, but for a bit, and lie as its do.

    A sound that was sped up with its pitch has other values, and is not found: an upload's own
    sound is gone, and cannot be slowed down any more.
    """

    def __init__(self, hearing: Hearing) -> None:
        values = hearing.values
        # A value that lasts is found by its first.
        first = np.concatenate(([True], values[1:] != values[:-1]))[: len(values)]
        self._position = np.flatnonzero(hearing.telling & first)
        self._join = WordJoin(_as_bytes(values[self._position]), max_flips=MAX_FLIPS)

    def candidates(self, sounds: Mapping[UploadId, SoundFingerprint]) -> set[UploadId]:
        """Uploads whose sound is worth being held against the reference's."""
        names = list(sounds)
        hearings = [sound.hearing() for sound in sounds.values()]
        counts = [len(hearing) for hearing in hearings]
        values = np.concatenate([np.empty(0, np.uint32), *(one.values for one in hearings)])
        telling = np.concatenate([np.empty(0, bool), *(one.telling for one in hearings)])
        owner = np.repeat(np.arange(len(names)), counts)
        position = np.arange(len(values)) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = np.flatnonzero(telling)
        here, there = self._join.pairs(_as_bytes(values[rows]), max_hamming_bits=MAX_FLIPS)
        row = rows[here]
        offset = self._position[there] - position[row] + len(values)
        found: set[UploadId] = set()
        for shift in (0, _LINE_VALUES // 2):
            line = (offset + shift) // _LINE_VALUES
            # Each value of the upload counts once for a line.
            votes = np.unique(np.column_stack((owner[row], line, row)), axis=0)
            lines, count = np.unique(votes[:, :2], axis=0, return_counts=True)
            found |= {names[number] for number in lines[count >= MIN_VALUES, 0].tolist()}
        return found


def _as_bytes(values: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(values, "<u4").view(np.uint8).reshape(-1, 4)
