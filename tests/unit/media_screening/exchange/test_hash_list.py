from __future__ import annotations

import io
import json
from typing import Any

import imagehash
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from media_screening.exchange.hash_list import (
    HashList,
    ListedFrame,
    ListedWork,
    ListFormat,
    frames_of,
)
from media_screening.exchange.imagehash import ImageHash
from media_screening.exchange.threatexchange import HEADER, ThreatExchange
from media_screening.exchange.vpdq import Vpdq
from tests.unit.media_screening.hashes import drift, fingerprint

PDQ_HEX = "e271017837246aaccddea259648fb7d62f435c89d9e99b2497763e216c8d055c"
MD5_HEX = "cab08b36195edb1a1231d2d09fa450e0"

FRAMES = st.lists(
    st.builds(
        ListedFrame,
        time_s=st.integers(0, 10**7).map(lambda ms: ms / 1_000),
        quality=st.integers(0, 100),
        pdq=st.binary(min_size=32, max_size=32),
    ),
    min_size=1,
    max_size=5,
).map(tuple)


def read(form: ListFormat, text: str) -> HashList:
    return form.read(io.StringIO(text))


def bad(form: ListFormat, text: str) -> dict[int, str]:
    return {line.number: line.reason for line in read(form, text).bad}


@given(FRAMES)
def test_vpdq_reads_what_it_wrote(frames: tuple[ListedFrame, ...]) -> None:
    form = Vpdq()
    lines = list(form.write([ListedWork(name="film", frames=frames)]))
    assert form.read(lines) == HashList(works=(ListedWork(frames=frames),), bad=())


@given(
    st.lists(
        st.builds(
            ListedWork,
            name=st.text("abc ,\"'", min_size=1, max_size=9),
            frames=FRAMES,
        ),
        max_size=4,
    )
)
def test_threatexchange_reads_what_it_wrote(works: list[ListedWork]) -> None:
    form = ThreatExchange()
    assert form.read(form.write(works)) == HashList(works=tuple(works), bad=())


@given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=9))
def test_imagehash_reads_what_it_wrote(hashes: list[bytes]) -> None:
    frames = tuple(
        ListedFrame(time_s=number * 0.5, phash=phash) for number, phash in enumerate(hashes)
    )
    form = ImageHash(every_seconds=0.5)
    lines = list(form.write([ListedWork(frames=frames)]))
    assert form.read(lines) == HashList(works=(ListedWork(frames=frames),), bad=())


@given(st.lists(st.text(max_size=80), max_size=6))
def test_whatever_the_lines_are_each_is_taken_or_told(lines: list[str]) -> None:
    for form in (Vpdq(), ThreatExchange(), ImageHash()):
        found = form.read(lines)
        taken = sum(max(1, len(work.frames)) for work in found.works)
        meant = [line for line in lines if line.strip() and line.strip() != ",".join(HEADER)]
        assert taken + len(found.bad) == len(meant)


def test_vpdq_takes_the_lines_that_its_own_tools_write_and_names_the_others() -> None:
    text = f"0,100,{PDQ_HEX},0.000\n\n1,98,{PDQ_HEX},1.001\n2,98,{PDQ_HEX}\nx\n"
    text += f"3,101,{PDQ_HEX},3.0\n4,50,{PDQ_HEX[:-1]},4.0\n5,50,{'g' * 64},5.0\n"
    text += f"6,50,{PDQ_HEX},nan\n7,50,{PDQ_HEX},-1\n8,50,{PDQ_HEX},8.000\n"
    (work,) = read(Vpdq(), text).works
    assert [frame.time_s for frame in work.frames] == [0, 1.001, 8]
    assert {frame.pdq.hex() for frame in work.frames} == {PDQ_HEX}
    assert bad(Vpdq(), text) == {
        4: "frame,quality,hash,seconds were expected",
        5: "frame,quality,hash,seconds were expected",
        6: "the quality must be a whole number from 0 to 100",
        7: "a hash of 64 hex digits was expected, this has 63 characters",
        8: "a hash of 64 hex digits was expected",
        9: "the time must be a number of seconds",
        10: "the time must be a number of seconds",
    }


def test_hma_and_the_threatexchange_tool_list_files_by_md5() -> None:
    text = f"{MD5_HEX},4162911387113748,2020-07-31T19:42:09+0000,media_type_video\n"
    text += f"{','.join(HEADER)}\nours,video_md5,{MD5_HEX.upper()},POSITIVE_CLASS,a b\n"
    text += f"ours,video_md5,{MD5_HEX},NEGATIVE_CLASS,\n{PDQ_HEX},1,2020,photo\n"
    text += "ours,video_tmk_pdqf,x,POSITIVE_CLASS,\nours,video_md5,12,POSITIVE_CLASS,\na,b\n"
    found = read(ThreatExchange(), text)
    assert [work.digests for work in found.works] == [(f"md5:{MD5_HEX}",)] * 2
    assert bad(ThreatExchange(), text) == {
        4: "its category is NEGATIVE_CLASS: not to be matched",
        5: "a single picture's PDQ: a video is known by several frames",
        6: "signals of type 'video_tmk_pdqf' say nothing of a video's pictures or file",
        7: "an MD5 of 32 hex digits was expected",
        8: f"{','.join(HEADER)} were expected, or a hash in front",
    }


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, None),
        ({"should_delete": True}, "it was withdrawn (should_delete)"),
        ({"type": None}, "indicator and type were expected"),
        ({"indicator": "[]"}, "a JSON list of hash,quality,seconds was expected"),
        ({"indicator": '["x"]'}, "frame 0: hash,quality,seconds were expected"),
        (
            {"descriptors": {"data": [{"status": "NON_MALICIOUS"}]}},
            "its status is NON_MALICIOUS: not to be matched",
        ),
        ({"descriptors": {"data": [{"status": "MALICIOUS"}, "odd"]}}, None),
    ],
)
def test_an_update_of_the_api_is_taken_or_told(change: dict[str, Any], told: str | None) -> None:
    features = [f"{PDQ_HEX},100,{second}.000" for second in range(3)]
    update = {"id": "17", "type": "HASH_VPDQ", "indicator": json.dumps(features)} | change
    found = read(ThreatExchange(), json.dumps(update))
    assert [line.reason for line in found.bad] == ([] if told is None else [told])
    for work in found.works:
        assert work.name == "17"
        assert [frame.time_s for frame in work.frames] == [0, 1, 2]


def test_the_older_form_of_a_vpdq_signal_is_read_too() -> None:
    older = {"0": {"quality": 99, "hash": PDQ_HEX, "timestamp": 0.5}}
    line = json.dumps({"type": "vpdq", "indicator": json.dumps(older)})
    (work,) = read(ThreatExchange(), line).works
    assert work.frames == (ListedFrame(time_s=0.5, quality=99, pdq=bytes.fromhex(PDQ_HEX)),)


def test_imagehash_takes_what_the_library_prints() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (64, 64), dtype=np.uint8)
    text = f"{imagehash.phash(Image.fromarray(pixels))}\n12.5,{'0f' * 8}\nx,{'0f' * 8}\n0f\n"
    (work,) = read(ImageHash(), text).works
    assert [frame.time_s for frame in work.frames] == [0, 12.5]
    assert bad(ImageHash(), text) == {
        3: "the time must be a number",
        4: "a hash of 16 hex digits was expected, this has 2 characters",
    }


def test_a_fingerprint_is_listed_and_read_back() -> None:
    video = fingerprint(drift(1, 9), step_s=1.0)
    work = ListedWork(name="film", frames=frames_of(video))
    back = work.fingerprint()
    np.testing.assert_array_equal(back.pdq, video.pdq)
    np.testing.assert_array_equal(back.times_s, video.times_s)
    assert back.duration_s == video.duration_s
    assert work.has_pdq
