"""What housekeeping writes down for the overview: documents by day, and what only a walk through a namespace tells.

The overview then reads a few rows at any size. Documents by day are sums of documents/counting.py; a walk goes through
the steps that have a parent in short statements, and comes again the later the longer it took.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from mixpeek_site import sql

DAYS_SECONDS: Final = 30
KEPT_DAYS: Final = 400
COUNTED_ORPHANS: Final = 1000
WALKED_AT_ONCE: Final = 20_000
SOONEST_SECONDS: Final = 300
REST: Final = 100
"""A walk that took a second is done again after so many: it takes a hundredth of housekeeping's time."""

Stopping = Callable[[], bool]

_DUE = """
INSERT INTO documents_dutydone AS d (duty, done_at) VALUES (%s, clock_timestamp())
ON CONFLICT (duty) DO UPDATE SET done_at = clock_timestamp()
WHERE d.done_at < clock_timestamp() - %s * interval '1 second' RETURNING 1
"""
# A row for a day on which the number changed.
_REMEMBER = """
INSERT INTO documents_namespaceday AS k (namespace_id, day, documents)
SELECT now_held.namespace_id, (clock_timestamp() AT TIME ZONE 'UTC')::date, now_held.documents
FROM (
    SELECT n.id AS namespace_id, COALESCE(sum(dc.delta), 0)::bigint AS documents
    FROM namespaces_namespace n
    LEFT JOIN namespaces_collection c ON c.namespace_id = n.id AND c.deleted_at IS NULL
    LEFT JOIN documents_documentcount dc ON dc.namespace_id = c.namespace_id AND dc.collection_id = c.id
    WHERE n.deleted_at IS NULL GROUP BY n.id
) now_held
LEFT JOIN LATERAL (
    SELECT k.documents FROM documents_namespaceday k WHERE k.namespace_id = now_held.namespace_id ORDER BY k.day DESC LIMIT 1
) known ON true
WHERE now_held.documents IS DISTINCT FROM known.documents
ON CONFLICT (namespace_id, day) DO UPDATE SET documents = EXCLUDED.documents
"""
_FORGET = "DELETE FROM documents_namespaceday k WHERE k.day < (clock_timestamp() AT TIME ZONE 'UTC')::date - %s"


def remember_days(stopping: Stopping) -> Iterator[str]:
    """How many documents each namespace holds today, and that housekeeping runs. Nothing to say of it."""
    if sql.one(_DUE, ("remember days", DAYS_SECONDS)):
        sql.run(_REMEMBER)
        if sql.one(_DUE, ("forget days", 86_400)):
            sql.run(_FORGET, (KEPT_DAYS,))
    yield from ()


# Walks ----------------------------------------------------------------------------------------------------------------


class Orphan(NamedTuple):
    """A document whose parent is not stored."""

    key: UUID
    document_id: str
    source_document_id: str
    root_object_id: str | None
    collection: str
    collection_key: int
    created_at: datetime


class Piece(NamedTuple):
    """A part of the walk: the orphans in it, and where the next part begins; None after the last."""

    orphans: list[Orphan]
    after: tuple[str, UUID] | None


# The walk's index has the steps in the order of their parents. Where a piece ends among the children of a parent that is
# stored, the others of them are passed over: they are no orphans, and may be many.
_PIECE = """
WITH piece AS MATERIALIZED (
    SELECT l.id, l.collection_id, l.source_document_id, l.root_object_id FROM documents_lineagestep l
    WHERE l.namespace_id = %s AND l.source_document_id IS NOT NULL AND l.source_document_id >= %s
      AND (l.source_document_id, l.id) > (%s, %s)
    ORDER BY l.source_document_id, l.id LIMIT %s
), reached AS (
    SELECT source_document_id, id, (SELECT count(*) FROM piece) AS walked
    FROM piece ORDER BY source_document_id DESC, id DESC LIMIT 1
), parents AS (
    SELECT p.document_id::text FROM documents_document p
    JOIN namespaces_collection pc ON pc.namespace_id = p.namespace_id AND pc.id = p.collection_id AND pc.deleted_at IS NULL
    WHERE p.namespace_id = %s AND p.document_id = ANY(ARRAY(SELECT DISTINCT source_document_id FROM piece))
), orphans AS (
    SELECT piece.* FROM piece WHERE piece.source_document_id NOT IN (SELECT document_id FROM parents)
)
SELECT reached.source_document_id, reached.id, reached.walked,
       EXISTS (SELECT FROM parents WHERE parents.document_id = reached.source_document_id), o.id,
       d.document_id, o.source_document_id, o.root_object_id,
       c.name, c.id, d.created_at
FROM reached LEFT JOIN (
    orphans o JOIN namespaces_collection c ON c.namespace_id = %s AND c.id = o.collection_id AND c.deleted_at IS NULL
    JOIN documents_document d ON d.namespace_id = %s AND d.id = o.id
) ON true
ORDER BY o.source_document_id, o.id LIMIT %s
"""
START: Final = ("", UUID(int=0))
_LAST: Final = UUID(int=2**128 - 1)


def walk(namespace_id: int, after: tuple[str, UUID] = START, *, steps: int = WALKED_AT_ONCE, most: int = WALKED_AT_ONCE) -> Piece:
    """The orphans among the next `steps`, at most so many, in the order of the parents that they name. One statement."""
    source, key = after
    number = namespace_id
    found = sql.rows(_PIECE, (number, sql.text(source), sql.text(source), key, steps, number, number, number, most + 1))
    orphans = [Orphan._make(row[4:]) for row in found if row[4] is not None]
    if len(orphans) > most:
        last = orphans[most - 1]
        return Piece(orphans[:most], (last.source_document_id, last.key))
    if not found or found[0][2] < steps:
        return Piece(orphans, None)
    source, key, _, stored = found[0][:4]
    return Piece(orphans, (source, _LAST if stored else key))


_SURVEY_DUE = """
SELECT n.id FROM namespaces_namespace n LEFT JOIN documents_namespacesurvey s ON s.namespace_id = n.id
WHERE n.deleted_at IS NULL AND (s.due_at IS NULL OR s.due_at < clock_timestamp()) ORDER BY s.due_at NULLS FIRST LIMIT 100
"""
_KEEP = """
INSERT INTO documents_namespacesurvey (namespace_id, orphans, objects_held, surveyed_at, due_at)
SELECT n.id, %s, (SELECT count(*) FROM namespaces_bucketobject o WHERE o.namespace_id = n.id), clock_timestamp(),
       clock_timestamp() + %s * interval '1 second'
FROM namespaces_namespace n WHERE n.id = %s AND n.deleted_at IS NULL FOR KEY SHARE
ON CONFLICT (namespace_id) DO UPDATE SET orphans = EXCLUDED.orphans, objects_held = EXCLUDED.objects_held,
    surveyed_at = EXCLUDED.surveyed_at, due_at = EXCLUDED.due_at
"""


def survey(stopping: Stopping) -> Iterator[str]:
    """Walk through the namespaces whose turn it is. Nothing to say of it."""
    for (namespace_id,) in sql.rows(_SURVEY_DUE):
        begun = time.monotonic()
        orphans = _count_orphans(namespace_id, stopping)
        if orphans is None:
            return
        rest = max(SOONEST_SECONDS, REST * (time.monotonic() - begun))
        sql.run(_KEEP, (orphans, rest, namespace_id))
    yield from ()


def _count_orphans(namespace_id: int, stopping: Stopping) -> int | None:
    """Up to COUNTED_ORPHANS + 1; None when stopped."""
    found, after = 0, START
    while not stopping():
        piece = walk(namespace_id, after)
        found += len(piece.orphans)
        if piece.after is None or found > COUNTED_ORPHANS:
            return min(found, COUNTED_ORPHANS + 1)
        after = piece.after
    return None


def position(text: str | None) -> tuple[str, UUID]:
    """A place in the walk as a page's address has it; what is malformed is the beginning."""
    key, _, source = (text or "").partition("~")
    try:
        return source, UUID(key)
    except ValueError:
        return START


def place(after: tuple[str, UUID]) -> str:
    return f"{after[1]}~{after[0]}"
