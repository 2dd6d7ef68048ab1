"""The one delivery that every contender receives: a push of about 7.6 KB, signed once."""

import hashlib
import hmac
import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAYLOADS = ROOT / "tests" / "payloads"
SECRET = "the secret of the benchmark"  # noqa: S105 - for servers on the loopback
SIZE = 7_600  # bytes


@dataclass(frozen=True)
class Delivery:
    """The body of an event. The signature covers it alone, so only the guid changes with each request.

    `curl` sends the headers that a call of curl has, with those that a receiver needs.
    """

    event: str
    body: bytes
    curl: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Return GitHub's headers, without X-GitHub-Delivery."""
        digests = {
            name: hmac.new(SECRET.encode(), self.body, name).hexdigest() for name in ("sha1", "sha256")
        }
        if self.curl:
            return {
                "User-Agent": "curl/8.14.1",
                "Accept": "*/*",
                "Content-Type": "application/json",
                "X-GitHub-Event": self.event,
                "X-Hub-Signature-256": f"sha256={digests['sha256']}",
            }
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/044aadd",
            "X-GitHub-Event": self.event,
            "X-GitHub-Hook-ID": "470100500",
            "X-GitHub-Hook-Installation-Target-ID": "810200300",
            "X-GitHub-Hook-Installation-Target-Type": "repository",
            "X-Hub-Signature": f"sha1={digests['sha1']}",
            "X-Hub-Signature-256": f"sha256={digests['sha256']}",
        }


def push() -> Delivery:
    """Return the project's sample of a push, with more commits until it has `SIZE` bytes."""
    payload = json.loads((PAYLOADS / "push__branch.json").read_bytes())
    samples = payload["commits"]
    commits = list(samples)
    while len(dump({**payload, "commits": commits})) < SIZE:
        number = len(commits)
        commit = deepcopy(samples[number % len(samples)])
        for name in ("id", "tree_id"):
            commit[name] = hashlib.sha1(f"{name} {number}".encode(), usedforsecurity=False).hexdigest()
        commits.insert(-1, commit)
    return Delivery("push", dump({**payload, "commits": commits}))


def curl_push() -> Delivery:
    """Return the same push in ASCII, with few headers."""
    sent = push()
    body = json.dumps(json.loads(sent.body), separators=(",", ":")).encode()
    return Delivery(sent.event, body, curl=True)


def issue() -> Delivery:
    """Return a small delivery, from which the stored rows are copied."""
    return Delivery("issues", dump(json.loads((PAYLOADS / "issues__opened.json").read_bytes())))


def dump(payload: object) -> bytes:
    """Return JSON as GitHub formats it."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
