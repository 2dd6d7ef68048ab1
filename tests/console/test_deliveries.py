"""The list of deliveries is newest first, filtered by its URL, and refreshed in place."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from receiver.models import HandlerRun, Outcome, Status, Trigger
from records.models import Commit, Repository
from tests.console.conftest import Console
from tests.console.kept import kept
from tests.console.visitors import Answer, words


def rows(answer: Answer) -> list[int]:
    assert answer.status == 200
    return [int(number) for number in re.findall(r'id="delivery-(\d+)"', answer.text)]


def link(answer: Answer, name: str) -> str:
    match = re.search(rf'href="([^"]+)"[^>]*>{name}</a>', answer.text)
    assert match, name
    return match[1].replace("&amp;", "&")


def test_a_row_shows_the_delivery_and_its_status(console: Console) -> None:
    row = kept("issues__opened", action="opened", number=12, status=Status.SUCCEEDED, attempts=2)
    for outcome in (Outcome.FAILED, Outcome.SUCCEEDED):
        HandlerRun.objects.create(
            delivery=row, handler="issues.record", attempt=1, trigger=Trigger.DELIVERY, outcome=outcome,
            started_at=timezone.now(), duration=0.02,
        )  # fmt: skip
    text = re.sub(r"<[^>]+>", " ", console.viewer.get("/deliveries").text)
    assert re.search(
        r"0 s ago\s+issues \. opened\s+octo/cat #12\s+ada\s+succeeded\s+2\s+40 ms\s+7\s",
        " ".join(text.split()),
    )


def test_a_row_says_why_a_delivery_failed(console: Console) -> None:
    kept(error="push.announce: <b>OSError</b>: no route\u202e" + "x" * 1000, status=Status.DEAD)
    text = console.viewer.get("/deliveries").text
    line = re.findall('<tr class="why">.*<td colspan="8"[^>]*>([^<]*)', text)
    assert [said[:58] for said in line] == ["push.announce: &lt;b&gt;OSError&lt;/b&gt;: no route"], (
        "a column would cut it off"
    )
    assert "x" * 301 not in text
    assert "\u202e" not in text


def test_an_overlong_name_is_cut_in_a_row_and_whole_in_its_link(
    console: Console,
) -> None:
    kept("star__created", **dict.fromkeys(("repository", "sender", "action"), "W" * 255))
    page = console.viewer.get("/deliveries").text
    assert page.count("=" + "W" * 255) == 3
    assert "W" * 151 not in words(page)


def test_a_list_without_rows_leads_on(console: Console) -> None:
    assert '<a href="/">How to begin</a>' in console.viewer.get("/deliveries").text
    assert '<a href="/deliveries">Remove all filters</a>' in console.viewer.get("/deliveries?event=push").text


def test_the_url_names_only_what_was_chosen(console: Console) -> None:
    kept()
    form = "status=&event=push&action=&repository=%20&number=&before="
    assert console.viewer.get(f"/deliveries?{form}").url == f"{console.url}/deliveries?event=push"
    assert console.viewer.get("/deliveries?event=&since=").url == f"{console.url}/deliveries"


def test_a_replay_leads_back_to_the_page_of_the_list_that_it_was_on(console: Console) -> None:
    for number in range(60):
        kept(received_at=timezone.now() - timedelta(seconds=number))
    first = console.operator.get("/deliveries?event=push")
    second = console.operator.get(link(first, "Older"))
    for page in (first, second):
        [back] = re.findall('name="next" value="([^"]+)"', page.text)
        answer = console.operator.post(
            "/deliveries/replay", id=rows(page)[0], next=back.replace("&amp;", "&")
        )
        assert answer.url == page.url


def test_a_search_without_a_result_says_where_else_to_look(console: Console) -> None:
    assert "were looked for in errors" in console.viewer.get("/search?q=ada-quay").text
    assert "were looked for in errors" not in console.viewer.get("/deliveries?event=push").text
    for number, name in enumerate(("octo/cat", "cat/tree", "octo/category")):
        Repository.objects.create(server="github.com", github_id=number, full_name=name)
    # Saved views that another test left may have the filter, too.
    offered = console.viewer.get("/search?q=Cat").text.partition("Repositories: ")[2]
    assert re.findall(r"\?repository=([^\"]+)", offered) == ["cat%2Ftree", "octo%2Fcat"]
    hook = console.viewer.get("/search?q=4701").text
    assert '<a href="/deliveries?hook=4701">a hook</a>' in hook
    Repository.objects.filter(full_name="octo/cat").update(previous_full_name="octo/kitten")
    renamed = console.viewer.get("/search?q=OCTO/cat%2312").text.partition("before a rename")[2]
    assert 'href="/deliveries?repository=octo%2Fkitten&amp;number=12"' in renamed
    sha = console.viewer.get("/search?q=470100900").text
    assert 'href="/deliveries?error=470100900"' in sha, "a number looks like the begin of a hash"
    assert 'href="/deliveries?hook=470100900"' in sha
    assert "hook=" not in console.viewer.get("/search?q=abcdef1").text


def test_pages_lead_to_older_deliveries_and_back(console: Console) -> None:
    ids = [kept(received_at=timezone.now() - timedelta(seconds=number)).pk for number in range(60)]
    first = console.viewer.get("/deliveries?event=push")
    assert rows(first) == ids[:50]
    second = console.viewer.get(link(first, "Older"))
    assert rows(second) == ids[50:]
    assert rows(console.viewer.get(link(second, "Newer"))) == ids[:50]
    assert "60 found" in first.text


def test_without_a_filter_nothing_is_counted(console: Console) -> None:
    kept()
    assert " found" not in re.sub(r"<[^>]+>", "", console.viewer.get("/deliveries").text)


def test_a_filter_is_a_chip_that_removes_it(console: Console) -> None:
    dead = kept(status=Status.DEAD)
    kept()
    answer = console.viewer.get("/deliveries?status=dead&event=push")
    assert rows(answer) == [dead.pk]
    assert '<a class="chip" href="/deliveries?event=push"' in answer.text
    assert "<option selected>dead</option>" in answer.text


def test_a_wrong_filter_is_an_error_and_shows_nothing(console: Console) -> None:
    kept()
    answer = console.viewer.get("/deliveries?since=yesterday")
    assert answer.status == 400
    assert "since must be a time" in answer.text
    assert "delivery-" not in answer.text


def test_a_refresh_keeps_its_rows_shows_their_status_and_announces_new_ones(console: Console) -> None:
    old = kept()
    refresh = re.search(r'hx-get="([^"]+)"', console.viewer.get("/deliveries").text)
    assert refresh
    type(old).objects.update(status=Status.SUCCEEDED)
    kept()
    part = console.viewer.get(refresh[1].replace("&amp;", "&"), HX_Request="true")
    assert rows(part) == [old.pk]
    assert "<html" not in part.text
    assert '<a class="status succeeded"' in part.text
    assert "1 new delivery: show" in part.text


@pytest.mark.parametrize("column", ["repository", "sender", "action", "event", "source"])
def test_hostile_text_is_shown_and_does_nothing(column: str, console: Console) -> None:
    kept(**{column: '<script>alert(1)</script>"\u202e'})
    for page in ("/deliveries", "/deliveries?sender=%3Cscript%3E%22%E2%80%AE"):
        text = console.viewer.get(page).text
        assert "<script>alert" not in text
        assert "\u202e" not in text


def test_only_operators_can_select(console: Console) -> None:
    kept()
    assert 'type="checkbox"' not in console.viewer.get("/deliveries").text
    assert 'type="checkbox"' in console.operator.get("/deliveries").text


def test_the_beginning_of_a_guid_as_the_list_shows_it_leads_to_its_delivery(console: Console) -> None:
    one = kept(guid="2a1ff3be-9364-4709-85d3-bc412eb041a3")
    kept(guid="2a1ff3bf-0000-4709-85d3-bc412eb041a3")
    search = console.viewer.get
    for text in ("2a1ff3be", "2A1FF3BE9364470985D3BC412EB041A3", "2a1ff3be-", "2A1FF3BE-9364-47"):
        assert search(f"/search?q={text}").url == f"{console.url}/deliveries/{one.pk}"
    both = search("/search?q=2a1ff3b").text
    assert "Deliveries whose GUID begins with 2a1ff3b" in words(both)
    assert "No recorded commit" not in both
    assert both.count('<a href="/deliveries/') == 2
    repository = Repository.objects.create(github_id=1, full_name="octo/cat")
    Commit.objects.create(repository=repository, sha="2a1ff3be" + "0" * 32, message="Mend it")
    told = words(search("/search?q=2a1ff3be").text)
    assert "Mend it" in told
    assert "2a1ff3be-9364-4709-85d3-bc412eb041a3" in told


def test_searching_leads_to_what_was_named(console: Console) -> None:
    one = kept()
    search = console.viewer.get
    assert search(f"/search?q={one.guid}").url == f"{console.url}/deliveries/{one.pk}"
    kept(guid=one.guid, hook_id=8)
    assert search(f"/search?q={one.guid}").url == f"{console.url}/deliveries?guid={one.guid}"
    assert (
        search("/search?q=octo/cat%2312").url == f"{console.url}/deliveries?repository=octo%2Fcat&number=12"
    )
    assert search("/search?q=no+route").url == f"{console.url}/deliveries?error=no+route"
    assert '<a href="/deliveries?sender=ada%26co">a sender</a>' in search("/search?q=ada%26co").text
    assert search("/search?q=").url == f"{console.url}/deliveries"
    assert search("/search?q=%00").url == f"{console.url}/deliveries"
    assert "error must be at most 1000 characters" in search(f"/search?q={'x' * 20_000}").text
    assert "No recorded commit begins so" in search("/search?q=abc1234").text
    unknown = search("/search?q=11111111-2222-3333-4444-555555555555").text
    assert 'refused, see <a href="/rejections">' in unknown
    assert 'did not arrive, see <a href="/recovery">' in unknown
