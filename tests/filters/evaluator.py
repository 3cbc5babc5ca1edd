"""The filter language once more, in plain Python over parsed JSON: the oracle of the tests (contract section 7).

It shares no code with documents/filters nor documents/fields, and is written for reading, not for speed. What only
PostgreSQL can know (case folding, regular expressions, words) it is told by `Said` (tests/filters/said.py).
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

FLAT = {
    "document_id": "document_id",
    "collection_id": "collection_id",
    "document_schema_version": "schema_version",
    "lineage_path": "path",
    **{
        name: name
        for name in (
            *("root_object_id", "root_bucket_id", "source_type"),
            *("source_object_id", "source_collection_id", "source_document_id"),
        )
    },
}
NAMED_SYSTEM = ("modality", "mime_type", "size_bytes", "content_hash", "processing", "source_details", "enrichments")
MISSING = object()


class Said(Protocol):
    """What PostgreSQL says of strings."""

    def lower(self, text: str) -> str: ...

    def matches(self, text: str, pattern: str, case_sensitive: bool) -> bool: ...

    def has_words(self, text: str, words: str) -> bool: ...


# Fields ---------------------------------------------------------------------------------------------------------------


def reached(record: dict[str, Any], name: str) -> list[Any]:
    """Every value that a field's name reaches. `record` is as `tests.filters.store.Record` says."""
    if name.startswith("/"):
        keys = [key.replace("~1", "/").replace("~0", "~") for key in name[1:].split("/")]
        return walk(record["payload"], keys)
    if name.startswith("_internal."):
        name = name.removeprefix("_internal.")
        if name.startswith("lineage.chain"):
            name = "lineage_chain" + name.removeprefix("lineage.chain")
        elif name.split(".")[0] == "metadata":
            name = "internal_" + name
    if name.startswith("lineage."):
        rest = name.removeprefix("lineage.")
        name = rest if rest in FLAT or rest.startswith("lineage_chain") else f"lineage_{rest}"
    if name in FLAT:
        return [] if record[FLAT[name]] is None else [record[FLAT[name]]]
    if name in ("created_at", "updated_at"):
        return [iso(record[name])]
    keys = name.split(".")
    if keys[0] == "lineage_chain":
        return [] if record["chain"] is None else walk(record["chain"], keys[1:])
    if keys[0] in ("internal_metadata", "source_blobs", "document_blobs"):
        return walk(record[keys[0]], keys[1:])
    return walk(record["system"] if keys[0] in NAMED_SYSTEM else record["payload"], keys)


def walk(value: Any, keys: list[str]) -> list[Any]:
    if not keys:
        return [value]
    key, rest = keys[0], keys[1:]
    if isinstance(value, dict):
        return walk(value[key], rest) if key in value else []
    if isinstance(value, list):
        if key == "0" or (key.isdecimal() and key.isascii() and key[0] != "0" and len(key) < 10):
            return walk(value[int(key)], rest) if int(key) < len(value) else []
        return [found for element in value if isinstance(element, dict) and key in element for found in walk(element[key], rest)]
    return []


# Groups ---------------------------------------------------------------------------------------------------------------


def holds(filter: Any, record: dict[str, Any], said: Said, case_sensitive: bool = False) -> bool:
    """Whether a document is in a filter's answer."""
    if filter is None:
        return True
    case_sensitive = innermost(filter, case_sensitive)
    if "field" in filter or "operator" in filter:
        operator = filter.get("operator") or "eq"
        value = filter.get("value")
        if value is None and operator in ("exists", "is_null"):
            value = True
        return condition(record, filter["field"], operator, value, case_sensitive, said)

    def inner(one: Any) -> bool:
        return holds(one, record, said, case_sensitive)

    def keyed(one: Any) -> bool:
        return holds_keyed(one, record, said, case_sensitive)

    members = dict(filter)
    members.pop("case_sensitive", None)
    return all(
        group(name, member, inner)
        if name in ("AND", "OR", "NOT")
        else group(name, member, keyed)
        if name in ("must", "should", "must_not")
        else condition(record, name, "eq", member, case_sensitive, said)
        for name, member in members.items()
    )


def holds_keyed(filter: Any, record: dict[str, Any], said: Said, case_sensitive: bool) -> bool:
    if filter is None or "key" not in filter:
        return holds(filter, record, said, case_sensitive)
    case_sensitive = innermost(filter, case_sensitive)
    if "range" in filter:
        asked = list(filter["range"].items())
    elif "match" in filter:
        [(form, value)] = filter["match"].items()
        asked = [("eq" if form == "value" else "in", value)]
    else:
        asked = [("eq", filter["value"])]
    return all(condition(record, filter["key"], operator, value, case_sensitive, said) for operator, value in asked)


def innermost(filter: dict[str, Any], outer: bool) -> bool:
    given = filter.get("case_sensitive")
    return outer if given is None else bool(given)


def group(name: str, member: Any, inner: Callable[[Any], bool]) -> bool:
    """An empty group says nothing, so it holds."""
    if not member:
        return True
    each = [inner(one) for one in (member if isinstance(member, list) else [member])]
    if name in ("AND", "must"):
        return all(each)
    return any(each) if name in ("OR", "should") else not any(each)


# Operators ------------------------------------------------------------------------------------------------------------


def condition(record: dict[str, Any], name: str, operator: str, value: Any, case_sensitive: bool, said: Said) -> bool:
    values = reached(record, name)
    candidates = values + [element for array in values if isinstance(array, list) for element in array]
    present = [candidate for candidate in candidates if candidate is not None]
    whole = bool(candidates) and len(present) == len(candidates)
    is_system_time = name.removeprefix("_internal.") in ("created_at", "updated_at")

    def equal(candidate: Any, asked: Any) -> bool:
        if isinstance(candidate, str) and isinstance(asked, str):
            if is_system_time and moment(asked) is not None:
                return moment(candidate) == moment(asked)
            return candidate == asked if case_sensitive else said.lower(candidate) == said.lower(asked)
        return same(candidate, asked)

    def folded(text: str) -> str:
        return text if case_sensitive else said.lower(text)

    if operator == "exists":
        return bool(values) is value
    if operator == "is_null" or (operator == "eq" and value is None):
        return bool(present) if value is False else not values or len(present) < len(candidates)
    if operator == "ne" and value is None:
        return whole
    if operator == "eq":
        return any(equal(candidate, value) for candidate in present)
    if operator == "ne":
        return whole and not any(equal(candidate, value) for candidate in present)
    if operator == "in":
        return any(equal(candidate, asked) for candidate in present for asked in value)
    if operator == "nin":
        return whole and not any(equal(candidate, asked) for candidate in present for asked in value)
    if operator == "contains":
        return any(
            (isinstance(candidate, str) and isinstance(value, str) and folded(value) in folded(candidate))
            or (isinstance(candidate, list) and value is not None and any(equal(element, value) for element in candidate))
            for candidate in present
        )
    texts = [candidate for candidate in present if isinstance(candidate, str)]
    if operator == "starts_with":
        return any(folded(text).startswith(folded(value)) for text in texts)
    if operator == "ends_with":
        return any(folded(text).endswith(folded(value)) for text in texts)
    if operator == "regex":
        return any(said.matches(text, value, case_sensitive) for text in texts)
    if operator == "text":
        return any(said.has_words(text, value) for text in texts)
    compare: dict[str, Callable[[Any, Any], bool]] = {
        "gt": lambda a, b: a > b,
        "gte": lambda a, b: a >= b,
        "lt": lambda a, b: a < b,
        "lte": lambda a, b: a <= b,
    }
    return any(in_range(compare[operator], candidate, value) for candidate in present)


def in_range(compare: Callable[[Any, Any], bool], candidate: Any, value: Any) -> bool:
    if is_number(candidate) and is_number(value):
        return compare(candidate, value)
    if not isinstance(candidate, str) or not isinstance(value, str):
        return False
    if (one := moment(candidate)) is not None and (other := moment(value)) is not None:
        return compare(one, other)
    return compare(candidate, value)  # Python compares strings by code point


def is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values."""
    if is_number(one) and is_number(other):
        return bool(one == other)
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


# Times ----------------------------------------------------------------------------------------------------------------

TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|([+-])(\d\d)(?::?(\d\d))?)?)?", re.ASCII
)


def moment(text: str) -> int | None:
    """Microseconds since the first day of year 1, of a string that is a time."""
    found = TIME.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    offset_hours, offset_minutes = int(found[10] or 0), int(found[11] or 0)
    if hour > 23 or minute > 59 or second > 59 or offset_hours > 15 or offset_minutes > 59:
        return None
    try:
        days = date(year, month, day).toordinal()
    except ValueError:
        return None
    offset = (offset_hours * 60 + offset_minutes) * (-1 if found[9] == "-" else 1)
    microseconds = int((found[7] or "").ljust(6, "0")[:6])
    return (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1_000_000 + microseconds


def iso(microseconds: int) -> str:
    """The text by which answers show a time."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{date.fromordinal(days)}T{clock}{f'.{fraction:06}'.rstrip('0') if fraction else ''}Z"
