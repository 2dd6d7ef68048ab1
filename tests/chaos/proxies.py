"""nginx and Caddy, with the files of `deploy/`, before receivers of a test."""

import datetime
import ipaddress
import os
import shlex
import shutil
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests import processes

DEPLOY = processes.ROOT / "deploy"
ALSO = os.pathsep.join(("/usr/sbin", "/usr/local/sbin"))
NGINX = shutil.which("nginx", path=os.pathsep.join((os.environ["PATH"], ALSO)))
CADDY = shutil.which("caddy")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: its URL, and the TLS settings of a client that trusts its certificate."""

    url: str
    tls: ssl.SSLContext


@contextmanager
def nginx(folder: Path, receivers: Sequence[str]) -> Iterator[Proxy]:
    """Run nginx with `deploy/nginx.conf`."""
    certificate, key = _certificate(folder)
    port, console = processes.free_port(), processes.free_port()
    site = (DEPLOY / "nginx.conf").read_text()
    site = _replaced(
        site, "    server 127.0.0.1:8000;\n", "".join(f"    server {address(url)};\n" for url in receivers)
    )
    for name in ("hooks", "console"):
        site = _replaced(site, f"/etc/ssl/{name}.example.com/fullchain.pem", str(certificate))
        site = _replaced(site, f"/etc/ssl/{name}.example.com/privkey.pem", str(key))
    site = _replaced(site, "server_name hooks.example.com", "server_name localhost")
    site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl", 1)
    site = site.replace("listen 443 ssl", f"listen 127.0.0.1:{console} ssl", 1)
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
    with _running(command, folder / "proxy.log", certificate, port) as proxy:
        yield proxy


@contextmanager
def caddy(folder: Path, receivers: Sequence[str]) -> Iterator[Proxy]:
    """Run Caddy with `deploy/Caddyfile`."""
    certificate, key = _certificate(folder)
    port, console = processes.free_port(), processes.free_port()
    site = (DEPLOY / "Caddyfile").read_text()
    site = site.replace("reverse_proxy 127.0.0.1:8000", f"reverse_proxy {' '.join(map(address, receivers))}")
    tls = f"\ttls {certificate} {key}\n\tbind 127.0.0.1\n"
    site = _replaced(site, "\nhooks.example.com {\n", f"\nhttps://localhost:{port} {{\n{tls}")
    site = _replaced(site, "\nconsole.example.com {\n", f"\nhttps://localhost:{console} {{\n{tls}")
    main = folder / "Caddyfile"
    main.write_text(f"{{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n}}\n{site}")
    command = f"{CADDY} run --adapter caddyfile --config {shlex.quote(str(main))}"
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with _running(command, folder / "proxy.log", certificate, port, **home) as proxy:
        yield proxy


def address(url: str) -> str:
    """Return host and port of a URL."""
    return url.removeprefix("http://")


def _replaced(text: str, old: str, new: str) -> str:
    assert old in text, f"the file of the proxy no longer has {old!r}"
    return text.replace(old, new)


@contextmanager
def _running(command: str, log: Path, certificate: Path, port: int, **changes: str) -> Iterator[Proxy]:
    with processes.running(command, log, **changes) as process:

        def answers() -> bool:
            assert process.poll() is None, log.read_text()
            return processes.accepts(port)

        processes.wait_until(answers, "the proxy accepts connections", 30)
        yield Proxy(f"https://localhost:{port}", ssl.create_default_context(cafile=str(certificate)))


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate of `localhost` that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths
