from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_screening.decoding.sniff import check_file, foreign_kind
from media_screening.errors import SourceUnavailable


@given(st.binary(max_size=4096))
def test_any_bytes_have_an_answer(head: bytes) -> None:
    assert isinstance(foreign_kind(head), str)


@given(st.text(min_size=1, max_size=2000).filter(lambda text: text.isprintable()))
def test_text_is_text(text: str) -> None:
    head = text.encode()[:1500]
    if text.isascii() and text.strip():
        assert foreign_kind(head)


def test_videos_are_let_through(films: dict[str, Path]) -> None:
    assert all(foreign_kind(path.read_bytes()[:4096]) == "" for path in films.values())


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x1cftypavif\0\0\0\0", "a picture (AVIF), not a video"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a picture (WebP), not a video"),
        (b"RIFF\x10\0\0\0AVI LIST", ""),
        (b"\x1aE\xdf\xa3\x01\0\0\0", ""),
        (b"G@\0\x10\0\0\xb0\r\0\1", ""),
        (b"GIF89a\x01\0\x01\0", "a picture (GIF), not a video"),
        (b"\xef\xbb\xbf#EXTM3U\n", "a playlist, not a video"),
    ],
)
def test_the_first_bytes_tell(head: bytes, kind: str) -> None:
    assert foreign_kind(head) == kind


def test_only_a_regular_file_is_read_and_nothing_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "link", Path("/dev/tty")):
        with pytest.raises(SourceUnavailable, match="not a regular file") as caught:
            check_file(path, max_bytes=1)
        assert not caught.value.passing
