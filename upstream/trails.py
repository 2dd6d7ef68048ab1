"""Notices that the pages of a list lead back to one that was read. Pure.

Brent's algorithm: https://en.wikipedia.org/wiki/Cycle_detection#Brent's_algorithm
"""

from collections.abc import Sequence
from typing import NamedTuple

from upstream.errors import UnexpectedAnswerError


class Trail(NamedTuple):
    """One page that was read, and the number of pages since; JSON can hold it."""

    mark: Sequence[str] = ()
    steps: int = 0
    limit: int = 1

    def to(self, *page: str) -> "Trail":
        """Return the trail after the next page. Raise `UnexpectedAnswerError` if it leads in a circle.

        It does so before it has read three times as many pages as there are up to the end of the circle.
        A page has one or more names, such as its address and its content; two with a name in common are one.
        """
        if not set(page).isdisjoint(self.mark):
            raise UnexpectedAnswerError("GitHub's list leads back to a page that was read before")
        if self.steps < self.limit:
            return Trail(self.mark, self.steps + 1, self.limit)
        return Trail(page, 1, 2 * self.limit)
