"""Columns of tables: a document's members by their paths.

A column is named by a dotted path (`metadata.title`, `_internal.created_at`), or by a JSON pointer (`/metadata/a.b`) where
a key is empty or holds dots. Objects are columns of their own members; arrays and empty objects stand in one cell, as JSON.
Which columns there are, and of which kind, is learned from a sample; what later finds no column, or none of its kind, goes
to the last column, `_rest`, as a JSON object by path. So no value is lost.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from documents.inputs import RESERVED
from documents.paths import column_name, path_of
from documents.renderings.selecting import places
from mixpeek_site import jsonio
from mixpeek_site.jsonio import JSONObject

MAX_COLUMNS: Final = 1000

Kind = Literal["text", "bool", "int", "float", "time", "floats", "json"]

_FIRST: Final = ("document_id", "collection_id")
_LAST: Final = ("document_blobs", "vectors", "features", "_internal")
_TWICE: Final = frozenset(("internal_id", "namespace_id", "document_id", "collection_id", "document_blobs"))
"""Members of `_internal` that stand at the root as well, or are the same in every row."""
_NOTHING: Final = (("_internal",), ("vectors",), ("features",))
"""What says nothing when it is empty."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)


class Column(NamedTuple):
    name: str
    kind: Kind


def flattened(rendered: str) -> Iterator[tuple[str, Any]]:
    """The columns of a rendered document and their values."""
    document: JSONObject = jsonio.loads_stored(rendered)
    internal = document.get("_internal")
    if isinstance(internal, dict):
        document["_internal"] = {name: value for name, value in internal.items() if name not in _TWICE}
    return _leaves(document, ())


def _leaves(members: JSONObject, above: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for name, value in members.items():
        path = (*above, name)
        if isinstance(value, dict) and value and not _is_vector(path):
            yield from _leaves(value, path)
        elif value or path not in _NOTHING:
            yield column_name(path), value


def _is_vector(path: tuple[str, ...]) -> bool:
    """Sparse ones are objects."""
    return len(path) == 2 and path[0] == "vectors"


def columns_of(sample: Iterable[str], select: tuple[str, ...] | None, *, native: bool = True) -> list[Column]:
    """The columns in their order: ids, user fields by name, blobs, vectors, the system's. `_rest` is not among them.

    What is selected has one, also where the sample lacks it. `native`: the rendering, which says where it would be.
    """
    kinds: dict[str, Kind | None] = dict.fromkeys(_FIRST, "text")
    for rendered in sample:
        for name, value in flattened(rendered):
            if value is None:
                kinds.setdefault(name, None)
            elif name in kinds or len(kinds) < MAX_COLUMNS:
                kinds[name] = _both(kinds.get(name), _kind(name, value))
    for name in select or ():
        possible = places(name, native=native)
        if possible and not any(path_of(each)[: len(path)] == path for path in possible for each in kinds):
            kinds[column_name(possible[-1])] = None
    return [Column(name, kind or "json") for name, kind in sorted(kinds.items(), key=lambda item: _place(item[0]))]


def _place(name: str) -> tuple[int, int, str]:
    if name in _FIRST:
        return (0, _FIRST.index(name), name)
    root = name.partition(".")[0]
    if root in _LAST:
        return (3, _LAST.index(root), name)
    return (2 if root in RESERVED else 1, 0, name)


def _kind(name: str, value: Any) -> Kind:
    if isinstance(value, str):
        return "time" if name.startswith("_internal.") and _TIME.fullmatch(value) else "text"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if -(2**63) <= value < 2**63 else "json"
    if isinstance(value, Decimal):
        return "float" if _is_double(value) else "json"
    if name.startswith("vectors.") and isinstance(value, list) and not isinstance(value[0], list):
        return "floats"
    return "json"


def _both(one: Kind | None, other: Kind) -> Kind:
    if one is None or one == other:
        return other
    if {one, other} == {"int", "float"}:
        return "float"
    return "text" if {one, other} == {"text", "time"} else "json"


def _is_double(value: Decimal) -> bool:
    """Whether a double of it prints as the same number."""
    return value.is_finite() and Decimal(repr(float(value))) == value


def typed(kind: Kind, value: Any) -> Any:
    """A value as its column's kind holds it; None: it is no such value (or is None itself)."""
    if kind == "json":
        return jsonio.dumps(value)
    if kind == "text":
        return value if isinstance(value, str) else None
    if kind == "time":
        return datetime.fromisoformat(value) if isinstance(value, str) and _TIME.fullmatch(value) else None
    if kind == "bool":
        return value if isinstance(value, bool) else None
    if isinstance(value, bool):
        return None
    if kind == "int":
        return value if isinstance(value, int) and -(2**63) <= value < 2**63 else None
    if kind == "float":
        exact = isinstance(value, int | Decimal) and _is_double(Decimal(value))
        return float(value) if exact else None
    if isinstance(value, list) and value and not isinstance(value[0], list):
        return [float(number) for number in value]
    return None
