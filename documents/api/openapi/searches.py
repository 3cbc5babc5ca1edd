"""What the schema says of searches."""

from typing import Any, Final

from documents.api.openapi.filters import EXAMPLE as FILTER_EXAMPLE
from documents.api.openapi.filters import FILTERS
from documents.api.openapi.lists import ASKED, RENDERING, REQUEST
from documents.features import MAX_DIMENSIONS
from documents.searching import METRICS
from mixpeek_site.api.schema import PAGE_PARAMETERS, operation
from mixpeek_site.api.schema_parts import COUNT, NUMBER, STRING, STRINGS, Schema, array, closed, described, nullable, opened, ref

TAG: Final = "Search"

_VECTOR: Schema = array(NUMBER, minItems=1, maxItems=MAX_DIMENSIONS)
_NOT_ASKED: Final = ("sort", "cursor", "next_cursor", "after")

COMPONENTS: dict[str, Schema] = {
    "SearchDocumentsRequest": closed(
        {
            **{name: schema for name, schema in REQUEST.items() if name not in _NOT_ASKED},
            "vector": described(
                {**_VECTOR, "type": ["array", "null"]},
                "What to be near to: a dense vector, of the dimension that is compared with.",
            ),
            "vector_name": nullable(
                described(
                    {"type": "string", "minLength": 1, "maxLength": 512},
                    "The vectors to compare with; may be left out where the collection has just one dense name.",
                )
            ),
            "metric": nullable(
                {
                    "type": "string",
                    "enum": list(METRICS),
                    "description": "Of vectors that the collection does not declare; default cosine.",
                }
            ),
            "like": nullable(
                described(
                    STRING,
                    "In place of `vector`: the id of a document of the namespace, whose own vector is meant."
                    " The document itself is left out.",
                )
            ),
            "text": nullable(
                described(STRING, "Words, as in a list's `search`. With a vector both rankings are fused (reciprocal rank).")
            ),
            "score_threshold": {"type": ["number", "null"], "description": "The least `_score`."},
        },
        anyOf=[{"required": [name]} for name in ("vector", "like", "text", "search")],
        examples=[
            {"vector": [0.12, -0.5, 0.33], "vector_name": "embedding", "filters": FILTER_EXAMPLE, "limit": 5},
            {"text": "context manager", "group_by": "root_object_id"},
            {"like": "doc_scene_7", "limit": 10},
        ],
    ),
    "FeatureSearchRequest": closed(
        {
            "collection_identifiers": nullable(
                array(STRING, maxItems=1000, description="Ids or names; left out or empty: all of the namespace.")
            ),
            "query": ref("FeatureSearchQuery"),
            "feature_uri": nullable(
                described(
                    {"type": "string", "minLength": 1, "maxLength": 512},
                    "The vectors to compare with: the declared ones with this URI, else those named so, else those named as its"
                    " last segment. Default mixpeek://text_extractor@v1/embedding.",
                )
            ),
            "top_k": nullable({"type": "integer", "minimum": 1, "maximum": 1000, "description": "How many; default 25."}),
            "filters": FILTERS,
        },
        ["query"],
        examples=[{"query": {"input_mode": "vector", "vector": [0.12, -0.5, 0.33]}, "top_k": 5}, {"query": {"text": "sunset"}}],
    ),
    "FeatureSearchQuery": closed(
        {
            "input_mode": nullable({"type": "string", "enum": ["text", "vector"]}),
            "text": nullable(described(STRING, "Words to rank by: this server runs no models, so it makes no vector of them.")),
            "vector": described({**_VECTOR, "type": ["array", "null"]}, "With a text too, both rankings are fused."),
            "url": {"type": "null", "description": "Not served: this server runs no models."},
            "image": {"type": "null", "description": "Not served: this server runs no models."},
        },
        anyOf=[{"required": ["text"]}, {"required": ["vector"]}],
    ),
    "FeatureSearchResponse": closed(
        {
            "results": array(ref("FoundDocument"), description="Best first."),
            "total": described(COUNT, "How many these are."),
            "unknown_collection_ids": described(STRINGS, "Of the collections asked for, those that do not exist."),
            "warnings": described(STRINGS, "What the caller should know, such as that no collection has such vectors."),
        },
        ["results", "total", "warnings"],
    ),
    "FoundDocument": {
        "allOf": [
            ref("DocumentResponse"),
            opened({"_score": NUMBER}, ["_score"], description="`score` is the same, unless the document has a field called so."),
        ]
    },
}

_SCORES: Final = (
    "Each document has its `_score`, higher is better: cosine 1 - distance; l2 1 / (1 + distance); dot the inner product; words"
    " PostgreSQL's ts_rank; both fused the sum of 1 / (60 + rank). Groups are made of the best 1,000 documents."
)
_QUERY_PARAMETERS: tuple[Any, ...] = tuple(each for each in (*RENDERING, *PAGE_PARAMETERS, *ASKED) if each.name not in _NOT_ASKED)

SEARCH = operation(
    "search_documents",
    "Search a collection's documents by vector, by words, or by both",
    tag=TAG,
    body="SearchDocumentsRequest",
    answer="ListDocumentsResponse",
    parameters=_QUERY_PARAMETERS,
    description=_SCORES,
)
SEARCH_FEATURES = operation(
    "search_features",
    "Search several collections, or all, by vector or by words",
    tag=TAG,
    body="FeatureSearchRequest",
    answer="FeatureSearchResponse",
    parameters=RENDERING,
    description=f"{_SCORES} Documents of several collections are merged by it.",
)
