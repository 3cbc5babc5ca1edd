"""What this process sends to PostgreSQL, read from libpq's own trace of the connection: it misses nothing and needs no log."""

import contextlib
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection
from psycopg.pq import Trace

_RECEIVED = re.compile(r"^B\t(\d+)\t", re.MULTILINE)
_MESSAGE = re.compile(r"^F\t\d+\t(\w+)", re.MULTILINE)
_PREPARED = re.compile(r'^ "([^"]*)" "(.*)"', re.DOTALL)
_NAMED = re.compile(r'^ "([^"]*)" "([^"]*)"')


@dataclass
class Sent:
    """The statements of one block, in order, each of one kind."""

    data: list[str] = field(default_factory=list)
    locks: list[str] = field(default_factory=list)
    transaction: list[str] = field(default_factory=list)
    received: int = 0
    """Bytes that the server answered."""

    def add(self, statement: str) -> None:
        word = statement.split(None, 1)[0].upper()
        if word in ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE"):
            self.transaction.append(word)
        elif "SELECT pg_advisory_xact_lock" in statement:
            self.locks.append(statement)
        else:
            self.data.append(statement)

    @property
    def counts(self) -> tuple[int, int, int]:
        return len(self.data), len(self.locks), len(self.transaction)


@contextlib.contextmanager
def statements() -> Iterator[Sent]:
    """Fills what it yields when the block ends. The connection begins anew, so that every statement shows its text."""
    connection.close()
    connection.ensure_connection()
    pgconn = connection.connection.pgconn
    sent = Sent()
    with tempfile.TemporaryFile("w+") as trace:
        pgconn.trace(trace.fileno())
        pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        try:
            yield sent
        finally:
            pgconn.untrace()
        trace.seek(0)
        sent.received = sum(map(int, _RECEIVED.findall(trace.read())))
        trace.seek(0)
        texts: dict[str, str] = {}
        for kind, rest in _messages(trace.read()):
            if kind == "Query":
                sent.add(rest.strip().strip('"'))
            elif kind == "Parse" and (parsed := _PREPARED.match(rest)):
                texts[parsed[1]] = parsed[2]
            elif kind == "Bind" and (bound := _NAMED.match(rest)):
                sent.add(texts[bound[2]])


def _messages(trace: str) -> Iterator[tuple[str, str]]:
    """Kind and content of each message to the server."""
    for line in re.split(r"\n(?=[FB]\t)", trace):
        if message := _MESSAGE.match(line):
            yield message[1], line[message.end() :].lstrip("\t")
