"""What a reader asks the list of alerts for, read from an address and written back to one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar, get_args
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from console.errors import BadQuestion
from contracts.alert import AlertKind, AlertStatus
from contracts.ids import ACTIONS, Action, AlertId, CampaignId
from store.alert import MAX_PAGE, AlertCursor

PAGE_SIZE = 50
KINDS: tuple[AlertKind, ...] = get_args(AlertKind)
STATUSES: tuple[AlertStatus, ...] = get_args(AlertStatus)
FIELDS = ("kind", "status", "action")
MAX_ID_CHARS = 256

_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Filters, and where in the list to begin; None asks for any, and for the newest."""

    kind: AlertKind | None = None
    status: AlertStatus | None = None
    action: Action | None = None
    campaign: CampaignId | None = None
    """As a verdict names it."""
    after: AlertCursor | None = None
    limit: int = PAGE_SIZE

    @property
    def filtered(self) -> bool:
        """Whether any filter is set."""
        return any((self.kind, self.status, self.action, self.campaign))

    def address(self, path: str = "/", **changed: Any) -> str:
        """The address that asks this, with some of it changed; it begins at the newest again."""
        asked = replace(self, **({"after": None} | changed))
        query = {name: getattr(asked, name) for name in FIELDS if getattr(asked, name)}
        if asked.campaign is not None:
            query["campaign"] = asked.campaign
        if asked.after is not None:
            query["after"] = f"{asked.after.updated_at_ms}.{asked.after.alert_id}"
        return f"{path}?{urlencode(query)}" if query else path


def parse_question(query: QueryParams) -> Question:
    """Read an address.

    Raises:
        BadQuestion: Names the field, and what would do.
    """
    return Question(
        kind=_one_of("kind", query.get("kind"), KINDS),
        status=_one_of("status", query.get("status"), STATUSES),
        action=_one_of("action", query.get("action"), ACTIONS),
        campaign=_campaign(query.get("campaign")),
        after=_cursor(query.get("after")),
        limit=_limit(query.get("limit")),
    )


def _one_of(name: str, given: str | None, words: tuple[_Word, ...]) -> _Word | None:
    if not given:
        return None
    for word in words:
        if word == given:
            return word
    msg = f"{name} must be one of {', '.join(words)}"
    raise BadQuestion(msg)


def _campaign(given: str | None) -> CampaignId | None:
    if not given or not given.strip():
        return None
    if len(given) > MAX_ID_CHARS or "\x00" in given:
        msg = "campaign must be the campaign_id of a verdict or an alert"
        raise BadQuestion(msg)
    return CampaignId(given.strip())


def _cursor(given: str | None) -> AlertCursor | None:
    if not given:
        return None
    updated_at_ms, dot, alert_id = given.partition(".")
    if not (dot and alert_id and _is_number(updated_at_ms)):
        msg = "after must be what an earlier page gave as its next"
        raise BadQuestion(msg)
    return AlertCursor(updated_at_ms=int(updated_at_ms), alert_id=AlertId(alert_id))


def _limit(given: str | None) -> int:
    if not given:
        return PAGE_SIZE
    if not _is_number(given) or not 1 <= int(given) <= MAX_PAGE:
        msg = f"limit must be a number from 1 to {MAX_PAGE}"
        raise BadQuestion(msg)
    return int(given)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 15  # noqa: PLR2004 -- fits a BIGINT
