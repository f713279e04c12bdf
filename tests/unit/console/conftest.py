from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from console.app import create_app
from contracts.alert import Alert
from contracts.event import epoch_ms
from store.acceptance import accept_alert
from store.album import AlbumFolder
from store.clock import ManualClock
from store.database import open_database
from store.migration import migrate
from tests.unit.console.examples import AT

Keep = Callable[..., None]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'doorstaff.db'}")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def keep(engine: Engine) -> Keep:
    """Keep alerts, owed to the sinks named."""

    def keep(*alerts: Alert, sinks: tuple[str, ...] = ()) -> None:
        with engine.begin() as connection:
            for alert in alerts:
                accept_alert(connection, alert, sinks=sinks, now_ms=epoch_ms(AT))

    return keep


@pytest.fixture
def pictures(tmp_path: Path) -> AlbumFolder:
    return AlbumFolder(tmp_path / "pictures", max_bytes=1 << 20)


@pytest.fixture
def client(engine: Engine, pictures: AlbumFolder) -> Iterator[TestClient]:
    clock = ManualClock(epoch_ms(AT) + 180_000)
    app = create_app(engine, hosts={"console.example"}, clock=clock, pictures=pictures)
    with TestClient(app, base_url="http://127.0.0.1:8710") as client:
        yield client
