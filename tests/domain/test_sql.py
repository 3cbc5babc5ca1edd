"""Hand-written SQL on Django's connection: prepared, in its transactions, and honest about a database that is gone."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import connection, transaction

from mixpeek_site import sql
from mixpeek_site.errors import ServiceUnavailableError
from mixpeek_site.transactions import atomic

pytestmark = pytest.mark.django_db(transaction=True)


INSERT = "INSERT INTO namespaces_organization (public_id, name) VALUES ('org_x', 'x')"


def in_one_transaction(*steps: Callable[[], object]) -> None:
    with atomic():
        for step in steps:
            step()


def backend() -> int:
    row = sql.one("SELECT pg_backend_pid()")
    assert row
    return int(row[0])


def end_backend(pid: int) -> None:
    """End a session of the server, as an administrator or a restart does, from another one."""
    settings = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{name: settings[name] for name in names if settings.get(name)}, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_statement_is_prepared_once_and_bound_by_the_server() -> None:
    for number in range(3):
        assert sql.one("SELECT %s::int + 41", (number,)) == (number + 41,)
    statements = sql.rows("SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%%+ 41'")
    assert statements == [("SELECT $1::int + 41",)]


def test_statements_are_part_of_djangos_transaction() -> None:
    with transaction.atomic():
        sql.run(INSERT)
        transaction.set_rollback(True)
    assert sql.rows("SELECT FROM namespaces_organization") == []


def test_outside_of_one_each_commits_by_itself() -> None:
    sql.run(INSERT)
    connection.close()
    assert sql.one("SELECT name FROM namespaces_organization") == ("x",)


def test_a_connection_that_died_while_idle_costs_nothing() -> None:
    end_backend(backend())
    assert sql.one("SELECT 1") == (1,)


def test_nor_does_it_cost_a_transaction() -> None:
    before = backend()
    end_backend(before)
    with atomic():
        assert backend() != before


def test_a_connection_that_dies_in_a_transaction_costs_that_one_alone() -> None:
    with pytest.raises(ServiceUnavailableError):
        in_one_transaction(lambda: end_backend(backend()), lambda: sql.run("SELECT 1"))
    with atomic():
        assert sql.one("SELECT 1") == (1,)


def test_a_connection_that_dies_before_the_commit_is_no_success() -> None:
    with pytest.raises(ServiceUnavailableError):
        in_one_transaction(lambda: sql.run(INSERT), lambda: end_backend(backend()))
    assert sql.rows("SELECT FROM namespaces_organization") == []


def test_a_statement_beyond_the_servers_limit_is_given_up() -> None:
    sql.run("SET statement_timeout = '50ms'")
    try:
        with pytest.raises(ServiceUnavailableError):
            sql.run("SELECT pg_sleep(5)")
    finally:
        connection.close()


def test_a_refused_row_stays_the_databases_error() -> None:
    sql.run(INSERT)
    with pytest.raises(psycopg.errors.UniqueViolation):
        sql.run(INSERT)


def test_no_server_is_said_to_be_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    parameters = connection.get_connection_params()
    monkeypatch.setattr(connection, "get_connection_params", lambda: parameters | {"host": "/nonexistent"})
    for attempt in (lambda: sql.run("SELECT 1"), sql.ensure_connection):
        with pytest.raises(ServiceUnavailableError):
            attempt()
    with pytest.raises(ServiceUnavailableError):
        in_one_transaction()


@pytest.mark.parametrize(("text", "parameter"), [("a", "a"), ("é😀", "é😀"), ("a\x00", ""), ("\ud800", ""), ("", "")])
def test_an_identifier_that_cannot_be_stored_matches_nothing(text: str, parameter: str) -> None:
    assert sql.text(text) == parameter
