"""Which URLs and addresses may be a target."""

from ipaddress import ip_address

import pytest

from console.forwarding.target import TargetError, addresses, is_harmless, parse


@pytest.mark.parametrize(
    ("url", "host", "authority", "path"),
    [
        ("http://localhost", "localhost", "localhost", "/"),
        ("https://example.org:443/a?b=c#d", "example.org", "example.org", "/a?b=c"),
        ("http://[::1]:8000/hooks", "::1", "[::1]:8000", "/hooks"),
        (
            "https://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/",
            "xn--bcher-kva.example",
            "xn--bcher-kva.example",
            "/",
        ),
    ],
)
def test_a_url_is_a_target(url: str, host: str, authority: str, path: str) -> None:
    target = parse(url)
    assert (target.host, target.authority, target.path) == (host, authority, path)


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "file:///etc/passwd", "gopher://host/", "http://", "http://host:port/", "http://a@host/",
     "http://host:99999/", "http://ho st/", "http://host/\r\nX: 1", "http://[::1", "//host/"],
)  # fmt: skip
def test_anything_else_is_no_target(url: str) -> None:
    with pytest.raises(TargetError):
        parse(url)


@pytest.mark.parametrize(
    ("url", "address", "harmless"),
    [
        ("http://hooks.example/", "93.184.215.14", True),
        ("http://laptop.internal/", "10.1.2.3", True),
        ("http://hooks.example/", "169.254.169.254", False),
        ("http://hooks.example/", "::ffff:169.254.169.254", False),
        ("http://hooks.example/", "fe80::1", False),
        ("http://hooks.example/", "fd00:ec2::254", False),
        ("http://hooks.example/", "100.100.100.200", False),
        ("http://hooks.example/", "64:ff9b::a9fe:a9fe", False),
        ("http://hooks.example/", "2002:a9fe:a9fe::1", False),
        ("http://hooks.example/", "2002:7f00:1::1", False),
        ("http://hooks.example/", "fd00::5", True),
        ("http://hooks.example/", "127.0.0.1", False),
        ("http://hooks.example/", "::1", False),
        ("http://hooks.example/", "::ffff:127.0.0.1", False),
        ("http://hooks.example/", "0.0.0.0", False),  # noqa: S104 - the address under test
        ("http://hooks.example/", "224.0.0.1", False),
        ("http://localhost:3000/", "127.0.0.1", True),
        ("http://127.0.0.1:3000/", "127.0.0.1", True),
        ("http://[::1]:3000/", "::1", True),
        ("http://169.254.169.254/", "169.254.169.254", False),
    ],
)
def test_a_name_is_trusted_with_an_address(url: str, address: str, harmless: bool) -> None:
    assert is_harmless(parse(url).host, ip_address(address)) is harmless


async def test_a_name_has_its_addresses_once_each_and_an_unknown_one_has_none() -> None:
    found = await addresses(parse("http://localhost:1/"))
    assert ip_address("127.0.0.1") in found
    assert len(found) == len(set(found))
    with pytest.raises(TargetError, match="has no address"):
        await addresses(parse("http://no-such-host.invalid/"))
