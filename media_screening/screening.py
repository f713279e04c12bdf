"""From a file to an outcome: frames, fingerprint, search, alignment."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from contracts.ids import Action, ReferenceId
from contracts.screening import Match, ProhibitedHit, ScreeningStatus
from media_screening.alignment import AlignmentRule
from media_screening.confirmation import picture_confirms
from media_screening.errors import CutOff, Rejected, ScreeningFailed, TimeLimit
from media_screening.file_match import with_known_files
from media_screening.fingerprint import Fingerprint, FingerprintBuilder
from media_screening.frame import FrameLimits, read_frames
from media_screening.joining import join_matches
from media_screening.listening import Heard, Listener
from media_screening.phash_match import match_phashes
from media_screening.probe import probe
from media_screening.prohibited import ProhibitedCheck
from media_screening.reference import ReferenceLibrary
from media_screening.sniff import check_file
from media_screening.sound import SoundFingerprint
from media_screening.sparse import align_either
from media_screening.still import find_stills
from media_screening.vote import Ballot, Line

UPLOAD_FRAMES_PER_SECOND = 4.0
REFERENCE_FRAMES_PER_SECOND = 8.0
"""Twice the uploads': whatever moment an upload was sampled at, a reference frame is at most 63 ms
away."""

SEARCH_BATCH_STILLS = 512

Progress = Callable[[float, float | None], None]
"""Told the seconds of video done and, if known, how many there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScreeningLimits:
    """What an upload may be and cost."""

    max_bytes: int = 8 * 1024**3
    max_seconds: float = 6 * 3_600.0
    timeout_seconds: float = 900.0
    decode_threads: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchRule:
    """How far apart pictures may be that point at a work.

    ``max_hamming_bits`` is wider than an alignment's ``agree_bits`` by what the frames of one still
    may differ: stills are searched by their first frame.
    """

    max_hamming_bits: int = 48


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of screening one file.

    Attributes:
        reason: Why it was not, or not all, screened; one line for people.
        fingerprint: Of what could be decoded; None unless it is clean or a match. Of a match that
            is cut off, which ``reason`` says, it ends where the file does.
        sound: Of its sound, if there is any and it is listened to.
        passing: For an error, whether trying again may help.
        action: What the policies of the matched works ask for.
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


class Screener:
    """Holds files against a library.

    Args:
        library: The pictures of the references.
        limits: What a file may be and cost.
        search: When pictures point at a work.
        alignment: When stretches are a match.
        listener: Listens to files and holds their sound against the references'; None for the
            picture alone.
        prohibited: Looks for what a platform may not carry; None for not at all.
    """

    def __init__(
        self,
        library: ReferenceLibrary,
        *,
        limits: ScreeningLimits | None = None,
        search: SearchRule | None = None,
        alignment: AlignmentRule | None = None,
        listener: Listener | None = None,
        prohibited: ProhibitedCheck | None = None,
    ) -> None:
        self._library = library
        self._listener = listener
        self._prohibited = prohibited
        self._limits = limits or ScreeningLimits()
        self._search = search or SearchRule()
        self._alignment = alignment or AlignmentRule()

    def screen(self, path: Path, *, progress: Progress | None = None) -> Outcome:
        """Screen one file. Whatever the file is, the outcome says so: nothing is raised for it.

        A file that is cut off is rejected with how much of it there was, unless what could be
        decoded matches: then it is a match, and the reason says that it was cut off.
        """
        started = time.monotonic()
        try:
            outcome = self._screen(path, progress=progress)
        except Rejected as error:
            outcome = Outcome(status="rejected", reason=error.reason)
        except ScreeningFailed as error:
            outcome = Outcome(status="error", reason=error.reason, passing=error.passing)
        outcome = with_known_files(outcome, path, self._library, max_bytes=self._limits.max_bytes)
        return _timed(outcome, time.monotonic() - started)

    def match(self, upload: Fingerprint) -> tuple[Match, ...]:
        """Find the stretches of an upload that are stretches of a reference, in its order."""
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
            for reference_id, lines in self._candidates(upload).items()
            if (reference := self._library.get(reference_id))
            for segment in align_either(upload, reference.fingerprint, lines, self._alignment)
        ]
        matches += self._match_phashes(upload)
        return tuple(sorted(matches, key=lambda match: (match.upload_start_s, match.reference_id)))

    def _screen(self, path: Path, *, progress: Progress | None) -> Outcome:
        upload, cut = fingerprint_file(
            path,
            frames_per_second=UPLOAD_FRAMES_PER_SECOND,
            limits=self._limits,
            progress=progress,
        )
        matches = self.match(upload)
        heard = Heard()
        if self._listener is not None:
            heard = self._listener.listen(
                path,
                max_seconds=self._limits.max_seconds,
                timeout_seconds=self._limits.timeout_seconds,
                wanted=_told_again(progress, upload.duration_s),
            )
            matches = join_matches(
                matches, heard.matches, confirms=lambda match: self._confirms(upload, match)
            )
        if cut is not None and not matches:
            return Outcome(
                status="rejected", reason=cut.reason, duration_s=round(upload.duration_s, 3)
            )
        prohibited: tuple[ProhibitedHit, ...] = ()
        if self._prohibited is not None:
            prohibited = self._prohibited.look(
                path,
                timeout_seconds=self._limits.timeout_seconds,
                wanted=_told_again(progress, upload.duration_s),
            )
        return Outcome(
            status="match" if matches else "clean",
            reason=cut.reason if cut else "",
            duration_s=round(upload.duration_s, 3),
            matches=matches,
            prohibited=prohibited,
            fingerprint=upload,
            sound=heard.fingerprint,
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

    def _candidates(self, upload: Fingerprint) -> dict[ReferenceId, tuple[Line, ...]]:
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


def fingerprint_file(
    path: Path,
    *,
    frames_per_second: float,
    limits: ScreeningLimits,
    progress: Progress | None = None,
) -> tuple[Fingerprint, CutOff | None]:
    """Check, probe and decode a file.

    Returns:
        Its fingerprint and, if the file ends before its video does, what is to be said of that.

    Raises:
        Rejected: It is not a video that can be screened.
        ScreeningFailed: It could not be tried.
    """
    deadline = time.monotonic() + limits.timeout_seconds
    check_file(path, max_bytes=limits.max_bytes)
    found = probe(path)
    frame_limits = FrameLimits(
        timeout_seconds=max(0.1, deadline - time.monotonic()),
        max_seconds=limits.max_seconds,
        decode_threads=limits.decode_threads,
    )
    builder = FingerprintBuilder()
    cut = None
    try:
        for batch in read_frames(
            path, probe=found, frames_per_second=frames_per_second, limits=frame_limits
        ):
            builder.add(batch)
            if progress is not None:
                progress(builder.end_s, found.duration_s)
            if time.monotonic() > deadline:
                reason = f"screening took longer than {limits.timeout_seconds:g} s"
                raise TimeLimit(reason)
    except CutOff as error:
        cut = error
        if not builder.frames_seen:
            raise
    # The last frame is on screen for about as long as those before it.
    shown_s = builder.end_s + 1 / frames_per_second
    whole_s = found.duration_s if found.duration_s is not None and cut is None else shown_s
    return builder.build(duration_s=max(whole_s, builder.end_s)), cut


def _told_again(progress: Progress | None, whole_s: float) -> Callable[[], None]:
    """While the sound is listened to, the picture stays done; whoever is told may end the work."""
    return lambda: progress(whole_s, whole_s) if progress is not None else None


def _timed(outcome: Outcome, elapsed_s: float) -> Outcome:
    return replace(outcome, elapsed_s=math.ceil(elapsed_s * 1_000) / 1_000)
