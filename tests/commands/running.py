"""Commands of the project for tests: in this process, or in one of their own on the tests' database.

told = ran("import_documents", str(file), *places(api, "scenes")); assert told.code == 0
with started("housekeep") as process: until("a purge", lambda: …)
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from typing import Any, NamedTuple

from django.core.management import call_command

from tests import server
from tests.cast import Api


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def ran(command: str, *arguments: str, **options: Any) -> Ran:
    """The command, run here. Raises CommandError as it does; any other end is in `code`."""
    out, err = StringIO(), StringIO()
    try:
        call_command(command, *arguments, stdout=out, stderr=err, **options)
    except SystemExit as ended:
        return Ran(int(str(ended.code)), out.getvalue(), err.getvalue())
    return Ran(0, out.getvalue(), err.getvalue())


def places(api: Api, collection: str | None = None) -> list[str]:
    """Arguments that name the place of a client, and a collection of it."""
    named = ["--organization", api.scope.organization_public_id, "--namespace", str(api.namespace)]
    return named if collection is None else [*named, "--collection", collection]


def started(*arguments: str, database: str | None = None, **popen: Any) -> "subprocess.Popen[str]":
    """The command, running, its streams pipes. `database`: a DATABASE_URL; None: the tests' database."""
    streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=server.PROJECT,
        env={**os.environ, "DATABASE_URL": database or server._database_url()},
        text=True,
        **{**streams, **popen},
    )


def until(what: str, holds: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} seconds"
        time.sleep(0.05)
