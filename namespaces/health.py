"""Whether the database answers: asked on a connection of its own, so that a frozen one can't keep the answer back."""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connections
from psycopg.conninfo import make_conninfo

LIMIT_SECONDS = 3


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """`fault` is None when the database answered; it never quotes the server, whose words are not for everyone."""

    fault: str | None
    version: str | None
    milliseconds: int


def check_database() -> DatabaseHealth:
    """Connects and asks for one row; gives up after a few seconds, whether the server is down, full or frozen."""
    started = time.monotonic()
    version, fault = None, None
    try:
        with psycopg.connect(make_conninfo(**_parameters())) as connection:
            row = connection.execute("SELECT current_setting('server_version')").fetchone()
            version = str(row[0]) if row else None
    except psycopg.Error:
        fault = "The database can't be reached."
    return DatabaseHealth(fault, version, round((time.monotonic() - started) * 1000))


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
