"""What an aggregation answers, worked out in plain Python over parsed JSON: nothing of the product is used here.

A document is a Row: its payload, its system names and its place in the order of creation. `answer(rows, body)` gives the
groups, in order, as `{"group": …, "metrics": …}` with comparable values (`canonical`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

# Texts and the times that they say.
TIMES: dict[str, datetime] = {
    "2025-10-31": datetime(2025, 10, 31, tzinfo=UTC),
    "2025-10-31T10:20:30Z": datetime(2025, 10, 31, 10, 20, 30, tzinfo=UTC),
    "2025-11-01T01:30:00.25+02:00": datetime(2025, 10, 31, 23, 30, 0, 250000, tzinfo=UTC),
    "2024-02-29 23:59": datetime(2024, 2, 29, 23, 59, tzinfo=UTC),
    "2021-01-03T00:00:00Z": datetime(2021, 1, 3, tzinfo=UTC),  # a Sunday, in week 53 of 2020
    "2024-12-30": datetime(2024, 12, 30, tzinfo=UTC),  # a Monday, in week 1 of 2025
}
NO_TIMES = ("2023-02-29", "2025-13-01", "yesterday", "2025", "")


@dataclass(frozen=True)
class Row:
    payload: dict[str, Any]
    document_id: str
    created_at: datetime
    id: str
    modality: str | None = None

    @property
    def moment(self) -> tuple[datetime, str]:
        return self.created_at, self.id


@dataclass(frozen=True)
class Unwound:
    row: Row
    element: Any = None
    place: int = 0


@dataclass
class Group:
    key: list[Any]
    members: list[Unwound] = field(default_factory=list)


def answer(rows: list[Row], body: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """How many groups there are in all, and those of the answer."""
    unwind = body.get("unwind")
    keys = _keys(body)
    groups: dict[Any, Group] = {} if keys else {(): Group([])}
    for member in _unwound(sorted(rows, key=lambda row: row.moment), unwind):
        values = [key.of(value_of(member, key.path, unwind)) for key in keys]
        groups.setdefault(tuple(map(canonical, values)), Group(values)).members.append(member)
    made = []
    for group in groups.values():
        metrics = [_metric(each, group.members, unwind) for each in body["aggregations"]]
        made.append((group, metrics))
    kept = [each for each in made if all(_having(condition, body, keys, *each) for condition in body.get("having") or [])]
    ordered = _ordered(kept, body, keys)
    return len(kept), [
        {
            "group": {key.alias: canonical(key.shown(value)) for key, value in zip(keys, group.key, strict=True)},
            "metrics": {each["alias"]: canonical(value) for each, value in zip(body["aggregations"], metrics, strict=True)},
        }
        for group, metrics in ordered[: body.get("limit") or 10_000]
    ]


# Values ------------------------------------------------------------------------------------------------------------------


def _steps(path: str) -> list[str]:
    if path.startswith("/"):
        return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]
    return path.split(".")


def value_of(member: Unwound, path: str, unwind: str | None) -> Any:
    if unwind is not None and _steps(path)[: len(_steps(unwind))] == _steps(unwind):
        return _reach(member.element, _steps(path)[len(_steps(unwind)) :])
    row = member.row
    if path in ("document_id", "created_at", "modality"):
        return getattr(row, path)
    return _reach(row.payload, _steps(path))


def _reach(start: Any, steps: list[str]) -> Any:
    found = [start]
    for step in steps:
        found = [inner for value in found for inner in _members(value, step)]
    return found if len(found) > 1 else found[0] if found else None


def _members(value: Any, step: str) -> list[Any]:
    if isinstance(value, dict):
        return [value[step]] if step in value else []
    if isinstance(value, list):
        if re.fullmatch("0|[1-9][0-9]*", step):
            return value[int(step) : int(step) + 1]
        return [element[step] for element in value if isinstance(element, dict) and step in element]
    return []


def _unwound(rows: list[Row], unwind: str | None) -> list[Unwound]:
    if unwind is None:
        return [Unwound(row) for row in rows]
    found = []
    for row in rows:
        whole = value_of(Unwound(row), unwind, None)
        elements = whole if isinstance(whole, list) else [] if whole is None else [whole]
        found += [Unwound(row, element, place) for place, element in enumerate(elements)]
    return found


def canonical(value: Any) -> Any:
    """Equal, and hashable, exactly for equal JSON values; a time is the text that shows it."""
    if isinstance(value, datetime):
        return ("string", shown_time(value))
    if value is None or isinstance(value, bool):
        return ("constant", value)
    if isinstance(value, int | Decimal | Fraction):
        return ("number", Fraction(value))
    if isinstance(value, str):
        return ("string", value)
    if isinstance(value, list):
        return ("array", tuple(map(canonical, value)))
    return ("object", frozenset((name, canonical(inner)) for name, inner in value.items()))


def shown_time(time: datetime) -> str:
    fraction = f".{time.microsecond:06d}".rstrip("0") if time.microsecond else ""
    return time.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def order(value: Any) -> Any:
    """PostgreSQL's order of jsonb, in which the empty array comes before every scalar."""
    if isinstance(value, list) and not value:
        return (-1,)
    inner = _inner_order(value)
    return inner if inner[0] >= 16 else (0, inner)


def _inner_order(value: Any) -> Any:
    if value is None:
        return (0,)
    if isinstance(value, datetime):
        return (1, shown_time(value))
    if isinstance(value, str):
        return (1, value)
    if isinstance(value, bool):
        return (3, value)
    if isinstance(value, list):
        return (16, len(value), *map(_inner_order, value))
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: (len(pair[0].encode()), pair[0].encode()))
        return (17, len(value), *[(name, _inner_order(inner)) for name, inner in pairs])
    return (2, Fraction(value))


# Keys --------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    alias: str
    path: str
    of: Callable[[Any], Any]
    shown: Callable[[Any], Any] = lambda value: value


def _keys(body: dict[str, Any]) -> list[Key]:
    buckets = {each["field"]: each for each in body.get("range_buckets") or []}
    keys, used = [], set()
    for each in body.get("group_by") or []:
        path, alias = each["field"], each.get("alias") or each["field"]
        if unit := each.get("date_trunc"):
            keys.append(Key(alias, path, lambda value, unit=unit: _trunc(unit, _time(value))))  # type: ignore[misc]
        elif unit := each.get("date_part"):
            keys.append(Key(alias, path, lambda value, unit=unit: _part(unit, _time(value))))  # type: ignore[misc]
        elif path in buckets:
            keys.append(_bucket_key(alias, buckets[path]))
            used.add(path)
        else:
            keys.append(Key(alias, path, lambda value: value))
    return keys + [_bucket_key(path, each) for path, each in buckets.items() if path not in used]


def _bucket_key(alias: str, bucket: dict[str, Any]) -> Key:
    """The value is the range's number, by which it sorts."""
    boundaries = bucket["boundaries"]
    names = [f"{lower}-{upper}" for lower, upper in pairwise(boundaries)]
    names.append(bucket.get("default_bucket") or "other")

    def place(value: Any) -> int | None:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return None
        for number in range(len(names) - 1):
            if boundaries[number] <= value < boundaries[number + 1]:
                return number
        return len(names) - 1

    return Key(alias, bucket["field"], place, lambda number: None if number is None else names[number])


def _time(value: Any) -> datetime | None:
    return value if isinstance(value, datetime) else TIMES.get(value) if isinstance(value, str) else None


def _trunc(unit: str, time: datetime | None) -> datetime | None:
    if time is None:
        return None
    if unit == "week":
        time, unit = time - timedelta(days=time.weekday()), "day"
    units = ["year", "month", "day", "hour", "minute", "second", "microsecond"]
    lower = units[units.index(unit) + 1 :]
    return time.replace(**{name: 1 if name in ("month", "day") else 0 for name in lower})  # type: ignore[arg-type]


def _part(unit: str, time: datetime | None) -> int | None:
    if time is None:
        return None
    if unit == "week":
        return time.isocalendar().week
    if unit == "dayOfWeek":
        return time.isoweekday() % 7 + 1
    if unit == "dayOfYear":
        return time.timetuple().tm_yday
    return int(getattr(time, unit))


# Metrics -----------------------------------------------------------------------------------------------------------------


def _metric(asked: dict[str, Any], members: list[Unwound], unwind: str | None) -> Any:
    function, path = asked["function"], asked.get("field")
    if function == "count_distinct":
        path = asked.get("distinct_field") or path
    if path is None:
        return len(members)
    values = [value for member in members if (value := value_of(member, path, unwind)) is not None]
    numbers = [Fraction(value) for value in values if isinstance(value, int | Decimal) and not isinstance(value, bool)]
    if function == "count":
        return len(values)
    if function == "count_distinct":
        return len(set(map(canonical, values)))
    if function == "sum":
        return sum(numbers, Fraction(0))
    if function == "avg":
        return sum(numbers, Fraction(0)) / len(numbers) if numbers else None
    if function in ("min", "max"):
        return (min if function == "min" else max)(values, key=order, default=None)
    if function in ("first", "last"):
        return values[0 if function == "first" else -1] if values else None
    if function == "push":
        return values
    once = {canonical(value): value for value in values}
    return sorted(once.values(), key=order)


# What is left, and in which order ------------------------------------------------------------------------------------------


def _named(name: str, body: dict[str, Any], keys: list[Key], group: Group, metrics: list[Any]) -> Any:
    for asked, value in zip(body["aggregations"], metrics, strict=True):
        if asked["alias"] == name:
            return value
    return next(key.shown(value) for key, value in zip(keys, group.key, strict=True) if key.alias == name)


def _having(condition: dict[str, Any], body: dict[str, Any], keys: list[Key], group: Group, metrics: list[Any]) -> bool:
    found, value, operator = _named(condition["field"], body, keys, group, metrics), condition["value"], condition["operator"]
    if isinstance(found, datetime):
        found = shown_time(found)
    if found is None:
        return False
    if operator in ("eq", "ne"):
        return bool((canonical(found) == canonical(value)) == (operator == "eq"))
    left: Any
    right: Any
    if isinstance(value, str) and isinstance(found, str):
        left, right = found, value
        times = _any_time(found), _any_time(value)
        if times[0] and times[1]:
            left, right = times
    elif not isinstance(value, str) and isinstance(found, int | Decimal | Fraction) and not isinstance(found, bool):
        left, right = Fraction(found), Fraction(value)
    else:
        return False
    compared: dict[str, bool] = {"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}
    return compared[operator]


def _any_time(text: str) -> datetime | None:
    """Of a text in TIMES, or one that an answer shows."""
    if text in TIMES:
        return TIMES[text]
    shown = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text)
    return datetime.fromisoformat(text) if shown else None


def _ordered(kept: list[tuple[Group, list[Any]]], body: dict[str, Any], keys: list[Key]) -> list[tuple[Group, list[Any]]]:
    descending = (body.get("sort_direction") or "desc").lower() == "desc"
    name = body.get("sort_by")

    def by_keys(each: tuple[Group, list[Any]]) -> Any:
        return [(value is None, None if value is None else order(value)) for value in each[0].key]

    def first(each: tuple[Group, list[Any]]) -> Any:
        group, metrics = each
        if name is None:
            return len(group.members)
        for asked, value in zip(body["aggregations"], metrics, strict=True):
            if asked["alias"] == name:
                return None if value is None else order(value)
        by_alias = [number for number, key in enumerate(keys) if name == key.alias]
        position = (by_alias or [number for number, key in enumerate(keys) if name == key.path])[0]
        value = group.key[position]
        return None if value is None else order(value)

    by_key = sorted(kept, key=by_keys)
    known = [each for each in by_key if first(each) is not None]
    return sorted(known, key=first, reverse=descending) + [each for each in by_key if first(each) is None]
