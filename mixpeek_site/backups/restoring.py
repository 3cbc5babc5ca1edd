"""Restoring: into a new database beside the old one, checked there; then both change their names in one transaction.

So whatever fails, or is killed, before that moment leaves the old data as they were, and what is left beside is removed
by the next restore.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg
from psycopg import sql

from mixpeek_site.backups import checks, programs
from mixpeek_site.backups.archive import Archive
from mixpeek_site.backups.dumping import programs_for
from mixpeek_site.backups.errors import BackupError
from mixpeek_site.backups.like import create_like
from mixpeek_site.backups.manifest import major
from mixpeek_site.backups.server import Connection, Server, version
from mixpeek_site.ids import new_uuid7

_BESIDE: Final = "restoring"
_REPLACED: Final = "replaced"
_TERMINATE_SECONDS: Final = 0.05
_SWAP_TRIES: Final = 3
_MAX_NAME_BYTES: Final = 63
_SETS_TRANSACTION_TIMEOUT: Final = 17
_UNKNOWN_TIMEOUT: Final = '"transaction_timeout"'
_IGNORED: Final = re.compile(r"warning: errors ignored on restore: (\d+)$")

Tell = Callable[[int], None]
Say = Callable[[str], None]


def refuse_unfit(of: Server, archive: Archive) -> None:
    """Raises BackupError when the server or the account can't take this backup; changes nothing."""
    manifest = archive.manifest
    with of.connect() as connection:
        here = version(connection)
        if major(here) < major(manifest.postgresql):
            raise BackupError(
                f"The backup is of PostgreSQL {manifest.postgresql}, and the server is PostgreSQL {here}: a dump goes to the same"
                " version or a later one."
            )
        programs_for(manifest)
        [(may_create, owns)] = connection.execute(
            "SELECT r.rolsuper OR r.rolcreatedb, pg_has_role(r.oid, d.datdba, 'USAGE')"
            " FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()"
        )
        user = connection.info.user
        offered = {name for (name,) in connection.execute("SELECT name FROM pg_available_extensions")}
    if missing := sorted(manifest.extensions.keys() - offered):
        raise BackupError(
            f"The backup needs what this server does not have, the PostgreSQL extension {' and '.join(map(_told, missing))}:"
            " install it on the database server, then restore again."
        )
    if not may_create:
        raise BackupError(
            f"A restore makes a new database beside the old one, and {user} may not make databases: let an"
            f' administrator run ALTER ROLE "{user}" CREATEDB.'
        )
    if not owns:
        raise BackupError(f"The database {of.database} belongs to another account than {user}: only its owner can replace it.")


def _told(extension: str) -> str:
    return "pgvector (named vector), because it holds vectors" if extension == "vector" else extension


def restore_into(of: Server, database: str, archive: Archive, tell: Tell, say: Say) -> None:
    """Fill an empty database from the backup and compare it with the manifest.

    `tell` gets the bytes of the dump that are read. Raises BackupError when it fails or anything differs.
    """
    tools = programs_for(archive.manifest)
    with of.connect(database) as connection:
        unknown = tools.major >= _SETS_TRANSACTION_TIMEOUT > major(version(connection))
    command = [
        tools.path("pg_restore"), "--format=custom", "--no-owner", "--no-privileges", "--no-password", "--verbose",
        *(() if unknown else ("--exit-on-error",)), of.argument(database),
    ]  # fmt: skip
    heard = _Heard(say)
    # Nothing hangs on any single commit: the one that swaps the names makes all that went before durable. An index of vectors
    # built by several processes needs as much shared memory as it may have, and containers have next to none.
    settings = "-c synchronous_commit=off -c max_parallel_maintenance_workers=0"
    environment = of.environment("mixpeek restore", settings)
    with (
        archive.dump() as read,
        programs.running(
            command, environment, reads=True, hear=heard, forgives=lambda: unknown and heard.only_of_the_timeout
        ) as running,
    ):
        length = 0
        while not heard.failed and (chunk := read()) and running.feed(chunk):
            length += len(chunk)
            tell(length)
    say("Comparing every table with the backup's manifest …")
    with of.connect(database) as connection:
        differing = checks.differences(archive.manifest.tables, checks.check(connection, checks.tables(connection)))
        if differing:
            raise BackupError(f"What was restored is not what was backed up: {'; '.join(differing)}.")
        _analyze(connection)


class _Heard:
    """What pg_restore says of itself; the first index it makes is worth a word: from then on no data come.

    Since PostgreSQL 17 it sets `transaction_timeout`, an error on servers before that, which have no such setting. It goes
    on behind errors only if it goes on behind all, so they are counted: `failed` tells of any other.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._said = False
        self._of_the_timeout = 0
        self._ignored = 0
        self.failed = False

    @property
    def only_of_the_timeout(self) -> bool:
        """Whether all that it went on behind was that, and it came to its end."""
        return not self.failed and 0 < self._ignored == self._of_the_timeout

    def __call__(self, line: str) -> bool:
        if not self._said and ": creating INDEX " in line:
            self._said = True
            self._say("The rows are in; making the indexes …")
        if found := _IGNORED.search(line):
            self._ignored = int(found[1])
            return True
        if "error:" in line and _UNKNOWN_TIMEOUT in line:
            self._of_the_timeout += 1
            return True
        self.failed = self.failed or "error:" in line
        return "error:" not in line and "warning:" not in line and "detail:" not in line.lower()


def _analyze(connection: Connection) -> None:
    """Statistics are not in a dump. Tables that are to have none (documents/counting.py) say so in their settings."""
    wanted = [
        sql.Identifier(schema, name)
        for schema, name in connection.execute(
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"
            " AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"
            " AND NOT coalesce('autovacuum_analyze_threshold=2147483647' = ANY (c.reloptions), false)"
        )
    ]
    connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(wanted)))


# The databases beside -------------------------------------------------------------------------------------------------


@contextmanager
def beside(of: Server) -> Iterator[str]:
    """The name of a new, empty database like the one that `of` means; dropped at the end unless it was renamed.

    One restore of a database at a time: what an earlier one that was killed left behind is dropped first. Raises
    BackupError.
    """
    with of.connect_for_maintenance() as connection:
        [(held,)] = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (f"restore {of.database}",))
        if not held:
            raise BackupError(f"Another restore or check of a backup of {of.database} is at work.")
        for leftover in _named(connection, of.database, _BESIDE):
            _drop(connection, leftover)
        name = _name(of.database, _BESIDE)
        try:
            create_like(connection, of.database, name)
            yield name
        except psycopg.errors.InsufficientPrivilege as error:
            raise BackupError(f"The account may not do that: {error}") from error
        finally:
            with suppress(psycopg.Error):  # the next restore drops it
                _drop(connection, name)


def replaced(of: Server) -> list[str]:
    """Databases that earlier restores replaced and that are still there."""
    with of.connect_for_maintenance() as connection:
        return _named(connection, of.database, _REPLACED)


def swap(of: Server, new: str) -> str:
    """Give the database `new` the name of the one that `of` means; the name of that one from now on.

    Both names change in one transaction. Whoever is connected to the old database is disconnected; who connects
    meanwhile waits. Raises BackupError, and nothing has changed.
    """
    aside = _name(of.database, _REPLACED)
    with of.connect_for_maintenance() as connection, of.connect_for_maintenance() as ending:
        for last in (False,) * (_SWAP_TRIES - 1) + (True,):
            try:
                with _disconnected(ending, of.database), connection.transaction():
                    connection.execute(_RENAME.format(sql.Identifier(of.database), sql.Identifier(aside)))
                    connection.execute(_RENAME.format(sql.Identifier(new), sql.Identifier(of.database)))
                return aside
            except psycopg.errors.ObjectInUse as error:
                if last:
                    raise BackupError(f"Others stay connected to {of.database}; end them and restore again. ({error})") from error
            except psycopg.errors.InsufficientPrivilege as error:
                raise BackupError(f"The account may not rename {of.database}: {error}") from error
    raise AssertionError("unreachable")


def drop(of: Server, name: str) -> None:
    with of.connect_for_maintenance() as connection:
        _drop(connection, name)


_RENAME: Final = sql.SQL("ALTER DATABASE {} RENAME TO {}")


@contextmanager
def _disconnected(connection: Connection, database: str) -> Iterator[None]:
    """End the connections to a database as long as this lasts.

    A rename locks out new connections, then waits five seconds for those that are there to go.
    """
    ended = threading.Event()

    def end() -> None:
        with suppress(psycopg.Error):  # what may not be ended keeps the rename from happening, which is told
            while not ended.wait(_TERMINATE_SECONDS):
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = %s AND backend_type = 'client backend'",
                    (database,),
                )

    thread = threading.Thread(target=end, name="disconnect", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _name(database: str, purpose: str) -> str:
    """Eight random letters keep it from meeting a database of somebody else."""
    end = f"_{purpose}_{new_uuid7().hex[-8:]}"
    if len(database.encode()) + len(end) > _MAX_NAME_BYTES:
        end = f"_{hashlib.sha256(database.encode()).hexdigest()[:8]}{end}"  # so that it stays the name of this one
    return database.encode()[: _MAX_NAME_BYTES - len(end)].decode(errors="ignore") + end


def _named(connection: Connection, database: str, purpose: str) -> list[str]:
    beginning = _name(database, purpose)[:-8]
    names = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s) ORDER BY 1", (beginning,))
    return [name for (name,) in names if len(name) == len(beginning) + 8 and set(name[-8:]) <= set("0123456789abcdef")]


def _drop(connection: Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
