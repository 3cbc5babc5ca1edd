"""How declared payload indexes find what ranges and `text` may match (documents/payload_indexes/).

The order index holds `documents_order_key` of a field's value, which is monotone in it: strings, then numbers, booleans,
arrays, objects. A value that is an array, or several values reached by one path, may match by any element, so arrays are
looked at besides. Times are compared as times where both are, so they have an index of their own.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from documents.fields import Field
from documents.filters import Condition, is_time
from documents.listing.access import Access, Range
from documents.payload_indexes import Index, Ready
from mixpeek_site.jsonio import dumps
from mixpeek_site.sql import Fragment

_LOWEST_NUMBER: Final = "'-1e1000'::jsonb"
_ARRAYS: Final = "({key} > 'true'::jsonb AND {key} < '{{}}'::jsonb)"
_OPERATORS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def declared_access(condition: Condition, ready: Mapping[Index, Ready]) -> Access | None:
    """The access that a declared index gives to a condition, if there is one. Its share has to be looked up."""
    field = condition.field
    if field.column != "d.payload" or not ready:
        return None
    if condition.operator == "text" and (words := ready.get((field.steps, "words"))):
        text = f"{words.key} @@ documents_field_query(c.id, plainto_tsquery('simple', %s::text))"
        return Access("documents", Fragment(text, (condition.value,)))
    if condition.operator not in _OPERATORS:
        return None
    order, time = ready.get((field.steps, "order")), ready.get((field.steps, "time"))
    value = condition.value
    if order is None or isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    sign = _OPERATORS[condition.operator]
    upwards = sign[0] == ">"
    if not isinstance(value, str):
        bound = "{key} < 'false'::jsonb" if upwards else "{key} >= " + _LOWEST_NUMBER
        main = Fragment(f"({order.key} {sign} %s::jsonb AND {bound.format(key=order.key)})", (dumps(value),))
        return _range(field, order, main)
    sign = f"{sign[0]}="  # of strings the key is only the beginning, and of times the fraction may be cut
    bound = "{key} < " + _LOWEST_NUMBER if upwards else "{key} > 'null'::jsonb"
    main = Fragment(f"({order.key} {sign} documents_order_key(%s::jsonb) AND {bound.format(key=order.key)})", (dumps(value),))
    if not is_time(value):
        return _range(field, order, main)
    if time is None:
        return None
    of_times = Fragment(f"{time.key} {sign} documents_time(%s::text)", (value,))
    return _range(field, order, of_times, main)


def _range(field: Field, order: Ready, *bounds: Fragment) -> Access:
    return Range(field.steps, bounds, Fragment(_ARRAYS.format(key=order.key))).access()
