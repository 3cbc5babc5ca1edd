"""Features and their vectors: reading them from a body, storing them, showing them (contract section 10).

A vector is dense (a list of numbers), sparse (`{"indices": […], "values": […]}`) or multi (a list of equally long
lists), float32 each. Names are unique in a document; writing replaces the names given and leaves the others.
"""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from documents.inputs import DocumentInput
from mixpeek_site.errors import Fault, ValidationError
from mixpeek_site.jsonio import JSONObject, Location

MAX_DIMENSIONS: Final = 16_000
MAX_NAME_LENGTH: Final = 512

_NUMBERS: Final = frozenset((int, Decimal))  # and no subclass such as bool
_BEYOND: Final = "holds a number beyond float32"


@dataclass(frozen=True, slots=True)
class NamedFeature:
    """One row to store. `kind` None: a feature without a vector; `removed`: the name is to go; `location`: of a dense vector."""

    name: str
    feature_extractor_id: str | None = None
    payload: JSONObject | None = None
    kind: str | None = None
    numbers: list[Any] | None = None
    indices: list[int] | None = None
    removed: bool = False
    location: Location = ()


def read_features(given: DocumentInput) -> list[NamedFeature]:
    """The features that a body names. Raises ValidationError for a malformed vector or a name given twice."""
    if not given.features and not given.vectors:
        return []
    found: dict[str, NamedFeature] = {}
    faults: list[Fault] = []
    for location, feature in _named(given):
        if isinstance(feature, Fault):
            faults.append(feature)
        elif feature.name in found:
            faults.append(Fault(location, f"the name {feature.name!r} is given twice", "contradiction"))
        else:
            found[feature.name] = feature
    if faults:
        raise ValidationError(*faults)
    return list(found.values())


def _named(given: DocumentInput) -> Iterator[tuple[Location, NamedFeature | Fault]]:
    for index, feature in enumerate(given.features or ()):
        place: Location = ("body", "features", index, "vectors")
        extractor = feature["feature_extractor_id"]
        about = {"feature_extractor_id": extractor, "payload": feature.get("payload")}
        vectors = feature.get("vectors")
        if vectors is None or vectors == {}:
            yield place, _checked_name(extractor, place) or NamedFeature(extractor, **about)
        elif isinstance(vectors, dict) and not _is_sparse(vectors):
            for name, value in vectors.items():
                yield (*place, name), _vector(name, value, (*place, name), about)
        else:
            yield place, _vector(extractor, vectors, place, about)
    for name, value in (given.vectors or {}).items():
        yield ("body", "vectors", name), _vector(name, value, ("body", "vectors", name), {})


def _checked_name(name: str, location: Location) -> Fault | None:
    if 1 <= len(name) <= MAX_NAME_LENGTH:
        return None
    return Fault(location, f"a vector's name must have 1 to {MAX_NAME_LENGTH} characters", "string_length")


def _is_sparse(value: JSONObject) -> bool:
    return value.keys() == {"indices", "values"} and not isinstance(value["indices"], dict)


def _vector(name: str, value: Any, location: Location, about: dict[str, Any]) -> NamedFeature | Fault:
    fault = _checked_name(name, location)
    if fault:
        return fault
    if value is None:
        return NamedFeature(name, removed=True)
    try:
        if isinstance(value, dict) and _is_sparse(value):
            indices, numbers = _indices(value["indices"]), _numbers(value["values"])
            if len(indices) != len(numbers):
                return Fault(location, "has not as many indices as values", "vector_ragged")
            return NamedFeature(name, **about, kind="sparse", numbers=numbers, indices=indices)
        if isinstance(value, list) and value and isinstance(value[0], list):
            rows = [_numbers(row) for row in value]
            if len({len(row) for row in rows}) > 1:
                return Fault(location, "its rows differ in length", "vector_ragged")
            return NamedFeature(name, **about, kind="multi", numbers=rows)
        return NamedFeature(name, **about, kind="dense", numbers=_numbers(value), location=location)
    except _NotAVectorError as error:
        return Fault(location, str(error), "vector")


class _NotAVectorError(Exception):
    pass


def _numbers(value: Any) -> list[float]:
    if not isinstance(value, list):
        raise _NotAVectorError("must be a list of numbers, a list of such lists, or {indices, values}")
    if not 1 <= len(value) <= MAX_DIMENSIONS:
        raise _NotAVectorError(f"must have 1 to {MAX_DIMENSIONS} dimensions, not {len(value)}")
    if not _NUMBERS.issuperset(map(type, value)):
        raise _NotAVectorError("holds something that is not a number")
    try:
        # The nearest float32 each, which a second trip through the store leaves as it is; infinite beyond.
        numbers = array("f", value).tolist()
    except OverflowError:
        raise _NotAVectorError(_BEYOND) from None
    if not math.isfinite(sum(numbers)):
        raise _NotAVectorError(_BEYOND)
    return numbers


def _indices(value: Any) -> list[int]:
    if not isinstance(value, list) or not all(_is_index(index) for index in value):
        raise _NotAVectorError("its indices must be whole numbers from 0 to 2^63-1")
    if len(set(map(int, value))) != len(value):
        raise _NotAVectorError("has an index twice")
    return [int(index) for index in value]


def _is_index(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and value == int(value) and 0 <= value < 2**63
