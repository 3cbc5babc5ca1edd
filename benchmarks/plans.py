"""The statements that the product sends, and PostgreSQL's plans for them as they are prepared."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import sql as psycopg_sql

from mixpeek_site import sql

TABLES = ("documents_document", "documents_lineagestep")


class Sent(NamedTuple):
    statement: str
    params: Sequence[Any]


@contextmanager
def recorded() -> Iterator[list[Sent]]:
    """What goes through mixpeek_site/sql.py meanwhile."""
    sent: list[Sent] = []
    run = sql.run

    def recording(statement: str, params: Sequence[Any] = ()) -> psycopg.Cursor[sql.Row]:
        sent.append(Sent(statement, params))
        return run(statement, params)

    sql.run = recording
    try:
        yield sent
    finally:
        sql.run = run


def explained(ask: Callable[[], object]) -> list[tuple[str, dict[str, Any]]]:
    """Text and JSON plan of each statement that `ask` sends, run once more with EXPLAIN ANALYZE.

    Of what is prepared the prepared statement is explained: with its generic plan, if PostgreSQL came to prefer that.
    """
    from django.db import connection

    with recorded() as sent:
        ask()
    found = []
    for statement, params in sent:
        if not statement.lstrip().startswith(("SELECT", "WITH")):
            continue
        name = _prepared_name(connection.connection, statement)
        literals = ", ".join(_literal(param, connection.connection) for param in params)
        executed = f"EXECUTE {name}{f'({literals})' if params else ''}"
        options = "ANALYZE, BUFFERS, TIMING OFF"
        [(plan,)] = connection.connection.execute(f"EXPLAIN ({options}, FORMAT JSON) {executed}")
        lines = connection.connection.execute(f"EXPLAIN ({options}) {executed}").fetchall()
        found.append(("\n".join(line for (line,) in lines), plan[0]["Plan"]))
    return found


def whole_reads(plan: dict[str, Any]) -> list[str]:
    """The sequential scans of a plan over the tables that grow."""
    found = [f"Seq Scan on {plan['Relation Name']}"] if _reads_whole(plan) else []
    return found + [each for inner in plan.get("Plans", ()) for each in whole_reads(inner)]


def _reads_whole(plan: dict[str, Any]) -> bool:
    return plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in TABLES and plan["Actual Loops"] > 0


def _prepared_name(connection: psycopg.Connection[Any], statement: str) -> str:
    numbers = iter(range(1, 100_000))
    text = re.sub(r"%s|%%", lambda found: f"${next(numbers)}" if found[0] == "%s" else "%", statement)
    row = connection.execute("SELECT name FROM pg_prepared_statements WHERE statement = %s", (text,)).fetchone()
    if row is None:
        raise SystemExit(f"The statement is not prepared:\n{text}")
    return str(row[0])


def _literal(value: object, connection: psycopg.Connection[Any]) -> str:
    return psycopg_sql.Literal(value).as_string(connection)
