"""What one event says by itself, priced by the ruleset."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from contracts.event import Event, Upload, epoch_ms
from contracts.ids import AccountId, Code, EventId, UploadId
from contracts.ruleset import SignalRule, default_ruleset
from contracts.screening import ScreeningStatus
from detectors.media import MEDIA_MATCH, media_findings
from detectors.reader import READ_AT_ONCE, Reader
from tests.traffic import START, START_MS, post, rule, ruleset, signup
from tests.unit.contracts.messages import SCREENING

READER = Reader(default_ruleset())


def test_reads_facets_and_signals_of_a_signup() -> None:
    reading = READER.read(
        signup(1, at_s=2, device_id="d1", email="x@mailinator.com", bio="see bit.ly/abc")
    )
    assert (reading.event_id, reading.account_id) == ("signup-1", "a1")
    assert reading.occurred_at_ms == START_MS + 2_000
    assert reading.facets[0] == "device:d1"
    codes = {signal.code: signal for signal in reading.signals}
    disposable = codes[Code("identity.disposable_mailbox")]
    assert (disposable.points, disposable.group) == (30, "identity")
    assert (disposable.event_id, disposable.account_id) == ("signup-1", "a1")
    assert "link.shortener" in codes
    assert not any(signal.burst for signal in reading.signals)


def test_keeps_nothing_from_one_event_to_the_next() -> None:
    spam = post(1, text="hxxp://bit[.]ly/x")
    assert READER.read(spam) == READER.read(spam)
    assert READER.read(post(2, text="A quiet evening")).signals == ()


def test_prices_in_the_rulesets_mode_and_drops_what_is_off_or_unpriced() -> None:
    def signals(**modes: str) -> list[tuple[str, str]]:
        rules = ruleset(
            rule((2, 1)),
            signals={
                f"link.{name}": SignalRule.model_validate(
                    {"points": 7, "group": "any", "mode": mode}
                )
                for name, mode in modes.items()
            },
        )
        reading = Reader(rules).read(post(1, text="hxxp://bit[.]ly/x"))
        return [(signal.code, signal.mode) for signal in reading.signals]

    assert signals(shortener="live", disguised="shadow") == [
        ("link.shortener", "live"),
        ("link.disguised", "shadow"),
    ]
    assert signals(shortener="off") == signals() == []


def test_a_match_is_one_signal_about_the_uploader() -> None:
    reading = READER.read_screening(SCREENING)
    (found,) = reading.signals
    assert (found.code, found.points, found.account_id) == ("media.match", 100, "a77")
    assert found.evidence == {
        "upload_id": "u1",
        "references": ["night-train"],
        "matched_seconds": 21.8,
    }
    assert reading.occurred_at_ms == epoch_ms(SCREENING.occurred_at)
    assert reading.facets == ()


def test_a_review_is_a_signal_of_its_own_where_the_ruleset_has_it() -> None:
    (found,) = READER.read_screening(replace(SCREENING, action="review")).signals
    assert (found.code, found.points) == ("media.review", 60)
    rules = ruleset(rule((2, 1)), signals={MEDIA_MATCH: SignalRule(points=100, group="any")})
    (found,) = Reader(rules).read_screening(replace(SCREENING, action="review")).signals
    assert (found.code, found.points) == ("media.match", 100)


def test_what_is_no_match_says_nothing() -> None:
    statuses: tuple[ScreeningStatus, ...] = ("clean", "rejected", "error")
    for status in statuses:
        assert media_findings(replace(SCREENING, status=status), ()) == ()


def test_an_account_is_new_for_a_day() -> None:
    def is_new(age: timedelta | None) -> bool:
        created = None if age is None else START - age
        return READER.read(post(1, account_created_at=created)).is_new

    assert READER.read(signup(1)).is_new
    assert is_new(timedelta())
    assert is_new(timedelta(hours=24) - timedelta(milliseconds=1))
    assert not is_new(timedelta(hours=24))
    assert is_new(timedelta(minutes=-5))  # the platform's clocks disagree
    assert not is_new(None)


def test_an_upload_shows_nothing_to_count() -> None:
    upload = Upload(
        event_id=EventId("u"),
        account_id=AccountId("a"),
        occurred_at=START,
        upload_id=UploadId("1"),
        uri="file:///f.mp4",
    )
    reading = READER.read(upload)
    assert (reading.facets, reading.values, reading.is_new) == ((), (), False)


def test_events_read_together_read_as_each_alone() -> None:
    texts = ("A quiet evening", "hxxp://bit[.]ly/x", "", "Subscribe to my channel, free followers")
    events: list[Event] = [post(number, text=text * 9) for number, text in enumerate(texts)]
    events += [signup(9), signup(10, bio="Check out my channel and subscribe, I do covers")]
    many = events * (READ_AT_ONCE // len(events) + 1)
    assert READER.read_all(many) == [READER.read(event) for event in many]
    assert READER.read_all(()) == []
