"""Components of the objects' routes. User fields stand at an object's root, so its schemas are open."""

from mixpeek_site.api.schema_parts import (
    ANY,
    BOOLEAN,
    COUNT,
    NUMBER,
    OBJECT,
    STRING,
    STRINGS,
    TIME,
    Schema,
    array,
    closed,
    described,
    nullable,
    opened,
    optional,
    ref,
)
from namespaces.api.openapi.parts import LIST_PROPERTIES, list_response

# What an object's body may say of the object itself; every other name is a user field.
_WRITABLE: dict[str, Schema] = optional(
    {
        "key_prefix": STRING,
        "blobs": array(ref("CreateBlobRequest")),
        "edges": array(ref("EdgeModel")),
        "source_details": array(ref("SourceDetails")),
        "status": ref("TaskStatusEnum"),
        "error": STRING,
    }
)
_DIRECTIVES: dict[str, Schema] = optional({"skip_duplicates": BOOLEAN, "canonicalize_source": BOOLEAN, "force_remirror": BOOLEAN})
_IDS: dict[str, Schema] = optional({"object_id": STRING, "bucket_id": STRING})
_UPDATABLE = {**_WRITABLE, **_DIRECTIVES, **_IDS}

_RESPONSE: dict[str, Schema] = {
    "object_id": STRING,
    "bucket_id": STRING,
    "key_prefix": nullable(STRING),
    "blobs": array(ref("BlobModel")),
    "source_details": array(ref("SourceDetails")),
    "edges": array(ref("EdgeModel")),
    "status": ref("TaskStatusEnum"),
    "error": nullable(STRING),
    "created_at": TIME,
    "updated_at": TIME,
    "document_count": nullable(COUNT),
    "consistency": nullable(OBJECT),
}
_BATCH_RESULT: dict[str, Schema] = {
    **_RESPONSE,
    "object_index": COUNT,
    "replayed": BOOLEAN,
    "replayed_by": nullable(STRING),
}
_EXAMPLE = {
    "object_id": "film-0042",
    "blobs": [{"property": "video", "type": "video", "data": "s3://films/0042.mp4"}],
    "title": "The General",
}
_ALWAYS = ("object_id", "bucket_id")

COMPONENTS: dict[str, Schema] = {
    "BlobUploadResponse": closed(
        {
            "upload_id": STRING,
            "url": described(STRING, "Where the bytes are: `s3://…` or `local://…`."),
            "size_bytes": COUNT,
            "checksum": described(STRING, "`sha256:` and 64 hex digits."),
            "content_type": STRING,
            "filename": nullable(STRING),
        },
        ["upload_id", "url", "size_bytes", "checksum", "content_type", "filename"],
    ),
    "CreateBlobRequest": opened(
        {
            "property": {"type": "string", "minLength": 1, "maxLength": 100},
            "type": ref("BucketSchemaFieldType"),
            "data": described(
                ANY,
                "A URL, a data URI, a text, or {url}, or {base64, mime_type, filename}. Bytes go to the blob store.",
            ),
            **optional(
                {
                    "blob_id": {"type": "string", "minLength": 1},
                    "key_prefix": STRING,
                    "upload_id": described(STRING, "Of `POST …/blobs`, instead of `data`."),
                    "checksum": STRING,
                    "metadata": OBJECT,
                    "properties": OBJECT,
                    "details": ref("BlobDetails"),
                    "canonicalize_source": BOOLEAN,
                    "force_remirror": BOOLEAN,
                }
            ),
        },
        ["property", "type"],
    ),
    "BlobDetails": opened(optional({"filename": STRING, "size_bytes": {"type": "integer"}, "mime_type": STRING, "hash": STRING})),
    "BlobModel": closed(
        {
            "blob_id": STRING,
            "property": STRING,
            "key_prefix": nullable(STRING),
            "type": ref("BucketSchemaFieldType"),
            "properties": OBJECT,
            "presigned_url": nullable(STRING),
            "unavailable_reason": described(nullable(STRING), "Why there is no `presigned_url` though one was asked for."),
            "details": ref("BlobDetails"),
        },
        ["blob_id", "property", "type", "properties", "details"],
    ),
    "SourceDetails": opened({"type": ref("SourceType"), "source_id": STRING}, ["type", "source_id"]),
    "EdgeModel": opened({"type": STRING, "target_object_id": STRING}, ["type", "target_object_id"]),
    "CreateObjectRequest": opened(
        {**_UPDATABLE, "idempotency_key": nullable({"type": "string", "minLength": 1, "maxLength": 255})}, examples=[_EXAMPLE]
    ),
    "UpdateObjectRequest": opened(_UPDATABLE, examples=[{"metadata": {"restored": True}}]),
    "PatchObjectRequest": opened(_UPDATABLE, examples=[{"title": "The General (1926)", "status": "COMPLETED"}]),
    "ObjectResponse": opened(_RESPONSE, _ALWAYS),
    "CreateObjectsBatchRequest": closed(
        {"objects": array(ref("CreateObjectRequest"), minItems=1, maxItems=100)},
        ["objects"],
        examples=[{"objects": [_EXAMPLE]}],
    ),
    "BatchObjectResult": opened(_BATCH_RESULT, [*_ALWAYS, "object_index"]),
    "FailedObjectError": closed(
        {"object_index": COUNT, "error": STRING, "error_type": STRING}, ["object_index", "error", "error_type"]
    ),
    "CreateObjectsBatchResponse": closed(
        {
            "succeeded": array(ref("BatchObjectResult")),
            "failed": array(ref("FailedObjectError")),
            "total_requested": COUNT,
            "succeeded_count": COUNT,
            "failed_count": COUNT,
        },
        ["succeeded", "failed", "total_requested", "succeeded_count", "failed_count"],
    ),
    "ListObjectsRequest": closed(
        {
            **{name: schema for name, schema in LIST_PROPERTIES.items() if name != "include_system"},
            "search": nullable(described(STRING, "A part of the id, the key prefix or the user fields.")),
            "select": nullable(described(STRINGS, "Fields to answer with, dotted; object_id and bucket_id always come.")),
            "return_presigned_urls": nullable(BOOLEAN),
            "return_urls": nullable(BOOLEAN),
            "return_url": nullable(BOOLEAN),
        },
        examples=[{"filters": {"status": "PENDING"}, "sort": {"field": "created_at", "direction": "desc"}}],
    ),
    "ListObjectsResponse": list_response("ObjectResponse", "ObjectListStats", total_count=False, warnings=False),
    "ObjectListStats": closed(
        {"total_objects": COUNT, "total_blobs": COUNT, "avg_blobs_per_object": NUMBER, "objects_by_status": OBJECT},
        description="Of the objects on this page.",
    ),
}
SYSTEM_FIELDS = tuple(_WRITABLE)
RESERVED = frozenset({*_UPDATABLE, "idempotency_key", *_BATCH_RESULT})
"""Names at an object's root that are never user fields."""
