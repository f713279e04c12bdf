"""Sounds for the tests, made of numbers: no two of them alike, and none of them random."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media_screening.sound.sound_fingerprint import SoundFingerprint
from tests.unit.media_screening.footage import ffmpeg

RATE_HZ = 11_025


def tune(seed: int, seconds: float) -> NDArray[np.float64]:
    """Three voices of notes at random, -1 to 1."""
    rng = np.random.default_rng(seed)
    mix = np.zeros(round(seconds * RATE_HZ))
    for voice in range(3):
        at = 0
        while at < len(mix):
            length = round(RATE_HZ * rng.uniform(0.15, 0.7))
            time_s = np.arange(min(length, len(mix) - at)) / RATE_HZ
            hertz = 110 * 2 ** (voice + rng.integers(0, 12) / 12)
            tone = sum(np.sin(2 * np.pi * hertz * part * time_s) / part for part in (1, 2, 3))
            mix[at : at + length] += tone * np.exp(-3 * time_s)
            at += length
    scaled: NDArray[np.float64] = mix / np.abs(mix).max() * 0.8
    return scaled


def wave_file(path: Path, sound: NDArray[np.float64]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes())
    return path


def sounding(
    path: Path, sound: NDArray[np.float64], *, picture: Path | None = None, edit: str = "anull"
) -> Path:
    """A video with this sound, edited by a filter of ffmpeg's; black where no picture is given."""
    heard = wave_file(path.with_suffix(".wav"), sound)
    seen = ["-i", picture] if picture else ["-f", "lavfi", "-i", "color=black:s=64x48:r=5"]
    ffmpeg(
        *seen, "-i", heard, "-map", "0:v", "-map", "1:a", "-af", edit, "-shortest",
        *(["-c:v", "copy"] if picture else ["-c:v", "libx264", "-preset", "ultrafast"]),
        "-c:a", "aac", "-b:a", "48k", path,
    )  # fmt: skip
    return path


def random_sound(seed: int, *, count: int) -> SoundFingerprint:
    """Values that look like nothing else, each lasting for about three."""
    rng = np.random.default_rng(seed)
    values = np.repeat(rng.integers(0, 1 << 32, count, dtype=np.uint32), 3)[:count]
    return SoundFingerprint(duration_s=count / 8, values=values, audible=np.ones(count, bool))
