"""Components of the namespaces' routes."""

from mixpeek_site.api.schema_parts import (
    BOOLEAN,
    COUNT,
    NAME,
    NUMBER,
    OBJECT,
    OBJECTS,
    STRING,
    STRINGS,
    TIME,
    Schema,
    array,
    closed,
    nullable,
    optional,
    ref,
)
from namespaces.api.openapi.parts import LIST_PROPERTIES, list_response

_EXTRACTORS = array(ref("FeatureExtractorConfigInput"))
_INDEXES = array(ref("PayloadIndexConfig"), maxItems=64)
_EXPIRY: dict[str, Schema] = {"ttl_seconds": {"type": "integer", "minimum": 60}, "expires_at": TIME}
_PROCESSING: dict[str, Schema] = {
    "feature_extractors": _EXTRACTORS,
    "payload_indexes": _INDEXES,
    "vector_configs": array(ref("VectorConfigSpec"), maxItems=16),
    "auto_create_indexes": BOOLEAN,
    "adaptive_indexing": BOOLEAN,
    "infrastructure": OBJECT,
    "trusted_issuers": OBJECTS,
    "spend_budget": OBJECT,
    "tiering": OBJECT,
    "cost_cap_override": OBJECT,
}
_UPDATABLE = {
    "namespace_name": NAME,
    "description": STRING,
    **_PROCESSING,
    **_EXPIRY,
    "pinned": {"type": ["object", "boolean"]},
    "repair_vectors": BOOLEAN,
}
_UPDATABLE_OR_NULL = {**optional(_UPDATABLE), "pinned": {"type": ["object", "boolean", "null"]}}

_MODEL: dict[str, Schema] = {
    "object": {"type": "string", "const": "namespace"},
    "namespace_id": STRING,
    "namespace_name": STRING,
    "namespace_type": {"type": "string", "enum": ["standard", "marketplace"]},
    "scope": {"type": "string", "enum": ["org", "system"]},
    "infrastructure": nullable(OBJECT),
    "trusted_issuers": OBJECTS,
    "cost_cap_override": nullable(OBJECT),
    "tiering": nullable(OBJECT),
    "pinned": nullable(OBJECT),
    "spend_budget": nullable(OBJECT),
    "budget": nullable(OBJECT),
    "cluster_id": nullable(STRING),
    "description": nullable(STRING),
    "feature_extractors": array(ref("FeatureExtractorConfig")),
    "payload_indexes": array(ref("PayloadIndex")),
    "payload_index_count": COUNT,
    "document_count": COUNT,
    "document_count_complete": BOOLEAN,
    "bucket_count": COUNT,
    "collection_count": COUNT,
    "object_count": COUNT,
    "auto_create_indexes": BOOLEAN,
    "adaptive_indexing": BOOLEAN,
    "vector_inference_map": nullable(OBJECT),
    "dynamic_vector_indexes": nullable(BOOLEAN),
    "mode": STRING,
    "vector_configs": array(ref("VectorConfigSpec")),
    "clone_status": nullable(STRING),
    "clone_error": nullable(STRING),
    "clone_phase": nullable(STRING),
    "clone_task_id": nullable(STRING),
    "clone_dispatched_at": nullable(TIME),
    "source_namespace_id": nullable(STRING),
    "namespace_ready": BOOLEAN,
    "created_at": TIME,
    "updated_at": TIME,
    "expires_at": nullable(TIME),
}
HEAVY = ("payload_indexes", "feature_extractors", "vector_inference_map", "vector_configs")
"""What `view=summary` leaves out of a list."""

COMPONENTS: dict[str, Schema] = {
    "CreateNamespaceRequest": closed(
        {
            "namespace_name": NAME,
            **optional(
                {
                    "namespace_id": STRING,
                    "description": STRING,
                    "mode": STRING,
                    "namespace_type": {"type": "string", "enum": ["standard", "marketplace"]},
                    "scope": {"type": "string", "enum": ["org", "system"]},
                    "features": STRINGS,
                    **_PROCESSING,
                    **_EXPIRY,
                }
            ),
        },
        ["namespace_name"],
        examples=[{"namespace_name": "media", "description": "Everything that the video pipeline makes"}],
    ),
    "UpdateNamespaceRequest": closed(_UPDATABLE_OR_NULL, examples=[{"namespace_name": "media-archive"}]),
    "PatchNamespaceRequest": closed(_UPDATABLE_OR_NULL, examples=[{"description": "Closed in 2026"}]),
    "NamespaceModel": closed(_MODEL, [name for name in _MODEL if name not in HEAVY]),
    "ListNamespacesRequest": closed(
        {**LIST_PROPERTIES, "view": nullable({"type": "string", "enum": ["full", "summary"]})},
        examples=[{"search": "media", "sort": {"field": "namespace_name"}, "limit": 20}],
    ),
    "ListNamespacesResponse": list_response("NamespaceModel", "NamespaceListStats", warnings=False),
    "NamespaceListStats": closed(
        {
            **{f"total_{what}": COUNT for what in ("feature_extractors", "payload_indexes")},
            **{f"total_{what}": COUNT for what in ("documents", "buckets", "collections", "objects")},
            "total_documents_complete": BOOLEAN,
            **{
                f"avg_{what}_per_namespace": NUMBER
                for what in ("feature_extractors", "payload_indexes", "documents", "buckets", "collections", "objects")
            },
        },
        description="Of the namespaces on this page.",
    ),
    "NamespaceStatsResponse": closed(
        {
            "namespace_id": STRING,
            "document_count": COUNT,
            "document_count_complete": BOOLEAN,
            "bucket_count": COUNT,
            "collection_count": COUNT,
            "object_count": COUNT,
        },
        ["namespace_id", "document_count", "document_count_complete", "bucket_count", "collection_count", "object_count"],
    ),
}
