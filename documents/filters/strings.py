"""What an operator says of one string, as SQL over an expression of type text (NULL in, NULL or false out)."""

from documents.filters.nodes import Condition
from documents.filters.times import is_time
from mixpeek_site.sql import Fragment

RANGES = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

LONG_TEXT_BYTES = 250_000
"""A shorter text always fits into a tsvector: its words take at most four bytes for each of its own."""


def holds(condition: Condition, text: str) -> Fragment:
    """SQL of a range, `contains`, `starts_with`, `ends_with`, `regex` or `text` with a string as the value."""
    operator, value = condition.operator, condition.value
    if operator in RANGES:
        return _compares(RANGES[operator], value, text)
    if operator == "regex":
        return Fragment(f"{text} {'~' if condition.case_sensitive else '~*'} %s::text", (value,))
    if operator == "text":
        return Fragment(
            f"CASE WHEN octet_length({text}) <= {LONG_TEXT_BYTES}"
            f" THEN to_tsvector('simple', {text}) @@ plainto_tsquery('simple', %s)"
            f" ELSE documents_long_text_has({text}, %s) END",
            (value, value),
        )
    if condition.case_sensitive:
        left, right = text, "%s::text"
    else:
        left, right = f"lower({text})", "(SELECT lower(%s::text))"
    if operator == "contains":
        return Fragment(f"strpos({left}, {right}) > 0", (value,))
    if operator == "starts_with":
        return Fragment(f"starts_with({left}, {right})", (value,))
    assert operator == "ends_with"
    return Fragment(f"right({left}, length({right})) = {right}", (value, value))


def _compares(sign: str, value: object, text: str) -> Fragment:
    """By code point; when both are times, as times."""
    by_code_point = f'{text} COLLATE "C" {sign} %s::text'
    if not is_time(value):
        return Fragment(by_code_point, (value,))
    return Fragment(f"COALESCE(documents_time({text}) {sign} documents_time(%s), {by_code_point})", (value, value))
