"""SQL of the climb from a document to the top of what is stored above it, as the pages of documents and trees begin."""

from typing import Any, Final

from documents.trees.nodes import LIVING_NAMESPACE

MAX_DEPTH: Final = 200
"""Documents above one that are looked at. Circles are left where they close."""

_LIVING: Final = """namespaces_collection lc ON lc.namespace_id = d.namespace_id AND lc.id = d.collection_id
        AND lc.deleted_at IS NULL"""

CLIMB: Final = f"""up AS (
    SELECT d.id, l.source_document_id, 0 AS height, ARRAY[d.document_id::text] AS seen
    FROM documents_document d JOIN {_LIVING}
    LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
    WHERE d.namespace_id = %s AND d.document_id = %s AND EXISTS (SELECT FROM {LIVING_NAMESPACE})
  UNION ALL
    SELECT d.id, d.source_document_id, up.height + 1, up.seen || d.document_id::text
    FROM up CROSS JOIN LATERAL (
        SELECT d.id, d.document_id, l.source_document_id
        FROM documents_document d JOIN {_LIVING}
        LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
        WHERE d.namespace_id = %s AND d.document_id = up.source_document_id OFFSET 0
    ) d
    WHERE up.height < %s AND d.document_id <> ALL(up.seen)
), top AS MATERIALIZED (
    SELECT up.*, EXISTS (
        SELECT FROM documents_document d JOIN {_LIVING}
        WHERE d.namespace_id = %s AND d.document_id = up.source_document_id) AS parent_stored
    FROM (SELECT * FROM up ORDER BY height DESC LIMIT 1) up
)"""
"""CTEs of a WITH RECURSIVE: `up`, the document and what is above it (`height`), and `top`, the last of them."""


def climb_params(namespace_id: int, document_id: str) -> tuple[Any, ...]:
    """Of CLIMB. `document_id`: as sql.text gives it."""
    return (namespace_id, document_id, namespace_id, namespace_id, MAX_DEPTH, namespace_id)
