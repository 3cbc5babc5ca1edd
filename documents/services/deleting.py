"""Delete: the document alone, only without children, or with everything below it."""

from collections.abc import Sequence

from django.conf import settings

from documents import lineage, queries
from documents.counting import count_gone
from documents.services.common import Locked, locked_document, require_version, stale
from mixpeek_site import sql
from mixpeek_site.errors import (
    ConflictError,
)
from mixpeek_site.transactions import atomic, unhurried
from namespaces.scope import Scope

ON_CHILDREN = ("detach", "restrict", "cascade")


def delete_document(
    *,
    scope: Scope,
    collection: str | None,
    document_id: str,
    on_children: str = "detach",
    versions: Sequence[int] | None = None,
) -> int:
    """Delete a document; the number of documents that went.

    Children: `detach` leaves them as they are, `restrict` raises ConflictError while there are any, `cascade` takes the
    whole subtree in the same transaction, whose statements may take settings.BULK_STATEMENT_SECONDS. Raises NotFoundError,
    PreconditionFailedError.
    """
    if on_children == "detach":
        return _delete_one(scope, collection, document_id, versions)
    if on_children == "cascade":
        return _delete_subtree(scope, collection, document_id, versions)
    with atomic():
        # An import of children locks the namespace, not each of their parents.
        lineage.lock_documents(scope, exclusively=[sql.text(document_id)], shared=[], namespace="shared")
        locked = locked_document(scope, collection, document_id)
        require_version(locked.document, versions)
        _refuse_children(locked)
        return _delete_one(scope, collection, document_id, versions)


def _delete_subtree(scope: Scope, collection: str | None, document_id: str, versions: Sequence[int] | None) -> int:
    with unhurried(settings.BULK_STATEMENT_SECONDS):
        lineage.lock_documents(scope, exclusively=[sql.text(document_id)], shared=[], namespace="exclusive")
        count, gone = lineage.delete_subtrees(scope, collection, [document_id])
        if document_id not in gone:
            raise queries.missing(scope, collection, document_id)
        if versions is not None and gone[document_id] not in versions:
            raise stale(document_id)
    return count


def _refuse_children(locked: Locked) -> None:
    children = lineage.count_children(locked.namespace_id, locked.document.document_id)
    if children:
        raise has_children(locked.document.document_id, children)


def has_children(document_id: str, by_collection: dict[str, int]) -> ConflictError:
    total = sum(by_collection.values())
    said = f"Document {document_id} has {total} child document{'s' if total > 1 else ''}."
    return ConflictError(said, children=total, by_collection=by_collection)


def _delete_one(scope: Scope, collection: str | None, document_id: str, versions: Sequence[int] | None) -> int:
    cte, params = scope.cte(collection)
    name = sql.text(document_id)
    condition = "" if versions is None else " AND d.version = ANY(%s)"
    in_collection = collection is not None
    row = sql.one(
        f"WITH {cte}, gone AS (DELETE FROM documents_document d USING scope"
        + ("" if in_collection else ", namespaces_collection c")
        + " WHERE d.namespace_id = scope.namespace_id AND d.document_id = %s"
        + (
            " AND d.collection_id + 0 = scope.collection_id"
            if in_collection
            else " AND c.id = d.collection_id AND c.namespace_id = d.namespace_id AND c.deleted_at IS NULL"
        )
        + f"{condition} RETURNING d.namespace_id, d.collection_id), {count_gone('gone', single=True)}"
        " SELECT (SELECT count(*) FROM gone), EXISTS (SELECT FROM documents_document x"
        " WHERE x.namespace_id = scope.namespace_id AND x.document_id = %s"
        + (" AND x.collection_id + 0 = scope.collection_id" if in_collection else "")
        + ") FROM scope",
        (*params, name, *(() if versions is None else (list(versions),)), name),
    )
    if row is None:
        raise queries.missing(scope, collection, document_id)
    count, existed = row
    if count:
        return int(count)
    if existed and versions is not None:
        raise stale(document_id)
    raise queries.document_not_found(document_id, collection)


def delete_documents_of_root(*, scope: Scope, object_id: str) -> int:
    """Delete every document under a root object; their number."""
    cte, params = scope.cte()
    with unhurried(settings.BULK_STATEMENT_SECONDS):
        lineage.lock_documents(scope, exclusively=[], shared=[], namespace="exclusive")
        row = sql.one(
            f"WITH {cte}, locked AS MATERIALIZED (SELECT d.id FROM documents_document d WHERE d.id = ANY(ARRAY("
            " SELECT l.id FROM documents_lineagestep l JOIN namespaces_collection c"
            " ON c.namespace_id = l.namespace_id AND c.id = l.collection_id AND c.deleted_at IS NULL"
            " WHERE l.namespace_id = (SELECT namespace_id FROM scope) AND l.root_object_id = %s))"
            " AND d.namespace_id = (SELECT namespace_id FROM scope) ORDER BY d.id FOR UPDATE),"
            " gone AS (DELETE FROM documents_document d WHERE d.namespace_id = (SELECT namespace_id FROM scope)"
            " AND d.id = ANY(ARRAY(SELECT locked.id FROM locked))"
            f" RETURNING d.namespace_id, d.collection_id), {count_gone('gone')}"
            " SELECT (SELECT count(*) FROM gone) FROM scope",
            (*params, sql.text(object_id)),
        )
    return int(row[0]) if row else 0
