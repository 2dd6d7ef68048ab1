"""`manage.py forward`, as people type it, to a real server."""

import io
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from gidgethub import sansio
from pytest_django.fixtures import Settings

from console import samples
from tests import github, processes, servers
from tests.console.forwarding.targets import Target, serving
from tests.console.kept import kept

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

SECRET = "the secret of the laptop"
HERE = Path(__file__).parent
NODE = processes.ROOT / "var" / "node"


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    with serving(made):
        yield made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backoffs that no test has to wait for; their lengths have a test of their own."""
    monkeypatch.setattr("console.forwarding.trying.LONGEST_BACKOFF", 0.01)


def forward(target: Target, *arguments: str) -> tuple[str, str]:
    output, errors = io.StringIO(), io.StringIO()
    call_command("forward", "--to", target.url, "--secret", SECRET, *arguments, stdout=output, stderr=errors)
    return output.getvalue(), errors.getvalue()


@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
@pytest.mark.usefixtures("redis")
def test_what_is_forwarded_is_what_github_sent_header_for_header(
    receiver_url: str, target: Target, form: bool
) -> None:
    body = b'{"zen":  "caf\\u00e9 \xc3\xa9", "n": 1.0 }\n'
    sent = github.request("push", body, form=form)
    request = urllib.request.Request(f"{receiver_url}/webhooks/github", sent.body, sent.headers)
    with urllib.request.urlopen(request) as response:
        assert response.status == 202
    forward(target, "--secret", servers.SECRET, sent.guid)
    [received] = target.received
    own = {"Host", "Content-Length", "Accept"}
    assert {name: value for name, value in received.headers if name not in own} == sent.headers
    assert received.body == sent.body


def test_the_body_is_byte_for_byte_the_stored_one_and_the_url_keeps_its_query(target: Target) -> None:
    row = kept(body=b'{ "zen":  "\xc3\xa9 \\u0000" }\r\n')
    target.url += "?from=production&x=%20"
    forward(target, str(row.guid))
    [received] = target.received
    assert (received.path, received.body) == ("/hooks?from=production&x=%20", row.body)
    assert received["Host"] == target.url.split("/")[2]


def test_gidgethub_verifies_what_is_sent(target: Target) -> None:
    for case in ("push__branch", "issues__opened", "push__text_not_storable"):
        kept(case, hook_id=470100500)
    forward(target, "--after", "0")
    assert len(target.received) == 3
    for received in target.received:
        headers = {name.lower(): value for name, value in received.headers}
        event = sansio.Event.from_http(headers, received.body, secret=SECRET)
        assert (event.delivery_id, event.event) == (received["X-GitHub-Delivery"], headers["x-github-event"])


def test_octokit_verifies_what_is_sent(target: Target) -> None:
    if shutil.which("node") is None or not (NODE / "node_modules" / "@octokit" / "webhooks").is_dir():
        pytest.skip("needs node, and `npm install --prefix var/node @octokit/webhooks`")
    for case in ("push__branch", "issues__opened", "push__text_not_storable"):
        kept(case)
    forward(target, "--after", "0")
    requests = [
        {
            "id": one["X-GitHub-Delivery"],
            "name": one["X-GitHub-Event"],
            "signature": one["X-Hub-Signature-256"],
            "payload": one.body.decode(),
        }
        for one in target.received
    ]
    done = subprocess.run(
        [str(shutil.which("node")), str(HERE / "octokit.mjs"), str(NODE), SECRET],
        input=json.dumps(requests), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split() == target.guids, done.stderr


def test_a_line_names_event_guid_status_milliseconds_and_the_id_to_resume_at(target: Target) -> None:
    row = kept()
    output, errors = forward(target, "--event", "push")
    assert re.fullmatch(rf"push {row.guid} 204 \d+ ms id {row.pk}\n", output)
    assert errors == "1 forwarded\n"


def test_v_shows_the_answer_on_clean_lines(target: Target) -> None:
    kept()
    target.answer(200, b"queued\n  \x1b[31mred\xff")
    output, _ = forward(target, "--after", "0", "-v")
    assert output.splitlines()[1:] == [
        "queued",
        "  \N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}",
    ]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--event", "issues", "--status", "dead"), ["issue"]),
        (("--repository", "Else/Where", "--since", "2026-05-03"), ["star"]),
        (("--after", "0"), ["push", "issue", "closed", "star"]),
    ],
)
def test_the_filters_are_those_of_replay(
    arguments: tuple[str, ...], names: list[str], target: Target
) -> None:
    rows = {
        "push": kept(received_at="2026-05-01T12:00Z"),
        "issue": kept("issues__opened", action="opened", status="dead", received_at="2026-05-02T12:00Z"),
        "closed": kept("issues__closed", action="closed", received_at="2026-05-03T12:00Z"),
        "star": kept("star__created", repository="else/where", received_at="2026-05-04T12:00Z"),
    }
    forward(target, *arguments)
    assert target.guids == [str(rows[name].guid) for name in names]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give a GUID or a filter, --after 0 for all deliveries, or --follow"),
        (("--follow", "--status", "dead"), "--follow goes on with what arrives: it takes no GUID"),
        (("--follow", "--until", "2026-05-01"), "--follow goes on with what arrives"),
        (("--to", "file:///etc/passwd", "--after", "0"), "a URL must begin with http:// or https://"),
        (("--to", "http://me:pass@host/", "--after", "0"), "a URL must hold no user and no password"),
        (("--event", " "), "argument --event: blank, or not printable"),
        (("--after", "0", "--secret", ""), "argument --secret: blank, or not printable"),
        (("4a1f3c52-0000-4000-8000-000000000000",), "not stored: 4a1f3c52-0000-4000-8000-000000000000"),
    ],
)
def test_a_wrong_command_line_is_a_clear_error(arguments: tuple[str, ...], told: str, target: Target) -> None:
    with pytest.raises(CommandError, match=re.escape(told)):
        forward(target, *arguments)


def test_a_refusal_is_reported_and_the_next_is_sent(target: Target) -> None:
    kept()
    kept()
    target.answer(403, b"no")
    with pytest.raises(CommandError, match="1 of 2 not accepted by http://"):
        forward(target, "--after", "0")
    assert len(target.received) == 2


def test_a_damaged_body_is_reported_and_the_next_is_sent(target: Target) -> None:
    rows = [kept(), kept()]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE receiver_delivery SET body = %s WHERE id = %s", [b"no frame", rows[0].pk])
    output, errors = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError, match="1 of 2 not accepted"):
        call_command(
            "forward", "--to", target.url, "--secret", SECRET, "--after", "0", stdout=output, stderr=errors
        )
    assert f"id {rows[0].pk}: the stored body cannot be read" in errors.getvalue()
    assert target.guids == [str(rows[1].guid)]


def test_a_redirect_is_an_answer_and_nobody_follows_it(target: Target) -> None:
    kept()
    elsewhere = Target()
    with serving(elsewhere):
        target.answer(307, Location=elsewhere.url)
        with pytest.raises(CommandError, match="1 of 1 not accepted"):
            forward(target, "--after", "0")
    assert elsewhere.received == []


@pytest.mark.usefixtures("quick")
def test_a_target_that_is_away_is_tried_again_and_gets_each_once_in_order(target: Target) -> None:
    rows = [kept(), kept()]
    target.answer(503)
    target.answer(429, Retry_After="0")
    target.answer(500)
    _, errors = forward(target, "--after", "0")
    assert target.guids == [str(rows[0].guid)] * 4 + [str(rows[1].guid)]
    assert re.search(rf"push {rows[0].guid} 503; again in \d+\.\d s", errors)
    assert errors.endswith("2 forwarded\n")


@pytest.mark.usefixtures("quick")
def test_a_delivery_that_the_target_cannot_process_is_given_up_and_the_next_is_sent(target: Target) -> None:
    rows = [kept(), kept()]
    for _ in range(4):
        target.answer(500)
    with pytest.raises(CommandError, match="1 of 2 not accepted"):
        forward(target, "--after", "0")
    assert target.guids == [str(rows[0].guid)] * 4 + [str(rows[1].guid)]


@pytest.mark.usefixtures("quick")
def test_a_target_that_stays_away_ends_it_with_the_id_to_resume_at(target: Target) -> None:
    rows = [kept(), kept(), kept()]
    target.answer(200)
    for _ in range(8):
        target.answer(503)
    with pytest.raises(CommandError) as stopped:
        forward(target, "--after", "0")
    told = (
        f"the target is away: 503; 1 forwarded; to continue, repeat the arguments with --after {rows[0].pk}"
    )
    assert str(stopped.value) == told
    target.received.clear()
    forward(target, "--after", str(rows[0].pk))
    assert target.guids == [str(row.guid) for row in rows[1:]]


def test_a_rate_spaces_the_deliveries(target: Target) -> None:
    for _ in range(3):
        kept()
    begun = time.monotonic()
    forward(target, "--after", "0", "--rate", "10")
    assert time.monotonic() - begun > 0.2
    assert len(target.received) == 3


def test_a_recorded_delivery_is_a_file_for_send_and_for_the_tests(
    target: Target, tmp_path: Path, settings: Settings
) -> None:
    row = kept("issues__opened", action="opened")
    form = github.sample("push__branch", form=True)
    posted = kept(body=form.body, content_type=form.headers["Content-Type"])
    forward(target, "--after", "0", "--record", str(tmp_path / "new" / "folder"))
    folder = tmp_path / "new" / "folder"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"issues__opened_{row.pk}.json", f"push__{posted.pk}.json",
    ]  # fmt: skip
    event, path = samples.sample(f"issues__opened_{row.pk}", folder)
    assert (event, path.read_bytes(), path.stat().st_mode & 0o777) == ("issues", row.body, 0o600)
    settings.WEBHOOK_SECRETS = {"": (b"another secret",)}
    target.received.clear()
    call_command("send", "push", "--file", str(folder / f"push__{posted.pk}.json"), "--url", target.url)
    assert target.received[0].body == github.sample("push__branch").body


def test_no_text_of_a_sender_leads_a_recorded_file_elsewhere(target: Target, tmp_path: Path) -> None:
    row = kept(event="../../push", action="../../Over/\n\x1b[31m")
    forward(target, "--after", "0", "--record", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [f"push__over_31m_{row.pk}.json"]


def test_a_recorded_file_never_replaces_another_payload(target: Target, tmp_path: Path) -> None:
    row = kept()
    (tmp_path / f"push__{row.pk}.json").write_bytes(b"mine")
    with pytest.raises(CommandError, match="holds another payload"):
        forward(target, "--after", "0", "--record", str(tmp_path))
    assert target.received == []


def test_a_stored_header_that_http_does_not_allow_is_left_out(target: Target) -> None:
    headers = {
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Enterprise-Host": "evil\r\nX-Injected: 1",
        "X-GitHub-Event": "issues",
        "Authorization": "Bearer of another server",
    }
    kept(headers=headers, hook_id=0)
    forward(target, "--after", "0")
    names = {name for name, _ in target.received[0].headers}
    assert names == {
        "Host", "Content-Length", "Accept", "Content-Type", "User-Agent", "X-GitHub-Delivery",
        "X-GitHub-Event", "X-Hub-Signature", "X-Hub-Signature-256",
    }  # fmt: skip
    assert target.received[0]["X-GitHub-Event"] == "push"


def test_follow_begins_with_what_arrives_and_outlives_a_target_that_is_away(
    database_url: str, tmp_path: Path
) -> None:
    before = kept()
    target, log, port = Target(), tmp_path / "forward.log", processes.free_port()
    command = (
        f"{sys.executable} manage.py forward --follow --to http://127.0.0.1:{port}/hooks --secret whatever"
    )
    with processes.running(command, log, DATABASE_URL=database_url) as running:
        processes.wait_until(lambda: f"following after id {before.pk}" in log.read_text(), "it follows")
        first = kept()
        processes.wait_until(lambda: "not reached" in log.read_text(), "the target is away")
        with serving(target, port):
            processes.wait_until(lambda: str(first.guid) in target.guids, "the first is sent")
            second = kept()
            done = f"id {second.pk}\n"
            processes.wait_until(lambda: done in log.read_text(), "the second is sent")
        running.send_signal(signal.SIGINT)
        assert running.wait(processes.STOPS_WITHIN) == 130
    assert f"to continue, repeat the arguments with --after {second.pk}" in log.read_text()
    assert "HTTP Request" not in log.read_text()
    assert target.guids == [str(first.guid), str(second.guid)]


def test_a_second_ctrl_c_ends_it_at_once_without_a_traceback(database_url: str, tmp_path: Path) -> None:
    kept()
    log = tmp_path / "forward.log"
    # It accepts connections and never answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        command = f"{sys.executable} manage.py forward --after 0 --to {url} --secret whatever"
        with processes.running(command, log, DATABASE_URL=database_url) as running:
            accepted, _ = silent.accept()
            with accepted:
                assert accepted.recv(1)
                running.send_signal(signal.SIGINT)
                time.sleep(0.3)  # two signals that are pending together are one
                running.send_signal(signal.SIGINT)
                assert running.wait(30) == 130
    assert "Traceback" not in log.read_text()
    assert "stopped" in log.read_text()
