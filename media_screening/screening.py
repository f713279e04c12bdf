"""From a file to an outcome, by stages that cost more and see more, as far as there is reason to.

The file's SHA-256; its key frames, or all of it where that is cheap; what these point at, by hashes
and local features; and only there, dense pictures laid over the reference's.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contracts.ids import Action, ReferenceId
from contracts.screening import Match, ProhibitedHit, ScreeningStatus
from media_screening.alignment.alignment import AlignmentRule
from media_screening.alignment.border import find_windows
from media_screening.alignment.confirmation import picture_confirms
from media_screening.alignment.inset import find_insets
from media_screening.alignment.lead import Lead, LeadRule, find_leads, find_trails
from media_screening.alignment.overlay import OverlayRule
from media_screening.alignment.phash_match import match_phashes
from media_screening.alignment.seam import find_stacked
from media_screening.alignment.sparse import align_either
from media_screening.alignment.tracing import Found, trace
from media_screening.alignment.vote import Ballot, Line
from media_screening.errors import Rejected, ScreeningFailed
from media_screening.file_match import with_known_files
from media_screening.fingerprinting.fingerprint import Fingerprint
from media_screening.fingerprinting.still import find_stills
from media_screening.joining import join_matches
from media_screening.prohibited import ProhibitedCheck
from media_screening.reading import (
    Progress,
    ScreeningLimits,
    UploadReading,
    VideoFile,
    open_video,
    read_upload,
)
from media_screening.reference import ReferenceLibrary, sha256_of
from media_screening.sound.listening import Heard, Listener
from media_screening.sound.sound_fingerprint import SoundFingerprint
from media_screening.stage import Stage, StageLog

SEARCH_BATCH_STILLS = 512
BORDER_PICTURES = 8
"""Borders are looked for in so many pictures in a row, too: an upload may be spliced of several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchRule:
    """How far apart pictures may be that point at a work, where hashes alone are aligned.

    ``max_hamming_bits`` is wider than an alignment's ``agree_bits`` by what the frames of one still
    may differ: stills are searched by their first frame.
    """

    max_hamming_bits: int = 48


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of screening one file.

    Attributes:
        reason: Why it was not, or not all, screened; one line for people.
        fingerprint: Of what was decoded at first; None unless it is clean or a match. Of a match
            that is cut off, which ``reason`` says, it ends where the file does.
        sound: Of its sound, if there is any and it is listened to.
        passing: For an error, whether trying again may help.
        action: What the policies of the matched works ask for.
        stages: What was done, in its order.
        digests: Of the file, as ``sha256:HEX`` and ``md5:HEX``, if they were asked for.
        found: The matches with what carries them.
    """

    status: ScreeningStatus
    reason: str = ""
    duration_s: float = 0.0
    elapsed_s: float = 0.0
    matches: tuple[Match, ...] = ()
    prohibited: tuple[ProhibitedHit, ...] = ()
    fingerprint: Fingerprint | None = field(default=None, repr=False, compare=False)
    sound: SoundFingerprint | None = field(default=None, repr=False, compare=False)
    passing: bool = False
    action: Action = "hold"
    stages: tuple[Stage, ...] = ()
    digests: tuple[str, ...] = ()
    found: tuple[Found, ...] = field(default=(), repr=False)


class Screener:
    """Holds files against a library.

    Args:
        library: The pictures of the references.
        limits: What a file may be and cost.
        search: When hashes point at a work, where they are aligned alone.
        leads: When pictures point at a work.
        overlay: When pictures laid over each other are a match.
        alignment: When stretches of hashes are a match.
        listener: Listens to files and holds their sound against the references'; None for the
            picture alone.
        prohibited: Looks for what a platform may not carry; None for not at all.
        digests: Whether an outcome is to tell the file's digests, also where there is no list of
            known files yet.
    """

    def __init__(
        self,
        library: ReferenceLibrary,
        *,
        limits: ScreeningLimits | None = None,
        search: SearchRule | None = None,
        leads: LeadRule | None = None,
        overlay: OverlayRule | None = None,
        alignment: AlignmentRule | None = None,
        listener: Listener | None = None,
        prohibited: ProhibitedCheck | None = None,
        digests: bool = False,
    ) -> None:
        self._library = library
        self._listener = listener
        self._prohibited = prohibited
        self._digests = digests
        self._search = search or SearchRule()
        self._limits = limits or ScreeningLimits()
        self._leads = leads or LeadRule()
        self._overlay = overlay or OverlayRule()
        self._alignment = alignment or AlignmentRule()

    def screen(self, path: Path, *, progress: Progress | None = None) -> Outcome:
        """Screen one file. Whatever the file is, the outcome says so: nothing is raised for it.

        A file that is cut off is rejected with how much of it there was, unless what could be
        decoded matches: then it is a match, and the reason says that it was cut off.
        """
        started = time.monotonic()
        log = StageLog()
        try:
            outcome = self._screen(path, log, progress=progress)
        except Rejected as error:
            outcome = Outcome(status="rejected", reason=error.reason)
        except ScreeningFailed as error:
            outcome = Outcome(status="error", reason=error.reason, passing=error.passing)
        if self._digests or self._library.knows_files:
            outcome = with_known_files(
                outcome, path, self._library, max_bytes=self._limits.max_bytes
            )
        elapsed_s = math.ceil((time.monotonic() - started) * 1_000) / 1_000
        return replace(outcome, elapsed_s=elapsed_s, stages=tuple(log.stages))

    def match(
        self, upload: Fingerprint, *, only: frozenset[ReferenceId] | None = None
    ) -> tuple[Match, ...]:
        """Find the stretches of an upload by its hashes alone, in its order.

        This is for fingerprints whose video is not at hand, and references of which there are no
        sketches; edits of the picture are not found so. Nor are stretches of which the pictures
        are common to many references.
        """
        upload = self._library.common.leave_out(upload)
        matches = [
            Match(
                reference_id=reference.reference_id,
                title=reference.title,
                score=round(segment.score, 3),
                upload_start_s=round(segment.upload_start_s, 2),
                upload_end_s=round(segment.upload_end_s, 2),
                reference_start_s=round(segment.reference_start_s, 2),
                reference_end_s=round(segment.reference_end_s, 2),
            )
            for reference_id, lines in self._lines(upload).items()
            if (only is None or reference_id in only)
            and (reference := self._library.get(reference_id))
            for segment in align_either(upload, reference.fingerprint, lines, self._alignment)
            if self._library.tells_between(
                reference_id, segment.reference_start_s, segment.reference_end_s
            )
        ]
        if only is None:
            matches += self._match_phashes(upload)
        return tuple(sorted(matches, key=lambda match: (match.upload_start_s, match.reference_id)))

    def _screen(self, path: Path, log: StageLog, *, progress: Progress | None) -> Outcome:
        video = open_video(path, limits=self._limits, progress=progress)
        log.end("headers", f"{video.probe.video.codec} in {video.probe.container}")
        known = self._library.by_sha256(sha256_of(path))
        log.end("file", f"is {known.reference_id}" if known else "no reference's file")
        if known is not None:
            whole_s = round(known.fingerprint.duration_s, 2)
            match = Match(
                reference_id=known.reference_id,
                title=known.title,
                score=1.0,
                upload_start_s=0.0,
                upload_end_s=whole_s,
                reference_start_s=0.0,
                reference_end_s=whole_s,
            )
            return Outcome(
                status="match",
                duration_s=round(known.fingerprint.duration_s, 3),
                matches=(match,),
                fingerprint=known.fingerprint,
            )
        leads: list[Lead] = []

        def look_up(times_s: NDArray[np.float64], pictures: NDArray[np.uint8]) -> None:
            with log.aside("leads"):
                leads.extend(self._find_leads(times_s, pictures))

        reading = read_upload(video, look_up=look_up)
        how = "key frames" if reading.by_key_frames else "decoded whole"
        log.end("sparse", how, len(reading.times_s))
        trails = find_trails(leads)
        log.end("leads", f"{len(leads)} leads, {len(trails)} views", len(reading.times_s))
        found, dense = trace(video, reading, trails, self._library, self._overlay)
        if trails:
            log.end("dense", f"{len(found)} stretches", dense)
        matches = [one.match for one in found]
        matches += self._by_hashes_alone(video, reading, leads)
        upload = reading.fingerprint
        matches += self._match_phashes(upload)
        matches.sort(key=lambda match: (match.upload_start_s, match.reference_id))
        told = tuple(matches)
        heard = Heard()
        if self._listener is not None:
            heard = self._listener.listen(
                path,
                max_seconds=self._limits.max_seconds,
                timeout_seconds=self._limits.timeout_seconds,
                wanted=_told_again(progress, upload.duration_s),
            )
            told = join_matches(
                told, heard.matches, confirms=lambda match: self._confirms(upload, match)
            )
            log.end("sound", f"{len(heard.matches)} stretches")
        duration_s = round(upload.duration_s, 3)
        cut = reading.cut
        if cut is not None and not told:
            return Outcome(status="rejected", reason=cut.reason, duration_s=duration_s)
        prohibited: tuple[ProhibitedHit, ...] = ()
        if self._prohibited is not None:
            prohibited = self._prohibited.look(
                path,
                timeout_seconds=self._limits.timeout_seconds,
                wanted=_told_again(progress, upload.duration_s),
            )
            log.end("prohibited", f"{len(prohibited)} hits")
        return Outcome(
            status="match" if told else "clean",
            reason=cut.reason if cut else "",
            duration_s=duration_s,
            matches=told,
            prohibited=prohibited,
            fingerprint=upload,
            sound=heard.fingerprint,
            found=tuple(found),
        )

    def _confirms(self, upload: Fingerprint, match: Match) -> bool:
        """Whether the picture too says what the sound says."""
        reference = self._library.get(match.reference_id)
        return reference is not None and picture_confirms(upload, reference.fingerprint, match)

    def _match_phashes(self, upload: Fingerprint) -> list[Match]:
        """Matches with works of which only pHashes are known."""
        return [
            Match(
                reference_id=reference_id,
                title=self._library.title_of(reference_id) or "",
                score=round(stretch.score, 3),
                upload_start_s=round(stretch.upload_start_s, 2),
                upload_end_s=round(stretch.upload_end_s, 2),
                reference_start_s=round(stretch.reference_start_s, 2),
                reference_end_s=round(stretch.reference_end_s, 2),
            )
            for reference_id, listed in self._library.phash_works().items()
            for stretch in match_phashes(upload, listed, self._alignment)
        ]

    def _find_leads(self, times_s: NDArray[np.float64], pictures: NDArray[np.uint8]) -> list[Lead]:
        around = (*find_windows(pictures), *find_insets(pictures))
        leads: list[Lead] = []
        for first in range(0, len(pictures), BORDER_PICTURES):
            chunk = slice(first, first + BORDER_PICTURES)
            near = (
                *find_windows(pictures[chunk]),
                *find_insets(pictures[chunk]),
                *find_stacked(pictures[chunk]),
            )
            windows = tuple(dict.fromkeys((*around, *near)))
            leads += find_leads(
                times_s[chunk], pictures[chunk], windows, self._library, self._leads
            )
        return leads

    def _by_hashes_alone(
        self, video: VideoFile, reading: UploadReading, leads: Iterable[Lead]
    ) -> tuple[Match, ...]:
        """Matches of references that have no sketches: kept by an older version, or imported."""
        bare = frozenset(
            lead.reference_id
            for lead in leads
            if (known := self._library.get(lead.reference_id)) and known.sketches is None
        )
        if not bare:
            return ()
        dense = read_upload(video, whole=True) if reading.by_key_frames else reading
        return self.match(dense.fingerprint, only=bare)

    def _lines(self, upload: Fingerprint) -> dict[ReferenceId, tuple[Line, ...]]:
        """For each reference that has pictures in common, the lines worth following."""
        stills = find_stills(upload)
        radius = self._search.max_hamming_bits
        ballots: dict[ReferenceId, Ballot] = {}
        for first in range(0, len(stills), SEARCH_BATCH_STILLS):
            batch = stills.pdq[first : first + SEARCH_BATCH_STILLS]
            for reference_id, hits in self._library.index.search(
                batch, max_hamming_bits=radius
            ).items():
                reference = self._library.get(reference_id)
                if reference is None:
                    continue
                if reference_id not in ballots:
                    ballots[reference_id] = Ballot(
                        upload=stills, reference=reference.stills, max_hamming_bits=radius
                    )
                ballots[reference_id].cast(hits, first_query=first)
        return {reference_id: ballot.lines() for reference_id, ballot in ballots.items()}


def _told_again(progress: Progress | None, whole_s: float) -> Callable[[], None]:
    """While the sound is listened to, the picture stays done; whoever is told may end the work."""
    return lambda: progress(whole_s, whole_s) if progress is not None else None
