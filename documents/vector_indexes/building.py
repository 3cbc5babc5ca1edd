"""Makes and drops the vector indexes (documents/index_building.py), and has collections of many vectors get theirs.

The catalogue is compared with the registry: a declaration that changes is a new row with a number of its own, so an index
without a row has had its day, whether it was dropped, changed, restored, or went with its place.
"""

from collections.abc import Iterator
from time import monotonic
from typing import Any, Final, NamedTuple

import psycopg
from django.conf import settings

from documents import index_building
from documents.counting import collection_count_sql
from documents.features import extension
from documents.index_building import Build, NoRoomError, Stopping, drop
from documents.vector_indexes import registry
from documents.vector_indexes.declaring import declare_stored
from documents.vector_indexes.expressions import MAX_HNSW_DIMENSIONS, NAME_PREFIX, M, Metric, definition, index_name
from mixpeek_site import sql

MANY: Final = 10_000
"""Vectors of a name that its namespace declares, from which a collection gets an index: comparing all takes longer then."""

LOOK_SECONDS: Final = 60.0
"""Between looks for collections that have become that large."""

TELL_SECONDS: Final = 30.0
"""Between lines about how far a build is."""


class _Job(NamedTuple):
    number: int
    what: str  # orphan: in no registry, or of a deleted place; build
    namespace_id: int
    collection_id: int
    collection: str
    name: str
    dimensions: int
    metric: Metric


# Orphans first: every write looks at them.
_NEXT_JOB = f"""
WITH present AS (
    SELECT substr(c.relname, {len(NAME_PREFIX) + 1})::bigint AS number, i.indisvalid AS valid
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = 'documents_feature'::regclass AND c.relname ~ '^{NAME_PREFIX}[0-9]{{1,18}}$'
), wanted AS (
    SELECT v.*, c.public_id FROM documents_vectorindex v
    JOIN namespaces_namespace n ON n.id = v.namespace_id AND n.deleted_at IS NULL
    JOIN namespaces_collection c ON c.namespace_id = v.namespace_id AND c.id = v.collection_id AND c.deleted_at IS NULL
    WHERE v.type = 'hnsw'
), jobs AS (
    SELECT COALESCE(w.id, present.number) AS number, w.namespace_id, w.collection_id, w.public_id, w.name, w.dimensions, w.metric,
        CASE
            WHEN w.id IS NULL THEN 'orphan'
            WHEN w.state = 'failed' THEN CASE WHEN w.retry_at <= now() THEN 'build' END
            WHEN w.state <> 'ready' OR present.valid IS NOT TRUE THEN 'build'
        END AS what
    FROM wanted w FULL JOIN present ON present.number = w.id
)
SELECT number, what, namespace_id, collection_id, public_id, name, dimensions, metric
FROM jobs WHERE what IS NOT NULL ORDER BY what = 'build', number LIMIT 1
"""

_WITHOUT_EXTENSION = """
UPDATE documents_vectorindex SET state = 'failed', error = %s, attempts = 0, retry_at = NULL
WHERE collection_id IS NOT NULL AND error IS DISTINCT FROM %s
RETURNING id
"""
_WITH_EXTENSION = """
UPDATE documents_vectorindex
SET state = CASE WHEN type = 'hnsw' THEN 'pending' ELSE 'ready' END, error = NULL, attempts = 0, retry_at = NULL
WHERE error = %s
RETURNING id
"""
# A collection has at most as many vectors of a name as documents; so few are counted, and no further than to MANY.
_GROWN = f"""
INSERT INTO documents_vectorindex (namespace_id, collection_id, of_namespace, name, dimensions, metric, type)
SELECT v.namespace_id, c.collection_id, true, v.name, v.dimensions, v.metric, 'hnsw'
FROM documents_vectorindex v
JOIN LATERAL (
    SELECT k.namespace_id, k.id AS collection_id, k.public_id FROM namespaces_collection k
    WHERE k.namespace_id = v.namespace_id AND k.deleted_at IS NULL
) c ON true
JOIN namespaces_namespace n ON n.id = v.namespace_id AND n.deleted_at IS NULL
WHERE v.collection_id IS NULL AND v.dimensions <= {MAX_HNSW_DIMENSIONS}
AND NOT EXISTS (
    SELECT FROM documents_vectorindex w
    WHERE w.namespace_id = v.namespace_id AND w.collection_id = c.collection_id AND w.name = v.name)
AND {collection_count_sql("c")} >= %s
AND EXISTS (
    SELECT FROM documents_feature f
    WHERE f.namespace_id = v.namespace_id AND f.collection_id = c.collection_id AND f.name = v.name AND f.kind = 'dense'
    OFFSET %s - 1 LIMIT 1)
LIMIT greatest(0, %s - (SELECT count(*) FROM documents_vectorindex x WHERE x.type = 'hnsw'))
ON CONFLICT DO NOTHING
RETURNING name, (SELECT k.public_id FROM namespaces_collection k WHERE k.id = collection_id)
"""


class Builder(index_building.Builder):
    """Of vector indexes."""

    what = "vector indexes"
    lock = 0x56494458  # "VIDX"

    def __init__(self) -> None:
        super().__init__()
        self._begun = False
        self._looked_at = -LOOK_SECONDS
        self._told_at = 0.0

    def _prepare(self) -> Iterator[str]:
        if not extension.available():
            if sql.rows(_WITHOUT_EXTENSION, (extension.ABSENT, extension.ABSENT)):
                yield f"Vector indexes can't be built. {extension.ABSENT}"
            return
        if not self._begun:
            declare_stored()
            sql.run(_WITH_EXTENSION, (extension.ABSENT,))
            self._begun = True
        if monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = monotonic()
            for name, collection in sql.rows(_GROWN, (MANY, MANY, registry.MAX_INDEXES)):
                yield f"Collection {collection} has {MANY:,} vectors named {name}, or more, and gets an index of them."

    def _is_due(self) -> bool:
        return extension.available() and sql.one(_NEXT_JOB.replace("%", "%%")) is not None

    def _work(self, connection: psycopg.Connection[Any], stopping: Stopping) -> Iterator[str]:
        self._told_at = monotonic()
        yield from _work(connection, stopping)

    def _progress(self) -> Iterator[str]:
        if monotonic() - self._told_at < TELL_SECONDS:
            return
        self._told_at = monotonic()
        for index, phase, done, of in sql.rows(_PROGRESS):
            share = f", {100 * done / of:.0f} %" if of else ""
            yield f"Building {index}: {phase}{share}."


_PROGRESS = """
SELECT c.relname, p.phase, CASE WHEN p.tuples_total > 0 THEN p.tuples_done ELSE p.blocks_done END,
       CASE WHEN p.tuples_total > 0 THEN p.tuples_total ELSE p.blocks_total END
FROM pg_stat_progress_create_index p JOIN pg_class c ON c.oid = p.index_relid
WHERE p.datname = current_database() AND p.relid = 'documents_feature'::regclass
"""


def _work(connection: psycopg.Connection[Any], stopping: Stopping) -> Iterator[str]:
    built = False
    while not stopping():
        row = connection.execute(_NEXT_JOB.encode()).fetchone()
        if row is None:
            break
        job = _Job(*row)
        if job.what == "build":
            yield _build(connection, job)
            built = True
        else:
            connection.execute(drop(index_name(job.number)))
            yield f"Dropped the index {index_name(job.number)}, which nothing declares any more."
    if built and not stopping():
        # Of the columns by which an index is chosen: vectors need no statistics.
        connection.execute("ANALYZE documents_feature (namespace_id, collection_id, name, kind)")


def _build(connection: psycopg.Connection[Any], job: _Job) -> str:
    begun = monotonic()
    what = f"The index of the vectors {job.name} ({job.dimensions}, {job.metric}) of collection {job.collection}"
    build = Build(connection, "documents_vectorindex", job.number, index_name(job.number))
    build.begin()
    [(vectors,)] = connection.execute(_COUNT, (job.namespace_id, job.collection_id, job.name))
    try:
        _require_room(connection, job)
        _create(connection, job, vectors)
    except (psycopg.Error, NoRoomError) as error:
        return f"{what} could not be built: {build.failed(error)}"
    build.is_ready()
    return f"{what} was built over {vectors:,} of them in {monotonic() - begun:.1f} s."


_COUNT = """
SELECT count(*) FROM documents_feature f
WHERE f.namespace_id = %s AND f.collection_id = %s AND f.name = %s AND f.kind = 'dense'
"""


def _create(connection: psycopg.Connection[Any], job: _Job, vectors: int) -> None:
    """In parallel, where several processes can share so much memory; a small /dev/shm, as containers have it, is no fault."""
    connection.execute("SELECT set_config('maintenance_work_mem', %s, false)", (f"{_memory(vectors, job.dimensions)}MB",))
    statement = definition(job.number, job.collection_id, job.name, job.dimensions, job.metric).encode()
    for workers in sorted({settings.VECTOR_INDEX_BUILD_WORKERS, 0}, reverse=True):
        connection.execute("SELECT set_config('max_parallel_maintenance_workers', %s, false)", (str(workers),))
        connection.execute(drop(index_name(job.number)))
        try:
            connection.execute(statement)
            return
        except psycopg.OperationalError as error:
            if not workers or not (error.sqlstate or "").startswith(_INSUFFICIENT_RESOURCES):
                raise


_INSUFFICIENT_RESOURCES: Final = "53"


def _memory(vectors: int, dimensions: int) -> int:
    """MB that hold the graph while it is made; beyond what the setting allows, pgvector goes on more slowly."""
    each = 4 * dimensions + 64 * M + 256
    return min(settings.VECTOR_INDEX_BUILD_MEMORY_MB, 64 + vectors * each * 5 // 4 // 2**20)


def _require_room(connection: psycopg.Connection[Any], job: _Job) -> None:
    [(others,)] = connection.execute(
        "SELECT count(*) FROM documents_vectorindex WHERE type = 'hnsw' AND state = 'ready' AND id <> %s", (job.number,)
    )
    if others >= registry.MAX_INDEXES:
        raise NoRoomError(f"the database has {others} hnsw indexes, which is the most it may have")


builder: Final = Builder()
"""The one of this process."""
