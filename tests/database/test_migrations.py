"""Many tables are created in one operation, and dropped when it is reversed."""

import pytest
from django.db import connection, models
from django.db.migrations.operations import CreateModel
from django.db.migrations.state import ProjectState

from database.migrations import CreateModels

LEAF = CreateModel("leaf", [("id", models.AutoField(primary_key=True)),
                            ("tree", models.ForeignKey("trees.tree", models.CASCADE))])  # fmt: skip
TREE = CreateModel("tree", [("id", models.AutoField(primary_key=True))])
NAMES = {"trees_leaf", "trees_tree"}


@pytest.mark.django_db(transaction=True)
def test_tables_that_refer_to_each_other_are_created_and_dropped_in_any_order() -> None:
    created = CreateModels([LEAF, TREE])
    before, after = ProjectState(), ProjectState()
    created.state_forwards("trees", after)
    with connection.schema_editor() as editor:
        created.database_forwards("trees", editor, before, after)
    try:
        assert set(connection.introspection.table_names()) >= NAMES
    finally:
        with connection.schema_editor() as editor:
            created.database_backwards("trees", editor, after, before)
    assert not NAMES & set(connection.introspection.table_names())
