"""The generated parts of the reference are what the code says."""

import subprocess
import sys

import pytest

from dev.reference import markdown
from tests.processes import ROOT

PAGE = "# A page\n\n<!-- generated: one -->\n\nold\n\n<!-- end -->\n\nBy hand.\n"


def test_the_committed_reference_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dev.reference", "--check"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_a_block_takes_the_place_of_what_was_between_its_markers() -> None:
    assert markdown.fill(PAGE, {"one": "new"}) == PAGE.replace("old", "new")


@pytest.mark.parametrize("blocks", [{}, {"one": "1", "two": "2"}], ids=["more markers", "more blocks"])
def test_a_page_whose_markers_are_not_the_blocks_is_an_error(blocks: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="markers"):
        markdown.fill(PAGE, blocks)


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert markdown.table(("a",), [("x|y",)]).splitlines()[-1] == "| x\\|y |"
