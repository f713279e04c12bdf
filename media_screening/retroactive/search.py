"""A new reference held against past uploads: sieves over all, then the uploads that they leave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog

from contracts.ids import AccountId, EventId, ReferenceId, UploadId
from contracts.screening import Match
from media_screening.alignment.alignment import AlignmentRule
from media_screening.errors import InvalidFingerprint
from media_screening.fingerprinting.fingerprint import ALGORITHM, Fingerprint
from media_screening.reference import ReferenceLibrary
from media_screening.retroactive.sieve import Page, PhashSieve, PictureSieve, Sieve
from media_screening.retroactive.sound_sieve import SoundSieve
from media_screening.screening import Screener, SearchRule
from media_screening.sound.library import SoundLibrary
from media_screening.sound.screening import SoundScreener
from media_screening.sound.sound_fingerprint import SOUND_ALGORITHM, SoundFingerprint
from store.upload import UploadFileRecord, UploadFingerprintRecord, UploadStills, UploadStore

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PastUpload:
    """An upload that was screened before."""

    upload_id: UploadId
    account_id: AccountId
    event_id: EventId
    occurred_at_ms: int
    duration_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RetroactiveHit:
    """A past upload that shows the new reference.

    Attributes:
        fingerprint: Of its pictures; None if nothing is known of them.
        sound: Of its sound; None if it is not by that that it was found.
        same_file: Whether its file is known to show the reference.
    """

    upload: PastUpload
    fingerprint: Fingerprint | None
    sound: SoundFingerprint | None
    same_file: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RetroactiveStep:
    """One page of past uploads.

    Attributes:
        at_ms: Uploads made before this time are done.
        uploads: How many uploads were sieved.
        looked_at: Those that were looked at whole.
        hits: Those that show the reference.
    """

    at_ms: int
    uploads: int
    looked_at: tuple[UploadId, ...]
    hits: tuple[RetroactiveHit, ...]


class RetroactiveSearch:
    """Holds one reference against what is kept of past uploads.

    Args:
        alone: A library that holds this reference only.
        uploads: Past uploads.
        whole: All references: what many of them have is no evidence of this one.
        sounds: The sound of this reference only; None for the picture alone.
    """

    def __init__(
        self,
        alone: ReferenceLibrary,
        uploads: UploadStore,
        *,
        whole: ReferenceLibrary | None = None,
        sounds: SoundLibrary | None = None,
        search: SearchRule | None = None,
        alignment: AlignmentRule | None = None,
    ) -> None:
        self._alone = alone
        self._uploads = uploads
        self._whole = whole or alone
        self._sounds = sounds
        self._radius_bits = (search or SearchRule()).max_hamming_bits
        self._rule = alignment or AlignmentRule()
        self._screener = Screener(alone, search=search, alignment=alignment)

    def run(
        self, reference_id: ReferenceId, *, from_ms: int, to_ms: int
    ) -> Iterator[RetroactiveStep]:
        """Go through uploads made in a stretch of time, the oldest first, page by page.

        A reference that is not enabled any more is found nowhere.
        """
        sieves = self._sieves(reference_id)
        sound = self._sounds.get(reference_id) if self._sounds else None
        hearing = SoundSieve(sound.hearing) if sound else None
        digests = self._alone.digests_of(reference_id)
        pages = (
            self._uploads.stills(from_ms=from_ms, to_ms=to_ms) if sieves or hearing else iter(())
        )
        page = next(pages, None)
        at_ms = from_ms
        while at_ms < to_ms and (page or digests):
            following = next(pages, None) if page else None
            until_ms = to_ms if following is None or page is None else page[-1].occurred_at_ms
            files = self._uploads.files(digests, from_ms=at_ms, to_ms=max(until_ms, at_ms + 1))
            seen = self._seen(sieves, page or ())
            heard = self._heard(hearing, page or ())
            hits = [*self._confirmed(seen, heard, files)]
            yield RetroactiveStep(
                at_ms=until_ms,
                uploads=len(page or ()),
                looked_at=tuple(sorted(seen | set(heard))),
                hits=tuple(hits),
            )
            if following is None:
                return
            page, at_ms = following, until_ms

    def _sieves(self, reference_id: ReferenceId) -> list[Sieve]:
        sieves: list[Sieve] = []
        reference = self._alone.get(reference_id)
        if reference is not None and len(reference.stills):
            sieves.append(
                PictureSieve(
                    reference.stills.pdq,
                    max_hamming_bits=self._radius_bits,
                    distinct_bits=self._rule.distinct_bits,
                    shared=self._whole.are_shared,
                )
            )
        listed = self._alone.phash_works().get(reference_id)
        if listed is not None and len(listed):
            sieves.append(PhashSieve(listed.phash))
        return sieves

    def _seen(self, sieves: Sequence[Sieve], uploads: Sequence[UploadStills]) -> set[UploadId]:
        if not uploads or not sieves:
            return set()
        page = Page.of(uploads)
        return set().union(*(sieve.candidates(page) for sieve in sieves))

    def _heard(
        self, sieve: SoundSieve | None, uploads: Sequence[UploadStills]
    ) -> dict[UploadId, SoundFingerprint]:
        """Sounds that may be the reference's."""
        if sieve is None:
            return {}
        packed = self._uploads.packed([one.upload_id for one in uploads], SOUND_ALGORITHM)
        sounds = {}
        for upload_id, frames in packed.items():
            try:
                sounds[upload_id] = SoundFingerprint.unpack(frames)
            except InvalidFingerprint as error:
                _log.error("past sound left out", upload_id=upload_id, reason=error.reason)
        return {upload_id: sounds[upload_id] for upload_id in sieve.candidates(sounds)}

    def _confirmed(
        self,
        seen: set[UploadId],
        heard: dict[UploadId, SoundFingerprint],
        files: Sequence[UploadFileRecord],
    ) -> Iterator[RetroactiveHit]:
        same_files = {one.upload_id: one for one in files}
        for upload_id in sorted({*seen, *heard, *same_files}):
            record = self._uploads.get(upload_id, ALGORITHM)
            fingerprint = _unpacked(record) if record else None
            sound = heard.get(upload_id)
            if sound is not None and not self._sounds_alike(sound):
                sound = None
            shows = upload_id in seen and fingerprint is not None and self._looks_alike(fingerprint)
            known = record or same_files.get(upload_id)
            if known is not None and (shows or sound is not None or upload_id in same_files):
                yield RetroactiveHit(
                    upload=_past(known),
                    fingerprint=fingerprint,
                    sound=sound,
                    same_file=upload_id in same_files,
                )

    def _looks_alike(self, fingerprint: Fingerprint) -> bool:
        return any(map(self._tells, self._screener.match(fingerprint)))

    def _tells(self, match: Match) -> bool:
        between_s = match.reference_start_s, match.reference_end_s
        return self._whole.tells_between(match.reference_id, *between_s)

    def _sounds_alike(self, sound: SoundFingerprint) -> bool:
        if self._sounds is None:
            return False
        return bool(SoundScreener(self._sounds).match([sound.hearing()]))


def _unpacked(record: UploadFingerprintRecord) -> Fingerprint | None:
    try:
        return Fingerprint.unpack(record.frames)
    except InvalidFingerprint as error:
        _log.error("past upload left out", upload_id=record.upload_id, reason=error.reason)
        return None


def _past(record: UploadFingerprintRecord | UploadFileRecord) -> PastUpload:
    return PastUpload(
        upload_id=record.upload_id,
        account_id=record.account_id,
        event_id=record.event_id,
        occurred_at_ms=record.occurred_at_ms,
        duration_s=record.duration_s,
    )
