"""Counts, distinct values and aggregates of a collection (contract section 7): JSON → small values → one statement.

asked = read_aggregation(body)
result = aggregate(scope, collection, asked)        # result.rows: JSON texts of each group's keys and metrics
"""

from documents.aggregation.parse import (
    read_aggregation,
    read_count,
    read_distinct,
    read_filters_text,
)
from documents.aggregation.run import Result, aggregate, count
from documents.aggregation.values import (
    DATE_PARTS,
    DATE_TRUNCS,
    FUNCTIONS,
    HAVING_OPERATORS,
    MAX_GROUPS,
    MAX_KEYS,
    MAX_METRICS,
    Aggregation,
    Buckets,
    Having,
    Key,
    Metric,
    Sort,
)

__all__ = [
    "DATE_PARTS",
    "DATE_TRUNCS",
    "FUNCTIONS",
    "HAVING_OPERATORS",
    "MAX_GROUPS",
    "MAX_KEYS",
    "MAX_METRICS",
    "Aggregation",
    "Buckets",
    "Having",
    "Key",
    "Metric",
    "Result",
    "Sort",
    "aggregate",
    "count",
    "read_aggregation",
    "read_count",
    "read_distinct",
    "read_filters_text",
]
