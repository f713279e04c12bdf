"""Videos of kinds that a folder of samples has not: drawn, and encoded as they are drawn.

Five kinds, each made anew by its seed: slides of a talk, a screen cast, a game that scrolls, a
cartoon, a stage at night. Two seeds of one kind share their style and nothing else.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from media_screening.decoding.ffmpeg import ffmpeg_path

WIDTH, HEIGHT, FPS = 480, 270, 25
Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

WORDS = [
    "door",
    "staff",
    "event",
    "ticket",
    "venue",
    "artist",
    "crowd",
    "stage",
    "light",
    "sound",
    "night",
    "early",
    "bird",
    "entry",
    "guest",
    "list",
    "budget",
    "plan",
    "scale",
    "market",
    "growth",
    "users",
    "stream",
    "value",
    "risk",
    "model",
    "data",
    "cloud",
    "server",
    "deploy",
    "test",
    "team",
    "north",
    "south",
    "river",
    "stone",
    "garden",
    "winter",
    "summer",
    "engine",
    "paper",
    "glass",
    "metal",
    "ocean",
    "forest",
    "city",
]


def draw(path: Path, *, kind: str, seed: int, seconds: float) -> Path:
    """Make a film of a kind, unless it lies there."""
    if path.exists():
        return path
    unfinished = path.with_suffix(".part.mp4")
    command = [
        ffmpeg_path(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24",
        "-s", f"{WIDTH}x{HEIGHT}", "-r", FPS, "-i", "pipe:0", "-pix_fmt", "yuv420p",
        "-c:v", "libx264", "-preset", "veryfast", "-crf", 18, "-threads", 2, unfinished,
    ]  # fmt: skip
    frames = KINDS[kind](np.random.default_rng(seed))
    with subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE) as encoder:
        assert encoder.stdin is not None
        for _ in range(round(seconds * FPS)):
            encoder.stdin.write(next(frames).tobytes())
    if encoder.returncode:
        reason = f"ffmpeg could not write {path.name}"
        raise RuntimeError(reason)
    return unfinished.rename(path)


def slides(chance: np.random.Generator) -> Iterator[Picture]:
    """A title, lines, and a chart or a picture; a new slide every three to five seconds."""
    ground = _colour(chance, 200, 256)
    ink = _colour(chance, 0, 70)
    while True:
        slide = np.full((HEIGHT, WIDTH, 3), ground, np.uint8)
        cv2.rectangle(slide, (0, 0), (WIDTH, 8), ink, -1)
        _write(slide, _words(chance, 3).title(), (24, 46), 0.9, ink, 2)
        lines = int(chance.integers(2, 6))
        for line in range(lines):
            _write(slide, "- " + _words(chance, 3), (34, 86 + 32 * line), 0.55, ink, 1)
        if chance.random() < 0.6:
            for bar in range(6):
                tall = int(chance.integers(20, 150))
                at = 300 + bar * 26
                cv2.rectangle(slide, (at, 240 - tall), (at + 18, 240), _colour(chance), -1)
        else:
            slide[80:240, 300:460] = _texture(chance, 160, 160)
        for _ in range(round(chance.uniform(3, 5) * FPS)):
            yield slide


def screen_cast(chance: np.random.Generator) -> Iterator[Picture]:
    """An editor in which code is typed and scrolled, a side bar, a pointer."""
    dark = chance.random() < 0.7
    ground, ink = ((40, 34, 30), (210, 210, 200)) if dark else ((250, 250, 248), (40, 40, 50))
    lines = [_words(chance, int(chance.integers(1, 7))) for _ in range(400)]
    indents = chance.integers(0, 4, 400)
    colours = [_colour(chance, 110, 256) if dark else _colour(chance, 0, 150) for _ in range(6)]
    top, typed, at = 0.0, 0, chance.uniform(50, 200, 2)
    while True:
        target = chance.uniform((100, 20), (460, 250))
        scrolled = float(chance.choice([0, 0, 0.08, 0.25]))
        for step in range(round(chance.uniform(1, 2.5) * FPS)):
            frame = np.full((HEIGHT, WIDTH, 3), ground, np.uint8)
            cv2.rectangle(frame, (0, 0), (90, HEIGHT), tuple(c // 2 + 40 for c in ground), -1)
            for name in range(11):
                _write(frame, lines[300 + name][:10], (6, 30 + 20 * name), 0.35, ink, 1)
            cv2.rectangle(frame, (0, 0), (WIDTH, 14), tuple(c // 2 + 70 for c in ground), -1)
            typed += 1
            for row in range(16):
                number = int(top) + row
                text = lines[number % 300]
                if row == 9:
                    text = text[: typed // 3 % 40]
                x = 110 + 18 * int(indents[number % 300])
                y = 34 + int((row - top % 1) * 16)
                _write(frame, text, (x, y), 0.4, colours[number % 6], 1)
            top += scrolled
            here = at + (target - at) * min(1.0, step / 20)
            tip = here.astype(int)
            arrow = np.array([tip, (*tip, 0, 14), (*tip, 10, 10)], np.int32)
            cv2.fillPoly(frame, [arrow], (255, 255, 255))
            cv2.polylines(frame, [arrow], True, (0, 0, 0), 1)
            yield frame
        at = target


def game(chance: np.random.Generator) -> Iterator[Picture]:
    """A world that scrolls in layers, a hero that jumps, foes, a score that stands still."""
    sky = np.linspace(_colour(chance, 120, 256), _colour(chance, 60, 200), HEIGHT)
    hills = chance.integers(60, 170, 200).cumsum() % 120 + 60
    bricks = chance.random((12, 400)) < 0.16
    tints = [_colour(chance) for _ in range(5)]
    foes = chance.uniform((200, 60), (4000, 200), (40, 2))
    at = 0.0
    number = 0
    speed = chance.uniform(1.5, 3)
    while True:
        frame = np.repeat(sky[:, None].astype(np.uint8), WIDTH, axis=1)
        for hill in range(-1, 9):
            index = (int(at * 0.3) // 80 + hill) % 200
            x = hill * 80 - int(at * 0.3) % 80
            cv2.circle(frame, (x + 40, HEIGHT), int(hills[index]), tints[index % 2], -1)
        for column in range(-1, 17):
            index = (int(at) // 30 + column) % 400
            x = column * 30 - int(at) % 30
            for row in np.flatnonzero(bricks[:9, index]):
                spot = (x, int(row) * 30)
                cv2.rectangle(frame, spot, (x + 28, spot[1] + 28), tints[2], -1)
                cv2.rectangle(frame, spot, (x + 28, spot[1] + 28), (30, 30, 30), 2)
        cv2.rectangle(frame, (0, 240), (WIDTH, HEIGHT), tints[3], -1)
        for foe in foes:
            x = int(foe[0] - at * 1.2) % 1200
            if x < WIDTH + 20:
                cv2.circle(
                    frame, (x, int(foe[1] + 12 * np.sin(number / 9 + foe[0]))), 12, tints[4], -1
                )
        hop = int(60 * abs(np.sin(number / 17)) * (np.sin(number / 60) > 0))
        cv2.rectangle(frame, (140, 205 - hop), (165, 240 - hop), (40, 60, 230), -1)
        cv2.circle(frame, (152, 195 - hop), 13, (150, 200, 250), -1)
        _write(frame, f"SCORE {number * 7:06d}", (10, 22), 0.6, (255, 255, 255), 2)
        cv2.rectangle(frame, (360, 10), (360 + 100 - number // 8 % 80, 22), (60, 60, 220), -1)
        at += speed
        number += 1
        yield frame


def cartoon(chance: np.random.Generator) -> Iterator[Picture]:
    """Scenes of two to five seconds: flat colours, a few figures that walk."""
    while True:
        ground = np.full((HEIGHT, WIDTH, 3), _colour(chance, 90, 256), np.uint8)
        horizon = int(chance.integers(130, 220))
        cv2.rectangle(ground, (0, horizon), (WIDTH, HEIGHT), _colour(chance, 60, 200), -1)
        for _ in range(int(chance.integers(3, 9))):
            x, tall = int(chance.integers(0, WIDTH)), int(chance.integers(30, 130))
            wide = int(chance.integers(20, 90))
            cv2.rectangle(ground, (x, horizon - tall), (x + wide, horizon), _colour(chance), -1)
            cv2.rectangle(ground, (x, horizon - tall), (x + wide, horizon), (20, 20, 20), 2)
        figures = [
            (chance.uniform((40, 120), (440, 230)), chance.uniform(-2.5, 2.5), _colour(chance),
             float(chance.uniform(0.6, 1.8)), float(chance.uniform(0, 6)))
            for _ in range(int(chance.integers(1, 4)))
        ]  # fmt: skip
        pan = chance.uniform(-0.8, 0.8)
        for step in range(round(chance.uniform(2, 5) * FPS)):
            frame = np.roll(ground, int(pan * step), axis=1)
            for at, pace, tint, size, phase in figures:
                x, y = int(at[0] + pace * step), int(at[1] + 6 * np.sin(step / 5 + phase))
                cv2.ellipse(frame, (x, y), (int(22 * size), int(34 * size)), 0, 0, 360, tint, -1)
                cv2.circle(frame, (x, y - int(44 * size)), int(20 * size), (190, 215, 245), -1)
                cv2.circle(frame, (x + 6, y - int(46 * size)), 3, (20, 20, 20), -1)
                swing = int(14 * size * np.sin(step / 4 + phase))
                foot = y + int(60 * size)
                cv2.line(frame, (x, y + int(30 * size)), (x + swing, foot), (30, 30, 30), 4)
                cv2.line(frame, (x, y + int(30 * size)), (x - swing, foot), (30, 30, 30), 4)
            yield frame


def stage(chance: np.random.Generator) -> Iterator[Picture]:
    """A concert at night: beams that sweep, a band, heads of a crowd, a camera that drifts."""
    heads = np.stack([chance.uniform(0, WIDTH, 60), chance.uniform(215, 275, 60)], axis=1)
    wall = cv2.resize(_texture(chance, 24, 48), (WIDTH, HEIGHT)) // 4
    beams = chance.uniform((0, 0.2, 0), (WIDTH, 1.2, 6), (6, 3))
    tints = [_colour(chance, 80, 256) for _ in range(6)]
    band = chance.uniform(90, 390, 4)
    number = 0
    while True:
        frame = wall.astype(np.uint8).copy()
        light = np.zeros_like(frame)
        for (x, pace, phase), tint in zip(beams, tints, strict=True):
            lean = np.sin(number / 25 * pace + phase) * 160
            shape = np.array(
                [(x - 4, 0), (x + 4, 0), (x + lean + 34, HEIGHT), (x + lean - 34, HEIGHT)], np.int32
            )
            cv2.fillPoly(light, [shape], tuple(int(c * 0.6) for c in tint))
        frame = cv2.add(frame, light).astype(np.uint8)
        for member, x in enumerate(band):
            sway = int(x + 7 * np.sin(number / 11 + member * 2))
            cv2.rectangle(frame, (sway - 9, 150), (sway + 9, 215), (12, 12, 16), -1)
            cv2.circle(frame, (sway, 140), 10, (60, 80, 120), -1)
            cv2.line(frame, (sway - 22, 190), (sway + 26, 170), (40, 70, 140), 5)
        for head, (x, y) in enumerate(heads):
            bob = int(y - 5 * abs(np.sin(number / 6 + head)))
            cv2.circle(frame, (int(x), bob), 12, (6, 6, 8), -1)
        shift = np.array(
            [[1.06, 0, -14 + 9 * np.sin(number / 40)], [0, 1.06, -8 + 5 * np.cos(number / 31)]],
            np.float32,
        )
        number += 1
        yield cv2.warpAffine(frame, shift, (WIDTH, HEIGHT)).astype(np.uint8)


KINDS: dict[str, Callable[[np.random.Generator], Iterator[Picture]]] = {
    "slides": slides,
    "screen cast": screen_cast,
    "game": game,
    "cartoon": cartoon,
    "stage": stage,
}


def _colour(chance: np.random.Generator, low: int = 0, high: int = 256) -> Colour:
    blue, green, red = chance.integers(low, high, 3)
    return int(blue), int(green), int(red)


def _words(chance: np.random.Generator, count: int) -> str:
    return " ".join(chance.choice(WORDS, count))


def _write(  # noqa: PLR0917 -- as putText has them
    frame: Picture, text: str, at: tuple[int, int], size: float, ink: Colour, thick: int
) -> None:
    cv2.putText(frame, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, ink, thick, cv2.LINE_AA)


def _texture(chance: np.random.Generator, height: int, width: int) -> Picture:
    rough = chance.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    return cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
