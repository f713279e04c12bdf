"""The committed JSON Schemas are those of the models, and real messages keep them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from ruamel.yaml import YAML

from contracts.alert import Alert
from contracts.dead_letter import DeadLetter
from contracts.errors import InvalidEvent
from contracts.event import parse_event, parse_event_slowly
from contracts.ruleset import default_ruleset_text
from contracts.schema import export, json_schemas, schema_text
from contracts.screening import Screening
from contracts.verdict import Verdict
from contracts.wire import encode
from tests.unit.contracts.messages import WRITTEN
from tests.unit.contracts.test_event import DECISION, POST, SIGNUP, UPLOAD

COMMITTED = Path(__file__).parents[3] / "docs" / "schema"
SCHEMAS = json_schemas()
NAMES = {Verdict: "verdict", Alert: "alert", Screening: "screening", DeadLetter: "dead_letter"}
EVENTS: tuple[dict[str, Any], ...] = (SIGNUP, POST, UPLOAD, DECISION)


def check(name: str, message: object) -> None:
    Draft202012Validator(SCHEMAS[name]).validate(message)


def test_the_committed_files_are_what_is_exported(tmp_path: Path) -> None:
    export(tmp_path)
    exported = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text("utf-8") for path in COMMITTED.glob("*.json")}
    assert committed == exported, "run `python -m contracts.schema docs/schema`"


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_schema_of_its_dialect(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])
    assert json.loads(schema_text(SCHEMAS[name])) == SCHEMAS[name]


@pytest.mark.parametrize("fields", EVENTS, ids=lambda fields: str(fields["type"]))
def test_an_event_that_is_accepted_keeps_its_schema(fields: dict[str, Any]) -> None:
    name = fields["type"]
    check(name, fields)
    check(name, {**fields, "unknown": 1})
    check(name, json.loads(parse_event_slowly(json.dumps(fields)).model_dump_json()))


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("decision_id", "d\x00"),
        ("reviewer", "\x00"),
        ("alert_id", "a\x00"),
        ("alert_id", "x" * 65),
        ("account_ids", ["a1", "a\x00"]),
        ("account_ids", ["a1", "x" * 257]),
    ],
)
def test_an_identifier_that_is_refused_breaks_the_schema_too(name: str, bad: object) -> None:
    with pytest.raises(InvalidEvent):
        parse_event(json.dumps({**DECISION, name: bad}))
    with pytest.raises(ValidationError):
        check("decision", {**DECISION, name: bad})


@pytest.mark.parametrize("fields", EVENTS, ids=lambda fields: str(fields["type"]))
def test_what_an_event_cannot_do_without_the_schema_asks_for(fields: dict[str, Any]) -> None:
    for name in fields:
        rest = {kept: value for kept, value in fields.items() if kept != name}
        try:
            parse_event(json.dumps(rest))
        except InvalidEvent:
            with pytest.raises(ValidationError):
                check(fields["type"], rest)
        else:
            check(fields["type"], rest)


def test_a_signup_has_something_to_go_by() -> None:
    bare = {
        "type": "signup",
        "event_id": "e",
        "account_id": "a",
        "occurred_at": "2026-01-01T00:00Z",
    }
    with pytest.raises(ValidationError):
        check("signup", bare)
    with pytest.raises(ValidationError):
        check("signup", {**bare, "email": None, "ip": None})
    check("signup", {**bare, "email": None, "ip": "203.0.113.7"})


@pytest.mark.parametrize(
    "message",
    [message for message in WRITTEN if type(message) in NAMES],
    ids=lambda message: type(message).__name__,
)
def test_what_we_write_keeps_its_schema_to_the_last_field(message: Any) -> None:
    name, fields = NAMES[type(message)], json.loads(encode(message))
    check(name, fields)
    assert set(SCHEMAS[name]["required"]) == set(SCHEMAS[name]["properties"]) == set(fields)


def test_the_ruleset_that_ships_keeps_the_schema_as_it_is_written() -> None:
    rules = YAML(typ="safe", pure=True).load(default_ruleset_text())
    check("ruleset", rules)
    with pytest.raises(ValidationError):
        check("ruleset", {**rules, "treshold": {}})
    rules["velocity"][0]["window"] = "a day"
    with pytest.raises(ValidationError):
        check("ruleset", rules)
