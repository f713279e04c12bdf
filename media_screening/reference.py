"""The works that uploads are held against: kept in SQL, searched in memory."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from contracts.ids import ReferenceId, derived_id
from media_screening.alignment.alignment import count_distinct
from media_screening.alignment.exclusion import NOTHING_EXCLUDED, Exclusions
from media_screening.alignment.phash_match import PHASH_ALGORITHM
from media_screening.alignment.telling import TellingRule, telling_rows
from media_screening.errors import InvalidFingerprint, ReferenceExists, ReferenceUnknown
from media_screening.fingerprinting.fingerprint import ALGORITHM, Fingerprint
from media_screening.fingerprinting.reference_sketch import SKETCH_ALGORITHM, Sketches
from media_screening.fingerprinting.still import Stills, find_stills
from media_screening.index.feature_index import FeatureIndex
from media_screening.index.folder import IndexFolder, ReferenceState
from media_screening.index.hash_index import HashIndex, IndexedHashes, prepare
from media_screening.library_rules import LibraryRules, read_rules
from media_screening.policy import Work
from media_screening.sound.sound_fingerprint import SOUND_ALGORITHM, SoundFingerprint
from store.clock import Clock, SystemClock
from store.reference import ReferenceRecord, ReferenceStore

_log = structlog.get_logger(__name__)

_CHUNK_BYTES = 1 << 20

FINGERPRINTS_HELD_BYTES = 512 * 1024**2
"""Whole fingerprints that are held after a search proposed their works; others are read again."""

_ADDED_AT_ONCE = 256
"""References that are put into the index together, when many are loaded."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LoadedReference:
    """A reference as it is searched: what is excluded of it is left out."""

    reference_id: ReferenceId
    title: str
    fingerprint: Fingerprint
    stills: Stills
    sketches: Sketches | None = None
    """None for a reference that was added before there were any, or without its video."""


class ReferenceLibrary:
    """The enabled references, in an index that follows SQL.

    Safe to use from several threads. Changes made here are searched at once; those that others
    make are after the next ``refresh``. Hashes are searched in memory; a whole fingerprint is read
    from SQL when a search proposes its work.
    """

    def __init__(
        self,
        store: ReferenceStore,
        *,
        clock: Clock | None = None,
        folder: IndexFolder | None = None,
        only: ReferenceId | None = None,
        telling: TellingRule | None = None,
    ) -> None:
        """Make an empty library; ``refresh`` fills it.

        Args:
            store: The references in SQL.
            clock: Tells when a change was made.
            folder: Where hashes are kept ready to be searched; without one they are made of what
                SQL has at each start.
            only: The one reference that is loaded, in place of all.
            telling: When a picture says which work it is of.
        """
        self._telling = telling or TellingRule()
        self.index = HashIndex()
        self.features = FeatureIndex()
        self._store = store
        self._clock = clock or SystemClock()
        self._folder = folder
        self._only = only
        self._lock = threading.RLock()
        self._revision = -1
        self._records: dict[ReferenceId, ReferenceRecord] = {}
        self._taken: dict[ReferenceId, ReferenceState] = {}
        self._rules = LibraryRules()
        self._phash_works: dict[ReferenceId, Fingerprint] = {}
        self._sketched: Collection[ReferenceId] = frozenset()
        self._loaded: OrderedDict[ReferenceId, LoadedReference] = OrderedDict()

    def __len__(self) -> int:
        return len(self._records)

    @property
    def common(self) -> Exclusions:
        """Pictures that are no evidence of any work."""
        return self._rules.common

    def get(self, reference_id: ReferenceId) -> LoadedReference | None:
        """A reference with its frames; None once it is disabled or removed, or if it has none."""
        with self._lock:
            record = self._records.get(reference_id)
            if record is None:
                return None
            held = self._loaded.get(reference_id)
            if held is None:
                held = self._read(record)
                if held is None:
                    return None
                self._hold(held)
            self._loaded.move_to_end(reference_id)
            return held

    def title_of(self, reference_id: ReferenceId) -> str | None:
        """What an enabled reference is called."""
        record = self._records.get(reference_id)
        return None if record is None else record.title

    def work(self, reference_id: ReferenceId) -> Work | None:
        """What a policy is asked about; None once the reference is disabled or removed."""
        record = self._records.get(reference_id)
        if record is None:
            return None
        return self._rules.work(reference_id, duration_s=record.duration_s)

    def phash_works(self) -> Mapping[ReferenceId, Fingerprint]:
        """Enabled references of which only pHashes are known."""
        return self._phash_works

    def known_file(self, digests: Collection[str]) -> tuple[ReferenceId, ...]:
        """Enabled references that a file with one of these digests shows, as ``md5:HEX``."""
        rules = self._rules
        found = [one for digest in digests for one in rules.digests.get(digest, ())]
        return tuple(one for one in dict.fromkeys(found) if one in self._records)

    @property
    def knows_files(self) -> bool:
        """Whether there is any digest to compare with."""
        return bool(self._rules.digests)

    def by_sha256(self, sha256: str) -> LoadedReference | None:
        """The reference that was made of the file with this SHA-256; None if there is none."""
        for record in list(self._records.values()):
            if record.sha256 == sha256:
                return self.get(record.reference_id)
        return None

    def tells(self, reference_id: ReferenceId, times_s: NDArray[np.float64]) -> int:
        """Count different pictures of a reference, at these times, that say that it is this work.

        Those that many references have do not, nor those that are excluded.
        """
        reference = self.get(reference_id)
        if reference is None:
            return 0
        rows = telling_rows(
            times_s,
            reference.fingerprint,
            exclusions=(self.common,),
            index=self.index,
            rule=self._telling,
        )
        return count_distinct(reference.fingerprint.pdq[rows], self._telling.distinct_bits)

    def refresh(self) -> bool:
        """Take over what changed in SQL since the last time; True if anything did.

        Compares one number, and reads the frames of new references only. A reference whose frames
        cannot be read is left out with an error in the log: one bad row must not stop the screening
        against all the others.
        """
        with self._lock:
            revision = self._store.revision()
            if revision == self._revision:
                return False
            self._rules = read_rules(self._store)
            records = {
                one.reference_id: one
                for one in self._store.all()
                if one.enabled and self._only in {None, one.reference_id}
            }
            self._records = records
            for reference_id, state in list(self._taken.items()):
                record = records.get(reference_id)
                if record is None or _state(record) != state:
                    self._drop(reference_id, self._taken.pop(reference_id))
            if self._revision < 0 and self._folder is not None and self._only is None:
                self._folder.sweep((one.reference_id, _state(one)) for one in records.values())
            fresh = [one for one in records.values() if one.reference_id not in self._taken]
            for at in range(0, len(fresh), _ADDED_AT_ONCE):
                self._take(fresh[at : at + _ADDED_AT_ONCE])
            self._revision = revision
            return True

    def add(
        self,
        fingerprint: Fingerprint,
        *,
        title: str,
        sha256: str,
        source: str = "",
        reference_id: ReferenceId | None = None,
        sketches: Sketches | None = None,
        digests: Collection[str] = (),
        sound: SoundFingerprint | None = None,
    ) -> ReferenceRecord:
        """Keep a work and search for it from now on.

        Without ``sketches`` edits of its picture are not found.
        Without a ``reference_id`` it is named after its file's SHA-256, so that the same file is
        the same reference. ``digests`` are those of files that show it, as ``md5:HEX``; a work may
        be known by these alone. Its ``sound`` is kept with it; a ``SoundLibrary`` searches for it.

        Raises:
            ReferenceExists: The id is taken.
        """
        now_ms = self._clock.now_ms()
        record = ReferenceRecord(
            reference_id=reference_id or ReferenceId(derived_id("ref", sha256)),
            title=title,
            enabled=True,
            duration_s=fingerprint.duration_s,
            sha256=sha256,
            source=source,
            added_at_ms=now_ms,
            changed_at_ms=now_ms,
        )
        packed = {ALGORITHM: fingerprint.pack()} if len(fingerprint) else {}
        if sketches is not None:
            packed[SKETCH_ALGORITHM] = sketches.pack()
        if sound is not None:
            packed[SOUND_ALGORITHM] = sound.pack()
        if not self._store.add(record, packed, digests=digests):
            reason = (
                f"a reference {record.reference_id} exists: remove it first, or give another id"
            )
            raise ReferenceExists(reason)
        self.refresh()
        return record

    def records(self) -> tuple[ReferenceRecord, ...]:
        """All references, disabled ones too, in the order they were added."""
        return self._store.all()

    def set_enabled(self, reference_id: ReferenceId, *, enabled: bool) -> None:
        """Search for a reference, or stop to.

        Raises:
            ReferenceUnknown: There is none with this id.
        """
        if not self._store.set_enabled(reference_id, enabled=enabled, at_ms=self._clock.now_ms()):
            raise _unknown(reference_id)
        self.refresh()

    def remove(self, reference_id: ReferenceId) -> None:
        """Forget a reference and its fingerprint.

        Raises:
            ReferenceUnknown: There is none with this id.
        """
        if not self._store.remove(reference_id):
            raise _unknown(reference_id)
        self.refresh()

    def _take(self, records: list[ReferenceRecord]) -> None:
        """Search for these from now on. Where SQL fails, none of them is taken for done."""
        ready = {one.reference_id: self._indexed(one) for one in records}
        self._phash_works = {**self._phash_works, **self._phashes_of(records)}
        self.index.add_all({name: one for name, one in ready.items() if one is not None})
        self._sketched = self._store.with_algorithm(SKETCH_ALGORITHM)
        for record in records:
            self._file_features(record.reference_id)
        self._taken |= {one.reference_id: _state(one) for one in records}

    def _indexed(self, record: ReferenceRecord) -> IndexedHashes | None:
        """Its hashes, from the folder or made of what SQL has; None if it has none."""
        found = self._folder.find(record.reference_id, _state(record)) if self._folder else None
        if found is None:
            reference = self._read(record)
            if reference is None:
                return None
            found = prepare(reference.stills.pdq)
            if self._folder is not None:
                self._folder.keep(record.reference_id, _state(record), found)
        return found

    def _phashes_of(self, records: list[ReferenceRecord]) -> dict[ReferenceId, Fingerprint]:
        works = {}
        known = self._store.with_algorithm(PHASH_ALGORITHM)
        for reference_id in known & {one.reference_id for one in records}:
            work = self._unpacked(reference_id, PHASH_ALGORITHM)
            if work is not None:
                works[reference_id] = work
        return works

    def _read(self, record: ReferenceRecord) -> LoadedReference | None:
        whole = self._unpacked(record.reference_id, ALGORITHM)
        if whole is None:
            return None
        exclusions = self._rules.exclusions.get(record.reference_id, NOTHING_EXCLUDED)
        fingerprint = exclusions.leave_out(whole)
        return LoadedReference(
            reference_id=record.reference_id,
            title=record.title,
            fingerprint=fingerprint,
            stills=find_stills(fingerprint),
            sketches=self._sketches(record.reference_id),
        )

    def _file_features(self, reference_id: ReferenceId) -> None:
        sketches = self._sketches(reference_id)
        if sketches is None:
            _log.info("reference without sketches: edits are not found", reference_id=reference_id)
            return
        self.features.add(reference_id, descriptors=sketches.descriptors, picture=sketches.key)

    def _sketches(self, reference_id: ReferenceId) -> Sketches | None:
        if reference_id not in self._sketched:
            return None
        packed = self._store.fingerprint(reference_id, SKETCH_ALGORITHM)
        try:
            return None if packed is None else Sketches.unpack(packed)
        except InvalidFingerprint as error:
            _log.error("sketches left out", reference_id=reference_id, reason=error.reason)
            return None

    def _unpacked(self, reference_id: ReferenceId, algorithm: str) -> Fingerprint | None:
        packed = self._store.fingerprint(reference_id, algorithm)
        try:
            return None if packed is None else Fingerprint.unpack(packed)
        except InvalidFingerprint as error:
            _log.error("reference left out", reference_id=reference_id, reason=error.reason)
            return None

    def _hold(self, reference: LoadedReference) -> None:
        self._loaded[reference.reference_id] = reference
        held = sum(_bytes_of(one) for one in self._loaded.values())
        while held > FINGERPRINTS_HELD_BYTES and len(self._loaded) > 1:
            _, oldest = self._loaded.popitem(last=False)
            held -= _bytes_of(oldest)

    def _drop(self, reference_id: ReferenceId, state: ReferenceState) -> None:
        self._loaded.pop(reference_id, None)
        self._phash_works = {
            name: work for name, work in self._phash_works.items() if name != reference_id
        }
        self.index.remove(reference_id)
        self.features.remove(reference_id)
        if self._folder is not None:
            self._folder.forget(reference_id, state)


def _state(record: ReferenceRecord) -> ReferenceState:
    return record.sha256, record.changed_at_ms


def _bytes_of(reference: LoadedReference) -> int:
    fingerprint, stills = reference.fingerprint, reference.stills
    columns = (fingerprint.times_s, fingerprint.pdq, fingerprint.phash, stills.pdq, stills.start_s)
    sketched = reference.sketches
    more = () if sketched is None else (sketched.pixels, sketched.descriptors, sketched.xy)
    return sum(column.nbytes for column in (*columns, *more))


def digests_of(path: Path) -> tuple[str, str]:
    """The digests of a file by which lists of known files name it: ``sha256:HEX``, ``md5:HEX``."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    for chunk in _chunks(path):
        sha256.update(chunk)
        md5.update(chunk)
    return f"sha256:{sha256.hexdigest()}", f"md5:{md5.hexdigest()}"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _unknown(reference_id: ReferenceId) -> ReferenceUnknown:
    reason = f"there is no reference {reference_id}"
    return ReferenceUnknown(reason)
