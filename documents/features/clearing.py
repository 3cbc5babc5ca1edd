"""Features out of the database, for documents that get others."""

from collections.abc import Sequence
from typing import Any

from mixpeek_site import sql


def clear_features(namespace_id: int, documents: Sequence[Any]) -> None:
    """Remove all features of documents (by their internal ids)."""
    statement = "DELETE FROM documents_feature f WHERE f.namespace_id = %s AND f.document_id = ANY(%s::uuid[])"
    sql.run(statement, (namespace_id, list(documents)))
