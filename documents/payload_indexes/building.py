"""Makes and drops the payload indexes (documents/index_building.py).

The catalogue is compared with the registry, so what was restored, dropped by hand or left over is put right.
"""

from collections.abc import Iterator
from time import monotonic
from typing import Any, Final, NamedTuple

import psycopg

from documents import index_building
from documents.index_building import Build, NoRoomError, Stopping, drop
from documents.payload_indexes import registry
from documents.payload_indexes.expressions import EVERYTHING, NAME_PREFIX, Kind, definition, expressions, index_name
from mixpeek_site import sql

MAX_INDEXES: Final = 200
"""Of the whole database: each costs every statement on documents planning time, and every write a look at its path."""


class _Job(NamedTuple):
    number: int
    what: str  # orphan: in no registry, retire: without user, build
    steps: list[str] | None
    kind: Kind | None


# Orphans and what has no user any more first: they make room.
_NEXT_JOB = f"""
WITH present AS (
    SELECT substr(c.relname, {len(NAME_PREFIX) + 1})::bigint AS number, i.indisvalid AS valid
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = 'documents_document'::regclass AND c.relname ~ '^{NAME_PREFIX}[0-9]{{1,18}}$'
), jobs AS (
    SELECT COALESCE(p.id, present.number) AS number, p.steps, p.kind,
        CASE
            WHEN p.id IS NULL THEN 'orphan'
            WHEN NOT {registry.USED} THEN 'retire'
            WHEN p.state = 'failed' THEN CASE WHEN p.retry_at <= now() THEN 'build' END
            WHEN p.state <> 'ready' OR present.valid IS NOT TRUE THEN 'build'
        END AS what
    FROM documents_payloadindex p FULL JOIN present ON present.number = p.id
)
SELECT number, what, steps, kind FROM jobs WHERE what IS NOT NULL ORDER BY what = 'build', number LIMIT 1
"""


class Builder(index_building.Builder):
    """Of payload indexes."""

    what = "payload indexes"
    lock = 0x50494458  # "PIDX"

    def __init__(self) -> None:
        super().__init__()
        self._declared = False

    def _prepare(self) -> Iterator[str]:
        if not self._declared:
            registry.declare_stored()
            self._declared = True
        yield from ()

    def _is_due(self) -> bool:
        return sql.one(_NEXT_JOB.replace("%", "%%")) is not None

    def _work(self, connection: psycopg.Connection[Any], stopping: Stopping) -> Iterator[str]:
        yield from _work(connection, stopping)


def _work(connection: psycopg.Connection[Any], stopping: Stopping) -> Iterator[str]:
    built = False
    while not stopping():
        row = connection.execute(_NEXT_JOB).fetchone()
        if row is None:
            break
        job = _Job(*row)
        if job.what == "build":
            assert job.steps is not None
            assert job.kind is not None
            yield _build(connection, job.number, tuple(job.steps), job.kind)
            built = True
        elif job.what == "retire":
            yield from _retire(connection, job.number)
        else:
            connection.execute(drop(index_name(job.number)))
            yield f"Dropped the index {index_name(job.number)}, which no payload index has."
    if built and not stopping():
        connection.execute("ANALYZE documents_document")  # an expression has statistics only then


def _build(connection: psycopg.Connection[Any], number: int, steps: tuple[str, ...], kind: Kind) -> str:
    begun = monotonic()
    name = f"{'.'.join(steps) or EVERYTHING} ({kind})"
    value, key = expressions(steps, kind, "d.")
    build = Build(connection, "documents_payloadindex", number, index_name(number))
    build.begin()
    try:
        connection.execute(drop(index_name(number)))
        _require_room(connection)
        connection.execute(definition(number, steps, kind).encode())
    except (psycopg.Error, NoRoomError) as error:
        return f"The index of {name} could not be built: {build.failed(error)}"
    build.is_ready("value = %s, key = %s,", value, key)
    return f"Built the index of {name} in {monotonic() - begun:.1f} s."


def _require_room(connection: psycopg.Connection[Any]) -> None:
    [(others,)] = connection.execute("SELECT count(*) FROM documents_payloadindex WHERE state = 'ready'")
    if others >= MAX_INDEXES:
        raise NoRoomError(f"the database has {others} payload indexes, which is the most it may have")


def _retire(connection: psycopg.Connection[Any], number: int) -> Iterator[str]:
    """Drop an index without user. One that gets a user meanwhile stays in the registry, and is built again."""
    if not _if_unused(connection, number, "UPDATE documents_payloadindex SET state = 'dropping' WHERE id = %s"):
        return
    connection.execute(drop(index_name(number)))
    connection.execute(registry.FORGET_DELETED_NAMESPACES, (number,))
    if _if_unused(connection, number, "DELETE FROM documents_payloadindex WHERE id = %s"):
        yield f"Dropped the index {index_name(number)}, which no namespace declares any more."


def _if_unused(connection: psycopg.Connection[Any], number: int, statement: str) -> bool:
    """Whether the statement was run: with the row locked, so that no new user comes in between (registry.declare)."""
    with connection.transaction():
        connection.execute("SELECT 1 FROM documents_payloadindex WHERE id = %s FOR UPDATE", (number,))
        row = connection.execute(
            f"SELECT 1 FROM documents_payloadindex p WHERE p.id = %s AND NOT {registry.USED}", (number,)
        ).fetchone()
        if row is None:
            return False
        connection.execute(statement.encode(), (number,))
        return True


builder: Final = Builder()
