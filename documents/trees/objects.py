"""The documents that come from a root object, in creation order (contract section 8).

Whether a document belongs to an object is what its lineage step records as its root. An object is known if it is
registered or a document of a living collection names it as its root. Its documents are counted by collection; a page is
the first of each collection that it has documents in, put in order (docs/decisions/0022).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from documents.features import Vectors
from documents.stored import ROOT_KEY, StoredDocument
from documents.trees.reading import Position, page_of, read_picked
from mixpeek_site import sql
from mixpeek_site.errors import NotFoundError
from mixpeek_site.sql import Fragment
from namespaces import scope as scopes
from namespaces.scope import Scope


@dataclass(frozen=True, slots=True)
class ObjectDocuments:
    documents: list[StoredDocument]
    after: Position | None  # where the next page begins; None on the last one
    total: int
    unknown_collections: list[str]


def object_not_found(object_id: str) -> NotFoundError:
    return NotFoundError(f"Object {object_id} was not found.", resource="object", id=object_id)


def object_documents(
    scope: Scope,
    object_id: str,
    collections: Sequence[str] | None = None,
    *,
    limit: int,
    offset: int = 0,
    position: Position | None = None,
    vectors: Vectors = False,
    max_bytes: int,
) -> ObjectDocuments:
    """A page of an object's documents, of these collections (ids or names) or of all, and how many there are. One statement.

    Raises NotFoundError for the namespace, an unknown object, or when none of the collections exists.
    """
    cte, params = scope.cte()
    name = sql.text(object_id)
    asked = [] if collections is None else [list(collections)]
    paged = position or []
    head = Fragment(
        _documents_sql(cte, collections is not None, bool(position), limit),
        (*params, *asked * 2, name, *asked, *[name] * 4, *paged, limit + offset + 1, offset),
    )
    picked = read_picked(head, ("known", "total", "unknown"), ("created_at", "id"), namespace="place.namespace", vectors=vectors)
    if picked is None:
        raise scopes.namespace_not_found(scope.identifier)
    known, total, unknown = picked.first
    if not known:
        raise object_not_found(object_id)
    if collections and len(unknown or ()) == len(set(collections)):
        raise scopes.collection_not_found(", ".join(unknown))
    page = page_of(scope, picked, limit=limit, max_bytes=max_bytes, vectors=vectors)
    return ObjectDocuments(page.documents, page.after, total, list(unknown or ()))


def require_object(scope: Scope, object_id: str) -> None:
    """Raises NotFoundError for the namespace or an unknown object."""
    object_documents(scope, object_id, limit=1, max_bytes=1)


@lru_cache
def _documents_sql(cte: str, some_collections: bool, resumed: bool, limit: int) -> str:
    unknown = (
        "(SELECT array_agg(DISTINCT asked) FROM unnest(%s::text[]) AS asked WHERE NOT EXISTS (SELECT FROM"
        " namespaces_collection c WHERE c.namespace_id = scope.namespace_id AND c.deleted_at IS NULL"
        " AND asked IN (c.public_id, c.name)))"
        if some_collections
        else "NULL::text[]"
    )
    return f"""
WITH {cte}, held AS MATERIALIZED ({_held(some_collections)}
), place AS MATERIALIZED (
    SELECT scope.namespace_id, scope.namespace, {unknown} AS unknown,
           EXISTS (SELECT FROM namespaces_bucketobject o WHERE o.namespace_id = scope.namespace_id AND o.object_id = %s)
           OR EXISTS (
               SELECT FROM documents_lineagestep l
               JOIN namespaces_collection c
                   ON c.namespace_id = l.namespace_id AND c.id = l.collection_id AND c.deleted_at IS NULL
               WHERE l.namespace_id = scope.namespace_id AND l.root_object_id = %s) AS known,
           (SELECT COALESCE(sum(held.documents), 0)::bigint FROM held) AS total
    FROM scope
), picked AS MATERIALIZED (
    SELECT l.created_at, l.id FROM held CROSS JOIN LATERAL (
        SELECT l.created_at, l.id FROM documents_lineagestep l
        WHERE l.namespace_id = (SELECT namespace_id FROM scope) AND l.root_key = {ROOT_KEY} AND l.collection_id = held.id
          AND l.root_object_id = %s{" AND (l.created_at, l.id) > (%s::timestamptz, %s::uuid)" if resumed else ""}
        ORDER BY l.created_at, l.id LIMIT %s
    ) l ORDER BY l.created_at, l.id LIMIT {limit + 1} OFFSET %s
)"""


def _held(some_collections: bool) -> str:
    """The collections that are meant, with how many of the object's documents they have. Parameters: names twice, the object."""
    if some_collections:
        return """
    SELECT c.id, n.documents FROM scope
    JOIN namespaces_collection c ON c.namespace_id = scope.namespace_id AND c.deleted_at IS NULL
        AND (c.public_id = ANY(%s) OR c.name = ANY(%s))
    CROSS JOIN LATERAL (
        SELECT count(*) AS documents FROM documents_lineagestep l
        WHERE l.namespace_id = scope.namespace_id AND l.root_object_id = %s AND l.collection_id = c.id
    ) n WHERE n.documents > 0"""
    return """
    SELECT c.id, n.documents FROM scope
    CROSS JOIN LATERAL (
        SELECT l.collection_id, count(*) AS documents FROM documents_lineagestep l
        WHERE l.namespace_id = scope.namespace_id AND l.root_object_id = %s GROUP BY l.collection_id
    ) n
    JOIN namespaces_collection c ON c.namespace_id = scope.namespace_id AND c.id = n.collection_id AND c.deleted_at IS NULL"""
