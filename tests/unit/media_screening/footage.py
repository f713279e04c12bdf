"""Films for the tests, drawn and encoded as they are asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from media_screening.decoding.ffmpeg import ffmpeg_path
from media_screening.fingerprinting.fingerprint import Fingerprint, make_fingerprint

WIDTH, HEIGHT, FPS = 192, 144, 12.5
SCENE_SECONDS = 2.5


def ffmpeg(*arguments: object) -> None:
    command = [ffmpeg_path(), "-nostdin", "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def film(path: Path, *, seed: int, seconds: float, options: tuple[object, ...] = ()) -> Path:
    """Scenes of a few seconds: a background that pans, and things that move before it."""
    raw = b"".join(frame.tobytes() for frame in _frames(seed, seconds))
    command = [
        ffmpeg_path(), "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "gray",
        "-s", f"{WIDTH}x{HEIGHT}", "-r", FPS, "-i", "pipe:0", "-pix_fmt", "yuv420p",
        "-c:v", "libx264", "-preset", "ultrafast", "-crf", 20, *options, path,
    ]  # fmt: skip
    subprocess.run([str(word) for word in command], input=raw, check=True)
    return path


def _frames(seed: int, seconds: float) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    frames: list[NDArray[np.uint8]] = []
    while len(frames) < seconds * FPS:
        noise = rng.integers(0, 255, (HEIGHT * 2, WIDTH * 2)).astype(np.uint8)
        wide = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 9), None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
        x, y = rng.integers(0, WIDTH // 2), rng.integers(0, HEIGHT // 2)
        step_x, step_y = rng.uniform(-1, 1, 2)
        ball = rng.uniform(20, 120, 2)
        ball_step = rng.uniform(-2, 2, 2)
        for at in range(round(SCENE_SECONDS * FPS)):
            left, top = int(x + WIDTH / 2 + step_x * at) % WIDTH, int(y + step_y * at) % HEIGHT
            frame = np.ascontiguousarray(wide[top : top + HEIGHT, left : left + WIDTH])
            center = tuple(int(value) for value in ball + ball_step * at)
            cv2.circle(frame, center, 22, 255, -1)
            frames.append(frame.astype(np.uint8))
    return frames[: round(seconds * FPS)]


def splice(
    path: Path, *pieces: tuple[Path, float, float], options: tuple[object, ...] = ()
) -> Path:
    """Put stretches (file, from, length) one behind the other, scaled and encoded anew."""
    inputs: list[object] = []
    graph = ""
    for number, (source, start_s, length_s) in enumerate(pieces):
        inputs += ["-i", source]
        graph += (
            f"[{number}:v:0]trim=start={start_s}:duration={length_s},setpts=PTS-STARTPTS,"
            f"scale=96:72,setsar=1,fps=25[p{number}];"
        )
    graph += "".join(f"[p{number}]" for number in range(len(pieces)))
    graph += f"concat=n={len(pieces)}:v=1:a=0[out]"
    ffmpeg(
        *inputs, "-filter_complex", graph, "-map", "[out]", "-c:v", "libx264",
        "-preset", "veryfast", "-b:v", "60k", *options, path,
    )  # fmt: skip
    return path


def random_fingerprint(
    seed: int, *, count: int, period_s: float, start_s: float = 0.0
) -> Fingerprint:
    """Frames that look like nothing else, not even like each other."""
    rng = np.random.default_rng(seed)
    times = start_s + np.arange(count) * period_s
    return make_fingerprint(
        duration_s=float(times[-1] + period_s) if count else 0.0,
        times_s=times,
        pdq=rng.integers(0, 256, (count, 32), dtype=np.uint8),
        phash=rng.integers(0, 256, (count, 8), dtype=np.uint8),
        quality=[100] * count,
    )


SCENE_HEIGHT, SCENE_WIDTH = 180, 320


def scene(seed: int) -> NDArray[np.uint8]:
    """Boxes and discs of many greys."""
    chance = np.random.default_rng(seed)
    picture = np.full((SCENE_HEIGHT, SCENE_WIDTH), 90, np.uint8)
    for _ in range(70):
        x, y = int(chance.integers(0, SCENE_WIDTH)), int(chance.integers(0, SCENE_HEIGHT))
        size, level = int(chance.integers(5, 26)), int(chance.integers(0, 256))
        if chance.random() < 0.5:
            cv2.circle(picture, (x, y), size, level, -1)
        else:
            cv2.rectangle(picture, (x, y), (x + size, y + size), level, -1)
    return picture


def warped(picture: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Draw a picture where a view, in shares, says."""
    size = np.diag([SCENE_WIDTH, SCENE_HEIGHT, 1.0])
    pixels = size @ matrix @ np.linalg.inv(size)
    return cv2.warpPerspective(picture, pixels, (SCENE_WIDTH, SCENE_HEIGHT)).astype(np.uint8)
