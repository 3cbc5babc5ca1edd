"""A WSGI application for tests of `serve`: it tells who answers, takes its time, and asks the database."""

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.bare_settings")

import django

django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402
from django.db import OperationalError, connection  # noqa: E402


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    status, body = "200 OK", ""
    match environ["PATH_INFO"].strip("/").split("/"):
        case ["pid"]:
            body = str(os.getpid())
        case ["held"]:
            note("held")
            while not (settings.DATA_DIR / "released").exists():
                time.sleep(0.02)
        case ["counted"]:
            note("counted")
            time.sleep(0.01)
        case ["database"]:
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 'from the database'")
                    (body,) = cursor.fetchone()
            except OperationalError:
                connection.close()
                status = "503 Service Unavailable"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body.encode()]


def note(what: str) -> None:
    """One more, in a file of the data directory whose size tells how many."""
    with (settings.DATA_DIR / what).open("ab", buffering=0) as file:
        file.write(b".")
