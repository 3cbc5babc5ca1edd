"""What every test shares: the database is a real PostgreSQL, the embedded one or the one that DATABASE_URL names."""

import contextlib
import os
import signal
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from django.conf import settings
from django.db import DatabaseError, connection
from django.test import TransactionTestCase
from psycopg import sql
from pytest_django import DjangoDbBlocker
from whitenoise.middleware import WhiteNoiseMiddleware

from mixpeek_site.blob_stores.configuration import LocalOptions
from mixpeek_site.embedded import allow_start
from tests import emptying
from tests.server import serving

# A run that a shell began in the background ignores Ctrl-C, and so would every command that a test interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

_look_for_files = WhiteNoiseMiddleware.add_files_from_finders
_static_files: dict[str, Any] = {}


def _look_for_files_once(middleware: WhiteNoiseMiddleware) -> None:
    """Every client of a test makes the middleware anew, whose look for static files takes longer than most tests."""
    if not _static_files:
        _look_for_files(middleware)
        _static_files.update(middleware.files)
    middleware.files.update(_static_files)


WhiteNoiseMiddleware.add_files_from_finders = _look_for_files_once
TransactionTestCase._fixture_teardown = emptying.empty  # type: ignore[attr-defined]

# pytest-django makes its test database on that server; the first connection starts it.
allow_start()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_blocker: DjangoDbBlocker) -> None:
    """Each run has a database of its own, so that several may go on at once in one working tree."""
    prefix = f"test_{connection.settings_dict['NAME']}_"
    if "EMBEDDED_DATA_DIR" in connection.settings_dict:
        with django_db_blocker.unblock():
            _drop_leftovers(prefix)
    connection.settings_dict["TEST"]["NAME"] = f"{prefix}{os.getpid()}"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Without autovacuum: an ANALYZE beside a test whose rows are not committed finds none, and plans go by that."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in connection.introspection.django_table_names(only_existing=True, include_views=False):
            cursor.execute(sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = off)").format(sql.Identifier(table)))


def _drop_leftovers(prefix: str) -> None:
    """Remove the databases of runs that were killed."""
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{prefix}[0-9]+$"])
        for (name,) in cursor.fetchall():
            if not psutil.pid_exists(int(name.removeprefix(prefix))):
                with contextlib.suppress(DatabaseError):  # another run was first
                    cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session", autouse=True)
def _blobs_in_a_directory_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Here, and in the servers and commands that the tests start."""
    directory = tmp_path_factory.mktemp("blobs")
    os.environ["BLOB_STORES"] = f"local://{directory}"
    settings.BLOB_STORES = (LocalOptions(directory),)


@pytest.fixture(scope="session")
def server(django_db_setup: None) -> Iterator[str]:
    """The base URL of the real server on the test database; it sees what is committed (tests/server.py)."""
    with serving("--workers", "1", "--threads", "4") as url:
        yield url
