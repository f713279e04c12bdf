"""Policies, disputes, what is excluded, known files, past uploads: kept, and told by a revision."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from contracts.ids import AccountId, EventId, ReferenceId, UploadId
from contracts.match_policy import MatchPolicy
from store.exclusion import ExclusionStore
from store.policy import PolicyRecord, PolicyStore
from store.reference import ReferenceRecord, ReferenceStore
from store.retroactive import RetroactiveStore
from store.upload import UploadFingerprintRecord, UploadStills, UploadStore, prune_uploads

FILM = ReferenceId("film")
RECORD = ReferenceRecord(
    reference_id=FILM,
    title="The film",
    enabled=True,
    duration_s=60.0,
    sha256="ab" * 32,
    source="film.mp4",
    added_at_ms=1,
    changed_at_ms=1,
)
POLICY = PolicyRecord(
    reference_id=FILM,
    policy=MatchPolicy(
        min_seconds=5, action="review", territories=("DE",), allowed_accounts=(AccountId("a"),)
    ),
    changed_at_ms=5,
    changed_by="mara",
)


@pytest.fixture
def references(engine: Engine) -> ReferenceStore:
    store = ReferenceStore(engine)
    assert store.add(RECORD, {"x": b"frames"}, digests=("md5:aa", "md5:bb", "md5:aa"))
    return store


def test_known_files_are_those_of_enabled_references(references: ReferenceStore) -> None:
    other = replace(RECORD, reference_id=ReferenceId("other"))
    assert references.add(other, {}, digests=("md5:bb",))
    assert references.digests() == {"md5:aa": (FILM,), "md5:bb": (FILM, other.reference_id)}
    assert references.digests_of(FILM) == ("md5:aa", "md5:bb")
    references.set_enabled(FILM, enabled=False, at_ms=9)
    assert references.digests() == {"md5:bb": (other.reference_id,)}
    references.remove(other.reference_id)
    assert references.digests() == {}


def test_every_change_raises_the_revision_and_looking_does_not(
    engine: Engine, references: ReferenceStore
) -> None:
    policies, excluded = PolicyStore(engine), ExclusionStore(engine)
    numbers: dict[str, int | None] = {}

    def interval() -> None:
        numbers["interval"] = excluded.add_interval(
            FILM, start_s=0, end_s=2, reason="logo", at_ms=9
        )

    def pictures(whose: ReferenceId | None) -> None:
        numbers["pictures"] = excluded.add_negative(
            reference_id=whose, title="slate", algorithm="x", frames=b"", at_ms=9
        )

    def dispute() -> None:
        numbers["dispute"] = policies.open_dispute(
            FILM, upload_id=UploadId("u"), opened_by="anna", reason="mine", at_ms=9
        )

    seen = [references.revision()]
    for change in (
        lambda: policies.set(POLICY),
        dispute,
        lambda: policies.close_dispute(
            numbers["dispute"] or 0, outcome="upheld", closed_by="mara", note="", at_ms=10
        ),
        interval,
        lambda: excluded.remove_interval(numbers["interval"] or 0, at_ms=11),
        lambda: pictures(None),
        lambda: pictures(FILM),
        lambda: excluded.remove_negative(numbers["pictures"] or 0, at_ms=12),
        lambda: references.set_enabled(FILM, enabled=False, at_ms=13),
        lambda: references.remove(FILM),
    ):
        change()
        assert references.revision() > seen[-1]
        seen.append(references.revision())
    references.all()
    policies.all()
    assert references.revision() == seen[-1]


def test_what_is_excluded_of_a_reference_has_workers_take_it_over_anew(
    engine: Engine, references: ReferenceStore
) -> None:
    excluded = ExclusionStore(engine)

    def changed_ms() -> int:
        record = references.get(FILM)
        assert record is not None
        return record.changed_at_ms

    number = excluded.add_interval(FILM, start_s=1, end_s=2, reason="", at_ms=50)
    assert number is not None
    assert changed_ms() == 50
    assert excluded.remove_interval(number, at_ms=50)
    assert changed_ms() == 51
    assert not excluded.remove_interval(number, at_ms=60)
    assert (
        excluded.add_interval(ReferenceId("none"), start_s=1, end_s=2, reason="", at_ms=50) is None
    )


def test_a_policy_is_kept_as_it_is_and_replaced(engine: Engine, references: ReferenceStore) -> None:
    policies = PolicyStore(engine)
    assert policies.set(POLICY)
    assert policies.all() == {FILM: POLICY}
    later = replace(POLICY, policy=MatchPolicy(), changed_at_ms=6, changed_by="ben")
    assert policies.set(later)
    assert policies.all() == {FILM: later}
    assert not policies.set(replace(POLICY, reference_id=ReferenceId("none")))
    references.remove(FILM)
    assert policies.all() == {}


def test_a_dispute_is_closed_once_and_outlives_its_reference(
    engine: Engine, references: ReferenceStore
) -> None:
    policies = PolicyStore(engine)
    number = policies.open_dispute(
        FILM, upload_id=UploadId("u"), opened_by="anna", reason="my own work", at_ms=9
    )
    assert number is not None
    close = {"closed_by": "mara", "note": "licence seen", "at_ms": 20}
    assert policies.close_dispute(number, outcome="upheld", **close)  # type: ignore[arg-type]
    assert not policies.close_dispute(number, outcome="rejected", **close)  # type: ignore[arg-type]
    references.remove(FILM)
    (dispute,) = policies.disputes(FILM)
    assert (dispute.opened_by, dispute.reason, dispute.opened_at_ms) == ("anna", "my own work", 9)
    assert (dispute.outcome, dispute.closed_by, dispute.note) == ("upheld", "mara", "licence seen")
    assert policies.disputes(outcome="open") == ()
    unknown = policies.open_dispute(
        ReferenceId("none"), upload_id=UploadId(""), opened_by="a", reason="", at_ms=1
    )
    assert unknown is None


def keep(store: UploadStore, name: str, at_ms: int, frames: bytes = b"f") -> None:
    record = UploadFingerprintRecord(
        upload_id=UploadId(name),
        account_id=AccountId("a"),
        event_id=EventId(f"e-{name}"),
        occurred_at_ms=at_ms,
        duration_s=9.5,
        algorithm="x",
        frames=frames,
    )
    stills = UploadStills(
        upload_id=UploadId(name), occurred_at_ms=at_ms, rows=1, hashes=bytes([at_ms]) * 32
    )
    store.keep(record, stills)


def test_past_uploads_come_oldest_first_each_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.upload.PAGE_UPLOADS", 3)
    store = UploadStore(engine)
    for number in range(10):
        keep(store, f"u{9 - number}", 10 + number // 4)
    keep(store, "u0", 10 + 9 // 4, frames=b"again")
    pages = list(store.stills(from_ms=10, to_ms=12))
    assert [len(page) for page in pages] == [3, 3, 2]
    seen = [(one.occurred_at_ms, one.upload_id) for page in pages for one in page]
    assert seen == sorted(seen)
    assert store.count(from_ms=10, to_ms=12) == len(set(seen)) == 8
    found = store.get(UploadId("u0"), "x")
    assert found is not None
    assert found.frames == b"again"
    with engine.begin() as connection:
        assert prune_uploads(connection, before_ms=12) == 8
    assert store.count(from_ms=0, to_ms=99) == 2
    assert store.get(UploadId("u9"), "x") is None


def test_a_search_is_leased_goes_on_where_it_was_and_is_finished_once(engine: Engine) -> None:
    store = RetroactiveStore(engine)
    store.request(FILM, from_ms=100, to_ms=1_000)

    def claim(lease: str, now_ms: int) -> int | None:
        job = store.claim(lease=lease, now_ms=now_ms, lease_ms=50, waited_ms=10)
        return None if job is None else job.at_ms

    assert claim("one", 1_005) is None  # asked for too short a while ago
    job = store.claim(lease="one", now_ms=1_010, lease_ms=50, waited_ms=10)
    assert job is not None
    assert (job.at_ms, job.attempts) == (100, 1)
    assert claim("two", 1_020) is None
    assert store.advance(job, at_ms=400, done=7, found=1, leased_until_ms=1_100)
    assert claim("two", 1_099) is None
    assert claim("two", 1_100) == 400
    assert not store.advance(job, at_ms=500, done=1, found=0, leased_until_ms=9_999)
    assert not store.finish(job, state="done", now_ms=1_101)
    (listed,) = store.all()
    assert (listed.uploads_done, listed.uploads_found, listed.attempts) == (7, 1, 1)
    assert store.finish(listed, state="done", now_ms=1_200)
    assert claim("three", 9_999) is None
    assert not store.cancel(FILM, now_ms=2_000)


def test_a_search_that_is_asked_for_again_begins_again(engine: Engine) -> None:
    store = RetroactiveStore(engine)
    store.request(FILM, from_ms=100, to_ms=1_000)
    before = store.claim(lease="one", now_ms=2_000, lease_ms=50)
    assert before is not None
    store.request(FILM, from_ms=0, to_ms=3_000)
    assert not store.advance(before, at_ms=400, done=7, found=1, leased_until_ms=9_999)
    assert store.cancel(FILM, now_ms=3_500)
    assert store.claim(lease="one", now_ms=4_000, lease_ms=50) is None
    (listed,) = store.all()
    assert (listed.state, listed.from_ms, listed.uploads_done) == ("cancelled", 0, 0)
