"""Sound for the bench: music made of numbers, and speech by espeak-ng where it is installed."""

from __future__ import annotations

import ctypes
import importlib.util
import random
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 22_050

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 7, 10))
_TEXT = (
    "the doors open at seven and the first band plays at eight bring a ticket or a friend who has"
    " one we ask that nobody films the stage from the balcony because the light of the screens is"
    " in the way of those who came to see it the bar takes cards and coins and the last train"
    " leaves at midnight from the station behind the hall if you lose something ask at the desk"
    " on the left where a person with a lamp will help you find what was yours this evening"
)
_VOICES = ("en-us", "en-gb", "en-us+f3", "en-gb+m4", "en-gb-scotland", "en-us+f5")


def music(*, seed: int, seconds: float) -> NDArray[np.int16]:
    """A tune over chords with a beat, in a key, a tempo and voices of its own; one channel."""
    rng = np.random.default_rng(seed)
    beat_s = 60 / rng.uniform(70, 150)
    scale = _SCALES[seed % len(_SCALES)]
    root = int(rng.integers(40, 52))
    count = round(seconds * RATE_HZ)
    mix = np.zeros(count + 4 * RATE_HZ)
    voices = [rng.uniform(0.1, 1.0, 6) / np.arange(1, 7) ** rng.uniform(0.5, 2) for _ in range(3)]
    degrees = rng.integers(0, len(scale), 8)
    at_s, bar = 0.0, 0
    while at_s < seconds:
        if bar % 8 == 0:
            degrees = rng.integers(0, len(scale), 8)
        degree = int(degrees[bar % 8])
        for third in (0, 2, 4):
            pitch = root + _pitch(scale, degree + third)
            _play(mix, at_s, 4 * beat_s, pitch, voices[0], level=0.10)
        _play(mix, at_s, 4 * beat_s, root - 12 + _pitch(scale, degree), voices[1], level=0.2)
        step_s = 0.0
        while step_s < 4 * beat_s:
            length_s = beat_s * float(rng.choice([0.5, 0.5, 1.0, 1.5]))
            if rng.random() < 0.85:
                pitch = root + 12 + _pitch(scale, int(rng.integers(0, 2 * len(scale))))
                _play(mix, at_s + step_s, length_s, pitch, voices[2], level=0.25)
            step_s += length_s
        for beat in range(4):
            _hit(mix, at_s + beat * beat_s, rng, level=0.3 if beat % 2 else 0.15)
        at_s += 4 * beat_s
        bar += 1
    mix = mix[:count]
    return np.asarray(mix / np.abs(mix).max() * 26_000, np.int16)


def speech(path: Path, *, seed: int, sentences: int) -> bool:
    """Write made-up announcements as spoken by espeak-ng; False where it is not installed.

    It comes with the package ``espeakng-loader``, which Doorstaff does not need.
    """
    spec = importlib.util.find_spec("espeakng_loader")
    if spec is None or spec.origin is None:
        return False
    root = Path(spec.origin).parent
    library = ctypes.CDLL(str(next(root.glob("libespeak-ng.*"))))
    rate = library.espeak_Initialize(2, 0, str(root / "espeak-ng-data").encode(), 0)
    heard: list[NDArray[np.int16]] = []
    kind = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
    )

    @kind  # type: ignore[untyped-decorator] # ctypes has no types for its callbacks
    def listen(samples: ctypes.Array[ctypes.c_short], count: int, _events: object) -> int:
        if count > 0:
            heard.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    library.espeak_SetSynthCallback(listen)
    library.espeak_SetVoiceByName(_VOICES[seed % len(_VOICES)].encode())
    chance = random.Random(seed)
    words = _TEXT.split()
    said = ". ".join(
        " ".join(chance.choice(words) for _ in range(chance.randint(6, 14)))
        for _ in range(sentences)
    )
    text = said.encode() + b"\0"
    library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, 1, None, None)
    library.espeak_Synchronize()
    write_wave(path, np.concatenate(heard), rate_hz=rate)
    return True


def write_wave(path: Path, samples: NDArray[np.int16], *, rate_hz: int = RATE_HZ) -> None:
    """Write one channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())


def _pitch(scale: tuple[int, ...], degree: int) -> int:
    return 12 * (degree // len(scale)) + scale[degree % len(scale)]


def _play(
    mix: NDArray[np.float64],
    at_s: float,
    length_s: float,
    pitch: int,
    voice: NDArray[np.float64],
    *,
    level: float,
) -> None:
    first = round(at_s * RATE_HZ)
    time_s = np.arange(min(round(length_s * 1.2 * RATE_HZ), len(mix) - first)) / RATE_HZ
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    tones = np.arange(1, len(voice) + 1)
    wave_form = (voice[:, None] * np.sin(2 * np.pi * hertz * tones[:, None] * time_s)).sum(axis=0)
    shape = np.minimum(1, time_s / 0.01) * np.exp(-time_s * 2 / length_s)
    mix[first : first + len(time_s)] += level * shape * wave_form


def _hit(mix: NDArray[np.float64], at_s: float, rng: np.random.Generator, *, level: float) -> None:
    first = round(at_s * RATE_HZ)
    count = min(RATE_HZ // 8, len(mix) - first)
    noise = rng.normal(0, 1, count) * np.exp(-np.arange(count) / (RATE_HZ / 40))
    mix[first : first + count] += level * noise
