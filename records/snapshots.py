"""Writes records from snapshots, many rows at a time, each by the merge rule of its kind.

Rows are read without a lock. Only rows that a snapshot changes are locked, read again and written, in the
order of the kind's key, so that two workers cannot deadlock.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any

from django.db import models, transaction

from database import Coalescer, bulk
from records.merging import Decision, Row, Snapshot
from records.rules import Merge, by_watermark, fold

Key = tuple[Any, ...]


def listed(parts: Iterable[object] | None, name: str) -> list[str] | None:
    """Return the attribute `name` of each part; None if the payload lacks the parts."""
    return None if parts is None else [getattr(part, name) for part in parts if part is not None]


class Snapshots:
    """Writes one kind of record. Concurrent calls of `record` in one event loop share a few statements."""

    _corrects = False
    """Whether `_correct` does something, which must be in the transaction of the rows."""

    def __init__(self, model: type[models.Model], key: Sequence[str], merge: Merge | None = None) -> None:
        """`key` are the unique fields of `model` by attribute name, as in `repository_id`."""
        self._model = model
        self._key = tuple(key)
        self._merge = merge or by_watermark()
        self._coalesced = Coalescer(self.write)

    def record(self, key: Key, fields: Row, **action: Any) -> Awaitable[tuple[Row, Decision]]:
        """Merge a snapshot into the record with this key; return its new row and the decision.

        A field that is left out, or None where the model has no null, keeps its value. `action` are the
        further fields of `Snapshot`. The row holds all fields of the model by attribute name. Raises the
        database error of this row alone.
        """
        if None in fields.values():
            nullable = self._nullable
            fields = {name: value for name, value in fields.items() if value is not None or name in nullable}
        return self._coalesced((key, Snapshot(fields, **action)))

    def write(self, items: Sequence[tuple[Key, Snapshot]]) -> list[tuple[Row, Decision]]:
        """Merge many snapshots in one transaction (blocking). Those of one key are merged in order."""
        snapshots: dict[Key, list[Snapshot]] = {}
        for key, snapshot in items:
            snapshots.setdefault(key, []).append(snapshot)
        stored = self._read(snapshots)
        ends = {key: self._fold(stored.get(key), key, merged) for key, merged in snapshots.items()}
        changed = sorted(key for key, (row, _) in ends.items() if row is not stored.get(key))
        if changed:
            new = [key for key in changed if key not in stored]
            alone = new == changed and not self._corrects  # one insert is a transaction by itself
            with nullcontext() if alone else transaction.atomic(savepoint=False):
                here = self._insert(ends, new)
                if rest := [key for key in changed if key not in here]:
                    self._update(ends, snapshots, stored, rest)
                self._correct(stored, ends, changed)
            self._committed(stored, ends, changed)
        decisions = {key: iter(decided) for key, (_, decided) in ends.items()}
        return [(ends[key][0], next(decisions[key])) for key, _ in items]

    def _fold(self, stored: Row | None, key: Key, snapshots: list[Snapshot]) -> tuple[Row, list[Decision]]:
        blank = {**self._blank, **dict(zip(self._key, key, strict=True))}
        if stored is None:
            blank |= {name: make() for name, make in self._makers.items()}
        return fold(stored, snapshots, blank, self._merge)

    def _read(self, keys: Iterable[Key], *, lock: bool = False) -> dict[Key, Row]:
        names = ("id", *self._blank)
        found = [
            dict(zip(names, row, strict=True))
            for row in bulk.select(self._model, self._key, list(keys), names, lock=lock)
        ]
        return {tuple(row[name] for name in self._key): row for row in found}

    def _insert(self, ends: dict[Key, tuple[Row, list[Decision]]], keys: list[Key]) -> set[Key]:
        """Insert the rows that no other worker has inserted meanwhile; return their keys."""
        rows = [tuple(ends[key][0].values()) for key in keys]
        ids = bulk.insert(
            self._model, tuple(self._blank), rows, unique=self._key, returning=("id", *self._key)
        )
        for pk, *key in ids:
            row, decisions = ends[tuple(key)]
            ends[tuple(key)] = ({**row, "id": pk}, decisions)
        return {tuple(key) for _, *key in ids}

    @transaction.atomic(savepoint=False)
    def _update(
        self,
        ends: dict[Key, tuple[Row, list[Decision]]],
        snapshots: dict[Key, list[Snapshot]],
        stored: dict[Key, Row],
        keys: list[Key],
    ) -> None:
        """Lock the rows, merge the snapshots again into those that have changed meanwhile, and write all."""
        held = self._read(keys, lock=True)
        for key in keys:
            if held[key] != stored.get(key):
                ends[key] = self._fold(held[key], key, snapshots[key])
        changed = [ends[key][0] for key in keys if ends[key][0] is not held[key]]
        # All fields are written, so that one statement serves all changes.
        names = [name for name in self._blank if name not in self._key]
        bulk.update(
            self._model, ("id",), names, [(row["id"], *(row[name] for name in names)) for row in changed]
        )

    def _correct(
        self, stored: dict[Key, Row], ends: dict[Key, tuple[Row, list[Decision]]], changed: list[Key]
    ) -> None:
        """Correct the rows just written, from other tables, in the database and in `ends`.

        Runs in their transaction if the class `_corrects`.
        """

    def _committed(
        self, stored: dict[Key, Row], ends: dict[Key, tuple[Row, list[Decision]]], changed: list[Key]
    ) -> None:
        """Correct the rows just committed, in case another transaction committed a change meanwhile."""

    @cached_property
    def _nullable(self) -> frozenset[str]:
        return frozenset(field.attname for field in self._model._meta.concrete_fields if field.null)

    @cached_property
    def _makers(self) -> dict[str, Callable[[], Any]]:
        """Return the functions that make the default of a field for each new row, such as `uuid4`."""
        fields = [field for field in self._model._meta.concrete_fields if field.has_default()]
        return {field.attname: field.default for field in fields if callable(field.default)}

    @cached_property
    def _blank(self) -> dict[str, Any]:
        """Return all fields but the primary key, with the model's defaults, else those of the database."""
        return {
            field.attname: field.db_default
            if field.has_db_default() and not field.has_default()
            else field.get_default()
            for field in self._model._meta.concrete_fields
            if not field.primary_key
        }
