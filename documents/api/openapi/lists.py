"""What the schema says of lists of documents: what they ask for and what they answer."""

from typing import Any, Final

from documents.api.openapi.filters import EXAMPLE as FILTER_EXAMPLE
from documents.api.openapi.filters import FILTERS
from documents.listing import MAX_PARTITIONS
from mixpeek_site.api.schema import PAGE_PARAMETERS, choice, flag, operation, parameter, text
from mixpeek_site.api.schema_parts import (
    ANY,
    BOOLEAN,
    COUNT,
    NUMBER,
    PAGE_PROPERTIES,
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

TAG: Final = "Documents"

RENDERING: Final = (
    choice("schema_version", ["native", "v1", "v2"], "The rendering of the answer."),
    flag("return_url", "Sign the URLs of the blobs."),
    flag("return_urls", "The same as `return_url`."),
    flag("return_presigned_urls", "The same as `return_url`."),
    flag("return_vectors", "Add every vector."),
    text("return_vector_names", "`true`: add the names of the vectors; `a,b`: add the vectors a and b."),
)
RENDERING_PROPERTIES: Final[dict[str, Schema]] = {
    "schema_version": nullable({"type": "string", "enum": ["native", "v1", "v2"]}),
    "return_url": nullable(BOOLEAN),
    "return_urls": nullable(BOOLEAN),
    "return_presigned_urls": nullable(BOOLEAN),
    "return_vectors": nullable(BOOLEAN),
    "return_vector_names": {"anyOf": [{"type": "boolean"}, STRINGS, {"type": "null"}]},
}

EXPAND: Final = text(
    "expand",
    "`parent`, `root_object`, `ancestors`, `children`, or fields that hold documents' ids, separated by commas: what they"
    " lead to is added below `_expanded`.",
)
_SCENE: dict[str, Any] = {"document_id": "doc_scene", "collection_id": "col_scenes", "title": "Scene 1", "document_blobs": []}
_EXPANDED_EXAMPLE: dict[str, Any] = {
    "parent": _SCENE,
    "ancestors": [_SCENE],
    "children": [],
    "root_object": None,
    "metadata.similar_to": [{**_SCENE, "document_id": "doc_scene_7"}],
}

REQUEST: dict[str, Schema] = {
    **PAGE_PROPERTIES,
    **RENDERING_PROPERTIES,
    "filters": FILTERS,
    "sort": {"anyOf": [ref("SortOption"), {"type": "object", "maxProperties": 0}, {"type": "null"}]},
    "search": nullable(described(STRING, "Full text over the string values of the user fields, best first.")),
    "partition": {"anyOf": [ref("ListPartition"), {"type": "null"}]},
    "group_by": {
        "anyOf": [STRING, ref("GroupByOption"), {"type": "object", "maxProperties": 0}, {"type": "null"}],
        "description": "Answer groups of the documents that share this field's value, the largest first.",
    },
    "select": {
        "anyOf": [STRINGS, STRING, {"type": "null"}],
        "description": "Members of the documents to answer; their ids are always there.",
    },
    "expand": {
        "anyOf": [STRINGS, STRING, {"type": "null"}],
        "description": "`parent`, `root_object`, `ancestors`, `children`, or user fields that hold documents' ids: added"
        " to each document below `_expanded`. The page ends early where it would be too large.",
    },
}
_COLLECTIONS: Schema = {
    "anyOf": [array(STRING, minItems=1, maxItems=1000), STRING, {"type": "null"}],
    "description": "Ids or names of the collections to look in; left out: all of the namespace.",
}
_EXAMPLE: dict[str, Any] = {
    "filters": FILTER_EXAMPLE,
    "sort": {"field": "created_at", "direction": "desc"},
    "limit": 50,
    "include_total": True,
}

COMPONENTS: dict[str, Schema] = {
    "SortOption": closed(
        {"field": STRING, "direction": nullable({"type": "string", "pattern": "^([aA][sS][cC]|[dD][eE][sS][cC])$"})},
        ["field"],
        examples=[{"field": "metadata.year", "direction": "desc"}],
    ),
    "GroupByOption": closed({"field": STRING}, ["field"]),
    "ListPartition": closed(
        {
            "index": {"type": "integer", "minimum": 0, "maximum": MAX_PARTITIONS - 1},
            "count": {"type": "integer", "minimum": 1, "maximum": MAX_PARTITIONS},
        },
        ["index", "count"],
        description="One of `count` disjoint parts of the documents, for readers that work side by side.",
    ),
    "ListDocumentsRequest": closed(REQUEST, examples=[_EXAMPLE]),
    "NamespaceListDocumentsRequest": closed(
        {**REQUEST, "collection_ids": _COLLECTIONS, "collection_id": _COLLECTIONS, "collections": _COLLECTIONS},
        examples=[{"collection_ids": ["col_articles", "col_chapters"], **_EXAMPLE}],
    ),
    "Expanded": opened(
        {
            "parent": {"anyOf": [ref("DocumentResponse"), {"type": "null"}]},
            "root_object": {"anyOf": [ref("ObjectResponse"), {"type": "null"}]},
            "ancestors": described(array(ref("DocumentResponse")), "The root's document first."),
            "children": described(array(ref("DocumentResponse"), maxItems=100), "The first of them, in creation order."),
        },
        description="By the names of `expand`: of a field, the document whose id it holds, or null; of a list, those that"
        " are stored. They are shown as the others, without vectors, and not expanded in turn.",
        additionalProperties={"anyOf": [ref("DocumentResponse"), array(ref("DocumentResponse")), {"type": "null"}]},
        examples=[_EXPANDED_EXAMPLE],
    ),
    "ListedDocument": {
        "anyOf": [ref("DocumentResponse"), ref("SelectedDocument")],
        "description": "A whole document, or with `select` what is left of it.",
    },
    "SelectedDocument": opened(
        {"document_id": STRING, "collection_id": STRING},
        ["document_id", "collection_id"],
        description="Its ids, and of the members that `select` names what it names; vectors and `_expanded`, where asked for.",
        examples=[
            {"document_id": "doc_1", "collection_id": "col_articles", "metadata": {"title": "x"}, "items": [{"product": 7}]}
        ],
    ),
    "DocumentGroup": closed(
        {
            "group_key": described(ANY, "The value that the documents share; null for those that hold none."),
            "documents": described(array(ref("ListedDocument"), maxItems=100), "The first of them."),
            "count": described(COUNT, "How many there are."),
        },
        ["group_key", "documents", "count"],
    ),
    "DocumentListStats": closed(
        {
            "total_documents": nullable(COUNT),
            "avg_blobs_per_document": described(NUMBER, "Of the documents answered."),
            "total_groups": nullable(COUNT),
            "avg_documents_per_group": nullable(NUMBER),
        },
        ["total_documents", "avg_blobs_per_document", "total_groups", "avg_documents_per_group"],
    ),
    "BatchListDocumentsRequest": closed(
        {"queries": array(ref("BatchListQuery"), minItems=1, maxItems=10)},
        ["queries"],
        examples=[
            {
                "queries": [
                    {"key": "newest", "request": {"sort": {"field": "created_at", "direction": "desc"}, "limit": 5}},
                    {"key": "by language", "request": {"collection_ids": ["col_articles"], "group_by": "metadata.language"}},
                ]
            }
        ],
    ),
    "BatchListQuery": closed(
        {
            "key": {
                "type": "string",
                "minLength": 1,
                "maxLength": 128,
                "description": "Any name; it comes back with the result.",
            },
            "request": ref("NamespaceListDocumentsRequest"),
        },
        ["key", "request"],
    ),
    "BatchListResult": closed(
        {
            "key": STRING,
            "response": nullable(ref("ListDocumentsResponse")),
            "error": nullable(described(STRING, "Why there is no response; the other queries have theirs all the same.")),
        },
        ["key", "response", "error"],
    ),
    "BatchListDocumentsResponse": closed(
        {"results": array(ref("BatchListResult"), description="One for each of `queries`, in their order.")}, ["results"]
    ),
    "ListDocumentsResponse": closed(
        {
            "results": nullable(array(ref("ListedDocument"))),
            "groups": nullable(array(ref("DocumentGroup"))),
            "pagination": ref("PaginationResponse"),
            "total_documents": nullable(described(COUNT, "With `include_total`: all that match.")),
            "stats": ref("DocumentListStats"),
            "group_by_field": nullable(STRING),
            "unknown_collection_ids": described(STRINGS, "Of the collections asked for, those that do not exist."),
            "warnings": described(STRINGS, "What the caller should know, such as a filter that no index serves."),
        },
        ["results", "groups", "pagination", "total_documents", "stats", "group_by_field", "warnings"],
    ),
}

ASKED: Final = (
    text("filters", "As the body's `filters`, as JSON text."),
    text("sort", "As the body's `sort`, as JSON text, or in short `field:asc` or `field:desc`."),
    text("search", "Full text over the string values of the user fields."),
    text("partition", "As the body's `partition`, as JSON text."),
    text("group_by", "A field."),
    text("select", "Fields, separated by commas."),
    EXPAND,
)
_PLACES = tuple(
    parameter(name, STRING, "Ids or names of collections, separated by commas.")
    for name in ("collection_ids", "collection_id", "collections")
)

LIST = operation(
    "list_documents",
    "List, filter, sort, search and group the documents of a collection",
    tag=TAG,
    body="ListDocumentsRequest",
    answer="ListDocumentsResponse",
    parameters=(*RENDERING, *PAGE_PARAMETERS, *ASKED),
)
LIST_EVERYWHERE = operation(
    "list_documents_everywhere",
    "List documents of several collections, or of all",
    tag=TAG,
    body="NamespaceListDocumentsRequest",
    answer="ListDocumentsResponse",
    parameters=(*RENDERING, *PAGE_PARAMETERS, *ASKED, *_PLACES),
)
LIST_BATCH = operation(
    "batch_list_documents",
    "Several lists in one request",
    tag=TAG,
    body="BatchListDocumentsRequest",
    answer="BatchListDocumentsResponse",
    description="Each query is answered as `POST /v1/documents/list` would. All answers together have 64 MiB at most.",
)
