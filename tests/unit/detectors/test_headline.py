"""One line that says what an alert is about."""

from __future__ import annotations

import pytest

from contracts.ids import Facet, ReferenceId
from contracts.screening import Match
from detectors.headline import campaign_headline, match_headline


@pytest.mark.parametrize(
    ("facets", "headline"),
    [
        (["device:d"], "5 accounts on one device"),
        (["device:d", "device:e"], "5 accounts on 2 shared devices"),
        (["payment:p", "device:d"], "5 accounts on one device and paying by one card"),
        (["payment:p", "payment:q"], "5 accounts paying by 2 shared cards"),
        (["email_stem:vip@gmail.com"], "5 accounts with numbered mailboxes like vip@gmail.com"),
        (["link_domain:a.example"], "5 accounts linking to a.example"),
        (
            [f"link_domain:{name}.example" for name in "abcd"],
            "5 accounts linking to a.example, b.example and 2 more",
        ),
        (["ip:2001:db8::1"], "5 accounts sharing ip 2001:db8::1"),
        (["tax_number:7"], "5 accounts sharing tax number 7"),
    ],
)
def test_says_how_many_and_what_ties_them(facets: list[str], headline: str) -> None:
    assert campaign_headline(5, [Facet(facet) for facet in facets]) == headline


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
