"""Transactions of services: like Django's `atomic`, and a database that is gone is the domain's error."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection, transaction
from django.db.utils import InterfaceError, OperationalError

from mixpeek_site import sql, watchdog
from mixpeek_site.errors import ServiceUnavailableError


@contextmanager
def atomic() -> Iterator[None]:
    """One transaction, or a savepoint inside one; rolled back when anything is raised.

    Raises ServiceUnavailableError when it can't be begun or committed.
    """
    sql.ensure_connection()
    try:
        with transaction.atomic():
            yield
    except psycopg.errors.ProgramLimitExceeded:
        raise  # a statement's fault, though psycopg counts it among the operational errors
    except (OperationalError, InterfaceError, psycopg.OperationalError) as error:
        raise ServiceUnavailableError("The database can't be reached; try again shortly.") from error


@contextmanager
def unhurried(seconds: int) -> Iterator[None]:
    """`atomic` for a transaction whose statements may take `seconds` each, instead of the usual bound.

    PostgreSQL looks meanwhile whether this process still is there: when it was killed, the statement ends and nothing
    of the transaction is left. Costs one statement.
    """
    with atomic(), watchdog.patience(seconds + 5):
        sql.run(
            "SELECT set_config('statement_timeout', %s, true), CASE WHEN version() LIKE '%%linux%%'"
            " THEN set_config('client_connection_check_interval', '1s', true) END",
            (f"{seconds}s",),
        )
        yield


@contextmanager
def snapshot(seconds: int) -> Iterator[None]:
    """One unchanging view of the data, to be read from for as long as it takes; a statement may take `seconds`.

    Nothing can be written. Inside another transaction, that one's view is what is read. Costs two statements.
    """
    outermost = not connection.in_atomic_block
    with atomic(), watchdog.patience(seconds + 5):
        if outermost:
            sql.run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        sql.run("SELECT set_config('statement_timeout', %s, true)", (f"{seconds}s",))
        yield
