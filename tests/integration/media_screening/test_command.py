from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from redis.asyncio import Redis
from typer.testing import CliRunner, Result

from contracts.dead_letter import DeadLetter
from contracts.screening import Screening
from contracts.wire import decode
from doorstaff.commands.media import app
from doorstaff.commands.media_worker import run_worker
from doorstaff.embedded.broker import start_broker
from doorstaff.library import add_reference, open_store
from doorstaff.logging import quiet_logging
from doorstaff.settings import load_settings
from media_screening.queue import ScreeningQueue
from media_screening.reference import ReferenceLibrary
from tests.integration.media_screening.test_worker import _job
from tests.unit.media_screening.footage import splice


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOORSTAFF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    return tmp_path / "home"


def media(*arguments: object) -> Result:
    quiet_logging()  # as the front door does
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_references_are_kept(films: dict[str, Path]) -> None:
    added = media("reference", "add", films["work"], "--title", "The [work]", "--id", "w1")
    assert (added.exit_code, added.stdout) == (0, "w1\n")
    again = media("reference", "add", films["work"], "--title", "The work", "--id", "w1")
    assert again.exit_code == 1
    assert "a reference w1 exists" in again.stderr
    listed = media("reference", "list")
    assert "The [work]" in listed.stdout
    for verb, enabled in (("disable", False), ("enable", True)):
        assert media("reference", verb, "w1").exit_code == 0
        assert json.loads(media("reference", "list", "--json").stdout)["enabled"] is enabled
    assert media("reference", "remove", "w1").exit_code == 0
    gone = media("reference", "remove", "w1")
    assert (gone.exit_code, gone.stderr) == (1, "error: there is no reference w1\n")


@pytest.mark.parametrize("content", [b"", b"text\n", bytes(100), None])
def test_what_is_no_video_is_no_reference(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "work.mp4"
    if content is not None:
        path.write_bytes(content)
    added = media("reference", "add", path, "--title", "T")
    assert added.exit_code == 1
    assert added.stderr.startswith(f"error: {path}: ")


def test_screening_prints_one_line_a_file(films: dict[str, Path], tmp_path: Path) -> None:
    media("reference", "add", films["work"], "--title", "The work", "--id", "w1")
    upload = splice(tmp_path / "up.mp4", (films["other"], 0, 6), (films["work"], 3, 9))
    text = tmp_path / "text.mp4"
    text.write_text("hello")
    missing = tmp_path / "missing.mp4"

    good = media("screen", "--json", upload, films["third"])
    assert good.exit_code == 0
    match, clean = map(json.loads, good.stdout.splitlines())
    keys = ["file", "status", "reason", "duration_s", "elapsed_s", "matches", "stages"]
    assert list(match) == list(clean) == keys
    assert (match["file"], match["status"], clean["status"]) == (str(upload), "match", "clean")
    assert list(match["matches"][0]) == [
        "reference_id",
        "title",
        "score",
        "upload_start_s",
        "upload_end_s",
        "reference_start_s",
        "reference_end_s",
        "by",
    ]
    assert match["matches"][0]["upload_start_s"] == pytest.approx(6, abs=1)

    mixed = media("screen", "--json", text, missing, films["third"])
    assert mixed.exit_code == 1
    statuses = [json.loads(line)["status"] for line in mixed.stdout.splitlines()]
    assert statuses == ["rejected", "error", "clean"]

    told = media("screen", upload, text)
    assert told.exit_code == 1
    # Within a quarter of a second of 0:03, as the command words it.
    assert re.search(r" is 0:0(2\.[89]|3\.[0-2])\d to 0:1\d\.\d\d of The work", told.stdout)
    assert f"{text}: rejected: a text file, not a video" in told.stdout


@pytest.mark.parametrize("arguments", [["screen"], ["screen", "--nope", "x"], ["nothing"]])
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert media(*arguments).exit_code == 2


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    child, address = start_broker(tmp_path)
    yield address
    child.stop()


async def test_a_worker_publishes_to_kafka(
    films: dict[str, Path], redis: Redis, valkey_url: str, broker: str, tmp_path: Path
) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "x.mp4").write_bytes(films["work"].read_bytes())
    settings = load_settings(
        home=tmp_path / "home",
        kafka_url=broker,
        redis_url=valkey_url,
        media_folder=folder,
        media_max_attempts=1,
    )
    with open_store(settings) as store:
        add_reference(ReferenceLibrary(store), films["work"], title="The work", reference_id="w")
    queue = ScreeningQueue(redis, consumer="test")
    await queue.open()
    await queue.add(_job("x"))
    await redis.xadd("doorstaff.screening-jobs", {"job": b"no job"})
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(settings, stop=stop))
    consumer = AIOKafkaConsumer(
        "doorstaff.screenings",
        "doorstaff.dead-letters",
        bootstrap_servers=broker,
        auto_offset_reset="earliest",
        metadata_max_age_ms=500,
    )
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            messages: dict[str, Any] = {}
            while len(messages) < 2:
                message = await consumer.getone()
                messages[message.topic] = message
    finally:
        await consumer.stop()
        stop.set()
        await worker
    told = messages["doorstaff.screenings"]
    screening = decode(told.value, Screening)
    assert told.key == b"acc-1"
    assert (screening.status, screening.matches[0].reference_id) == ("match", "w")
    assert decode(messages["doorstaff.dead-letters"].value, DeadLetter).value == b"no job"
