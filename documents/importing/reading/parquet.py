"""Parquet, by way of pyarrow, a batch of rows at a time: nested columns, exact decimals, times as ISO texts in UTC.

A column's name is a path, as in CSV. A text column of the logical type JSON, or that our own export marked so, is JSON.
What JSON can't hold (binary data, durations) is refused by its column's name before a row is read; NaN and infinities are
faults of their row.
"""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring
from typing import IO, TYPE_CHECKING, Any, Final

from documents.importing.reading.columns import Places
from documents.importing.reading.lines import KEPT_OF_TOO_LONG, Line, SourceError
from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError

if TYPE_CHECKING:
    import pyarrow

_ROWS: Final = 500
_UNITS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_JSON: Final = {b"json": b"true"}
"""What a field's metadata say in our own exports, whose texts are JSON."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Convert = Callable[[Any], Any]
"""From what pyarrow gives for a cell that is not null to what `jsonio.dumps` takes."""


class _Fault(Exception):
    """Why a cell is not JSON."""


def lines(file: IO[bytes], max_bytes: int, name: str, dropped: frozenset[str] = frozenset()) -> Iterator[Line]:
    """The rows; `dropped`: columns that are not read. Raises SourceError."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise SourceError("Parquet is read with pyarrow, which is not installed: pip install pyarrow") from None
    number = 0
    try:
        table = parquet.ParquetFile(file, pre_buffer=False)
        schema = table.schema_arrow
        names = [column for column in schema.names if column not in dropped]
        if len(set(names)) < len(names):
            raise SourceError(f"{name}: two columns have the same name.")
        columns = [_Column(schema.field(column), name) for column in names]
        places = Places(names, name)
        for batch in table.iter_batches(_ROWS, columns=names, use_threads=False):
            texts = [column.texts(array) for column, array in zip(columns, batch.columns, strict=True)]
            for row in range(batch.num_rows):
                number += 1
                yield _line(number, [text[row] for text in texts], places, max_bytes, name)
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        where = f"after row {number}" if number else "from its beginning"
        raise SourceError(f"{name} can't be read {where}: {str(error).strip().partition(chr(10))[0]}") from error


def _line(number: int, cells: list[str], places: Places, max_bytes: int, name: str) -> Line:
    bad = next((cell for cell in cells if isinstance(cell, _Bad)), None)
    fault = None if bad is None else bad.reason
    try:
        raw = places.body(cells).encode(errors="surrogatepass")
    except (ValueError, RecursionError, ArithmeticError) as error:  # of the column `_rest`
        raw, fault = "".join(("[", ",".join(cells), "]")).encode(errors="surrogatepass"), fault or str(error)
    if len(raw) > max_bytes:
        return Line(number, raw[:KEPT_OF_TOO_LONG], len(raw), None, name, "row")
    return Line(number, raw, 0, fault, name, "row")


class _Bad(str):
    """The text, itself no JSON, that stands in place of a cell, and why."""

    reason: str

    def __new__(cls, text: str, reason: str) -> "_Bad":
        made = super().__new__(cls, text)
        made.reason = reason
        return made


class _Column:
    def __init__(self, field: "pyarrow.Field", file: str) -> None:
        """Raises SourceError for a type that JSON has no place for."""
        import pyarrow as arrow

        name, kind = field.name, field.type
        self._name = name
        try:
            self._stored, convert = _plan(kind)
        except _Fault as fault:
            raise SourceError(
                f"{file}: column {name} holds {fault}, which a document can't hold. Leave it out: --map {name}="
            ) from None
        self._as_text: Callable[[Any], str] = jsonio.dumps
        if isinstance(kind, arrow.JsonType) or (_JSON.items() <= (field.metadata or {}).items() and _is_text(kind)):
            self._as_text = _checked
        elif arrow.types.is_integer(kind):
            self._as_text = str
        elif _is_text(kind):
            self._as_text = encode_basestring
        elif convert is not None:
            whole = convert
            self._as_text = lambda value: jsonio.dumps(whole(value))

    def texts(self, array: "pyarrow.Array") -> list[str]:
        """A JSON text for each row."""
        values = array if self._stored is None else array.cast(self._stored)
        return ["null" if value is None else self._text(value) for value in values.to_pylist()]

    def _text(self, value: Any) -> str:
        try:
            return self._as_text(value)
        except (_Fault, DomainError) as error:
            told = str(value) if isinstance(value, float) else f"?{jsonio.dumps_ascii(str(value))}"
            return _Bad(told, f"column {self._name}: {error}")


def _is_text(kind: "pyarrow.DataType") -> bool:
    import pyarrow as arrow

    return bool(arrow.types.is_string(kind) or arrow.types.is_large_string(kind))


def _checked(text: str) -> str:
    """A JSON text. Raises what `jsonio.loads` does."""
    jsonio.loads(text)
    return text


# Types ----------------------------------------------------------------------------------------------------------------


def _plan(kind: "pyarrow.DataType") -> "tuple[pyarrow.DataType | None, Convert | None]":
    """What to cast an array of the type to, and how to convert its values then; None: nothing to do. Raises _Fault.

    Times are cast to their counts, because Python's have no nanoseconds.
    """
    import pyarrow as arrow

    types = arrow.types
    if isinstance(kind, arrow.UuidType):
        return None, str
    if isinstance(kind, arrow.BaseExtensionType):
        stored, convert = _plan(kind.storage_type)
        return (kind.storage_type if stored is None else stored), convert
    if types.is_dictionary(kind):
        stored, convert = _plan(kind.value_type)
        return (kind.value_type if stored is None else stored), convert
    if types.is_struct(kind):
        return _plan_struct(kind)
    if types.is_map(kind):
        return _plan_map(kind)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        stored, convert = _plan(kind.value_type)
        inner = kind.value_type if stored is None else stored
        return (None if stored is None else arrow.large_list(inner)), (None if convert is None else _each(convert))
    if types.is_timestamp(kind):
        return arrow.int64(), _timestamps(_UNITS[kind.unit])
    if types.is_date(kind):
        days = 1 if types.is_date32(kind) else 86_400_000
        return (arrow.int32() if days == 1 else arrow.int64()), lambda value: _moment(value * 86_400 // days)[:10]
    if types.is_time(kind):
        clock = _timestamps(_UNITS[kind.unit])
        return (arrow.int32() if types.is_time32(kind) else arrow.int64()), lambda value: clock(value)[11:-1]
    if types.is_floating(kind):
        return None, _finite
    if types.is_decimal(kind) or types.is_integer(kind) or types.is_boolean(kind) or types.is_null(kind):
        return None, None
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return None, None
    raise _Fault(f"{'binary data' if 'binary' in str(kind) else 'values of the type'} ({kind})")


def _plan_struct(kind: "pyarrow.StructType") -> "tuple[pyarrow.DataType | None, Convert | None]":
    import pyarrow as arrow

    plans = {field.name: (field.type, *_plan(field.type)) for field in kind}
    stored = None
    if any(cast is not None for _, cast, _ in plans.values()):
        stored = arrow.struct([(name, own if cast is None else cast) for name, (own, cast, _) in plans.items()])
    converts = {name: convert for name, (_, _, convert) in plans.items() if convert is not None}

    def of(value: dict[str, Any]) -> dict[str, Any]:
        return {
            name: converts[name](member) if name in converts and member is not None else member for name, member in value.items()
        }

    return stored, of if converts else None


def _plan_map(kind: "pyarrow.MapType") -> "tuple[pyarrow.DataType | None, Convert | None]":
    import pyarrow as arrow

    if not (arrow.types.is_string(kind.key_type) or arrow.types.is_large_string(kind.key_type)):
        raise _Fault(f"a map whose keys are no texts ({kind})")
    stored, convert = _plan(kind.item_type)

    def of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {key: value if convert is None or value is None else convert(value) for key, value in pairs}

    return (None if stored is None else arrow.map_(kind.key_type, stored)), of


def _each(convert: Convert) -> Convert:
    return lambda values: [None if value is None else convert(value) for value in values]


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise _Fault(f"{value} is not a number of JSON")
    return value


def _timestamps(unit: int) -> Callable[[int], str]:
    digits = len(str(unit)) - 1

    def of(value: int) -> str:
        seconds, fraction = divmod(value, unit)
        text = f"{fraction:0{digits}}".rstrip("0") if fraction else ""
        return f"{_moment(seconds)}{'.' if text else ''}{text}Z"

    return of


def _moment(seconds: int) -> str:
    try:
        return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    except OverflowError:
        raise _Fault("a time beyond the years 1 to 9999") from None
