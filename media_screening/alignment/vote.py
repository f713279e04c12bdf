"""Which lines through (upload time, reference time) the matched pictures lie on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_screening.fingerprinting.still import Stills
from media_screening.index.hash_index import Hits

BIN_SECONDS = 0.25
MAX_LINES = 24
"""Peaks that are followed up for one pair of videos."""

NEIGHBOUR_BINS = 2
"""Bins at either side of a peak that belong to it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A way to lay an upload over a reference: ``reference_s = rate * upload_s + offset_s``."""

    offset_s: float
    rate: float = 1.0

    def reference_s(self, upload_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Where in the reference these upload times fall."""
        return self.rate * upload_s + self.offset_s


class Ballot:
    """Votes on the offset between one upload and one reference, taken batch by batch.

    Each pair of matched stills votes once for all the offsets at which the two overlap. A still
    that matches much of the reference says little about where it belongs: its vote is divided
    among its matches, and the nearer ones count for more.
    """

    def __init__(self, *, upload: Stills, reference: Stills, max_hamming_bits: int) -> None:
        self._upload = upload
        self._reference = reference
        self._max_hamming_bits = max_hamming_bits
        self._first_s = float(reference.start_s[0] - upload.end_s[-1]) - BIN_SECONDS
        span_s = float(reference.end_s[-1] - upload.start_s[0]) - self._first_s
        self._changes = np.zeros(int(span_s / BIN_SECONDS) + 4)

    def cast(self, hits: Hits, *, first_query: int = 0) -> None:
        """Take the votes of these pairs. All pairs of one upload still come in one call.

        ``first_query`` is the row of the upload's still that was searched for first.
        """
        upload, reference = self._upload, self._reference
        query = hits.query + first_query
        matches = np.bincount(hits.query)[hits.query]
        weights = (self._max_hamming_bits + 1 - hits.distance_bits) / (
            (self._max_hamming_bits + 1) * matches
        )
        lowest = reference.start_s[hits.row] - upload.end_s[query]
        highest = reference.end_s[hits.row] - upload.start_s[query]
        np.add.at(self._changes, self._bin(lowest), weights)
        np.add.at(self._changes, self._bin(highest) + 1, -weights)

    def lines(self) -> tuple[Line, ...]:
        """The offsets with most votes, best first, no two of them neighbours."""
        votes = np.cumsum(self._changes)
        # A picture on screen a little longer or shorter falls into the next bin.
        votes = np.convolve(votes, (0.5, 1.0, 0.5), mode="same")
        lines: list[Line] = []
        while len(lines) < MAX_LINES:
            peak = int(np.argmax(votes))
            if votes[peak] <= 1e-6:  # noqa: PLR2004 -- what is left of sums that should be zero
                break
            lines.append(Line(offset_s=self._first_s + (peak + 0.5) * BIN_SECONDS))
            votes[max(0, peak - NEIGHBOUR_BINS) : peak + NEIGHBOUR_BINS + 1] = 0.0
        return tuple(lines)

    def _bin(self, offset_s: NDArray[np.float64]) -> NDArray[np.int64]:
        bins = np.floor((offset_s - self._first_s) / BIN_SECONDS).astype(np.int64)
        return np.clip(bins, 0, len(self._changes) - 2)
