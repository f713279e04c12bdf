"""Each command as a person meets it: its help, what it says when it cannot, its exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from doorstaff.cli import app
from doorstaff.embedded.child import free_port
from tests.process import doorstaff, settings
from tests.unit.media_screening.footage import ffmpeg

pytestmark = pytest.mark.slow

SERVICES_AWAY = {
    "kafka_url": "127.0.0.1:{port}",
    "redis_url": "redis://127.0.0.1:{port}/0",
    "DATABASE_URL": "postgresql://doorstaff:secret@127.0.0.1:{port}/doorstaff",
}


def away(*names: str) -> dict[str, str]:
    """Settings that name services nobody offers."""
    return {name: SERVICES_AWAY[name].format(port=free_port()) for name in names}


def commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of a command and of all below it."""
    yield words
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*words, name))


COMMANDS = sorted(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], prog_name="doorstaff")
    assert shown.exit_code == 0
    assert f"Usage: {' '.join(['doorstaff', *words])}" in shown.stdout


def test_the_commands_of_the_design_are_all_there() -> None:
    assert {words[0] for words in COMMANDS if words} >= {
        "demo", "up", "worker", "media", "console", "send", "replay", "ruleset", "deadletter",
        "doctor",
    }  # fmt: skip


def test_the_program_itself_helps(tmp_path: Path) -> None:
    shown = doorstaff("--help", env=settings(home=tmp_path))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "door staff" in shown.stdout


def test_screening_what_is_no_video_gives_a_line_a_file_and_1(tmp_path: Path) -> None:
    for name, content in (("text.mp4", b"hello\n"), ("empty.mp4", b""), ("zeros.mp4", bytes(999))):
        (tmp_path / name).write_bytes(content)
    ffmpeg("-f", "lavfi", "-i", "testsrc=d=1:r=1", "-frames:v", 1, tmp_path / "picture.png")
    ffmpeg("-f", "lavfi", "-i", "sine=d=1", tmp_path / "sound.wav")
    names = ["text.mp4", "empty.mp4", "zeros.mp4", "missing.mp4", "picture.png", "sound.wav"]
    files = [tmp_path / name for name in names]
    screened = doorstaff("media", "screen", "--json", *files, env=settings(home=tmp_path))
    assert screened.returncode == 1
    assert "Traceback" not in screened.stderr
    lines = [json.loads(line) for line in screened.stdout.splitlines()]
    assert [line["file"] for line in lines] == [str(file) for file in files]
    statuses = {Path(line["file"]).name: line["status"] for line in lines}
    assert statuses.pop("missing.mp4") == "error"
    assert set(statuses.values()) == {"rejected"}
    assert all(line["reason"] for line in lines)
    assert doorstaff("media", "screen", env=settings(home=tmp_path)).returncode == 2


def test_the_doctor_finds_a_fresh_machine_well(tmp_path: Path) -> None:
    found = doorstaff("doctor", env=settings(home=tmp_path / "home"))
    assert found.returncode == 0, found.stdout
    lines = found.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["ok", what]
        for what in ("disk", "broker", "redis", "sql", "ruleset", "sinks", "ffmpeg", "fences")
    ]


def test_the_doctor_says_what_is_wrong_and_what_would_mend_it(tmp_path: Path) -> None:
    env = settings(home=tmp_path, **away(*SERVICES_AWAY), sinks="slack")
    found = doorstaff("doctor", env=env)
    assert (found.returncode, found.stderr) == (1, "")
    bad = [line.split()[1] for line in found.stdout.splitlines() if line.startswith("bad")]
    assert bad == ["broker", "redis", "sql", "ruleset", "sinks"]
    assert found.stdout.count("mend: ") == len(bad)
    for name in ("DOORSTAFF_KAFKA_URL", "DOORSTAFF_REDIS_URL", "DATABASE_URL"):
        assert f"or correct {name}" in found.stdout
    assert "DOORSTAFF_SLACK_WEBHOOK_URL" in found.stdout
    assert "secret" not in found.stdout


@pytest.mark.parametrize(
    ("words", "chosen", "told"),
    [
        (["doctor"], {"partitions": "many"}, "DOORSTAFF_PARTITIONS: "),
        (["doctor"], {"DATABASE_URL": "nonsense"}, None),
        (["worker"], {}, "DOORSTAFF_KAFKA_URL is not set; `doorstaff up`"),
        (["media", "worker"], {}, "DOORSTAFF_KAFKA_URL is not set: "),
        (["send", __file__], {}, "no broker: start `doorstaff up` first"),
        (["worker"], away("kafka_url", "redis_url"), "Redis (DOORSTAFF_REDIS_URL) does not answer"),
        (["worker"], {"kafka_url": "x", "redis_url": "x"}, "DOORSTAFF_REDIS_URL: must be redis://"),
        (["media", "worker"], away("kafka_url", "redis_url"), "Kafka at 127.0.0.1:"),
        (["console"], away("DATABASE_URL"), "the SQL database (DATABASE_URL) does not answer: "),
        (["media", "reference", "list"], away("DATABASE_URL"), "the SQL database (DATABASE_URL)"),
        (["deadletter", "list"], {"DATABASE_URL": "nonsense"}, "DATABASE_URL: must be sqlite:///"),
        (["deadletter", "list"], {"DATABASE_URL": "mysql://x/y"}, "DATABASE_URL: must be sqlite"),
        (["ruleset", "history"], {"home": "/dev/null/x"}, "DOORSTAFF_HOME: /dev/null/x: Not a dir"),
        (["media", "reference", "list"], {"home": "/dev/null/x"}, "DOORSTAFF_HOME: /dev/null/x"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    words: list[str], chosen: dict[str, str], told: str | None, tmp_path: Path
) -> None:
    ended = doorstaff(*words, env=settings(**{"home": tmp_path / "home", **chosen}))
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "secret" not in ended.stderr
    if told is not None:
        (line,) = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
        assert line.startswith(f"doorstaff: {told}")
