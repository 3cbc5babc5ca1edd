"""What the schema says of the documents' routes, and its components."""

from typing import Any

from documents.api.openapi.lists import EXPAND, RENDERING
from documents.services import ON_CHILDREN
from mixpeek_site.api.schema import choice, operation, parameter
from mixpeek_site.api.schema_parts import (
    ANY,
    COUNT,
    NUMBER,
    OBJECT,
    STRING,
    STRINGS,
    Schema,
    array,
    closed,
    described,
    nullable,
    opened,
    ref,
)

TAG = "Documents"
_TIME_EXAMPLE = "2025-10-31T10:00:00Z"

_FLAT_LINEAGE: dict[str, Schema] = {
    "root_object_id": nullable(STRING),
    "root_bucket_id": nullable(STRING),
    "source_type": nullable({"type": "string", "enum": ["bucket", "collection"]}),
    "source_object_id": nullable(STRING),
    "source_collection_id": nullable(STRING),
    "source_document_id": nullable(STRING),
}
_CHAIN = array(ref("LineageStep"))
_BLOBS = array(ref("BlobURLRef"))

_ANSWER_MEMBERS: dict[str, Schema] = {
    "document_id": STRING,
    "collection_id": STRING,
    "document_blobs": _BLOBS,
    "vectors": described(OBJECT, "With `return_vectors`: every vector by its name."),
    "_vectors": described(STRINGS, "With `return_vector_names=true`: their names, sorted."),
    "_internal": ref("InternalPayloadModel"),
    # v1 and v2
    "document_schema_version": {"type": "string", "enum": ["v1", "v2"]},
    "lineage": ref("DocumentSourceLineage"),
    "lineage_path": STRING,
    "lineage_chain": _CHAIN,
    "source_blobs": array(OBJECT),
    "source_details": array(OBJECT),
    "enrichments": OBJECT,
    "internal_metadata": OBJECT,
    "presigned_url": STRING,
    "presigned_urls": array(ref("PresignedURLModel")),
    "vector": array(NUMBER),
    "_expanded": ref("Expanded"),
    "_score": described(NUMBER, "In the answer to a search: how good a match it is, higher is better."),
    **_FLAT_LINEAGE,
}
_BODY_MEMBERS: dict[str, Schema] = {
    "document_id": nullable(described(STRING, "Your own id: 1 to 128 of `A-Z a-z 0-9 _ . : -`. Left out: made here.")),
    "collection_id": nullable(described(STRING, "Must be the path's collection, by id or name.")),
    **_FLAT_LINEAGE,
    "lineage_path": nullable(STRING),
    "lineage_chain": nullable(_CHAIN),
    "lineage": nullable(ref("DocumentSourceLineage")),
    "source_blobs": nullable(array(OBJECT)),
    "document_blobs": nullable(_BLOBS),
    "source_details": nullable(array(OBJECT)),
    "enrichments": nullable(OBJECT),
    "internal_metadata": nullable(OBJECT),
    "content_hash": nullable(STRING),
    "document_schema_version": nullable({"type": "string", "enum": ["native", "v1", "v2"]}),
    "features": nullable(array(ref("FeatureModel"))),
    "vectors": nullable(OBJECT),
    "_internal": nullable(OBJECT),
}
_NATIVE_EXAMPLE: dict[str, Any] = {
    "document_id": "doc_f8966ff29c18e20c6b45e053",
    "collection_id": "col_articles",
    "title": "AI in Healthcare",
    "document_blobs": [],
    "_internal": {
        "internal_id": "org_0199f3b2c4d5e6f708192a3b",
        "namespace_id": "ns_xyz789",
        "document_id": "doc_f8966ff29c18e20c6b45e053",
        "collection_id": "col_articles",
        "lineage": {
            "root_object_id": "obj_article_001",
            "root_bucket_id": "bkt_content",
            "source_type": "bucket",
            "source_object_id": "obj_article_001",
            "path": "bkt_content/col_articles",
        },
        "created_at": _TIME_EXAMPLE,
        "updated_at": _TIME_EXAMPLE,
    },
}

COMPONENTS: dict[str, Schema] = {
    "LineageStep": opened(
        {
            "collection_id": STRING,
            "feature_extractor_id": STRING,
            "document_id": nullable(STRING),
            "timestamp": nullable(STRING),
        },
        ["collection_id", "feature_extractor_id"],
        examples=[{"collection_id": "col_frames", "feature_extractor_id": "video_extractor_v1", "timestamp": _TIME_EXAMPLE}],
    ),
    "DocumentSourceLineage": opened({**_FLAT_LINEAGE, "lineage_chain": nullable(_CHAIN)}),
    "InternalLineageModel": opened({**_FLAT_LINEAGE, "path": nullable(STRING), "chain": nullable(_CHAIN)}),
    "BlobURLRef": opened(
        {
            "field": {"type": "string", "minLength": 1},
            "url": {"type": "string", "minLength": 1},
            "presigned_url": nullable(STRING),
            "unavailable_reason": nullable(STRING),
        },
        ["field", "url"],
        examples=[{"field": "thumbnail", "url": "s3://media/frames/0001.jpg", "role": "thumbnail", "type": "image"}],
    ),
    "PresignedURLModel": closed(
        {"key_name": STRING, "object_key": STRING, "presigned_url": STRING}, ["key_name", "object_key", "presigned_url"]
    ),
    "FeatureModel": opened(
        {
            "feature_extractor_id": STRING,
            "payload": nullable(OBJECT),
            "vectors": {
                "description": "A dense vector, a sparse one (`indices`, `values`), a multi-vector, or several by name.",
                "type": ["object", "array", "null"],
            },
        },
        ["feature_extractor_id"],
        examples=[{"feature_extractor_id": "clip_v1", "payload": {"model": "ViT-B-32"}, "vectors": {"clip": [0.1, 0.2]}}],
    ),
    "InternalPayloadModel": opened(
        {
            "internal_id": STRING,
            "namespace_id": STRING,
            "document_id": STRING,
            "collection_id": STRING,
            "created_at": STRING,
            "updated_at": STRING,
            "lineage": ref("InternalLineageModel"),
            "metadata": OBJECT,
            "modality": STRING,
            "mime_type": STRING,
            "size_bytes": {"type": "integer"},
            "content_hash": STRING,
            "processing": OBJECT,
            "source_blobs": array(OBJECT),
            "document_blobs": _BLOBS,
            "source_details": array(OBJECT),
            "enrichments": OBJECT,
        },
        ["internal_id", "namespace_id", "document_id", "collection_id", "created_at", "updated_at"],
    ),
    "DocumentResponse": opened(
        _ANSWER_MEMBERS,
        ["document_id", "collection_id", "document_blobs"],
        description="One document in the rendering that was asked for (native, v1, v2), its user fields at the root.",
        examples=[_NATIVE_EXAMPLE],
    ),
    "DocumentCreateRequest": opened(
        _BODY_MEMBERS,
        description="User fields at the root, of any JSON value; the members named here are the system's.",
        examples=[
            {
                "title": "AI in Healthcare",
                "metadata": {"author": "Dr. Smith", "pages": 12},
                "source_type": "bucket",
                "root_bucket_id": "bkt_content",
                "source_object_id": "obj_article_001",
            }
        ],
    ),
    "DocumentUpdateRequest": opened(
        _BODY_MEMBERS,
        description="The user fields replace the stored ones; system parts that are named are set, the others stay.",
        examples=[{"title": "AI in Healthcare, second edition", "metadata": {"author": "Dr. Smith"}}],
    ),
    "PatchDocumentRequest": opened(
        _BODY_MEMBERS,
        description="Only what is named changes: objects merge, null removes, dotted top-level keys are paths.",
        examples=[{"metadata.reviewed": True, "internal_metadata": {"ingestion_status": "COMPLETED"}}],
    ),
    "MergePatch": opened(
        {},
        description="JSON Merge Patch (RFC 7396): as plain JSON, but a key with dots is one key.",
        examples=[{"metadata": {"draft": None}}],
    ),
    "JsonPatch": array(
        opened(
            {
                "op": {"type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"]},
                "path": STRING,
                "from": STRING,
                "value": ANY,
            },
            ["op", "path"],
        ),
        description="JSON Patch (RFC 6902) over the user fields.",
        examples=[[{"op": "test", "path": "/title", "value": "Draft"}, {"op": "replace", "path": "/title", "value": "Final"}]],
    ),
    "PaginationResponse": closed(
        {
            "total": nullable(COUNT),
            "page": nullable(COUNT),
            "page_size": nullable(COUNT),
            "total_pages": nullable(COUNT),
            "next_page": nullable(STRING),
            "previous_page": nullable(STRING),
            "next_cursor": nullable(STRING),
        },
        ["total", "page", "page_size", "total_pages", "next_page", "previous_page", "next_cursor"],
    ),
    "DocumentLineage": closed(
        {**_FLAT_LINEAGE, "lineage_chain": _CHAIN},
        [*_FLAT_LINEAGE, "lineage_chain"],
    ),
    "DocumentLineageResponse": closed(
        {
            "document_id": STRING,
            "collection_id": STRING,
            "lineage": nullable(ref("DocumentLineage")),
            "depth": described(COUNT, "Number of collections on the way from the root."),
            "total_steps": COUNT,
            "message": nullable(STRING),
        },
        ["document_id", "collection_id", "lineage", "depth", "total_steps", "message"],
    ),
}

_IF_MATCH = parameter("If-Match", STRING, "Write only if the document still has the version of this ETag.", where="header")
_IF_NONE_MATCH = parameter("If-None-Match", STRING, "Answer 304 if the document still is what this ETag names.", where="header")
_ETAG = {"ETag": "Version and representation of the document."}
_PATCH_BODIES = {
    "application/json": "PatchDocumentRequest",
    "application/merge-patch+json": "MergePatch",
    "application/json-patch+json": "JsonPatch",
}

CREATE = operation(
    "create_document",
    "Create a document",
    tag=TAG,
    body="DocumentCreateRequest",
    answer="DocumentResponse",
    parameters=RENDERING,
    errors=(409,),
    headers={**_ETAG, "Location": "The document's URL."},
)
RETRIEVE = operation(
    "get_document",
    "Get a document",
    tag=TAG,
    answer="DocumentResponse",
    parameters=(*RENDERING, EXPAND, _IF_NONE_MATCH),
    headers=_ETAG,
    others={304: "The document still is what If-None-Match names."},
)
REPLACE = operation(
    "update_document",
    "Replace a document's user fields",
    tag=TAG,
    body="DocumentUpdateRequest",
    answer="DocumentResponse",
    parameters=(*RENDERING, _IF_MATCH),
    errors=(412,),
    headers=_ETAG,
)
PATCH = operation(
    "patch_document",
    "Change parts of a document",
    tag=TAG,
    body=_PATCH_BODIES,
    answer="DocumentResponse",
    parameters=(*RENDERING, _IF_MATCH),
    errors=(409, 412),
    headers=_ETAG,
)
DELETE = operation(
    "delete_document",
    "Delete a document",
    tag=TAG,
    answer="GenericDeleteResponse",
    parameters=(
        choice(
            "on_children", ON_CHILDREN, "Children stay (detach), forbid it (restrict), or go too (cascade).", default="detach"
        ),
        _IF_MATCH,
    ),
    errors=(409, 412),
)
LINEAGE = operation(
    "get_document_lineage",
    "Where a document comes from, step by step",
    tag=TAG,
    answer="DocumentLineageResponse",
)
