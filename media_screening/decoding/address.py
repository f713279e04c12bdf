"""Which addresses an upload may be fetched from: public ones, after resolving."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from media_screening.errors import SourceUnavailable

IPAddress = IPv4Address | IPv6Address
AddressRule = Callable[[IPAddress], bool]

_NAT64 = ip_network("64:ff9b::/96")


def is_public(address: IPAddress) -> bool:
    """Tell whether an address is one of the public internet.

    Loopback, private, link-local (169.254.169.254 gives out cloud credentials), shared, reserved
    and multicast addresses are not, nor is an IPv6 address that carries one of these.
    """
    if isinstance(address, IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inner.append(IPv4Address(int(address) & 0xFFFF_FFFF))
        if any(carried is not None and not is_public(carried) for carried in inner):
            return False
        if address.ipv4_mapped is not None:
            return True  # judged above by what it carries
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def check_host(host: str, rule: AddressRule) -> None:
    """Refuse a host that is written as an address; aiohttp asks no resolver for those.

    Raises:
        SourceUnavailable: The address is not allowed.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return
    if not rule(address):
        raise forbidden()


def forbidden() -> SourceUnavailable:
    """What is said of an address that is not allowed; the address itself stays out of it."""
    return SourceUnavailable("its address is not on the public internet")


class GuardedResolver(AbstractResolver):
    """Resolves names, and gives out allowed addresses only.

    The connection is made to the addresses that were checked here: a name cannot point elsewhere
    a moment later.
    """

    def __init__(self, rule: AddressRule) -> None:
        self._rule = rule
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """All allowed addresses of a host.

        Raises:
            SourceUnavailable: It has none.
        """
        results = await self._resolver.resolve(host, port, family)
        allowed = [
            result for result in results if self._rule(ip_address(result["host"].partition("%")[0]))
        ]
        if not allowed:
            raise forbidden()
        return allowed

    async def close(self) -> None:
        """Let go of the resolver."""
        await self._resolver.close()
