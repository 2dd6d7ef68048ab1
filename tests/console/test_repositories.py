"""Repositories, and the records of a pull request, an issue and a commit."""

import re

import pytest
from django.db import connection
from django.utils import timezone

from records.models import Commit, Issue, PullRequest, Push, PushCommit, Repository
from tests.console.conftest import Console
from tests.console.kept import kept
from tests.console.visitors import words

HOSTILE = "<script>alert(1)</script>\u202e"


@pytest.fixture
def repository(console: Console) -> Repository:
    return Repository.objects.create(server="github.com", github_id=1296269, full_name="octo/cat")


def test_repositories_are_listed_by_name_and_lead_on(console: Console, repository: Repository) -> None:
    Repository.objects.create(server="ghe.example", github_id=2, full_name="acme/dog", archived=True)
    page = console.viewer.get("/repositories")
    told = words(page.text)
    assert -1 < told.find("acme/dog ghe.example archived") < told.find("octo/cat github.com")
    assert f'href="/repositories/{repository.pk}"' in page.text
    assert "acme/dog" not in words(console.viewer.get("/repositories?after=b").text)
    # Names are made again, and each server has its own.
    Repository.objects.bulk_create(
        Repository(server=f"s{number}", github_id=1, full_name="a/a") for number in range(101)
    )
    [path] = re.findall(r'href="(/repositories\?after=.+?)"', console.viewer.get("/repositories").text)
    told = words(console.viewer.get(path.replace("&amp;", "&")).text)
    assert "Updated a/a s100 acme/dog" in told


def test_a_repository_shows_its_parts(console: Console, repository: Repository) -> None:
    common = {"repository": repository, "updated_at": timezone.now()}
    of_pulls = {**common, "head_ref": "fix", "base_ref": "main"}
    PullRequest.objects.create(number=12, title=HOSTILE, state="open", **of_pulls)
    PullRequest.objects.create(number=13, title="merged before", state="merged", **of_pulls)
    Issue.objects.create(number=14, title="It leaks", **common)
    text = console.viewer.get(f"/repositories/{repository.pk}").text
    assert "Open pull requests Number Title Author Head ref Updated 12 <script>" in words(text)
    assert f'href="/repositories/{repository.pk}/issues/14"' in text
    assert "merged before" not in text
    assert "<script>alert" not in text
    assert "\u202e" not in text


def test_a_part_that_may_have_more_says_so(console: Console, repository: Repository) -> None:
    page, common = f"/repositories/{repository.pk}", {"repository": repository, "updated_at": timezone.now()}
    Issue.objects.bulk_create(Issue(number=number, title="It leaks", **common) for number in range(19))
    assert "At most 20" not in console.viewer.get(page).text
    Issue.objects.create(number=19, title="It still leaks", **common)
    told = words(console.viewer.get(page).text)
    assert "At most 20 are shown. The API lists all." in told
    assert told.count("It leaks") == 19


def test_a_page_shows_so_much_of_a_long_text_and_says_how_long_it_is(
    console: Console, repository: Repository
) -> None:
    Issue.objects.create(repository=repository, number=14, title="x" * 3_000_000, updated_at=timezone.now())
    for path in ("", "/issues/14"):
        page = console.viewer.get(f"/repositories/{repository.pk}{path}")
        assert "… (3,000,000 characters)" in page.text
        assert len(page.body) < 50_000


def test_a_push_leads_to_its_commit_where_that_is_recorded(console: Console, repository: Repository) -> None:
    move = {"repository": repository, "forced": False, "created": False, "pushed_at": timezone.now()}
    Push.objects.create(ref="refs/heads/main", before="b" * 40, after="a" * 40, deleted=False, **move)
    Push.objects.create(ref="refs/heads/gone", before="b" * 40, after="0" * 40, deleted=True, **move)
    Commit.objects.create(repository=repository, sha="a" * 40, message="Mend")
    text = console.viewer.get(f"/repositories/{repository.pk}").text
    assert f'href="/repositories/{repository.pk}/commits/{"a" * 40}"' in text
    assert "0" * 40 in text
    assert f"/commits/{'0' * 40}" not in text


def test_a_part_that_cannot_be_read_does_not_cost_the_others(
    console: Console, repository: Repository
) -> None:
    Issue.objects.create(repository=repository, number=14, title="It leaks", updated_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE records_release RENAME TO of_a_test")
    try:
        page = console.viewer.get(f"/repositories/{repository.pk}")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE of_a_test RENAME TO records_release")
    assert page.status == 200
    assert "Newest releases These could not be read." in words(page.text)
    assert "It leaks" in page.text


def test_a_pull_request_and_an_issue_show_the_deliveries_that_shaped_them(
    console: Console, repository: Repository
) -> None:
    now = timezone.now()
    PullRequest.objects.create(
        repository=repository, number=12, title="Fix it", state="open", head_ref="fix", base_ref="main",
        labels=["bug", HOSTILE], updated_at=now,
    )  # fmt: skip
    row = kept("pull_request__opened", action="opened", number=12)
    kept(number=99)
    text = console.viewer.get(f"/repositories/{repository.pk}/pulls/12").text
    assert "#12 Fix it" in words(text)
    assert "Labels bug, <script>" in words(text)
    assert f'href="/deliveries/{row.pk}"' in text
    assert text.count('href="/deliveries/') == 1
    assert "<script>alert" not in text
    assert console.viewer.get(f"/repositories/{repository.pk}/issues/12").status == 404


def test_deliveries_from_before_a_rename_belong_to_what_they_shaped(
    console: Console, repository: Repository
) -> None:
    repository.previous_full_name = "octo/kitten"
    repository.save()
    Issue.objects.create(repository=repository, number=3, title="It leaks", updated_at=timezone.now())
    before = kept("issues__opened", number=3, repository="octo/kitten")
    # Another repository has the previous name now, and one that was deleted had the present one.
    for name in ("octo/kitten", "octo/cat"):
        kept("issues__opened", number=3, repository=name, repository_id=5)
    after = kept("issues__closed", number=3)
    text = console.viewer.get(f"/repositories/{repository.pk}/issues/3").text
    assert re.findall(r'href="/deliveries/(\d+)"', text) == [str(after.pk), str(before.pk)]
    assert 'href="/deliveries?repository=octo%2Fkitten&amp;number=3"' in text


def test_a_record_without_deliveries_says_why(console: Console, repository: Repository) -> None:
    Issue.objects.create(repository=repository, number=4, title="It rains", updated_at=timezone.now())
    page = words(console.viewer.get(f"/repositories/{repository.pk}/issues/4").text)
    assert "it came from GitHub's API, or its deliveries were pruned or have an older name." in page


def test_a_commit_shows_the_pushes_and_deliveries_that_carried_it(
    console: Console, repository: Repository
) -> None:
    now = timezone.now()
    commit = Commit.objects.create(repository=repository, sha="a" * 40, message="Mend", committed_at=now)
    push = Push.objects.create(
        repository=repository, ref="refs/heads/main", before="b" * 40, after="a" * 40, forced=False,
        created=False, deleted=False, pusher="ada", pushed_at=now,
    )  # fmt: skip
    PushCommit.objects.create(push=push, commit=commit, position=0)
    named = f'{{"commits": [{{"id": "{commit.sha}"}}]}}'.encode()
    carrier = kept(body=named, status="succeeded", finished_at=now)
    other = kept(status="succeeded", finished_at=now)
    text = console.viewer.get(f"/repositories/{repository.pk}/commits/{'a' * 40}").text
    assert console.viewer.get(f"/repositories/{repository.pk}/commits/%00").status == 404
    assert f'href="/deliveries/{carrier.pk}"' in text
    assert f'href="/deliveries/{other.pk}"' not in text
    page = words(text)
    assert "Message Mend" in page
    assert "Pushes that carried it refs/heads/main" in page
    found = console.viewer.get("/search?q=aaaaaaa").text
    assert f'href="/repositories/{repository.pk}/commits/{"a" * 40}"' in found


def test_a_delivery_leads_to_its_repository(console: Console) -> None:
    repository = Repository.objects.create(server="github.example", github_id=1296269, full_name="octo/cat")
    row = kept()
    assert f'href="/repositories/{repository.pk}#pushes"' in console.viewer.get(f"/deliveries/{row.pk}").text


@pytest.mark.parametrize("path", ["9", "9/pulls/1", "9/issues/1", "9/commits/abc"])
def test_what_is_not_recorded_is_404(path: str, console: Console) -> None:
    assert console.viewer.get(f"/repositories/{path}").status == 404
