"""The pipeline on the embedded services, spoken to as a platform and an operator would."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from threading import Event
from typing import Any

import psutil
import pytest
from sqlalchemy import Engine

from contracts.event import Decision, Signup, Upload
from contracts.ids import AccountId, EventId, UploadId
from doorstaff.database import open_home_database
from doorstaff.embedded.services import Services
from doorstaff.fleet import Fleet
from doorstaff.library import add_reference, open_store
from doorstaff.running import tell_running
from doorstaff.settings import Settings, load_settings
from media_screening.reference import ReferenceLibrary
from store.alert import get_alert
from store.dead_letter import StoredDeadLetter, list_dead_letters
from store.decision import list_decisions
from streams.topic import Topics
from tests.outlet import Outlet, read_until, send_events, send_raw
from tests.process import (
    LOOPBACK,
    Scrape,
    doorstaff,
    family,
    get,
    is_well,
    listens_on,
    log_of,
    scrape,
    settings,
    until,
)
from tests.unit.media_screening.conftest import films
from tests.unit.media_screening.footage import splice

__all__ = ["films"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NOW = datetime.now(UTC).replace(microsecond=0)
PARTITIONS = 3


@dataclass(frozen=True, kw_only=True)
class House:
    """A Doorstaff that runs: one stream worker, one media worker."""

    settings: Settings
    services: Services
    engine: Engine
    worker: str
    media_worker: str

    @property
    def kafka(self) -> str:
        return self.services.settings.kafka_url

    @property
    def topics(self) -> Topics:
        return Topics(partitions=PARTITIONS)

    def run(self, *words: object) -> CompletedProcess[str]:
        """A command of somebody who knows nothing but the home folder."""
        return doorstaff(*words, env=settings(home=self.settings.home, partitions=PARTITIONS))

    def answers(self, *events: Signup | Upload) -> Outlet:
        """What came out once each of these events had a verdict."""
        awaited = {event.event_id for event in events}
        return read_until(
            self.kafka,
            self.topics,
            lambda outlet: outlet.verdicts.keys() >= awaited,
            f"verdicts on {len(awaited)} events",
        )

    def letters(self, *, retried: bool | None = False) -> list[StoredDeadLetter]:
        with self.engine.connect() as connection:
            return list(list_dead_letters(connection, retried=retried, limit=500))

    def letters_of(self, values: set[bytes]) -> list[StoredDeadLetter]:
        return [stored for stored in self.letters() if stored.letter.value in values]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, films: dict[str, Path]) -> Iterator[House]:
    home = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {
            "HOME": home,
            "SINKS": "jsonl",
            "PARTITIONS": PARTITIONS,
            "MEDIA_LEASE_SECONDS": 5,
        }.items():
            environment.setenv(f"DOORSTAFF_{name}", str(value))
        for name in ("KAFKA_URL", "REDIS_URL", "DATABASE_URL"):
            environment.delenv(f"DOORSTAFF_{name}", raising=False)
        environment.delenv("DATABASE_URL", raising=False)
        configured = load_settings()
        with open_store(configured) as store:
            library = ReferenceLibrary(store)
            add_reference(library, films["work"], title="The work", reference_id="w1")
        with Services(configured) as services:
            fleet = Fleet(services, show_alerts=False)
            worker, media_worker = fleet.start("worker"), fleet.start("media", "worker")
            fleet.wait_ready(stop=Event())
            tell_running(services.settings)
            engine = open_home_database(configured)
            yield House(
                settings=configured,
                services=services,
                engine=engine,
                worker=worker,
                media_worker=media_worker,
            )
            engine.dispose()


def signup(**chosen: Any) -> Signup:
    """A signup like no other, but for what is chosen."""
    number = uuid.uuid4()
    fields: dict[str, Any] = {
        "event_id": f"signup-{number}",
        "account_id": f"account-{number}",
        "occurred_at": NOW,
        "email": f"{number.hex[:12]}@gmail.com",
        "ip": f"81.{number.bytes[0]}.{number.bytes[1]}.{number.bytes[2]}",
        "device_id": number.hex,
    }
    return Signup.model_validate({**fields, **chosen})


def upload(uri: Path) -> Upload:
    number = uuid.uuid4()
    return Upload(
        event_id=EventId(f"upload-{number}"),
        account_id=AccountId(f"uploader-{number}"),
        occurred_at=NOW,
        upload_id=UploadId(f"video-{number}"),
        uri=str(uri),
        title="A video",
    )


def jsonl(path: Path, *events: Signup | Upload | Decision) -> Path:
    path.write_text("".join(f"{event.model_dump_json()}\n" for event in events))
    return path


def test_every_signup_gets_a_verdict_also_allow(house: House, tmp_path: Path) -> None:
    signups = [signup() for _ in range(40)]
    sent = house.run("send", jsonl(tmp_path / "events.jsonl", *signups))
    assert (sent.returncode, sent.stdout) == (0, "Sent 40 to doorstaff.signups\n"), sent.stderr
    verdicts = house.answers(*signups).heard.verdicts
    assert {verdicts[one.event_id].action for one in signups} == {"allow"}
    assert all(verdicts[one.event_id].account_id == one.account_id for one in signups)


def test_a_repeat_leads_to_one_verdict(house: House) -> None:
    before = scrape(house.worker)
    original, last = signup(), signup()
    send_events(house.kafka, house.topics, [original, original])
    send_events(house.kafka, house.topics, [original])
    until(
        lambda: repeated(scrape(house.worker)) == repeated(before) + 2,
        "both repeats are noticed",
    )
    send_events(house.kafka, house.topics, [last])
    assert house.answers(original, last).verdicts[original.event_id] == 1


def repeated(scraped: Scrape) -> float:
    return scraped.total("doorstaff_events_total", type="signup", outcome="repeated")


def test_a_burst_is_one_alert_about_its_first_accounts_too(house: House) -> None:
    device = uuid.uuid4().hex
    farm = [
        signup(device_id=device, occurred_at=NOW + timedelta(seconds=number))
        for number in range(12)
    ]
    send_events(house.kafka, house.topics, farm)
    accounts = {one.account_id for one in farm}
    outlet = read_until(
        house.kafka,
        house.topics,
        lambda outlet: (
            accounts <= flagged(outlet)
            and any(accounts & set(alert.account_ids) for alert in outlet.heard.alerts.values())
        ),
        "the whole farm is flagged, and told",
    )
    campaigns = {outlet.heard.verdicts[one.event_id].campaign_id for one in farm}
    assert len(campaigns) == 1
    (alert,) = [
        alert for alert in outlet.heard.alerts.values() if accounts & set(alert.account_ids)
    ]
    assert (alert.kind, alert.campaign_id, outlet.opened[alert.alert_id]) == (
        "campaign",
        *campaigns,
        1,
    )
    with house.engine.connect() as connection:
        kept = until(lambda: get_alert(connection, alert.alert_id), "the alert is in SQL")
    assert kept.kind == "campaign"


def flagged(outlet: Outlet) -> set[AccountId]:
    actions = outlet.heard.actions()
    return {account for account, action in actions.items() if action != "allow"}


def test_what_is_broken_lies_in_the_dead_letters_with_its_origin(house: House) -> None:
    topics, mark = house.topics, uuid.uuid4().hex
    misplaced = upload(Path("x.mp4")).model_dump_json().encode()
    broken = {
        f"no json {mark}".encode(): (topics.signups, "not JSON"),
        b"\xff\xfe\x00" + mark.encode(): (topics.posts, "not JSON"),
        json.dumps({"type": "party", "mark": mark}).encode(): (topics.signups, "type: must be one"),
        json.dumps({"type": "signup", "event_id": mark}).encode(): (
            topics.signups,
            "signup.occurred_at: Field required",
        ),
        misplaced: (topics.signups, "type upload on doorstaff.signups"),
        json.dumps({"type": "decision", "mark": mark}).encode(): (topics.decisions, "decision_id"),
    }
    places = send_raw(house.kafka, {value: topic for value, (topic, _) in broken.items()})
    until(lambda: len(house.letters_of(set(broken))) == len(broken), "all are put aside")
    for stored in house.letters_of(set(broken)):
        letter = stored.letter
        _, reason = broken[letter.value]
        assert (letter.topic, letter.partition, letter.offset) == places[letter.value]
        assert letter.key == b"key"
        assert reason in letter.reason
        assert mark not in letter.reason


def test_a_broken_message_that_is_sent_again_dies_again_and_once(
    house: House, tmp_path: Path
) -> None:
    value = f"broken {uuid.uuid4().hex}".encode()
    (tmp_path / "events.jsonl").write_bytes(value)
    assert house.run("send", tmp_path / "events.jsonl").returncode == 0
    (first,) = until(lambda: house.letters_of({value}), "it is put aside")

    listed = house.run("deadletter", "list", "--topic", house.topics.signups)
    (line,) = [line for line in listed.stdout.splitlines() if line.split()[0] == str(first.id)]
    origin = f"doorstaff.signups[{first.letter.partition}]@{first.letter.offset}"
    assert origin in line
    assert "not JSON" in line
    assert value.decode() not in listed.stdout
    assert value.decode() in house.run("deadletter", "list", "--show").stdout

    again = house.run("deadletter", "retry", first.id)
    assert (again.returncode, again.stdout) == (0, "Sent 1 again\n"), again.stderr
    (second,) = until(
        lambda: [one for one in house.letters_of({value}) if one.id != first.id],
        "it is put aside once more",
    )
    assert second.letter.offset > first.letter.offset
    assert [one.id for one in house.letters_of({value})] == [second.id]
    everything = house.run("deadletter", "list", "--all").stdout
    assert re.search(rf"^ *{first.id} .*\(sent again\)$", everything, re.MULTILINE)

    waiting = len(house.letters())
    all_again = house.run("deadletter", "retry", "--all")
    assert (all_again.returncode, all_again.stdout) == (0, f"Sent {waiting} again\n")
    assert until(
        lambda: [one for one in house.letters_of({value}) if one.id > second.id],
        "it is put aside for the third time",
    )


def test_only_dead_letters_that_exist_are_sent_again(house: House) -> None:
    unknown = house.run("deadletter", "retry", 999_999)
    assert unknown.returncode == 1
    assert unknown.stderr == ("doorstaff: no dead letter 999999; see `doorstaff deadletter list`\n")
    assert house.run("deadletter", "retry").returncode == 2
    assert house.run("deadletter", "retry", "1", "--all").returncode == 2


def test_an_upload_whose_file_came_late_is_screened_when_it_is_sent_again(
    house: House, films: dict[str, Path], tmp_path: Path
) -> None:
    late = upload(tmp_path / "late.mp4")
    send_events(house.kafka, house.topics, [late])
    (missing,) = until(
        lambda: [one for one in house.letters() if late.event_id.encode() in one.letter.value],
        "the upload is put aside",
    )
    assert (missing.letter.reason, missing.letter.topic) == ("no such file", house.topics.uploads)
    read_until(
        house.kafka,
        house.topics,
        lambda outlet: outlet.status_of(late.upload_id) == "error",
        "it is said that it could not be screened",
    )

    splice(tmp_path / "made.mp4", (films["other"], 0, 6), (films["work"], 3, 9))
    shutil.move(tmp_path / "made.mp4", tmp_path / "late.mp4")
    send_events(house.kafka, house.topics, [late])  # a plain repeat is still a repeat
    assert house.run("deadletter", "retry", missing.id).returncode == 0
    outlet = read_until(
        house.kafka,
        house.topics,
        lambda outlet: (
            outlet.status_of(late.upload_id) == "match" and late.account_id in flagged(outlet)
        ),
        "the upload is screened, and its account flagged",
    )
    (match,) = outlet.heard.screenings[late.upload_id].matches
    assert match.reference_id == "w1"
    assert match.upload_start_s == pytest.approx(6, abs=1)
    (alert,) = [alert for alert in outlet.heard.alerts.values() if alert.kind == "media"]
    assert (alert.account_ids, alert.matches) == ((late.account_id,), (match,))
    assert outlet.opened[alert.alert_id] == 1


def test_decisions_land_in_sql_once(house: House, tmp_path: Path) -> None:
    decision = Decision(
        decision_id=EventId(f"decision-{uuid.uuid4()}"),
        occurred_at=NOW,
        account_ids=(AccountId("account-1"), AccountId("account-2")),
        action="ban",
        reviewer="rosa",
        reason="a farm",
    )
    sent = house.run("send", jsonl(tmp_path / "decisions.jsonl", decision, decision))
    assert sent.stdout == "Sent 2 to doorstaff.decisions\n", sent.stderr

    def kept() -> list[Decision]:
        with house.engine.connect() as connection:
            found = list_decisions(connection)
        return [one for one in found if one.decision_id == decision.decision_id]

    assert until(kept, "the decision is in SQL") == [decision]


def test_each_process_tells_its_health_and_what_it_counts(house: House) -> None:
    assert is_well(house.worker)
    assert is_well(house.media_worker)
    assert get(f"{house.worker}/else") == (404, "/metrics or /healthz")
    assert scrape(house.worker).names >= {
        "doorstaff_events",
        "doorstaff_verdicts",
        "doorstaff_signals",
        "doorstaff_alerts",
        "doorstaff_dead_letters",
        "doorstaff_lag_messages",
        "doorstaff_alert_latency_seconds",
        "doorstaff_sink_deliveries",
        "doorstaff_sink_failures",
        "doorstaff_outbox_deliveries",
    }
    assert scrape(house.media_worker).names >= {
        "doorstaff_media_queue_jobs",
        "doorstaff_media_screenings",
        "doorstaff_media_references",
        "doorstaff_media_dead_letters",
    }


def test_a_burst_and_a_broken_message_are_counted(house: House) -> None:
    least: dict[str, tuple[float, dict[str, str]]] = {
        "doorstaff_events_total": (12, {"type": "signup", "outcome": "read"}),
        "doorstaff_verdicts_total": (12, {}),
        "doorstaff_signals_total": (1, {"code": "velocity.device.24h", "mode": "live"}),
        "doorstaff_alerts_total": (1, {"kind": "campaign"}),
        "doorstaff_alert_latency_seconds_count": (1, {}),
        "doorstaff_sink_deliveries_total": (1, {"sink": "jsonl", "outcome": "delivered"}),
        "doorstaff_dead_letters_total": (1, {"stage": "intake"}),
    }
    before = scrape(house.worker)
    device = uuid.uuid4().hex
    send_events(house.kafka, house.topics, [signup(device_id=device) for _ in range(12)])
    send_raw(house.kafka, {uuid.uuid4().bytes: house.topics.signups})

    def missing() -> list[str]:
        now = scrape(house.worker)
        return [
            name
            for name, (count, labels) in least.items()
            if now.total(name, **labels) < before.total(name, **labels) + count
        ]

    until(lambda: not missing(), f"all of {', '.join(least)} are counted")


def test_nothing_listens_beyond_loopback(house: House) -> None:
    ours = psutil.Process().children(recursive=True)
    assert {one.pid for one in ours} >= house_pids(house)
    assert listens_on(ours) == {"127.0.0.1"} <= LOOPBACK


def house_pids(house: House) -> set[int]:
    noted = json.loads((house.settings.home / "children.json").read_text())
    return {process.pid for pid, _ in noted for process in family(pid)}


def test_no_log_holds_a_mailbox_or_a_whole_address(house: House) -> None:
    person = signup(email="Grace.Hopper@navy.example", ip="203.0.113.77", name="Grace Hopper")
    broken = {
        b'{"type": "signup", "email": "grace.hopper@navy.example", "ip": "203.0.113.77"': "signups",
        b'{"type": "signup", "event_id": "x", "ip": "203.0.113.777", "email": 7}': "signups",
    }
    send_events(house.kafka, house.topics, [person])
    send_raw(house.kafka, {value: f"doorstaff.{topic}" for value, topic in broken.items()})
    house.answers(person)
    until(lambda: len(house.letters_of(set(broken))) == len(broken), "the broken are put aside")
    logged = log_of(house.settings.home / "logs")
    assert "worker started" in logged
    assert not re.findall(r"(?i)hopper|navy\.example|203\.0\.113\.77", logged)
    assert not re.findall(r"[\w.+-]+@[\w-]+\.\w+", logged)
    for stored in house.letters(retried=None):
        assert "hopper" not in stored.letter.reason.lower()
        assert "203.0.113" not in stored.letter.reason
