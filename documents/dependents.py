"""What `namespaces` may ask of documents without importing them (namespaces/dependents.py)."""

from documents import services
from mixpeek_site import sql
from namespaces.scope import Scope

_BY_NAMESPACE = """
SELECT d.namespace_id, count(*)
FROM documents_document d
JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id AND c.deleted_at IS NULL
WHERE d.namespace_id = ANY(%s)
GROUP BY d.namespace_id
"""
_BY_COLLECTION = """
SELECT d.collection_id, count(*)
FROM documents_document d
WHERE d.namespace_id = %s AND d.collection_id = ANY(%s)
GROUP BY d.collection_id
"""
_OF_OBJECT = """
SELECT count(*)
FROM documents_lineagestep s
JOIN namespaces_collection c ON c.namespace_id = s.namespace_id AND c.id = s.collection_id AND c.deleted_at IS NULL
WHERE s.namespace_id = %s AND s.root_object_id = %s
"""


class DocumentsOfPlaces:
    """Counts are counted, exactly and at once."""

    def count_by_namespace(self, namespace_ids: list[int]) -> dict[int, int]:
        return dict(sql.rows(_BY_NAMESPACE, (namespace_ids,)))

    def count_by_collection(self, namespace_id: int, collection_ids: list[int]) -> dict[int, int]:
        return dict(sql.rows(_BY_COLLECTION, (namespace_id, collection_ids)))

    def count_of_object(self, namespace_id: int, object_id: str) -> int:
        row = sql.one(_OF_OBJECT, (namespace_id, object_id))
        return int(row[0]) if row else 0

    def delete_of_object(self, scope: Scope, object_id: str) -> int:
        return services.delete_documents_of_root(scope=scope, object_id=object_id)
