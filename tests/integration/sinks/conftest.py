"""The real parts that sinks deliver to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from doorstaff.embedded.broker import start_broker
from doorstaff.embedded.valkey import start_valkey
from tests.databases import database_url, engine, postgres_server
from tests.integration.sinks.receiver import Receiver, running_receiver

__all__ = ["database_url", "engine", "postgres_server"]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def valkey_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    child, url = start_valkey(Path(tmp_path_factory.mktemp("valkey")))
    yield url
    child.stop()


@pytest.fixture(scope="session")
def kafka_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    child, address = start_broker(Path(tmp_path_factory.mktemp("broker")))
    yield address
    child.stop()
