"""The page of a delivery: its history, payload and bytes, and how to send it again."""

import json
import shutil
import subprocess
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from redis import Redis

from console import shell_lines
from ledger.models import Operation, Replay
from receiver.models import Delivery, HandlerRun, Outcome, Status, Trigger
from records.models import Commit, Issue, Repository
from tests import github, servers
from tests.console.conftest import Console
from tests.console.kept import kept
from tests.console.visitors import words

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\u202egpj\0"


def ran(delivery: Delivery, outcome: Outcome, **changes: object) -> HandlerRun:
    fields = {
        "delivery": delivery, "handler": "push.record", "attempt": 1, "trigger": Trigger.DELIVERY,
        "outcome": outcome, "started_at": timezone.now(), "duration": 0.25,
    }  # fmt: skip
    return HandlerRun.objects.create(**{**fields, **changes})


@pytest.mark.once
def test_the_history_shows_each_step_in_order(console: Console) -> None:
    begin = timezone.now() - timedelta(minutes=10)
    row = kept(
        received_at=begin, status=Status.SUCCEEDED, attempts=2, worker="web-1:4711", redeliveries=2,
        secret_position=1, finished_at=begin, address="192.0.2.7",
        redelivered_at=[(begin + timedelta(seconds=30)).replace(tzinfo=None).isoformat()],
    )  # fmt: skip
    ran(row, Outcome.FAILED, started_at=begin, error="OSError: no route", traceback="Traceback: here")
    ran(row, Outcome.SUCCEEDED, started_at=begin + timedelta(minutes=1), attempt=2, trigger=Trigger.RETRY)
    operation = Operation.objects.create(kind="replay", requested_by="ada", created_at=begin)
    for by, named in (("ada", operation), ("grace@desk", None)):
        Replay.objects.create(delivery=row, operation=named, by=by, at=begin + timedelta(minutes=2))
    told = words(console.viewer.get(f"/deliveries/{row.pk}").text)
    steps = [
        "Received 10 min ago signed with secret 2 of /webhooks/github, from 192.0.2.7",
        "push.record failed 250 ms 10 min ago attempt 1, because of its delivery OSError: no route Traceback",
        "GitHub sent it again 10 min ago the same GUID, hook and body",
        "push.record succeeded 250 ms 9 min ago attempt 2, because of an earlier failure",
        f"Replayed by ada 8 min ago operation {operation.pk}",
        "Replayed by grace@desk 8 min ago in the foreground",
        "GitHub sent it again once more",
        "Settled succeeded 10 min ago after 2 attempts, by web-1:4711",
    ]
    assert f'<a href="/operations/{operation.pk}">' in console.viewer.get(f"/deliveries/{row.pk}").text
    places = [told.find(step) for step in steps]
    assert -1 not in places, (steps, told)
    assert places == sorted(places)


def test_a_delivery_leads_to_the_others_of_its_repository_and_source(console: Console) -> None:
    row = kept(
        repository="acme/a b&c", source="org", body=None, status=Status.DEAD, finished_at=timezone.now()
    )
    page = console.viewer.get(f"/deliveries/{row.pk}").text
    for link in ("/deliveries?repository=acme%2Fa%20b%26c", "/deliveries?source=org"):
        assert f'href="{link}"' in page
        assert f'data-row="/deliveries/{row.pk}"' in console.viewer.get(link).text


@pytest.mark.once
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": Status.RECEIVED}, "Waits for a worker"),
        ({"status": Status.PROCESSING, "worker": "w:1", "lease_expires_at": timezone.now()}, "held by w:1"),
        ({"status": Status.RETRYING, "attempts": 1, "next_attempt_at": timezone.now()}, "Attempt 2 retrying"),
    ],
)
def test_the_next_step_is_shown_and_refreshed(changes: dict[str, Any], said: str, console: Console) -> None:
    row = kept(**changes)
    page = console.viewer.get(f"/deliveries/{row.pk}")
    assert said in words(page.text)
    assert f'hx-get="/deliveries/{row.pk}"' in page.text
    part = console.viewer.get(f"/deliveries/{row.pk}", HX_Request="true")
    assert part.text.startswith('<section id="story"')
    Delivery.objects.update(status=Status.SUCCEEDED, finished_at=timezone.now())
    assert "What it wrote" not in part.text
    Repository.objects.create(server="github.example", github_id=1296269, full_name="octo/cat")
    last = console.viewer.get(f"/deliveries/{row.pk}", HX_Request="true").text
    assert '<section id="wrote" aria-label="What it wrote" hx-swap-oob="true">' in last
    assert ">octo/cat</a>" in last
    assert "hx-get" not in console.viewer.get(f"/deliveries/{row.pk}", HX_Request="true").text


@pytest.mark.once
def test_the_bytes_are_sent_exactly_and_only_to_be_saved(console: Console) -> None:
    row = kept("push__text_not_storable")
    answer = console.viewer.get(f"/deliveries/{row.pk}/body")
    assert answer.body == github.sample("push__text_not_storable").body
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{row.guid}.body"'
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


def test_hostile_text_of_every_part_is_shown_and_does_nothing(console: Console) -> None:
    text = HOSTILE.replace("\0", "")
    body = (
        '{"' + HOSTILE.replace("\0", "\\u0000") + '": "' + HOSTILE.replace("\0", "\\u0000") + '"}'
    ).encode()
    row = kept(
        body=body, event=text[:60], action=text, repository=text, sender=text, source=text[:60], error=text,
        headers={text: text}, content_type="application/json", status=Status.DEAD, worker=text,
    )  # fmt: skip
    ran(row, Outcome.FAILED, handler=text, error=text, traceback=text)
    page = console.viewer.get(f"/deliveries/{row.pk}")
    assert page.status == 200
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert "\u202e" not in page.text
    assert page.text.count(">U+202E</span>") >= 10
    assert "\0" not in page.text


@pytest.mark.once
def test_of_a_large_payload_the_first_256_kb_are_shown(console: Console) -> None:
    body = b'{"text": "' + b"x" * 25 * 1024 * 1024 + b'"}'
    row = kept(body=body)
    page = console.viewer.get(f"/deliveries/{row.pk}")
    assert "The first 256 KB are shown." in page.text
    assert 256 * 1024 < len(page.body) < 300 * 1024
    assert console.viewer.get(f"/deliveries/{row.pk}/body").body == body


def test_others_of_the_same_guid_and_the_same_pull_request_are_linked(console: Console) -> None:
    row = kept(number=12)
    kept(guid=row.guid, hook_id=8)
    kept(number=12)
    kept(number=12)
    told = words(console.viewer.get(f"/deliveries/{row.pk}").text)
    assert "1 other delivery of the same GUID, to other hooks" in told
    assert "2 other deliveries about octo/cat#12" in told


def test_what_it_wrote_is_linked(console: Console) -> None:
    repository = Repository.objects.create(server="github.example", github_id=1296269, full_name="octo/cat")
    issue = Issue.objects.create(
        repository=repository, number=12, title="It <leaks>", updated_at=timezone.now()
    )
    sample = json.loads(github.sample("push__branch").body)
    commit = Commit.objects.create(repository=repository, sha=sample["commits"][0]["id"], message="m")
    sample["commits"] += [{"id": "\0"}, {"id": "\ud800"}]
    rows = [kept(number=12), kept(body=json.dumps(sample).encode())]
    pages = [console.viewer.get(f"/deliveries/{row.pk}").text for row in rows]
    path = f"/repositories/{repository.pk}"
    assert f'<a href="{path}/issues/{issue.number}">#12 It &lt;leaks&gt;</a>' in pages[0]
    assert f'<a href="{path}/commits/{commit.sha}">{commit.sha[:10]}</a>' in pages[1]
    assert all(f'<a href="{path}#pushes">octo/cat</a>' in page for page in pages)


def test_of_a_body_that_cannot_be_read_the_rest_is_shown(console: Console) -> None:
    row = kept(status=Status.DEAD, error="the stored body cannot be read", finished_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("UPDATE receiver_delivery SET body = %s WHERE id = %s", [b"no frame", row.pk])
    page = console.viewer.get(f"/deliveries/{row.pk}")
    assert page.status == 200
    assert "The stored body cannot be decompressed" in page.text
    assert "X-GitHub-Event" in page.text
    assert str(row.guid) in page.text
    assert console.viewer.get(f"/deliveries/{row.pk}/body").status == 404


@pytest.mark.parametrize("number", ["1", "99999999999999999999999"])
@pytest.mark.parametrize("part", ["", "/body"])
def test_a_delivery_that_is_not_kept_is_404(number: str, part: str, console: Console) -> None:
    answer = console.viewer.get(f"/deliveries/{number}{part}")
    assert answer.status == 404
    assert "no longer kept" in answer.text


def test_the_lines_for_manage_py_name_the_downloaded_file_and_the_guid() -> None:
    guid = uuid.uuid4()
    assert shell_lines.send("push", guid) == f".venv/bin/python manage.py send push --file {guid}.body"
    assert shell_lines.send("a b; rm", guid).startswith(".venv/bin/python manage.py send 'a b; rm'")
    assert shell_lines.replay(guid) == f".venv/bin/python manage.py replay --inline {guid}"
    assert shell_lines.send("push", guid, "http://h/webhooks/github/acme").endswith(
        ".body --url http://h/webhooks/github/acme"
    )


def test_a_line_for_manage_py_finds_the_run_of_another_data_folder() -> None:
    assert shell_lines.finding(Path("/app/var"), Path("/app/var")) == ""
    assert shell_lines.finding(Path("/of mine"), Path("/app/var")) == "HOOKKEEPER_DATA='/of mine' "


@pytest.mark.once
@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
@pytest.mark.django_db(transaction=True)
def test_the_line_for_curl_sends_the_same_delivery(receiver_url: str, tmp_path: Path, redis: "Redis") -> None:
    row = kept(
        "push__text_not_storable", headers={"User-Agent": "GitHub-Hookshot/it's", "X-GitHub-Event": "push"}
    )
    (tmp_path / shell_lines.file_name(row.guid)).write_bytes(row.body or b"")
    line = shell_lines.curl(row.headers, row.content_type, row.guid, f"{receiver_url}/webhooks/github")
    done = subprocess.run(
        ["/bin/sh", "-c", f"{line} --silent"], cwd=tmp_path, capture_output=True, text=True, check=True,
        timeout=60, env={"PATH": "/usr/bin:/bin", "SECRET": servers.SECRET},
    )  # fmt: skip
    assert done.stdout == f'{{"guid": "{row.guid}", "status": "accepted"}}'
    assert Delivery.objects.get(hook_id=0).body == row.body
