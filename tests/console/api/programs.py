"""Programs that use the API, as HTTP clients with a token."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.console.visitors import Answer

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def items(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.text
    found: list[dict[str, Any]] = json.loads(answer.body)["items"]
    return found


def problem(answer: Answer) -> dict[str, Any]:
    """The problem of an answer, which has the answer's status."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    found: dict[str, Any] = json.loads(answer.body)
    assert found["status"] == answer.status
    assert found["title"]
    return found


@dataclass(frozen=True)
class Program:
    """One program with a token, or without one."""

    url: str
    token: str = ""

    def get(self, path: str) -> Answer:
        return self.send("GET", path)

    def post(self, path: str, content: Any = None, **headers: str) -> Answer:
        return self.send("POST", path, content, **headers)

    def send(self, method: str, path: str, content: Any = None, **headers: str) -> Answer:
        """Send a request to a path below the API, or to one that an answer named."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        body = content if isinstance(content, bytes) else json.dumps(content).encode() if content else None
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        url = self.url + (path if path.startswith("/api") else f"/api/v1/{path}")
        request = urllib.request.Request(url, body, sent, method=method)
        try:
            response = _opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return Answer(response.status, response.url, response.headers, response.read())

    def pages(self, path: str) -> list[dict[str, Any]]:
        """The items of all pages of a list."""
        found: list[dict[str, Any]] = []
        place: str | None = path
        while place:
            answer = self.get(place)
            found += items(answer)
            place = json.loads(answer.body)["next"]
        return found
