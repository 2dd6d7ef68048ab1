"""The commands `send` and `replay`."""

import io
import re
import socketserver
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from pytest_django.fixtures import Settings

import handlers
from console import operating, samples
from handlers import PermanentError, registry
from ledger.models import Operation, Replay
from receiver.models import Delivery, HandlerRun, RejectionCount
from records.models import Commit
from tests import github, processes
from tests.processing.deliveries import Recorder, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command(*arguments, stdout=output, stderr=output)
    return output.getvalue()


def test_send_signs_and_sends_a_sample_and_prints_the_answer(receiver_url: str) -> None:
    told = run("send", "push", "--url", f"{receiver_url}/webhooks/github")
    row = Delivery.objects.get()
    assert told == f'202 {{"guid": "{row.guid}", "status": "accepted"}}\n'
    assert (row.event, row.body) == ("push", github.sample("push__branch").body)


def test_send_names_a_case_and_gives_each_a_fresh_guid(receiver_url: str) -> None:
    run("send", "issues__closed", "--count", "3", "--url", f"{receiver_url}/webhooks/github")
    assert list(Delivery.objects.values_list("action", flat=True)) == ["closed"] * 3


def test_send_takes_a_file_byte_for_byte(receiver_url: str, tmp_path: Path) -> None:
    (tmp_path / "body.json").write_bytes(b'{ "zen":  "\xc3\xa9" }\n')
    run("send", "watch", "--file", str(tmp_path / "body.json"), "--url", f"{receiver_url}/webhooks/github")
    assert (Delivery.objects.get().event, Delivery.objects.get().body) == (
        "watch",
        b'{ "zen":  "\xc3\xa9" }\n',
    )


def test_send_takes_a_form_as_it_was_downloaded(receiver_url: str, tmp_path: Path) -> None:
    form = b"payload=%7B%22zen%22%3A+%22x%22%7D"
    (tmp_path / "form.body").write_bytes(form)
    run("send", "ping", "--file", str(tmp_path / "form.body"), "--url", f"{receiver_url}/webhooks/github")
    row = Delivery.objects.get()
    assert (row.body, row.content_type) == (form, "application/x-www-form-urlencoded")


def test_send_signs_with_the_secret_of_the_source_in_the_url(receiver_url: str) -> None:
    run("send", "push", "--url", f"{receiver_url}/webhooks/github/Acme/")
    assert Delivery.objects.get().source == "acme"


def test_send_ends_with_an_error_when_it_was_not_accepted(receiver_url: str, settings: Settings) -> None:
    settings.WEBHOOK_SECRETS = {"": (b"guess",)}
    with pytest.raises(CommandError, match="1 of 1 not accepted"):
        run("send", "push", "--url", f"{receiver_url}/webhooks/github")
    processes.wait_until(RejectionCount.objects.exists, "the rejection is written, and not in the next test")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("send", "sunrise"), "there is no sample 'sunrise'; choose one of: check_run, check_suite, "),
        (("send", "push__sunrise"), "choose one of: push__after_rename, push__author_emails, "),
        (("send", "push", "--file", "/nowhere"), "/nowhere"),
        (("send", "push", "--url", "file:///etc/passwd"), "--url must begin with http"),
        (("send", "push", "--url", "http://127.0.0.1:1/"), "no answer from http://127.0.0.1:1/"),
        (("send", "push", "--url", "http://[::1/"), "no answer from http://[::1/"),
        (("send", "push", "--count", "0"), "not a whole number from 1 to 1000000: '0'"),
        (("replay",), "give a GUID or a filter"),
        (("replay", "--since", "9999-12-31T23:00-14:00"), "not a time, as 2026-01-31T12:00 or 24h"),
        (("replay", "--since", " "), "not a time, as 2026-01-31T12:00 or 24h"),
        (("replay", "--event", ""), "argument --event: blank, or not printable"),
        (("replay", "--status", "dead", "--repository", " "), "argument --repository: blank"),
        (("recover", "--org", ""), "argument --org: blank"),
        (("replay", "--after", "-1"), "not a whole number from 0"),
        (("forward", "--to", "http://127.0.0.1:1/", "--after", "9" * 30), "not a whole number from 0"),
        (("recover", "--app", "--hook", "0"), "not a whole number from 1"),
        (("rejections", "--days", "99999999999"), "not a whole number from 1 to 36500"),
        (("rejections", "--last", "-1"), "not a whole number from 0 to 1000"),
    ],
)
def test_a_wrong_command_line_is_a_clear_error(arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(CommandError, match=re.escape(told)):
        run(*arguments)


def test_send_prints_no_escapes_of_an_answer_and_reports_what_is_not_http() -> None:
    answers = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\x1b[31mno", b"-ERR unknown command\r\n"])

    class Answering(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b"".join(iter(self.rfile.readline, b"\r\n"))
            # A connection that is closed with unread bytes is reset, and the answer may be lost.
            [length] = re.findall(rb"(?i)content-length: (\d+)", head)
            self.rfile.read(int(length))
            self.wfile.write(next(answers))

    with socketserver.TCPServer(("127.0.0.1", 0), Answering) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        Thread(target=server.serve_forever, daemon=True).start()
        assert run("send", "ping", "--url", url) == "200 \N{REPLACEMENT CHARACTER}[31mn\n"
        with pytest.raises(CommandError, match=f"no answer from {url}: -ERR unknown"):
            run("send", "ping", "--url", url)
        server.shutdown()


def test_send_follows_no_redirect_and_uses_no_proxy_as_github_does(monkeypatch: pytest.MonkeyPatch) -> None:
    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(301)
            self.send_header("Location", "/page")
            self.send_header("Content-Length", "0")
            self.end_headers()

    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{processes.free_port()}")
    with HTTPServer(("127.0.0.1", 0), Redirecting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        out = io.StringIO()
        with pytest.raises(CommandError, match="1 of 1 not accepted"):
            call_command("send", "ping", "--url", f"http://127.0.0.1:{server.server_port}/", stdout=out)
        server.shutdown()
    assert out.getvalue() == "301 a redirect to /page, which GitHub does not follow\n"


def test_send_without_a_secret_says_what_to_do(settings: Settings) -> None:
    settings.WEBHOOK_SECRETS = {}
    with pytest.raises(CommandError, match="set GITHUB_WEBHOOK_SECRET, or `make run` first"):
        run("send", "push")


def test_every_sample_has_an_event_and_the_first_case_begins_a_history() -> None:
    assert samples.sample("pull_request")[1].stem == "pull_request__opened"
    assert samples.sample("repository")[1].stem == "repository__created"
    assert samples.sample("push")[1].stem == "push__branch"


@pytest.fixture
def kept() -> dict[str, Delivery]:
    """Store settled deliveries of several kinds."""
    return {
        "push": stored(status="succeeded", received_at="2026-05-01T12:00Z"),
        "issue": stored("issues__opened", status="dead", action="opened", received_at="2026-05-02T12:00Z"),
        "closed": stored("issues__closed", status="dead", action="closed", received_at="2026-05-03T12:00Z"),
        "star": stored(
            "star__created", status="ignored", repository="else/where", received_at="2026-05-04T12:00Z"
        ),
    }


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--event", "issues"), {"issue", "closed"}),
        (("--event", "issues", "--action", "closed"), {"closed"}),
        (("--repository", "Else/Where"), {"star"}),
        (("--status", "dead"), {"issue", "closed"}),
        (("--since", "2026-05-03"), {"closed", "star"}),
        (("--until", "2026-05-02T12:00:00Z"), {"push"}),
        (("--since", "2026-05-02T14:00:00+02:00", "--until", "2026-05-03"), {"issue"}),
        (("--status", "dead", "--event", "push"), set()),
        (("--status", "dead", "--since", "1h"), set()),
        (("--status", "dead", "--since", "99999d"), {"issue", "closed"}),
    ],
)
def test_replay_chooses_by_filters_and_a_dry_run_only_tells(
    arguments: tuple[str, ...], names: set[str], kept: dict[str, Delivery]
) -> None:
    told = run("replay", "--dry-run", *arguments)
    assert {name for name, row in kept.items() if str(row.guid) in told} == names
    assert told.endswith(f"{len(names)} would be replayed\n")
    assert set(Delivery.objects.values_list("status", flat=True)) == {"succeeded", "dead", "ignored"}


def test_a_dry_run_leaves_alone_what_the_replay_does(kept: dict[str, Delivery]) -> None:
    Delivery.objects.filter(pk=kept["push"].pk).update(body=None)
    Delivery.objects.filter(pk=kept["star"].pk).update(status="processing", finished_at=None)
    output = io.StringIO()
    call_command("replay", "--since", "2026-01-01", "--dry-run", stdout=output, stderr=output)
    told = output.getvalue()
    assert not {name for name in ("push", "star") if str(kept[name].guid) in told}
    assert "2 would be replayed\n1 left alone: in processing" in told
    assert "\n1 left alone: body pruned" in told


def test_replay_chooses_by_guid_and_names_what_is_not_stored(kept: dict[str, Delivery]) -> None:
    unknown = uuid4()
    output = io.StringIO()
    with pytest.raises(CommandError, match="given deliveries that are not stored: 1"):
        call_command("replay", str(kept["push"].guid), str(unknown), stdout=output, stderr=output)
    assert "1 to be processed again" in output.getvalue()
    assert f"no such delivery: {unknown}" in output.getvalue()
    assert Delivery.objects.get(status="received").guid == kept["push"].guid


@pytest.mark.parametrize("how", [[], ["--inline"], ["--dry-run"]])
def test_a_replay_of_unknown_guids_alone_is_an_error_and_no_operation(how: list[str]) -> None:
    with pytest.raises(CommandError, match="given deliveries that are not stored: 2"):
        run("replay", str(uuid4()), str(uuid4()), *how)
    assert not Operation.objects.exists()


@pytest.mark.full("postgresql")
def test_replay_through_the_worker_processes_again(
    kept: dict[str, Delivery], database_url: str, worker_log: Path
) -> None:
    assert run("replay", "--event", "issues") == "2 to be processed again\n"
    with processes.worker(worker_log, DATABASE_URL=database_url):
        issues = Delivery.objects.filter(event="issues")
        processes.wait_until(lambda: issues.filter(status="succeeded").count() == 2, "both processed")
    assert set(HandlerRun.objects.values_list("trigger", "handler")) == {("replay", "issues.record")}


def test_replay_inline_runs_the_handlers_here(kept: dict[str, Delivery]) -> None:
    told = run("replay", "--inline", str(kept["push"].guid))
    assert told.startswith(
        "[1/1] push | harbour-works/tide-tables | main pushed with 3 commits, 3 of them new | succeeded"
    )
    assert Commit.objects.count() == 3
    replay = Replay.objects.get()
    assert (replay.delivery, replay.operation, replay.by) == (kept["push"], None, operating.person())


@contextmanager
def added(recorder: Recorder) -> Iterator[None]:
    """Let the program have these handlers, too."""
    listed = registry.handlers.setdefault("push", [])
    listed += recorder.registry.handlers["push"]
    try:
        yield
    finally:
        for handler in recorder.registry.handlers["push"]:
            listed.remove(handler)


def test_replay_inline_shows_the_whole_traceback_and_ends_with_an_error(kept: dict[str, Delivery]) -> None:
    output = io.StringIO()
    doomed = Recorder(doomed=PermanentError("no such team"))
    with added(doomed), pytest.raises(CommandError, match="1 of 1 did not succeed"):
        call_command("replay", "--inline", str(kept["push"].guid), stdout=output, stderr=output)
    assert "Traceback (most recent call last)" in output.getvalue()
    assert 'deliveries.py", line' in output.getvalue()
    assert "PermanentError: no such team" in output.getvalue()


def test_replay_of_a_success_runs_everything_again_and_of_a_failure_what_failed(
    kept: dict[str, Delivery],
) -> None:
    recorder = Recorder(good=None, bad=PermanentError("no"))
    guid = str(kept["push"].guid)
    with added(recorder):
        with pytest.raises(CommandError):
            run("replay", "--inline", guid)
        recorder.raising["bad"] = None
        run("replay", "--inline", guid)
        assert (recorder.calls.count("good"), recorder.calls.count("bad")) == (1, 2)
        run("replay", "--inline", guid)
        assert (recorder.calls.count("good"), recorder.calls.count("bad")) == (2, 3)


def test_replay_leaves_alone_what_a_worker_is_processing(kept: dict[str, Delivery]) -> None:
    Delivery.objects.filter(pk=kept["push"].pk).update(
        status="processing", lease_expires_at="2999-01-01T00:00Z"
    )
    told = run("replay", str(kept["push"].guid))
    assert "0 to be processed again" in told
    assert "1 left alone: in processing by a worker" in told


@pytest.mark.once
def test_replay_inline_works_under_a_debugger(kept: dict[str, Delivery], database_url: str) -> None:
    lines = (processes.ROOT / "handlers" / "push.py").read_text().splitlines()
    [place] = [number for number, line in enumerate(lines, 1) if "await Push.objects.record" in line]
    steps = [f"b handlers/push.py:{place}", "c", "p 'the ref is ' + event.ref", "c", "q"]
    command = [sys.executable, "-m", "pdb", *(part for step in steps for part in ("-c", step)), "--"]
    told = subprocess.run(
        [*command, "manage.py", "replay", "--inline", str(kept["push"].guid)],
        cwd=processes.ROOT, env=processes.environment(DATABASE_URL=database_url),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "'the ref is refs/heads/main'" in told.stdout, told.stderr
    assert Delivery.objects.get(pk=kept["push"].pk).status == "succeeded"


@pytest.mark.once
def test_check_names_a_handler_with_which_the_worker_would_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("check", "--tag", "handlers")
    (tmp_path / "unwritten.py").write_text("from handlers import on\non('push')\n")
    monkeypatch.setattr(handlers, "__path__", [*handlers.__path__, str(tmp_path)])
    with pytest.raises(SystemCheckError, match=r"write @on\(PushEvent\)") as raised:
        run("check", "--tag", "handlers")
    assert "hookkeeper.E001" in str(raised.value)
