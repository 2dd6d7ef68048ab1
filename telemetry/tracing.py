"""Spans with opentelemetry's API alone: receive, commit, claim, handle and settle of each delivery.

While tracing is off, nothing of opentelemetry is imported. The trace id is derived from the guid, so the
spans of all processes are one trace, and no trace id is stored or sent.
"""

import hashlib
import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Tracer

_OFF: AbstractContextManager[Any] = nullcontext()
_tracer: "Tracer | None" = None


def start(wanted: bool) -> None:
    """Make spans from now on, if they are wanted. OpenTelemetry's SDK, if there is one, exports them."""
    global _tracer  # noqa: PLW0603 - one tracer for the process
    if wanted:
        from opentelemetry import trace  # noqa: PLC0415 - only when it is on

        _tracer = trace.get_tracer("hookkeeper")


def now() -> int:
    """Return the time in nanoseconds since the epoch, and 0 while it is off."""
    return time.time_ns() if _tracer else 0


def span(name: str, guid: object, **attributes: str) -> AbstractContextManager[Any]:
    """Return a context that is a span in the trace of a delivery, and the current one."""
    if _tracer is None:
        return _OFF
    return _tracer.start_as_current_span(
        name, _context(guid), attributes=_attributes(guid, attributes), record_exception=False
    )


def fail(span: Any, reason: str) -> None:
    """Mark what `span` returned as failed for this reason."""
    if span is not None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - only when it is on

        span.set_status(StatusCode.ERROR, reason)


def received(guid: object, event: str, seconds: float, asked: int) -> None:
    """Record the request, which took so many seconds, and in it the commit, which was asked for then."""
    from opentelemetry import trace  # noqa: PLC0415 - only when it is on

    if _tracer is None:
        return
    end = time.time_ns()
    attributes = _attributes(guid, {"github.event": event})
    began = min(asked, end - int(seconds * 1e9))
    request = _tracer.start_span(
        "receive", _context(guid), kind=trace.SpanKind.SERVER, attributes=attributes, start_time=began
    )
    within = trace.set_span_in_context(request)
    commit = _tracer.start_span("commit", within, attributes=_attributes(guid, {}), start_time=asked)
    commit.end(end)
    request.end(end)


def spent(name: str, guid: object, asked: int, **attributes: str) -> None:
    """Record a span from `asked` until now in the trace of a delivery: its part of a statement for many."""
    if _tracer is not None:
        _tracer.start_span(
            name, _context(guid), attributes=_attributes(guid, attributes), start_time=asked
        ).end()


def trace_id(guid: object) -> int:
    """Return the trace id of a delivery.

    It is a hash, because samplers compare bits that GitHub's time-based GUIDs have in common.
    """
    return int.from_bytes(hashlib.sha256(str(guid).encode()).digest()[:16]) or 1


def _attributes(guid: object, others: dict[str, str]) -> dict[str, str]:
    return {"github.delivery": str(guid), **others}


def _context(guid: object) -> "Context":
    """Return a context whose parent is the delivery itself: a span that is never exported."""
    from opentelemetry import trace  # noqa: PLC0415 - only when it is on

    number = trace_id(guid)
    parent = trace.SpanContext(
        number,
        number & (2**64 - 1) or 1,
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(parent))
