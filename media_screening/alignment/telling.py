"""Which of a reference's pictures say that it is this work, and not one of many.

A studio's logo, a slate, black with a logo on it, the opening of a series: many works have them,
and a match must not rest on them. What many references share is found in the index itself; what
somebody knows to be shared is excluded, by seconds or by hashes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media_screening.alignment.exclusion import SAME_PICTURE_BITS, Exclusions
from media_screening.fingerprinting.fingerprint import Fingerprint, hamming_bits
from media_screening.index.hash_index import HashIndex


@dataclass(frozen=True, kw_only=True, slots=True)
class TellingRule:
    """When a picture says nothing.

    Attributes:
        same_bits: PDQ distance up to which a picture is one that other references have too: that
            up to which two pictures agree where they are aligned.
        same_shot_bits: PDQ distance up to which a picture close by is of the same shot: if that is
            shared, so is this one, whatever moved in it meanwhile.
        max_others: Other references that may have it: a work may be kept in some versions.
        near_seconds: How far from a sampled picture its hash may be taken.
        distinct_bits: PDQ distance beyond which two pictures of one reference differ.
        min_distinct: Different pictures that must say it of a stretch that was found by hashes.
        asked: Pictures of such a stretch that are looked at.
    """

    same_bits: int = 40
    same_shot_bits: int = 48
    max_others: int = 3
    near_seconds: float = 0.3
    distinct_bits: int = 12
    min_distinct: int = 5
    asked: int = 20

    def are_shared(self, pdq: NDArray[np.uint8], index: HashIndex) -> NDArray[np.bool_]:
        """Which pictures of a reference, of shape (n, 32), too many others have too."""
        owners = np.zeros(len(pdq), np.int64)
        for hits in index.search(pdq, max_hamming_bits=self.same_bits).values():
            owners[np.unique(hits.query)] += 1
        # Its own frames are always found: of the references that have a picture, one is this.
        return owners > self.max_others + 1


def telling_rows(
    times_s: NDArray[np.float64],
    reference: Fingerprint,
    *,
    exclusions: tuple[Exclusions, ...],
    index: HashIndex,
    rule: TellingRule,
) -> NDArray[np.int64]:
    """The frames of a reference at these times that say that it is this work, each once.

    Flat frames are not among them: a fingerprint has none.
    """
    if not len(reference) or not len(times_s):
        return np.empty(0, np.int64)
    after = np.clip(np.searchsorted(reference.times_s, times_s), 1, max(1, len(reference) - 1))
    after = np.minimum(after, len(reference) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(reference.times_s[before] - times_s) <= np.abs(
        reference.times_s[after] - times_s
    )
    rows = np.where(nearer, before, after)
    rows = np.unique(rows[np.abs(reference.times_s[rows] - times_s) <= rule.near_seconds])
    for excluded in exclusions:
        rows = _not_excluded(rows, reference, excluded)
    shared = rule.are_shared(reference.pdq[rows], index)
    if shared.any():
        bits = hamming_bits(reference.pdq[rows][:, None], reference.pdq[rows[shared]][None])
        shared |= (bits <= rule.same_shot_bits).any(axis=1)
    return rows[~shared]


def _not_excluded(
    rows: NDArray[np.int64], reference: Fingerprint, excluded: Exclusions
) -> NDArray[np.int64]:
    for interval in excluded.intervals:
        at_s = reference.times_s[rows]
        rows = rows[(at_s < interval.start_s) | (at_s >= interval.end_s)]
    if len(excluded.pdq) and len(rows):
        bits = hamming_bits(reference.pdq[rows][:, None], excluded.pdq[None])
        rows = rows[(bits > SAME_PICTURE_BITS).all(axis=1)]
    return rows
