"""The bodies of `count`, `distinct` and `aggregate`: JSON → small values. What is wrong is a ValidationError naming its place."""

from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from typing import Any, Final, TypeVar

from documents.aggregation.values import (
    DATE_PARTS,
    DATE_TRUNCS,
    FUNCTIONS,
    HAVING_OPERATORS,
    MAX_ALIAS_LENGTH,
    MAX_BOUNDARIES,
    MAX_BUCKETS,
    MAX_GROUPS,
    MAX_HAVING,
    MAX_KEYS,
    MAX_METRICS,
    Aggregation,
    Buckets,
    Having,
    Key,
    Metric,
    Sort,
)
from documents.fields import Field, read_field
from documents.filters import Node, read_filters
from mixpeek_site import jsonio
from mixpeek_site.errors import BadRequestError, Fault, ValidationError
from mixpeek_site.jsonio import Location

Item = TypeVar("Item")
Body = dict[str, Any]

AGGREGATE_MEMBERS: Final = (
    *("group_by", "aggregations", "filters", "having", "unwind", "range_buckets", "sort_by", "sort_direction", "limit"),
)
DISTINCT_MEMBERS: Final = ("field", "filters", "limit")


def read_count(body: Body) -> Node | None:
    """`{filters?}`."""
    _only(body, ("filters",), ("body",))
    return read_filters(body.get("filters"), ("body", "filters"))


def read_filters_text(text: str | None) -> Node | None:
    """The query parameter `filters`, which is JSON text; empty or absent: no filter."""
    location = ("query", "filters")
    if not text:
        return None
    try:
        raw = jsonio.loads(text)
    except BadRequestError:
        raise _refused(location, "must be JSON text", "json_invalid") from None
    except ValidationError as error:
        faults = [Fault((*location, *fault.location[1:]), fault.message, fault.type) for fault in error.faults]
        raise ValidationError(*faults) from None
    return read_filters(raw, location)


def read_distinct(body: Body) -> Aggregation:
    """`{field, filters?, limit?}`: the field's values, most frequent first; null and missing are none."""
    _only(body, DISTINCT_MEMBERS, ("body",))
    return Aggregation(
        keys=(Key("value", _field(body, "field", ("body",))),),
        metrics=(Metric("count", "count"),),
        filters=read_filters(body.get("filters"), ("body", "filters")),
        limit=_limit(body.get("limit")),
        without_null=True,
    )


def read_aggregation(body: Body) -> Aggregation:
    """`{group_by?, aggregations, filters?, having?, unwind?, range_buckets?, sort_by?, sort_direction?, limit?}`."""
    _only(body, AGGREGATE_MEMBERS, ("body",))
    keys = _keys(body)
    metrics = tuple(_each(body, "aggregations", MAX_METRICS, _metric))
    if not metrics:
        raise _refused(("body", "aggregations"), "names no aggregation; at least one is needed", "missing")
    _different((metric.alias for metric in metrics), ("body", "aggregations"))
    unwind = body.get("unwind")
    return Aggregation(
        keys=keys,
        metrics=metrics,
        filters=read_filters(body.get("filters"), ("body", "filters")),
        having=tuple(_each(body, "having", MAX_HAVING, lambda item, place: _having(item, place, keys, metrics))),
        unwind=None if unwind is None else read_field(unwind, ("body", "unwind")),
        sort=_sort(body, keys, metrics),
        limit=_limit(body.get("limit")),
    )


def _keys(body: Body) -> tuple[Key, ...]:
    """Those of `group_by`, in their order. A range bucket on a field that is grouped by as it is gives that key its ranges;
    any other is a key of its own after them, named by its field.
    """
    keys = list(_each(body, "group_by", MAX_KEYS, _key))
    for bucketed in _each(body, "range_buckets", MAX_BUCKETS, _range_bucket):
        same = [index for index, key in enumerate(keys) if _plain(key) and _same_part(key.field, bucketed.field)]
        for index in same:
            keys[index] = Key(keys[index].alias, bucketed.field, buckets=bucketed.buckets)
        if not same:
            keys.append(bucketed)
    _different((key.alias for key in keys), ("body", "group_by"))
    return tuple(keys)


def _same_part(one: Field, other: Field) -> bool:
    """Whether two names mean the same part of a document."""
    return (one.column, one.steps) == (other.column, other.steps)


def _plain(key: Key) -> bool:
    return key.date_trunc is None and key.date_part is None and key.buckets is None


def _key(item: Any, place: Location) -> Key:
    body = _object(item, place, ("field", "alias", "date_trunc", "date_part"))
    field = _field(body, "field", place)
    alias = field.name if body.get("alias") is None else _alias(body, place)
    trunc, part = (_one_of(body, name, units, place) for name, units in (("date_trunc", DATE_TRUNCS), ("date_part", DATE_PARTS)))
    if trunc and part:
        raise _refused((*place, "date_part"), "a field has either date_trunc or date_part", "conflict")
    return Key(alias, field, trunc, part)


def _range_bucket(item: Any, place: Location) -> Key:
    body = _object(item, place, ("field", "boundaries", "default_bucket"))
    field = _field(body, "field", place)
    boundaries = body.get("boundaries")
    where = (*place, "boundaries")
    if not isinstance(boundaries, list) or not 1 <= len(boundaries) <= MAX_BOUNDARIES:
        raise _refused(where, f"must be a list of 1 to {MAX_BOUNDARIES} numbers", "list_type")
    for index, boundary in enumerate(boundaries):
        if not _is_number(boundary):
            raise _refused((*where, index), "must be a number", "number_type")
        if index and boundary <= boundaries[index - 1]:
            raise _refused((*where, index), "boundaries must ascend", "value_error")
    other = body.get("default_bucket")
    if other is None:
        other = "other"
    elif not isinstance(other, str) or len(other) > MAX_ALIAS_LENGTH:
        raise _refused((*place, "default_bucket"), f"must be a name of up to {MAX_ALIAS_LENGTH} characters", "string_type")
    buckets = Buckets(tuple(boundaries), other)
    if other in buckets.labels[:-1]:
        raise _refused((*place, "default_bucket"), "is the name of a range", "value_error")
    return Key(field.name, field, buckets=buckets)


def _metric(item: Any, place: Location) -> Metric:
    body = _object(item, place, ("function", "field", "alias", "distinct_field"))
    function = _one_of(body, "function", FUNCTIONS, place)
    if function is None:
        raise _refused((*place, "function"), f"is required: one of {', '.join(FUNCTIONS)}", "missing")
    alias = _alias(body, place)
    field, distinct = (None if body.get(name) is None else _field(body, name, place) for name in ("field", "distinct_field"))
    if function == "count_distinct":
        field = distinct or field
    if field is None and function != "count":
        raise _refused((*place, "field"), f"is required by {function}", "missing")
    return Metric(alias, function, field)


def _having(item: Any, place: Location, keys: tuple[Key, ...], metrics: tuple[Metric, ...]) -> Having:
    body = _object(item, place, ("field", "operator", "value"))
    operator = _one_of(body, "operator", HAVING_OPERATORS, place)
    if operator is None:
        raise _refused((*place, "operator"), f"is required: one of {', '.join(HAVING_OPERATORS)}", "missing")
    value = body.get("value")
    if not (isinstance(value, str) or _is_number(value)):
        raise _refused((*place, "value"), "must be a number or a string", "value_type")
    name = body.get("field")
    for on, aliases in (("metrics", [m.alias for m in metrics]), ("keys", [k.alias for k in keys])):
        if name in aliases:
            return Having(on, aliases.index(name), operator, value)  # type: ignore[arg-type]  # one of the two words
    raise _refused((*place, "field"), _unknown_alias(name, keys, metrics), "unknown_alias")


def _sort(body: Body, keys: tuple[Key, ...], metrics: tuple[Metric, ...]) -> Sort:
    direction = body.get("sort_direction")
    if direction is not None and (not isinstance(direction, str) or direction.lower() not in ("asc", "desc")):
        raise _refused(("body", "sort_direction"), "must be asc or desc", "enum")
    descending = direction is None or direction.lower() == "desc"
    name = body.get("sort_by")
    if name is None:
        return Sort(descending=descending)
    for index, metric in enumerate(metrics):
        if metric.alias == name:
            if metric.function in ("push", "add_to_set"):
                raise _refused(("body", "sort_by"), f"what {metric.function} collects has no order", "value_error")
            return Sort("metrics", index, descending)
    for names in ([key.alias for key in keys], [key.field.name for key in keys]):
        if name in names:
            return Sort("keys", names.index(name), descending)
    raise _refused(("body", "sort_by"), _unknown_alias(name, keys, metrics), "unknown_alias")


def _unknown_alias(name: Any, keys: tuple[Key, ...], metrics: tuple[Metric, ...]) -> str:
    aliases = ", ".join([*(metric.alias for metric in metrics), *(key.alias for key in keys)])
    return f"must be an alias of this request ({aliases})" + (f", not {name[:100]!r}" if isinstance(name, str) else "")


def _limit(value: Any) -> int:
    if value is None:
        return MAX_GROUPS
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_GROUPS:
        raise _refused(("body", "limit"), f"must be an integer from 1 to {MAX_GROUPS}", "int_range")
    return value


# The parts ----------------------------------------------------------------------------------------------------------


def _each(body: Body, name: str, most: int, read: Callable[[Any, Location], Item]) -> list[Item]:
    """The items of a list, each read; every fault of every item is told. Null or absent: none."""
    items = body.get(name)
    if items is None:
        return []
    if not isinstance(items, list):
        raise _refused(("body", name), "must be a list", "list_type")
    if len(items) > most:
        raise _refused(("body", name), f"has more than {most} items", "too_long")
    found: list[Item] = []
    faults: list[Fault] = []
    for index, item in enumerate(items):
        try:
            found.append(read(item, ("body", name, index)))
        except ValidationError as error:
            faults += error.faults
    if faults:
        raise ValidationError(*faults)
    return found


def _object(item: Any, place: Location, members: Collection[str]) -> Body:
    if not isinstance(item, dict):
        raise _refused(place, "must be an object", "dict_type")
    _only(item, members, place)
    return item


def _only(body: Body, members: Collection[str], place: Location) -> None:
    accepted = ", ".join(members)
    faults = [Fault((*place, name), f"unknown; accepted: {accepted}", "extra_forbidden") for name in body if name not in members]
    if faults:
        raise ValidationError(*faults)


def _field(body: Body, name: str, place: Location) -> Field:
    if body.get(name) is None:
        raise _refused((*place, name), "is required: a field's name", "missing")
    return read_field(body[name], (*place, name))


def _alias(body: Body, place: Location) -> str:
    alias = body.get("alias")
    if not isinstance(alias, str) or not 1 <= len(alias) <= MAX_ALIAS_LENGTH:
        raise _refused((*place, "alias"), f"must be a name of 1 to {MAX_ALIAS_LENGTH} characters", "string_type")
    return alias


def _different(aliases: Iterable[str], place: Location) -> None:
    seen: set[str] = set()
    for alias in aliases:
        if alias in seen:
            raise _refused(place, f"the alias {alias[:100]!r} is there twice; give one of them another", "duplicate")
        seen.add(alias)


def _one_of(body: Body, name: str, words: Collection[str], place: Location) -> str | None:
    word = body.get(name)
    if word is None:
        return None
    if not isinstance(word, str) or word not in words:
        raise _refused((*place, name), f"must be one of {', '.join(words)}", "enum")
    return word


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _refused(place: Location, message: str, kind: str) -> ValidationError:
    return ValidationError(Fault(place, message, kind))
