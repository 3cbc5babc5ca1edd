"""Documents by their ids, in the order in which they were asked for."""

from collections.abc import Sequence

from django.conf import settings

from documents import queries
from documents.features import Vectors, vectors_weight
from documents.listing.statements import READ_AHEAD_BYTES, STORED_BYTES
from documents.stored import WIDTH, StoredDocument, ahead, columns
from mixpeek_site import sql
from mixpeek_site.errors import Fault, ValidationError
from namespaces.scope import Scope


def documents_by_ids(scope: Scope, document_ids: Sequence[str], *, vectors: Vectors = False) -> dict[str, StoredDocument]:
    """Those of the documents that the namespace has, in the order of the ids.

    One statement, as long as they are not large: those that come after READ_AHEAD_BYTES are read one by one. Raises
    NotFoundError for the namespace, ValidationError when they have more than settings.MAX_ANSWER_BYTES together.
    """
    cte, params = scope.cte()
    # LATERAL with LIMIT or OFFSET: before the first ANALYZE the planner would rather read whole collections.
    found = sql.rows(
        f"""
WITH {cte}, named AS MATERIALIZED (
    SELECT wanted.place, d.id, d.document_id, d.public_id, d.stored_bytes
    FROM scope CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS wanted (document_id, place)
    CROSS JOIN LATERAL (
        SELECT d.id, d.document_id, c.public_id, {STORED_BYTES} AS stored_bytes
        FROM documents_document d
        JOIN namespaces_collection c
            ON c.namespace_id = d.namespace_id AND c.id = d.collection_id AND c.deleted_at IS NULL
        WHERE d.namespace_id = scope.namespace_id AND d.document_id = wanted.document_id
        LIMIT 1
    ) d
)
SELECT {columns("d", "page.public_id", "scope.namespace", vectors=vectors)}, page.document_id, page.id
FROM scope
LEFT JOIN (
    SELECT n.*, {ahead(f"n.stored_bytes{vectors_weight('scope.namespace_id', 'n.id', vectors)}", "n.place")}
    FROM scope CROSS JOIN named n
) page ON true
LEFT JOIN LATERAL (
    SELECT * FROM documents_document d
    WHERE d.namespace_id = scope.namespace_id AND d.id = page.id AND page.ahead <= {READ_AHEAD_BYTES} OFFSET 0
) d ON true
LEFT JOIN LATERAL (
    SELECT * FROM documents_lineagestep l WHERE l.namespace_id = d.namespace_id AND l.id = d.id OFFSET 0
) l ON true
ORDER BY page.place
""",
        (*params, list(dict.fromkeys(document_ids))),
    )
    if not found:
        raise queries.missing(scope, None)
    documents: dict[str, StoredDocument] = {}
    size, limit = 0, settings.MAX_ANSWER_BYTES
    for row in found:
        document_id, internal_id = row[WIDTH:]
        if document_id is None:
            continue
        known = row[0] is not None
        document = StoredDocument._make(row[:WIDTH]) if known else queries.by_internal_id(scope, internal_id, vectors)
        if document is None:
            continue  # deleted since
        documents[document_id] = document
        size += document.json_bytes
        if size > limit:
            message = f"together these have more than {limit} bytes; ask for fewer at once"
            raise ValidationError(Fault(("body", "document_ids"), message, "too_large"))
    return documents
