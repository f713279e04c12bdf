"""The command line: what it says, on which stream, and with which exit code."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from contracts.dead_letter import DeadLetter
from contracts.ruleset import default_ruleset_text
from doorstaff.cli import main
from doorstaff.database import open_home_database
from doorstaff.embedded.child import free_port
from doorstaff.settings import load_settings
from store.database import open_database
from store.dead_letter import save_dead_letter
from store.debt import Debt, enqueue
from store.delivery import claim_due, count_due, mark_failed
from store.migration import configuration, current
from tests.alerts import CAMPAIGN
from tests.traffic import START, signup


@dataclass(frozen=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in a home folder of its own, with no other settings."""
    for name in os.environ:
        if name.startswith("DOORSTAFF_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("DOORSTAFF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def go(*words: str | Path) -> Ran:
        monkeypatch.setattr("sys.argv", ["doorstaff", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Ran(code=int(ended.value.code or 0), out=said.out, err=said.err)

    return go


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-command"],
        ["replay"],
        ["replay", "no-such-file.jsonl"],
        ["replay", "/dev"],
        ["replay", "--no-such-option", "x"],
        ["ruleset", "check", "no-such-file.yaml"],
        ["deadletter", "retry"],
        ["deadletter", "retry", "1", "--all"],
        ["deadletter", "retry", "one"],
        ["deadletter", "retry", "99999999999999999999999"],
        ["up", "--workers", "0"],
    ],
)
def test_wrong_usage_is_two(run: Run, words: list[str]) -> None:
    ran = run(*words)
    assert ran.code == 2
    assert "Usage: " in ran.err
    assert "Traceback" not in ran.err


def test_a_ruleset_that_can_be_used(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(default_ruleset_text())
    ran = run("ruleset", "check", file)
    assert ran.code == 0
    assert ran.out.startswith(f"{file}: version default-1; rules: ")
    assert ran.out.endswith(" live, 0 shadow, 0 off\n")


def test_one_that_cannot_is_told_with_file_and_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("version: v1\ngroups:\n  a: 101\n")
    for command in ("check", "diff", "publish"):
        ran = run("ruleset", command, file)
        assert ran.code == 1
        assert ran.err.startswith(f"doorstaff: {file}:3: groups.a: Input should be less than")
        assert ran.out == ""


def test_what_is_no_text_cannot_be_a_ruleset(run: Run, tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"version: \xe9")
    for file in (tmp_path, tmp_path / "latin.yaml"):
        for command in ("check", "diff", "publish"):
            ran = run("ruleset", command, file)
            assert ran.code == 1
            assert ran.err.startswith(f"doorstaff: {file}: cannot be read: ")


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_home_that_is_a_file_stops_everything_at_once(
    run: Run, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").touch()
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setenv("DOORSTAFF_HOME", str(tmp_path / "notes.txt"))
    ran = run(command)
    assert ran.code == 1
    assert ran.err.startswith("doorstaff: DOORSTAFF_HOME: ")


def test_publishes_a_ruleset_once_and_tells_its_history(run: Run, tmp_path: Path) -> None:
    assert run("ruleset", "history").out == "None published: the ruleset that ships is live\n"
    file = tmp_path / "rules.yaml"
    file.write_text("version: v1\ngroups: {}\n")
    assert "-thresholds:" in run("ruleset", "diff", file).out
    published = run("ruleset", "publish", file, "--note", "quieter")
    assert (published.code, published.out[:12]) == (0, "Published v1")
    assert run("ruleset", "diff", file).out == "No difference\n"
    assert " v1 " in (history := run("ruleset", "history").out)
    assert history.endswith(": quieter\n")
    file.write_text("version: v1\ngroups: { a: 1 }\n")
    ran = run("ruleset", "publish", file)
    assert ran.code == 1
    assert "version v1" in ran.err


def test_replay_ends_with_a_summary_and_writes_what_came_of_it(run: Run, tmp_path: Path) -> None:
    file, verdicts, alerts = (tmp_path / name for name in ("e.jsonl", "v.jsonl", "a.jsonl"))
    events = [
        signup(number, at_s=number, device_id="farm").model_dump_json() for number in range(12)
    ]
    file.write_text("\n".join([*events[::-1], events[0], "{", ""]))
    ran = run("replay", file, "--verdicts", verdicts, "--alerts", alerts)
    assert ran.code == 0
    lines = [line.split(None, 1) for line in ran.out.splitlines()]
    assert [line[0] for line in lines] == [
        "Ruleset",
        "Events",
        "Lines",
        "line",
        "Accounts",
        "Alerts",
    ]
    assert lines[1][1].startswith("13 signups in ")
    assert lines[2][1] == (
        "11 out of order (put in order), 1 broken (left out), 1 repeated (dropped)"
    )
    assert lines[3][1].startswith("14: not JSON")
    assert lines[4][1].startswith("0 allowed, 0 for review, 12 held (")
    assert lines[5][1] == "1 campaign"
    newest = {one["event_id"]: one for one in map(json.loads, verdicts.read_text().splitlines())}
    assert {one["action"] for one in newest.values()} == {"hold"}
    assert json.loads(alerts.read_text().splitlines()[-1])["status"] == "escalated"


def test_replay_takes_a_ruleset(run: Run, tmp_path: Path) -> None:
    file, rules = tmp_path / "e.jsonl", tmp_path / "r.yaml"
    file.write_text(signup(1).model_dump_json())
    rules.write_text("version: mine\ngroups: {}\n")
    assert run("replay", file, "--ruleset", rules).out.startswith(f"Ruleset   mine ({rules})\n")
    rules.write_text("- no ruleset")
    ran = run("replay", file, "--ruleset", rules)
    assert (ran.code, ran.err) == (
        1,
        f"doorstaff: {rules}:1: a ruleset is a mapping that begins with `version:`\n",
    )


def test_replay_without_one_takes_what_a_worker_would(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, rules = tmp_path / "e.jsonl", tmp_path / "r.yaml"
    file.write_text(signup(1).model_dump_json())
    assert run("replay", file).out.startswith("Ruleset   default-1 (ships with Doorstaff)\n")
    assert not (tmp_path / "home").exists()  # none is made to look into
    rules.write_text("version: published-1\ngroups: {}\n")
    assert run("ruleset", "publish", rules).code == 0
    assert run("replay", file).out.startswith("Ruleset   published-1 (published)\n")
    rules.write_text("version: mine\ngroups: {}\n")
    monkeypatch.setenv("DOORSTAFF_RULESET", str(rules))
    assert run("replay", file).out.startswith(f"Ruleset   mine ({rules})\n")


def test_replay_writes_verdicts_and_alerts_to_two_files(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_text("{}")
    ran = run("replay", file, "--verdicts", tmp_path / "out", "--alerts", tmp_path / "." / "out")
    assert ran.code == 2
    assert "--verdicts and --alerts name the same file" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_replay_tells_a_full_disk_in_a_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_text(signup(1).model_dump_json())
    ran = run("replay", file, "--verdicts", "/dev/full")
    assert (ran.code, ran.err) == (1, "doorstaff: cannot write: No space left on device\n")


def test_replay_cannot_write_where_there_is_no_folder(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_text("")
    ran = run("replay", file, "--alerts", tmp_path / "none" / "a.jsonl")
    assert ran.code == 1
    assert "No such file or directory" in ran.err


def test_dead_letters_are_listed_without_the_message_unless_asked(run: Run) -> None:
    assert run("deadletter", "list").out == "No dead letters\n"
    engine = open_home_database(load_settings())
    with engine.begin() as connection:
        letter = DeadLetter(
            reason="not JSON: EOF",
            topic="doorstaff.signups",
            partition=3,
            offset=7,
            value=b"anna@example.org",
            failed_at=START,
        )
        save_dead_letter(connection, letter)
    engine.dispose()
    line = "     1 2026-05-04 18:00:00 doorstaff.signups[3]@7 not JSON: EOF\n"
    assert run("deadletter", "list").out == line
    assert run("deadletter", "list", "--show").out == f"{line}       anna@example.org\n"
    assert run("deadletter", "list", "--topic", "doorstaff.posts").out == "No dead letters\n"


def test_failed_deliveries_are_listed_with_their_reasons_and_owed_anew(run: Run) -> None:
    assert run("delivery", "list").out == "No failed deliveries\n"
    engine = open_home_database(load_settings())
    with engine.begin() as connection:
        debts = [Debt(sink=sink, alert=CAMPAIGN) for sink in ("slack", "webhook")]
        enqueue(connection, debts, now_ms=0)
        for sink in ("slack", "webhook"):
            (delivery,) = claim_due(connection, sink, now_ms=0, lease_seconds=30)
            mark_failed(connection, delivery, now_ms=1_000, error="404 no_team")
    told = f"{CAMPAIGN.alert_id} revision {CAMPAIGN.revision}, 1 attempts: 404 no_team"
    assert run("delivery", "list").out == (
        f"1970-01-01 00:00:01 webhook  {told}\n1970-01-01 00:00:01 slack    {told}\n"
    )
    assert run("delivery", "retry", "--sink", "slack").out == "Owed 1 anew\n"
    with engine.connect() as connection:
        assert count_due(connection) == {"slack": 1}
    engine.dispose()
    assert run("delivery", "retry").out == "Owed 1 anew\n"
    assert run("delivery", "retry").out == "No failed deliveries\n"


def test_a_list_that_is_cut_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doorstaff.commands.deadletter._PAGE", 2)
    engine = open_home_database(load_settings())
    for offset in range(3):
        with engine.begin() as connection:
            letter = DeadLetter(
                reason="x", topic="t", partition=0, offset=offset, value=b"", failed_at=START
            )
            save_dead_letter(connection, letter)
        lines = run("deadletter", "list").out.splitlines()
        cut = ["These are the newest 2; there are more"] if offset > 1 else []
        assert lines[min(offset + 1, 2) :] == cut
    engine.dispose()


@pytest.mark.parametrize("words", [["deadletter", "retry", "--all"], ["send", "events.jsonl"]])
def test_without_a_broker_it_says_what_would_mend_it(
    run: Run, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.jsonl").write_text("{}")
    ran = run(*words)
    assert ran.code == 1
    assert ran.err.startswith("doorstaff: no broker: start `doorstaff up` first, or set DOORSTAFF_")


def test_a_bad_setting_stops_the_start_with_its_name(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOORSTAFF_PARTITIONS", "many")
    ran = run("deadletter", "list")
    assert ran.code == 1
    assert ran.err.startswith("doorstaff: DOORSTAFF_PARTITIONS: ")
    assert "many" in ran.err


def test_a_database_that_does_not_answer_is_told_in_a_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'none' / 'x.db'}")
    ran = run("deadletter", "list")
    assert ran.code == 1
    assert ran.err.startswith("doorstaff: ")
    assert "DATABASE_URL" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_file_that_is_no_database_is_told_in_a_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no database" * 500)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'notes.txt'}")
    ran = run("deadletter", "list")
    assert ran.code == 1
    assert ran.err == (
        "doorstaff: the SQL database (DATABASE_URL) cannot be used: file is not a database\n"
    )


def test_a_home_that_is_a_file_is_told_in_a_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").touch()
    monkeypatch.setenv("DOORSTAFF_HOME", str(tmp_path / "notes.txt"))
    ran = run("deadletter", "list")
    assert ran.code == 1
    assert ran.err.startswith("doorstaff: DOORSTAFF_HOME: ")
    ran = run("doctor")
    assert ran.code == 1
    assert "set DOORSTAFF_HOME to a folder you can write" in ran.out


@pytest.mark.parametrize("option", ["--verdicts", "--alerts"])
def test_replay_does_not_overwrite_what_it_reads(run: Run, option: str, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_text("{}")
    ran = run("replay", file, option, tmp_path / "." / "e.jsonl")
    assert ran.code == 2
    assert f"{option} would overwrite the events" in ran.err
    assert file.read_text() == "{}"


def test_the_doctor_finds_a_bare_machine_well(run: Run) -> None:
    ran = run("doctor")
    marks = {
        line.split()[1]: line.split()[0] for line in ran.out.splitlines() if "mend" not in line
    }
    assert set(marks) >= {"disk", "broker", "redis", "sql", "ruleset", "sinks", "ffmpeg", "fences"}
    assert {name: mark for name, mark in marks.items() if name != "disk"} == dict.fromkeys(
        set(marks) - {"disk"}, "ok"
    )


def test_the_doctor_leaves_the_database_as_it_is(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "x.db"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    assert "sqlite, will be made at the first start" in run("doctor").out
    assert not file.exists()
    file.touch()
    assert "sqlite, empty: will be filled at the first start" in run("doctor").out
    run("ruleset", "history")
    assert "sqlite, schema up to date" in run("doctor").out
    engine = open_database(f"sqlite:///{file}")
    for revision, told in ((older(), "migrated at the next start"), ("9999", "newer than this")):
        with engine.begin() as connection:
            connection.execute(
                text("UPDATE alembic_version SET version_num = :now"), {"now": revision}
            )
        ran = run("doctor")
        assert f"schema {revision}" in ran.out
        assert told in ran.out
        assert ran.code == (revision == "9999")
        with engine.connect() as connection:
            assert current(connection) == revision
    engine.dispose()


def older() -> str:
    """A schema before the newest."""
    script = ScriptDirectory.from_config(configuration())
    return list(script.walk_revisions())[-1].revision


def test_the_doctor_says_of_each_what_is_wrong_and_what_would_mend_it(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 7\ngroups: {}\n")
    monkeypatch.setenv("DOORSTAFF_KAFKA_URL", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("DOORSTAFF_REDIS_URL", f"redis://:hunter2@127.0.0.1:{free_port()}/0")
    monkeypatch.setenv("DOORSTAFF_RULESET", str(rules))
    monkeypatch.setenv("DOORSTAFF_SINKS", "slack")
    ran = run("doctor")
    assert ran.code == 1
    lines = ran.out.splitlines()
    bad = {
        line.split()[1]: mend.strip()
        for line, mend in zip(lines, [*lines[1:], ""], strict=True)
        if line.startswith("bad")
    }
    assert "DOORSTAFF_KAFKA_URL" in bad["broker"]
    assert "DOORSTAFF_REDIS_URL" in bad["redis"]
    assert bad["ruleset"] == "mend: correct that line"
    assert bad["sinks"] == "mend: correct that setting"
    assert f"{rules}:1: version: " in ran.out
    assert "DOORSTAFF_SLACK_WEBHOOK_URL" in ran.out
    assert all(mend.startswith("mend: ") for mend in bad.values())
    assert "hunter2" not in ran.out + ran.err
    assert "Traceback" not in ran.err
