"""The pictures that go with a match: frames of the upload beside those of the reference.

A reference's key pictures are kept when it is added, so that its video is not needed later. Of a
reference that came as a list of hashes there are none; the upload's side is then shown alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

from contracts.evidence import EvidencePair, media_alert_id
from contracts.ids import ReferenceId, UploadId
from contracts.screening import Match
from media_screening import metrics
from media_screening.decoding.picture import (
    from_jpeg,
    read_picture,
    read_pictures,
    side_by_side,
    to_jpeg,
)
from media_screening.decoding.probe import probe
from media_screening.errors import MediaScreeningError
from store.album import AlbumFolder

_log = structlog.get_logger(__name__)

PAIRS_A_MATCH = 3
MAX_PAIRS = 12
"""Of one upload: the alert's page should load at once."""

KEY_PICTURES = 900
KEY_PICTURE_S = 2.0
"""A work has a key picture every two seconds, a long one as many in all: about 6 MB."""

TIMEOUT_SECONDS = 60.0
"""For all pictures of one upload; what is done by then is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Choice:
    """Which moment of a match is shown, and which key picture shows it."""

    match: Match
    upload_s: float
    reference_s: float
    number: int | None


class EvidenceKeeper:
    """Makes and keeps pictures.

    Args:
        pairs: Where uploads' pictures go, by alert.
        strips: Where references' key pictures are, by reference.
    """

    def __init__(self, *, pairs: AlbumFolder, strips: AlbumFolder) -> None:
        self._pairs = pairs
        self._strips = strips

    def keep_reference(
        self, reference_id: ReferenceId, path: Path, *, duration_s: float, timeout_seconds: float
    ) -> None:
        """Keep a work's key pictures.

        Whatever hinders it is logged: a work without them is found all the same.
        """
        if not self._strips.keeps_any:
            return
        try:
            self._keep_reference(reference_id, path, duration_s, timeout_seconds)
        except (MediaScreeningError, OSError) as error:
            _log.warning(
                "no key pictures kept", reference_id=reference_id, error=type(error).__name__
            )

    def forget_reference(self, reference_id: ReferenceId) -> None:
        """Take a work's key pictures away."""
        self._strips.forget(reference_id)

    def keep_upload(self, upload_id: UploadId, path: Path, matches: Sequence[Match]) -> None:
        """Keep pictures of an upload's matches, while its file is there.

        Whatever hinders it is counted and logged: a match without pictures is still a match.
        """
        if not self._pairs.keeps_any or not matches:
            return
        try:
            self._keep_upload(upload_id, path, matches)
        except (MediaScreeningError, OSError) as error:
            metrics.EVIDENCE_FAILURES.inc()
            _log.warning("no pictures kept", upload_id=upload_id, error=type(error).__name__)

    def prune(self) -> None:
        """Hold both folders to their budgets."""
        self._pairs.prune()
        self._strips.prune()

    def _keep_reference(
        self, reference_id: ReferenceId, path: Path, duration_s: float, timeout_seconds: float
    ) -> None:
        every_s = max(KEY_PICTURE_S, math.ceil(duration_s / KEY_PICTURES))
        pictures = [
            to_jpeg(picture)
            for picture in read_pictures(
                path,
                every_s=every_s,
                stream=probe(path).video.index,
                timeout_seconds=timeout_seconds,
            )
        ]
        captions = [{"at_s": number * every_s} for number in range(len(pictures))]
        self._strips.keep(reference_id, captions, pictures)

    def _keep_upload(self, upload_id: UploadId, path: Path, matches: Sequence[Match]) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        stream = probe(path).video.index
        captions: list[dict[str, object]] = []
        pictures: list[bytes] = []
        a_match = max(1, min(PAIRS_A_MATCH, MAX_PAIRS // len(matches)))
        choices = [
            choice for match in matches[:MAX_PAIRS] for choice in self._choose(match, a_match)
        ]
        for choice in choices:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            upload = read_picture(path, at_s=choice.upload_s, stream=stream, timeout_seconds=left_s)
            if upload is None:
                continue
            match = choice.match
            kept = None
            if choice.number is not None:
                kept = self._strips.picture(match.reference_id, choice.number)
            reference = from_jpeg(kept) if kept else None
            told = (
                f"upload, {_clock(choice.upload_s)}",
                f"reference, {_clock(choice.reference_s)}",
            )
            pictures.append(to_jpeg(side_by_side(upload, reference, told)))
            pair = EvidencePair(
                reference_id=match.reference_id,
                title=match.title,
                upload_s=round(choice.upload_s, 2),
                reference_s=round(choice.reference_s, 2),
                has_reference=reference is not None,
            )
            captions.append(asdict(pair))
        if pictures:
            self._pairs.keep(media_alert_id(upload_id), captions, pictures)

    def _choose(self, match: Match, count: int) -> list[_Choice]:
        """Moments spread over a match; where key pictures fall into it, theirs."""
        start_s, end_s = match.reference_start_s, match.reference_end_s
        numbered = [
            (number, float(caption["at_s"]))
            for number, caption in enumerate(self._strips.captions(match.reference_id))
            if start_s <= caption["at_s"] <= end_s
        ]
        chosen: list[tuple[int | None, float]] = []
        for part in range(count):
            wanted_s = start_s + (end_s - start_s) * (part + 0.5) / count
            if numbered:
                nearest = min(numbered, key=lambda one: abs(one[1] - wanted_s))
                if nearest not in chosen:
                    chosen.append(nearest)
            else:
                chosen.append((None, wanted_s))
        rate = (match.upload_end_s - match.upload_start_s) / max(end_s - start_s, 1e-6)
        return [
            _Choice(
                match=match,
                upload_s=match.upload_start_s + rate * (at_s - start_s),
                reference_s=at_s,
                number=number,
            )
            for number, at_s in chosen
        ]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}:{rest:04.1f}"
