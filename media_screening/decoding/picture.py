"""Small pictures of a video, for people to look at: single frames, and one every few seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from media_screening.decoding.child import INPUT
from media_screening.decoding.ffmpeg import INPUT_OPTIONS, ffmpeg_path
from media_screening.decoding.output import read_output

WIDTH, HEIGHT = 320, 180
"""Pixels of the box that a picture is fitted into; black fills the rest."""

JPEG_QUALITY = 70

_PICTURE_BYTES = WIDTH * HEIGHT * 3
_CAPTION_PIXELS = 24
_GAP_PIXELS = 4

Picture = NDArray[np.uint8]


def read_picture(path: Path, *, at_s: float, stream: int, timeout_seconds: float) -> Picture | None:
    """The frame on screen at a time, blue-green-red, shape (180, 320, 3); None if there is none.

    Raises:
        TimeLimit: It took longer than ``timeout_seconds``.
        DecoderFailed: ffmpeg could not be run.
    """
    pictures = _decode(
        path,
        before=("-ss", f"{max(0.0, at_s):.3f}"),
        filters=_FIT,
        after=("-frames:v", "1"),
        stream=stream,
        timeout_seconds=timeout_seconds,
    )
    return next(iter(list(pictures)), None)


def read_pictures(
    path: Path, *, every_s: float, stream: int, timeout_seconds: float
) -> Iterator[Picture]:
    """What is on screen every so many seconds, from second 0 on.

    Raises:
        TimeLimit: It took longer than ``timeout_seconds``.
        DecoderFailed: ffmpeg could not be run.
    """
    return _decode(
        path,
        filters=f"fps=1/{every_s}:start_time=0:round=up,{_FIT}",
        stream=stream,
        timeout_seconds=timeout_seconds,
    )


def side_by_side(left: Picture, right: Picture | None, captions: tuple[str, str]) -> Picture:
    """Two pictures beside each other, each with its caption above it.

    Captions are drawn in ASCII; where there is no right picture, its place says so.
    """
    whole = np.full((_CAPTION_PIXELS + HEIGHT, 2 * WIDTH + _GAP_PIXELS, 3), _GREY, np.uint8)
    blank = np.full((HEIGHT, WIDTH, 3), _DARK, np.uint8)
    for number, picture in enumerate((left, blank if right is None else right)):
        x = number * (WIDTH + _GAP_PIXELS)
        whole[_CAPTION_PIXELS:, x : x + WIDTH] = picture
        _write(whole, captions[number], x + 6, _CAPTION_PIXELS - 8)
    if right is None:
        _write(whole, "no picture of it is kept", WIDTH + _GAP_PIXELS + 60, HEIGHT // 2 + 24)
    return whole


def to_jpeg(picture: Picture) -> bytes:
    """Encode as JPEG."""
    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert done  # of an array of bytes it cannot fail
    return encoded.tobytes()


def from_jpeg(raw: bytes) -> Picture | None:
    """Decode what ``to_jpeg`` encoded; None if it is something else."""
    decoded = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR) if raw else None
    return None if decoded is None else np.asarray(decoded, np.uint8)


_GREY, _DARK, _INK = 236, 150, (40, 40, 40)
_FIT = (
    f"scale={WIDTH}:{HEIGHT}:force_original_aspect_ratio=decrease:flags=area,"
    f"pad={WIDTH}:{HEIGHT}:-1:-1,setsar=1,format=bgr24"
)


def _write(picture: Picture, text: str, x: int, y: int) -> None:
    plain = text.encode("ascii", "replace").decode()
    cv2.putText(picture, plain, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)


def _decode(
    path: Path,
    *,
    before: tuple[str, ...] = (),
    filters: str,
    after: tuple[str, ...] = (),
    stream: int,
    timeout_seconds: float,
) -> Iterator[Picture]:
    options = [word for name, value in INPUT_OPTIONS.items() for word in (f"-{name}", str(value))]
    command = [
        ffmpeg_path(), "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error",
        "-threads", "1", *options, *before, "-i", INPUT, "-map", f"0:{stream}",
        "-vf", filters, *after, "-f", "rawvideo", "pipe:1",
    ]  # fmt: skip
    pieces = read_output(
        command, reads=path, piece_bytes=_PICTURE_BYTES, timeout_seconds=timeout_seconds
    )
    for raw in pieces:
        if len(raw) == _PICTURE_BYTES:
            yield np.frombuffer(raw, np.uint8).reshape(HEIGHT, WIDTH, 3)
