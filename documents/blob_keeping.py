"""Bytes in the blob stores that nothing names any more: found and deleted, behind the requests.

What this server put there is written down (namespaces_storedblob) before the bytes are, and forgotten after they are gone. A
day after it was put, and from then on every day, housekeeping asks whether it is needed: its object holds it (one look-up),
or any object or any blob of a document of its namespace has its URL (that reads the namespace, so of those the next look is
in a week). What nothing names goes. Bytes that this server did not put there are never touched.
"""

from collections.abc import Sequence
from typing import Final

from mixpeek_site import blob_stores, sql
from mixpeek_site.errors import ServiceUnavailableError

BATCH: Final = 1000
AT_ONCE: Final = 20_000
"""So many suspects are looked for in one reading of a namespace."""

HELD_DAYS: Final = 1
ELSEWHERE_DAYS: Final = 7
FAILED_DAYS: Final = 1


def due_namespaces() -> list[int]:
    """Internal ids of namespaces with blobs that are to be looked at, deleted namespaces among them."""
    return [row[0] for row in sql.rows(_DUE_NAMESPACES)]


def keep(namespace_id: int) -> int:
    """Look at what is due in one namespace; how many blobs were deleted. Each step is a short transaction of its own."""
    gone = sql.one("SELECT 1 FROM namespaces_namespace n WHERE n.id = %s AND n.deleted_at IS NULL", (namespace_id,)) is None
    if not gone:
        while sql.run(_HELD, (namespace_id, BATCH, HELD_DAYS, namespace_id)).rowcount:
            pass
    suspects: dict[str, str] = dict(sql.rows(_SUSPECTS, (namespace_id, AT_ONCE)))
    if not suspects:
        return 0
    named = set() if gone else _named(namespace_id, list(suspects))
    if named:
        sql.run(_LATER, (ELSEWHERE_DAYS, namespace_id, list(named)))
    deleted = 0
    doomed = [upload_id for url, upload_id in suspects.items() if url not in named]
    for first in range(0, len(doomed), BATCH):
        for upload_id, url in sql.rows(_DOOM, (namespace_id, doomed[first : first + BATCH])):
            deleted += _delete(namespace_id, upload_id, url)
    return deleted


def _delete(namespace_id: int, upload_id: str, url: str) -> bool:
    """The bytes, then the row. Where the store does not answer, or is not configured any more, the row waits."""
    try:
        if not blob_stores.delete(url):
            raise ServiceUnavailableError("No store is configured for it.")
    except ServiceUnavailableError:
        sql.run(_LATER, (FAILED_DAYS, namespace_id, [url]))
        return False
    sql.run("DELETE FROM namespaces_storedblob s WHERE s.namespace_id = %s AND s.upload_id = %s", (namespace_id, upload_id))
    return True


def _named(namespace_id: int, urls: Sequence[str]) -> set[str]:
    """Those URLs that an object or a document of the namespace has among its blobs."""
    found: set[str] = set()
    for statement in (_IN_OBJECTS, _IN_DOCUMENTS):
        after = "00000000-0000-0000-0000-000000000000"
        while True:
            row = sql.one(statement, (namespace_id, after, AT_ONCE, list(urls)))
            if row is None or row[0] is None:
                break
            after = row[0]
            found.update(row[1] or ())
    return found


_DUE_NAMESPACES: Final = "SELECT DISTINCT s.namespace_id FROM namespaces_storedblob s WHERE s.check_at < now() LIMIT 1000"
_HELD: Final = """
WITH due AS (
    SELECT s.id FROM namespaces_storedblob s
    JOIN namespaces_bucketobject o ON o.namespace_id = s.namespace_id AND o.id = s.held_by
        AND o.blobs @> jsonb_build_array(jsonb_build_object('properties', jsonb_build_object('url', s.url)))
    WHERE s.namespace_id = %s AND s.check_at < now() AND NOT s.doomed LIMIT %s
)
UPDATE namespaces_storedblob s SET check_at = now() + make_interval(days => %s)
FROM due WHERE s.namespace_id = %s AND s.id = due.id
"""
_SUSPECTS: Final = """
SELECT s.url, s.upload_id FROM namespaces_storedblob s WHERE s.namespace_id = %s AND s.check_at < now()
ORDER BY s.check_at LIMIT %s
"""
_LATER: Final = """
UPDATE namespaces_storedblob s SET check_at = now() + make_interval(days => %s) WHERE s.namespace_id = %s AND s.url = ANY(%s)
"""
# An object that names an upload sets check_at in its own transaction, so what was taken up meanwhile is not among these.
_DOOM: Final = """
UPDATE namespaces_storedblob s SET doomed = true
WHERE s.namespace_id = %s AND s.upload_id = ANY(%s) AND s.check_at < now() RETURNING s.upload_id, s.url
"""
_IN_OBJECTS: Final = """
WITH page AS MATERIALIZED (
    SELECT o.id, o.blobs FROM namespaces_bucketobject o WHERE o.namespace_id = %s AND o.id > %s ORDER BY o.id LIMIT %s
)
SELECT (SELECT id::text FROM page ORDER BY id DESC LIMIT 1), (
    SELECT array_agg(DISTINCT b -> 'properties' ->> 'url') FROM page, jsonb_array_elements(page.blobs) b
    WHERE b -> 'properties' ->> 'url' = ANY(%s)
)
"""
_IN_DOCUMENTS: Final = """
WITH page AS MATERIALIZED (
    SELECT d.id, d.document_blobs, d.source_blobs FROM documents_document d
    WHERE d.namespace_id = %s AND d.id > %s ORDER BY d.id LIMIT %s
)
SELECT (SELECT id::text FROM page ORDER BY id DESC LIMIT 1), (
    SELECT array_agg(DISTINCT b ->> 'url') FROM page, jsonb_array_elements(page.document_blobs || page.source_blobs) b
    WHERE b ->> 'url' = ANY(%s)
)
"""
