"""One line that says what an alert is about."""

from __future__ import annotations

import pytest

from contracts.ids import Facet, ReferenceId
from contracts.screening import Match
from detectors.headline import campaign_headline, match_headline


@pytest.mark.parametrize(
    ("facets", "headline"),
    [
        ({"device:d": 5}, "5 accounts, device farm on one device"),
        ({"device:d": 5, "device:e": 4}, "5 accounts, device farm on 2 devices"),
        ({"payment:p": 5, "device:d": 5}, "5 accounts, device farm on one device, one shared card"),
        ({"payment:p": 3, "payment:q": 2}, "5 accounts, 2 shared cards"),
        ({"email_stem:vip@gmail.com": 4}, "5 accounts, numbered mailboxes like vip@gmail.com"),
        ({"link_domain:a.example": 5}, "5 accounts, posting a.example"),
        (
            {f"link_domain:{name}.example": 5 for name in "dbca"} | {"link_domain:z.example": 15},
            "5 accounts, posting z.example, a.example and 3 more",
        ),
        ({"ip:2001:db8::1": 5}, "5 accounts, sharing ip 2001:db8::1"),
        ({"ip+user_agent:x": 5}, "5 accounts, sharing ip and user agent x"),
        ({"tax_number:7": 5}, "5 accounts, sharing tax number 7"),
        ({"reference:night-train": 3}, "5 accounts, uploading one work"),
    ],
)
def test_says_how_many_and_what_ties_them(facets: dict[str, int], headline: str) -> None:
    counted = {Facet(facet): accounts for facet, accounts in facets.items()}
    assert campaign_headline(5, counted, None) == headline
    assert campaign_headline(5, dict(reversed(counted.items())), None) == headline


@pytest.mark.parametrize(
    ("network", "said"),
    [("subnet:203.0.113.0/24", "subnet 203.0.113.0/24"), ("ip:2001:db8::1", "address 2001:db8::1")],
)
def test_says_where_most_came_from(network: str, said: str) -> None:
    told = campaign_headline(42, {Facet("link_domain:cheap.example"): 42}, Facet(network))
    assert told == f"42 accounts, posting cheap.example, {said}"


def match(title: str, seconds: float) -> Match:
    return Match(
        reference_id=ReferenceId(title),
        title=title,
        score=0.9,
        upload_start_s=10,
        upload_end_s=10 + seconds,
        reference_start_s=0,
        reference_end_s=seconds,
    )


def test_says_which_work_and_how_much_of_it() -> None:
    matches = [match("Night Train", 40), match("Day Boat", 65.9), match("Night Train", 25)]
    assert match_headline("Concert", matches) == (
        "“Night Train” for 1:05 and “Day Boat” for 1:05 in upload “Concert”"
    )
    assert match_headline("", matches[:1]) == "“Night Train” for 0:40 in an upload"
