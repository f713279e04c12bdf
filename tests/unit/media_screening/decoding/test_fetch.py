"""Fetching, from a true TLS server on the loopback that behaves as badly as it is asked to."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from media_screening.decoding.address import IPAddress, is_public
from media_screening.decoding.fetch import FetchLimits
from media_screening.decoding.source import Source, SourceLimits
from media_screening.errors import NotAVideo, OverLimit, SourceUnavailable
from tests.hostile.case import noise

BODY = b"\0\0\0\x18ftypmp42" + noise(300_000)
LIMITS = FetchLimits(
    max_bytes=1_000_000,
    timeout_seconds=20,
    answer_seconds=5,
    silence_seconds=1,
    patience_seconds=0.5,
    min_bytes_per_second=20_000,
)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key}"
        f" -out {cert} -addext subjectAltName=DNS:localhost,DNS:rebound.test,IP:127.0.0.1"
    )
    try:
        subprocess.run(command.split(), check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs the openssl command to make a certificate")
    return key, cert


class Server:
    """What it is asked for, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.port = 0

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:  # noqa: PLR0911 -- one a path
        self.asked.append(request)
        match request.path:
            case "/whole":
                return web.Response(body=BODY)
            case "/page":
                return web.Response(body=b"<!doctype html>" + b" please log in" * 60_000)
            case "/nothing":
                return web.Response()
            case "/endless":
                return await self._stream(request, bytes(range(256)) * 400, times=1_000)
            case "/silent":
                return await self._stream(request, b"x", times=1, promised=100, pause_s=30)
            case "/drips":
                return await self._stream(request, b"x" * 100, times=100, pause_s=0.1)
            case "/mute":
                await asyncio.sleep(30)
            case "/breaks" | "/changes" | "/unmarked":
                return await self._break(request)
            case "/stuck":
                return await self._stream(request, b"", times=1, promised=len(BODY), etag='"1"')
            case "/to":
                raise web.HTTPFound(request.query["url"])
            case "/loop":
                raise web.HTTPFound(request.path)
        return web.Response(status=int(request.path[1:]))

    async def _break(self, request: web.Request) -> web.StreamResponse:
        """A third of the file at a time, then the connection is gone."""
        etag = f'"{len(self.asked) if request.path == "/changes" else 1}"'
        third = len(BODY) // 3
        start = 0
        if request.headers.get("If-Range") == etag:
            start = int(request.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        response = web.StreamResponse(status=206 if start else 200)
        if request.path != "/unmarked":
            response.headers["ETag"] = etag
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(BODY) - 1}/{len(BODY)}"
        response.content_length = len(BODY) - start
        await response.prepare(request)
        await response.write(BODY[start : start + third])
        if start + third < len(BODY):
            await asyncio.sleep(0.05)
            self._hang_up(request)
        return response

    async def _stream(
        self,
        request: web.Request,
        chunk: bytes,
        *,
        times: int,
        promised: int | None = None,
        pause_s: float = 0.0,
        etag: str = "",
    ) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = promised
        if etag:
            response.headers["ETag"] = etag
        await response.prepare(request)
        for _ in range(times):
            if chunk:
                await response.write(chunk)
            await asyncio.sleep(pause_s)
        if promised:
            self._hang_up(request)
        return response

    @staticmethod
    def _hang_up(request: web.Request) -> None:
        if request.transport is not None:
            request.transport.abort()


@pytest.fixture
async def server(certificate: tuple[Path, Path]) -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_get("/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    key, cert = certificate
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(cert, key)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


Make = Callable[..., Source]


@pytest.fixture
def make(certificate: tuple[Path, Path], tmp_path: Path) -> Make:
    def build(
        *,
        rule: Callable[[IPAddress], bool] = lambda address: address == ip_address("127.0.0.1"),
        resolver: AbstractResolver | None = None,
        **limits: float,
    ) -> Source:
        return Source(
            SourceLimits(temp_folder=tmp_path, fetch=replace(LIMITS, **limits)),  # type: ignore[arg-type] # its fields
            address_rule=rule,
            resolver=resolver,
            tls=ssl.create_default_context(cafile=str(certificate[1])),
        )

    return build


async def fetched(source: Source, url: str) -> bytes:
    async with source.open(url) as path:
        return path.read_bytes()


async def test_it_fetches_to_a_file_and_cleans_up(
    server: Server, make: Make, tmp_path: Path
) -> None:
    address = server.address
    for url in (f"{address}/whole", f"{address}/to?url=/to?url={address}/whole"):
        assert await fetched(make(), url) == BODY
        assert list(tmp_path.iterdir()) == []
    assert server.asked[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("path", "reason", "passing"),
    [
        ("/404", "answered 404", False),
        ("/503", "answered 503", True),
        ("/429", "answered 429", True),
        ("/206", "another part than asked for", False),
        ("/silent", "did not come in time", True),
        ("/drips", "too slow", True),
        ("/to?url=http://localhost/whole", "away from https", False),
        ("/to?url=https://127.0.0.2/whole", "not on the public internet", False),
        ("/to?url=https://169.254.169.254/", "not on the public internet", False),
        ("/to?url=https://[::ffff:169.254.169.254]/", "not on the public internet", False),
        ("/to?url=https://2852039166/", "not on the public internet|could not be fetched", None),
        ("/to?url=file:///etc/passwd", "away from https", False),
        ("/loop", "redirects too often", False),
    ],
)
async def test_what_goes_wrong_on_the_way(
    server: Server, make: Make, path: str, reason: str, passing: bool | None
) -> None:
    with pytest.raises(SourceUnavailable, match=reason) as caught:
        await fetched(make(), server.address + path)
    assert passing is None or caught.value.passing is passing
    assert str(server.port) not in caught.value.reason


async def test_headers_that_never_come_are_not_waited_for(server: Server, make: Make) -> None:
    with pytest.raises(SourceUnavailable, match="did not come in time"):
        await fetched(make(answer_seconds=0.3, silence_seconds=20), f"{server.address}/mute")


async def test_the_whole_fetch_has_a_time_limit(server: Server, make: Make) -> None:
    with pytest.raises(SourceUnavailable, match="did not come in time"):
        await fetched(make(timeout_seconds=0.5, patience_seconds=60), f"{server.address}/drips")


async def test_an_endless_answer_is_cut_off(server: Server, make: Make) -> None:
    with pytest.raises(OverLimit, match="at most 1,000,000 bytes"):
        await fetched(make(), f"{server.address}/endless")


async def test_what_says_that_it_is_too_large_is_not_begun(server: Server, make: Make) -> None:
    with pytest.raises(OverLimit, match="at most 200,000 bytes"):
        await fetched(make(max_bytes=200_000), f"{server.address}/whole")


@pytest.mark.parametrize(("path", "kind"), [("/page", "a text file"), ("/nothing", "an empty")])
async def test_what_is_no_video_is_not_fetched_to_its_end(
    server: Server, make: Make, path: str, kind: str
) -> None:
    with pytest.raises(NotAVideo, match=kind):
        await fetched(make(), server.address + path)


async def test_a_transfer_that_breaks_off_is_taken_up(server: Server, make: Make) -> None:
    assert await fetched(make(), f"{server.address}/breaks") == BODY
    ranges = [request.headers.get("Range") for request in server.asked]
    assert ranges == [None, *(f"bytes={len(BODY) // 3 * part}-" for part in range(1, len(ranges)))]
    assert len(ranges) > 2
    assert {request.headers.get("If-Range") for request in server.asked[1:]} == {'"1"'}


@pytest.mark.parametrize("path", ["/unmarked", "/stuck"])
async def test_what_cannot_be_taken_up_is_not_tried_again(
    server: Server, make: Make, path: str
) -> None:
    with pytest.raises(SourceUnavailable, match="could not be fetched") as caught:
        await fetched(make(), server.address + path)
    assert caught.value.passing
    assert len(server.asked) == 1


async def test_two_versions_are_never_put_together(server: Server, make: Make) -> None:
    with pytest.raises(SourceUnavailable, match="could not be fetched"):
        await fetched(make(), f"{server.address}/changes")


async def test_an_unknown_certificate_is_refused(server: Server) -> None:
    source = Source(SourceLimits(fetch=LIMITS), address_rule=lambda _: True)
    with pytest.raises(SourceUnavailable, match="Certificate"):
        await fetched(source, f"{server.address}/whole")
    assert server.asked == []


class Rebinding(AbstractResolver):
    """Says that a name is the loopback, though whoever asked allows public addresses only."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        pass


async def test_the_address_that_is_connected_to_is_judged(server: Server, make: Make) -> None:
    url = f"https://rebound.test:{server.port}/whole"
    assert await fetched(make(resolver=Rebinding()), url) == BODY
    with pytest.raises(SourceUnavailable, match="not on the public internet") as caught:
        await fetched(make(resolver=Rebinding(), rule=is_public), url)
    assert not caught.value.passing
    assert len(server.asked) == 1
