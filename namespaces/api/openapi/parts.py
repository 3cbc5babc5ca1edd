"""The types that several resources share."""

from mixpeek_site.api.schema_parts import (
    ANY,
    BOOLEAN,
    COUNT,
    OBJECT,
    PAGE_PROPERTIES,
    STRING,
    Schema,
    array,
    closed,
    described,
    nullable,
    opened,
    ref,
)

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

_PAYLOAD_INDEX: dict[str, Schema] = {
    "field_name": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "description": "A field as in filters. `*` with type text: the words of all string values, for `search`.",
    },
    "type": {"type": "string", "enum": ["keyword", "integer", "float", "bool", "geo", "datetime", "text", "uuid"]},
    "field_schema": nullable({**OBJECT, "description": "Stored and returned; words are what the text operator takes for words."}),
    "is_protected": nullable(BOOLEAN),
}

_METRIC = described(STRING, "cosine (default), l2 (also euclidean) or dot (also dot_product).")
_DIMENSIONS: Schema = {"type": "integer", "minimum": 1, "maximum": 16000}
_VECTOR_STATE: Schema = {
    "type": "string",
    "enum": ["pending", "building", "ready", "failed"],
    "description": "Of the index; until it is ready, searches compare with all vectors. exact needs none. A failed build is"
    " tried again.",
}
_VECTOR_INDEX: dict[str, Schema] = {
    "name": nullable(described(STRING, "The vectors' name. Without it, the last segment of feature_uri.")),
    "feature_uri": nullable(described(STRING, "By which searches may name it, such as mixpeek://text_extractor@v1/embedding.")),
    "type": nullable(
        {
            "type": "string",
            "enum": ["hnsw", "exact"],
            "description": "hnsw (default): an index is built, of up to 2,000 dimensions. exact: all are compared.",
        }
    ),
    "source": nullable(described(STRING, "namespace: the collection has it because of the namespace's vector_configs.")),
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
        _PAYLOAD_INDEX,
        ["field_name", "type"],
        description="A field to index. status and error are an answer's and may be sent back: they are not stored.",
    ),
    "PayloadIndex": opened(
        {
            **_PAYLOAD_INDEX,
            "status": {
                "type": "string",
                "enum": ["pending", "building", "ready", "failed", "not_indexed", "default"],
                "description": "not_indexed: there is no index of this type. default: a system or lineage field, "
                "which the default indexes serve. A failed build is tried again.",
            },
            "error": {"type": "string", "description": "Why it failed."},
        },
        ["field_name", "type", "status"],
        description="A declared index and how far it is.",
    ),
    "VectorIndexConfig": opened(
        {
            **_VECTOR_INDEX,
            "dimensions": nullable({**_DIMENSIONS, "description": "Required, here or in index."}),
            "metric": nullable(_METRIC),
            "index": nullable(
                opened(
                    {"dimensions": nullable(_DIMENSIONS), "metric": nullable(_METRIC)},
                    description="As answers have it. state, error and size_bytes are an answer's and may be sent back.",
                )
            ),
        },
        description="What vectors of a name must be: others are refused. An index of them is built behind the requests.",
    ),
    "CollectionVectorIndex": opened(
        {
            **_VECTOR_INDEX,
            "index": opened(
                {
                    "dimensions": nullable(COUNT),
                    "metric": nullable(STRING),
                    "state": _VECTOR_STATE,
                    "error": described(STRING, "Why it failed."),
                    "size_bytes": COUNT,
                },
                ["dimensions", "metric", "state"],
            ),
        },
        ["name", "feature_uri", "type", "index"],
        description="Declared vectors and how far their index is.",
    ),
    "VectorConfigSpec": opened(
        {"name": STRING, "dimension": nullable(_DIMENSIONS), "metric": nullable(_METRIC)},
        ["name"],
        description="What vectors of a name must be in every collection that does not declare the name itself. A collection"
        " that has many of them gets an index; `indexes` of an answer says how many collections have one, by state.",
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
