"""Makes and drops the indexes, while others go on reading and writing: CREATE and DROP INDEX CONCURRENTLY.

A build may take minutes, so it has a thread and a connection of its own, and the other duties of housekeeping go on.
Whatever kills it leaves an invalid index behind; each build begins with dropping what has its name. The catalogue is
compared with the registry, so what was restored, dropped by hand or left over is put right.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final, NamedTuple

import psycopg
from django.db import connection as of_this_thread

from documents.payload_indexes import registry
from documents.payload_indexes.expressions import EVERYTHING, NAME_PREFIX, Kind, definition, expressions, index_name
from mixpeek_site import sql

Stopping = Callable[[], bool]

MAX_INDEXES: Final = 200
"""Of the whole database: each costs every statement on documents planning time, and every write a look at its path."""

_LOCK: Final = 0x50494458  # "PIDX": one builder per database, also when housekeeping changes hands during a build
_LOOK_SECONDS: Final = 0.1


class _Job(NamedTuple):
    number: int
    what: str  # orphan: in no registry, retire: without user, build
    steps: list[str] | None
    kind: Kind | None


# Orphans and what has no user any more first: they make room.
_NEXT_JOB = f"""
WITH present AS (
    SELECT substr(c.relname, {len(NAME_PREFIX) + 1})::bigint AS number, i.indisvalid AS valid
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = 'documents_document'::regclass AND c.relname ~ '^{NAME_PREFIX}[0-9]{{1,18}}$'
), jobs AS (
    SELECT COALESCE(p.id, present.number) AS number, p.steps, p.kind,
        CASE
            WHEN p.id IS NULL THEN 'orphan'
            WHEN NOT {registry.USED} THEN 'retire'
            WHEN p.state = 'failed' THEN CASE WHEN p.retry_at <= now() THEN 'build' END
            WHEN p.state <> 'ready' OR present.valid IS NOT TRUE THEN 'build'
        END AS what
    FROM documents_payloadindex p FULL JOIN present ON present.number = p.id
)
SELECT number, what, steps, kind FROM jobs WHERE what IS NOT NULL ORDER BY what = 'build', number LIMIT 1
"""


class Builder:
    """The one thread of this process that makes and drops indexes."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._stopped = False
        self._said: SimpleQueue[str] = SimpleQueue()
        self._declared = False

    def keep(self, stopping: Stopping) -> Iterator[str]:
        """A duty of housekeeping: begin with what is to be done, and say what was done since the last round."""
        yield from self._lines()
        if self._thread is not None and self._thread.is_alive():
            return
        if not self._declared:
            registry.declare_stored()
            self._declared = True
        if not stopping() and sql.one(_NEXT_JOB.replace("%", "%%")) is not None:
            self._stopped = False
            self._thread = threading.Thread(target=self._run, name="payload-indexes", daemon=True)
            self._thread.start()

    def finish(self, stopping: Stopping) -> Iterator[str]:
        """Wait until all that was begun is done; when `stopping`, break off."""
        while self._thread is not None and self._thread.is_alive():
            if stopping():
                self.stop()
            self._thread.join(_LOOK_SECONDS)
            yield from self._lines()
        yield from self._lines()

    def stop(self) -> None:
        """Break off what is being built; the next housekeeping begins anew with it."""
        self._stopped = True
        running = self._connection
        if running is not None and not running.closed:
            running.cancel()

    def _lines(self) -> Iterator[str]:
        while True:
            try:
                yield self._said.get_nowait()
            except Empty:
                return

    def _run(self) -> None:
        try:
            of_this_thread.ensure_connection()
            connection = self._connection = of_this_thread.connection
            assert connection is not None
            # PostgreSQL looks whether this process still is there, and breaks off when it was killed.
            connection.execute("""
                SELECT set_config('statement_timeout', '0', false),
                CASE WHEN version() LIKE '%linux%' THEN set_config('client_connection_check_interval', '1s', false) END
            """)
            [(alone,)] = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
            if alone:
                for line in _work(connection, lambda: self._stopped):
                    self._said.put(line)
        except Exception as error:  # told in the log; the next round begins anew
            if not self._stopped:
                self._said.put(f"Work on payload indexes was broken off: {error}")
        finally:
            self._connection = None
            of_this_thread.close()


def _work(connection: psycopg.Connection[Any], stopping: Stopping) -> Iterator[str]:
    built = False
    while not stopping():
        row = connection.execute(_NEXT_JOB).fetchone()
        if row is None:
            break
        job = _Job(*row)
        if job.what == "build":
            assert job.steps is not None
            assert job.kind is not None
            yield _build(connection, job.number, tuple(job.steps), job.kind)
            built = True
        elif job.what == "retire":
            yield from _retire(connection, job.number)
        else:
            connection.execute(_drop(job.number))
            yield f"Dropped the index {index_name(job.number)}, which no payload index has."
    if built and not stopping():
        connection.execute("ANALYZE documents_document")  # an expression has statistics only then


def _build(connection: psycopg.Connection[Any], number: int, steps: tuple[str, ...], kind: Kind) -> str:
    begun = monotonic()
    name = f"{'.'.join(steps) or EVERYTHING} ({kind})"
    value, key = expressions(steps, kind, "d.")
    connection.execute("UPDATE documents_payloadindex SET state = 'building', attempts = attempts + 1 WHERE id = %s", (number,))
    try:
        connection.execute(_drop(number))
        _require_room(connection)
        connection.execute(definition(number, steps, kind).encode())
    except (psycopg.Error, _NoRoomError) as error:
        if connection.closed or isinstance(error, psycopg.errors.QueryCanceled):
            raise
        said = _said(error)
        with suppress(psycopg.Error):  # what is left of it costs writes; the next attempt begins with dropping it, too
            connection.execute(_drop(number))
        connection.execute(
            "UPDATE documents_payloadindex SET state = 'failed', error = %s,"
            " retry_at = now() + least(power(2, least(attempts, 12)), 1440) * interval '1 minute' WHERE id = %s",
            (said, number),
        )
        return f"The index of {name} could not be built: {said}"
    connection.execute(
        "UPDATE documents_payloadindex SET state = 'ready', value = %s, key = %s, built_at = clock_timestamp(),"
        " error = NULL, attempts = 0, retry_at = NULL WHERE id = %s",
        (value, key, number),
    )
    return f"Built the index of {name} in {monotonic() - begun:.1f} s."


class _NoRoomError(Exception):
    pass


def _require_room(connection: psycopg.Connection[Any]) -> None:
    [(others,)] = connection.execute("SELECT count(*) FROM documents_payloadindex WHERE state = 'ready'")
    if others >= MAX_INDEXES:
        raise _NoRoomError(f"the database has {others} payload indexes, which is the most it may have")


def _retire(connection: psycopg.Connection[Any], number: int) -> Iterator[str]:
    """Drop an index without user. One that gets a user meanwhile stays in the registry, and is built again."""
    if not _if_unused(connection, number, "UPDATE documents_payloadindex SET state = 'dropping' WHERE id = %s"):
        return
    connection.execute(_drop(number))
    connection.execute(registry.FORGET_DELETED_NAMESPACES, (number,))
    if _if_unused(connection, number, "DELETE FROM documents_payloadindex WHERE id = %s"):
        yield f"Dropped the index {index_name(number)}, which no namespace declares any more."


def _if_unused(connection: psycopg.Connection[Any], number: int, statement: str) -> bool:
    """Whether the statement was run: with the row locked, so that no new user comes in between (registry.declare)."""
    with connection.transaction():
        connection.execute("SELECT 1 FROM documents_payloadindex WHERE id = %s FOR UPDATE", (number,))
        row = connection.execute(
            f"SELECT 1 FROM documents_payloadindex p WHERE p.id = %s AND NOT {registry.USED}", (number,)
        ).fetchone()
        if row is None:
            return False
        connection.execute(statement.encode(), (number,))
        return True


def _drop(number: int) -> bytes:
    return f"DROP INDEX CONCURRENTLY IF EXISTS {index_name(number)}".encode()


def _said(error: Exception) -> str:
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return primary or str(error) or type(error).__name__


builder: Final = Builder()
