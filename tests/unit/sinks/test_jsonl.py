"""The file holds whole lines, whatever came between."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from contracts import wire
from contracts.alert import Alert
from sinks.errors import Unreachable
from sinks.jsonl import JsonlSink
from tests.alerts import CAMPAIGN, MEDIA


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "alerts.jsonl"


def alerts_in(path: Path) -> list[Alert]:
    return [wire.decode(line, Alert) for line in path.read_bytes().splitlines()]


async def deliver(path: Path, *alerts: Alert) -> None:
    sink = JsonlSink(path)
    for alert in alerts:
        await sink.deliver(alert)
    await sink.aclose()


@pytest.mark.parametrize("torn", [b"{", b'{"alert_id":"a', b"\xff\xfe", b'{"x":"' + b"y" * 200_000])
async def test_a_torn_line_is_cut_off(path: Path, torn: bytes) -> None:
    await deliver(path, CAMPAIGN)
    with path.open("ab") as file:
        file.write(torn)
    await deliver(path, MEDIA)
    assert alerts_in(path) == [CAMPAIGN, MEDIA]


async def test_a_file_that_is_one_torn_line_begins_anew(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"alert')
    await deliver(path, CAMPAIGN)
    assert alerts_in(path) == [CAMPAIGN]


async def test_a_whole_line_without_its_newline_is_kept(path: Path) -> None:
    await deliver(path, CAMPAIGN)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    await deliver(path, MEDIA)
    assert alerts_in(path) == [CAMPAIGN, MEDIA]


async def test_a_full_disk_leaves_whole_lines(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.pwrite
    room = [20]

    def full(file: int, data: memoryview, offset: int) -> int:
        if room[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room[0] -= (written := write(file, data[: room[0]], offset))
        return written

    await deliver(path, CAMPAIGN)
    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", full)
        with pytest.raises(Unreachable, match="No space left") as raised:
            await deliver(path, MEDIA)
    assert raised.value.retryable
    assert alerts_in(path) == [CAMPAIGN]
    await deliver(path, MEDIA)
    assert alerts_in(path) == [CAMPAIGN, MEDIA]


async def test_a_file_that_was_moved_away_is_made_anew(path: Path) -> None:
    sink = JsonlSink(path)
    await sink.deliver(CAMPAIGN)
    path.rename(path.with_suffix(".1"))
    await sink.deliver(MEDIA)
    await sink.aclose()
    assert alerts_in(path) == [MEDIA]


async def test_a_line_is_plain_json(path: Path) -> None:
    await deliver(path, CAMPAIGN)
    assert json.loads(path.read_text())["updated_at"] == "2026-05-04T19:30:15.250000Z"
