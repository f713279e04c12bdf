"""Decisions, rulesets and dead letters: kept once, read back as they were."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from contracts.dead_letter import DeadLetter
from contracts.event import Decision, epoch_ms
from contracts.ids import AlertId, EventId
from store.dead_letter import (
    count_dead_letters,
    get_dead_letter,
    list_dead_letters,
    mark_retried,
    prune_dead_letters,
    save_dead_letter,
)
from store.decision import list_decisions, save_decision
from store.errors import VersionTaken
from store.ruleset import live_ruleset, publish_ruleset, ruleset_history
from tests.alerts import OPENED_AT

DECISION = Decision.model_validate(
    {
        "decision_id": "d1",
        "occurred_at": OPENED_AT,
        "account_ids": ["a1", "a2"],
        "action": "ban",
        "reviewer": "mara",
        "reason": "device farm",
        "alert_id": "alert-1",
    }
)
LETTER = DeadLetter(
    reason="occurred_at: Field required",
    topic="signups",
    partition=3,
    offset=2**40,
    value=b"\x00\xff{",
    key=b"a1",
    failed_at=OPENED_AT,
)


def test_a_decision_is_kept_once(engine: Engine) -> None:
    later = DECISION.model_copy(
        update={
            "decision_id": EventId("d2"),
            "alert_id": AlertId("alert-2"),
            "occurred_at": OPENED_AT + timedelta(seconds=1),
        }
    )
    with engine.begin() as connection:
        assert save_decision(connection, later)
        assert save_decision(connection, DECISION)
        assert not save_decision(connection, DECISION)
        assert list_decisions(connection) == (later, DECISION)
        assert list_decisions(connection, alert_id=AlertId("alert-1")) == (DECISION,)


def test_the_ruleset_published_last_is_live(engine: Engine) -> None:
    with engine.begin() as connection:
        assert live_ruleset(connection) is None
        for number in (1, 2):
            assert publish_ruleset(
                connection,
                version=f"v{number}",
                text=f"version: v{number}\n",
                published_by="mara",
                now_ms=number,
                note="stricter",
            )
        live = live_ruleset(connection)
        assert live is not None
        assert (live.version, live.text, live.published_by) == ("v2", "version: v2\n", "mara")
        assert [one.version for one in ruleset_history(connection)] == ["v2", "v1"]


def test_a_version_means_one_text(engine: Engine) -> None:
    def publish(text: str) -> bool:
        with engine.begin() as connection:
            return publish_ruleset(
                connection, version="v1", text=text, published_by="mara", now_ms=1
            )

    assert publish("a")
    assert not publish("a")
    with pytest.raises(VersionTaken, match="version v1"):
        publish("b")


def test_a_dead_letter_is_kept_once_by_its_origin(engine: Engine) -> None:
    with engine.begin() as connection:
        assert save_dead_letter(connection, LETTER)
        assert not save_dead_letter(connection, replace(LETTER, reason="again"))
        assert save_dead_letter(connection, replace(LETTER, partition=4, key=None))
        newest, oldest = list_dead_letters(connection)
        assert oldest.letter == LETTER
        assert newest.letter.key is None
        assert get_dead_letter(connection, oldest.id) == oldest
        assert list_dead_letters(connection, before_id=newest.id) == (oldest,)
        assert list_dead_letters(connection, topic="posts") == ()


def test_another_message_at_the_same_offset_is_another_dead_letter(engine: Engine) -> None:
    after_a_restart = replace(LETTER, value=b"other", reason="not JSON")
    with engine.begin() as connection:
        assert save_dead_letter(connection, LETTER)
        assert save_dead_letter(connection, after_a_restart)
        assert not save_dead_letter(connection, after_a_restart)
        assert count_dead_letters(connection) == 2


def test_a_dead_letter_that_was_sent_again_is_off_the_list(engine: Engine) -> None:
    with engine.begin() as connection:
        save_dead_letter(connection, LETTER)
        (stored,) = list_dead_letters(connection)
        assert mark_retried(connection, [stored.id, 999], now_ms=1_000) == 1
        assert list_dead_letters(connection) == ()
        assert count_dead_letters(connection) == 0
        (again,) = list_dead_letters(connection, retried=True)
        assert again.retried_at is not None


def test_dead_letters_are_forgotten_after_a_while_and_sooner_once_sent_again(
    engine: Engine,
) -> None:
    failed_ms = epoch_ms(OPENED_AT)

    def prune(failed_before_ms: int, retried_before_ms: int) -> int:
        with engine.begin() as connection:
            return prune_dead_letters(
                connection,
                failed_before_ms=failed_before_ms,
                retried_before_ms=retried_before_ms,
            )

    with engine.begin() as connection:
        save_dead_letter(connection, LETTER)
        save_dead_letter(connection, replace(LETTER, offset=1))
        waits, sent = list_dead_letters(connection)
        mark_retried(connection, [sent.id], now_ms=failed_ms + 10)
    assert prune(failed_ms, failed_ms + 10) == 0
    assert prune(failed_ms, failed_ms + 11) == 1
    with engine.connect() as connection:
        assert list_dead_letters(connection, retried=None) == (waits,)
    assert prune(failed_ms + 1, 0) == 1
