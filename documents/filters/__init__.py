"""The filter language (contract section 7): JSON → small values → SQL. docs/filters.md says it to users.

node = read_filters(body.get("filters"), ("body", "filters"))       # None: every document
text, params = predicate(node)                                      # over the aliases d, c and l of documents/fields.py
with bounded_regex(node):
    rows = sql.rows(f"… WHERE {text}", params)
"""

from documents.filters.compile import predicate
from documents.filters.nodes import All, Any, Condition, Node, Nothing, conditions, has_regex, reads_lineage
from documents.filters.parse import read_filters
from documents.filters.regex import bounded_regex
from documents.filters.times import is_time

__all__ = [
    "All",
    "Any",
    "Condition",
    "Node",
    "Nothing",
    "bounded_regex",
    "conditions",
    "has_regex",
    "is_time",
    "predicate",
    "read_filters",
    "reads_lineage",
]
