"""A statement that PostgreSQL does not answer ends in time."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection

from database import postgresql
from database.postgresql.base import ANSWER_WITHIN, DatabaseWrapper

pytestmark = [
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="it is about PostgreSQL"),
    pytest.mark.django_db(transaction=True),
]


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    postgresql.answer_within(seconds)
    try:
        yield
    finally:
        postgresql.answer_within(ANSWER_WITHIN)


@pytest.mark.parametrize("options", [{}, {"pool": {"min_size": 0, "max_size": 1}}], ids=["alone", "pool"])
def test_a_statement_without_an_answer_fails_and_the_next_has_a_new_connection(
    options: dict[str, object],
) -> None:
    own = {**connection.settings_dict, "OPTIONS": {**connection.settings_dict["OPTIONS"], **options}}
    if not options:
        del own["OPTIONS"]["pool"]
    wrapper = DatabaseWrapper(own, "of this test")
    try:
        with wrapper.cursor() as cursor, limit(0.2), pytest.raises(OperationalError, match=r"within 0\.2"):
            cursor.execute("SELECT pg_sleep(60)")
        wrapper.close()
        with wrapper.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
    finally:
        wrapper.close()
        wrapper.close_pool()


def test_a_transaction_whose_statement_is_not_answered_is_left_at_once() -> None:
    own = {**connection.settings_dict, "OPTIONS": {**connection.settings_dict["OPTIONS"]}}
    del own["OPTIONS"]["pool"]
    wrapper = DatabaseWrapper(own, "of this test")
    wrapper.set_autocommit(False)
    try:
        with wrapper.cursor() as cursor, limit(0.2), pytest.raises(OperationalError):
            cursor.execute("SELECT pg_sleep(60)")
        with pytest.raises(OperationalError, match="closed"):
            wrapper.rollback()
    finally:
        wrapper.close()
