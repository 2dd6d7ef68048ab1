"""The metrics in Prometheus's text format: counters from the table, gauges from the ledger.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from ledger import gauges, heartbeats
from receiver.models import Reason, Status
from telemetry import events
from telemetry.counts import HANDLER, INGEST, QUEUE, RECEIVED, SETTLED, SUM, Histogram
from telemetry.models import Count
from upstream.models import Missed, MissedState, WatchedHook

PREFIX = "hookkeeper"
MICROSECONDS = 1_000_000

Series = dict[tuple[str, str], dict[int, int]]
"""The cells of a name by their position, for each pair of labels."""


COUNTERS = {
    "deliveries": (
        "Deliveries answered 2xx: accepted, duplicate, or redelivered (a failed one is processed again).",
        ("event", "outcome"),
    ),
    "settled": (
        "Attempts by their end: succeeded, ignored, invalid, dead, retrying. Of siblings, one counts.",
        ("event", "status"),
    ),
    "rejections": ("Refused requests, as in manage.py rejections.", ("reason",)),
}
HISTOGRAMS = {
    "ingest_seconds": ("From the start of a request to its 2xx, commit included.", ()),
    "queue_seconds": (
        "From the receipt of a delivery to its first claim: the time of the database to that of the worker.",
        (),
    ),
    "handler_seconds": ("Runs of handlers: succeeded, failed, permanent.", ("handler", "outcome")),
}
GAUGES = {
    "deliveries": ("Deliveries that are received, processing, retrying or dead now.", ("status",)),
    "oldest_waiting_seconds": ("Time since the oldest delivery that waits was due; 0 if none is due.", ()),
    "workers": ("Workers with a heartbeat; absent while Redis does not answer.", ()),
    "missed": ("Deliveries that GitHub could not deliver: found, asked, arrived, lost.", ("state",)),
    "failing_hooks": ("Hooks that could not be compared with GitHub at the last look.", ()),
    "operations": ("Operations.", ("kind", "state")),
}


# An alert on an increase sees none in a series that begins with the first failure, so it begins at 0:
# https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics
_DEAD = {(event, Status.DEAD.value): 0 for event in sorted({*events.KNOWN, events.OTHER})}


class Database(Collector):
    """Collects all metrics. Raises `django.db.Error`; without Redis, the number of workers is left out."""

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its samples."""
        series = _series()
        yield _filled(_counter("deliveries"), _firsts(series[RECEIVED]))
        yield _filled(_counter("settled"), _DEAD | _firsts(series[SETTLED]))
        rejections = dict.fromkeys(Reason.values, 0) | gauges.rejections()
        yield _filled(_counter("rejections"), {(reason,): number for reason, number in rejections.items()})
        for name, histogram in (("ingest", INGEST), ("queue", QUEUE), ("handler", HANDLER)):
            yield _observed(_histogram(f"{name}_seconds"), histogram, series[histogram.name])
        for name, numbers in _gauges():
            yield _filled(_gauge(name), numbers)


def families() -> Iterator[Metric]:
    """Yield each metric without samples."""
    yield from map(_counter, COUNTERS)
    yield from map(_histogram, HISTOGRAMS)
    yield from map(_gauge, GAUGES)


def text() -> bytes:
    """Return all metrics. Raises `django.db.Error`."""
    registry = CollectorRegistry()
    registry.register(Database())
    return generate_latest(registry)


def _series() -> dict[str, Series]:
    found: dict[str, Series] = defaultdict(lambda: defaultdict(dict))
    rows = Count.objects.values_list("name", "first", "second", "position", "value")
    for name, first, second, position, value in rows.order_by("name", "first", "second", "position"):
        found[name][first, second][position] = value
    return found


def _counter(name: str) -> CounterMetricFamily:
    help_text, labels = COUNTERS[name]
    return CounterMetricFamily(f"{PREFIX}_{name}", help_text, labels=labels)


def _histogram(name: str) -> HistogramMetricFamily:
    help_text, labels = HISTOGRAMS[name]
    return HistogramMetricFamily(f"{PREFIX}_{name}", help_text, labels=labels)


def _gauge(name: str) -> GaugeMetricFamily:
    help_text, labels = GAUGES[name]
    return GaugeMetricFamily(f"{PREFIX}_{name}", help_text, labels=labels)


def _firsts(series: Series) -> dict[tuple[str, str], int]:
    """Return the only cell of each series of a counter."""
    return {labels: cells[0] for labels, cells in series.items()}


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, numbers: Mapping[Any, float]
) -> CounterMetricFamily | GaugeMetricFamily:
    for labels, number in numbers.items():
        family.add_metric(labels, number)
    return family


def _observed(family: HistogramMetricFamily, histogram: Histogram, series: Series) -> Metric:
    for labels, cells in series.items():
        buckets, total = [], 0
        for position, bound in enumerate((*map(str, histogram.bounds), "+Inf")):
            total += cells.get(position, 0)
            buckets.append((bound, total))
        family.add_metric(labels[: len(family._labelnames)], buckets, cells.get(SUM, 0) / MICROSECONDS)
    return family


def _gauges() -> Iterator[tuple[str, Mapping[Any, float]]]:
    """Yield the present numbers of each gauge by its labels."""
    yield "deliveries", {(status,): number for status, number in gauges.deliveries().items()}
    yield "oldest_waiting_seconds", {(): gauges.oldest_waiting()}
    try:
        yield "workers", {(): len(heartbeats.read())}
    except (RedisError, OSError):
        yield "workers", {}
    missed = gauges.grouped(Missed.objects.order_by("-pk"), ("state",))
    yield "missed", {(state,): missed.get((state,), 0) for state in MissedState.values}
    yield "failing_hooks", {(): WatchedHook.objects.exclude(error="").count()}
    yield "operations", gauges.operations()
