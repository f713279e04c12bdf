"""Our own values to JSON and back.

``msgspec`` does it in a fifth of pydantic's time; what comes from outside is pydantic's
(``contracts.event``), what we wrote ourselves is read back here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_encoder = msgspec.json.Encoder(order=None)
_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}


def encode(value: object) -> bytes:
    """Write JSON: field order as declared, times as RFC 3339 in UTC with ``Z``."""
    return _encoder.encode(value)


def encode_lines(values: Sequence[object]) -> bytes:
    """Write JSON, one value a line."""
    return _encoder.encode_lines(values)


def decode(raw: bytes | str, kind: type[T]) -> T:
    """Read JSON that ``encode`` wrote.

    Raises:
        msgspec.DecodeError: It is not JSON, or not of this kind; also where msgspec itself says it
            otherwise: of text that is not UTF-8, and of what is nested too deep.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        decoded: T = decoder.decode(raw)
    except UnicodeDecodeError as error:
        message = f"JSON is not UTF-8 - at byte {error.start} of a text"
        raise msgspec.DecodeError(message) from None
    except RecursionError:
        message = "JSON is nested too deep"
        raise msgspec.DecodeError(message) from None
    return decoded
