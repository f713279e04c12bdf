"""Runs of frames that show the same picture.

A still shot is one piece of evidence, not a hundred: it is searched once, it votes once, and it
votes for every offset it allows. Without this a long static scene outvotes everything else and
puts the ends of a match in the wrong place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.fingerprint import MIN_PDQ_QUALITY, Fingerprint, hamming_bits

SAME_PICTURE_BITS = 8
"""Noise of coding moves a still picture's PDQ by 0 to 8 bits (measured on static footage at a
third of its bit rate: median 2 to 8)."""

MAX_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Stills:
    """The runs of one video, in the order of their times; n of them.

    Attributes:
        start_s: Time of the first frame of each, shape (n,).
        end_s: Time of the last frame of each, shape (n,).
        pdq: Hash of the first frame of each, shape (n, 32).
    """

    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    pdq: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.start_s)


def find_stills(fingerprint: Fingerprint) -> Stills:
    """Group a video's detailed frames; frames of low quality are passed over."""
    detailed = fingerprint.quality >= MIN_PDQ_QUALITY
    times, pdq = fingerprint.times_s[detailed], fingerprint.pdq[detailed]
    goes_on = _goes_on(times, pdq)
    heads: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(times):
        last = at + goes_on[at]
        if goes_on[at] == _LOOK_AHEAD_FRAMES:
            last = _last_of_run(times, pdq, at, last)
        heads.append(at)
        ends.append(last)
        at = last + 1
    return Stills(start_s=times[heads], end_s=times[ends], pdq=pdq[heads])


_LOOK_AHEAD_FRAMES = 16
_STEP_FRAMES = 64


def _goes_on(times: NDArray[np.float64], pdq: NDArray[np.uint8]) -> list[int]:
    """For each frame how many after it show the same picture, ``_LOOK_AHEAD_FRAMES`` at most.

    Worked out for all at once: most runs are short, and asking for each of them takes longer.
    """
    goes_on = np.zeros(len(times), np.int64)
    unbroken = np.ones(len(times), bool)
    for ahead in range(1, min(_LOOK_AHEAD_FRAMES, len(times) - 1) + 1):
        unbroken = unbroken[:-1] & (times[ahead:] - times[ahead - 1 : -1] <= MAX_PAUSE_SECONDS)
        unbroken &= hamming_bits(pdq[ahead:], pdq[:-ahead]) <= SAME_PICTURE_BITS
        goes_on[: len(unbroken)] += unbroken
    counted: list[int] = goes_on.tolist()
    return counted


def _last_of_run(times: NDArray[np.float64], pdq: NDArray[np.uint8], head: int, last: int) -> int:
    while last + 1 < len(times):
        ahead = slice(last + 1, last + 1 + _STEP_FRAMES)
        same = hamming_bits(pdq[ahead], pdq[head]) <= SAME_PICTURE_BITS
        same &= np.diff(times[last : last + 1 + _STEP_FRAMES]) <= MAX_PAUSE_SECONDS
        if not same.all():
            return last + int(np.argmin(same))
        last += len(same)
    return last
