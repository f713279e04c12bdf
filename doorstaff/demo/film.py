"""Films nobody owns, drawn for the demo: a reference, and uploads that do or do not show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import ffmpeg
import numpy as np
from numpy.typing import NDArray

from contracts.ids import UploadId

FRAMES_PER_SECOND = 24
WIDTH, HEIGHT = 640, 360

Frame = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A piece of the reference inside an upload; seconds from the start of each."""

    upload_start_s: float
    reference_start_s: float
    length_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadPlan:
    """One upload: so many seconds of footage of its own, with or without a planted stretch."""

    upload_id: UploadId
    title: str
    seed: int
    length_s: float
    width: int
    height: int
    crf: int
    stretch: Stretch | None = None


REFERENCE_TITLE = "The Night Train"
REFERENCE_SECONDS = 90.0
REFERENCE_SEED = 7

UPLOADS = (
    UploadPlan(
        upload_id=UploadId("video-0"),
        title="Live from the hall",
        seed=101,
        length_s=40,
        width=640,
        height=360,
        crf=28,
    ),
    UploadPlan(
        upload_id=UploadId("video-1"),
        title="Friday stream",
        seed=102,
        length_s=50,
        width=426,
        height=240,
        crf=34,
        stretch=Stretch(upload_start_s=15, reference_start_s=30, length_s=20),
    ),
    UploadPlan(
        upload_id=UploadId("video-2"),
        title="Product launch",
        seed=103,
        length_s=30,
        width=640,
        height=360,
        crf=26,
    ),
    UploadPlan(
        upload_id=UploadId("video-3"),
        title="Community meetup",
        seed=104,
        length_s=35,
        width=320,
        height=180,
        crf=30,
    ),
    UploadPlan(
        upload_id=UploadId("video-4"),
        title="Charity concert",
        seed=105,
        length_s=45,
        width=480,
        height=270,
        crf=32,
        stretch=Stretch(upload_start_s=8, reference_start_s=55, length_s=25),
    ),
    UploadPlan(
        upload_id=UploadId("video-5"),
        title="Workshop recording",
        seed=106,
        length_s=30,
        width=426,
        height=240,
        crf=28,
    ),
)  # fmt: skip -- one upload a paragraph


def draw_reference(path: Path, *, encoder: str) -> None:
    """Draw and encode the reference."""
    frames = _footage(REFERENCE_SEED, 0.0, REFERENCE_SECONDS)
    _encode(path, frames, size=(WIDTH, HEIGHT), crf=20, encoder=encoder)


def draw_upload(plan: UploadPlan, path: Path, *, encoder: str) -> None:
    """Draw and encode one upload, the planted stretch scaled and compressed like the rest."""

    def frames() -> Iterator[Frame]:
        stretch = plan.stretch
        if stretch is None:
            yield from _footage(plan.seed, 0.0, plan.length_s)
            return
        ends = stretch.upload_start_s + stretch.length_s
        yield from _footage(plan.seed, 0.0, stretch.upload_start_s)
        yield from _footage(REFERENCE_SEED, stretch.reference_start_s, stretch.length_s)
        yield from _footage(plan.seed, ends, plan.length_s - ends)

    size = (plan.width, plan.height)
    _encode(path, frames(), size=size, crf=plan.crf, encoder=encoder)


def _footage(seed: int, begins_s: float, length_s: float) -> Iterator[Frame]:
    """Scenes of three to six seconds, each a wandering camera over a landscape with travellers."""
    first, last = (
        round(begins_s * FRAMES_PER_SECOND),
        round((begins_s + length_s) * FRAMES_PER_SECOND),
    )
    scenes = np.random.default_rng(seed)
    begin = 0
    while begin < last:
        length = int(scenes.integers(3, 7)) * FRAMES_PER_SECOND
        scene_seed = int(scenes.integers(1 << 31))
        if begin + length > first:
            scene = _scene(scene_seed)
            for number in range(max(first, begin), min(last, begin + length)):
                yield scene((number - begin) / FRAMES_PER_SECOND)
        begin += length


def _scene(seed: int) -> Callable[[float], Frame]:
    pick = np.random.default_rng(seed)
    size = (WIDTH * 2, HEIGHT * 2)
    land: NDArray[Any] = np.zeros((*size[::-1], 3), np.float32)
    for cells in (3, 7, 16, 40):
        patch = pick.random((cells, cells, 3), np.float32)
        land = land + cv2.resize(patch, size, interpolation=cv2.INTER_CUBIC) / cells**0.6
    land = np.clip((land - land.min()) / np.ptp(land) * 255, 0, 255).astype(np.uint8)
    start, drift = pick.random(2) * 0.4 + 0.3, (pick.random(2) - 0.5) * 0.08
    travellers = [
        (
            pick.random(2),
            (pick.random(2) - 0.5) * 0.3,
            pick.integers(20, 70),
            pick.integers(0, 255, 3),
        )
        for _ in range(5)
    ]

    def at(second: float) -> Frame:
        x, y = ((start + drift * second) * (WIDTH, HEIGHT)).astype(int)
        frame: Frame = land[y : y + HEIGHT, x : x + WIDTH].copy()
        for where, speed, size, colour in travellers:
            cx, cy = ((where + speed * second) % 1.0 * (WIDTH, HEIGHT)).astype(int)
            cv2.circle(frame, (int(cx), int(cy)), int(size), colour.tolist(), -1, cv2.LINE_AA)
        return frame

    return at


def _encode(
    path: Path, frames: Iterator[Frame], *, size: tuple[int, int], crf: int, encoder: str
) -> None:
    process = (
        ffmpeg.input(
            "pipe:", format="rawvideo", pix_fmt="bgr24", s=f"{WIDTH}x{HEIGHT}", r=FRAMES_PER_SECOND
        )
        .filter("scale", *size)
        .output(
            str(path), vcodec="libx264", preset="veryfast", crf=crf, pix_fmt="yuv420p", threads=1
        )
        .global_args("-v", "error", "-nostdin")
        .overwrite_output()
        .run_async(cmd=encoder, pipe_stdin=True)
    )
    for frame in frames:
        process.stdin.write(frame.tobytes())
    process.stdin.close()
    if process.wait() != 0:
        message = f"{encoder} could not encode {path.name}"
        raise RuntimeError(message)
