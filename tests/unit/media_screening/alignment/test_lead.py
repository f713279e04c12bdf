from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.ids import ReferenceId
from media_screening.alignment.lead import Lead, LeadRule, Trail, find_leads, find_trails
from media_screening.alignment.view import WHOLE, View, Window, mirrored, window_view
from media_screening.fingerprinting.fingerprint import make_fingerprint
from media_screening.fingerprinting.pdq import pdq_of
from media_screening.fingerprinting.reference_sketch import SketchBuilder, Sketches
from media_screening.fingerprinting.still import Stills, find_stills
from media_screening.index.feature_index import FeatureIndex
from media_screening.index.hash_index import HashIndex
from tests.unit.media_screening.footage import scene, warped

RULE = LeadRule()


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    stills: Stills
    sketches: Sketches | None


class Shelf:
    """Works of three scenes each, two seconds a scene."""

    def __init__(self, *names: str) -> None:
        self.index, self.features = HashIndex(), FeatureIndex()
        self._works: dict[ReferenceId, Work] = {}
        for number, name in enumerate(names):
            pictures = [scene(10 * number + at) for at in range(3)]
            builder = SketchBuilder()
            builder.add(np.arange(3, dtype=np.float64) * 2.0, np.array(pictures))
            sketches = builder.build()
            small = np.array([shrunk(picture) for picture in pictures])
            pdq, quality = pdq_of(small)
            fingerprint = make_fingerprint(
                duration_s=6.0,
                times_s=[0.0, 2.0, 4.0],
                pdq=list(pdq),
                phash=[np.zeros(8, np.uint8)] * 3,
                quality=quality.tolist(),
            )
            stills = find_stills(fingerprint)
            reference_id = ReferenceId(name)
            self._works[reference_id] = Work(stills=stills, sketches=sketches)
            self.index.add(reference_id, stills.pdq)
            self.features.add(reference_id, descriptors=sketches.descriptors, picture=sketches.key)

    def get(self, reference_id: ReferenceId) -> Work | None:
        return self._works.get(reference_id)


def shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows = np.arange(64) * picture.shape[0] // 64
    columns = np.arange(64) * picture.shape[1] // 64
    return picture[np.ix_(rows, columns)]


SHELF = Shelf("a", "b", "c")


def trails(picture: NDArray[np.uint8], *windows: Window) -> list[Trail]:
    return find_trails(find_leads([7.0], picture[None], windows, SHELF, RULE))


@pytest.mark.parametrize(
    "view",
    [
        window_view(WHOLE),
        window_view(WHOLE, mirrored=True),
        window_view(Window(left=0.5, top=0.0, right=1.0, bottom=0.5)),
        View(matrix=np.array([[1.3, 0, -0.2], [0, 1.3, -0.1], [0, 0, 1.0]])),
        mirrored(View(matrix=np.array([[1.2, 0, 0], [0, 1.2, -0.2], [0, 0, 1.0]]))),
        View(matrix=np.array([[0.99, -0.06, 0.03], [0.15, 0.99, -0.05], [0, 0, 1.0]])),
    ],
    ids=["whole", "mirrored", "a quarter", "cropped", "mirrored and cropped", "turned"],
)
def test_an_edited_picture_leads_to_its_reference(view: View) -> None:
    first = trails(warped(scene(11), view.matrix))[0]
    assert first.reference_id == "b"
    assert first.view.distance(view) < 0.1
    (lead,) = {(lead.upload_s, lead.reference_s) for lead in first.leads_between(0, 8)}
    assert lead == (7.0, 2.0)
    assert first.leads_between(7.5, 9) == []


def test_a_window_that_was_found_is_looked_through() -> None:
    window = Window(left=0.13, top=0.2, right=0.77, bottom=0.91)
    shown = warped(scene(20), window_view(window).matrix)
    hashes = [
        lead
        for lead in find_leads([0.0], shown[None], (window,), SHELF, RULE)
        if lead.by == "hash" and lead.view.distance(window_view(window)) == 0
    ]
    assert [(lead.reference_id, lead.reference_s) for lead in hashes] == [("c", 0.0)]


def test_other_pictures_and_flat_ones_lead_nowhere() -> None:
    assert all(trails(scene(seed)) == [] for seed in range(60, 66))
    assert trails(np.full((90, 160), 40, np.uint8)) == []


def test_what_points_at_too_many_points_at_none() -> None:
    rule = LeadRule(max_references=2, min_votes=1e9)
    same = HashIndex()
    pdq, _ = pdq_of(shrunk(scene(10))[None])
    shelf = Shelf("a", "b", "c")
    shelf.index = same
    for name in ("a", "b", "c"):
        same.add(ReferenceId(name), pdq)
    assert find_leads([0.0], scene(10)[None], (), shelf, rule) == []
    same.remove(ReferenceId("c"))
    leads = find_leads([0.0], scene(10)[None], (), shelf, rule)
    assert {lead.reference_id for lead in leads} == {"a", "b"}
    assert all(lead.weight <= 0.5 for lead in leads)


def lead(view: View, weight: float) -> Lead:
    return Lead(
        reference_id=ReferenceId("a"),
        view=view,
        upload_s=0.0,
        reference_s=0.0,
        weight=weight,
        by="hash",
    )


def test_leads_that_agree_are_one_trail() -> None:
    here, near = window_view(WHOLE), window_view(Window(left=0.04))
    there = window_view(WHOLE, mirrored=True)
    found = find_trails([lead(near, 0.3), lead(there, 0.5), lead(here, 0.4)])
    assert [(len(trail.leads), round(trail.weight, 3)) for trail in found] == [(2, 0.7), (1, 0.5)]
    assert found[0].view is here
