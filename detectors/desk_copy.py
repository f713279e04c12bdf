"""The alert desk's state as bytes, in pieces that are quick to make, and back."""

from __future__ import annotations

import msgspec

from contracts.alert import Alert
from contracts.ids import AccountId, CampaignId, Code, EventId, Facet
from contracts.screening import Screening
from contracts.verdict import Reason
from detectors.case import ReasonBook, Standing, Told
from detectors.vip_desk import VipRow

PIECE_ROWS = 500
"""Rows of a piece: a piece takes a few milliseconds to make."""

_encoder = msgspec.msgpack.Encoder()

ReasonRow = tuple[str, int, bytes]
"""Code, points, evidence as JSON."""
EventRow = tuple[str, str, int, int, str, list[ReasonRow], list[tuple[str, int, int]], str | None]
ToldRow = tuple[Alert, int]


class EventPiece(msgspec.Struct, array_like=True, tag="events"):
    """Events of one case: of an account, or of the campaign that was begun last."""

    account_id: str | None
    rows: list[EventRow]


class CampaignPiece(msgspec.Struct, array_like=True, tag="campaign"):
    """A campaign begins; its events follow."""

    bursts: list[tuple[int, str]]
    told: list[ToldRow]
    active_ms: int
    waits: bool


class AccountPiece(msgspec.Struct, array_like=True, tag="account"):
    """A lone account; its events follow."""

    account_id: str
    told: ToldRow | None
    waits: bool


class UploadPiece(msgspec.Struct, array_like=True, tag="uploads"):
    """Uploads, each with the alert that it led to."""

    rows: list[tuple[Screening, Alert]]


class RulingPiece(msgspec.Struct, array_like=True, tag="rulings"):
    """Rulings on accounts and alerts."""

    rows: list[tuple[str, str, int, str, str, str]]


class VipPiece(msgspec.Struct, array_like=True, tag="vips"):
    """Accounts that look like large organizers."""

    rows: list[VipRow]


class OverPiece(msgspec.Struct, array_like=True, tag="over"):
    """Bursts of campaigns that are forgotten."""

    rows: list[tuple[int, str]]


class EndPiece(msgspec.Struct, array_like=True, tag="end"):
    """How far event time has come; the last piece."""

    pace: tuple[int, int, int, list[tuple[int, int, int]]]
    ticked_ms: int
    swept_ms: int


Piece = (
    EventPiece
    | CampaignPiece
    | AccountPiece
    | UploadPiece
    | RulingPiece
    | VipPiece
    | OverPiece
    | EndPiece
)

_decoder: msgspec.msgpack.Decoder[Piece] = msgspec.msgpack.Decoder(Piece)


def encode_piece(piece: Piece) -> bytes:
    """Write a piece."""
    return _encoder.encode(piece)


def decode_piece(raw: bytes) -> Piece:
    """Read a piece.

    Raises:
        msgspec.DecodeError: It is none.
    """
    return _decoder.decode(raw)


def told_row(told: Told) -> ToldRow:
    """What was said of a case, as plain values."""
    return told.alert, told.at_ms


def told_from(row: ToldRow) -> Told:
    """What was said of a case again."""
    alert, at_ms = row
    return Told(alert=alert, at_ms=at_ms)


def event_row(standing: Standing) -> EventRow:
    """An event of a case, as plain values."""
    return (
        standing.event_id,
        standing.account_id,
        standing.at_ms,
        standing.risk,
        standing.action,
        list(standing.reasons),
        list(standing.ties),
        standing.campaign_id,
    )


def standing_from(row: EventRow, book: ReasonBook) -> Standing:
    """An event of a case again; its reasons are kept in the book."""
    event_id, account_id, at_ms, risk, action, reasons, ties, campaign_id = row
    return Standing(
        event_id=EventId(event_id),
        account_id=AccountId(account_id),
        at_ms=at_ms,
        risk=risk,
        action=action,  # type: ignore[arg-type] # as it was written
        reasons=book.keep(
            Reason(code=Code(code), points=points, evidence=msgspec.json.decode(evidence))
            for code, points, evidence in reasons
        ),
        ties=tuple((Facet(facet), since_ms, accounts) for facet, since_ms, accounts in ties),
        campaign_id=None if campaign_id is None else CampaignId(campaign_id),
    )
