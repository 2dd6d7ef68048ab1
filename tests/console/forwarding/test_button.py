"""The console's button: only an operator, only to the URLs of the setting, and never further."""

import pytest
from django.db import connection

from tests import github
from tests.console.conftest import FORWARD_SECRET, Console
from tests.console.forwarding.targets import Target, serving
from tests.console.kept import kept

# What it reads, other pages read on both.
pytestmark = pytest.mark.full("postgresql")

METADATA = "http://169.254.169.254/latest/"


@pytest.fixture
def target(allowed_target: Target) -> Target:
    allowed_target.received.clear()
    allowed_target.answers.clear()
    return allowed_target


def test_an_operator_forwards_a_delivery_and_sees_the_answer(console: Console, target: Target) -> None:
    row = kept()
    assert f"<option>{target.url}</option>" in console.operator.get(f"/deliveries/{row.pk}").text
    target.answer(200, b"<b>queued</b>\x1b[31m")
    page = console.operator.post(f"/deliveries/{row.pk}/forward", url=target.url)
    assert page.url.endswith(f"/deliveries/{row.pk}")
    assert f"{target.url} answered 200 in " in page.text
    assert "&lt;b&gt;queued&lt;/b&gt;" in page.text
    assert "\x1b" not in page.text
    [received] = target.received
    assert (received["X-GitHub-Delivery"], received.body) == (str(row.guid), row.body)
    assert received["X-Hub-Signature-256"] == github.signature(received.body, FORWARD_SECRET)


def test_a_viewer_has_no_button_and_is_refused(console: Console, target: Target) -> None:
    row = kept()
    assert target.url not in console.viewer.get(f"/deliveries/{row.pk}").text
    assert console.viewer.post(f"/deliveries/{row.pk}/forward", url=target.url).status == 403
    assert target.received == []


@pytest.mark.parametrize("change", ["/..", "?x", "#x", "@evil.example/", " "])
def test_any_other_url_is_refused(change: str, console: Console, target: Target) -> None:
    row = kept()
    assert console.operator.post(f"/deliveries/{row.pk}/forward", url=target.url + change).status == 403
    assert console.operator.post(f"/deliveries/{row.pk}/forward").status == 403
    assert target.received == []


def test_a_redirect_of_an_allowed_target_leads_nowhere(console: Console, target: Target) -> None:
    row, elsewhere = kept(), Target()
    with serving(elsewhere):
        target.answer(307, Location=elsewhere.url)
        page = console.operator.post(f"/deliveries/{row.pk}/forward", url=target.url)
    assert f"{target.url} answered 307 in " in page.text
    assert elsewhere.received == []


def test_a_target_without_an_answer_may_have_taken_the_delivery(console: Console, target: Target) -> None:
    row = kept()
    target.answer(99)  # no status of HTTP
    page = console.operator.post(f"/deliveries/{row.pk}/forward", url=target.url)
    assert f'<p class="error" role="status">Sent to {target.url}, which may have taken it: ' in page.text
    assert len(target.received) == 1


def test_an_allowed_url_that_leads_to_the_metadata_of_a_cloud_is_not_asked(console: Console) -> None:
    row = kept()
    page = console.operator.post(f"/deliveries/{row.pk}/forward", url=METADATA)
    assert "169.254.169.254 leads to an address that is not allowed" in page.text


def test_a_damaged_body_is_not_forwarded_and_the_page_says_so(console: Console, target: Target) -> None:
    row = kept()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE receiver_delivery SET body = %s WHERE id = %s", [b"no frame", row.pk])
    page = console.operator.post(f"/deliveries/{row.pk}/forward", url=target.url)
    assert "Not forwarded: its stored body is damaged" in page.text
    assert target.received == []


def test_a_delivery_that_is_not_stored_is_not_found(console: Console, target: Target) -> None:
    assert console.operator.post("/deliveries/999999/forward", url=target.url).status == 404
