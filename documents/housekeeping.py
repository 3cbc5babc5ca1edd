"""What is done behind the requests, by one process at a time: a list of duties, each a small function.

A duty works in short transactions, asks `stopping` between them, and yields a line for the log for each thing that it
finished. To add one, write the function and name it in `DUTIES`; the loop around them is `manage.py housekeep`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import psycopg

from documents import blob_keeping, counting, payload_indexes, surveying, vector_indexes
from mixpeek_site import sql

Stopping = Callable[[], bool]
Duty = Callable[[Stopping], Iterator[str]]

BATCH: Final = 2000
"""Rows that go in one transaction: some tens of milliseconds, so that nobody waits for it."""

_LOCK: Final = 0x484B4550  # "HKEP"


@contextmanager
def alone() -> Iterator[bool]:
    """Whether this process may keep house now: another one in the same database means no. Held for one round."""
    row = sql.one("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
    held = row is not None and bool(row[0])
    try:
        yield held
    finally:
        if held:
            sql.run("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def round_of_duties(stopping: Stopping) -> Iterator[str]:
    """Every duty once. Nothing when another process is at it. An index may still be being built afterwards: `finish`."""
    with alone() as may:
        for duty in DUTIES if may else ():
            if not stopping():
                yield from duty(stopping)


def finish(stopping: Stopping) -> Iterator[str]:
    """Wait for what the rounds began; when `stopping`, break it off."""
    yield from payload_indexes.builder.finish(stopping)
    yield from vector_indexes.builder.finish(stopping)


# Counts --------------------------------------------------------------------------------------------------------------


def fold_counts(stopping: Stopping) -> Iterator[str]:
    """Sums of the deltas that writers append, so that reads add up few rows. Nothing to say of each."""
    folded = 0
    for namespace_id, collection_id in counting.crowded():
        gone = counting.FOLD_AT_ONCE
        while gone >= counting.FOLD_AT_ONCE and not stopping():
            gone = counting.fold(namespace_id, collection_id)
            folded += gone
    if folded >= counting.CLEAR_UP_FROM:
        counting.clear_up()
    yield from ()


# Purging what was deleted -------------------------------------------------------------------------------------------


class _Deleted(NamedTuple):
    namespace_id: int
    collection_id: int
    collection: str
    namespace: str


def purge_collections(stopping: Stopping) -> Iterator[str]:
    """Documents and rows of deleted collections, and of every collection of a deleted namespace."""
    for place in map(_Deleted._make, sql.rows(_DELETED_COLLECTIONS)):
        begun = time.monotonic()
        documents = _in_batches(_DELETE_DOCUMENTS, (place.namespace_id, place.collection_id, BATCH, place.namespace_id), stopping)
        if stopping() or not _deleted(_DELETE_COLLECTION, (place.namespace_id, place.collection_id)):
            continue
        yield _said(f"collection {place.collection} of namespace {place.namespace}", documents, "document", begun)


def purge_namespaces(stopping: Stopping) -> Iterator[str]:
    """Objects, buckets and the row of deleted namespaces whose collections are purged."""
    for namespace_id, namespace in sql.rows(_DELETED_NAMESPACES):
        begun = time.monotonic()
        objects = _in_batches(_DELETE_OBJECTS, (namespace_id, BATCH, namespace_id), stopping)
        if stopping() or sql.one(_OBJECTS_LEFT, (namespace_id,)):
            continue
        sql.run("DELETE FROM namespaces_bucket b WHERE b.namespace_id = %s", (namespace_id,))
        if _deleted("DELETE FROM namespaces_namespace n WHERE n.id = %s", (namespace_id,)):
            yield _said(f"namespace {namespace}", objects, "object", begun)


def purge_blobs(stopping: Stopping) -> Iterator[str]:
    """Bytes in blob stores that nothing names: uploads never used, those of deleted objects and namespaces."""
    for namespace_id in () if stopping() else blob_keeping.due_namespaces():
        if not stopping() and (deleted := blob_keeping.keep(namespace_id)):
            yield f"Deleted {deleted:,} blob{'' if deleted == 1 else 's'} that nothing named."


IMPORTS_KEPT_DAYS: Final = 7
UNFINISHED_IMPORTS_KEPT_DAYS: Final = 30


def purge_import_runs(stopping: Stopping) -> Iterator[str]:
    """What imports that ended long ago kept, to go on if they had to; of one that began long ago and is unfinished, too."""
    runs = sql.rows(
        "SELECT r.id FROM documents_importrun r WHERE r.finished_at < now() - make_interval(days => %s)"
        " OR (r.finished_at IS NULL AND r.started_at < now() - make_interval(days => %s))",
        (IMPORTS_KEPT_DAYS, UNFINISHED_IMPORTS_KEPT_DAYS),
    )
    for (run,) in runs:
        if not stopping():
            sql.run("DELETE FROM documents_importrun r WHERE r.id = %s", (run,))
    yield from ()


_DELETED_COLLECTIONS = """
SELECT c.namespace_id, c.id, c.public_id, n.public_id
FROM namespaces_collection c JOIN namespaces_namespace n ON n.id = c.namespace_id
WHERE c.deleted_at IS NOT NULL OR n.deleted_at IS NOT NULL
ORDER BY COALESCE(c.deleted_at, n.deleted_at), c.id
"""
_DELETED_NAMESPACES = """
SELECT n.id, n.public_id FROM namespaces_namespace n
WHERE n.deleted_at IS NOT NULL AND NOT EXISTS (SELECT FROM namespaces_collection c WHERE c.namespace_id = n.id)
ORDER BY n.deleted_at, n.id
"""
# In the order of the index that finds them; steps and features go with their documents. What somebody else has locked
# is left for the next round.
_DELETE_DOCUMENTS = f"""
WITH oldest AS MATERIALIZED (
    SELECT d.id FROM documents_document d WHERE d.namespace_id = %s AND d.collection_id = %s
    ORDER BY d.created_at, d.id LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM documents_document d WHERE d.namespace_id = %s AND d.id = ANY(ARRAY(SELECT id FROM oldest))
    RETURNING d.namespace_id, d.collection_id
), {counting.count_gone("gone")}
SELECT count(*) FROM gone
"""
_DELETE_OBJECTS = """
WITH oldest AS MATERIALIZED (
    SELECT o.id FROM namespaces_bucketobject o WHERE o.namespace_id = %s
    ORDER BY o.bucket_id, o.created_at, o.id LIMIT %s FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM namespaces_bucketobject o WHERE o.namespace_id = %s AND o.id = ANY(ARRAY(SELECT id FROM oldest))
    RETURNING 1
)
SELECT count(*) FROM gone
"""
# Not while rows are left, which somebody has locked: the foreign key's check would wait for them. Its counts go along.
_DELETE_COLLECTION = """
DELETE FROM namespaces_collection c WHERE c.namespace_id = %s AND c.id = %s
AND NOT EXISTS (SELECT FROM documents_document d WHERE d.namespace_id = c.namespace_id AND d.collection_id = c.id)
"""
_OBJECTS_LEFT = "SELECT 1 FROM namespaces_bucketobject o WHERE o.namespace_id = %s LIMIT 1"


def purge_namespace(namespace_id: int) -> Iterator[int]:
    """Purge one deleted namespace now, beside housekeeping or without it; how many rows went, after each transaction.

    0 says that the rest is locked by somebody: going on asks again. Ended half-way, housekeeping goes on with it.
    """
    while True:
        for (collection_id,) in sql.rows("SELECT c.id FROM namespaces_collection c WHERE c.namespace_id = %s", (namespace_id,)):
            yield from _batches(_DELETE_DOCUMENTS, (namespace_id, collection_id, BATCH, namespace_id))
            _deleted(_DELETE_COLLECTION, (namespace_id, collection_id))
        yield from _batches(_DELETE_OBJECTS, (namespace_id, BATCH, namespace_id))
        if not sql.one(_ANYTHING_LEFT, (namespace_id, namespace_id)):
            sql.run("DELETE FROM namespaces_bucket b WHERE b.namespace_id = %s", (namespace_id,))
            _deleted("DELETE FROM namespaces_namespace n WHERE n.id = %s AND n.deleted_at IS NOT NULL", (namespace_id,))
        if not sql.one("SELECT 1 FROM namespaces_namespace n WHERE n.id = %s", (namespace_id,)):
            return
        yield 0


_ANYTHING_LEFT = """
SELECT 1 FROM namespaces_collection c WHERE c.namespace_id = %s
UNION ALL SELECT 1 FROM namespaces_bucketobject o WHERE o.namespace_id = %s LIMIT 1
"""


def _in_batches(statement: str, params: tuple[int, ...], stopping: Stopping) -> int:
    """Run a statement that deletes and answers how many, until nothing is left for it; how many rows went."""
    total = 0
    for gone in () if stopping() else _batches(statement, params):
        total += gone
        if stopping():
            break
    return total


def _batches(statement: str, params: tuple[int, ...]) -> Iterator[int]:
    """Run a statement that deletes and answers how many, until nothing is left for it; how many rows went each time."""
    while (gone := sql.rows(statement, params)[0][0]) > 0:
        yield gone


def _deleted(statement: str, params: tuple[int, ...]) -> bool:
    """Whether the row went; not when a write that began before the deletion put rows into it meanwhile."""
    try:
        return sql.run(statement, params).rowcount > 0
    except psycopg.errors.ForeignKeyViolation:
        return False


def _said(what: str, rows: int, word: str, begun: float) -> str:
    return f"Purged {what}: {rows:,} {word}{'' if rows == 1 else 's'} in {time.monotonic() - begun:.1f} s."


DUTIES: Final[tuple[Duty, ...]] = (
    fold_counts,
    surveying.remember_days,
    payload_indexes.builder.keep,
    vector_indexes.builder.keep,
    purge_collections,
    purge_namespaces,
    purge_import_runs,
    purge_blobs,
    surveying.survey,
)
