"""JSON Schema of all that goes in and out: ``python -m contracts.schema docs/schema``.

What comes in (events, decisions, rulesets) is described as it is accepted: a field with a default
may be left out. What goes out is described as it is written: every field is there. Unknown fields
are allowed everywhere but in a ruleset, so that a message may grow.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from contracts.alert import Alert
from contracts.dead_letter import DeadLetter
from contracts.event import Decision, Post, Signup, Upload
from contracts.ruleset import Ruleset
from contracts.screening import Screening
from contracts.verdict import Verdict

ACCEPTED: dict[str, Any] = {
    "signup": Signup,
    "post": Post,
    "upload": Upload,
    "decision": Decision,
    "ruleset": Ruleset,
}
EVENTS = ("signup", "post", "upload", "decision")
WRITTEN: dict[str, Any] = {
    "verdict": Verdict,
    "alert": Alert,
    "screening": Screening,
    "dead_letter": DeadLetter,
}


class _Schema(GenerateJsonSchema):
    """pydantic's, told what ``contracts.wire`` does otherwise than pydantic would."""

    def generate(
        self,
        schema: core_schema.CoreSchema,
        mode: Literal["validation", "serialization"] = "validation",
    ) -> JsonSchemaValue:
        return {"$schema": self.schema_dialect, **super().generate(schema, mode)}

    def bytes_schema(self, schema: core_schema.BytesSchema) -> JsonSchemaValue:
        return {"type": "string", "contentEncoding": "base64"}

    def field_is_required(self, field: Any, total: bool) -> bool:
        return self.mode == "serialization" or super().field_is_required(field, total)


def json_schemas() -> dict[str, JsonSchemaValue]:
    """Every schema by its name."""
    accepted = {
        name: TypeAdapter(kind).json_schema(schema_generator=_Schema, mode="validation")
        for name, kind in ACCEPTED.items()
    }
    written = {
        name: TypeAdapter(kind).json_schema(schema_generator=_Schema, mode="serialization")
        for name, kind in WRITTEN.items()
    }
    for event in EVENTS:
        accepted[event]["required"].insert(0, "type")  # it tells one event from another
        del accepted[event]["properties"]["type"]["default"]
    accepted["signup"]["anyOf"] = [
        {"required": [name], "properties": {name: {"type": "string", "minLength": 1}}}
        for name in ("email", "ip", "device_id")
    ]
    return accepted | written


def schema_text(schema: JsonSchemaValue) -> str:
    """A schema as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def export(folder: Path) -> None:
    """Write each schema to ``NAME.json`` in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in json_schemas().items():
        (folder / f"{name}.json").write_text(schema_text(schema), encoding="utf-8")


if __name__ == "__main__":
    export(Path(sys.argv[1]))
