"""The sound of the works that uploads are held against: kept in SQL, searched in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import structlog

from contracts.ids import ReferenceId
from media_screening.errors import InvalidFingerprint
from media_screening.index.folder import ReferenceState
from media_screening.sound.index import SoundIndex
from media_screening.sound.sound_fingerprint import SOUND_ALGORITHM, Hearing, SoundFingerprint
from store.reference import ReferenceRecord, ReferenceStore

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class LoadedSound:
    """A reference's sound as it is searched."""

    reference_id: ReferenceId
    title: str
    hearing: Hearing
    duration_s: float


class SoundLibrary:
    """The enabled references that have sound, in an index that follows SQL.

    Safe to use from several threads. Changes show after the next ``refresh``.
    """

    def __init__(self, store: ReferenceStore) -> None:
        self.index = SoundIndex()
        self._store = store
        self._lock = threading.Lock()
        self._loaded: dict[ReferenceId, LoadedSound] = {}
        self._revision = -1
        self._states: dict[ReferenceId, ReferenceState] = {}

    def __len__(self) -> int:
        return len(self._loaded)

    def get(self, reference_id: ReferenceId) -> LoadedSound | None:
        """A loaded sound; None once its reference is disabled or removed."""
        return self._loaded.get(reference_id)

    def refresh(self) -> bool:
        """Take over what changed in SQL since the last time; True if anything did.

        A sound that cannot be read is left out with an error in the log.
        """
        with self._lock:
            revision = self._store.revision()
            if revision == self._revision:
                return False
            sounding = self._store.with_algorithm(SOUND_ALGORITHM)
            records = {
                one.reference_id: one
                for one in self._store.all()
                if one.enabled and one.reference_id in sounding
            }
            for reference_id, state in list(self._states.items()):
                record = records.get(reference_id)
                if record is None or _state(record) != state:
                    self._drop(reference_id)
            for record in records.values():
                if record.reference_id not in self._states:
                    self._take(record)
            self._revision = revision
            return True

    def _drop(self, reference_id: ReferenceId) -> None:
        self._states.pop(reference_id)
        self._loaded.pop(reference_id, None)
        self.index.remove(reference_id)

    def _take(self, record: ReferenceRecord) -> None:
        reference_id = record.reference_id
        packed = self._store.fingerprint(reference_id, SOUND_ALGORITHM)
        self._states[reference_id] = _state(record)
        if packed is None:  # removed a moment ago: the next refresh will say so
            return
        try:
            fingerprint = SoundFingerprint.unpack(packed)
        except InvalidFingerprint as error:
            _log.error("sound left out", reference_id=reference_id, reason=error.reason)
            return
        hearing = fingerprint.hearing()
        self._loaded[reference_id] = LoadedSound(
            reference_id=reference_id,
            title=record.title,
            hearing=hearing,
            duration_s=fingerprint.duration_s,
        )
        # A value that lasts is found by its first.
        first = np.concatenate(([True], hearing.values[1:] != hearing.values[:-1]))
        rows = np.flatnonzero(hearing.telling & first[: len(hearing)])
        self.index.add(reference_id, hearing.values[rows], rows)


def _state(record: ReferenceRecord) -> ReferenceState:
    return record.sha256, record.changed_at_ms
