"""Reading documents. Each function is one statement; it names the namespace through the scope's CTE."""

from functools import lru_cache
from typing import NamedTuple

from documents import lineage
from documents.features import Vectors
from documents.stored import STEP_JOIN, StoredDocument, columns
from mixpeek_site import sql
from mixpeek_site.errors import NotFoundError
from namespaces import scope as scopes
from namespaces.scope import Scope


def document_not_found(document_id: str, collection: str | None) -> NotFoundError:
    place = f" in collection {collection}" if collection else ""
    return NotFoundError(f"Document {document_id} was not found{place}.", resource="document", id=document_id)


def missing(scope: Scope, collection: str | None, document_id: str | None = None) -> NotFoundError:
    """The 404 for a statement that found no scope: the namespace's, or else the collection's."""
    try:
        if collection is None:
            scopes.require_namespace(scope)
        else:
            scopes.require_collection(scope, collection)
    except NotFoundError as error:
        return error
    return document_not_found(document_id or "", collection)


def source(collection: str | None) -> str:
    """SQL of `scope` left-joined to its document (one %s: the document's id); `c` is the document's collection.

    The + 0 leaves the planner the index of document ids alone: without statistics it would as soon read the collection.
    """
    return (
        "scope LEFT JOIN (documents_document d JOIN namespaces_collection c ON c.id = d.collection_id"
        " AND c.deleted_at IS NULL) ON d.namespace_id = scope.namespace_id AND d.document_id = %s"
        + (" AND d.collection_id + 0 = scope.collection_id" if collection is not None else "")
    )


@lru_cache
def _document_sql(cte: str, joined: str, vectors: Vectors) -> str:
    return f"WITH {cte} SELECT {columns(namespace='scope.namespace', vectors=vectors)} FROM {joined}{STEP_JOIN}"


def document(scope: Scope, collection: str | None, document_id: str, *, vectors: Vectors = False) -> StoredDocument:
    """One document, of a collection or (collection None) of the namespace. Raises NotFoundError for whatever is missing."""
    cte, params = scope.cte(collection)
    row = sql.one(_document_sql(cte, source(collection), vectors), (*params, sql.text(document_id)))
    if row is None:
        raise missing(scope, collection, document_id)
    if row[0] is None:
        raise document_not_found(document_id, collection)
    return StoredDocument._make(row)


def by_internal_id(scope: Scope, internal_id: str, vectors: Vectors) -> StoredDocument | None:
    """A document that another statement of this answer left out for its size; None if it was deleted since."""
    cte, params = scope.cte()
    row = sql.one(
        f"WITH {cte} SELECT {columns(namespace='scope.namespace', vectors=vectors)} FROM scope"
        " JOIN documents_document d ON d.namespace_id = scope.namespace_id AND d.id = %s::uuid"
        " JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id AND c.deleted_at IS NULL"
        f"{STEP_JOIN}",
        (*params, internal_id),
    )
    return StoredDocument._make(row) if row else None


class LineageView(NamedTuple):
    """A document's lineage with every step of its chain; `chain` is JSON text, None without lineage."""

    document_id: str
    collection: str
    source_type: str | None
    source_object_id: str | None
    source_collection_id: str | None
    source_document_id: str | None
    root_object_id: str | None
    root_bucket_id: str | None
    tier: int
    chain: str | None


def document_lineage(scope: Scope, collection: str, document_id: str) -> LineageView:
    """Raises NotFoundError for whatever is missing."""
    cte, params = scope.cte(collection)
    row = sql.one(
        f"WITH {cte} SELECT d.document_id, c.public_id, l.source_type, l.source_object_id, l.source_collection_id,"
        " l.source_document_id, l.root_object_id, l.root_bucket_id, l.tier,"
        f" CASE WHEN l.id IS NOT NULL THEN {lineage.whole_chain('d', 'c', 'l')} END::text"
        f" FROM {source(collection)}{STEP_JOIN}",
        (*params, sql.text(document_id)),
    )
    if row is None:
        raise missing(scope, collection, document_id)
    if row[0] is None:
        raise document_not_found(document_id, collection)
    return LineageView._make(row)
