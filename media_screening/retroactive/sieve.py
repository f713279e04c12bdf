"""Which of many past uploads may show a new reference: cheap, and rather one too many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from contracts.ids import UploadId
from media_screening.alignment.alignment import count_distinct
from media_screening.alignment.phash_match import SAME_PHASH_BITS
from media_screening.fingerprinting.sketch import UploadSketch
from media_screening.index.word_join import WordJoin
from store.upload import UploadStills

MIN_PICTURES = 2
"""An upload is looked at whole when so many different pictures of it are in the reference: one may
be a title card. A match needs five, over at least 3 s, in which a sketch has six."""

ASKED_PICTURES = 16
"""Of an upload, whether many works have them."""

PHASH_FLIPS = 3
"""Of a word of 32 bits: all pairs up to 7 bits apart are found, and those that are the same picture
are at most 6."""

PHASHES_AT_ONCE = 2_000
"""Each takes 11,000 entries of the tables that are searched, 12 bytes each."""

Shared = Callable[[NDArray[np.uint8]], NDArray[np.bool_]]
"""Which of some pictures, of shape (n, 32), are common to many works."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Page:
    """Past uploads with their pictures, one after another.

    Attributes:
        upload_ids: Theirs, in the order of their pictures.
        pdq: Shape (n, 32).
        pdq_owner: For each picture whose it is, shape (n,).
        phash: Shape (m, 8).
        phash_owner: For each picture whose it is, shape (m,).
    """

    upload_ids: tuple[UploadId, ...]
    pdq: NDArray[np.uint8]
    pdq_owner: NDArray[np.int64]
    phash: NDArray[np.uint8]
    phash_owner: NDArray[np.int64]

    @classmethod
    def of(cls, uploads: Sequence[UploadStills]) -> Self:
        """Lay out what was kept of at least one upload."""
        sketches = [UploadSketch.unpack(one.hashes, one.rows) for one in uploads]
        numbers = np.arange(len(uploads))
        return cls(
            upload_ids=tuple(one.upload_id for one in uploads),
            pdq=np.concatenate([one.pdq for one in sketches]),
            pdq_owner=np.repeat(numbers, [len(one.pdq) for one in sketches]),
            phash=np.concatenate([one.phash for one in sketches]),
            phash_owner=np.repeat(numbers, [len(one.phash) for one in sketches]),
        )


class Sieve(Protocol):
    """Knows one reference from one side."""

    def candidates(self, page: Page) -> set[UploadId]:
        """Uploads that are worth being looked at whole."""


class PictureSieve:
    """Finds uploads of which several pictures have nearly the PDQ of one of the reference's.

    Args:
        pictures: The reference's, shape (n, 32).
        max_hamming_bits: How far apart the two may be.
        distinct_bits: Beyond which two pictures of an upload differ.
        shared: Asked of pictures that were found: those that many works have say nothing.
    """

    def __init__(
        self,
        pictures: NDArray[np.uint8],
        *,
        max_hamming_bits: int,
        distinct_bits: int,
        shared: Shared,
    ) -> None:
        # A picture that comes back is looked for once.
        self._pictures = np.unique(pictures, axis=0)
        self._join = WordJoin(self._pictures)
        self._max_hamming_bits = max_hamming_bits
        self._distinct_bits = distinct_bits
        self._ask = shared
        self._asked = np.zeros(len(self._pictures), bool)
        self._shared = np.zeros(len(self._pictures), bool)

    def candidates(self, page: Page) -> set[UploadId]:
        """Uploads with enough different pictures that not every work has."""
        row, wanted = self._join.pairs(page.pdq, max_hamming_bits=self._max_hamming_bits)
        found = _several(page.pdq, row, page.pdq_owner[row], self._distinct_bits)
        # Of those that would be looked at, some pictures are asked for: each is searched for in
        # all references.
        some = _some_each(page.pdq_owner[row], found)
        row, wanted = row[some], wanted[some]
        row = row[~self._are_shared(wanted)]
        found = _several(page.pdq, row, page.pdq_owner[row], self._distinct_bits)
        return {page.upload_ids[number] for number in found.tolist()}

    def _are_shared(self, wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
        fresh = np.unique(wanted[~self._asked[wanted]])
        if len(fresh):
            self._shared[fresh] = self._ask(self._pictures[fresh])
            self._asked[fresh] = True
        return self._shared[wanted]


class PhashSieve:
    """Finds uploads of which several pictures are the same, by pHash, as the reference's."""

    def __init__(self, phashes: NDArray[np.uint8]) -> None:
        listed = np.unique(phashes, axis=0)
        self._joins = [
            WordJoin(listed[at : at + PHASHES_AT_ONCE], max_flips=PHASH_FLIPS)
            for at in range(0, len(listed), PHASHES_AT_ONCE)
        ]

    def candidates(self, page: Page) -> set[UploadId]:
        """Uploads with enough different pictures."""
        found = [
            join.pairs(page.phash, max_hamming_bits=SAME_PHASH_BITS)[0] for join in self._joins
        ]
        row = np.concatenate([np.empty(0, np.int64), *found])
        owner = page.phash_owner[row]
        return {
            page.upload_ids[number]
            for number in _several(page.phash, row, owner, SAME_PHASH_BITS).tolist()
        }


def _some_each(owner: NDArray[np.int64], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each of the chosen at most ``ASKED_PICTURES`` rows, from the first to the last."""
    parts = [np.empty(0, np.int64)]
    for number in chosen.tolist():
        rows = np.flatnonzero(owner == number)
        parts.append(rows[:: -(-len(rows) // ASKED_PICTURES)])
    return np.concatenate(parts)


def _several(
    hashes: NDArray[np.uint8],
    row: NDArray[np.int64],
    owner: NDArray[np.int64],
    distinct_bits: int,
) -> NDArray[np.int64]:
    """Those of whose rows at least ``MIN_PICTURES`` differ from each other."""
    order = np.argsort(owner, kind="stable")
    numbers, begins = np.unique(owner[order], return_index=True)
    several = [
        count_distinct(hashes[np.unique(mine)], distinct_bits) >= MIN_PICTURES
        for mine in np.split(row[order], begins[1:])[: len(numbers)]
    ]
    chosen: NDArray[np.int64] = numbers[np.array(several, bool)]
    return chosen
