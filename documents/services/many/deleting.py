"""Deleting many documents; their children stay, as in a single delete (documents/services/deleting.py)."""

from collections.abc import Sequence

from documents import queries
from documents.counting import count_gone
from documents.filters import Node
from documents.services.many.common import (
    UNBOUNDED,
    Bounds,
    count_matching,
    is_locked,
    matching,
    named,
    writing_matching,
)
from mixpeek_site import sql
from mixpeek_site.errors import NotFoundError
from mixpeek_site.sql import Fragment
from namespaces.scope import Scope


def delete_documents(
    *, scope: Scope, collection: str, document_ids: Sequence[str], bounds: Bounds = UNBOUNDED
) -> dict[str, NotFoundError | None]:
    """Delete documents; what went wrong with each, None: it is gone. One statement.

    Raises NotFoundError for the namespace or the collection, ConflictError.
    """
    cte, params = scope.cte(collection)
    those = named(document_ids, lock=not bounds.dry_run)
    gone = Fragment("gone AS (SELECT WHERE false)") if bounds.dry_run else _gone(bounds)
    row = sql.one(
        f"WITH {cte}, {those.text}, {gone.text}"
        " SELECT ARRAY(SELECT locked.document_id::text FROM locked), (SELECT count(*) FROM gone) FROM scope",
        (*params, *those.params, *gone.params),
    )
    if row is None:
        raise queries.missing(scope, collection)
    bounds.check(len(row[0]))
    there = frozenset(row[0])
    return {
        document_id: None if document_id in there else queries.document_not_found(document_id, collection)
        for document_id in document_ids
    }


def delete_matching(*, scope: Scope, collection: str, node: Node, bounds: Bounds = UNBOUNDED) -> int:
    """Delete all documents of a collection that match, or none; how many. One statement, in a transaction of its own.

    Raises NotFoundError for the namespace or the collection, ConflictError, ServiceUnavailableError for a write that took
    too long or was cancelled.
    """
    if bounds.dry_run:
        return count_matching(scope, collection, node, bounds)
    those, gone = matching(scope, collection, node), _gone(bounds)
    with writing_matching(scope, collection, node):
        row = sql.one(
            f"WITH {those.text}, {gone.text} SELECT (SELECT count(*) FROM locked) FROM scope", (*those.params, *gone.params)
        )
        if row is None:
            raise queries.missing(scope, collection)
        bounds.check(row[0])
    return int(row[0])


def _gone(bounds: Bounds) -> Fragment:
    """The CTEs that delete what is `locked` and take it off the counts.

    Lineage steps go along, which a move writes, too; so they are locked in the order in which it locks them.
    """
    locked = is_locked(bounds)
    return Fragment(
        "steps AS MATERIALIZED (SELECT l.id FROM documents_lineagestep l"
        " WHERE l.namespace_id = (SELECT scope.namespace_id FROM scope) AND l.id = ANY(ARRAY(SELECT locked.id FROM locked))"
        " ORDER BY l.id FOR UPDATE),"
        " gone AS (DELETE FROM documents_document d USING scope WHERE d.namespace_id = scope.namespace_id"
        f" AND (SELECT count(*) FROM steps) >= 0 AND {locked.text}"
        f" RETURNING d.namespace_id, d.collection_id), {count_gone('gone')}",
        locked.params,
    )
