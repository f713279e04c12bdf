"""The ffmpeg binary, and the fences every run of it stands in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import imageio_ffmpeg

from media_screening.errors import DecoderFailed

ALLOWED_FORMATS = (
    "asf,avi,dv,flv,h264,hevc,ivf,live_flv,m4v,"
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,rm,wtv"
)
"""Demuxers that may read an upload: containers that hold their own data. No playlists, no concat,
no picture sequences, no subtitles, nothing that opens a second file."""

MAX_PIXELS = 1 << 26
"""A picture of 8192 by 8192: twice what the largest level of H.264 and HEVC has."""

INPUT_OPTIONS: Mapping[str, str | int] = MappingProxyType(
    {
        "protocol_whitelist": "file",
        "format_whitelist": ALLOWED_FORMATS,
        "max_pixels": MAX_PIXELS,
    }
)
"""Given before ``-i``: no network, no second file, no picture without bounds, whatever the file
says."""

ENVIRONMENT: Mapping[str, str] = MappingProxyType({"LC_ALL": "C", "PATH": os.defpath})
"""What the child process sees of ours: nothing."""


@cache
def ffmpeg_path() -> str:
    """Find ffmpeg: the system's if there is one, else the wheel's.

    Raises:
        DecoderFailed: There is neither.
    """
    if system := shutil.which("ffmpeg"):
        return system
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        reason = "no ffmpeg: install it, or the package imageio-ffmpeg"
        raise DecoderFailed(reason) from None
