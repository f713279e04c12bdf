"""What came of edited uploads: which stretches were found, where their ends are, what is false."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.edited import Truth, Upload
from contracts.screening import Match

TOLERANCE_S = 1.0
SPLICED, PAIRS = "spliced", "pairs"


@dataclass(kw_only=True)
class Tally:
    """What came of the uploads of one group.

    Attributes:
        found: Uploads of which at least one stretch was found, on both sides.
        truths: Stretches that there are.
        stretches: Of these, those that were found.
        exact: Of these, those with all four ends within ``TOLERANCE_S``.
        false: Uploads in which a work was found that is not in them.
        astray: Matches of the right work that are none of its stretches.
        rivals: For each rival, how many uploads it was asked about, and how many it found.
    """

    uploads: int = 0
    found: int = 0
    truths: int = 0
    stretches: int = 0
    exact: int = 0
    false: int = 0
    astray: int = 0
    cpu_s: float = 0.0
    rivals: dict[str, tuple[int, int]] = field(default_factory=dict)

    def judge(self, upload: Upload, matches: Sequence[Match], *, cpu_s: float) -> list[str]:
        """Count an upload; say what was wrong with it."""
        hits = [best_match(truth, matches) for truth in upload.truths]
        wanted = {truth.work for truth in upload.truths}
        false = [match for match in matches if match.reference_id not in wanted]
        astray = [
            match
            for match in matches
            if match not in false and not any(overlap(truth, match) for truth in upload.truths)
        ]
        self.uploads += 1
        self.cpu_s += cpu_s
        self.found += any(hits)
        self.truths += len(hits)
        self.false += bool(false)
        self.astray += len(astray)
        told = [f"FALSE {match}" for match in false] + [f"ASTRAY {match}" for match in astray]
        for truth, match in zip(upload.truths, hits, strict=True):
            if match is None:
                told.append(
                    f"missed {truth.work} {truth.upload_start_s:.1f}-{truth.upload_end_s:.1f}"
                )
                continue
            errors = ends(truth, match)
            exact = max(map(abs, errors)) <= TOLERANCE_S
            self.stretches += 1
            self.exact += exact
            if not exact:
                told.append(f"ends {truth.work} " + " ".join(f"{error:+.2f}" for error in errors))
        return told

    def judge_rival(self, name: str, upload: Upload, found: Iterable[str]) -> None:
        """Count what a rival found, which only says which works."""
        asked, right = self.rivals.get(name, (0, 0))
        wanted = {truth.work for truth in upload.truths}
        self.rivals[name] = asked + 1, right + bool(wanted & set(found))


def together(tallies: Iterable[Tally]) -> Tally:
    """One tally of many."""
    total = Tally()
    for tally in tallies:
        for name, value in vars(tally).items():
            if name != "rivals":
                setattr(total, name, getattr(total, name) + value)
        for name, counts in tally.rivals.items():
            asked, right = total.rivals.get(name, (0, 0))
            total.rivals[name] = asked + counts[0], right + counts[1]
    return total


def best_match(truth: Truth, matches: Iterable[Match]) -> Match | None:
    """The match of this work whose seconds, on both sides, are nearest to the truth's."""
    overlapping = [match for match in matches if overlap(truth, match)]
    return min(overlapping, key=lambda match: max(map(abs, ends(truth, match))), default=None)


def overlap(truth: Truth, match: Match) -> bool:
    """Whether a match is of this work, and has seconds in common with the truth on both sides."""
    return (
        match.reference_id == truth.work
        and match.upload_start_s < truth.upload_end_s
        and match.upload_end_s > truth.upload_start_s
        and match.reference_start_s < truth.reference_end_s
        and match.reference_end_s > truth.reference_start_s
    )


def ends(truth: Truth, match: Match) -> tuple[float, float, float, float]:
    """How far off a match's four ends are, in seconds."""
    return (
        match.upload_start_s - truth.upload_start_s,
        match.upload_end_s - truth.upload_end_s,
        match.reference_start_s - truth.reference_start_s,
        match.reference_end_s - truth.reference_end_s,
    )
