"""Which alerts a sink gets: ``slack=campaign:hold,media:*;jsonl=*:*``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

from contracts.alert import Alert, AlertKind
from contracts.ids import ACTIONS, Action
from sinks.errors import InvalidRoutes

KINDS: tuple[AlertKind, ...] = get_args(AlertKind)

_EXAMPLE = "slack=campaign:hold,media:*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Lets alerts of a kind and an action through to a sink; None stands for any."""

    sink: str
    kind: AlertKind | None = None
    action: Action | None = None

    def takes(self, alert: Alert) -> bool:
        """Whether the alert goes this way."""
        return self.kind in (None, alert.kind) and self.action in (None, alert.action)


def parse_routes(text: str, *, sinks: Collection[str]) -> tuple[Route, ...]:
    """Read routes.

    Args:
        text: Clauses ``SINK=KIND:ACTION,KIND:ACTION`` with ``;`` between, ``*`` for any kind or
            action. Blanks around names and an empty clause do not matter.
        sinks: The names of the sinks there are.

    Raises:
        InvalidRoutes: With the clause that is wrong and what would do.
    """
    routes: list[Route] = []
    for clause in (part.strip() for part in text.split(";")):
        if not clause:
            continue
        sink, equals, patterns = (part.strip() for part in clause.partition("="))
        if not equals:
            raise InvalidRoutes(
                clause=clause, reason=f"a route is SINK=KIND:ACTION, such as {_EXAMPLE}"
            )
        if sink not in sinks:
            there_are = ", ".join(sorted(sinks)) or "none"
            raise InvalidRoutes(
                clause=clause, reason=f"there is no sink {sink!r}; there are {there_are}"
            )
        routes += [_route(sink, pattern.strip(), clause) for pattern in patterns.split(",")]
    return tuple(routes)


def sinks_for(alert: Alert, routes: tuple[Route, ...], sinks: Collection[str]) -> tuple[str, ...]:
    """The sinks that get an alert. One that no route names gets every alert."""
    routed = {route.sink for route in routes}
    taking = {route.sink for route in routes if route.takes(alert)}
    return tuple(name for name in sinks if name not in routed or name in taking)


def _route(sink: str, pattern: str, clause: str) -> Route:
    kind, colon, action = (part.strip() for part in pattern.partition(":"))
    if not colon:
        raise InvalidRoutes(
            clause=clause, reason=f"{pattern!r} must be KIND:ACTION, such as campaign:hold or *:*"
        )
    if kind != "*" and kind not in KINDS:
        raise InvalidRoutes(clause=clause, reason=_choice("kind", kind, KINDS))
    if action != "*" and action not in ACTIONS:
        raise InvalidRoutes(clause=clause, reason=_choice("action", action, ACTIONS))
    return Route(
        sink=sink,
        kind=next((one for one in KINDS if one == kind), None),
        action=next((one for one in ACTIONS if one == action), None),
    )


def _choice(what: str, given: str, known: tuple[str, ...]) -> str:
    return f"there is no {what} {given!r}; use {', '.join(known)} or *"
