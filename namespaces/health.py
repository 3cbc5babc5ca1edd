"""Whether the database answers, and has all that it should: asked on a connection of its own, so that a frozen one can't keep
the answer back.
"""

import time
from dataclasses import dataclass, field
from typing import Any, LiteralString, NamedTuple

import psycopg
from django.db import connections
from psycopg.conninfo import make_conninfo

LIMIT_SECONDS = 3


class Part(NamedTuple):
    """Something that the database may lack: `statement` has a row where it is there, `fault` says that it is not."""

    service: str
    statement: LiteralString
    fault: str


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Called once for each, by the app that uses the part, when it is ready."""
    _parts[part.service] = part


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """`fault` is None when the database answered, `missing` what it lacks then, by service. Neither quotes the server, whose
    words are not for everyone.
    """

    fault: str | None
    version: str | None
    milliseconds: int
    missing: dict[str, str] = field(default_factory=dict)


def check_database() -> DatabaseHealth:
    """Connects and asks for a row, and one for each part; gives up after seconds, whether the server is down, full or frozen."""
    started = time.monotonic()
    version, fault = None, None
    missing: dict[str, str] = {}
    try:
        with psycopg.connect(make_conninfo(**_parameters())) as connection:
            row = connection.execute("SELECT current_setting('server_version')").fetchone()
            version = str(row[0]) if row else None
            missing = {part.service: part.fault for part in _parts.values() if not connection.execute(part.statement).fetchone()}
    except psycopg.Error:
        fault = "The database can't be reached."
    return DatabaseHealth(fault, version, round((time.monotonic() - started) * 1000), missing)


def _parameters() -> dict[str, Any]:
    """How Django connects, without what only its own connections need."""
    given = connections["default"].get_connection_params()
    kept = ("dbname", "user", "password", "host", "port", "service", "passfile", "sslmode", "sslrootcert", "sslcert", "sslkey")
    return {
        **{name: given[name] for name in kept if name in given},
        "connect_timeout": LIMIT_SECONDS,
        "options": f"-c statement_timeout={LIMIT_SECONDS}s",
        "application_name": "mixpeek health",
    }
