"""The sound of the works that uploads are held against: kept in SQL, searched in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import structlog

from contracts.ids import ReferenceId
from media_screening.errors import InvalidFingerprint
from media_screening.sound import SOUND_ALGORITHM, Hearing, SoundFingerprint
from media_screening.sound_index import SoundIndex
from store.reference import ReferenceStore

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
        self._states: dict[ReferenceId, tuple[str, int]] = {}

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
            states = self._store.states()
            if states == self._states:
                return False
            for reference_id in self._states.keys() | states.keys():
                if self._states.get(reference_id) != states.get(reference_id):
                    self._take(reference_id, enabled=reference_id in states)
            self._states = states
            return True

    def _take(self, reference_id: ReferenceId, *, enabled: bool) -> None:
        self._loaded.pop(reference_id, None)
        self.index.remove(reference_id)
        record = self._store.get(reference_id) if enabled else None
        packed = self._store.fingerprint(reference_id, SOUND_ALGORITHM) if enabled else None
        if record is None or packed is None:
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
