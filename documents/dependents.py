"""What `namespaces` may ask of documents without importing them (namespaces/dependents.py)."""

from collections.abc import Mapping, Sequence
from typing import Any

from documents import payload_indexes, services, vector_indexes
from documents.trees import impact
from mixpeek_site import sql
from mixpeek_site.errors import Fault
from namespaces.dependents import ObjectStage, PayloadIndexState, VectorIndexState
from namespaces.scope import Scope

_BY_NAMESPACE = """
SELECT dc.namespace_id, sum(dc.delta)::bigint
FROM documents_documentcount dc
JOIN namespaces_collection c ON c.namespace_id = dc.namespace_id AND c.id = dc.collection_id AND c.deleted_at IS NULL
WHERE dc.namespace_id = ANY(%s)
GROUP BY dc.namespace_id
"""
_BY_COLLECTION = """
SELECT dc.collection_id, sum(dc.delta)::bigint
FROM documents_documentcount dc
JOIN namespaces_collection c ON c.namespace_id = dc.namespace_id AND c.id = dc.collection_id AND c.deleted_at IS NULL
WHERE dc.namespace_id = %s AND dc.collection_id = ANY(%s)
GROUP BY dc.collection_id
"""
_OF_OBJECT = """
SELECT count(*)
FROM documents_lineagestep s
JOIN namespaces_collection c ON c.namespace_id = s.namespace_id AND c.id = s.collection_id AND c.deleted_at IS NULL
WHERE s.namespace_id = %s AND s.root_object_id = %s
"""


class DocumentsOfPlaces:
    """Counts of collections and namespaces are sums of documents/counting.py, exact in the statement that reads them."""

    def count_by_namespace(self, namespace_ids: list[int]) -> dict[int, int]:
        return dict(sql.rows(_BY_NAMESPACE, (namespace_ids,)))

    def count_by_collection(self, namespace_id: int, collection_ids: list[int]) -> dict[int, int]:
        return dict(sql.rows(_BY_COLLECTION, (namespace_id, collection_ids)))

    def count_of_object(self, namespace_id: int, object_id: str) -> int:
        row = sql.one(_OF_OBJECT, (namespace_id, object_id))
        return int(row[0]) if row else 0

    def stages_of_object(self, scope: Scope, object_id: str) -> Sequence[ObjectStage]:
        found = impact.of_object(scope, object_id).stages
        return [ObjectStage(stage.name, stage.tier, stage.documents) for stage in found]

    def delete_of_object(self, scope: Scope, object_id: str) -> int:
        return services.delete_documents_of_root(scope=scope, object_id=object_id)

    def payload_index_faults(self, declared: Any, location: tuple[str | int, ...]) -> Sequence[Fault]:
        return payload_indexes.faults(declared, location)

    def declare_payload_indexes(self, namespace_id: int, declared: Any) -> None:
        payload_indexes.declare(namespace_id, declared)

    def payload_index_states(
        self, declared: Mapping[int, Sequence[Any]], *, sizes: bool = False
    ) -> dict[int, list[PayloadIndexState]]:
        return payload_indexes.states(declared, sizes=sizes)

    def vector_index_faults(self, declared: Any, location: tuple[str | int, ...]) -> Sequence[Fault]:
        return vector_indexes.index_faults(declared, location)

    def vector_config_faults(self, declared: Any, location: tuple[str | int, ...]) -> Sequence[Fault]:
        return vector_indexes.config_faults(declared, location)

    def declare_vector_indexes(self, namespace_id: int, collection_id: int, declared: Any, *, is_new: bool = False) -> None:
        vector_indexes.declare(namespace_id, collection_id, declared, is_new=is_new)

    def declare_vector_configs(self, namespace_id: int, declared: Any, *, is_new: bool = False) -> None:
        vector_indexes.declare_configs(namespace_id, declared, is_new=is_new)

    def vector_index_states(
        self, namespace_id: int, declared: Mapping[int, Sequence[Any]], *, sizes: bool = False
    ) -> dict[int, list[VectorIndexState]]:
        return vector_indexes.states(namespace_id, declared, sizes=sizes)

    def vector_config_states(self, namespace_ids: Sequence[int]) -> dict[int, dict[str, dict[str, int]]]:
        return vector_indexes.config_states(namespace_ids)
