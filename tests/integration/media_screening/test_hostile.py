"""Every file of the hostile corpus ends as its table says, and the disk it was on is as before."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.decoding.source import Source, SourceLimits
from media_screening.errors import MediaScreeningError, Rejected
from media_screening.reading import ScreeningLimits
from media_screening.reference import ReferenceLibrary
from media_screening.screening import Outcome, Screener
from media_screening.sound.library import SoundLibrary
from media_screening.sound.listening import Listener
from media_screening.sound.screening import SoundScreener
from store.reference import ReferenceStore
from store.schema import metadata
from tests.hostile.case import Case, Forge
from tests.hostile.corpus import CASES
from tests.unit.media_screening.conftest import add


@pytest.fixture(scope="module", autouse=True)
def locked_ffmpeg() -> Iterator[None]:
    """The table is that of the wheel's ffmpeg, whose version is locked; the system's may differ."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("media_screening.decoding.ffmpeg.shutil.which", lambda _: None)
        ffmpeg_path.cache_clear()
        yield
    ffmpeg_path.cache_clear()


@pytest.fixture(scope="module")
def forge(locked_ffmpeg: None, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    return Forge(tmp_path_factory.mktemp("uploads"), tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ReferenceStore:
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('known') / 'known.db'}")
    metadata.create_all(engine)
    return ReferenceStore(engine)


@pytest.fixture(scope="module")
def known(forge: Forge, store: ReferenceStore) -> ReferenceLibrary:
    """A library that knows the work all films are made of: what could be seen is a match."""
    library = ReferenceLibrary(store)
    add(library, forge.work)
    library.refresh()
    return library


@pytest.fixture(scope="module")
def listener(store: ReferenceStore) -> Listener:
    """What can be seen is listened to as well."""
    return Listener(SoundScreener(SoundLibrary(store)), speeds=(1.25,))


async def _end(case: Case, forge: Forge, known: ReferenceLibrary, listener: Listener) -> Outcome:
    limits = ScreeningLimits(timeout_seconds=case.timeout_seconds, decode_threads=1)
    try:
        async with Source(SourceLimits(folder=forge.uploads)).open(case.make(forge)) as path:
            return Screener(known, limits=limits, listener=listener).screen(path)
    except MediaScreeningError as error:
        status = "rejected" if isinstance(error, Rejected) else "error"
        return Outcome(status=status, reason=error.reason)  # type: ignore[arg-type] # one of two


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_it_ends_as_it_should(
    case: Case, forge: Forge, known: ReferenceLibrary, listener: Listener
) -> None:
    threads = threading.active_count()
    outcome = await _end(case, forge, known, listener)
    told = f"{outcome.status}: {outcome.reason}"
    assert outcome.status == case.status, told
    assert re.search(case.reason, outcome.reason) if case.reason else not outcome.reason, told
    assert "\n" not in outcome.reason
    assert str(forge.uploads) not in outcome.reason
    assert threading.active_count() == threads


def test_the_corpus_is_large_and_no_name_is_there_twice() -> None:
    names = [case.name for case in CASES]
    assert len(names) >= 60
    assert len(set(names)) == len(names)


def test_no_child_is_left(forge: Forge) -> None:
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if not children.exists():
        pytest.skip("this kernel does not tell")
    commands = [Path(f"/proc/{pid}/cmdline") for pid in children.read_text().split()]
    assert not any(b"ffmpeg" in command.read_bytes() for command in commands if command.exists())
