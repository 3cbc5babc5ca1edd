"""Declared vectors as clients write them: `vector_indexes` of a collection, `vector_configs` of a namespace.

An index is `{name, dimensions, metric?, type?, feature_uri?}`, or the same with `dimensions` and `metric` inside `index`,
where answers show them beside the state; a config is `{name, dimension, metric?}`. Other members are kept, and mean nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, get_args

from documents.features import MAX_DIMENSIONS
from documents.features.reading import MAX_NAME_LENGTH
from documents.vector_indexes.expressions import MAX_HNSW_DIMENSIONS, IndexType, Metric
from mixpeek_site.errors import Fault, ValidationError
from mixpeek_site.jsonio import JSONObject, Location, unstorable

MAX_PER_PLACE: Final = 16
"""Of one collection, and of one namespace for its collections."""

_DIMENSIONS: Final = ("dimensions", "dimension")

METRICS: Final[dict[str, Metric]] = {
    **{metric: metric for metric in get_args(Metric)},
    "euclidean": "l2",
    "euclid": "l2",
    "dot_product": "dot",
    "dotproduct": "dot",
    "inner_product": "dot",
    "ip": "dot",
}
"""By the names that vector databases have for them, in any case."""


class Declaration(NamedTuple):
    """What a place declares of the vectors of one name."""

    name: str
    dimensions: int
    metric: Metric
    type: IndexType
    feature_uri: str | None


def read_indexes(declared: Any, location: Location) -> list[Declaration]:
    """Those of a collection, in their order. Raises ValidationError with every fault found."""
    return _read(declared, location, _read_index)


def read_configs(declared: Any, location: Location) -> list[Declaration]:
    """Those of a namespace, in their order. Raises ValidationError with every fault found."""
    return _read(declared, location, _read_config)


def index_faults(declared: Any, location: Location) -> Sequence[Fault]:
    """What `read_indexes` refuses."""
    return _refused(declared, location, _read_index)


def config_faults(declared: Any, location: Location) -> Sequence[Fault]:
    """What `read_configs` refuses."""
    return _refused(declared, location, _read_config)


_Read = Callable[[JSONObject, Location], Declaration]


def _refused(declared: Any, location: Location, read: _Read) -> Sequence[Fault]:
    try:
        _read(declared, location, read)
    except ValidationError as error:
        return error.faults
    return ()


def _read(declared: Any, location: Location, read: _Read) -> list[Declaration]:
    if not isinstance(declared, list) or len(declared) > MAX_PER_PLACE:
        raise ValidationError(Fault(location, f"must be an array of at most {MAX_PER_PLACE} objects", "list_length"))
    found: dict[str, Declaration] = {}
    wrong: list[Fault] = []
    for position, each in enumerate(declared):
        place = (*location, position)
        if not isinstance(each, dict):
            wrong.append(Fault(place, "must be an object", "dict_type"))
            continue
        try:
            one = read(each, place)
        except ValidationError as error:
            wrong += error.faults
            continue
        if one.name in found:
            wrong.append(Fault((*place, "name"), f"the name {one.name!r} is declared twice", "contradiction"))
        found[one.name] = one
    if wrong:
        raise ValidationError(*wrong)
    return list(found.values())


def _read_index(each: JSONObject, place: Location) -> Declaration:
    wrong: list[Fault] = []
    inner = each.get("index")
    if inner is not None and not isinstance(inner, dict):
        raise ValidationError(Fault((*place, "index"), "must be an object", "dict_type"))
    sides = [(each, place), (inner or {}, (*place, "index"))]
    uri = each.get("feature_uri")
    if uri is not None and (not isinstance(uri, str) or not uri or next(unstorable(uri, ()), None)):
        wrong.append(Fault((*place, "feature_uri"), "must be a text", "string_type"))
    name = each.get("name")
    if name is None and isinstance(uri, str) and uri:
        name = uri.rstrip("/").rpartition("/")[2] or uri
    wrong += _name_faults(name, (*place, "name"))
    dimensions = _dimensions(sides, wrong)
    metric = _metric(sides, wrong)
    type = _type(each, place, wrong)
    if type == "hnsw" and dimensions is not None and dimensions > MAX_HNSW_DIMENSIONS:
        message = f"must be exact beyond {MAX_HNSW_DIMENSIONS:,} dimensions, which an hnsw index can't have"
        wrong.append(Fault((*place, "type"), message, "enum"))
    if wrong:
        raise ValidationError(*wrong)
    assert dimensions is not None
    return Declaration(str(name), dimensions, metric, type, uri)


def _read_config(each: JSONObject, place: Location) -> Declaration:
    wrong = list(_name_faults(each.get("name"), (*place, "name")))
    sides = [(each, place)]
    dimensions = _dimensions(sides, wrong, ("dimension", "dimensions"))
    metric = _metric(sides, wrong)
    if wrong:
        raise ValidationError(*wrong)
    assert dimensions is not None
    return Declaration(str(each["name"]), dimensions, metric, "exact", None)


_Sides = Sequence[tuple[JSONObject, Location]]


def _name_faults(name: Any, place: Location) -> Iterator[Fault]:
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_LENGTH:
        yield Fault(place, f"must be the vectors' name, a text of 1 to {MAX_NAME_LENGTH} characters", "string_length")
    else:
        yield from unstorable(name, place)


def _given(sides: _Sides, names: Sequence[str]) -> list[tuple[Any, Location]]:
    return [(side[name], (*place, name)) for side, place in sides for name in names if side.get(name) is not None]


def _dimensions(sides: _Sides, wrong: list[Fault], names: Sequence[str] = _DIMENSIONS) -> int | None:
    given = _given(sides, names)
    if not given:
        wrong.append(Fault((*sides[0][1], names[0]), "is required", "missing"))
        return None
    for value, place in given:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_DIMENSIONS:
            wrong.append(Fault(place, f"must be a whole number from 1 to {MAX_DIMENSIONS:,}", "out_of_range"))
            return None
        if value != given[0][0]:
            wrong.append(Fault(place, f"says {value}, and {'.'.join(map(str, given[0][1]))} {given[0][0]}", "contradiction"))
    return int(given[0][0])


def _metric(sides: _Sides, wrong: list[Fault]) -> Metric:
    given = _given(sides, ("metric",))
    read = [METRICS.get(value.lower()) if isinstance(value, str) else None for value, _ in given]
    for metric, (value, place) in zip(read, given, strict=True):
        if metric is None:
            wrong.append(Fault(place, f"must be one of {', '.join(get_args(Metric))}", "enum"))
        elif metric != read[0]:
            message = f"says {value}, and {'.'.join(map(str, given[0][1]))} {given[0][0]}"
            wrong.append(Fault(place, message, "contradiction"))
    return read[0] or "cosine" if read else "cosine"


def _type(each: JSONObject, place: Location, wrong: list[Fault]) -> IndexType:
    given = each.get("type")
    if given is not None and given not in get_args(IndexType):
        wrong.append(Fault((*place, "type"), f"must be one of {', '.join(get_args(IndexType))}", "enum"))
    return given or "hnsw"
