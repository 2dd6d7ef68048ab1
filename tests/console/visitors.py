"""People who use the console, as HTTP clients with cookies."""

import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from html import unescape
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from urllib.parse import urlencode

PASSWORD = "long enough for the tests"
KEY = "the key that signs the sessions of the tests"
CSRF_COOKIE = "hookkeeper_csrf"
SESSION_COOKIE = "hookkeeper_session"


@dataclass(frozen=True)
class Answer:
    """The response to a request, after redirects."""

    status: int
    url: str
    headers: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def words(text: str) -> str:
    """Return the text of a page without its markup."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


class Visitor:
    """A browser without JavaScript."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def cookie(self, name: str) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == name), "")

    def get(self, path: str, **headers: str) -> Answer:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._open(urllib.request.Request(self.url + path, headers=names))

    def post(self, path: str, *, csrf: bool = True, referer: str = "", **fields: object) -> Answer:
        if csrf:
            fields["csrfmiddlewaretoken"] = self.cookie(CSRF_COOKIE)
        body = urlencode(fields, doseq=True).encode()
        headers = {"Referer": referer} if referer else {}
        return self._open(urllib.request.Request(self.url + path, body, headers, method="POST"))

    def sign_in(self, name: str, password: str = PASSWORD, page: str = "/sign-in") -> Answer:
        self.get(page)
        return self.post("/sign-in", name=name, password=password)

    def _open(self, request: urllib.request.Request) -> Answer:
        try:
            response = self._opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return Answer(response.status, response.url, response.headers, response.read())
