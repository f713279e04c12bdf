"""Made-up films are as skewed as real ones: what ``bench/film.py`` says of them is so."""

from __future__ import annotations

import numpy as np
import pytest

from bench.film import edited, film_hashes
from media_screening.fingerprinting.fingerprint import hamming_bits
from media_screening.index.run import find_runs


def test_their_pictures_lie_as_those_of_real_videos() -> None:
    one, other = (film_hashes(seed, 20_000) for seed in (1, 2))
    assert len(one) / len(find_runs(one, max_radius_bits=40)) == pytest.approx(2.6, abs=0.2)
    apart = hamming_bits(one[::20, None], other[None, ::20])
    assert apart.mean() == pytest.approx(128, abs=1)
    assert apart.std() == pytest.approx(8.2, abs=0.3)
    assert (apart <= 96).mean() == pytest.approx(1 / 1_500, rel=0.5)
    assert (hamming_bits(one[1:], one[:-1]) > 8).mean() > 0.99


def test_a_film_is_the_same_each_time_and_edits_flip_so_many_bits() -> None:
    film = film_hashes(3, 1_000)
    np.testing.assert_array_equal(film, film_hashes(3, 1_000))
    assert hamming_bits(film, edited(1, film, bits=20)).mean() == pytest.approx(20, abs=1)
