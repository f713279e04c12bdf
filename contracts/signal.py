"""One detector's finding about one account, and what the ruleset makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from contracts.ids import AccountId, Code, EventId, Facet, Mode

Evidence = Mapping[str, Any]
"""JSON values by name: what a reviewer needs to see to agree or disagree."""


class Finding(Struct, frozen=True, kw_only=True, gc=False):
    """What a detector saw, before the ruleset has priced it."""

    code: Code
    evidence: Evidence = field(default_factory=dict)


class Burst(Struct, frozen=True, kw_only=True, gc=False):
    """A facet that fired, and when.

    Attributes:
        since_ms: When the burst began: the start of the pane in which a window first reached a
            level.
        window_ms: The length of the rule's window.
        accounts: So many accounts, or more, were counted in one window.
        ties: Whether accounts that share the facet belong to one campaign.
    """

    facet: Facet
    since_ms: int
    window_ms: int
    accounts: int
    ties: bool = False


class Signal(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A finding with its price.

    Like readings, signals are made by the million: a ``Struct`` costs a sixth of a dataclass
    (docs/decisions/0005).

    Attributes:
        event_id: The event of this account that the finding is about; for a retroactive signal
            the earlier event, not the one that tipped the balance.
        points: What it adds to the risk, before the cap of its group.
        group: Signals of one group add up to no more than the group's cap.
        burst: Of what was counted over several events.
        lasts: Whether it says something of the account. What one page, comment or message says
            adds up with what stands in the same one, and with what lasts.
        mode: ``live``, or ``shadow`` for one that is only measured.
    """

    code: Code
    points: int
    group: str
    account_id: AccountId
    event_id: EventId
    occurred_at_ms: int
    evidence: Evidence = field(default_factory=dict)
    burst: Burst | None = None
    mode: Mode = "live"
    lasts: bool = True
