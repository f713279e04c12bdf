"""A facet table as of one moment, written in pieces while the table goes on counting.

Texts are immutable: they are copied by reference, some 30 ms a million. Windows are not: the table
says so before it changes one, and it is written first.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

import msgspec

from contracts.ids import Facet
from detectors.window import FacetWindow, WindowState

TEXTS_PER_PIECE = 5_000
SIGHTINGS_PER_PIECE = 2_000
"""Both take about a millisecond. Windows are taken until they have so many; one may have more."""

WINDOW_SIGHTINGS = 5
TALLY_SIGHTINGS = 2_000
"""What a window takes to write besides its sightings, without and with a tally."""

_encode = msgspec.msgpack.Encoder().encode


class Head(NamedTuple):
    """What a table has besides facets.

    Attributes:
        older_until_ms: Of each generation but the youngest, when it was closed.
        rest: The sketch of what had to go before its time.
    """

    newest_ms: int
    turn_ms: int
    to_stock: int
    text_bytes: int
    older_until_ms: list[int]
    rest: bytes | None


class TablePiece(NamedTuple):
    """A part of a table: its head, or some facets.

    Attributes:
        generation: Of which generation ``texts`` are, the youngest first.
    """

    head: Head | None = None
    generation: int = 0
    texts: tuple[list[Facet], list[str]] = ([], [])
    windows: list[tuple[Facet, WindowState]] = []  # noqa: RUF012 -- nobody changes it


class TableCopy:
    """What is still to be written of a table.

    Args:
        texts: Of each generation, the youngest first, its facets and their texts.
        windows: A copy of the table's dict.
    """

    def __init__(
        self,
        head: Head,
        texts: list[tuple[list[Facet], list[str]]],
        windows: dict[Facet, FacetWindow],
    ) -> None:
        self._head = head
        self._texts = texts
        self._windows = windows
        self._early: list[bytes] = []

    def before_change(self, facet: Facet) -> None:
        """Write a window at once, if it is not written yet."""
        window = self._windows.pop(facet, None)
        if window is not None:
            self._early.append(_encode(TablePiece(windows=[(facet, window.state())])))

    def pieces(self) -> Generator[bytes, None, None]:
        """All of it."""
        yield _encode(TablePiece(head=self._head))
        for generation, (facets, texts) in enumerate(self._texts):
            for begin in range(0, len(facets), TEXTS_PER_PIECE):
                end = begin + TEXTS_PER_PIECE
                part = (facets[begin:end], texts[begin:end])
                yield _encode(TablePiece(generation=generation, texts=part))
        while self._windows:
            rows: list[tuple[Facet, WindowState]] = []
            room = SIGHTINGS_PER_PIECE
            while self._windows and room > 0:
                facet, window = self._windows.popitem()
                rows.append((facet, window.state()))
                room -= len(window) + WINDOW_SIGHTINGS
                room -= 0 if window.tally is None else TALLY_SIGHTINGS
            yield _encode(TablePiece(windows=rows))
        yield from self._early


def decode_piece(piece: bytes) -> TablePiece:
    """Read a piece again.

    Raises:
        msgspec.MsgspecError: It is none.
    """
    decoded: TablePiece = _decoder.decode(piece)
    return decoded


_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(TablePiece)
