"""From a file to what its sound is searched by: one fingerprint, and hearings at other speeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media_screening.decoding.pcm import SAMPLE_BYTES, read_pcm
from media_screening.sound.pitch import PitchReader
from media_screening.sound.sound_fingerprint import (
    CENTRE_S,
    HOP_SAMPLES,
    PERIOD_S,
    Hearing,
    SoundFingerprint,
    is_steady,
)

SPEEDS = (
    0.80, 0.825, 0.85, 0.875, 0.90, 0.925, 0.95, 0.96, 0.98,
    1.02, 1.042, 1.05, 1.075, 1.10, 1.125, 1.15, 1.175, 1.20, 1.225, 1.25,
)  # fmt: skip
"""Speeds that an upload is tried at besides its own. What people use stands on the grid: 5, 10, 15,
20 and 25 % either way, and 25 frames a second for 24. Between them a speed is at most 1.5 % off, at
which a quarter of the bits differ on music, and it takes a longer stretch to be found."""

SILENCE_POWER = 10 ** (-5.5)
"""Mean square below which there is no sound: -55 dB of full scale."""

_WINDOW_HOPS = 22
"""Hops that one value's window touches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """Which seconds are listened to at other speeds: all at first, then a stretch in each round.

    What is heard at twenty speeds is searched for twenty times. A work that is shown for a minute
    has a stretch in it.
    """

    whole_until_s: float = 120.0
    round_s: float = 60.0
    stretch_s: float = 20.0

    def takes(self, hop: int) -> bool:
        """Tell whether a hop of ``HOP_SAMPLES`` is listened to."""
        at_s = hop * PERIOD_S
        if at_s < self.whole_until_s:
            return True
        return (at_s - self.whole_until_s) % self.round_s >= self.round_s - self.stretch_s


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sound:
    """What was heard in one file.

    Attributes:
        fingerprint: At its own speed, all of it.
        hearings: At other speeds, what ``Sampling`` takes.
    """

    fingerprint: SoundFingerprint
    hearings: tuple[Hearing, ...] = ()


def read_sound(
    path: Path,
    *,
    max_seconds: float,
    timeout_seconds: float,
    speeds: tuple[float, ...] = (),
    sampling: Sampling | None = None,
    wanted: Callable[[], None] = lambda: None,
) -> Sound | None:
    """Decode the sound of a file once and fingerprint it; None if there is none.

    Args:
        path: A file that was checked and probed.
        max_seconds: What comes later is not listened to.
        timeout_seconds: For all of it.
        speeds: Other speeds to hear it at.
        sampling: Which seconds to hear at those; the default takes 20 of 60 after two minutes.
        wanted: Called now and then; what it raises ends the work.

    Raises:
        TimeLimit: It took too long.
        DecoderFailed: ffmpeg could not be run.
    """
    plan = sampling or Sampling()
    powers: list[NDArray[np.float64]] = []
    taken: list[int] = []
    hops = 0
    chunks = read_pcm(path, max_seconds=max_seconds, timeout_seconds=timeout_seconds)
    first = next(chunks, None)
    if first is None:
        return None
    plain = PitchReader()
    varied = PitchReader(speeds) if speeds else None
    for pcm in chain((first,), chunks):
        wanted()
        samples = np.frombuffer(pcm, "<i2", len(pcm) // SAMPLE_BYTES)
        plain.feed(samples)
        powers.append(_powers(samples))
        here = range(hops, hops + len(powers[-1]))
        hops = here.stop
        if varied is not None:
            listened = [hop for hop in here if plan.takes(hop)]
            taken.extend(listened)
            hop_of_sample = np.arange(len(samples)) // HOP_SAMPLES + here.start
            varied.feed(samples[np.isin(hop_of_sample, listened)])
    (values,) = plain.finish()
    others = varied.finish() if varied is not None else []
    power = np.concatenate(powers)
    starts = np.arange(len(values), dtype=np.float64)
    fingerprint = SoundFingerprint(
        duration_s=hops * PERIOD_S,
        values=values,
        audible=_mean(power, starts, starts + _WINDOW_HOPS) > SILENCE_POWER,
    )
    heard = np.array(taken, np.int64)
    hearings = (
        _hearing(speed, found, heard, power) for speed, found in zip(speeds, others, strict=True)
    )
    return Sound(fingerprint=fingerprint, hearings=tuple(hearings))


def _hearing(
    speed: float,
    values: NDArray[np.uint32],
    taken: NDArray[np.int64],
    power: NDArray[np.float64],
) -> Hearing:
    """Say when in the file each value was heard; those that span two stretches are left out."""
    starts = np.arange(len(values)) / speed
    last = len(taken) - 1
    first_hop = taken[np.clip(starts.astype(np.int64), 0, last)]
    last_hop = taken[np.clip((starts + _WINDOW_HOPS / speed).astype(np.int64), 0, last)]
    whole = last_hop - first_hop <= _WINDOW_HOPS / speed + 1
    values, starts, first_hop = values[whole], starts[whole], first_hop[whole]
    begins = first_hop + starts % 1.0
    return Hearing(
        speed=speed,
        times_s=begins * PERIOD_S + CENTRE_S / speed,
        values=values,
        telling=(_mean(power, begins, begins + _WINDOW_HOPS / speed) > SILENCE_POWER)
        & ~is_steady(values),
    )


def _powers(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """The mean square of each hop, full scale being 1; the last may be short."""
    squares = (samples.astype(np.float64) / 32_768) ** 2
    starts = np.arange(0, len(squares), HOP_SAMPLES)
    if not len(starts):
        return np.zeros(0)
    return np.add.reduceat(squares, starts) / np.diff(np.append(starts, len(squares)))


def _mean(
    power: NDArray[np.float64], starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The mean power from one hop to another, for many pairs of them."""
    total = np.concatenate(([0.0], np.cumsum(power)))
    first = np.clip(starts.astype(np.int64), 0, len(power))
    last = np.clip(np.ceil(ends).astype(np.int64), 0, len(power))
    mean: NDArray[np.float64] = (total[last] - total[first]) / np.maximum(last - first, 1)
    return mean
