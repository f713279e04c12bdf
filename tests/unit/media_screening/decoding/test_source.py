from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from media_screening.decoding.address import is_public
from media_screening.decoding.source import Source, SourceLimits
from media_screening.errors import SourceUnavailable


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",
        "169.254.169.254", "100.64.0.1", "192.0.2.1", "224.0.0.1", "255.255.255.255", "::1", "::",
        "fe80::1", "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_addresses_that_are(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("uri", "name"),
    [("clip.mp4", "clip.mp4"), ("file:clip.mp4", "clip.mp4"), ("sub/a b.mp4", "sub/a b.mp4")],
)
async def test_a_file_in_the_folder(tmp_path: Path, uri: str, name: str) -> None:
    async with Source(SourceLimits(folder=tmp_path)).open(uri) as path:
        assert path == tmp_path / name


async def test_a_file_address_is_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "50% #1?.mp4"
    for uri in (odd.as_uri(), f"file://localhost{odd.as_uri()[7:]}", str(odd)):
        async with Source(SourceLimits()).open(uri) as path:
            assert path == odd


async def test_nothing_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    (folder / "link.mp4").symlink_to("/etc/passwd")
    source = Source(SourceLimits(folder=folder))
    for uri in (
        "../x.mp4",
        "/etc/passwd",
        "file:///etc/passwd",
        "link.mp4",
        "file:%2e%2e/x",
        "a\0b",
    ):
        with pytest.raises(SourceUnavailable, match="outside the folder"):
            async with source.open(uri):
                pass


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("http://example.com/a.mp4", "file: and https: only"),
        ("ftp://example.com/a.mp4", "file: and https: only"),
        ("concat://a|b", "file: and https: only"),
        ("file://elsewhere/a.mp4", "a file: address with a host"),
        ("https://127.0.0.1/a.mp4", "not on the public internet"),
        ("https://[::1]/a.mp4", "not on the public internet"),
        ("https://169.254.169.254/latest/meta-data", "not on the public internet"),
        ("https://localhost/a.mp4", "not on the public internet"),
        ("https:///a.mp4", "away from https"),
    ],
)
async def test_what_is_not_read_from(uri: str, reason: str) -> None:
    with pytest.raises(SourceUnavailable, match=reason) as caught:
        async with Source(SourceLimits()).open(uri):
            pass
    assert not caught.value.passing
