"""The notes of a sound at its own speed and at others, held against ffmpeg's own Chromaprint."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.sound.chromaprint import VALUE_ROWS, WINDOW_SAMPLES
from media_screening.sound.pitch import PitchReader
from media_screening.sound.reading import SPEEDS
from media_screening.sound.sound_fingerprint import HOP_SAMPLES, SAMPLE_RATE_HZ
from tests.unit.media_screening.noise import tune

SHORTEST = WINDOW_SAMPLES + (VALUE_ROWS - 1) * HOP_SAMPLES


def samples(seed: int, seconds: float) -> NDArray[np.int16]:
    return (tune(seed, seconds) * 20_000).astype(np.int16)


def muxed(sound: NDArray[np.int16], speed: float) -> NDArray[np.uint32]:
    """What ffmpeg's muxer says of a sound that is played so much slower."""
    told = subprocess.run(
        [
            ffmpeg_path(), "-v", "error", "-f", "s16le", "-ac", "1",
            "-ar", str(round(SAMPLE_RATE_HZ / speed)), "-i", "pipe:0",
            "-f", "chromaprint", "-fp_format", "raw", "pipe:1",
        ],
        input=sound.tobytes(),
        capture_output=True,
        check=True,
    )  # fmt: skip
    return np.frombuffer(told.stdout, "<u4")


def read(
    sound: NDArray[np.int16], speeds: tuple[float, ...], piece: int = 87_360
) -> list[NDArray[np.uint32]]:
    reader = PitchReader(speeds)
    for at in range(0, len(sound), piece):
        reader.feed(sound[at : at + piece])
    return reader.finish()


def share_of_bits(left: NDArray[np.uint32], right: NDArray[np.uint32]) -> float:
    count = min(len(left), len(right))
    return float(np.bitwise_count(left[:count] ^ right[:count]).mean()) / 32


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_values_are_those_of_ffmpegs_muxer(seed: int) -> None:
    sound = samples(seed, 20)
    (values,) = read(sound, (1.0,))
    expected = muxed(sound, 1.0)
    assert len(values) == len(expected) > 100
    assert share_of_bits(values, expected) < 0.0005  # rounding, at a threshold


def test_the_values_at_other_speeds_are_nearly_those_of_the_sound_resampled() -> None:
    sound = samples(4, 30)
    for speed, values in zip(SPEEDS, read(sound, SPEEDS), strict=True):
        expected = muxed(sound, speed)
        assert abs(len(values) - len(expected)) <= 6, speed  # its resampler keeps the last ones
        assert share_of_bits(values, expected) < 0.035, speed


def test_a_speed_that_is_not_the_sounds_is_told_from_it() -> None:
    """The bound above means something: next on the grid, far more bits differ."""
    sound = samples(4, 30)
    slower, faster = read(sound, (1.05, 1.075))
    assert share_of_bits(slower, muxed(sound, 1.05)) < 0.035
    assert share_of_bits(faster, muxed(sound, 1.05)) > 0.15


@given(
    piece=st.integers(1_000, 60_000),
    speeds=st.sampled_from([(1.0,), (0.8, 1.0, 1.25), (1.042,)]),
)
def test_values_do_not_depend_on_how_the_samples_come(
    piece: int, speeds: tuple[float, ...]
) -> None:
    sound = samples(5, 6)
    for left, right in zip(read(sound, speeds), read(sound, speeds, piece), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("count", [0, 1, WINDOW_SAMPLES - 1, WINDOW_SAMPLES, SHORTEST - 1])
def test_a_sound_that_is_too_short_has_no_values(count: int) -> None:
    assert [len(values) for values in read(samples(6, 5)[:count], (1.0,))] == [0]
    assert [len(values) for values in read(samples(6, 5)[:count], (0.8,))] == [0]


def test_the_shortest_sound_has_one_value() -> None:
    (values,) = read(samples(6, 5)[:SHORTEST], (1.0,))
    assert len(values) == 1


def test_silence_has_the_value_of_silence() -> None:
    silence = np.zeros(5 * SAMPLE_RATE_HZ, np.int16)
    (values,) = read(silence, (1.0,))
    np.testing.assert_array_equal(values, muxed(silence, 1.0))
