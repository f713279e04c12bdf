"""What a file is by its first bytes, so that a refusal can say what came instead of a video."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from media_screening.errors import NotAVideo, OverLimit, SourceUnavailable

HEAD_BYTES = 4_096
_NO_FILE = "not a regular file"

_MAGICS = {
    b"\x89PNG\r\n\x1a\n": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
    b"GIF87a": "a picture (GIF)",
    b"GIF89a": "a picture (GIF)",
    b"BM": "a picture (BMP)",
    b"II*\0": "a picture (TIFF)",
    b"MM\0*": "a picture (TIFF)",
    b"8BPS": "a picture (Photoshop)",
    b"\0\0\0\x0cJXL ": "a picture (JPEG XL)",
    b"\0\0\0\x0cjP  ": "a picture (JPEG 2000)",
    b"ID3": "a sound file (MP3)",
    b"\xff\xfb": "a sound file (MP3)",
    b"\xff\xf3": "a sound file (MP3)",
    b"\xff\xf1": "a sound file (AAC)",
    b"\xff\xf9": "a sound file (AAC)",
    b"fLaC": "a sound file (FLAC)",
    b"MThd": "a sound file (MIDI)",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"MZ": "a Windows program",
    b"\x7fELF": "a program",
}
_PICTURE_BRANDS = {
    b"avif": "AVIF",
    b"avis": "AVIF",
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"mif1": "HEIF",
}
_RIFF = {b"WAVE": "a sound file (WAV)", b"WEBP": "a picture (WebP)"}


def check_file(path: Path, *, max_bytes: int) -> None:
    """Refuse what is not worth handing to the decoder.

    Raises:
        SourceUnavailable: It is missing, unreadable, or not a regular file.
        OverLimit: It is larger than ``max_bytes``.
        NotAVideo: It is empty, or begins as no video does.
    """
    try:
        # Opened without waiting, and judged by what was opened: a pipe put in its place would never
        # be written to.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise SourceUnavailable(_NO_FILE)
            head = os.read(handle, HEAD_BYTES)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise SourceUnavailable("no such file") from None  # noqa: EM101 -- as above
    except OSError as error:
        if error.errno == errno.ENXIO:  # a socket, which cannot be opened at all
            raise SourceUnavailable(_NO_FILE) from None
        reason = f"the file cannot be read: {error.strerror or type(error).__name__}"
        raise SourceUnavailable(reason, passing=True) from None
    except ValueError:  # a NUL in the name
        raise SourceUnavailable("no such file") from None  # noqa: EM101 -- as above
    if status.st_size > max_bytes:
        reason = f"larger than may be screened: {status.st_size:,} bytes, at most {max_bytes:,}"
        raise OverLimit(reason)
    if reason := foreign_kind(head):
        raise NotAVideo(reason)


def foreign_kind(head: bytes) -> str:
    """Say what else than a video begins like this, or nothing when it may be a video."""
    if not head:
        return "an empty file"
    if not head.strip(b"\0"):
        return "nothing but zeros, not a video"
    for magic, kind in _MAGICS.items():
        if head.startswith(magic):
            return f"{kind}, not a video"
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS:
        return f"a picture ({_PICTURE_BRANDS[head[8:12]]}), not a video"
    if head.startswith(b"RIFF") and head[8:12] in _RIFF:
        return f"{_RIFF[head[8:12]]}, not a video"
    return _text_kind(head)


def _text_kind(head: bytes) -> str:
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"#EXTM3U"):
        return "a playlist, not a video"
    if b"\0" in head or any(byte < 9 or 13 < byte < 27 for byte in head):  # noqa: PLR2004 -- controls
        return ""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A character may be cut in two at the end of what was read.
        if error.start < len(head) - 3:
            return ""
    return "a text file, not a video"
