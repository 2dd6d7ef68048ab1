"""The doctor's page."""

import re

import pytest

from console.doctor import Finding, Status
from console.doctor_page import BUSY, headline
from tests.console.conftest import Console
from tests.console.visitors import words

# The checks themselves run on both.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.full("postgresql")]


def test_operators_see_what_is_wrong_and_what_to_do(console: Console) -> None:
    page = console.operator.get("/doctor")
    assert page.status == 200
    assert "arq worker.WorkerSettings" in page.text
    assert "no ping was sent" in page.text
    wrong = re.findall(r">wrong</span></td><td[^>]*>([^<]+)<", page.text)
    assert wrong
    assert f"Wrong: {', '.join(wrong)}." in words(page.text), "it names what the table shows below"
    assert 'href="/doctor"' in console.operator.get("/").text


@pytest.mark.once
def test_the_headline_names_warnings_and_claims_nothing_unchecked() -> None:
    warning, fine = Finding("disk", Status.WARNING, "10 % free"), Finding("redis", Status.OK, "answers")
    assert headline([warning, fine]) == "Nothing is wrong, but look at: disk."
    assert headline([fine]) == "Nothing is wrong."
    assert headline([BUSY]) == ""


def test_viewers_may_neither_examine_nor_send(console: Console, receiver_url: str) -> None:
    assert console.viewer.get("/doctor").status == 403
    assert console.viewer.post("/doctor", url=receiver_url).status == 403
    assert 'href="/doctor"' not in console.viewer.get("/").text


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/webhooks/github", "http://[fd00:ec2::254]/webhooks/github"]
)
def test_a_page_sends_its_ping_to_no_metadata_service(url: str, console: Console) -> None:
    assert "an address to which a page may not send" in console.operator.post("/doctor", url=url).text


def test_a_ping_goes_to_the_address_of_the_form_and_what_it_says_is_text(
    console: Console, receiver_url: str
) -> None:
    url = "http://127.0.0.1:1/<script>\u202e"
    page = console.operator.post("/doctor", url=url)
    assert "webhook" in page.text
    assert "<script>\u202e" not in page.text
    assert "no ping was sent" in page.text
