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
from telemetry.counts import HANDLER, INGEST, QUEUE, RECEIVED, SETTLED, SUM, Histogram
from telemetry.models import Count
from upstream.models import Missed, MissedState

PREFIX = "hookkeeper"
MICROSECONDS = 1_000_000

Series = dict[tuple[str, str], dict[int, int]]
"""The cells of a name by their position, for each pair of labels."""


class Database(Collector):
    """Collects all metrics. Raises `django.db.Error`; without Redis, the number of workers is left out."""

    def collect(self) -> Iterator[Metric]:
        """Yield each metric with its samples."""
        series = _series()
        yield _counter(
            "deliveries", "Deliveries that were answered 2xx.", ("event", "outcome"), series[RECEIVED]
        )
        yield _counter("settled", "Attempts that were settled.", ("event", "status"), series[SETTLED])
        rejections = CounterMetricFamily(f"{PREFIX}_rejections", "Refused requests.", labels=("reason",))
        for reason, number in sorted(gauges.rejections().items()):
            rejections.add_metric((reason,), number)
        yield rejections
        yield _histogram("ingest_seconds", "From a request to its 2xx.", (), INGEST, series)
        yield _histogram(
            "queue_seconds", "From the receipt of a delivery to its first claim.", (), QUEUE, series
        )
        yield _histogram("handler_seconds", "Runs of handlers.", ("handler", "outcome"), HANDLER, series)
        yield from _gauges()


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


def _counter(name: str, what: str, labels: tuple[str, str], series: Series) -> Metric:
    family = CounterMetricFamily(f"{PREFIX}_{name}", what, labels=labels)
    for values, cells in series.items():
        family.add_metric(values, cells[0])
    return family


def _histogram(
    name: str, what: str, labels: tuple[str, ...], histogram: Histogram, series: dict[str, Series]
) -> Metric:
    family = HistogramMetricFamily(f"{PREFIX}_{name}", what, labels=labels)
    for values, cells in series[histogram.name].items():
        buckets, total = [], 0
        for position, bound in enumerate((*map(str, histogram.bounds), "+Inf")):
            total += cells.get(position, 0)
            buckets.append((bound, total))
        family.add_metric(values[: len(labels)], buckets, cells.get(SUM, 0) / MICROSECONDS)
    return family


def _gauges() -> Iterator[Metric]:
    yield _gauge("deliveries", "Open and dead deliveries.", ("status",), {
        (status,): number for status, number in gauges.deliveries().items()
    })  # fmt: skip
    oldest = {(): gauges.oldest_waiting()}
    yield _gauge("oldest_waiting_seconds", "Age of the oldest delivery that waits.", (), oldest)
    try:
        workers = {(): len(heartbeats.read())}
    except (RedisError, OSError):
        workers = {}
    yield _gauge("workers", "Workers with a heartbeat.", (), workers)
    missed = gauges.grouped(Missed.objects.order_by("-pk"), ("state",))
    states = {(state,): missed.get((state,), 0) for state in MissedState.values}
    yield _gauge("missed", "Deliveries that GitHub could not deliver.", ("state",), states)
    yield _gauge("operations", "Operations.", ("kind", "state"), gauges.operations())


def _gauge(name: str, what: str, labels: tuple[str, ...], numbers: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", what, labels=labels)
    for values, number in numbers.items():
        family.add_metric(values, number)
    return family
