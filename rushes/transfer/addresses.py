"""Which addresses are public: the internet's, and nobody's own.

The tables of Python's `ipaddress` differ from version to version, so what they leave out stands here; both must agree.
"""

from __future__ import annotations

import ipaddress

__all__ = ["Address", "is_public", "stated", "unwrap"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 6052: the last four bytes are an IPv4 address, which a translator connects to.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

# All that IANA has given out for the internet; loopback, local, translated and multicast addresses lie outside.
_UNICAST = ipaddress.ip_network("2000::/3")

_SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # protocol assignments; a cloud's metadata among them
            "192.88.99.0/24",  # relays of 6to4
            "168.63.129.16/32",  # the host of a virtual machine on Azure, although it is a public address
            "2001::/23",  # Teredo and other protocols
            "2001:db8::/32",  # documentation
            "3fff::/20",  # likewise
        ),
    )
)


def is_public(address: Address) -> bool:
    """Tells whether an address is one of the internet."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _UNICAST:
        return False
    if any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def unwrap(address: Address) -> Address:
    """Returns the IPv4 address that an IPv6 one stands for: mapped, 6to4, NAT64; else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def stated(host: str) -> list[str]:
    """Returns the addresses that a host names without anybody being asked: its own, or those of `localhost`.

    A resolver may know nothing of a zone or of a name below `localhost`, or something else (RFC 6761, 6.3).
    """
    if f".{host.rstrip('.').lower()}".endswith(".localhost"):
        return ["127.0.0.1", "::1"]
    literal = host.strip("[]").partition("%")[0]
    try:
        return [str(ipaddress.ip_address(literal))]
    except ValueError:
        return []
