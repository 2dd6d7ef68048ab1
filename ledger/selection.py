"""Selects the deliveries of a replay, by filters or by id, as of the moment it was asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from database import row_sets
from ledger import filters
from ledger.models import Replay
from receiver.models import SETTLED, TERMINAL, Delivery

PORTION = 500  # deliveries of one transaction


@dataclass(frozen=True, slots=True)
class Selection:
    """Deliveries in the order of their ids, which is the order of receipt.

    Deliveries that are stored or settled after the selection was made are not part of it. So a delivery that
    dies of its replay is not replayed again.
    """

    parameters: Mapping[str, Any]
    """The selection as JSON: the parameters of the operation."""

    @classmethod
    def of(
        cls,
        chosen: Mapping[str, str],
        *,
        guids: Iterable[UUID] = (),
        ids: Iterable[int] = (),
        after: int = 0,
    ) -> "Selection":
        """Return the deliveries that match all that is given, as of now.

        `chosen` are filters by name, as in a URL, and none is blank.
        Raises `ledger.filters.InvalidFilterError`.
        """
        newest = Delivery.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        now = row_sets.clock()
        chosen = filters.exact(chosen, now).chosen
        parameters: dict[str, Any] = {
            "filter": dict(chosen),
            "guids": [str(guid) for guid in guids],
            "ids": sorted(ids),
        }
        kept = {name: value for name, value in parameters.items() if value}
        if "operation" in chosen:
            # A worker of the version before leaves out this filter, and finds nothing for no guids.
            kept.setdefault("guids", [])
        return cls({**kept, "after": after, "newest": newest, "at": now.isoformat()})

    @property
    def rows(self) -> QuerySet[Delivery]:
        """All of them that match now."""
        parameters, at = self.parameters, datetime.fromisoformat(self.parameters["at"])
        named = dict(parameters.get("filter", {}))
        operation = named.pop("operation", None)
        chosen = filters.parse(named, at).condition
        if operation is not None:  # all of its deliveries, of which a page shows the newest
            bounds = {"delivery__gt": parameters["after"], "delivery__lte": parameters["newest"]}
            replayed = Replay.objects.filter(operation=operation, **bounds)
            chosen &= Q(pk__any=replayed.values("delivery"))
        if "repository" in parameters:  # as version 0.2.0 stored it
            chosen &= filters.in_any_case("repository", parameters["repository"])
        if parameters.get("guids"):
            chosen &= Q(guid__any=[UUID(guid) for guid in parameters["guids"]])
        if "ids" in parameters:
            chosen &= Q(pk__any=parameters["ids"])
        settled_before = Q(finished_at__lte=at)
        if named.get("status") in TERMINAL:
            settled_before &= SETTLED  # the condition of the indexes of settled deliveries
        else:
            settled_before |= ~SETTLED
        within = Q(pk__gt=parameters["after"], pk__lte=parameters["newest"])
        return Delivery.objects.filter(chosen, settled_before, within).order_by("pk")

    def take(self, after: int | None, most: int = PORTION) -> list[int]:
        """Return the first ids after this one, or after none; an empty list at the end."""
        rest = self if after is None else Selection({**self.parameters, "after": after})
        return list(rest.rows.values_list("pk", flat=True)[:most])
