"""Makes and drops indexes while others go on reading and writing: CREATE and DROP INDEX CONCURRENTLY, behind the requests.

A build may take minutes, so each kind of index has a thread with a connection of its own, and the other duties of
housekeeping go on. Whatever kills a build leaves an invalid index behind; each build begins with dropping what has its name.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, ClassVar, Final

import psycopg
from django.db import connection as of_this_thread

Stopping = Callable[[], bool]

_LOOK_SECONDS: Final = 0.1


class Builder(ABC):
    """The one thread of this process that makes and drops indexes of one kind."""

    what: ClassVar[str]
    """What it builds, in the plural."""
    lock: ClassVar[int]
    """One builder of a kind per database, also when housekeeping changes hands during a build."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._connection: psycopg.Connection[Any] | None = None
        self._stopped = False
        self._said: SimpleQueue[str] = SimpleQueue()

    @abstractmethod
    def _prepare(self) -> Iterator[str]:
        """What comes before a look for work, on the connection of the caller; a line for each thing done."""

    @abstractmethod
    def _is_due(self) -> bool:
        """Whether there is anything to do."""

    @abstractmethod
    def _work(self, connection: psycopg.Connection[Any], stopping: Stopping) -> Iterator[str]:
        """Do it all, unless `stopping`; a line for each thing done. No transaction is open, no statement's time is limited."""

    def _progress(self) -> Iterator[str]:
        """How far the running thread is."""
        yield from ()

    def keep(self, stopping: Stopping) -> Iterator[str]:
        """A duty of housekeeping: begin with what is to be done, and say what was done since the last round."""
        yield from self._lines()
        if self._thread is not None and self._thread.is_alive():
            yield from self._progress()
            return
        yield from self._prepare()
        if not stopping() and self._is_due():
            self._stopped = False
            self._thread = threading.Thread(target=self._run, name=self.what.replace(" ", "-"), daemon=True)
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
            [(alone,)] = connection.execute("SELECT pg_try_advisory_lock(%s)", (self.lock,))
            if alone:
                for line in self._work(connection, lambda: self._stopped):
                    self._said.put(line)
        except Exception as error:  # told in the log; the next round begins anew
            if not self._stopped:
                self._said.put(f"Work on {self.what} was broken off: {error}")
        finally:
            self._connection = None
            of_this_thread.close()


class NoRoomError(Exception):
    """The database has as many indexes of the kind as it may have."""


@dataclass(frozen=True, slots=True)
class Build:
    """One index that is being built; `number` is its row in the registry `table` (documents/models.py, BuiltBehind)."""

    connection: psycopg.Connection[Any]
    table: str
    number: int
    index: str

    def begin(self) -> None:
        self._set("state = 'building', attempts = attempts + 1")

    def is_ready(self, more: str = "", *params: Any) -> None:
        """`more`: what else is set, with a comma behind it."""
        cleared = "error = NULL, attempts = 0, retry_at = NULL"
        self._set(f"{more} state = 'ready', built_at = clock_timestamp(), {cleared}", *params)

    def failed(self, error: Exception) -> str:
        """Why, in one line; it is tried again later. Raises the error where the build was broken off, and can be done."""
        if self.connection.closed or isinstance(error, psycopg.errors.QueryCanceled):
            raise error
        reason = _said(error)
        with suppress(psycopg.Error):  # what is left of it costs writes; the next attempt begins with dropping it, too
            self.connection.execute(drop(self.index))
        later = "now() + least(power(2, least(attempts, 12)), 1440) * interval '1 minute'"
        self._set(f"state = 'failed', error = %s, retry_at = {later}", reason)
        return reason

    def _set(self, what: str, *params: Any) -> None:
        self.connection.execute(f"UPDATE {self.table} SET {what} WHERE id = %s".encode(), (*params, self.number))


def drop(name: str) -> bytes:
    """The statement that drops an index, if there is one of that name, which is one of ours."""
    return f"DROP INDEX CONCURRENTLY IF EXISTS {name}".encode()


def _said(error: Exception) -> str:
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return primary or str(error) or type(error).__name__
