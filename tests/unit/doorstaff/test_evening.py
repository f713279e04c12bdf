"""The demo's evening: what it holds, and that it is the same one for the same seed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from contracts.event import Post, Signup, parse_event
from doorstaff.demo.evening import EVENING, OFFICE_IP, PLANTED_DOMAIN, Evening
from doorstaff.demo.film import REFERENCE_SECONDS, UPLOADS

BEGINS_AT = datetime(2026, 5, 4, 18, tzinfo=UTC)


def test_the_same_seed_makes_the_same_evening() -> None:
    one, other = Evening(begins_at=BEGINS_AT).events(), Evening(begins_at=BEGINS_AT).events()
    assert one == other
    assert Evening(begins_at=BEGINS_AT, seed=1).events() != one


def test_it_holds_what_the_issue_asks_for() -> None:
    events, planted = Evening(begins_at=BEGINS_AT).events()
    signups = [event for event in events if isinstance(event, Signup)]
    posts = [event for event in events if isinstance(event, Post)]
    assert len(signups) >= 5_000
    assert len({event.event_id for event in events}) == len(events)
    assert len({signup.account_id for signup in signups}) == len(signups)

    by_account = {signup.account_id: signup for signup in signups}
    assert len({by_account[account].device_id for account in planted.farm}) == 3
    addresses = [str(by_account[account].email) for account in planted.enumerated]
    stems = {address.partition("@")[0].rstrip("0123456789") for address in addresses}
    assert len(stems) == 1
    builders = {post.account_id for post in posts if PLANTED_DOMAIN in post.text}
    assert builders == planted.link_builders
    assert len(builders) == 30
    assert {str(by_account[account].ip) for account in planted.office} == {OFFICE_IP}
    rush = [by_account[account].occurred_at for account in planted.office]
    assert max(rush) - min(rush) < timedelta(minutes=10)
    assert len(planted.office) >= 100
    assert not planted.office & planted.attackers


def test_events_come_in_order_and_within_the_evening() -> None:
    events, _ = Evening(begins_at=BEGINS_AT).events()
    times = [event.occurred_at for event in events]
    assert times == sorted(times)
    assert times[0] >= BEGINS_AT
    assert times[-1] <= BEGINS_AT + EVENING + timedelta(minutes=15)


def test_every_event_is_one_that_the_door_lets_in() -> None:
    evening = Evening(begins_at=BEGINS_AT)
    events, _ = evening.events()
    upload = evening.upload(3, uri="/films/video-3.mp4", title="Concert")
    for event in (*events[::97], upload):
        assert parse_event(event.model_dump_json()) == event


def test_two_of_six_uploads_hold_a_stretch_of_the_reference() -> None:
    stretches = [(plan, plan.stretch) for plan in UPLOADS if plan.stretch]
    assert (len(UPLOADS), len(stretches)) == (6, 2)
    for plan, stretch in stretches:
        assert stretch is not None
        assert stretch.upload_start_s + stretch.length_s <= plan.length_s
        assert stretch.reference_start_s + stretch.length_s <= REFERENCE_SECONDS
