"""Traces: one for each delivery, through receiver and worker, with opentelemetry's own SDK as the reader."""

import asyncio
import re
import subprocess
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from receiver.models import HandlerRun
from telemetry import tracing
from tests import processes
from tests.processing.deliveries import PanicException, Recorder, process, stored
from tests.telemetry.conftest import Told


def test_a_delivery_is_one_trace_from_its_receipt_to_its_settlement(told: Told) -> None:
    found = told.spans
    assert set(told.received) == {"receive", "commit"}
    assert set(found) == {"receive", "commit", "claim", "handle", "settle"}
    assert {span["context"]["trace_id"] for span in found.values()} == {
        f"0x{tracing.trace_id(told.guid):032x}"
    }
    assert found["commit"]["parent_id"] == found["receive"]["context"]["span_id"]
    assert found["receive"]["start_time"] <= found["commit"]["start_time"]
    assert found["commit"]["end_time"] <= found["claim"]["end_time"] <= found["handle"]["start_time"]
    assert found["handle"]["end_time"] <= found["settle"]["start_time"]
    assert found["commit"]["attributes"] == {"github.delivery": told.guid}
    assert found["receive"]["attributes"] == {"github.delivery": told.guid, "github.event": "push"}
    assert found["handle"]["attributes"]["handler"] == "push.record"
    assert found["settle"]["attributes"]["status"] == "succeeded"


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
async def test_the_span_of_a_run_that_failed_says_why_as_the_run_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("hookkeeper"))
    recorder = Recorder(works=None, fails=OSError("x" * 9_000), leaks=PanicException("index"), hangs=None)
    hangs = recorder.registry.handlers["push"][-1]
    object.__setattr__(hangs, "run", lambda *_: asyncio.Event().wait())
    object.__setattr__(hangs, "timeout", 0.05)
    await process(recorder, await sync_to_async(stored)())
    runs = HandlerRun.objects.exclude(outcome="succeeded").values_list("handler", "error")
    assert {
        span.attributes["handler"]: span.status.description
        for span in spans.get_finished_spans()
        if span.attributes is not None and span.status.status_code is StatusCode.ERROR
    } == dict([run async for run in runs])
    assert await runs.acount() == 3


def test_the_trace_id_is_that_of_the_guid_in_any_form_of_it() -> None:
    guid = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert tracing.trace_id(UUID(guid)) == tracing.trace_id(guid)
    assert 0 < tracing.trace_id(guid) < 2**128


def test_the_trace_id_can_be_computed_as_the_page_says() -> None:
    guid = "b39322f1-9e12-46e5-91e9-2812601072fd"
    page = (processes.ROOT / "docs" / "reference" / "traces.md").read_text()
    [command] = re.findall(r"^\$ (printf .+)$", page, re.M)
    said = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout.strip()
    assert said == f"{tracing.trace_id(guid):032x}"


def test_time_based_guids_differ_in_the_bits_that_samplers_compare() -> None:
    guids = [f"{number:08x}-cc78-11e3-81ab-4c9367dc0958" for number in range(64)]
    halves = {tracing.trace_id(guid) >> 63 & 1 for guid in guids}
    assert halves == {0, 1}


def test_while_it_is_off_a_span_is_nothing() -> None:
    with tracing.span("handle", "a guid") as nothing:
        assert nothing is None
    assert tracing.now() == 0
