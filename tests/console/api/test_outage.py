"""The API after its connections to PostgreSQL were cut."""

import pytest
from django.db import connection

from tests import processes
from tests.console.api.conftest import Programs
from tests.console.api.programs import problem
from tests.console.visitors import Answer


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite has no connections to cut")
def test_cut_connections_are_replaced_and_meanwhile_the_client_is_told_to_come_again(api: Programs) -> None:
    def ask() -> Answer:
        return api.reader.get("views")

    # The API takes its threads in turn.
    assert [ask().status for _ in range(6)] == [200] * 6
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND query LIKE '%FROM \"api_%'"
        )
        assert cursor.rowcount > 0
    answers: list[Answer] = []

    def is_healed() -> bool:
        answers.append(ask())
        return [each.status for each in answers[-6:]] == [200] * 6

    processes.wait_until(is_healed, "every connection is replaced", 30)
    for answer in answers:
        if answer.status != 200:
            assert problem(answer)["status"] == 503
            assert answer.headers["Retry-After"]
