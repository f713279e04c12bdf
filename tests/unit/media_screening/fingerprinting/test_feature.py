from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.ids import ReferenceId
from media_screening.fingerprinting.feature import (
    MAX_QUERY_FEATURES,
    MAX_REFERENCE_FEATURES,
    Features,
    Sighting,
    find_features,
    no_features,
    sight,
)
from media_screening.index.feature_index import MAX_PROPOSALS, FeatureIndex
from tests.unit.media_screening.footage import scene, warped


def sighted(shown: NDArray[np.uint8], reference: NDArray[np.uint8]) -> Sighting | None:
    return sight(
        find_features(shown, at_most=MAX_QUERY_FEATURES),
        find_features(reference, at_most=MAX_REFERENCE_FEATURES),
    )


TURN = np.array([[0.995, -0.05, 0.03], [0.16, 0.995, -0.05], [0, 0, 1.0]])


@pytest.mark.parametrize(
    "matrix",
    [
        np.eye(3),
        np.array([[1.25, 0, -0.1], [0, 1.25, -0.2], [0, 0, 1.0]]),
        np.array([[0.6, 0, 0.3], [0, 0.6, 0.1], [0, 0, 1.0]]),
        TURN,
    ],
    ids=["as it is", "cropped", "inset", "turned"],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_picture_is_found_where_it_is(matrix: NDArray[np.float64], seed: int) -> None:
    found = sighted(warped(scene(seed), matrix), scene(seed))
    assert found is not None
    np.testing.assert_allclose(found.view.matrix, matrix, atol=0.04)


@pytest.mark.parametrize("seed", range(6))
def test_another_picture_is_not(seed: int) -> None:
    assert sighted(scene(seed), scene(seed + 100)) is None


def test_what_is_flat_has_no_features() -> None:
    assert len(find_features(np.full((90, 160), 7, np.uint8), at_most=9)) == 0
    assert sight(no_features(), find_features(scene(1), at_most=99)) is None


def filed(index: FeatureIndex, name: str, *seeds: int) -> None:
    found = [find_features(scene(seed), at_most=MAX_REFERENCE_FEATURES) for seed in seeds]
    index.add(
        ReferenceId(name),
        descriptors=np.concatenate([features.descriptors for features in found]),
        picture=np.repeat(np.arange(len(found)), [len(features) for features in found]),
    )


def first(index: FeatureIndex, features: Features) -> tuple[str, int] | None:
    proposals = index.search(features.descriptors)
    assert len(proposals) <= MAX_PROPOSALS
    return (proposals[0].reference_id, proposals[0].picture) if proposals else None


def test_the_index_follows_what_is_added_and_removed() -> None:
    index = FeatureIndex()
    wanted = find_features(warped(scene(11), TURN), at_most=MAX_QUERY_FEATURES)
    assert first(index, wanted) is None
    for number in range(5):
        filed(index, f"r{number}", *range(number * 10, number * 10 + 4))
        assert len(index) > 0
    assert first(index, wanted) == ("r1", 1)
    index.remove(ReferenceId("r1"))
    found = first(index, wanted)
    assert found is None or found[0] != "r1"
    filed(index, "r9", 70, 11)
    assert first(index, wanted) == ("r9", 1)
    filed(index, "r9", 11, 70)  # in place of what it had
    assert first(index, wanted) == ("r9", 0)
    assert first(index, no_features()) is None


def test_what_is_removed_does_not_stay_for_ever() -> None:
    index = FeatureIndex()
    wanted = find_features(scene(1), at_most=MAX_QUERY_FEATURES)
    for _ in range(12):
        filed(index, "r", 0, 1)
        assert first(index, wanted) == ("r", 1)
    assert len(index) <= 4 * 2 * MAX_REFERENCE_FEATURES
