"""Parquet, through pyarrow: a column of its own type for each path, and `_rest` for what does not fit.

Exact: texts, whole numbers of 64 bits, numbers that a double prints as they are, booleans, the times of `_internal`
(microseconds, UTC), dense vectors (float32). As texts of Parquet's logical type JSON: everything else, such as
arrays, mixed types and longer numbers. Null and missing are both null.
"""

import io
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from documents.exporting.columns import Column, Kind, flattened, typed
from documents.paths import REST
from mixpeek_site import jsonio

ROWS: Final = 5_000
BYTES: Final = 16 * 1024 * 1024
"""What a row group holds at most: so many rows, or rendered bytes."""

_TYPES: Final[dict[Kind, pa.DataType]] = {
    "text": pa.string(),
    "json": pa.json_(),
    "bool": pa.bool_(),
    "int": pa.int64(),
    "float": pa.float64(),
    "time": pa.timestamp("us", tz="UTC"),
    "floats": pa.list_(pa.float32()),
}


class Parquet:
    def __init__(self, columns: Sequence[Column]) -> None:
        self._kinds = {column.name: column.kind for column in columns}
        fields = [pa.field(name, _TYPES[kind]) for name, kind in self._kinds.items()]
        self._schema = pa.schema([*fields, pa.field(REST, _TYPES["json"])])
        self._sink = _Sink()
        self._begin_group()

    def begin(self) -> bytes:
        self._file = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        return self._sink.taken()

    def write(self, rendered: str) -> bytes:
        rest: dict[str, Any] = {}
        for name, value in flattened(rendered):
            kind = self._kinds.get(name)
            held = None if kind is None or value is None else typed(kind, value)
            if held is not None:
                self._columns[name].append(held)
            elif value is not None:
                rest[name] = value
        self._columns[REST].append(jsonio.dumps(rest) if rest else None)
        self._rows += 1
        self._bytes += len(rendered)
        for column in self._columns.values():
            if len(column) < self._rows:
                column.append(None)
        return self._end_group() if self._rows >= ROWS or self._bytes >= BYTES else b""

    def end(self) -> bytes:
        ready = self._end_group() if self._rows else b""
        self._file.close()
        return ready + self._sink.taken()

    def _begin_group(self) -> None:
        self._columns: dict[str, list[Any]] = {name: [] for name in (*self._kinds, REST)}
        self._rows = self._bytes = 0

    def _end_group(self) -> bytes:
        arrays = [pa.array(self._columns[field.name], type=field.type) for field in self._schema]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._begin_group()
        return self._sink.taken()


class _Sink(io.RawIOBase):
    """Takes what pyarrow writes, and gives it away piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        content = bytes(piece)
        self._pieces.append(content)
        self._position += len(content)
        return len(content)

    def tell(self) -> int:
        return self._position

    def taken(self) -> bytes:
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content
