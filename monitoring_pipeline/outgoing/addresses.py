"""Which addresses may be connected to, and which a host has."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[list[Address]]]
"""Gives every address of a host (and port), best first; raises ``OSError`` if there is none."""

# An IPv6 address of this network (RFC 6052) reaches the IPv4 address in its last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")
# Local translators (RFC 8215) put the IPv4 address where they like in these: nobody outside can tell which one it is.
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
# Whatever the network, an address whose last half begins so (RFC 5214) reaches the IPv4 address in its last 32 bits.
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})


class ForbiddenAddressError(Exception):
    """A host has an address that must not be connected to."""


async def resolve(host: str, port: int) -> list[Address]:
    """All addresses of the host, in the system's order of preference."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(address) for address in dict.fromkeys(str(info[4][0]) for info in found)]


def check(addresses: Iterable[Address], *, allow_private: bool) -> None:
    """Refuse the host if any of its addresses is not public.

    Multicast, unspecified and reserved addresses are refused always: no receiver can have one. Private,
    loopback, link-local, site-local and shared ones are refused unless ``allow_private``. An IPv6 address that
    stands for an IPv4 one is judged as that; where it cannot be told for which one, it is refused always.

    Raises:
        ForbiddenAddressError: naming the address.
    """
    for address in addresses:
        for meant in _meant(address):
            if meant.is_multicast or meant.is_unspecified or _is_reserved(meant):
                raise ForbiddenAddressError(f"{address} cannot be a receiver")
            if not (_is_public(meant) or allow_private):
                raise ForbiddenAddressError(f"{address} is not a public address and allow_private is not set")


def _is_reserved(address: Address) -> bool:
    return address in _LOCAL_NAT64 or (address.is_reserved and not address.is_loopback)  # ::1 counts as both


def _is_public(address: Address) -> bool:
    # Site-local addresses were given up (RFC 3879), and routers of old networks still know them.
    return address.is_global and not (isinstance(address, IPv6Address) and address.is_site_local)


def _meant(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 one stands for, or the address itself; both where its network counts as well."""
    if isinstance(address, IPv4Address):
        return [address]
    last = IPv4Address(int(address) & 0xFFFF_FFFF)
    nat64 = last if address in _NAT64 else None
    inner = (address.ipv4_mapped, address.sixtofour, nat64, *(address.teredo or ()))
    found: list[Address] = [embedded for embedded in inner if embedded is not None] or [address]
    is_isatap = int(address) >> 32 & 0xFFFF_FFFF in _ISATAP
    return [*found, last] if is_isatap else found
