"""Events and small rulesets for tests of whatever scores them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from contracts.event import Post, Signup, epoch_ms
from contracts.ids import Code, Mode
from contracts.ruleset import Level, Ruleset, SignalRule, VelocityRule

START = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)
START_MS = epoch_ms(START)


def rule(
    *levels: tuple[int, int],
    facet: str = "device",
    window: int = 3_600,
    group: str = "any",
    ties: bool = True,
    mode: Mode = "live",
    code: str = "",
) -> VelocityRule:
    """A velocity rule; levels are pairs of accounts and points."""
    return VelocityRule(
        code=Code(code or f"velocity.{facet}.{window}s"),
        facet=facet,
        window=window,
        levels=tuple(Level(at_least=accounts, points=points) for accounts, points in levels),
        group=group,
        ties=ties,
        mode=mode,
    )


def ruleset(
    *rules: VelocityRule,
    groups: dict[str, int] | None = None,
    signals: dict[str, SignalRule] | None = None,
) -> Ruleset:
    """A ruleset of these rules; ``any`` is a group without much of a cap."""
    return Ruleset(
        version="test-1",
        groups={"any": 100, **(groups or {})},
        velocity=rules,
        signals={Code(code): signal for code, signal in (signals or {}).items()},
    )


def signup(number: int | str, *, at_s: float = 0, account: str = "", **fields: Any) -> Signup:
    """The signup of an account, so many seconds after ``START``."""
    fields.setdefault("user_agent", "test")
    if not {"email", "ip", "device_id"} & fields.keys():
        fields["device_id"] = f"own-{number}"
    return Signup.model_validate(
        {
            "event_id": f"signup-{number}",
            "account_id": account or f"a{number}",
            "occurred_at": datetime.fromtimestamp(START.timestamp() + at_s, UTC),
            **fields,
        }
    )


def post(number: int | str, *, at_s: float = 0, account: str = "", **fields: Any) -> Post:
    """A post of an account, so many seconds after ``START``."""
    return Post.model_validate(
        {
            "kind": "event_page",
            "event_id": f"post-{number}",
            "account_id": account or f"a{number}",
            "occurred_at": datetime.fromtimestamp(START.timestamp() + at_s, UTC),
            **fields,
        }
    )
