"""The works that uploads are held against, put together as the settings say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.ids import ReferenceId
from doorstaff.database import open_home_database
from doorstaff.settings import Settings
from media_screening.errors import MediaScreeningError
from media_screening.evidence import EvidenceKeeper
from media_screening.index.folder import IndexFolder
from media_screening.reading import ScreeningLimits, read_reference
from media_screening.reference import ReferenceLibrary, sha256_of
from media_screening.sound.reading import read_sound
from store.clock import SystemClock
from store.reference import ReferenceStore
from store.retroactive import RetroactiveStore

DAY_MS = 86_400_000

VideoProgress = Callable[[float, float | None], None]


@contextmanager
def open_store(settings: Settings) -> Iterator[ReferenceStore]:
    """The references in SQL, the schema brought up to date."""
    engine = open_home_database(settings)
    try:
        yield ReferenceStore(engine)
    finally:
        engine.dispose()


def open_shelf(store: ReferenceStore, reference_id: str = "") -> ReferenceLibrary:
    """A library to change references with: it loads the one that is named, or none."""
    return ReferenceLibrary(store, only=ReferenceId(reference_id))


def index_folder(settings: Settings) -> IndexFolder:
    """Where this machine keeps hashes ready to be searched."""
    return IndexFolder(settings.home / "index")


def screening_limits(settings: Settings, *, decode_threads: int = 0) -> ScreeningLimits:
    """What the settings allow an upload to be and to cost."""
    return ScreeningLimits(
        max_bytes=settings.media_max_bytes,
        max_seconds=settings.media_max_seconds,
        timeout_seconds=settings.media_timeout_seconds,
        decode_threads=decode_threads,
    )


def add_reference(
    library: ReferenceLibrary,
    path: Path,
    *,
    title: str,
    reference_id: str | None = None,
    limits: ScreeningLimits | None = None,
    progress: VideoProgress | None = None,
    listen: bool = True,
    evidence: EvidenceKeeper | None = None,
) -> ReferenceId:
    """Fingerprint a file, its sound too if it has any, and keep it as a reference.

    Raises:
        MediaScreeningError: It is not a whole video, none of it can be told from other works, or
            the id is taken.
    """
    bounds = limits or ScreeningLimits()
    reading = read_reference(path, limits=bounds, progress=progress)
    if reading.cut is not None:
        raise reading.cut
    if not len(reading.fingerprint):
        raise MediaScreeningError("every frame of it is flat: nothing to be found by")  # noqa: EM101
    sound = None
    if listen:
        sound = read_sound(
            path, max_seconds=bounds.max_seconds, timeout_seconds=bounds.timeout_seconds
        )
    record = library.add(
        reading.fingerprint,
        sketches=reading.sketches,
        title=title,
        sha256=sha256_of(path),
        source=path.name,
        reference_id=ReferenceId(reference_id) if reference_id else None,
        sound=sound.fingerprint if sound else None,
    )
    if evidence is not None:
        evidence.keep_reference(
            record.reference_id,
            path,
            duration_s=reading.fingerprint.duration_s,
            timeout_seconds=bounds.timeout_seconds,
        )
    return record.reference_id


def search_past(store: ReferenceStore, reference_id: ReferenceId, *, days: float) -> None:
    """Have media workers hold a reference against uploads of so many days past."""
    if days > 0:
        now_ms = SystemClock().now_ms()
        RetroactiveStore(store.engine).request(
            reference_id, from_ms=now_ms - round(days * DAY_MS), to_ms=now_ms
        )
