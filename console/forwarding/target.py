"""Where deliveries are forwarded to: a URL and the addresses that its name has. Pure, but for the look-up."""

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address
PORTS = {"http": 80, "https": 443}
_LOOPBACK_NAME = "localhost"
# Metadata services of clouds that are not link-local: of AWS and GCP on IPv6, of Alibaba, of Oracle.
_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192")))
# IPv6 addresses that a gateway translates to the IPv4 address in their last bits:
# https://www.rfc-editor.org/rfc/rfc6052#section-2.1
_TRANSLATED = ip_network("64:ff9b::/96")


class TargetError(ValueError):
    """The URL cannot be a target, or its name leads to no address that may be one."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL of http or https."""

    url: str
    scheme: str
    host: str
    """A name or an address, without brackets."""
    port: int
    path: str
    """The path with the query."""

    @property
    def authority(self) -> str:
        """Host and port, as the `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> Target:
    """Return the target of a URL. Raises `TargetError`."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode() if ":" not in parts.netloc else parts.hostname
    except ValueError:
        raise TargetError(f"not a URL: {url!r}") from None
    if parts.scheme not in PORTS or not host or not url.isprintable() or " " in url:
        raise TargetError(f"a URL must begin with http:// or https:// and name a host: {url!r}")
    if "@" in parts.netloc:
        raise TargetError("a URL must hold no user and no password")
    return Target(url, parts.scheme, host, port or PORTS[parts.scheme], _path(parts))


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


async def addresses(target: Target) -> list[Address]:
    """Look the name up once; return its addresses. Raises `TargetError` for a name that has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            target.host, target.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except (OSError, UnicodeError) as error:
        raise TargetError(f"{target.host} has no address: {error}") from error
    # An address of one link has a zone after "%".
    return list(dict.fromkeys(ip_address(str(at[0]).partition("%")[0]) for *_, at in found))


def is_harmless(host: str, address: Address) -> bool:
    """Return whether a page may send to this address, to which the owner of the name `host` can point it.

    A machine's own services, and the metadata service of a cloud at 169.254.169.254, trust all that reaches
    them. An address of this machine is allowed if the URL itself names it.
    """
    address = _inner(address)
    if address in _METADATA or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    if not address.is_loopback:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == _LOOPBACK_NAME


def _inner(address: Address) -> Address:
    """Return the IPv4 address to which this IPv6 address leads, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
