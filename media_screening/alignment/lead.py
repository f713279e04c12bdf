"""What points from an upload's pictures to a reference's: hashes that are near, features in common.

Each of an upload's pictures is looked at through several windows: the whole of it, the film within
bars or a frame, quarters and halves that may be stacked pictures; all of them mirrored too. Local
features find what no window fits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from contracts.ids import ReferenceId
from media_screening.alignment.view import WHOLE, View, Window, mirrored, window_view
from media_screening.fingerprinting.feature import (
    MAX_QUERY_FEATURES,
    Features,
    find_features,
    sight,
)
from media_screening.fingerprinting.fingerprint import MIN_DEVIATION, MIN_PDQ_QUALITY
from media_screening.fingerprinting.pdq import PDQ_SIDE_PIXELS, pdq_of
from media_screening.fingerprinting.reference_sketch import Sketches
from media_screening.fingerprinting.still import Stills
from media_screening.index.feature_index import FeatureIndex
from media_screening.index.hash_index import HashIndex

SURE_INLIERS = 24
"""So many features in common are as good as a hash that is equal."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Lead:
    """One picture of an upload that may show one of a reference.

    Attributes:
        weight: 0 to 1; how much it says.
        by: What found it.
    """

    reference_id: ReferenceId
    view: View
    upload_s: float
    reference_s: float
    weight: float
    by: Literal["hash", "features"]


class Known(Protocol):
    """A reference that leads may point to."""

    @property
    def stills(self) -> Stills:
        """What its hashes in the index are of."""

    @property
    def sketches(self) -> Sketches | None:
        """What its features are of; None if it has none."""


class Catalogue(Protocol):
    """The references that leads may point to."""

    index: HashIndex
    features: FeatureIndex

    def get(self, reference_id: ReferenceId) -> Known | None:
        """A reference; None once it is gone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeadRule:
    """How far leads are followed.

    Attributes:
        max_hamming_bits: Between a window's PDQ and a reference's.
        max_references: A picture that points at more of them than this says nothing about any.
        min_votes: What must speak for a picture before features are compared one by one.
        min_share_of_votes: Of those of the picture that has most.
    """

    max_hamming_bits: int = 48
    max_references: int = 12
    min_votes: float = 0.5
    min_share_of_votes: float = 0.25


def find_leads(
    times_s: Iterable[float],
    pictures: NDArray[np.uint8],
    windows: tuple[Window, ...],
    catalogue: Catalogue,
    rule: LeadRule,
) -> list[Lead]:
    """Look up pictures, grey, shape (n, height, width), through windows and by features."""
    times = np.array(list(times_s), np.float64)
    telling = np.array([float(picture.std()) >= MIN_DEVIATION for picture in pictures], bool)
    times, pictures = times[telling], pictures[telling]
    looked = (WHOLE, *windows)
    leads = _by_hash(times, pictures, looked, catalogue, rule)
    for at_s, picture in zip(times.tolist(), pictures, strict=True):
        leads += _by_features(at_s, picture, catalogue, rule)
    return leads


def _by_hash(
    times_s: NDArray[np.float64],
    pictures: NDArray[np.uint8],
    windows: tuple[Window, ...],
    catalogue: Catalogue,
    rule: LeadRule,
) -> list[Lead]:
    side = PDQ_SIDE_PIXELS
    views = [window_view(window, mirrored=flip) for window in windows for flip in (False, True)]
    small = np.empty((len(pictures), len(views), side, side), np.uint8)
    for number, picture in enumerate(pictures):
        for at, window in enumerate(windows):
            cut = cv2.resize(window.of(picture), (side, side), interpolation=cv2.INTER_AREA)
            small[number, 2 * at] = cut
            small[number, 2 * at + 1] = cut[:, ::-1]
    pdq, quality = pdq_of(small.reshape(-1, side, side))
    rows = np.flatnonzero(quality >= MIN_PDQ_QUALITY)
    found = catalogue.index.search(pdq[rows], max_hamming_bits=rule.max_hamming_bits)
    crowds = np.zeros(len(rows), np.int64)
    for hits in found.values():
        crowds[np.unique(hits.query)] += 1
    leads = []
    for reference_id, hits in found.items():
        reference = catalogue.get(reference_id)
        if reference is None:
            continue
        # Of each window, the reference's picture that is nearest.
        order = np.lexsort((hits.distance_bits, hits.query))
        _, firsts = np.unique(hits.query[order], return_index=True)
        for hit in order[firsts]:
            query = int(hits.query[hit])
            if crowds[query] > rule.max_references:
                continue
            number, view = divmod(int(rows[query]), len(views))
            near = 1 - int(hits.distance_bits[hit]) / (rule.max_hamming_bits + 1)
            leads.append(
                Lead(
                    reference_id=reference_id,
                    view=views[view],
                    upload_s=float(times_s[number]),
                    reference_s=float(reference.stills.start_s[hits.row[hit]]),
                    weight=near / int(crowds[query]),
                    by="hash",
                )
            )
    return leads


def _by_features(
    at_s: float, picture: NDArray[np.uint8], catalogue: Catalogue, rule: LeadRule
) -> list[Lead]:
    leads = []
    flipped = np.ascontiguousarray(picture[:, ::-1])
    for side, turned in ((picture, False), (flipped, True)):
        features = find_features(side, at_most=MAX_QUERY_FEATURES)
        leads += [
            Lead(
                reference_id=lead.reference_id,
                view=mirrored(lead.view),
                upload_s=lead.upload_s,
                reference_s=lead.reference_s,
                weight=lead.weight,
                by=lead.by,
            )
            if turned
            else lead
            for lead in _sighted(at_s, features, catalogue, rule)
        ]
    return leads


def _sighted(at_s: float, features: Features, catalogue: Catalogue, rule: LeadRule) -> list[Lead]:
    leads = []
    proposals = catalogue.features.search(features.descriptors)
    for proposal in proposals:
        if proposal.votes < max(rule.min_votes, rule.min_share_of_votes * proposals[0].votes):
            break
        reference = catalogue.get(proposal.reference_id)
        if reference is None or reference.sketches is None:
            continue
        sighting = sight(features, reference.sketches.features(proposal.picture))
        if sighting is not None:
            leads.append(
                Lead(
                    reference_id=proposal.reference_id,
                    view=sighting.view,
                    upload_s=at_s,
                    reference_s=float(reference.sketches.key_times_s[proposal.picture]),
                    weight=min(1.0, sighting.inliers / SURE_INLIERS),
                    by="features",
                )
            )
    return leads


@dataclass(frozen=True, kw_only=True, eq=False)
class Trail:
    """Leads to one reference that agree on where in the upload's picture it is shown."""

    reference_id: ReferenceId
    view: View
    leads: tuple[Lead, ...]

    @property
    def weight(self) -> float:
        """How much they say together."""
        return sum(lead.weight for lead in self.leads)

    def leads_between(self, start_s: float, end_s: float) -> list[Lead]:
        """Those from pictures of these seconds of the upload."""
        return [lead for lead in self.leads if start_s <= lead.upload_s <= end_s]


SAME_VIEW = 0.1
MAX_TRAILS = 5
"""Views of one reference that are followed."""


def find_trails(leads: Iterable[Lead]) -> list[Trail]:
    """Put leads together by reference and view, what says most first."""
    gathered: dict[ReferenceId, list[list[Lead]]] = {}
    for lead in sorted(leads, key=lambda lead: -lead.weight):
        groups = gathered.setdefault(lead.reference_id, [])
        for group in groups:
            if group[0].view.distance(lead.view) <= SAME_VIEW:
                group.append(lead)
                break
        else:
            groups.append([lead])
    trails = []
    for reference_id, groups in gathered.items():
        of_one = [
            Trail(reference_id=reference_id, view=group[0].view, leads=tuple(group))
            for group in groups
        ]
        trails += sorted(of_one, key=lambda trail: -trail.weight)[:MAX_TRAILS]
    return sorted(trails, key=lambda trail: -trail.weight)
