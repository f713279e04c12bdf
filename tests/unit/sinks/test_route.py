"""Routes: what they let through, and what is said of those that cannot be read."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import ACTIONS
from sinks.errors import InvalidRoutes
from sinks.route import KINDS, Route, parse_routes, sinks_for
from tests.alerts import CAMPAIGN, MEDIA, alert_like

SINKS = ("console", "slack", "jsonl")


def test_routes_read_as_the_help_says() -> None:
    assert parse_routes("slack=campaign:hold,media:*;jsonl=*:*", sinks=SINKS) == (
        Route(sink="slack", kind="campaign", action="hold"),
        Route(sink="slack", kind="media"),
        Route(sink="jsonl"),
    )


def test_blanks_and_empty_clauses_do_not_matter() -> None:
    loose = parse_routes(" ; slack = campaign : hold , media:* ;\n", sinks=SINKS)
    assert loose == parse_routes("slack=campaign:hold,media:*", sinks=SINKS)


def test_a_sink_that_no_route_names_gets_everything() -> None:
    routes = parse_routes("slack=campaign:hold", sinks=SINKS)
    assert sinks_for(CAMPAIGN, routes, SINKS) == SINKS
    assert sinks_for(MEDIA, routes, SINKS) == ("console", "jsonl")
    assert sinks_for(alert_like(action="review"), routes, SINKS) == ("console", "jsonl")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slack", "'slack': a route is SINK=KIND:ACTION, such as slack=campaign:hold,media:*"),
        ("mail=*:*", "there is no sink 'mail'; there are console, jsonl, slack"),
        ("=*:*", "there is no sink ''"),
        ("slack=", "'' must be KIND:ACTION"),
        ("slack=campaign", "'campaign' must be KIND:ACTION, such as campaign:hold or *:*"),
        ("slack=video:hold", "no kind 'video'; use account, campaign, media, vip or *"),
        ("slack=media:ban", "no action 'ban'; use allow, review, hold or *"),
        ("jsonl=*:*;slack=media:hold,", "'slack=media:hold,': '' must be KIND:ACTION"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, message: str) -> None:
    with pytest.raises(InvalidRoutes) as raised:
        parse_routes(text, sinks=SINKS)
    assert message in str(raised.value)


@given(st.text(alphabet="slackjonmedi=:;,* \n\x00é", max_size=60))
def test_noise_is_read_or_refused_never_worse(text: str) -> None:
    with suppress(InvalidRoutes):
        assert all(route.sink in SINKS for route in parse_routes(text, sinks=SINKS))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(SINKS),
            st.sampled_from([None, *KINDS]),
            st.sampled_from([None, *ACTIONS]),
        ),
        max_size=8,
    )
)
def test_what_is_written_is_what_is_read(parts: list[tuple[str, None, None]]) -> None:
    text = ";".join(f"{sink}={kind or '*'}:{action or '*'}" for sink, kind, action in parts)
    assert parse_routes(text, sinks=SINKS) == tuple(
        Route(sink=sink, kind=kind, action=action) for sink, kind, action in parts
    )
