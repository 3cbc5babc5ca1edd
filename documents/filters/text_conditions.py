"""Conditions on columns: ids and lineage (text, of which some may be NULL) and times.

The columns have the collation C, under which lower() knows ASCII alone; folding takes the database's.
"""

from dataclasses import replace

from documents import fields
from documents.filters.nodes import Condition
from documents.filters.strings import RANGES, holds
from documents.filters.times import is_time
from mixpeek_site.sql import Fragment

_NEGATIVE = {"ne": "eq", "nin": "in"}
_COMPARED = {"eq": "=", **RANGES}


def sql(condition: Condition) -> Fragment:
    """A boolean expression, never NULL."""
    column, value, operator = condition.field.column, condition.value, condition.operator
    if operator == "exists" or operator == "is_null":
        return Fragment(f"{column} IS {'NOT ' if value is (operator == 'exists') else ''}NULL")
    if operator in ("eq", "ne") and value is None:
        return Fragment(f"{column} IS {'' if operator == 'eq' else 'NOT '}NULL")
    if operator in _NEGATIVE:
        text, params = sql(replace(condition, operator=_NEGATIVE[operator]))
        return Fragment(f"{column} IS NOT NULL AND NOT ({text})", params)
    if condition.field.kind == "time":
        return _time(condition)
    return _text(condition, f'{column} COLLATE "default"')


def _time(condition: Condition) -> Fragment:
    """With times as times, so that an index on the column serves it; with other strings as the text of the answers."""
    column, value, operator = condition.field.column, condition.value, condition.operator
    as_text = fields.iso_text(column)
    if operator in _COMPARED and is_time(value):
        return Fragment(f"{column} {_COMPARED[operator]} documents_time(%s)", (value,))
    if operator != "in":
        return _text(condition, as_text)
    assert isinstance(value, list)
    times = [each for each in value if is_time(each)]
    if not times:
        return _text(condition, as_text)
    is_one = f"{column} = ANY(ARRAY(SELECT documents_time(v) FROM unnest(%s::text[]) AS t(v)))"
    if len(times) == len(value):
        return Fragment(is_one, (times,))
    text, params = _text(replace(condition, value=[each for each in value if not is_time(each)]), as_text)
    return Fragment(f"{is_one} OR {text}", (times, *params))


def _text(condition: Condition, expression: str) -> Fragment:
    value, operator = condition.value, condition.operator
    folded = expression if condition.case_sensitive else f"lower({expression})"
    if operator == "in":
        assert isinstance(value, list)
        strings = [each for each in value if isinstance(each, str)]
        if not strings:
            return Fragment("false")
        listed = "%s::text[]" if condition.case_sensitive else "ARRAY(SELECT lower(v) FROM unnest(%s::text[]) AS t(v))"
        return Fragment(f"COALESCE({folded} = ANY({listed}), false)", (strings,))
    if not isinstance(value, str):
        return Fragment("false")
    if operator == "eq":
        text, params = Fragment(f"{folded} = {'%s::text' if condition.case_sensitive else '(SELECT lower(%s::text))'}", (value,))
    else:
        text, params = holds(condition, expression)
    return Fragment(f"COALESCE({text}, false)", params)
