"""IPv6 addresses that stand for an IPv4 one are connected to only where that one might be."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from monitoring_pipeline.outgoing.addresses import ForbiddenAddressError, check

LOOPBACK, PRIVATE, LINK_LOCAL, SHARED, PUBLIC, MULTICAST = (
    IPv4Address(text) for text in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "8.8.8.8", "224.0.0.1")
)
OF_ONES_OWN = (LOOPBACK, PRIVATE, LINK_LOCAL, SHARED)

# By the document that says where the IPv4 address stands: how the address is written with it.
FORMS = {
    "mapped (RFC 4291)": "::ffff:{dotted}",
    "NAT64 (RFC 6052)": "64:ff9b::{dotted}",
    "6to4 (RFC 3056)": "2002:{high}:{low}::1",
    "6to4, and ISATAP of a public address": "2002:{high}:{low}:5:200:5efe:808:808",
    "Teredo's server (RFC 4380)": "2001:0:{high}:{low}::f7f7:f7f7",
    "Teredo's client (RFC 4380)": "2001:0:808:808:0:0:{not_high}:{not_low}",
    "ISATAP (RFC 5214)": "2a00:1450::5efe:{dotted}",
    "ISATAP, said to be unique": "2a00:1450::200:5efe:{dotted}",
    "ISATAP behind 6to4": "2002:808:808::5efe:{dotted}",
}
# Where the IPv4 address is not known, or nothing may be sent any more.
NEVER = {
    "compatible (RFC 4291)": "::{dotted}",
    "translated (RFC 2765)": "::ffff:0:{dotted}",
    "local NAT64, 96 bits (RFC 8215)": "64:ff9b:1::{dotted}",
    "local NAT64, other 96 bits (RFC 8215)": "64:ff9b:1:ffff:ffff:ffff:{high}:{low}",
    "local NAT64, 48 bits (RFC 8215)": "64:ff9b:1:{high}:{shifted}:{shifted_low}::",
}


def written(form: str, address: IPv4Address) -> IPv6Address:
    high, low = int(address) >> 16, int(address) & 0xFFFF
    numbers = {
        "high": high,
        "low": low,
        "not_high": high ^ 0xFFFF,
        "not_low": low ^ 0xFFFF,
        "shifted": low >> 8,  # the octet between is left free
        "shifted_low": (low & 0xFF) << 8,
    }
    return IPv6Address(form.format(dotted=address, **{name: f"{number:x}" for name, number in numbers.items()}))


def is_refused(text: str | IPv6Address, *, allow_private: bool) -> bool:
    try:
        check([ip_address(text)], allow_private=allow_private)
    except ForbiddenAddressError:
        return True
    return False


def embedded(forms: dict[str, str], *addresses: IPv4Address) -> list[IPv6Address]:
    return [written(form, address) for form in forms.values() for address in addresses]


@pytest.mark.parametrize("address", embedded(FORMS, *OF_ONES_OWN), ids=str)
def test_an_address_of_ones_own_network_is_refused_however_it_is_wrapped(address: IPv6Address) -> None:
    assert is_refused(address, allow_private=False)
    assert not is_refused(address, allow_private=True)


@pytest.mark.parametrize("address", embedded(FORMS, PUBLIC), ids=str)
def test_a_public_address_is_taken_however_it_is_wrapped(address: IPv6Address) -> None:
    assert not is_refused(address, allow_private=False)


@pytest.mark.parametrize("address", [*embedded(FORMS, MULTICAST), *embedded(NEVER, *OF_ONES_OWN, PUBLIC)], ids=str)
def test_what_no_receiver_has_or_means_nobody_knows_what_is_refused_always(address: IPv6Address) -> None:
    assert is_refused(address, allow_private=False)
    assert is_refused(address, allow_private=True)


@pytest.mark.parametrize(
    "text", ["fe80::5efe:808:808", "fd00::200:5efe:808:808", "fec0::1", "fec0::5efe:808:808", "feff::1"]
)
def test_a_network_of_ones_own_is_refused_whatever_its_addresses_hold(text: str) -> None:
    assert is_refused(text, allow_private=False)
    assert not is_refused(text, allow_private=True)


@pytest.mark.parametrize("text", ["2a00:1450::5efd:10.0.0.1", "2a00:1450::100:5efe:10.0.0.1", "64:ff9b::8.8.8.8"])
def test_what_only_looks_like_one_is_taken(text: str) -> None:
    assert not is_refused(text, allow_private=False)
