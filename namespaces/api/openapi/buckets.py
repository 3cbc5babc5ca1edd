"""Components of the buckets' routes."""

from mixpeek_site.api.schema_parts import (
    BOOLEAN,
    COUNT,
    NAME,
    NUMBER,
    OBJECT,
    STRING,
    STRINGS,
    TIME,
    Schema,
    closed,
    nullable,
    opened,
    optional,
    ref,
)
from namespaces.api.openapi.parts import LIST_PROPERTIES, list_response

_PROCESSING: dict[str, Schema] = {
    "metadata": OBJECT,
    "unique_key": ref("UniqueKeyConfig"),
    "storage_class": {"type": "string", "enum": ["standard", "nearline", "coldline", "archive"]},
    "destination": OBJECT,
    "ingest_filter": OBJECT,
    "source_adapter": OBJECT,
}
_UPDATABLE = optional({"bucket_name": NAME, "description": STRING, "bucket_schema": ref("BucketSchema"), **_PROCESSING})

_RESPONSE: dict[str, Schema] = {
    "bucket_id": STRING,
    "bucket_name": STRING,
    "description": nullable(STRING),
    "bucket_schema": nullable(ref("BucketSchema")),
    "unique_key": nullable(ref("UniqueKeyConfig")),
    "metadata": OBJECT,
    "storage_class": nullable(STRING),
    "destination": nullable(OBJECT),
    "ingest_filter": nullable(OBJECT),
    "object_count": COUNT,
    "failed_object_count": COUNT,
    "total_size_bytes": COUNT,
    "created_at": TIME,
    "updated_at": TIME,
    "last_upload_at": nullable(TIME),
    "stats_updated_at": nullable(TIME),
    "status": ref("TaskStatusEnum"),
    "is_locked": BOOLEAN,
    "batch_stats": ref("BatchStatistics"),
    "storage_stats": ref("StorageStatistics"),
    "source_adapter": nullable(OBJECT),
}

COMPONENTS: dict[str, Schema] = {
    "UniqueKeyConfig": opened(
        {"fields": STRINGS, "default_policy": nullable({"type": "string", "enum": ["insert", "update", "upsert"]})},
        ["fields"],
    ),
    "BatchStatistics": closed(dict.fromkeys(("total", "active", "completed", "failed"), COUNT)),
    "StorageStatistics": closed({f"{name}_size_bytes": COUNT for name in ("total", "avg", "max", "min")}),
    "BucketCreateRequest": closed(
        {
            "bucket_name": NAME,
            "bucket_schema": ref("BucketSchema"),
            **optional({"bucket_id": STRING, "description": STRING, **_PROCESSING}),
        },
        ["bucket_name", "bucket_schema"],
        examples=[{"bucket_name": "films", "bucket_schema": {"properties": {"video": {"type": "video"}}}}],
    ),
    "BucketUpdateRequest": closed(_UPDATABLE, examples=[{"bucket_name": "films-2026", "metadata": {"team": "archive"}}]),
    "BucketPatchRequest": closed(_UPDATABLE, examples=[{"metadata": {"team": "archive"}}]),
    "BucketResponse": closed(_RESPONSE, list(_RESPONSE)),
    "ListBucketsRequest": closed(LIST_PROPERTIES, examples=[{"search": "film", "limit": 20}]),
    "ListBucketsResponse": list_response("BucketResponse", "BucketListStats"),
    "BucketListStats": closed(
        {
            "total_objects": COUNT,
            "total_size_bytes": COUNT,
            "avg_objects_per_bucket": NUMBER,
            "avg_size_per_bucket": NUMBER,
        },
        description="Of the buckets on this page.",
    ),
}
