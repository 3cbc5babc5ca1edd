"""Small builders of JSON Schema (OpenAPI 3.1), and the types that several resources share."""

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
OBJECT: Schema = {"type": "object"}
ANY: Schema = {}
TIME: Schema = {"type": "string", "format": "date-time"}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def optional(properties: dict[str, Schema]) -> dict[str, Schema]:
    """Each property may be null, which means absent."""
    return {name: nullable(schema) if schema else schema for name, schema in properties.items()}


def described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def closed(properties: dict[str, Schema], required: Sequence[str] = (), **more: Any) -> Schema:
    """An object that has these properties and no others."""
    return {**opened(properties, required, **more), "additionalProperties": False}


def opened(properties: dict[str, Schema], required: Sequence[str] = (), **more: Any) -> Schema:
    """An object that may have other properties, too."""
    return {"type": "object", "properties": properties, **({"required": list(required)} if required else {}), **more}


OBJECTS = array(OBJECT)
STRINGS = array(STRING)

# The types of every generation: earlier ones had names that later ones dropped.
FIELD_TYPES = [
    "string",
    "number",
    "integer",
    "float",
    "boolean",
    "object",
    "array",
    "date",
    "datetime",
    "json",
    "file",
    "text",
    "image",
    "audio",
    "video",
    "pdf",
    "excel",
    "document",
    "spreadsheet",
    "presentation",
    "dense_vector",
    "sparse_vector",
    "int8_vector",
]
SOURCE_TYPES = ["bucket", "collection", "taxonomy", "cluster", "direct_upsert", "signals", "none"]
TASK_STATUSES = [
    "PENDING",
    "QUEUED",
    "IN_PROGRESS",
    "PROCESSING",
    "COMPLETED",
    "COMPLETED_WITH_ERRORS",
    "FAILED",
    "CANCELED",
    "INTERRUPTED",
    "UNKNOWN",
    "SKIPPED",
    "DRAFT",
    "ACTIVE",
    "ARCHIVED",
    "SUSPENDED",
    "DEACTIVATED",
]

_EXTRACTOR: dict[str, Schema] = {
    "feature_extractor_name": STRING,
    "version": STRING,
    "params": nullable(OBJECT),
    "parameters": nullable(OBJECT),
    "input_mappings": {"type": ["object", "array", "null"]},
    "field_passthrough": nullable(array(opened({"source_path": STRING, "target_path": nullable(STRING)}, ["source_path"]))),
    "include_all_source_fields": nullable(BOOLEAN),
}

COMPONENTS: dict[str, Schema] = {
    "BucketSchemaFieldType": {"type": "string", "enum": FIELD_TYPES},
    "BucketSchemaField": opened(
        {
            "type": ref("BucketSchemaFieldType"),
            "items": nullable(ref("BucketSchemaField")),
            "properties": {"type": ["object", "null"], "additionalProperties": ref("BucketSchemaField")},
            "description": nullable(STRING),
            "required": nullable(BOOLEAN),
            "enum": nullable(array(ANY)),
            "examples": nullable(array(ANY)),
            "default": ANY,
        },
        ["type"],
    ),
    "BucketSchema": opened(
        {"properties": {"type": "object", "additionalProperties": ref("BucketSchemaField")}},
        ["properties"],
        examples=[{"properties": {"video": {"type": "video"}, "title": {"type": "string"}}}],
    ),
    "FeatureExtractorConfigInput": opened(_EXTRACTOR, ["feature_extractor_name", "version"]),
    "FeatureExtractorConfig": opened(
        {**_EXTRACTOR, "feature_extractor_id": described(STRING, "`<name>_<version>`")},
        ["feature_extractor_name", "version", "feature_extractor_id"],
    ),
    "PayloadIndexConfig": opened(
        {
            "field_name": {"type": "string", "minLength": 1, "maxLength": 255},
            "type": {"type": "string", "enum": ["keyword", "integer", "float", "bool", "geo", "datetime", "text", "uuid"]},
            "field_schema": nullable(OBJECT),
            "is_protected": nullable(BOOLEAN),
        },
        ["field_name", "type"],
    ),
    "SourceType": {"type": "string", "enum": SOURCE_TYPES},
    "TaskStatusEnum": {"type": "string", "enum": TASK_STATUSES},
    "GenericDeleteResponse": closed({"message": STRING, "success": BOOLEAN}, ["message", "success"]),
    "PlaceSort": opened(
        {"field": STRING, "direction": nullable({"type": "string", "enum": ["asc", "desc"]})},
        ["field"],
        examples=[{"field": "created_at", "direction": "desc"}],
    ),
}

PAGE_PROPERTIES: dict[str, Schema] = {
    "limit": nullable({"type": "integer", "minimum": 1, "maximum": 1000}),
    "page_size": nullable({"type": "integer", "minimum": 1, "maximum": 1000, "description": "The same as `limit`."}),
    "offset": nullable({"type": "integer", "minimum": 0, "maximum": 10000}),
    "page": nullable({"type": "integer", "minimum": 1}),
    "cursor": nullable(described(STRING, "The `next_cursor` of the page before; also called `next_cursor` or `after`.")),
    "next_cursor": nullable(STRING),
    "after": nullable(STRING),
    "include_total": nullable(BOOLEAN),
}
LIST_PROPERTIES: dict[str, Schema] = {
    **PAGE_PROPERTIES,
    "filters": nullable(
        described(
            OBJECT,
            "Equality: `{field: value}`, `{field, operator: eq|in, value}`, or `{AND: […]}` of those."
            " Strings compare without regard to case unless `case_sensitive`.",
        )
    ),
    "sort": nullable(ref("PlaceSort")),
    "sorts": nullable(array(ref("PlaceSort"), maxItems=1)),
    "search": nullable(described(STRING, "A part of the name, id or description.")),
    "case_sensitive": nullable(BOOLEAN),
    "include_system": nullable(described(BOOLEAN, "Accepted; there are no system resources here.")),
}


def list_response(item: str, stats: str, *, total_count: bool = True, warnings: bool = True) -> Schema:
    """The answer of a resource list; not every one has a count and warnings in the public API."""
    required = ["results", "pagination", "stats"]
    required += [*(["total_count"] if total_count else []), *(["warnings"] if warnings else [])]
    return closed(
        {
            "results": array(ref(item)),
            "pagination": ref("PaginationResponse"),
            **({"total_count": COUNT} if total_count else {}),
            "stats": nullable(ref(stats)),
            **({"warnings": array(OBJECT)} if warnings else {}),
        },
        required,
    )
