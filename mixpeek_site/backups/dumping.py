"""Making a backup: pg_dump and the checks look at one snapshot, so they tell of the same rows whoever writes meanwhile."""

import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import Final, TypeVar

from mixpeek_site.backups import archive, checks, programs, server
from mixpeek_site.backups.checks import Table
from mixpeek_site.backups.errors import BackupError
from mixpeek_site.backups.manifest import FORMAT, PRODUCT, Dump, Inventory, Manifest, major
from mixpeek_site.backups.programs import Programs
from mixpeek_site.backups.server import Connection, Server
from mixpeek_site.whole_files import written_aside

TakeInventory = Callable[[Connection], Inventory]
Tell = Callable[[int, int], None]
"""Told how many bytes came out so far, and how many of the tables' bytes that is worth."""

_LOOK_SECONDS: Final = 0.5
_TABLE_DATA: Final = re.compile(r"^\d+; \d+ \d+ TABLE DATA (\S+) (\S+) ")
_T = TypeVar("_T")


def table_bytes(of: Server) -> int:
    """Bytes of all tables, without their indexes: what a backup has to read."""
    with of.connect() as connection:
        return sum(table.bytes for table in checks.tables(connection))


def back_up(
    of: Server,
    target: Path,
    *,
    force: bool,
    product_version: str,
    take_inventory: TakeInventory,
    tell: Tell,
    check: Callable[[Path], None],
) -> Manifest:
    """Write a backup of the database into a file; its manifest, once the file is there.

    `check` reads the file before it gets its name, and raises BackupError when it is not good. Raises BackupError and
    whole_files.TargetError; then, as after Ctrl-C, there is no new file, and an old one is as it was.
    """
    with written_aside(target, force=force, private=True) as (file, partial), archive.Writer(file) as writer:
        with of.connect(autocommit=False) as connection:
            version = server.version(connection)
            tools = programs.choose(major(version), f"The database server is PostgreSQL {version}")
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            [(snapshot, moment)] = connection.execute("SELECT pg_export_snapshot(), clock_timestamp()")
            migrations = _migrations(connection)
            extensions = dict(connection.execute("SELECT extname, extversion FROM pg_extension WHERE extname <> 'plpgsql'"))
            tables = checks.tables(connection)
            with _meanwhile(connection, lambda: (checks.check(connection, tables), take_inventory(connection))) as found:
                with writer.dump() as dump:
                    _dump(of, tools, snapshot, tables, dump, tell)
                checked, inventory = found()
            connection.rollback()
        made = Manifest(
            product=PRODUCT,
            format=FORMAT,
            product_version=product_version,
            created_at=f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            postgresql=version,
            database=of.database,
            migrations=migrations,
            inventory=inventory,
            tables=checked,
            dump=Dump(dump.bytes, dump.sha256, tools.version),
            extensions=extensions,
        )
        writer.finish(made)
        file.flush()
        check(partial)
    return made


def read_back(found: archive.Archive, tell: Callable[[int], None]) -> None:
    """Read all of a backup: the dump, whose digest the manifest has, and pg_restore's list of it. Raises BackupError."""
    found.check(tell)
    tools = programs_for(found.manifest)
    with found.dump() as read:
        listed = programs.listed(tools, read)
    held = {".".join(match.groups()) for line in listed if (match := _TABLE_DATA.match(line))}
    if missing := sorted(found.manifest.tables.keys() - held):
        raise BackupError(f"{found.path} can't be used. Its dump lacks tables: {', '.join(missing)}.")


def programs_for(manifest: Manifest) -> Programs:
    """Those that read the backup's dump. Raises BackupError."""
    return programs.choose(major(manifest.dump.pg_dump), f"The backup was written by pg_dump {manifest.dump.pg_dump}")


def _migrations(connection: Connection) -> dict[str, list[str]]:
    """Those that were applied, by application. Raises BackupError when it is no database of a store."""
    [(there,)] = connection.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
    if not there:
        raise BackupError("The database is not set up, so there is nothing to back up: run manage.py migrate.")
    applied: dict[str, list[str]] = {}
    for app, name in connection.execute("SELECT app, name FROM django_migrations ORDER BY app, name"):
        applied.setdefault(app, []).append(name)
    return applied


def _dump(of: Server, tools: Programs, snapshot: str, tables: list[Table], dump: archive.Digested, tell: Tell) -> None:
    # Strong compression would take three times as long for a sixth less.
    options = ["--format=custom", "--compress=1", "--no-password", f"--snapshot={snapshot}"]
    name = f"mixpeek backup {os.getpid()}"
    with (
        of.connect() as looking,
        programs.running([tools.path("pg_dump"), *options, of.argument()], of.environment(name)) as running,
    ):
        position = _Position(looking, name, tables)
        looked = time.monotonic()
        while chunk := os.read(running.output.fileno(), archive.CHUNK):
            dump.write(chunk)
            if time.monotonic() - looked > _LOOK_SECONDS:
                looked = time.monotonic()
                tell(dump.bytes, position.now())


class _Position:
    """How much of the tables pg_dump has read, in bytes, going by what PostgreSQL shows of its COPY."""

    def __init__(self, connection: Connection, application_name: str, tables: list[Table]) -> None:
        self._connection = connection
        self._name = application_name
        self._tables = {table.oid: table for table in tables}
        self._begun: dict[int, float] = {}

    def now(self) -> int:
        statement = (
            "SELECT p.relid::bigint, p.tuples_processed FROM pg_stat_progress_copy p JOIN pg_stat_activity a ON a.pid = p.pid"
            " WHERE a.application_name = %s"
        )
        for oid, rows in self._connection.execute(statement, (self._name,)):
            table = self._tables.get(oid)
            if table is None:
                continue
            self._begun = dict.fromkeys(self._begun, 1.0)
            self._begun[oid] = min(rows / table.estimated_rows, 1.0) if table.estimated_rows else 0.5
        return int(sum(self._tables[oid].bytes * share for oid, share in self._begun.items()))


@contextmanager
def _meanwhile(connection: Connection, work: Callable[[], _T]) -> Iterator[Callable[[], _T]]:
    """`work` on its connection in a thread of its own; what is yielded waits for its result."""
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(work)
        try:
            yield result.result
        except BaseException:
            connection.cancel()
            raise
