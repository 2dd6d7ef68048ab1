"""Maps the lower-case names of a request's headers to their values."""

from collections.abc import Sequence

from django.http import HttpRequest


def of_scope(pairs: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers of an ASGI scope; values of one name are joined by commas, as Django joins them.

    Equal values count once: a proxy may write a header again.
    """
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
    if len(found) < len(pairs):
        values: dict[str, list[str]] = {name: [] for name in found}
        for name, value in pairs:
            values[name.decode("latin-1")].append(value.decode("latin-1"))
        found = {name: ",".join(dict.fromkeys(each)) for name, each in values.items()}
    return found


def of(request: HttpRequest) -> dict[str, str]:
    """Return the headers of any request of Django."""
    return {name.lower(): value for name, value in request.headers.items()}
