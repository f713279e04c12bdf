"""Where the pictures of matches are, and how much room they have."""

from __future__ import annotations

from doorstaff.settings import Settings
from media_screening.evidence import EvidenceKeeper
from store.album import AlbumFolder

_MIB = 1024**2
_DAY_SECONDS = 86_400


def evidence_folders(settings: Settings) -> tuple[AlbumFolder, AlbumFolder]:
    """The pictures of matches, by alert, and the key pictures of references, by reference."""
    folder = settings.home / "evidence"
    pairs = AlbumFolder(
        folder / "matches",
        max_bytes=settings.media_evidence_mib * _MIB,
        max_age_seconds=settings.media_evidence_days * _DAY_SECONDS,
    )
    strips = AlbumFolder(folder / "references", max_bytes=settings.media_key_pictures_mib * _MIB)
    return pairs, strips


def evidence_keeper(settings: Settings) -> EvidenceKeeper:
    """What keeps both, below HOME."""
    pairs, strips = evidence_folders(settings)
    return EvidenceKeeper(pairs=pairs, strips=strips)
