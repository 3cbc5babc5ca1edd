"""What the schema says of upserts and of a document by its namespace's path, and their components."""

from typing import Final

from documents.api.openapi.documents import TAG
from documents.api.openapi.lists import RENDERING
from mixpeek_site.api.schema import operation, parameter
from mixpeek_site.api.schema_parts import (
    BOOLEAN,
    COUNT,
    OBJECT,
    STRING,
    STRINGS,
    Schema,
    array,
    closed,
    described,
    nullable,
    opened,
    optional,
    ref,
)

_ACL: Final = optional({"read": array(STRING, maxItems=256), "write": array(STRING, maxItems=256), "public": BOOLEAN})

COMPONENTS: dict[str, Schema] = {
    "UpsertDocument": opened(
        {
            "document_id": STRING,
            "vectors": described(OBJECT, "Dense, sparse or multi, by name: all that the document has from then on."),
            "payload": described(nullable(OBJECT), "User fields, which are put at the document's root."),
            "metadata": nullable(OBJECT),
            "acl": {**nullable(closed(_ACL)), "description": "Neither stored nor enforced; the answer warns."},
            **optional(
                {
                    "source_type": {"type": "string", "enum": ["bucket", "collection"]},
                    **dict.fromkeys(("root_object_id", "root_bucket_id", "source_object_id", "source_document_id"), STRING),
                    **dict.fromkeys(("source_collection_id", "lineage_path", "content_hash"), STRING),
                    "lineage_chain": array(OBJECT),
                }
            ),
        },
        ["document_id", "vectors"],
        description="A document as a create has it, with its user fields in `payload`.",
    ),
    "UpsertOptions": closed(
        optional(
            {
                "write_token": described(BOOLEAN, "Accepted; there is none, because what is written is read at once."),
                "idempotency_key": described(STRING, "Accepted; an upsert that is repeated writes the same again."),
            }
        )
    ),
    "UpsertDocumentsRequest": closed(
        {
            "collection_id": described(nullable(STRING), "Its id or name; may be left out where the namespace has just one."),
            "documents": array(ref("UpsertDocument"), maxItems=1000),
            "options": nullable(ref("UpsertOptions")),
        },
        ["documents"],
        examples=[
            {
                "collection_id": "scenes",
                "documents": [{"document_id": "scene_1", "vectors": {"clip": [0.12, -0.5]}, "payload": {"title": "Opening"}}],
            }
        ],
    ),
    "UpsertResult": closed(
        {
            "document_id": nullable(STRING),
            "status": {"type": "string", "enum": ["created", "updated", "failed"]},
            "error": nullable(STRING),
        },
        ["document_id", "status", "error"],
    ),
    "WriteConsistency": closed(
        {
            "retriever_visible": {"const": "immediate"},
            "write_token_available": BOOLEAN,
            "expected_visible_within_ms": COUNT,
            "recommended_header": {"type": "null"},
            "poll": {"type": "null"},
            "next_actions": {"type": "null"},
        },
        ["retriever_visible"],
    ),
    "UpsertDocumentsResponse": closed(
        {
            "inserted": described(COUNT, "Documents that were created or replaced."),
            "document_ids": STRINGS,
            "results": array(ref("UpsertResult"), description="One for each of `documents`, in their order."),
            "write_token": {"type": "null"},
            "dropped_payload_fields": described(
                {"type": ["object", "null"], "additionalProperties": STRINGS},
                "By document: names in its payload that the store keeps for itself, which were not stored.",
            ),
            "unsearchable_document_ids": described(
                {"type": ["array", "null"], "items": STRING}, "Those without a vector that a search can find."
            ),
            "consistency": ref("WriteConsistency"),
            "warnings": {"type": ["array", "null"], "items": STRING},
        },
        ["inserted", "document_ids", "results"],
        examples=[
            {
                "inserted": 1,
                "document_ids": ["scene_1"],
                "results": [{"document_id": "scene_1", "status": "created", "error": None}],
                "write_token": None,
                "dropped_payload_fields": None,
                "unsearchable_document_ids": None,
                "consistency": {"retriever_visible": "immediate"},
                "warnings": None,
            }
        ],
    ),
}

UPSERT = operation(
    "upsert_documents",
    "Create documents with vectors, or replace them",
    tag=TAG,
    body="UpsertDocumentsRequest",
    answer="UpsertDocumentsResponse",
    in_namespace=False,
    description=(
        "Up to 1000 at once. A document that is there gets the user fields and vectors that are given, and no others; system"
        " parts that are not named stay, as with PUT. `results` says how it went with each: one that fails leaves the others"
        " as they are. Of two with the same id the later one counts."
    ),
)
RETRIEVE = operation(
    "get_document_of_namespace",
    "Get a document of a namespace",
    tag=TAG,
    answer="DocumentResponse",
    parameters=(
        *RENDERING,
        parameter("If-None-Match", STRING, "Answer 304 if the document still is what this ETag names.", where="header"),
    ),
    in_namespace=False,
    headers={"ETag": "Version and representation of the document."},
    others={304: "The document still is what If-None-Match names."},
)
