"""The pages name only files that exist, and every decision states whether it still holds, and since when."""

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
# The page has a test of its own, which creates the files that it names.
EXAMPLES = ROOT / "docs" / "how-to" / "add-an-event.md"
HEAD = re.compile(r"# \d{4}: .+\n\nStatus: (accepted|superseded)\b.*?Date: (\d{4}-\d\d-\d\d)\b", re.S)
ROW = re.compile(r"^\| \[(\d{4})\]\((.+?)\).*? \| (accepted|superseded)\b.*? \| (\d{4}-\d\d-\d\d) \|$", re.M)


def decisions() -> list[Path]:
    """Return the files of the decisions, in the order of their numbers."""
    return sorted(DECISIONS.glob("[0-9]*.md"))


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_path_that_a_page_names_exists() -> None:
    named = re.compile(r"`([a-z][\w-]*(?:/[\w-]+)+\.(?:py|sql|md))\b")
    paths = [(page, path) for page in PAGES if page != EXAMPLES for path in named.findall(page.read_text())]
    assert [(page, path) for page, path in paths if not (ROOT / path).exists()] == []


def test_every_anchor_that_a_page_links_to_exists() -> None:
    link = re.compile(r"\]\((?!https://)([^)#]*)#([^)]+)\)")
    links = [(page, *found) for page in PAGES for found in link.findall(page.read_text())]
    assert [
        (page, other, anchor)
        for page, other, anchor in links
        if anchor not in anchors(page.parent / other if other else page)
    ] == []


def test_no_page_holds_a_side_of_an_unresolved_merge() -> None:
    side = re.compile(r"^(?:<{7}|={7}|>{7})(?: .*)?$", re.M)
    assert [page for page in PAGES if side.search(page.read_text())] == []


def test_decisions_begin_with_their_status_and_date() -> None:
    assert [page for page in decisions() if not HEAD.match(page.read_text())] == []


def test_superseded_decisions_link_to_those_that_replaced_them() -> None:
    for page in decisions():
        head = page.read_text().split("\n\n")[1]
        links = re.findall(r"superseded by \[(\d{4})\]\(\1-", head)
        assert bool(links) == head.startswith("Status: superseded"), page


@pytest.mark.parametrize("name", ["architecture.md", "architecture.svg"])
def test_the_architecture_names_every_package(name: str) -> None:
    text = (ROOT / "docs" / "explanation" / name).read_text()
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench", "tests"}
    assert {package for package in packages if f"{package}/" not in text} == set()


def test_the_changelog_has_the_version_with_a_date_below_what_is_unreleased() -> None:
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert sections[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(settings.VERSION)} \(\d{{4}}-\d\d-\d\d\)", sections[1])


def test_the_index_lists_every_decision_with_its_status_and_date() -> None:
    listed = [row[1:] for row in ROW.findall((DECISIONS / "README.md").read_text())]
    heads = [(page.name, HEAD.match(page.read_text())) for page in decisions()]
    assert listed == [(name, *head.groups()) for name, head in heads if head]
