from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from contracts.ids import ReferenceId
from media_screening.index.folder import MAPPED_FROM_BYTES, IndexFolder
from media_screening.index.hash_index import HashIndex, prepare
from tests.unit.media_screening.hashes import drift

NAME, STATE = ReferenceId("film"), ("ab" * 32, 17)


@pytest.mark.parametrize("count", [0, 1, 500, MAPPED_FROM_BYTES // 32 + 1])
def test_what_is_kept_is_found_and_searched_as_it_was(tmp_path: Path, count: int) -> None:
    folder = IndexFolder(tmp_path / "index")
    kept = prepare(drift(1, count))
    folder.keep(NAME, STATE, kept)
    read = folder.find(NAME, STATE)
    assert read is not None
    for one, other in (
        (read.hashes, kept.hashes),
        (read.heads, kept.heads),
        (read.runs.first, kept.runs.first),
        (read.runs.count, kept.runs.count),
        (read.runs.head, kept.runs.head),
        (read.runs.radius_bits, kept.runs.radius_bits),
    ):
        np.testing.assert_array_equal(one, other)
    index = HashIndex()
    index.add_all({NAME: read})
    found = index.search(kept.hashes[:5], max_hamming_bits=0)
    assert len(found) == min(1, count)


def test_another_state_is_another_file(tmp_path: Path) -> None:
    folder = IndexFolder(tmp_path)
    folder.keep(NAME, STATE, prepare(drift(1, 9)))
    assert folder.find(NAME, ("ab" * 32, 18)) is None
    assert folder.find(ReferenceId("other"), STATE) is None
    folder.forget(NAME, STATE)
    assert folder.find(NAME, STATE) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [0, 10, 23, 100, -1])
def test_a_file_that_is_cut_off_or_goes_on_is_none(tmp_path: Path, size: int) -> None:
    folder = IndexFolder(tmp_path)
    folder.keep(NAME, STATE, prepare(drift(1, 50)))
    (path,) = tmp_path.iterdir()
    raw = path.read_bytes()
    path.write_bytes(raw[:size] if size >= 0 else raw + b"\0")
    assert folder.find(NAME, STATE) is None


def test_what_is_left_over_is_swept_once_it_is_old(tmp_path: Path) -> None:
    folder = IndexFolder(tmp_path)
    gone = ReferenceId("gone")
    for name in (NAME, gone):
        folder.keep(name, STATE, prepare(drift(1, 9)))
    (tmp_path / "cut-off").touch()
    folder.sweep([(NAME, STATE)])
    assert len(list(tmp_path.iterdir())) == 3
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    folder.sweep([(NAME, STATE)])
    assert folder.find(NAME, STATE) is not None
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_that_cannot_be_written_to_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = IndexFolder(tmp_path / "file" / "index")
    folder.keep(NAME, STATE, prepare(drift(1, 50)))
    assert folder.find(NAME, STATE) is None
