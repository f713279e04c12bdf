"""What passes between agents: packs, each made of one chunk of events for one target partition.

A message between agents is an array of packs in MessagePack. An agent makes packs one by one; those
that go to the same partition at the same time share a message (``joined``), because a message costs
some thirty times what a pack in it does: with eight partitions, the packs and answers of one tick
are 24 messages instead of some 600.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from contracts.screening import Screening
from contracts.signal import Signal
from contracts.verdict import Verdict
from detectors.reader import Reading
from detectors.ruling import Ruled
from detectors.sighting import Sightings
from streams.message import Outgoing

MAX_PACK_BYTES = 700_000
"""Larger packs are split: Kafka takes messages of up to 1 MiB."""

MAX_JOINED_BYTES = 200_000
"""Packs are joined up to this size: the emitter puts several such messages into a record batch."""

_ARRAY_32 = b"\xdd"
"""MessagePack: an array whose length follows in four bytes."""

_encoder = msgspec.msgpack.Encoder()
_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}


class BatchId(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Names a batch by the messages it was made of.

    Attributes:
        origin: ``TOPIC:PARTITION``.
        first: Offset of the first message.
        last: Offset of the last one.
        half: Which half of a batch that was too large for one message, ``0``, ``1``, ``01`` …;
            empty for a whole one.
    """

    origin: str
    first: int
    last: int
    half: str = ""

    def overlaps(self, other: BatchId) -> bool:
        """Whether messages of the one were read again, after a crash, for the other.

        Halves of one batch are of other messages each, and bear the same offsets.
        """
        return (
            self.origin == other.origin
            and self.first <= other.last
            and other.first <= self.last
            and (self.first, self.last) != (other.first, other.last)
        )


class FacetPack(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Facets that belong to one partition of the facets topic.

    Attributes:
        batch: The events it came from.
        ingested_at_ms: When the oldest of these events was sent.
        asks: The partitions of accounts that await an answer.
    """

    batch: BatchId
    ingested_at_ms: int
    asks: tuple[int, ...]
    sightings: Sightings


class ReadingPack(
    msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="readings", gc=False
):
    """What some events say by themselves, for one partition of accounts; without their facets.

    Attributes:
        batch: These events.
        awaits: The facet partitions that answer before these can be settled.
    """

    batch: BatchId
    ingested_at_ms: int
    awaits: tuple[int, ...]
    readings: tuple[Reading, ...]


class Answer(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What came of one batch.

    Attributes:
        batch: It awaits this answer; None for signals about earlier events only.
        is_last: Whether the answer ends with this.
    """

    batch: BatchId | None = None
    is_last: bool = True
    signals: tuple[Signal, ...] = ()


class AnswerPack(
    msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag="answers", gc=False
):
    """What velocity says of some batches, to one partition of accounts.

    Attributes:
        source: The facet partition that answers.
    """

    source: int
    ingested_at_ms: int
    answers: tuple[Answer, ...]


class CasePack(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What the alert desk needs of one settled batch.

    Attributes:
        source: The partition of accounts that it comes from; -1 for what comes from elsewhere, and
            says nothing about event time.
        watermark_ms: Event time that this partition has come to.
        verdicts: Those that are not plainly ``allow``, or that tie their account to others.
    """

    source: int = -1
    watermark_ms: int = 0
    ingested_at_ms: int
    verdicts: tuple[Verdict, ...] = ()
    screenings: tuple[Screening, ...] = ()
    decisions: tuple[Ruled, ...] = ()


def encode_pack(pack: object) -> bytes:
    """A pack, to be sent joined to others (``Outgoing.joins``)."""
    return _encoder.encode(pack)


def joined(messages: list[Outgoing]) -> list[Outgoing]:
    """Messages to one partition, with packs that follow each other joined to one message."""
    if not messages[0].joins:
        return messages
    bundles: list[Outgoing] = []
    packs: list[bytes] = []
    size = 0
    for message in messages:
        if packs and size + len(message.value) > MAX_JOINED_BYTES:
            bundles.append(replace(message, value=_join(packs)))
            packs, size = [], 0
        packs.append(message.value)
        size += len(message.value)
    bundles.append(replace(messages[-1], value=_join(packs)))
    return bundles


def packs_in(message: bytes, kind: Any) -> list[Any]:
    """The packs of a message, in the order in which they were joined.

    Args:
        message: The value of a record.
        kind: A type of packs, or a union of such.

    Raises:
        msgspec.DecodeError: It is not MessagePack, or not of this kind.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.msgpack.Decoder(list[kind])
    try:
        packs: list[Any] = decoder.decode(message)
    except UnicodeDecodeError as error:
        reason = f"a text is not UTF-8 - at byte {error.start} of it"
        raise msgspec.DecodeError(reason) from None
    except RecursionError:
        reason = "MessagePack is nested too deep"
        raise msgspec.DecodeError(reason) from None
    return packs


def _join(packs: Sequence[bytes]) -> bytes:
    return b"".join((_ARRAY_32, len(packs).to_bytes(4, "big"), *packs))
