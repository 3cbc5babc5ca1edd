"""Filters as SQL: one boolean expression over the aliases d, c and l of documents/fields.py.

Every condition is SQL that is never NULL, so that AND, OR and NOT mean what they say. What a request says, paths
included, is in the parameters.
"""

from documents.filters import json_conditions, text_conditions
from documents.filters.nodes import All, Any, Condition, Node
from mixpeek_site.sql import Fragment


def predicate(node: Node | None) -> Fragment:
    """A boolean SQL expression, never NULL, that stands as it is beside AND and NOT. None: `true`."""
    if node is None:
        return Fragment("true")
    if isinstance(node, Condition):
        text, params = _condition(node)
        return Fragment(f"({text})", params)
    parts = [predicate(inner) for inner in node.nodes]
    params = tuple(param for part in parts for param in part.params)
    if isinstance(node, All):
        return Fragment(f"({' AND '.join(part.text for part in parts)})" if parts else "true", params)
    either = f"({' OR '.join(part.text for part in parts)})" if parts else "false"
    return Fragment(either if isinstance(node, Any) else f"(NOT {either})", params)


def _condition(condition: Condition) -> Fragment:
    if condition.field.kind == "json":
        return json_conditions.sql(condition)
    return text_conditions.sql(condition)
