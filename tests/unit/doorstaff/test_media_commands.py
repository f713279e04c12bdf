"""`doorstaff media policy|dispute|exclude|retroactive|reference`: what they say and keep."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from doorstaff.commands.media import app
from media_screening.exchange.hash_list import ListedWork, frames_of
from media_screening.exchange.vpdq import Vpdq
from tests.unit.media_screening.hashes import drift, fingerprint

MD5_HEX = "cab08b36195edb1a1231d2d09fa450e0"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("DOORSTAFF_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("DOORSTAFF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")


def media(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> str:
    result = media(*arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def failed(*arguments: object) -> str:
    result = media(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    return result.stderr


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    file = tmp_path / "night train.txt"
    work = ListedWork(frames=frames_of(fingerprint(drift(1, 30), step_s=1.0)))
    file.write_text("\n".join([*Vpdq().write([work]), "not a frame", ""]))
    return file


@pytest.fixture
def film(listed: Path) -> str:
    done("reference", "import", listed, "--format", "vpdq")
    (line,) = done("reference", "list", "--json").splitlines()
    return str(json.loads(line)["reference_id"])


def test_a_list_is_imported_once_and_its_bad_lines_are_named(listed: Path) -> None:
    first = media("reference", "import", listed, "--format", "vpdq")
    assert (first.exit_code, first.stdout) == (0, "1 added, 0 known already, 1 lines not taken\n")
    assert first.stderr == f"{listed}:31: frame,quality,hash,seconds were expected\n"
    again = done("reference", "import", listed, "--format", "vpdq")
    assert again.startswith("0 added, 1 known already")
    (line,) = done("reference", "list", "--json").splitlines()
    record = json.loads(line)
    assert (record["title"], record["duration_s"]) == ("night train", 30)


def test_what_is_exported_is_what_was_imported(film: str, listed: Path, tmp_path: Path) -> None:
    lines = listed.read_text().splitlines()[:30]
    assert done("reference", "export", film, "--format", "vpdq").splitlines() == lines
    shared = tmp_path / "shared.csv"
    shared.write_text(done("reference", "export", "--format", "threatexchange"))
    done("reference", "remove", film)
    assert done("reference", "import", shared, "--format", "threatexchange").startswith("1 added")
    (line,) = done("reference", "list", "--json").splitlines()
    assert json.loads(line)["title"] == f"shared: {film}"


def test_a_list_of_files_needs_no_frames(tmp_path: Path) -> None:
    file = tmp_path / "md5.csv"
    file.write_text(f"{MD5_HEX},1,2020,video\n{'0' * 32},2,2020,video\n")
    assert done("reference", "import", file, "--format", "threatexchange").startswith("2 added")
    told = done("reference", "export", "--format", "threatexchange")
    assert MD5_HEX in told
    assert failed("reference", "export", "--format", "vpdq").startswith(
        "error: a list of vpdq holds one work: name one, of 2"
    )


def test_a_list_of_nothing_is_told(tmp_path: Path) -> None:
    file = tmp_path / "empty.txt"
    file.write_text("x\n")
    result = media("reference", "import", file, "--format", "imagehash")
    assert result.exit_code == 1
    assert f"{file}:1: a hash of 16 hex digits" in result.stderr
    assert failed("reference", "import", tmp_path, "--format", "vpdq").startswith("error: ")
    assert failed("reference", "export", "none", "--format", "vpdq") == (
        "error: there is no reference none\n"
    )


def test_a_policy_is_changed_by_what_is_given_and_shown(film: str) -> None:
    policy = json.loads(done("policy", "show", film))["policy"]
    assert (policy["action"], policy["min_seconds"]) == ("hold", 0)
    done("policy", "set", film, "--min-seconds", 20, "--territory", "de", "--territory", "AT")
    done("policy", "set", film, "--action", "review", "--allow-account", "a-1", "--by", "mara")
    shown = json.loads(done("policy", "show", film))
    assert shown["changed_by"] == "mara"
    assert shown["policy"] == {
        "min_seconds": 20.0,
        "min_upload_share": 0.0,
        "min_reference_share": 0.0,
        "evidence": "either",
        "action": "review",
        "territories": ["DE", "AT"],
        "allowed_accounts": ["a-1"],
    }
    done("policy", "set", film, "--territory", "", "--allow-account", "")
    policy = json.loads(done("policy", "show", film))["policy"]
    assert (policy["territories"], policy["allowed_accounts"]) == ([], [])


@pytest.mark.parametrize(
    "words",
    [
        ("policy", "set", "x", "--action", "ban"),
        ("policy", "set", "x", "--evidence", "smell"),
        ("policy", "set", "x", "--min-upload-share", "2"),
        ("policy", "set", "x", "--territory", "Germany"),
        ("dispute", "close", "1", "--outcome", "open"),
        ("exclude", "seconds", "x", "5", "5"),
        ("reference", "import", "x", "--format", "tmk"),
    ],
)
def test_wrong_usage_is_2(words: tuple[str, ...]) -> None:
    assert media(*words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("policy", "show", "none"),
        ("policy", "set", "none", "--min-seconds", "1"),
        ("dispute", "open", "none", "--reason", "mine"),
        ("dispute", "close", "9", "--outcome", "upheld"),
        ("exclude", "seconds", "none", "1", "2"),
        ("exclude", "remove-seconds", "9"),
        ("exclude", "remove-pictures", "9"),
        ("retroactive", "start", "none"),
        ("retroactive", "cancel", "none"),
    ],
)
def test_what_is_not_there_is_told(words: tuple[str, ...]) -> None:
    assert failed(*words).startswith("error: there ")


def test_a_dispute_is_recorded_with_who_when_why_and_outcome(film: str) -> None:
    opened = done(
        "dispute", "open", film, "--upload", "u-1", "--by", "anna", "--reason", "my own work"
    )
    assert opened == "1\n"
    done("dispute", "close", 1, "--outcome", "upheld", "--by", "mara", "--note", "licence seen")
    told = done("dispute", "list")
    assert f"{film}, upload u-1: my own work (anna); upheld" in told
    assert told.endswith("by mara: licence seen\n")
    (line,) = done("dispute", "list", "--reference", film, "--json").splitlines()
    assert json.loads(line)["outcome"] == "upheld"
    assert done("dispute", "list", "--reference", "none") == ""


def test_seconds_are_excluded_listed_and_let_in_again(film: str) -> None:
    assert done("exclude", "seconds", film, 0, 12.5, "--reason", "logo") == "1\n"
    assert done("exclude", "list") == f"seconds 1 {film} 0 to 12.5: logo\n"
    done("exclude", "remove-seconds", 1)
    assert done("exclude", "list") == ""


def test_a_new_reference_waits_to_be_held_against_past_uploads(film: str) -> None:
    (line,) = done("retroactive", "list", "--json").splitlines()
    job = json.loads(line)
    assert (job["reference_id"], job["state"]) == (film, "due")
    assert job["to_ms"] - job["from_ms"] == 90 * 86_400_000
    assert "0 of 0" in done("retroactive", "list")
    done("retroactive", "cancel", film)
    assert json.loads(done("retroactive", "list", "--json"))["state"] == "cancelled"
    done("retroactive", "start", film, "--days", 2)
    job = json.loads(done("retroactive", "list", "--json"))
    assert (job["state"], job["to_ms"] - job["from_ms"]) == ("due", 2 * 86_400_000)
