"""Hand-written SQL on Django's own connection: prepared, bound by the server, no ORM between.

Statements run on the connection that the ORM uses, so `transaction.atomic` covers both. Outside of it each commits
by itself. What goes wrong with the database itself becomes ServiceUnavailableError; a refused row stays psycopg's
error, for the service that knows its meaning.
"""

import itertools
import select
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

import psycopg
from django.db import connections
from django.db.utils import OperationalError as DjangoOperationalError

from mixpeek_site import watchdog
from mixpeek_site.errors import ServiceUnavailableError

Row = tuple[Any, ...]
_numbers = itertools.count(1)


class Fragment(NamedTuple):
    """A piece of SQL, and the parameters of its %s in their order. What a request says is only ever in `params`."""

    text: str
    params: tuple[Any, ...] = ()


def run(statement: str, params: Sequence[Any] = ()) -> psycopg.Cursor[Row]:
    """Execute one prepared statement; the cursor holds its rows. Costs one round trip.

    Raises ServiceUnavailableError without a database, and when the statement ran into its time limit.
    """
    wrapper = connections["default"]
    connection = wrapper.connection
    if connection is None or (not wrapper.in_atomic_block and _went_away(connection)):
        connection = _reconnected(wrapper)
    cursor: psycopg.Cursor[Row] = psycopg.Cursor(connection)
    try:
        with watchdog.watch(connection):
            cursor.execute(statement, params, prepare=True)
    except psycopg.errors.QueryCanceled:
        raise ServiceUnavailableError("The statement was given up: it took too long, or was cancelled.") from None
    except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
        raise ServiceUnavailableError("Another write got in the way; try again.") from None
    except psycopg.errors.ProgramLimitExceeded:
        raise  # the statement's fault, though psycopg counts it among the operational errors
    except psycopg.OperationalError as error:
        if connection.closed:
            _forget(wrapper)
        raise _unavailable() from error
    return cursor


@contextmanager
def cursor(statement: str, params: Sequence[Any] = (), *, at_once: int) -> Iterator[Iterator[Row]]:
    """The rows of a SELECT, however many: a cursor of the server's, inside a transaction. `at_once`: rows that one statement
    fetches; they are taken from the socket one by one, so that memory never holds more than a row.

    No other statement may run while rows are taken. Raises ServiceUnavailableError when the database goes, or a statement
    runs into its time limit.
    """
    connection = connections["default"].connection
    name = f"rows_{next(_numbers)}"
    with _translated(connection):
        declared = psycopg.Cursor(connection).execute(f"DECLARE {name} NO SCROLL CURSOR FOR {statement}", params, prepare=False)
        declared.close()
    with closing(_fetched(connection, name, at_once)) as rows:
        yield rows
    with _translated(connection):
        connection.execute(f"CLOSE {name}", prepare=False)


def _fetched(connection: Any, name: str, at_once: int) -> Generator[Row, None, None]:
    fetched = at_once
    while fetched == at_once:
        fetched = 0
        with _translated(connection), closing(psycopg.Cursor(connection).stream(f"FETCH {at_once} FROM {name}")) as rows:  # type: ignore[type-var]
            for row in rows:
                fetched += 1
                yield row


@contextmanager
def _translated(connection: Any) -> Iterator[None]:
    """As `run` does, for statements inside a transaction."""
    try:
        with watchdog.watch(connection):
            yield
    except psycopg.errors.QueryCanceled:
        raise ServiceUnavailableError("The statement was given up: it took too long, or was cancelled.") from None
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise _unavailable() from error


def was_given_up(error: ServiceUnavailableError) -> bool:
    """Whether a statement ran into its time limit, or was cancelled, and not the database gone."""
    return isinstance(error.__context__, psycopg.errors.QueryCanceled)


def ensure_connection() -> None:
    """See to a living connection before a transaction begins, inside which there is no second chance.

    Raises ServiceUnavailableError when none can be had.
    """
    wrapper = connections["default"]
    if not wrapper.in_atomic_block and (wrapper.connection is None or _went_away(wrapper.connection)):
        _reconnected(wrapper)


def one(statement: str, params: Sequence[Any] = ()) -> Row | None:
    """The first row, or None."""
    return run(statement, params).fetchone()


def rows(statement: str, params: Sequence[Any] = ()) -> list[Row]:
    return run(statement, params).fetchall()


def _went_away(connection: Any) -> bool:
    """Whether an idle connection was closed by the server: then its socket is readable. No round trip."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def _reconnected(wrapper: Any) -> Any:
    _forget(wrapper)
    try:
        wrapper.ensure_connection()
    except (DjangoOperationalError, psycopg.OperationalError) as error:
        raise _unavailable() from error
    return wrapper.connection


def _forget(wrapper: Any) -> None:
    if wrapper.in_atomic_block:
        wrapper.needs_rollback = True
    else:
        wrapper.close()


def _unavailable() -> ServiceUnavailableError:
    return ServiceUnavailableError("The database can't be reached; try again shortly.")


def text(value: str) -> str:
    """An identifier from a request as a parameter: what PostgreSQL can't hold can't be stored, so it matches nothing."""
    return value if value.isascii() and "\x00" not in value else _storable(value)


def _storable(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        return ""
    return "" if "\x00" in value else value
