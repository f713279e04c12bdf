"""A sketch of a text, by which texts that are nearly the same meet: MinHash with LSH bands.

The text is taken as its bytes in UTF-8, eight at a time, so no language is preferred: eight bytes
are eight Latin letters, four Cyrillic ones, two or three Chinese characters. Of the hashes of all
these pieces, the least in each of a few bins is kept (one-permutation hashing; an empty bin takes
its neighbour's, "densification by rotation": Shrivastava and Li, ICML 2014). Bins are put together
in bands: two texts that share a part ``s`` of their pieces share a given band with a chance of
``s ** ROWS``, and one of all bands with ``1 - (1 - s ** ROWS) ** BANDS``.
"""

from __future__ import annotations

import numpy as np

GRAM_BYTES = 8
BANDS = 5
ROWS = 3
MIN_BYTES = 40
"""A shorter text has too little in it to be like another by more than chance."""

_BINS = BANDS * ROWS
_BAND_CHARS, _SHOWN_CHARS = 16, 12
_PIECE, _WRITTEN = np.dtype("<u8"), np.dtype(">u8")
_EDGES = np.array([(number << 64) // _BINS for number in range(_BINS)], dtype=np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)  # 2 ** 64 by the golden ratio: Fibonacci hashing
_AGAIN = np.uint64(0xBF58476D1CE4E5B9)  # of splitmix64
_HALF = np.uint64(32)
_WEIGHTS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64
)  # odd; the last two of xxHash


def bands(letters: bytes) -> list[str]:
    """The bands of a text, each by its number and 48 bits; none for one that is too short.

    Args:
        letters: The text without spaces, as ``detectors.wording`` writes it.
    """
    if len(letters) < MIN_BYTES:
        return []
    pieces = np.ndarray((len(letters) - GRAM_BYTES + 1,), _PIECE, letters, 0, (1,))
    hashes = pieces * _MIX
    hashes ^= hashes >> _HALF
    hashes *= _AGAIN
    hashes.sort()
    least = hashes.take(hashes.searchsorted(_EDGES), mode="wrap")
    written = (least.reshape(BANDS, ROWS) @ _WEIGHTS).astype(_WRITTEN).tobytes().hex()
    return [
        f"{number}{written[_BAND_CHARS * number : _BAND_CHARS * number + _SHOWN_CHARS]}"
        for number in range(BANDS)
    ]
