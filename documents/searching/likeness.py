"""The stored vector of a document that others are to be like."""

from typing import Final

from documents import queries
from documents.searching.questions import Like
from documents.searching.vectors import QueryVector, of_floats
from mixpeek_site import sql
from mixpeek_site.errors import Fault, ValidationError
from namespaces.scope import Scope

_VECTOR: Final = """
SELECT d.id::text, f.kind, CASE WHEN f.kind = 'dense' THEN f.embedding::real[] END
FROM scope JOIN documents_document d ON d.namespace_id = scope.namespace_id AND d.document_id = %s
JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id AND c.deleted_at IS NULL
LEFT JOIN documents_feature f ON f.namespace_id = d.namespace_id AND f.document_id = d.id AND f.name = %s
"""


def vector_of(scope: Scope, like: Like, name: str) -> tuple[QueryVector, str]:
    """The vector of that name of a document of the namespace, and the document's internal id. One statement.

    Raises NotFoundError for the document, ValidationError when it has no such dense vector.
    """
    cte, params = scope.cte()
    row = sql.one(f"WITH {cte}{_VECTOR}", (*params, sql.text(like.document_id), name))
    if row is None:
        raise queries.document_not_found(like.document_id, None)
    internal_id, kind, numbers = row
    if numbers is None:
        held = f"is {kind}, and only dense ones are searched" if kind else "is not there"
        message = f"document {like.document_id} can't be compared: its vector {name!r} {held}"
        raise ValidationError(Fault(like.location, message, "vector"))
    return of_floats(numbers, like.location), str(internal_id)
