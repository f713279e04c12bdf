"""Values that are made by the thousand a second, and that JSON Schemas describe all the same."""

from __future__ import annotations

from dataclasses import field, make_dataclass
from functools import cache
from typing import Any, get_type_hints

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema


class Value(Struct, frozen=True, kw_only=True):
    """A ``Struct`` that pydantic describes as it would the dataclass of the same fields.

    A ``Struct`` costs a tenth of a frozen dataclass to make (docs/decisions/0064).
    """

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return handler(_as_dataclass(cls))


@cache
def _as_dataclass(kind: type[Value]) -> type[Any]:
    hints = get_type_hints(kind)
    described = make_dataclass(
        kind.__name__,
        [
            (one.name, hints[one.name], field(default=one.default))
            if one.default is not NODEFAULT
            else (one.name, hints[one.name], field(default_factory=one.default_factory))
            if one.default_factory is not NODEFAULT
            else (one.name, hints[one.name])
            for one in fields(kind)
        ],
        kw_only=True,
    )
    described.__doc__ = kind.__doc__
    return described
