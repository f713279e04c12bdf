"""Which lines through (upload time, reference time) the matched sound lies on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.ids import ReferenceId
from media_screening.alignment.vote import Line
from media_screening.sound.index import SoundHits
from media_screening.sound.sound_fingerprint import CENTRE_S, PERIOD_S, Hearing

BIN_SECONDS = 0.5
SPELL_SECONDS = 20.0
"""Votes are counted over so much of the upload, and again half a spell later: ten seconds of a work
in an hour of something else still stand out, and a speed that is off by 1.5 % drifts by 0.15 s."""

FLIP_WEIGHTS = np.array([1.0, 0.7, 0.4])
MIN_VOTES = 0.75
"""One equal value of sound that comes once in a reference, or two that are nearly so."""

MAX_LINES_A_SPELL = 48
_SLOPES = np.array([0.80, 0.83, 0.86, 0.89, 0.92, 0.95, 0.975, 1.0, 1.025, 1.05, 1.08, 1.11, 1.14,
                    1.17, 1.20, 1.23, 1.25])  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A line worth following, and the seconds of the upload that propose it."""

    reference_id: ReferenceId
    line: Line
    start_s: float
    end_s: float
    votes: float


def slopes_of(speed: float) -> NDArray[np.float64]:
    """How many seconds of a reference may go by in one of an upload that is heard at a speed.

    Sound of its own pitch may have been stretched to any length. Sound of another was sped up as
    it is, pitch and all, or changed in pitch alone.
    """
    if speed == 1.0:
        return _SLOPES
    return np.array([speed, speed * 0.987, speed * 1.013, 1.0])


def propose(hearing: Hearing, hits: SoundHits) -> list[Proposal]:
    """Count the votes of each spell on offset and slope; most votes first in each spell.

    A value that an upload shares with much of a reference says little about where it belongs: its
    vote is divided among its matches there.
    """
    if not len(hits):
        return []
    upload_s = hearing.times_s[hits.query]
    reference_s = hits.position * PERIOD_S + CENTRE_S
    _, pair, matches = np.unique(
        hits.query * (1 << 32) + hits.owner, return_inverse=True, return_counts=True
    )
    weights = FLIP_WEIGHTS[hits.flips] / matches[pair]
    slopes = slopes_of(hearing.speed)
    half_s = SPELL_SECONDS / 2
    spell = np.floor(upload_s / half_s).astype(np.int64)
    ballots: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    for number, slope in enumerate(slopes):
        offset = np.floor((reference_s - slope * upload_s) / BIN_SECONDS).astype(np.int64)
        # A vote counts in both spells that it lies in, and in its bin and the one above: a line
        # near the edge of a bin is then whole in one of them.
        keys = np.concatenate(
            [
                _KEY.pack(spell - earlier, hits.owner, number, offset + above)
                for earlier in (0, 1)
                for above in (0, 1)
            ]
        )
        found, where = np.unique(keys, return_inverse=True)
        votes = np.bincount(where, np.tile(weights, 4), len(found)).astype(np.float64)
        enough = votes >= MIN_VOTES
        ballots.append((found[enough], votes[enough]))
    keys = np.concatenate([found for found, _ in ballots])
    counts = np.concatenate([votes for _, votes in ballots])
    return list(_best(keys, counts, hits.references, slopes))


def _best(
    keys: NDArray[np.int64],
    votes: NDArray[np.float64],
    references: dict[int, ReferenceId],
    slopes: NDArray[np.float64],
) -> Iterator[Proposal]:
    spells, owners, numbers, offsets = _KEY.unpack(keys)
    order = np.lexsort((-votes, spells))
    half_s = SPELL_SECONDS / 2
    for rows in np.split(order, np.flatnonzero(np.diff(spells[order])) + 1):
        for row in rows[:MAX_LINES_A_SPELL]:
            slope = float(slopes[numbers[row]])
            yield Proposal(
                reference_id=references[int(owners[row])],
                line=Line(offset_s=float(offsets[row]) * BIN_SECONDS, rate=slope),
                start_s=float(spells[row]) * half_s,
                end_s=float(spells[row] + 2) * half_s,
                votes=float(votes[row]),
            )


class _Key:
    """Spell, owner, slope and offset in one number, so that a sort can count them."""

    _OFFSET_BITS, _SLOPE_BITS, _OWNER_BITS = 20, 5, 24
    _BIAS = 1 << (_OFFSET_BITS - 1)

    def pack(
        self,
        spell: NDArray[np.int64],
        owner: NDArray[np.int64],
        slope: int,
        offset: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        key = ((spell + 1) << self._OWNER_BITS) + owner
        key = (key << self._SLOPE_BITS) + slope
        return (key << self._OFFSET_BITS) + offset + self._BIAS

    def unpack(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        offset = (keys & ((1 << self._OFFSET_BITS) - 1)) - self._BIAS
        keys = keys >> self._OFFSET_BITS
        slope = keys & ((1 << self._SLOPE_BITS) - 1)
        keys = keys >> self._SLOPE_BITS
        return (keys >> self._OWNER_BITS) - 1, keys & ((1 << self._OWNER_BITS) - 1), slope, offset


_KEY = _Key()
