"""The pictures of a match, as the alert's page shows them."""

from __future__ import annotations

from dataclasses import dataclass, fields

from contracts.evidence import EvidencePair
from contracts.ids import AlertId
from store.album import AlbumFolder

_FIELDS = {field.name for field in fields(EvidencePair)}


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownPair:
    """One picture, by its number in the album, and what it shows."""

    number: int
    pair: EvidencePair


def pairs_of(pictures: AlbumFolder | None, alert_id: AlertId) -> tuple[ShownPair, ...]:
    """What pictures there are of an alert; a caption of another version is passed over."""
    if pictures is None:
        return ()
    return tuple(
        ShownPair(number=number, pair=EvidencePair(**caption))
        for number, caption in enumerate(pictures.captions(alert_id))
        if caption.keys() == _FIELDS
    )
