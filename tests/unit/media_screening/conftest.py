from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from media_screening.reading import ScreeningLimits, read_reference
from media_screening.reference import ReferenceLibrary, sha256_of
from store.database import open_database
from store.reference import ReferenceStore
from store.schema import metadata
from tests.unit.media_screening.footage import film


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {
        "work": film(folder / "work.mp4", seed=1, seconds=20),
        "other": film(folder / "other.mp4", seed=2, seconds=15),
        "third": film(folder / "third.mp4", seed=3, seconds=15),
    }


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'test.db'}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> ReferenceStore:
    return ReferenceStore(engine)


@pytest.fixture
def library(store: ReferenceStore) -> ReferenceLibrary:
    return ReferenceLibrary(store)


def add(library: ReferenceLibrary, path: Path, title: str = "A work") -> str:
    reading = read_reference(path, limits=ScreeningLimits())
    return library.add(
        reading.fingerprint, sketches=reading.sketches, title=title, sha256=sha256_of(path)
    ).reference_id
