"""Which pictures of which references share local features with a picture.

Locality-sensitive hashing by sampled bits (Indyk and Motwani, 1998): a feature is filed under 18 of
its 256 bits, in eight tables with other bits each. Two descriptions of one corner that differ in
one bit of seven meet in at least one table in four cases of ten; a picture has a hundred corners.
It proposes; ``feature.sight`` decides.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contracts.ids import ReferenceId

TABLES = 8
KEY_BITS = 18
MAX_PROPOSALS = 12
MAX_PROPOSALS_EACH = 3
"""Of one reference: its pictures look alike."""

MAX_CROWD = 400
"""A key under which more features are filed than this says nothing, and is passed over."""

_MERGE_SHARE = 4
_BITS = np.stack(
    [np.random.default_rng(number).permutation(256)[:KEY_BITS] for number in range(TABLES)]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A reference's picture that may be shown.

    Attributes:
        picture: Its number among the pictures of its reference.
        votes: What speaks for it; a feature that few pictures have counts for more.
    """

    reference_id: ReferenceId
    picture: int
    votes: float


@dataclass(kw_only=True, eq=False)
class _Shelf:
    """Filed features: for each table, where each key's begin, and their pictures' numbers."""

    starts: list[NDArray[np.int64]]
    pictures: list[NDArray[np.int32]]

    def votes(self, keys: NDArray[np.int64], count: int) -> NDArray[np.float64]:
        """Votes for each of ``count`` pictures by the keys of one picture, shape (n, tables)."""
        total = np.zeros(count)
        for table in range(TABLES):
            unique = np.unique(keys[:, table])
            first, last = self.starts[table][unique], self.starts[table][unique + 1]
            sizes = last - first
            spoken = (sizes > 0) & (sizes <= MAX_CROWD)
            first, sizes = first[spoken], sizes[spoken]
            if not len(sizes):
                continue
            steps = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            hit = self.pictures[table][np.repeat(first, sizes) + steps]
            total += np.bincount(hit, np.repeat(1 / sizes, sizes), minlength=count)
        return total


@dataclass(kw_only=True, eq=False)
class _Batch:
    """Keys of features, and the number of the picture that each is of."""

    keys: list[NDArray[np.int64]] = field(default_factory=list)
    pictures: list[NDArray[np.int32]] = field(default_factory=list)
    count: int = 0

    @classmethod
    def of(cls, first: _Batch, second: _Batch, alive: NDArray[np.bool_]) -> _Batch:
        """Both together, without the features of pictures that are gone."""
        batch = cls()
        for keys, pictures in zip(
            first.keys + second.keys, first.pictures + second.pictures, strict=True
        ):
            kept = alive[pictures]
            if kept.any():
                batch.add(keys[kept], pictures[kept])
        return batch

    def add(self, keys: NDArray[np.int64], pictures: NDArray[np.int32]) -> None:
        self.keys.append(keys)
        self.pictures.append(pictures)
        self.count += len(keys)

    def shelve(self) -> _Shelf:
        keys = np.concatenate(self.keys or [np.empty((0, TABLES), np.int64)])
        pictures = np.concatenate(self.pictures or [np.empty(0, np.int32)])
        starts, filed = [], []
        for table in range(TABLES):
            order = np.argsort(keys[:, table], kind="stable")
            counts = np.bincount(keys[:, table], minlength=1 << KEY_BITS)
            starts.append(np.concatenate([[0], np.cumsum(counts)]))
            filed.append(pictures[order])
        return _Shelf(starts=starts, pictures=filed)


class FeatureIndex:
    """Features by reference and picture, added and removed while others search.

    What was added last stands on a small shelf that is filed anew at each change; once that holds a
    quarter of all, the shelves become one. Pictures that were removed keep their place until then,
    and get no votes. Needs 64 bytes a feature.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._all, self._recent = _Batch(), _Batch()
        self._shelves: list[_Shelf] = []
        self._owners: list[ReferenceId | None] = []
        self._pictures: list[int] = []
        self._spans: dict[ReferenceId, range] = {}

    def __len__(self) -> int:
        return self._all.count + self._recent.count

    def add(
        self,
        reference_id: ReferenceId,
        *,
        descriptors: NDArray[np.uint8],
        picture: NDArray[np.int64],
    ) -> None:
        """Put a reference's features in, in place of those it had.

        ``descriptors`` has shape (n, 32); ``picture`` says for each which picture it is of.
        """
        with self._lock:
            self.remove(reference_id)
            if not len(descriptors):
                return
            first, count = len(self._owners), int(picture.max()) + 1
            self._spans[reference_id] = range(first, first + count)
            self._owners += [reference_id] * count
            self._pictures += range(count)
            self._recent.add(_keys(descriptors), (first + picture).astype(np.int32))
            self._shelves = self._shelves[:1]

    def remove(self, reference_id: ReferenceId) -> None:
        """Take a reference's features out; no harm if there are none."""
        with self._lock:
            for number in self._spans.pop(reference_id, range(0)):
                self._owners[number] = None

    def search(self, descriptors: NDArray[np.uint8]) -> list[Proposal]:
        """Find the pictures with most features in common, best first; ``descriptors`` (n, 32)."""
        with self._lock:
            if not len(descriptors) or not self._owners:
                return []
            keys = _keys(descriptors)
            count = len(self._owners)
            total = np.zeros(count)
            for shelf in self._filed():
                total += shelf.votes(keys, count)
            found: list[Proposal] = []
            each: Counter[ReferenceId] = Counter()
            for number in _highest(total, MAX_PROPOSALS * 8):
                owner = self._owners[number]
                if owner is None or total[number] <= 0 or each[owner] == MAX_PROPOSALS_EACH:
                    continue
                each[owner] += 1
                found.append(
                    Proposal(
                        reference_id=owner,
                        picture=self._pictures[number],
                        votes=float(total[number]),
                    )
                )
            return found[:MAX_PROPOSALS]

    def _filed(self) -> list[_Shelf]:
        if not self._shelves or self._recent.count * _MERGE_SHARE > self._all.count:
            alive = np.array([owner is not None for owner in self._owners], bool)
            self._all = _Batch.of(self._all, self._recent, alive)
            self._recent = _Batch()
            self._shelves = [self._all.shelve()]
        if self._recent.count and len(self._shelves) == 1:
            self._shelves.append(self._recent.shelve())
        return self._shelves


def _highest(total: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Where the highest are, the highest first."""
    rows = np.argpartition(-total, min(count, len(total) - 1))[:count]
    return rows[np.argsort(-total[rows], kind="stable")]


def _keys(descriptors: NDArray[np.uint8]) -> NDArray[np.int64]:
    bits = np.unpackbits(np.ascontiguousarray(descriptors), axis=1)
    keys = np.empty((len(descriptors), TABLES), np.int64)
    weights = 1 << np.arange(KEY_BITS, dtype=np.int64)
    for table in range(TABLES):
        keys[:, table] = bits[:, _BITS[table]] @ weights
    return keys
