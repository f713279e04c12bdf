"""The outbox: owed once, leased to one worker, in order, given up in the end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine

from contracts.alert import Alert
from contracts.ids import AlertId
from store.acceptance import accept_alert
from store.delivery import (
    Delivery,
    claim_due,
    count_due,
    end_batch,
    list_failed,
    mark_done,
    mark_failed,
    prune_finished,
    release,
    requeue_failed,
    retry_later,
)
from tests.alerts import CAMPAIGN, MEDIA, alert_like, grown_to


def accept(engine: Engine, *alerts: Alert, now_ms: int = 0, sink: str = "s") -> None:
    with engine.begin() as connection:
        for alert in alerts:
            accept_alert(connection, alert, sinks=(sink,), now_ms=now_ms)


def claim(engine: Engine, *, now_ms: int, limit: int = 1) -> tuple[Delivery, ...]:
    with engine.begin() as connection:
        return claim_due(connection, "s", now_ms=now_ms, lease_seconds=10, limit=limit)


def test_a_leased_delivery_is_nobody_elses_until_the_lease_ends(engine: Engine) -> None:
    accept(engine, CAMPAIGN)
    (first,) = claim(engine, now_ms=0)
    assert (first.alert, first.attempt) == (CAMPAIGN, 1)
    assert claim(engine, now_ms=9_999) == ()
    (second,) = claim(engine, now_ms=10_000)
    assert second.attempt == 2

    with engine.begin() as connection:  # the first worker comes back from the dead
        assert not mark_done(connection, first, now_ms=10_001)
        assert count_due(connection) == {"s": 1}
        assert mark_done(connection, second, now_ms=10_002)
        assert count_due(connection) == {}


def test_a_released_delivery_is_due_at_once(engine: Engine) -> None:
    accept(engine, CAMPAIGN)
    (held,) = claim(engine, now_ms=0)
    with engine.begin() as connection:
        assert release(connection, held)
    assert len(claim(engine, now_ms=1)) == 1


def test_a_batch_ends_with_what_arrived_and_leaves_the_rest(engine: Engine) -> None:
    accept(engine, *(alert_like(alert_id=AlertId(f"alert-{number}")) for number in range(5)))
    first, second, third, *rest = claim(engine, now_ms=0, limit=5)
    with engine.begin() as connection:
        end_batch(connection, [first, second], rest, broken_off=third, now_ms=1)
        assert count_due(connection) == {"s": 3}
        end_batch(connection, [first], [second], broken_off=None, now_ms=2)  # done already
        assert count_due(connection) == {"s": 3}
    again = {delivery.id: delivery.attempt for delivery in claim(engine, now_ms=3, limit=5)}
    assert again == {third.id: 2} | {one.id: 1 for one in rest}


def test_a_retry_waits_until_it_is_due(engine: Engine) -> None:
    accept(engine, CAMPAIGN)
    (held,) = claim(engine, now_ms=0)
    with engine.begin() as connection:
        retry_later(connection, held, now_ms=5, due_at_ms=1_000, error="no answer")
    assert claim(engine, now_ms=999) == ()
    assert claim(engine, now_ms=1_000)[0].attempt == 2


def test_a_newer_revision_supersedes_what_was_not_begun(engine: Engine) -> None:
    accept(engine, CAMPAIGN)
    accept(engine, grown_to(2), now_ms=1)
    (held,) = claim(engine, now_ms=1, limit=10)
    assert held.alert.revision == 2


def test_the_first_word_of_an_alert_is_that_it_was_opened(engine: Engine) -> None:
    accept(engine, grown_to(1, status="opened"))
    accept(engine, grown_to(2, status="escalated"), now_ms=1)
    accept(engine, grown_to(3, status="grown"), now_ms=2)
    (held,) = claim(engine, now_ms=2, limit=10)
    assert (held.alert.revision, held.alert.status) == (3, "opened")
    with engine.begin() as connection:
        mark_done(connection, held, now_ms=3)
    accept(engine, grown_to(4, status="grown"), now_ms=4)
    assert claim(engine, now_ms=4)[0].alert.status == "grown"


def test_an_alert_that_was_closed_before_anybody_heard_of_it_is_closed(engine: Engine) -> None:
    accept(engine, grown_to(1, status="opened"))
    accept(engine, grown_to(2, status="closed"), now_ms=1)
    assert claim(engine, now_ms=1)[0].alert.status == "closed"


def test_a_newer_revision_waits_for_an_older_one_under_way(engine: Engine) -> None:
    accept(engine, CAMPAIGN)
    (held,) = claim(engine, now_ms=0)
    accept(engine, grown_to(2), MEDIA, now_ms=1)
    (other,) = claim(engine, now_ms=1, limit=10)
    assert other.alert == MEDIA
    with engine.begin() as connection:
        mark_done(connection, held, now_ms=2)
    assert claim(engine, now_ms=2)[0].alert.revision == 2


def test_a_failed_attempt_gives_way_to_a_newer_revision(engine: Engine) -> None:
    accept(engine, CAMPAIGN)
    (held,) = claim(engine, now_ms=0)
    accept(engine, grown_to(2), now_ms=1)
    with engine.begin() as connection:
        retry_later(connection, held, now_ms=2, due_at_ms=60_000, error="no answer")
    assert claim(engine, now_ms=2)[0].alert.revision == 2


def test_what_failed_for_good_can_be_requeued(engine: Engine) -> None:
    accept(engine, CAMPAIGN)
    (held,) = claim(engine, now_ms=0)
    with engine.begin() as connection:
        mark_failed(connection, held, now_ms=1, error="HTTP 410")
        (failed,) = list_failed(connection)
        assert (failed.alert_id, failed.attempts, failed.error) == (
            CAMPAIGN.alert_id,
            1,
            "HTTP 410",
        )
        assert requeue_failed(connection, now_ms=2, sink="other") == 0
        assert requeue_failed(connection, now_ms=2) == 1
        assert list_failed(connection) == ()
    assert claim(engine, now_ms=2)[0].attempt == 1


def test_a_failed_revision_is_not_requeued_after_a_newer_one(engine: Engine) -> None:
    accept(engine, CAMPAIGN)
    (held,) = claim(engine, now_ms=0)
    with engine.begin() as connection:
        mark_failed(connection, held, now_ms=1, error="HTTP 410")
    accept(engine, grown_to(2), now_ms=2)
    with engine.begin() as connection:
        assert requeue_failed(connection, now_ms=3) == 0


def test_many_workers_claim_each_delivery_once(engine: Engine) -> None:
    accept(engine, *(alert_like(alert_id=f"alert-{number}") for number in range(60)))

    def work(_: int) -> list[str]:
        claimed: list[str] = []
        while got := claim(engine, now_ms=0, limit=3):
            claimed += [delivery.alert.alert_id for delivery in got]
        return claimed

    with ThreadPoolExecutor(4) as workers:
        claimed = [alert_id for ids in workers.map(work, range(4)) for alert_id in ids]
    assert len(claimed) == len(set(claimed)) == 60


def test_finished_deliveries_are_forgotten_after_a_while(engine: Engine) -> None:
    accept(engine, CAMPAIGN, MEDIA)
    (held,) = claim(engine, now_ms=0)
    with engine.begin() as connection:
        mark_done(connection, held, now_ms=100)
        assert prune_finished(connection, before_ms=100) == 0
        assert prune_finished(connection, before_ms=101) == 1
        assert count_due(connection) == {"s": 1}
