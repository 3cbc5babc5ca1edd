"""A query's vector: checked, and packed as pgvector takes it in, which costs a tenth of writing and reading it as text."""

import math
import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

from documents.features import MAX_DIMENSIONS
from mixpeek_site.errors import Fault, ValidationError
from mixpeek_site.jsonio import Location

_LEAST, _MOST = 1e-15, 1e15  # norms whose squares float32 holds well


@dataclass(frozen=True, slots=True)
class QueryVector:
    """1 to 16,000 finite float32. A parameter of statements, where it stands as `%s::vector`."""

    numbers: "array[float]"
    norm: float

    @property
    def dimensions(self) -> int:
        return len(self.numbers)

    @property
    def packed(self) -> bytes:
        """pgvector's binary form: how many (int16), nothing (int16), float32 each, all big-endian."""
        numbers = self.numbers
        if sys.byteorder == "little":
            numbers = numbers[:]
            numbers.byteswap()
        return struct.pack("!hh", len(numbers), 0) + numbers.tobytes()

    def for_cosine(self) -> "QueryVector":
        """The same direction, in a length whose square float32 can hold. Not for a vector of zeros."""
        if _LEAST < self.norm < _MOST:
            return self
        return QueryVector(array("f", [number / self.norm for number in self.numbers]), 1.0)


class _BinaryDumper(Dumper):
    """Names no type: the statement says `::vector`, whose number differs between databases."""

    format = Format.BINARY

    def dump(self, obj: QueryVector) -> bytes:
        return obj.packed


psycopg.adapters.register_dumper(QueryVector, _BinaryDumper)


def read_vector(value: Any, location: Location) -> QueryVector:
    """Of a parsed JSON value, or of floats. Raises ValidationError for what is no dense vector."""
    if not isinstance(value, list):
        raise ValidationError(Fault(location, _other_kind(value) or "must be an array of numbers", "list_type"))
    if not 1 <= len(value) <= MAX_DIMENSIONS:
        message = f"must have 1 to {MAX_DIMENSIONS:,} dimensions, not {len(value):,}"
        raise ValidationError(Fault(location, message, "length"))
    for place, number in enumerate(value):
        if type(number) not in _NUMBERS:
            raise ValidationError(Fault((*location, place), _other_kind(number) or "must be a number", "float_type"))
    return of_floats([_float(number) for number in value], location)


def of_floats(numbers: Sequence[float], location: Location) -> QueryVector:
    """1 to 16,000 of them. Raises ValidationError for one beyond float32."""
    packed = array("f", numbers)
    norm = math.hypot(*packed)
    if not math.isfinite(norm):
        place = next(place for place, number in enumerate(packed) if not math.isfinite(number))
        raise ValidationError(Fault((*location, place), "is beyond float32", "out_of_range"))
    return QueryVector(packed, norm)


_NUMBERS: Final = frozenset((int, float, Decimal))  # and no subclass such as bool
_SPARSE: Final = "is sparse; sparse vectors are stored and read back, not searched: send a dense one, an array of numbers"
_MULTI: Final = "makes it a multi-vector; those are stored and read back, not searched: send a dense one, an array of numbers"


def _other_kind(value: Any) -> str | None:
    if isinstance(value, dict) and value.keys() == {"indices", "values"}:
        return _SPARSE
    return _MULTI if isinstance(value, list) else None


def _float(number: int | float | Decimal) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf
