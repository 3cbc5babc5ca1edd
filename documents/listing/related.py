"""What documents point at, read for a whole page at once: other documents and registered objects (contract section 7).

One statement each, whatever the page's size. Only where what it finds is large (READ_AHEAD_BYTES) the rest is read in
further ones, until `max_bytes` are there. Each row is found through a unique index, in a LATERAL: before the first
ANALYZE the planner would rather read whole collections.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from documents.stored import JSON_PARTS, STEP_JOIN, WIDTH, StoredDocument, ahead, bytes_of, columns
from mixpeek_site import sql
from mixpeek_site.sql import Fragment
from namespaces import rows
from namespaces.models import BucketObject
from namespaces.scope import Scope

MAX_CHILDREN: Final = 100
MAX_FOUND: Final = 20_000
"""Ids that are looked up for an answer, and ancestors that are gone through, at most."""

FRAME_BYTES: Final = 1024
"""What an answer adds to the JSON parts of a document: ids, times, names."""

READ_AHEAD_BYTES: Final = 32 * 1024 * 1024
_AT_ONCE: Final = 5000


class UnreadError(Exception):
    """What is asked for was left unread, because it is too much."""


class RegisteredObject(NamedTuple):
    """An object as GET answers it; `bucket` is its bucket's public id."""

    row: BucketObject
    bucket: str
    documents: int
    json_bytes: int


@dataclass(slots=True)
class Related:
    """Documents by key: their own ids, or the id of what they were looked for from. `complete`: no key was left out."""

    links: dict[str, list[str]] = field(default_factory=dict)
    documents: dict[str, StoredDocument] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    complete: bool = True

    def of(self, key: str) -> list[StoredDocument]:
        """Raises UnreadError."""
        found = self.links.get(key, ())
        if not self.unread.isdisjoint(found) or not (found or self.complete):
            raise UnreadError
        return [self.documents[each] for each in found if each in self.documents]  # the others were deleted meanwhile

    def one(self, key: str) -> StoredDocument | None:
        """Raises UnreadError."""
        return next(iter(self.of(key)), None)


@dataclass(frozen=True, slots=True)
class Objects:
    by_id: dict[str, RegisteredObject]
    unread: frozenset[str]

    def one(self, object_id: str) -> RegisteredObject | None:
        """Raises UnreadError."""
        if object_id in self.unread:
            raise UnreadError
        return self.by_id.get(object_id)


def documents_by_id(scope: Scope, document_ids: Iterable[str], max_bytes: int) -> Related:
    """Those of the documents that the namespace has."""
    asked = list(dict.fromkeys(document_ids))
    targets = Fragment(
        "SELECT asked.id AS key, d.id, asked.place FROM scope"
        " CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS asked (id, place)"
        f" CROSS JOIN LATERAL ({_BY_ID} = asked.id OFFSET 0) d",
        (asked[:MAX_FOUND],),
    )
    return _read(scope, targets, max_bytes, complete=len(asked) <= MAX_FOUND)


def ancestors(scope: Scope, parent_ids: Iterable[str], max_bytes: int) -> Related:
    """The documents with these ids, what they were made from, and so on up. Each is met once: a cycle ends where it began."""
    targets = Fragment(
        "SELECT up.document_id AS key, up.id, row_number() OVER () AS place FROM (SELECT * FROM up LIMIT %s) up",
        (MAX_FOUND,),
    )
    climb = Fragment(
        "up AS ("
        "SELECT d.id, d.document_id, d.above FROM scope CROSS JOIN unnest(%s::text[]) AS asked (id)"
        f" CROSS JOIN LATERAL ({_BY_ID} = asked.id OFFSET 0) d"
        " UNION"
        " SELECT d.id, d.document_id, d.above FROM up CROSS JOIN scope"
        f" CROSS JOIN LATERAL ({_BY_ID} = up.above OFFSET 0) d), ",
        (list(dict.fromkeys(parent_ids)),),
    )
    found = _read(scope, targets, max_bytes, before=climb)
    found.complete = len(found.links) < MAX_FOUND
    return found


def children(scope: Scope, document_ids: Sequence[str], max_bytes: int) -> Related:
    """The first of the documents that were made from each of these, in the order of their creation."""
    targets = Fragment(
        "SELECT asked.id AS key, child.id, row_number() OVER (ORDER BY asked.place, child.created_at, child.id) AS place"
        " FROM scope CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS asked (id, place)"
        " CROSS JOIN LATERAL ("
        "SELECT d.id, d.created_at FROM documents_lineagestep l"
        " JOIN namespaces_collection c"
        " ON c.namespace_id = l.namespace_id AND c.id = l.collection_id AND c.deleted_at IS NULL"
        " CROSS JOIN LATERAL (SELECT d.id, d.created_at FROM documents_document d"
        " WHERE d.namespace_id = l.namespace_id AND d.id = l.id OFFSET 0) d"
        " WHERE l.namespace_id = scope.namespace_id AND l.source_document_id = asked.id"
        " ORDER BY d.created_at, d.id LIMIT %s) child",
        (list(document_ids), MAX_CHILDREN),
    )
    return _read(scope, targets, max_bytes)


def objects_by_id(scope: Scope, object_ids: Iterable[str], max_bytes: int) -> Objects:
    """Those of the objects that are registered in the namespace."""
    left, size = list(dict.fromkeys(object_ids)), 0
    by_id: dict[str, RegisteredObject] = {}
    while left and size <= max_bytes:
        found, unread = _some_objects(scope, left[:_AT_ONCE])
        by_id |= found
        size += sum(each.json_bytes + FRAME_BYTES for each in found.values())
        left = unread + left[_AT_ONCE:]
    return Objects(by_id, frozenset(left))


# The statements ------------------------------------------------------------------------------------------------------

# A document of a collection that is not deleted, by its id, which comes after this.
_BY_ID: Final = (
    "SELECT d.id, d.document_id, l.source_document_id AS above FROM documents_document d"
    " JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id AND c.deleted_at IS NULL"
    f"{STEP_JOIN}"
    " WHERE d.namespace_id = scope.namespace_id AND d.document_id"
)


def _read(scope: Scope, targets: Fragment, max_bytes: int, *, before: Fragment | None = None, complete: bool = True) -> Related:
    """The documents that `targets` (SELECT key, id, place) says, up to `max_bytes`."""
    related = Related(complete=complete)
    for key, internal_id, document in _some(scope, targets, before):
        related.links.setdefault(key, []).append(internal_id)
        if document is not None:
            related.documents[internal_id] = document
    left = [each for found in related.links.values() for each in found if each not in related.documents]
    size = sum(document.json_bytes + FRAME_BYTES for document in related.documents.values())
    while left and size <= max_bytes:
        found = list(_some(scope, _by_internal_ids(left[:_AT_ONCE])))
        for _, internal_id, document in found:
            if document is not None:
                related.documents[internal_id] = document
                size += document.json_bytes + FRAME_BYTES
        left = [internal_id for _, internal_id, document in found if document is None] + left[_AT_ONCE:]
    related.unread.update(left)
    return related


def _by_internal_ids(internal_ids: list[str]) -> Fragment:
    return Fragment(
        "SELECT asked.id::text AS key, asked.id, asked.place FROM unnest(%s::uuid[]) WITH ORDINALITY AS asked (id, place)",
        (internal_ids,),
    )


def _some(scope: Scope, targets: Fragment, before: Fragment | None = None) -> list[tuple[str, str, StoredDocument | None]]:
    """Key and internal id of every target, with the document as far as READ_AHEAD_BYTES go, at least the first."""
    cte, params = scope.cte()
    climb = before or Fragment("")
    found = sql.rows(
        f"WITH RECURSIVE {cte}, {climb.text}t AS MATERIALIZED ({targets.text}), sized AS MATERIALIZED ("
        f"SELECT t.key, t.id, t.place, {ahead('s.bytes', 't.place')}"
        " FROM t CROSS JOIN scope CROSS JOIN LATERAL (SELECT"
        f" {bytes_of('d', *JSON_PARTS)} AS bytes"
        " FROM documents_document d WHERE d.namespace_id = scope.namespace_id AND d.id = t.id OFFSET 0) s)"
        f" SELECT {columns(namespace='scope.namespace')}, sized.key, sized.id::text"
        " FROM sized CROSS JOIN scope"
        " LEFT JOIN LATERAL (SELECT * FROM documents_document d WHERE d.namespace_id = scope.namespace_id"
        f" AND d.id = sized.id AND sized.ahead <= {READ_AHEAD_BYTES} OFFSET 0) d ON true"
        " LEFT JOIN LATERAL (SELECT * FROM documents_lineagestep l"
        " WHERE l.namespace_id = d.namespace_id AND l.id = d.id OFFSET 0) l ON true"
        " LEFT JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id"
        " ORDER BY sized.place",
        (*params, *climb.params, *targets.params),
    )
    return [(row[WIDTH], row[WIDTH + 1], StoredDocument._make(row[:WIDTH]) if row[0] is not None else None) for row in found]


def _some_objects(scope: Scope, object_ids: list[str]) -> tuple[dict[str, RegisteredObject], list[str]]:
    """The objects by id as far as READ_AHEAD_BYTES go, at least the first, and the ids of the others."""
    cte, params = scope.cte()
    found = sql.rows(
        f"WITH {cte}, held AS MATERIALIZED ("
        f"SELECT o.id, o.object_id, b.public_id AS bucket, {ahead('o.bytes', 'asked.place')}, asked.place"
        " FROM scope CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS asked (id, place)"
        " CROSS JOIN LATERAL (SELECT o.id, o.object_id, o.namespace_id, o.bucket_id,"
        f" {bytes_of('o', 'fields', 'blobs', 'system')} AS bytes FROM namespaces_bucketobject o"
        " WHERE o.namespace_id = scope.namespace_id AND o.object_id = asked.id OFFSET 0) o"
        " JOIN namespaces_bucket b ON b.namespace_id = o.namespace_id AND b.id = o.bucket_id)"
        f" SELECT {rows.OBJECT.sql}, held.bucket, made.documents, held.object_id FROM held CROSS JOIN scope"
        " LEFT JOIN LATERAL (SELECT * FROM namespaces_bucketobject t WHERE t.namespace_id = scope.namespace_id"
        f" AND t.id = held.id AND held.ahead <= {READ_AHEAD_BYTES} OFFSET 0) t ON true"
        " LEFT JOIN LATERAL (SELECT count(*) AS documents FROM documents_lineagestep l"
        " JOIN namespaces_collection c"
        " ON c.namespace_id = l.namespace_id AND c.id = l.collection_id AND c.deleted_at IS NULL"
        " WHERE l.namespace_id = t.namespace_id AND l.root_object_id = t.object_id) made ON true"
        " ORDER BY held.place",
        (*params, object_ids),
    )
    read, unread = {}, []
    for row in found:
        *_, bucket, documents, object_id = row
        if row[0] is None:
            unread.append(object_id)
        else:
            size = sum(len(row[place].encode()) for place in rows.OBJECT.json)
            read[object_id] = RegisteredObject(rows.bucket_object(row), bucket, documents, size)
    return read, unread
