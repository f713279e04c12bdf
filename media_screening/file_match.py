"""Files that lists of known files name: a match without looking at a picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.screening import Match
from media_screening.policy import Work
from media_screening.reference import ReferenceLibrary, digests_of

if TYPE_CHECKING:
    from media_screening.screening import Outcome


def with_known_files(
    outcome: Outcome, path: Path, library: ReferenceLibrary, *, max_bytes: int
) -> Outcome:
    """Tell a file's digests, and add a match of it whole for each work that it is known to show.

    A known file is a match also where it could not be decoded. Works that its pictures matched are
    left as they are; a file of more than ``max_bytes`` is not read.
    """
    try:
        if not path.is_file() or path.stat().st_size > max_bytes:
            return outcome
        digests = digests_of(path)
    except OSError:
        return outcome
    outcome = replace(outcome, digests=digests)
    known = library.known_file(digests)
    matched = {match.reference_id for match in outcome.matches}
    found = tuple(
        whole_file_match(
            work, library.title_of(work.reference_id) or "", duration_s=outcome.duration_s
        )
        for work in map(library.work, known)
        if work is not None and work.reference_id not in matched
    )
    if not found:
        return outcome
    return replace(outcome, status="match", matches=(*found, *outcome.matches), passing=False)


def whole_file_match(work: Work, title: str, *, duration_s: float) -> Match:
    """A match of a whole file, of so many seconds, that is known to show a work."""
    return Match(
        reference_id=work.reference_id,
        title=title,
        score=1.0,
        upload_start_s=0.0,
        upload_end_s=duration_s,
        reference_start_s=0.0,
        reference_end_s=work.duration_s or duration_s,
    )
