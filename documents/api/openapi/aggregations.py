"""What the schema says of counts, distinct values and aggregates, and its components."""

from typing import Any, Final

from documents.aggregation import DATE_PARTS, DATE_TRUNCS, FUNCTIONS, HAVING_OPERATORS, MAX_GROUPS, MAX_KEYS, MAX_METRICS
from documents.api.openapi.documents import TAG
from mixpeek_site.api.schema import operation, text
from mixpeek_site.api.schema_parts import (
    ANY,
    NAME,
    OBJECT,
    STRING,
    Schema,
    array,
    closed,
    described,
    nullable,
    opened,
    ref,
)
from mixpeek_site.api.schema_parts import (
    COUNT as NUMBER_OF,
)

_FILTERS: Final = nullable(described(OBJECT, "Which documents: as in lists. Left out, null or `{}`: all."))
_LIMIT: Final[Schema] = {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_GROUPS}
_NUMBER: Final[Schema] = {"type": ["integer", "number"]}
_FIELD: Final = described(
    STRING,
    "A field: a dotted path (`metadata.title`, `tags.0`), a JSON pointer (`/metadata/a.b`), or a system or lineage name.",
)


def _units(units: tuple[str, ...], description: str) -> Schema:
    return nullable({"type": "string", "enum": list(units), "description": description})


_AGGREGATE_EXAMPLES: list[dict[str, Any]] = [
    {
        "group_by": [{"field": "created_at", "date_trunc": "month", "alias": "month"}, {"field": "metadata.site"}],
        "aggregations": [
            {"function": "count", "alias": "documents"},
            {"function": "avg", "field": "metadata.score", "alias": "score"},
        ],
        "filters": {"metadata.active": True},
        "having": [{"field": "documents", "operator": "gte", "value": 10}],
        "sort_by": "score",
        "limit": 20,
    },
    {"unwind": "tags", "group_by": [{"field": "tags"}], "aggregations": [{"function": "count", "alias": "n"}], "sort_by": "n"},
    {
        "range_buckets": [{"field": "duration", "boundaries": [0, 60, 300, 600], "default_bucket": "other"}],
        "aggregations": [{"function": "count", "alias": "videos"}],
    },
]

COMPONENTS: dict[str, Schema] = {
    "DocumentCountRequest": closed({"filters": _FILTERS}, examples=[{"filters": {"metadata.site": "site-01"}}]),
    "DocumentCountResponse": closed(
        {"collection_id": STRING, "count": NUMBER_OF},
        ["collection_id", "count"],
        examples=[{"collection_id": "col_0199f3b2c4d5e6f708192a3b", "count": 1042}],
    ),
    "DistinctValuesRequest": closed(
        {
            "field": _FIELD,
            "filters": _FILTERS,
            "limit": described(_LIMIT, f"At most so many values; default {MAX_GROUPS}."),
        },
        ["field"],
        examples=[{"field": "metadata.site", "limit": 100}],
    ),
    "DistinctValue": closed(
        {"value": described(ANY, "Any JSON value but null; an array is one value."), "count": NUMBER_OF}, ["value", "count"]
    ),
    "DistinctValuesResponse": closed(
        {
            "field": STRING,
            "values": array(ref("DistinctValue"), description="Most frequent first, then by value."),
            "total_distinct": described(NUMBER_OF, "How many values are in this answer."),
            "query_info": opened(
                {
                    "truncated": {"const": True},
                    "reason": {"const": "limit"},
                    "distinct_values": described(NUMBER_OF, "How many there are in all."),
                },
                description="Empty when the answer has every value.",
            ),
        },
        ["field", "values", "total_distinct", "query_info"],
        examples=[
            {"field": "metadata.site", "values": [{"value": "site-07", "count": 31}], "total_distinct": 1, "query_info": {}}
        ],
    ),
    "GroupByField": closed(
        {
            "field": _FIELD,
            "alias": nullable(described(NAME, "The key's name in the answer; left out, the field's name.")),
            "date_trunc": _units(
                DATE_TRUNCS,
                "Group by the beginning of the year, …, in UTC; weeks begin on Monday. Null where the value is no time.",
            ),
            "date_part": _units(
                DATE_PARTS,
                "Group by a part of the time in UTC. `week`: of ISO 8601; `dayOfWeek`: 1 is Sunday, 7 Saturday."
                " Null where the value is no time. Not beside date_trunc.",
            ),
        },
        ["field"],
    ),
    "AggregationOperation": closed(
        {
            "function": {
                "type": "string",
                "enum": list(FUNCTIONS),
                "description": (
                    "Null and missing values take no part. `count`: documents, or with `field` its values; `count_distinct`;"
                    " `sum` (0 without numbers) and `avg` of numbers, other values ignored: sums are exact, averages are the"
                    " exact sum divided to 16 significant digits or more; `min`, `max`: numbers by value, strings by code"
                    " point, mixed types as PostgreSQL orders jsonb; `first`, `last`, `push` (all values) in creation order;"
                    " `add_to_set`: each value once, ascending. What push and add_to_set collect is at most 64 MiB in all."
                ),
            },
            "field": nullable(described(_FIELD, "Required but for `count`.")),
            "alias": described(NAME, "The metric's name in the answer."),
            "distinct_field": nullable(described(_FIELD, "The field of `count_distinct`, before `field`.")),
        },
        ["function", "alias"],
    ),
    "HavingCondition": closed(
        {
            "field": described(STRING, "An alias of `aggregations`, or of `group_by`."),
            "operator": {"type": "string", "enum": list(HAVING_OPERATORS)},
            "value": described(
                {"type": ["integer", "number", "string"]},
                "Compared as JSON values; greater and less only number with number and string with string, times as times.",
            ),
        },
        ["field", "operator", "value"],
    ),
    "RangeBucket": closed(
        {
            "field": _FIELD,
            "boundaries": array(
                _NUMBER,
                minItems=1,
                description="Ascending. The range from 0 to 10 is called `0-10`, holds 0, and does not hold 10.",
            ),
            "default_bucket": nullable(described(STRING, "The name of what is outside of all ranges; left out, `other`.")),
        },
        ["field", "boundaries"],
    ),
    "DocumentAggregationRequest": closed(
        {
            "group_by": {
                **array(ref("GroupByField"), maxItems=MAX_KEYS),
                "type": ["array", "null"],
                "description": "Left out or empty: everything is one group, which is there also when no document is.",
            },
            "aggregations": array(ref("AggregationOperation"), minItems=1, maxItems=MAX_METRICS),
            "filters": _FILTERS,
            "having": {**array(ref("HavingCondition")), "type": ["array", "null"], "description": "All must hold for a group."},
            "unwind": nullable(
                described(
                    _FIELD,
                    "A row for each element of the array there, before grouping; a value that is no array is its own element;"
                    " documents without one drop out. Fields at it and below it are the element's.",
                )
            ),
            "range_buckets": {
                **array(ref("RangeBucket")),
                "type": ["array", "null"],
                "description": "Group by ranges of numbers: the key of `group_by` with the same field becomes the range; for"
                " another field it is one more key, called by the field's name. Null where the value is no number.",
            },
            "sort_by": nullable(
                described(STRING, "An alias of `aggregations` or `group_by`; left out, how many rows a group has. Ties by keys.")
            ),
            "sort_direction": nullable(described(STRING, "asc or desc, in any case; default desc. Null comes last in both.")),
            "limit": described(_LIMIT, f"At most so many groups; default {MAX_GROUPS}."),
        },
        ["aggregations"],
        examples=_AGGREGATE_EXAMPLES,
    ),
    "AggregationResult": closed(
        {
            "group": opened({}, description="The keys by their aliases; null for missing and null together."),
            "metrics": opened({}, description="The aggregations by their aliases."),
        },
        ["group", "metrics"],
    ),
    "DocumentAggregationResponse": closed(
        {
            "results": array(ref("AggregationResult")),
            "total_groups": described(NUMBER_OF, "How many groups there are after `having`, before `limit`."),
            "query_info": opened({"collection_id": STRING, "groups_returned": NUMBER_OF, "limit": NUMBER_OF}),
        },
        ["results", "total_groups", "query_info"],
        examples=[
            {
                "results": [{"group": {"metadata.site": "site-07"}, "metrics": {"documents": 31, "score": 48.25}}],
                "total_groups": 50,
                "query_info": {"collection_id": "col_0199f3b2c4d5e6f708192a3b", "groups_returned": 1, "limit": 1},
            }
        ],
    ),
}

COUNT = operation(
    "count_documents",
    "Count the documents of a collection",
    tag=TAG,
    answer="DocumentCountResponse",
    parameters=(text("filters", "Count only those that match: a filter as in lists, as JSON text."),),
)
COUNT_MATCHING = operation(
    "count_matching_documents",
    "Count the documents that match a filter",
    tag=TAG,
    body="DocumentCountRequest",
    answer="DocumentCountResponse",
)
DISTINCT = operation(
    "distinct_document_values",
    "List a field's values, most frequent first",
    tag=TAG,
    body="DistinctValuesRequest",
    answer="DistinctValuesResponse",
    description="Null and missing are no values; an array is one value, and `aggregate` with `unwind` counts elements.",
)
AGGREGATE = operation(
    "aggregate_documents",
    "Group documents and work out metrics of each group",
    tag=TAG,
    body="DocumentAggregationRequest",
    answer="DocumentAggregationResponse",
)
