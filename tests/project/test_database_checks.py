"""A database in which text would mean something else is refused before anything is written to it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from mixpeek_site.checks import database_problems


def made_with(options: str) -> Iterator[BaseDatabaseWrapper]:
    """A database on the server of the suite, made with these options of CREATE DATABASE."""
    name = "mixpeek_checked"
    with psycopg.connect(**{**connection.get_connection_params(), "dbname": "postgres"}, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 " + options).format(sql.Identifier(name)))
        other = type(connections["default"])({**connection.settings_dict, "NAME": name}, alias="default")
        try:
            yield other
        finally:
            other.close()
            server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("ENCODING 'UTF8' LOCALE 'C.UTF-8'", []),
        ("ENCODING 'UTF8' LOCALE 'C'", ["mixpeek_site.E003"]),
        ("ENCODING 'LATIN1' LOCALE 'C'", ["mixpeek_site.E002"]),
        ("ENCODING 'SQL_ASCII' LOCALE 'C'", ["mixpeek_site.E002"]),
    ],
)
def test_only_utf8_that_folds_case_as_c_utf8_is_accepted(options: str, found: list[str]) -> None:
    if "LOCALE_PROVIDER" not in options and connection.pg_version >= 170000:  # type: ignore[attr-defined]
        options += " LOCALE_PROVIDER libc"  # else the server's own, which is the built-in one on the embedded server
    for other in made_with(options):
        problems = database_problems(other)
        assert [problem.id for problem in problems] == found
        assert all("CREATE DATABASE" in str(problem.hint) for problem in problems)


@pytest.mark.django_db
def test_the_database_of_the_suite_is_accepted() -> None:
    assert database_problems(connection) == []


@pytest.mark.django_db
def test_another_order_of_texts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ICU's: not every server has a locale that sorts so and folds as C.UTF-8 does."""
    monkeypatch.setattr("mixpeek_site.checks.SORTED", "aBéZ")
    problems: list[Any] = database_problems(connection)
    assert [problem.id for problem in problems] == ["mixpeek_site.E004"]
    assert "'BZaé' is in order" in problems[0].msg


@pytest.mark.django_db
def test_an_old_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mixpeek_site.checks.MIN_MAJOR", 99)
    problems: list[Any] = database_problems(connection)
    assert "at least 99 is needed" in problems[0].msg
