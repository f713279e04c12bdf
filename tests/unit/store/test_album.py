from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.album import AlbumFolder
from store.clock import ManualClock

MIB = 1 << 20


def test_an_album_is_kept_replaced_and_forgotten(tmp_path: Path) -> None:
    folder = AlbumFolder(tmp_path / "pictures", max_bytes=MIB)
    assert (folder.captions("a"), folder.picture("a", 0)) == ([], None)
    folder.keep("a", [{"at_s": 1.5}, {"at_s": 3.0}], [b"one", b"two"])
    assert folder.captions("a") == [{"at_s": 1.5}, {"at_s": 3.0}]
    assert [folder.picture("a", number) for number in range(3)] == [b"one", b"two", None]
    folder.keep("a", [{"at_s": 9}], [b"nine"])
    assert (folder.picture("a", 0), folder.picture("a", 1)) == (b"nine", None)
    folder.forget("a")
    folder.forget("a")
    assert folder.captions("a") == []


@pytest.mark.parametrize("key", ["../../etc/passwd", "/etc/passwd", "a\0b", "", "\n", "é" * 500])
def test_no_key_leads_out_of_the_folder(tmp_path: Path, key: str) -> None:
    folder = AlbumFolder(tmp_path / "pictures", max_bytes=MIB)
    folder.keep(key, [], [b"picture"])
    assert folder.picture(key, 0) == b"picture"
    assert [path.parent for path in tmp_path.rglob("*.zip")] == [tmp_path / "pictures"]


@given(st.lists(st.integers(0, 6_000), min_size=1, max_size=8))
def test_the_oldest_go_until_the_rest_fits(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    clock = ManualClock(1_000_000)
    path = tmp_path_factory.mktemp("pictures")
    folder = AlbumFolder(path, max_bytes=10_000, clock=clock)
    for number, size in enumerate(sizes):
        folder.keep(str(number), [], [bytes(size)])
        clock.advance(1)
    left = [number for number in range(len(sizes)) if folder.picture(str(number), 0) is not None]
    assert left == list(range(left[0], len(sizes)))
    assert sum(file.stat().st_size for file in path.iterdir()) <= 10_000


def test_what_is_too_old_goes(tmp_path: Path) -> None:
    clock = ManualClock(1_000_000)
    folder = AlbumFolder(tmp_path, max_bytes=MIB, max_age_seconds=60, clock=clock)
    folder.keep("old", [], [b"x"])
    clock.advance(50)
    folder.keep("new", [], [b"x"])
    clock.advance(20)
    assert folder.prune() == 1
    assert (folder.picture("old", 0), folder.picture("new", 0)) == (None, b"x")


def test_without_room_none_is_kept(tmp_path: Path) -> None:
    folder = AlbumFolder(tmp_path / "pictures", max_bytes=0)
    folder.keep("a", [], [b"x"])
    assert folder.prune() == 0
    assert not (tmp_path / "pictures").exists()


def test_a_broken_album_is_one_that_is_not_there(tmp_path: Path) -> None:
    folder = AlbumFolder(tmp_path, max_bytes=MIB)
    folder.keep("a", [{}], [b"x"])
    (path,) = tmp_path.glob("*.zip")
    path.write_bytes(b"PK and nothing else")
    assert (folder.captions("a"), folder.picture("a", 0)) == ([], None)
