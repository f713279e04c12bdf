"""The demo's tally passes when all was found and nobody honest was disturbed, and only then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from msgspec import structs

from contracts.alert import Alert
from contracts.ids import AccountId, Action, AlertId, CampaignId, EventId, ReferenceId, UploadId
from contracts.screening import Match, Screening
from contracts.verdict import Verdict
from doorstaff.demo.evening import Planted
from doorstaff.demo.film import UPLOADS, UploadPlan
from doorstaff.demo.tally import Heard, tally
from tests.alerts import CAMPAIGN, MEDIA
from tests.unit.contracts.messages import SCREENING, VERDICT

AT = datetime(2026, 5, 4, 18, tzinfo=UTC)


def accounts(name: str, count: int) -> frozenset[AccountId]:
    return frozenset(AccountId(f"{name}-{number}") for number in range(count))


PLANTED = Planted(
    farm=accounts("farm", 40),
    enumerated=accounts("mail", 30),
    link_builders=accounts("link", 30),
    office=accounts("office", 100),
)
PEOPLE = accounts("person", 600)


def verdict(account: str, action: Action, campaign: str | None = None) -> Verdict:
    return structs.replace(
        VERDICT,
        event_id=EventId(f"e-{account}"),
        account_id=AccountId(account),
        action=action,
        campaign_id=CampaignId(campaign) if campaign else None,
    )


def campaign(name: str, *, revision: int = 1) -> Alert:
    return replace(
        CAMPAIGN,
        alert_id=AlertId(name),
        campaign_id=CampaignId(name),
        campaign_ids=(CampaignId("unheard of"), CampaignId(name)),
        revision=revision,
    )


def screening(plan: UploadPlan) -> Screening:
    clean = replace(SCREENING, upload_id=plan.upload_id, status="clean", matches=())
    if plan.stretch is None:
        return clean
    begins, reference, length = (
        plan.stretch.upload_start_s,
        plan.stretch.reference_start_s,
        plan.stretch.length_s,
    )
    match = Match(
        reference_id=ReferenceId("night"),
        title="The Night Train",
        score=0.9,
        upload_start_s=begins + 0.5,
        upload_end_s=begins + length - 0.5,
        reference_start_s=reference + 0.5,
        reference_end_s=reference + length - 0.5,
    )
    return replace(clean, status="match", matches=(match,))


def perfect() -> Heard:
    heard = Heard()
    parts = {"farm": PLANTED.farm, "mail": PLANTED.enumerated, "link": PLANTED.link_builders}
    for name, members in parts.items():
        for account in members:
            heard.add_verdict(verdict(account, "hold", name))
        heard.add_alert(campaign(name, revision=3))
    for account in (*PLANTED.office, *PEOPLE):
        heard.add_verdict(verdict(account, "allow"))
    for plan in UPLOADS:
        found = heard.screenings[plan.upload_id] = screening(plan)
        heard.add_verdict(verdict(f"uploader-{plan.upload_id}", "hold"))
        if found.matches:
            heard.add_alert(replace(MEDIA, alert_id=AlertId(plan.upload_id), matches=found.matches))
    return heard


def failed(heard: Heard) -> list[str]:
    return [line.what for line in tally(heard, PLANTED, UPLOADS) if not line.passed]


def allow(heard: Heard, some: Iterable[AccountId], action: Action = "allow") -> None:
    for account in some:
        heard.add_verdict(verdict(account, action))


def untie(heard: Heard, some: Iterable[AccountId]) -> None:
    for account in some:
        heard.add_verdict(verdict(account, "hold"))


def split(heard: Heard) -> None:
    """One account in a campaign of its own, with an alert of its own."""
    account = min(PLANTED.farm)
    heard.add_verdict(verdict(account, "hold", "other"))
    other = campaign("other")
    heard.add_alert(other)


def shift(heard: Heard, upload: str, seconds: float) -> None:
    found = heard.screenings[UploadId(upload)]
    match = replace(found.matches[0], reference_end_s=found.matches[0].reference_end_s + seconds)
    heard.screenings[found.upload_id] = replace(found, matches=(match,))
    heard.add_alert(replace(MEDIA, alert_id=AlertId(upload), matches=(match,), revision=2))


def test_all_is_well_when_all_is_found() -> None:
    assert failed(perfect()) == []
    farm = tally(perfect(), PLANTED, UPLOADS)[0]
    assert (farm.planted, farm.found) == ("40 accounts", "40 flagged, 40 tied, 1 alert")


def test_nothing_heard_is_nothing_found() -> None:
    assert len(failed(Heard())) == 10


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda heard: allow(heard, list(PLANTED.farm)[:3]), "device farm"),
        (lambda heard: untie(heard, list(PLANTED.enumerated)[:2]), "numbered mailboxes"),
        (lambda heard: heard.alerts.pop("link"), "link builders"),
        (
            lambda heard: heard.add_alert(
                replace(heard.alerts["link"], status="closed", revision=4)
            ),
            "link builders",
        ),
        (
            lambda heard: heard.add_alert(replace(heard.alerts["mail"], alert_id=AlertId("twice"))),
            "numbered mailboxes",
        ),
        (split, "device farm"),
        (
            lambda heard: heard.add_alert(
                replace(heard.alerts["farm"], campaign_ids=(CampaignId("other"),), revision=4)
            ),
            "device farm",
        ),
        (lambda heard: allow(heard, list(PLANTED.office)[:1], "hold"), "on-sale rush"),
        (lambda heard: allow(heard, list(PEOPLE)[:4], "review"), "everybody else"),
        (lambda heard: heard.screenings.pop("video-0"), "upload “Live from the hall”"),
        (lambda heard: heard.screenings.pop("video-1"), "upload “Friday stream”"),
        (lambda heard: heard.alerts.pop("video-1"), "upload “Friday stream”"),
        (lambda heard: shift(heard, "video-1", 1.6), "upload “Friday stream”"),
        (
            lambda heard: heard.screenings.update(
                {UploadId("video-2"): replace(SCREENING, upload_id=UploadId("video-2"))}
            ),
            "upload “Product launch”",
        ),
    ],
)
def test_one_thing_missed_or_somebody_disturbed_fails_its_line(
    spoil: Callable[[Heard], object], what: str
) -> None:
    heard = perfect()
    spoil(heard)
    assert failed(heard) == [what]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda heard: allow(heard, list(PLANTED.farm)[:2]),  # 95 % is found
        lambda heard: allow(heard, list(PLANTED.office)[:9], "review"),
        lambda heard: allow(heard, list(PEOPLE)[:3], "review"),
        lambda heard: shift(heard, "video-1", 1.4),
    ],
)
def test_what_is_tolerated(spoil: Callable[[Heard], object]) -> None:
    heard = perfect()
    spoil(heard)
    assert failed(heard) == []


def test_the_newest_word_counts() -> None:
    heard = Heard()
    heard.add_verdict(verdict("a", "hold"))
    heard.add_verdict(verdict("a", "allow"))
    heard.add_alert(replace(CAMPAIGN, revision=2, status="grown"))
    heard.add_alert(CAMPAIGN)
    assert heard.actions() == {"a": "allow"}
    assert heard.alerts[CAMPAIGN.alert_id].revision == 2
