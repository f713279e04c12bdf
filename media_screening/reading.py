"""From a file to what is kept of it: all of a reference, the sparse pictures of an upload first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from media_screening.decoding.frame import (
    FrameBatch,
    FrameLimits,
    Sampling,
    read_frames,
    skips_to_key_frames,
)
from media_screening.decoding.probe import Probe, probe
from media_screening.decoding.sniff import check_file
from media_screening.errors import CutOff, DecoderFailed, TimeLimit
from media_screening.fingerprinting.fingerprint import Fingerprint, FingerprintBuilder
from media_screening.fingerprinting.pdq import PDQ_SIDE_PIXELS
from media_screening.fingerprinting.reference_sketch import SketchBuilder, Sketches

UPLOAD_FRAMES_PER_SECOND = 4.0
REFERENCE_FRAMES_PER_SECOND = 8.0
"""Twice the uploads': whatever moment an upload was sampled at, a reference frame is at most 63 ms
away."""

_MIN_SIDE = 16

PICTURE_PIXELS = 480
"""The longer side of the pictures that are looked at. A local feature is described by 31 pixels
around it: in a film that is shown in half of a picture, they must not be a quarter of the film."""

SMALL_PIXELS = 640 * 480
SMALL_SECONDS = 600.0
"""An upload no larger and no longer than this is decoded whole at once: that is cheap, and sees all
of it. Others by their key frames first, where the codec lets the rest lie."""

KEY_FRAMES_PER_SECOND = 2.0
MAX_KEY_GAP_SECONDS = 14.0
"""Key frames further apart than this on average say too little: the upload is decoded whole."""

MIN_KEY_FRAMES = 3

Progress = Callable[[float, float | None], None]
"""Told the seconds of video done and, if known, how many there are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScreeningLimits:
    """What an upload may be and cost."""

    max_bytes: int = 8 * 1024**3
    max_seconds: float = 6 * 3_600.0
    timeout_seconds: float = 900.0
    decode_threads: int = 0


@dataclass(frozen=True, kw_only=True)
class VideoFile:
    """A file that says that it is a video, and until when it may be worked on."""

    path: Path
    probe: Probe
    limits: ScreeningLimits
    deadline: float
    progress: Progress | None = None

    def size(self, pixels: int) -> tuple[int, int]:
        """Width and height of pictures whose longer side is so long."""
        video = self.probe.video
        scale = pixels / max(video.width, video.height)
        return max(_MIN_SIDE, round(video.width * scale)), max(
            _MIN_SIDE, round(video.height * scale)
        )

    def read(
        self,
        *,
        frames_per_second: float,
        key_frames: bool = False,
        start_s: float = 0.0,
        end_s: float | None = None,
        pixels: int = PICTURE_PIXELS,
    ) -> Iterator[FrameBatch]:
        """Decode pictures, the longer side of which is ``pixels`` long.

        Raises:
            Rejected: It is not a video that can be screened, or cut off.
            ScreeningFailed: It could not be tried.
        """
        width, height = self.size(pixels)
        limits = FrameLimits(
            timeout_seconds=max(0.1, self.deadline - time.monotonic()),
            max_seconds=self.limits.max_seconds,
            decode_threads=self.limits.decode_threads,
        )
        sampling = Sampling(
            frames_per_second=frames_per_second,
            key_frames=key_frames,
            start_s=start_s,
            end_s=end_s,
            width=width,
            height=height,
        )
        for batch in read_frames(self.path, probe=self.probe, sampling=sampling, limits=limits):
            yield batch
            if self.progress is not None and end_s is None:
                self.progress(float(batch.times_s[-1]), self.probe.duration_s)
            if time.monotonic() > self.deadline:
                reason = f"screening took longer than {self.limits.timeout_seconds:g} s"
                raise TimeLimit(reason)


def open_video(
    path: Path, *, limits: ScreeningLimits, progress: Progress | None = None
) -> VideoFile:
    """Look at a file's first bytes and its headers.

    Raises:
        Rejected: It is not a video that can be screened.
        ScreeningFailed: It could not be tried.
    """
    deadline = time.monotonic() + limits.timeout_seconds
    check_file(path, max_bytes=limits.max_bytes)
    return VideoFile(
        path=path, probe=probe(path), limits=limits, deadline=deadline, progress=progress
    )


@dataclass(frozen=True, kw_only=True)
class ReferenceReading:
    """All that is kept of a reference.

    Attributes:
        cut: If the file ends before its video does, what is to be said of that.
    """

    fingerprint: Fingerprint
    sketches: Sketches
    cut: CutOff | None


def read_reference(
    path: Path, *, limits: ScreeningLimits, progress: Progress | None = None
) -> ReferenceReading:
    """Check, probe and decode a work.

    Raises:
        Rejected: It is not a video that can be screened.
        ScreeningFailed: It could not be tried.
    """
    video = open_video(path, limits=limits, progress=progress)
    sketches = SketchBuilder()
    taken = _Taking(video, frames_per_second=REFERENCE_FRAMES_PER_SECOND)
    for batch in taken.batches():
        sketches.add(batch.times_s, batch.pixels)
    return ReferenceReading(
        fingerprint=taken.fingerprint(), sketches=sketches.build(), cut=taken.cut
    )


def fingerprint_file(
    path: Path,
    *,
    frames_per_second: float,
    limits: ScreeningLimits,
    progress: Progress | None = None,
) -> tuple[Fingerprint, CutOff | None]:
    """Check, probe and decode a file, for its hashes alone.

    Returns:
        Its fingerprint and, if the file ends before its video does, what is to be said of that.

    Raises:
        Rejected: It is not a video that can be screened.
        ScreeningFailed: It could not be tried.
    """
    video = open_video(path, limits=limits, progress=progress)
    taken = _Taking(video, frames_per_second=frames_per_second)
    for _ in taken.batches():
        pass
    return taken.fingerprint(), taken.cut


@dataclass(frozen=True, kw_only=True)
class UploadReading:
    """An upload as it is looked at first.

    Attributes:
        fingerprint: Of all pictures that were decoded.
        by_key_frames: Whether those were key frames only.
        times_s: Of the pictures that were looked up, shape (n,).
        cut: If the file ends before its video does, what is to be said of that.
    """

    fingerprint: Fingerprint
    by_key_frames: bool
    times_s: NDArray[np.float64]
    cut: CutOff | None


LOOKED_UP_PERIOD_SECONDS = 1.0
"""Of an upload that is decoded whole, a picture is looked up so often."""

LOOKED_UP_TOGETHER = 48

LookUp = Callable[[NDArray[np.float64], NDArray[np.uint8]], None]
"""Takes times, shape (n,), and pictures, grey, shape (n, height, width), n at most 48."""


def read_upload(
    video: VideoFile, *, look_up: LookUp | None = None, whole: bool = False
) -> UploadReading:
    """Decode an upload as cheaply as it can be seen: key frames, or all of it where that is little.

    ``look_up`` is given the pictures as they come; those of key frames that turn out to be too few
    among them. With ``whole`` all of it is decoded, whatever that costs.

    Raises:
        Rejected: It is not a video that can be screened.
        ScreeningFailed: It could not be tried.
    """
    if not whole and _by_key_frames_first(video.probe):
        # A stream may be refreshed bit by bit, and have no key frame at all.
        with suppress(DecoderFailed):
            reading = _read_upload(video, look_up, key_frames=True)
            if reading is not None:
                return reading
    reading = _read_upload(video, look_up, key_frames=False)
    assert reading is not None
    return reading


def _by_key_frames_first(found: Probe) -> bool:
    small = found.video.width * found.video.height <= SMALL_PIXELS
    if found.duration_s is None or not skips_to_key_frames(found):
        return False
    return not small or found.duration_s > SMALL_SECONDS


def _read_upload(
    video: VideoFile, look_up: LookUp | None, *, key_frames: bool
) -> UploadReading | None:
    """None if key frames were asked for and are too few, or the file is cut off."""
    per_second = KEY_FRAMES_PER_SECOND if key_frames else UPLOAD_FRAMES_PER_SECOND
    taken = _Taking(video, frames_per_second=per_second, key_frames=key_frames)
    times: list[float] = []
    pictures: list[NDArray[np.uint8]] = []

    def hand_over() -> None:
        if look_up is not None and pictures:
            look_up(np.array(times[-len(pictures) :]), np.array(pictures))
        pictures.clear()

    for batch in taken.batches():
        for at_s, picture in zip(batch.times_s.tolist(), batch.pixels, strict=True):
            if key_frames or not times or at_s >= times[-1] + LOOKED_UP_PERIOD_SECONDS - 0.01:
                times.append(at_s)
                pictures.append(picture)
            if len(pictures) == LOOKED_UP_TOGETHER:
                hand_over()
    hand_over()
    if key_frames:
        whole_s = video.probe.duration_s or 0.0
        few = len(times) < max(MIN_KEY_FRAMES, whole_s / MAX_KEY_GAP_SECONDS)
        if few or taken.cut is not None:
            return None
    return UploadReading(
        fingerprint=taken.fingerprint(),
        by_key_frames=key_frames,
        times_s=np.array(times, np.float64),
        cut=taken.cut,
    )


class _Taking:
    """Decodes a video from its beginning, and fingerprints it meanwhile."""

    def __init__(
        self, video: VideoFile, *, frames_per_second: float, key_frames: bool = False
    ) -> None:
        self.cut: CutOff | None = None
        self._video = video
        self._frames_per_second = frames_per_second
        self._key_frames = key_frames
        self._builder = FingerprintBuilder()

    def batches(self) -> Iterator[FrameBatch]:
        """Yield pictures; a file that is cut off ends them, unless there was none."""
        try:
            for batch in self._video.read(
                frames_per_second=self._frames_per_second, key_frames=self._key_frames
            ):
                self._builder.add(FrameBatch(times_s=batch.times_s, pixels=_small(batch.pixels)))
                yield batch
        except CutOff as error:
            self.cut = error
            if not self._builder.frames_seen:
                raise

    def fingerprint(self) -> Fingerprint:
        """What was decoded, and how long the video is."""
        # The last frame is on screen for about as long as those before it.
        shown_s = self._builder.end_s + 1 / self._frames_per_second
        said_s = self._video.probe.duration_s
        whole_s = said_s if said_s is not None and self.cut is None else shown_s
        return self._builder.build(duration_s=max(whole_s, self._builder.end_s))


def _small(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    side = PDQ_SIDE_PIXELS
    return np.array(
        [cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA) for picture in pictures],
        np.uint8,
    )
