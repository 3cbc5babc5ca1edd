"""`manage.py serve` on the test database: for tests that want real processes, sockets and commits."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlencode

from django.db import connection
from psycopg import sql

PROJECT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def another_database() -> Iterator[str]:
    """The DATABASE_URL of a database beside the test database, migrated and empty; dropped at the end."""
    require_test_database()
    name = f"{connection.settings_dict['NAME']}_beside"
    quoted = sql.Identifier(name)
    with connection._nodb_cursor() as cursor:
        cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))
        cursor.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'").format(
                quoted
            )
        )
    url = _database_url(name)
    try:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
            cwd=PROJECT,
            env={**os.environ, "DATABASE_URL": url},
            check=True,
        )
        yield url
    finally:
        with connection._nodb_cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))


@contextlib.contextmanager
def serving(*arguments: str, database: str | None = None) -> Iterator[str]:
    """The base URL of a server that answers; ended at the end. `arguments` as for `manage.py serve`.

    `database`: a DATABASE_URL; None: the test database.
    """
    require_test_database()
    port = free_port()
    process = subprocess.Popen(
        # A test of housekeeping wants to be the one that does it.
        [sys.executable, "manage.py", "serve", "--no-housekeeping", "--port", str(port), *arguments],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": database or _database_url()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "Serving on" in line, line + process.communicate(timeout=30)[0]
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def remove_committed() -> None:
    """Leave nothing to the tests that follow: every row hangs on an organization, or is of the registry of indexes."""
    require_test_database()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE namespaces_organization, documents_payloadindex CASCADE")


def require_test_database() -> None:
    """Fail rather than serve or empty a real database.

    pytest-django makes the test database only if a selected test asks for one, by the `django_db` mark or the fixture `db`.
    """
    name = connection.settings_dict["NAME"]
    assert name.startswith("test_"), f"{name} is no test database: mark the test with django_db"


def _database_url(name: str | None = None) -> str:
    """The test database, or another one beside it, as a DATABASE_URL, also when it is in the embedded server."""
    settings = connection.settings_dict
    account = quote(settings["USER"], safe="") + (f":{quote(settings['PASSWORD'], safe='')}" if settings["PASSWORD"] else "")
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    options = {"host": settings["HOST"]} if settings["HOST"] else {}
    return f"postgresql://{account}@{port}/{quote(name or settings['NAME'], safe='')}?{urlencode(options)}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
