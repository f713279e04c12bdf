from __future__ import annotations

import ssl
import subprocess
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web

from media_screening.address import is_public
from media_screening.errors import MediaScreeningError, OverLimit, SourceUnavailable
from media_screening.source import Source, SourceLimits

BODY = b"\0\0\0\x18ftypmp42" + bytes(300_000)


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
        async with Source(SourceLimits(timeout_seconds=10)).open(uri):
            pass
    assert not caught.value.passing


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key}"
        f" -out {cert} -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
    )
    try:
        subprocess.run(command.split(), check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs the openssl command to make a certificate")
    return key, cert


@pytest.fixture
async def server(certificate: tuple[Path, Path]) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/whole":
                return web.Response(body=BODY)
            case "/endless":
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(1_000):
                    await response.write(bytes(100_000))
                return response
            case "/silent":
                response = web.StreamResponse()
                response.content_length = 100
                await response.prepare(request)
                await response.write(b"x")
                return response
            case "/to":
                raise web.HTTPFound(request.query["url"])
            case "/loop":
                raise web.HTTPFound(request.path)
            case path:
                return web.Response(status=int(path[1:]))

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    key, cert = certificate
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    yield f"https://localhost:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def source(certificate: tuple[Path, Path], tmp_path: Path) -> Source:
    return Source(
        SourceLimits(max_bytes=1_000_000, timeout_seconds=1, temp_folder=tmp_path),
        address_rule=lambda address: address == ip_address("127.0.0.1"),
        tls=ssl.create_default_context(cafile=str(certificate[1])),
    )


async def test_it_fetches_to_a_file_and_cleans_up(
    server: str, source: Source, tmp_path: Path
) -> None:
    for address in (f"{server}/whole", f"{server}/to?url=/to?url={server}/whole"):
        async with source.open(address) as path:
            assert path.read_bytes() == BODY
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "reason", "passing"),
    [
        ("/404", "answered 404", False),
        ("/503", "answered 503", True),
        ("/429", "answered 429", True),
        ("/silent", "did not come in time", True),
        ("/to?url=http://localhost/whole", "away from https", False),
        ("/to?url=https://127.0.0.2/whole", "not on the public internet", False),
        ("/to?url=https://169.254.169.254/", "not on the public internet", False),
        ("/to?url=file:///etc/passwd", "away from https", False),
    ],
)
async def test_what_goes_wrong_on_the_way(
    server: str, source: Source, path: str, reason: str, passing: bool
) -> None:
    with pytest.raises(SourceUnavailable, match=reason) as caught:
        async with source.open(server + path):
            pass
    assert caught.value.passing is passing
    assert server not in caught.value.reason


async def test_an_endless_answer_is_cut_off(server: str, source: Source) -> None:
    with pytest.raises(OverLimit, match="at most 1,000,000 bytes"):
        async with source.open(f"{server}/endless"):
            pass


async def test_an_unknown_certificate_is_refused(server: str) -> None:
    source = Source(SourceLimits(timeout_seconds=5), address_rule=lambda _: True)
    with pytest.raises(MediaScreeningError, match="Certificate"):
        async with source.open(f"{server}/whole"):
            pass


async def test_redirects_end(server: str, source: Source) -> None:
    with pytest.raises(SourceUnavailable, match="redirects too often"):
        async with source.open(f"{server}/loop"):
            pass
