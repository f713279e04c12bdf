"""A new reference is found in past uploads, and nothing else is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import Engine

from contracts.ids import AccountId, EventId, ReferenceId, UploadId
from contracts.match_policy import MatchPolicy
from contracts.screening import Screening
from media_screening.fingerprinting.fingerprint import ALGORITHM
from media_screening.fingerprinting.sketch import SKETCH_EVERY_SECONDS, sketch_of
from media_screening.reference import ReferenceLibrary
from media_screening.retroactive_worker import RetroactiveRule, RetroactiveWorker
from media_screening.screening import Screener
from store.clock import ManualClock
from store.policy import PolicyRecord, PolicyStore
from store.reference import ReferenceStore
from store.retroactive import RetroactiveJob, RetroactiveStore
from store.upload import UploadFingerprintRecord, UploadStills, UploadStore
from tests.unit.media_screening.hashes import drift, fingerprint, noisy

FILM = ReferenceId("film")
FRAMES = drift(1, 400, step_bits=8)
RULE = RetroactiveRule(wait_seconds=0, lease_seconds=10, trouble_seconds=1, max_attempts=2)


def keep(engine: Engine, name: str, at_ms: int, pdq: NDArray[np.uint8]) -> None:
    video = fingerprint(pdq)
    hashes = sketch_of(video)
    UploadStore(engine).keep(
        UploadFingerprintRecord(
            upload_id=UploadId(name),
            account_id=AccountId(f"account-{name}"),
            event_id=EventId(f"event-{name}"),
            occurred_at_ms=at_ms,
            duration_s=video.duration_s,
            algorithm=ALGORITHM,
            frames=video.pack(),
        ),
        UploadStills(
            upload_id=UploadId(name),
            occurred_at_ms=at_ms,
            rows=len(hashes),
            hashes=hashes.tobytes(),
        ),
    )


@dataclass
class Desk:
    """A worker on a database; what it publishes is kept."""

    engine: Engine
    clock: ManualClock = field(default_factory=lambda: ManualClock(1_000))
    told: list[Screening] = field(default_factory=list)
    fail: int = 0

    def __post_init__(self) -> None:
        store = ReferenceStore(self.engine)
        self.jobs = RetroactiveStore(self.engine)
        self.library = ReferenceLibrary(store)
        self.library.add(
            fingerprint(FRAMES, step_s=0.125), title="The film", sha256="ab", reference_id=FILM
        )

        async def publish(screening: Screening) -> None:
            if self.fail:
                self.fail -= 1
                raise ConnectionError
            self.told.append(screening)

        self.worker = RetroactiveWorker(
            store,
            library=self.library,
            screener=Screener(self.library),
            publish=publish,
            lease="worker",
            rule=RULE,
            clock=self.clock,
        )

    def ask(self, from_ms: int = 0) -> None:
        self.jobs.request(FILM, from_ms=from_ms, to_ms=1_000)

    async def turn(self) -> RetroactiveJob:
        assert await self.worker.turn(asyncio.Event())
        (job,) = self.jobs.all()
        return job


@pytest.fixture
def desk(engine: Engine) -> Desk:
    for number in range(12):
        keep(engine, f"other-{number}", 100 + number, drift(100 + number, 60))
    shown = np.concatenate([drift(5, 20), noisy(6, FRAMES[200:320:2], 14), drift(7, 20)])
    keep(engine, "shows", 105, shown)
    keep(engine, "older", 50, shown)
    keep(engine, "card", 106, np.concatenate([drift(8, 40), np.repeat(FRAMES[300:301], 20, 0)]))
    return Desk(engine)


async def test_what_shows_it_is_told_as_found_retroactively(desk: Desk) -> None:
    desk.ask(from_ms=60)
    job = await desk.turn()
    assert (job.state, job.uploads_done, job.uploads_found) == ("done", 14, 1)
    (screening,) = desk.told
    assert (screening.upload_id, screening.event_id) == ("shows", "event-shows")
    assert (screening.status, screening.retroactive, screening.action) == ("match", True, "hold")
    (match,) = screening.matches
    assert (match.reference_id, match.title) == (FILM, "The film")
    assert match.upload_start_s == pytest.approx(5, abs=0.5)
    assert match.upload_end_s == pytest.approx(20, abs=0.5)
    assert match.reference_start_s == pytest.approx(25, abs=0.5)
    assert not await desk.worker.turn(asyncio.Event())


async def test_policies_hold_for_past_uploads_too(desk: Desk, engine: Engine) -> None:
    policy = MatchPolicy(allowed_accounts=(AccountId("account-shows"),))
    PolicyStore(engine).set(
        PolicyRecord(reference_id=FILM, policy=policy, changed_at_ms=1, changed_by="mara")
    )
    desk.ask()
    await desk.turn()
    assert [one.upload_id for one in desk.told] == ["older"]


async def test_where_the_broker_is_away_it_goes_on_later_and_gives_up_in_the_end(
    desk: Desk,
) -> None:
    desk.ask()
    desk.fail = 1
    job = await desk.turn()
    assert (job.state, job.last_error) == ("due", "ConnectionError")
    assert not await desk.worker.turn(asyncio.Event())
    desk.clock.advance(2)
    desk.fail = 1
    await desk.turn()
    desk.clock.advance(2)
    job = await desk.turn()
    assert (job.state, job.last_error) == ("failed", "ConnectionError")


async def test_a_stopped_search_goes_on_where_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.upload.PAGE_UPLOADS", 5)
    desk.ask()
    stop = asyncio.Event()
    stop.set()
    turns = 0
    while await desk.worker.turn(stop):
        turns += 1
    (job,) = desk.jobs.all()
    assert turns == 5  # four pages, of which each begins with the last of the one before; the end
    assert job.state == "done"
    assert {one.upload_id for one in desk.told} == {"shows", "older"}


async def test_a_reference_that_is_gone_is_found_nowhere(desk: Desk) -> None:
    desk.ask()
    desk.library.remove(FILM)
    job = await desk.turn()
    assert (job.state, job.uploads_done) == ("done", 0)
    assert desk.told == []


def test_a_sketch_has_a_hash_every_half_second_at_most() -> None:
    video = fingerprint(drift(1, 200, step_bits=12), step_s=0.25)
    assert len(sketch_of(video)) == pytest.approx(video.duration_s / SKETCH_EVERY_SECONDS, rel=0.1)
    assert len(sketch_of(fingerprint(np.repeat(drift(1, 1), 200, axis=0)))) == 1
    assert sketch_of(fingerprint(drift(1, 0))).shape == (0, 32)
