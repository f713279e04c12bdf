"""What pirates do to a film before they upload it, as ffmpeg filter graphs, each at two strengths.

A graph takes ``[a]``, the stretch of the work, and ``[b]``, other footage of the same size, and
gives ``[out]``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

WIDTH, HEIGHT = 384, 216


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit at one strength.

    Attributes:
        name: Of the edit, the same at all strengths.
        strength: 1 or 2.
        graph: From ``[a]`` to ``[out]``; may use ``[b]``.
        rate: Seconds of the work that pass in one second of the upload.
        pieces_s: The work is cut into pieces of so many seconds, and these are shown in another
            order; 0 for not at all.
        quality: x264's CRF.
        frames_per_second: Of the upload.
    """

    name: str
    strength: int
    graph: str = "[a]null[out]"
    rate: float = 1.0
    pieces_s: float = 0.0
    quality: int = 26
    frames_per_second: float = 25.0

    @property
    def label(self) -> str:
        return f"{self.name} {self.strength}"


def _filters(name: str, mild: str, strong: str) -> tuple[Edit, Edit]:
    return (
        Edit(name=name, strength=1, graph=f"[a]{mild}[out]"),
        Edit(name=name, strength=2, graph=f"[a]{strong}[out]"),
    )


def _graphs(name: str, mild: str, strong: str) -> tuple[Edit, Edit]:
    return (
        Edit(name=name, strength=1, graph=mild),
        Edit(name=name, strength=2, graph=strong),
    )


def _crop(left: float, right: float, top: float, bottom: float) -> str:
    return f"crop=iw*{1 - left - right:.4f}:ih*{1 - top - bottom:.4f}:iw*{left}:ih*{top}"


def _framed(share: float, colour: str) -> str:
    return (
        f"scale=iw*{share}:ih*{share},pad={WIDTH}:{HEIGHT}:(ow-iw)/2:(oh-ih)/2:{colour},"
        f"drawbox=0:0:iw:ih:white:3"
    )


def _inset(share: float, x: float, y: float) -> str:
    return f"[a]scale=iw*{share}:ih*{share}[i];[b][i]overlay=W*{x}:H*{y}:shortest=1[out]"


def _logo(share: float) -> str:
    return (
        f"drawbox=iw*0.03:ih*0.05:iw*{share}:ih*{share}:0xd02020:fill,"
        f"drawbox=iw*0.05:ih*0.08:iw*{share * 0.4}:ih*{share * 0.5}:white:fill"
    )


def _band(share: float, size: int) -> str:
    return (
        f"drawbox=0:ih*{1 - share}:iw:ih*{share}:black@0.8:fill,"
        f"drawtext=text='WATCH IT ALL AT MY PAGE - FREE':fontcolor=white:fontsize={size}:"
        f"x=(w-tw)/2:y=h*{1 - share * 0.7:.3f}"
    )


def _words(size: int) -> str:
    return (
        f"drawtext=text='and then he said to her that':fontcolor=white:borderw=2:fontsize={size}:"
        f"x=(w-tw)/2:y=h*0.80,drawtext=text='nobody will ever find out':fontcolor=white:borderw=2:"
        f"fontsize={size}:x=(w-tw)/2:y=h*0.89"
    )


def _turn(degrees: float) -> str:
    return f"rotate={degrees}*PI/180:fillcolor=black"


def _turn_filled(degrees: float, zoom: float) -> str:
    return f"rotate={degrees}*PI/180,crop=iw*{zoom}:ih*{zoom},scale={WIDTH}:{HEIGHT}"


def _filmed(lean: float, noise: int) -> str:
    """A screen filmed by hand: a frustum, softer, greyer, noisy, with a dark room around it."""
    near, far = 1 + lean, 1 - lean / 2
    return (
        "pad=iw*1.1:ih*1.1:(ow-iw)/2:(oh-ih)/2:0x101418,"
        f"perspective=x0=W*{1 - far:.3f}:y0=H*{lean / 2:.3f}:x1=W*{far:.3f}:y1=0"
        f":x2=0:y2=H*{far:.3f}:x3=W*{min(1.0, near):.3f}:y3=H:sense=destination,"
        f"gblur=0.8,eq=contrast=0.85:brightness=0.05:saturation=0.8,noise=alls={noise}:allf=t"
    )


_GRID = (
    "[b]split=3[b1][b2][b3];[b2]hflip[h];[b3]negate[n];"
    "[{0}][{1}][{2}][{3}]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0,"
    f"scale={WIDTH}:{HEIGHT}[out]"
)
_SPLIT = "[a]{0}[l];[b]{0}[r];[l][r]hstack[out]"
_REFRAMED = "crop=ih*{0}:ih,scale=216:-2"
_BLURRED_FILL = (
    "[a]split[x][y];[x]scale=216:384,gblur=12[back];[y]scale=216:-2[front];"
    "[back][front]overlay=0:(H-h)/2[out]"
)

SINGLE: tuple[Edit, ...] = (
    Edit(name="re-encode", strength=1, quality=34),
    Edit(name="re-encode", strength=2, quality=41),
    *_filters("scale down", "scale=iw/2:-2", "scale=iw*0.3:-2"),
    *_filters("crop all sides", _crop(0.04, 0.04, 0.04, 0.04), _crop(0.1, 0.1, 0.1, 0.1)),
    *_filters("crop one side", _crop(0.08, 0, 0, 0), _crop(0, 0.2, 0, 0)),
    *_filters("crop top, bottom", _crop(0, 0, 0.06, 0.06), _crop(0, 0, 0.125, 0.125)),
    *_filters("crop a corner", _crop(0.05, 0, 0, 0.05), _crop(0.15, 0, 0.15, 0)),
    *_filters("mirror", "hflip", "hflip,eq=gamma=1.2"),
    *_filters("letterbox", "pad=iw:ih/0.85:0:(oh-ih)/2", "pad=iw:ih/0.7:0:(oh-ih)/2"),
    *_filters("pillarbox", "pad=iw/0.85:ih:(ow-iw)/2:0", "pad=iw/0.7:ih:(ow-iw)/2:0:0x202040"),
    *_filters("frame", _framed(0.8, "0x305080"), _framed(0.62, "0x903060")),
    *_graphs("inset over video", _inset(0.75, 0.2, 0.05), _inset(0.5, 0.45, 0.06)),
    *_filters("logo", _logo(0.15), _logo(0.28)),
    *_filters("text band", _band(0.14, 16), _band(0.25, 22)),
    *_filters("subtitles", _words(16), _words(24)),
    Edit(name="faster", strength=1, rate=1.1),
    Edit(name="faster", strength=2, rate=1.25),
    Edit(name="slower", strength=1, rate=0.9),
    Edit(name="slower", strength=2, rate=0.8),
    *_filters("rotate", _turn(2), _turn(-5)),
    *_filters("rotate, fill", _turn_filled(-1.5, 0.93), _turn_filled(4, 0.84)),
    *_filters("brightness", "eq=brightness=0.1", "eq=brightness=-0.22"),
    *_filters("contrast", "eq=contrast=0.7", "eq=contrast=1.6"),
    *_filters("gamma", "eq=gamma=0.7", "eq=gamma=1.7"),
    *_filters("colour", "hue=h=25:s=1.4", "colorbalance=rs=0.35:bs=-0.35:gm=0.2"),
    *_filters("grey", "hue=s=0", "hue=s=0,eq=contrast=1.25"),
    *_filters("blur", "gblur=1.5", "gblur=4"),
    *_filters("noise", "noise=alls=14:allf=t", "noise=alls=36:allf=t"),
    Edit(name="frame rate", strength=1, frames_per_second=15.0),
    Edit(name="frame rate", strength=2, frames_per_second=8.0),
    Edit(name="pieces", strength=1, pieces_s=6.0),
    Edit(name="pieces", strength=2, pieces_s=4.0),
    *_graphs(
        "stacked 2x2",
        "[a]null[a1];" + _GRID.format("a1", "b1", "h", "n"),
        "[a]null[a1];" + _GRID.format("b1", "n", "h", "a1"),
    ),
    *_graphs(
        "split screen",
        _SPLIT.format(f"scale={WIDTH // 2}:{HEIGHT}"),
        _SPLIT.format(f"crop=iw/2:ih,scale={WIDTH // 2}:{HEIGHT}"),
    ),
    *_filters("filmed", _filmed(0.04, 8), _filmed(0.1, 14)),
    *_filters("zoom", f"crop=iw/1.15:ih/1.15,scale={WIDTH}:{HEIGHT}",
              f"crop=iw/1.4:ih/1.4,scale={WIDTH}:{HEIGHT}"),
    *_filters("aspect", "scale=288:216", "scale=384:164"),
    *_graphs("vertical", _BLURRED_FILL, f"[a]{_REFRAMED.format(0.5625)}[out]"),
    *_filters("mirror, crop", f"hflip,{_crop(0.05, 0.05, 0.05, 0.05)}",
              f"hflip,{_crop(0.1, 0.1, 0.1, 0.1)}"),
    *_filters("sharpen, vignette", "unsharp=5:5:1.5", "vignette=PI/4,unsharp=5:5:2"),
)  # fmt: skip

PAIRABLE = frozenset(
    {
        "re-encode", "crop all sides", "crop one side", "mirror", "letterbox", "frame", "logo",
        "text band", "faster", "slower", "rotate, fill", "brightness", "contrast", "grey", "blur",
        "noise", "frame rate", "aspect", "subtitles", "colour", "gamma", "pillarbox", "zoom",
        "scale down", "filmed",
    }
)  # fmt: skip


def pairs(count: int, *, seed: int) -> list[Edit]:
    """Combinations of two edits of different names, at either strength, in a random order."""
    chance = random.Random(seed)
    pool = [edit for edit in SINGLE if edit.name in PAIRABLE]
    found: dict[str, Edit] = {}
    while len(found) < count:
        first, second = chance.sample(pool, 2)
        if first.name != second.name and not (first.rate != 1 and second.rate != 1):
            found.setdefault(f"{first.label} {second.label}", combine(first, second))
    return list(found.values())


def combine(first: Edit, second: Edit) -> Edit:
    """Do one, then the other; for edits that need no other footage."""
    middle = first.graph.replace("[out]", "[m]")
    return Edit(
        name=f"{first.label} + {second.label}",
        strength=max(first.strength, second.strength),
        graph=f"{middle};{second.graph.replace('[a]', '[m]')}",
        rate=first.rate * second.rate,
        quality=max(first.quality, second.quality),
        frames_per_second=min(first.frames_per_second, second.frames_per_second),
    )
