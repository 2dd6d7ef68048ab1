"""Access to the console: sign-in, roles, and the end of sessions."""

import re
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.management import call_command

from ledger import operations
from ledger.models import Kind
from records.models import Repository
from tests import processes, servers
from tests.console.conftest import Console
from tests.console.kept import kept
from tests.console.visitors import CSRF_COOKIE, KEY, PASSWORD, SESSION_COOKIE, Visitor, words
from tests.processes import ROOT
from tests.receiver import raw

pytestmark = pytest.mark.once

PAGES = [
    "/", "/deliveries", "/deliveries/1", "/deliveries/1/body", "/search", "/operations", "/operations/1",
    "/repositories", "/repositories/1", "/repositories/1/pulls/1", "/rejections", "/recovery", "/unmatched",
    "/api/v1/docs", "/doctor", "/admin/", "/admin/auth/user/",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_without_signing_in_a_page_leads_to_the_form_and_shows_nothing(page: str, console: Console) -> None:
    answer = console.stranger().get(page)
    assert answer.url == f"{console.url}/sign-in?next={quote(page)}"
    assert '<input id="password"' in answer.text
    assert 'aria-label="Pages"' not in answer.text


def test_browsers_find_the_icon_without_signing_in(console: Console) -> None:
    answer = console.stranger().get("/favicon.ico")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"


def test_after_signing_in_the_page_that_was_asked_for_is_shown(console: Console) -> None:
    visitor = console.stranger()
    visitor.get("/sign-in")
    answer = visitor.post(
        "/sign-in", name="someone", password="long enough for the tests", next="/deliveries?event=push"
    )
    assert answer.url == f"{console.url}/deliveries?event=push"
    assert "someone (viewer)" in answer.text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_signing_in_never_leads_to_another_site(elsewhere: str, console: Console) -> None:
    page = console.stranger().get(f"/sign-in?next={quote(elsewhere)}")
    assert '<input type="hidden" name="next" value="/">' in page.text


def test_a_form_that_is_sent_after_the_session_leads_back_to_its_page(console: Console) -> None:
    visitor = console.stranger()
    visitor.get("/sign-in")
    page = "/deliveries?status=dead&event=push"
    answer = visitor.post("/deliveries/replay", referer=f"{console.url}{page}", id=1)
    assert answer.url == f"{console.url}/sign-in?next={quote(page, safe='/')}"
    assert "Nothing was done, as your session had ended." in words(answer.text)
    paths = ("https://evil.example/deliveries", "", f"{console.url}:81/x", "http://[", "x")
    for elsewhere in (*paths, f"{console.url}//evil.example/x"):
        answer = visitor.post("/deliveries/replay", referer=elsewhere, id=1)
        assert answer.url == f"{console.url}/sign-in?next=/deliveries/replay"


def test_a_wrong_password_says_neither_which_part_was_wrong_nor_lets_in(console: Console) -> None:
    answers = [console.stranger().sign_in(name, "wrong") for name in ("someone", "nobody", "\0", "x" * 9999)]
    assert [answer.status for answer in answers] == [403] * 4
    assert all("Name and password do not match." in answer.text for answer in answers)


def test_a_change_without_the_proof_against_csrf_is_refused(console: Console) -> None:
    visitor = console.stranger()
    visitor.get("/sign-in")
    answer = visitor.post("/sign-in", csrf=False, name="someone", password="long enough for the tests")
    assert answer.status == 403
    assert visitor.cookie(SESSION_COOKIE) == ""


def test_a_form_that_another_tab_made_old_leads_to_its_page(console: Console) -> None:
    visitor = console.stranger()
    visitor.sign_in("someone")
    page = "/sign-in?next=/operations"
    answer = visitor.post("/sign-in", csrf=False, referer=f"{console.url}{page}")
    assert f'<a href="{page}">Open its page</a>, and send it again.' in answer.text
    assert visitor.get(page).url == f"{console.url}/operations"


def test_signing_out_ends_the_session_on_the_server(console: Console) -> None:
    visitor = console.stranger()
    visitor.sign_in("someone")
    before = visitor.cookie(SESSION_COOKIE)
    assert visitor.post("/sign-out").url == f"{console.url}/sign-in"
    again = console.stranger()
    assert again.get("/deliveries", Cookie=f"{SESSION_COOKIE}={before}").url.startswith(
        f"{console.url}/sign-in"
    )


def test_a_session_ends_twelve_hours_after_signing_in(console: Console) -> None:
    visitor = console.stranger()
    answer = visitor.sign_in("someone")
    assert answer.status == 200
    [session] = [cookie for cookie in visitor.cookies if cookie.name == SESSION_COOKIE]
    expires = session.expires
    visitor.get("/deliveries")
    [later] = [cookie for cookie in visitor.cookies if cookie.name == SESSION_COOKIE]
    assert later.expires == expires
    assert session.has_nonstandard_attr("HttpOnly")


def test_a_form_sent_after_the_end_of_the_session_leads_to_a_page_and_does_nothing(console: Console) -> None:
    row = kept(status="dead")
    visitor = console.stranger()
    visitor.get("/sign-in")
    form = visitor.post("/deliveries/replay", id=row.pk)
    assert form.url == f"{console.url}/sign-in?next=/deliveries/replay"
    answer = visitor.post(form.url.removeprefix(console.url), name="operator", password=PASSWORD)
    assert (answer.status, answer.url) == (200, f"{console.url}/deliveries")
    assert "Nothing was done. Send the form again." in answer.text
    row.refresh_from_db()
    assert row.status == "dead"


def test_the_address_of_every_form_leads_to_the_page_with_the_form(console: Console) -> None:
    row = kept()
    operation = operations.create(Kind.REPLAY, {"ids": [row.pk]}, "ada", worker="w:1")
    repository = Repository.objects.create(server="github.com", github_id=1296269, full_name="octo/cat")
    for form, page in {
        f"/deliveries/{row.pk}/forward": f"/deliveries/{row.pk}",
        f"/operations/{operation.pk}/cancel": f"/operations/{operation.pk}",
        f"/operations/{operation.pk}/resume": f"/operations/{operation.pk}",
        f"/repositories/{repository.pk}/sync": f"/repositories/{repository.pk}",
        "/sign-out": "/",
    }.items():
        assert console.operator.get(form).url == console.url + page


def test_a_part_that_htmx_fetches_after_the_end_of_a_session_reloads_the_page(console: Console) -> None:
    visitor = console.stranger()
    answer = visitor.get("/deliveries", HX_Request="true")
    assert answer.headers["HX-Refresh"] == "true"
    assert "Your session has ended." in visitor.get("/deliveries").text
    assert "Your session has ended." not in visitor.get("/deliveries").text
    assert answer.body == b""


def test_the_eleventh_wrong_password_for_a_name_is_not_even_tried(console: Console) -> None:
    # The addresses differ, as behind a proxy that uvicorn trusts.
    for number in range(10):
        visitor = console.stranger()
        visitor.get("/sign-in")
        visitor._opener.addheaders = [("X-Forwarded-For", f"192.0.2.{number}")]
        assert visitor.sign_in("no such name", "wrong").status == 403
    throttled = console.stranger().sign_in("no such name", "wrong")
    assert throttled.status == 429
    assert throttled.headers["Retry-After"] == "900"
    assert "Too many attempts" in throttled.text


def test_the_foot_of_a_page_names_the_version_to_those_who_signed_in(console: Console) -> None:
    assert f"Hookkeeper {settings.VERSION}</footer>" in console.viewer.get("/").text
    assert settings.VERSION not in console.stranger().get("/sign-in").text


def test_a_viewer_and_an_operator_get_no_accounts_page_and_an_admin_does(console: Console) -> None:
    assert console.viewer.get("/admin/auth/user/").status == 403
    assert console.operator.get("/admin/auth/user/").status == 403
    page = console.admin.get("/admin/auth/user/")
    assert page.status == 200
    assert "viewer" in page.text


def test_every_answer_forbids_foreign_and_inline_code_embedding_and_sniffing(console: Console) -> None:
    for answer in (
        console.stranger().get("/sign-in"),
        console.viewer.get("/deliveries"),
        console.viewer.get("/nowhere"),
    ):
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store, private"


@pytest.mark.parametrize("path", ["/", "/sign-in", "/metrics", "/api/v1/deliveries", "/nowhere"])
def test_an_answer_to_http_1_0_is_not_chunked(path: str, console: Console) -> None:
    told = raw.read_last(console.url, [f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode()])
    head, _, body = told.lower().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert f"\r\ncontent-length: {len(body)}".encode() in head


def test_cookies_are_secure_where_a_proxy_ends_tls(console: Console) -> None:
    answer = console.stranger().get("/sign-in", X_Forwarded_Proto="https")
    cookies = answer.headers.get_all("Set-Cookie") or []
    assert [cookie.partition("=")[0] for cookie in cookies] == [CSRF_COOKIE]
    assert "; Secure" in cookies[0]


def test_a_header_signs_nobody_in_unless_it_is_set(console: Console) -> None:
    answer = console.stranger().get("/deliveries", X_Forwarded_User="admin", Remote_User="admin")
    assert answer.url.startswith(f"{console.url}/sign-in")


def test_a_proxy_that_signs_in_makes_a_viewer_and_ends_the_session_with_its_header(
    other_console_url: str,
) -> None:
    visitor = Visitor(other_console_url)
    assert "ada (viewer)" in visitor.get("/deliveries", X_Forwarded_User="ada").text
    assert "admin (admin)" in visitor.get("/deliveries", X_Forwarded_User="admin").text
    assert visitor.get("/deliveries").url.startswith(f"{other_console_url}/sign-in")


def test_the_link_of_make_run_signs_in_once_and_from_this_machine_alone(console: Console) -> None:
    path = servers.folder / "console-link"
    path.write_text("a token\n")
    assert console.stranger().get("/sign-in/another").status == 403
    elsewhere = console.stranger().get("/sign-in/a%20token", Host="hooks.example.org")
    assert (elsewhere.status, "<code>ALLOWED_HOSTS</code>" in elsewhere.text) == (400, True)
    assert console.stranger().get("/sign-in/a%20token", X_Forwarded_For="192.0.2.1").status == 403
    # A program that only looks at the link does not use it up.
    with pytest.raises(urllib.error.HTTPError, match="405"):
        urllib.request.urlopen(urllib.request.Request(f"{console.url}/sign-in/a%20token", method="HEAD"))
    visitor = console.stranger()
    assert "local (admin)" in visitor.get("/sign-in/a%20token").text
    assert not path.exists()
    assert "<code>manage.py sign_in_link</code>" in console.stranger().get("/sign-in").text
    assert "sign_in_link" not in console.stranger().get("/sign-in", X_Forwarded_For="192.0.2.1").text
    again = console.stranger().get("/sign-in/a%20token")
    assert (again.status, "<code>manage.py sign_in_link</code>" in again.text) == (403, True)
    assert "local (admin)" in visitor.get("/sign-in/a%20token").text


def test_a_command_makes_a_new_link_and_the_one_before_ends(
    console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        call_command("sign_in_link")
    first, second = (line.rpartition("/")[2] for line in capsys.readouterr().out.split())
    assert (servers.folder / "console-link").stat().st_mode & 0o777 == 0o600
    assert console.stranger().get(f"/sign-in/{first}").status == 403
    assert "local (admin)" in console.stranger().get(f"/sign-in/{second}").text


@pytest.mark.parametrize(("key", "said"), [("", "SECRET_KEY is not set"), ("too short", "32 characters")])
def test_the_console_does_not_start_without_a_good_key(key: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import console.asgi"], cwd=ROOT, capture_output=True, text=True, check=False,
        env=processes.environment(SECRET_KEY=key),
    )  # fmt: skip
    assert done.returncode == 1
    assert re.fullmatch(rf"hookkeeper: .*{said}.*\n", done.stderr)


def test_a_key_from_a_file_is_taken() -> None:
    code = "from console import settings; print(len(settings.SECRET_KEY))"
    key = servers.folder / "key"
    key.write_text(f"{KEY}\n")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False,
        env=processes.environment(SECRET_KEY_FILE=str(key)),
    )  # fmt: skip
    assert done.stdout == f"{len(KEY)}\n"


def test_the_mode_of_a_generated_file_is_private(tmp_path: Path) -> None:
    from configuration import data_folder  # noqa: PLC0415

    token = data_folder.new_link(tmp_path)
    assert len(token) == 64
    assert stat.S_IMODE((tmp_path / "console-link").stat().st_mode) == 0o600
    assert data_folder.new_link(tmp_path) != token
