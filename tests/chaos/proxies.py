"""nginx and Caddy, with the files of `deploy/`, before receivers of a test."""

import os
import shlex
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import processes
from tests.chaos.certificates import Authority

DEPLOY = processes.ROOT / "deploy"
ALSO = os.pathsep.join(("/usr/sbin", "/usr/local/sbin"))
NGINX = shutil.which("nginx", path=os.pathsep.join((os.environ["PATH"], ALSO)))
CADDY = shutil.which("caddy")
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: its URL, the TLS settings of a client that trusts its certificate, its process."""

    url: str
    tls: ssl.SSLContext
    process: subprocess.Popen[bytes]


@contextmanager
def nginx(folder: Path, receivers: Sequence[str], host: str = LOOPBACK) -> Iterator[Proxy]:
    """Run nginx with `deploy/nginx.conf` at this address."""
    authority = Authority(folder)
    certificate, key = authority.issue("localhost", host)
    port, console = processes.free_port(), processes.free_port()
    site = (DEPLOY / "nginx.conf").read_text()
    site = _replaced(
        site,
        "    server 127.0.0.1:8000 ",
        " fail_timeout=1s;\n".join(f"    server {address(url)}" for url in receivers) + " ",
    )
    for name in ("hooks", "console"):
        site = _replaced(site, f"/etc/ssl/{name}.example.com/fullchain.pem", str(certificate))
        site = _replaced(site, f"/etc/ssl/{name}.example.com/privkey.pem", str(key))
    site = _replaced(site, "server_name hooks.example.com", "server_name localhost")
    site = site.replace("listen 443 ssl", f"listen {host}:{port} ssl", 1)
    site = site.replace("listen 443 ssl", f"listen {host}:{console} ssl", 1)
    temporary = "".join(
        f"{kind}_temp_path {folder / kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"user root;\ndaemon off;\nerror_log stderr;\npid {folder / 'nginx.pid'};\n"
        "events { worker_connections 512; }\n"
        f"http {{\naccess_log off;\n{temporary}{site}}}\n"
    )
    command = f"{NGINX} -e stderr -p {shlex.quote(str(folder))} -c {shlex.quote(str(main))}"
    with _running(command, folder / "proxy.log", authority, (host, port)) as proxy:
        yield proxy


@contextmanager
def caddy(folder: Path, receivers: Sequence[str]) -> Iterator[Proxy]:
    """Run Caddy with `deploy/Caddyfile`."""
    authority = Authority(folder)
    certificate, key = authority.issue("localhost", LOOPBACK)
    port, console = processes.free_port(), processes.free_port()
    site = (DEPLOY / "Caddyfile").read_text()
    site = site.replace("reverse_proxy 127.0.0.1:8000", f"reverse_proxy {' '.join(map(address, receivers))}")
    tls = f"\ttls {certificate} {key}\n\tbind 127.0.0.1\n"
    site = _replaced(site, "\nhooks.example.com {\n", f"\nhttps://{LOOPBACK}:{port} {{\n{tls}")
    site = _replaced(site, "\nconsole.example.com {\n", f"\nhttps://{LOOPBACK}:{console} {{\n{tls}")
    main = folder / "Caddyfile"
    main.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}}\n{site}")
    command = f"{CADDY} run --adapter caddyfile --config {shlex.quote(str(main))}"
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with _running(command, folder / "proxy.log", authority, (LOOPBACK, port), **home) as proxy:
        yield proxy


def address(url: str) -> str:
    """Return host and port of a URL."""
    return url.removeprefix("http://")


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"the file of the proxy no longer has {old!r}"
    return text.replace(old, new)


@contextmanager
def _running(
    command: str, log: Path, authority: Authority, there: tuple[str, int], **changes: str
) -> Iterator[Proxy]:
    with processes.running(command, log, **changes) as process:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            with socket.socket() as probe:
                return probe.connect_ex(there) == 0

        processes.wait_until(answers, "the proxy accepts connections")
        trusting = ssl.create_default_context(cafile=str(authority.certificate))
        yield Proxy(f"https://{there[0]}:{there[1]}", trusting, process)
