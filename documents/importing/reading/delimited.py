"""CSV and TSV. The header names the columns; a row that can't be read is a fault of its line, and the rest goes on.

What a cell is, unless `--types` says so: nothing null, a plain number that number to the digit, true and false a boolean,
what begins with { or [ JSON, anything else a text. 007 and 1e5 are texts, because ids and codes look like that; 1e+5 is a
number.
"""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from json.encoder import encode_basestring
from typing import IO, Any, Final

import msgspec

from documents.importing.reading.columns import Places
from documents.importing.reading.jsonl import skip_line
from documents.importing.reading.lines import KEPT_OF_TOO_LONG, Line, SourceError
from documents.paths import REST
from mixpeek_site import jsonio

_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-][0-9]+)?", re.ASCII)
_LOOSE_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_BOOLEANS: Final = dict.fromkeys(("true", "True", "TRUE"), "true") | dict.fromkeys(("false", "False", "FALSE"), "false")
_FORCED_BOOLEANS: Final = (
    _BOOLEANS
    | dict.fromkeys(("1", "t", "T", "yes", "Yes", "YES", "y", "Y"), "true")
    | dict.fromkeys(("0", "f", "F", "no", "No", "NO", "n", "N"), "false")
)
_any_json = msgspec.json.Decoder(msgspec.Raw)


class _RowFault(Exception):
    """Why a row is no body."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows of one file are read: what the header and the options say. Kept beside a bad row in the errors file."""

    delimiter: str
    columns: tuple[str, ...]
    types: Mapping[str, str]

    def as_json(self) -> str:
        return jsonio.dumps({"delimiter": self.delimiter, "columns": list(self.columns), "types": dict(self.types)})


def read_again(text: str, layout: Any) -> bytes:
    """The body of a row in an errors file; `layout` is what `Layout.as_json` said there. Raises ValueError: what is wrong."""
    try:
        read = Layout(layout["delimiter"], tuple(layout["columns"]), layout["types"])
        rows = Rows(read, "the errors file")
        found = [cells for cells in csv.reader(_kept_ends(text), delimiter=read.delimiter, strict=True) if cells]
    except (csv.Error, SourceError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"is no row that can be read: {error}") from None
    if len(found) != 1:
        raise ValueError(f"must be one row, not {len(found)}")
    try:
        return rows.body(found[0])
    except _RowFault as fault:
        raise ValueError(str(fault)) from None


def _kept_ends(text: str) -> Iterator[str]:
    return iter(text.splitlines(keepends=True))


class Rows:
    """From cells to a body."""

    def __init__(self, layout: Layout, where: str) -> None:
        """`where`: the header, for people. Raises SourceError for columns that contradict each other or the types."""
        self._columns = layout.columns
        unknown = [name for name in layout.types if name not in layout.columns]
        if unknown:
            raise SourceError(f"{where}: there is no column {unknown[0]}, which --types names.")
        self._places = Places(layout.columns, where)
        self._kinds: list[Callable[[str], str]] = [
            TYPES["json" if name == REST else layout.types.get(name, "auto")] for name in layout.columns
        ]

    def body(self, cells: Sequence[str]) -> bytes:
        """Raises _RowFault."""
        if len(cells) != len(self._columns):
            raise _RowFault(f"has {len(cells)} cells, and the header {len(self._columns)} columns")
        try:
            texts = [kind(cell) for kind, cell in zip(self._kinds, cells, strict=True)]
        except _RowFault:
            raise _RowFault(self._first_fault(cells)) from None
        try:
            return self._places.body(texts).encode()
        except UnicodeEncodeError:
            raise _RowFault("is not UTF-8") from None
        except (ValueError, RecursionError, ArithmeticError) as error:
            raise _RowFault(str(error)) from None

    def _first_fault(self, cells: Sequence[str]) -> str:
        for name, kind, cell in zip(self._columns, self._kinds, cells, strict=True):
            try:
                kind(cell)
            except _RowFault as fault:
                return f"column {name}: {fault}"
        raise AssertionError("a cell that failed does not fail again")


# Cells ----------------------------------------------------------------------------------------------------------------


def _auto(cell: str) -> str:
    if not cell:
        return "null"
    first = cell[0]
    if first in "-0123456789":
        return cell if _NUMBER.fullmatch(cell) else encode_basestring(cell)
    if first in "tTfF":
        return _BOOLEANS.get(cell) or encode_basestring(cell)
    if first in "{[":
        return _json(cell, "; --types can make the column a string")
    return encode_basestring(cell)


def _number(cell: str) -> str:
    text = cell.strip()
    if not text or _NUMBER.fullmatch(text):
        return text or "null"
    try:
        if _LOOSE_NUMBER.fullmatch(text):
            return jsonio.dumps(Decimal(text))
    except InvalidOperation:
        pass
    raise _RowFault(f"{_shown(cell)} is not a number")


def _boolean(cell: str) -> str:
    text = cell.strip()
    found = _FORCED_BOOLEANS.get(text) if text else "null"
    if found is None:
        raise _RowFault(f"{_shown(cell)} is not a boolean")
    return found


def _json(cell: str, advice: str = "") -> str:
    if not cell.strip():
        return "null"
    try:
        _any_json.decode(cell)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        raise _RowFault(f"{_shown(cell)} is not JSON{advice}") from None
    return cell


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:40] + "…")


TYPES: Final[Mapping[str, Callable[[str], str]]] = {
    "auto": _auto,
    "string": encode_basestring,
    "number": _number,
    "boolean": _boolean,
    "json": _json,
}


# Rows -----------------------------------------------------------------------------------------------------------------


class _TooLong(Exception):
    """A row of more bytes than a body may have."""


class _Feed:
    """Physical lines for csv.reader; remembers those of the present row, so that they can be given again."""

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self._back: deque[bytes] = deque()
        self._bytes = 0
        self.number = 0  # of the line that was given last
        self.taken: list[bytes] = []

    def begin(self) -> None:
        """A new row begins."""
        self._bytes = 0
        self.taken = []

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        raw = self._back.popleft() if self._back else b""
        if not raw.endswith(b"\n"):
            raw += self._stream.readline(max(1, self._max_bytes + 2 - len(raw)))
        if not raw:
            raise StopIteration
        self.number += 1
        if self.number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        self.taken.append(raw)
        self._bytes += len(raw)
        if self._bytes > self._max_bytes:
            raise _TooLong
        return raw.decode("utf-8", "surrogateescape")

    def give_back(self) -> bytes:
        """Everything but the row's first line will be given again; that line."""
        self._back.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        return self.taken[0]

    def skip_line(self) -> int:
        """Read on to the end of the line that was given last; how many bytes that was."""
        return 0 if self.taken[-1].endswith(b"\n") else skip_line(self._stream)


def lines(
    stream: IO[bytes], max_bytes: int, file: str, *, delimiter: str | None = None, types: Mapping[str, str] | None = None
) -> Iterator[Line]:
    """The rows behind the header. `delimiter` None: as the header shows. Raises SourceError for a header that is none."""
    csv.field_size_limit(max(csv.field_size_limit(), max_bytes))
    feed = _Feed(stream, max_bytes)
    header, delimiter = _header(feed, file, delimiter)
    if header is None:
        return
    layout = Layout(delimiter, header, dict(types or {}))
    rows = Rows(layout, f"{file}, line {feed.number}")
    layout_text = layout.as_json()
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        number = feed.number + 1
        feed.begin()
        try:
            cells = next(reader)
            if not cells or (len(cells) == 1 < len(header) and not cells[0].strip()):
                continue  # a blank line
            yield Line(number, rows.body(cells), 0, None, file)
            continue
        except StopIteration:
            return
        except _RowFault as fault:
            raw, reason = b"".join(feed.taken), str(fault)
        except csv.Error as error:
            raw, reason = feed.give_back(), f"is not CSV: {_lower_first(str(error))}"
        except _TooLong:
            if len(feed.taken) == 1:
                raw = feed.taken[0]
                yield Line(number, raw[:KEPT_OF_TOO_LONG], len(raw) + feed.skip_line(), None, file)
                reader = csv.reader(feed, delimiter=delimiter, strict=True)
                continue
            raw, reason = feed.give_back(), f"is not CSV: a quote is open for more than {max_bytes} bytes"
        reader = csv.reader(feed, delimiter=delimiter, strict=True)  # the old one is in the middle of its row
        yield Line(number, raw.rstrip(b"\r\n"), 0, reason, file, "line", layout_text)


def _header(feed: _Feed, file: str, delimiter: str | None) -> tuple[tuple[str, ...] | None, str]:
    """Names of the columns, None for an empty file; and the delimiter. Raises SourceError."""
    cells: list[str] = []
    number = 1
    try:
        while not cells:
            feed.begin()
            number = feed.number + 1
            first = next(feed)
            if feed.taken[0].startswith(_UTF_16):
                raise SourceError(f"{file} is UTF-16; make it UTF-8 first: iconv -f UTF-16 -t UTF-8")
            delimiter = delimiter or _delimiter(first)
            cells = next(csv.reader(_put_before(first, feed), delimiter=delimiter, strict=True))
            cells = [cell if cell.startswith("/") else cell.strip() for cell in cells] if any(map(str.strip, cells)) else []
        "".join(cells).encode()
    except StopIteration:
        return None, delimiter or ","
    except (csv.Error, UnicodeEncodeError, _TooLong) as error:
        reason = "not UTF-8" if isinstance(error, UnicodeEncodeError) else str(error) or "too long"
        raise SourceError(f"{file}, line {number}: the header can't be read: {_lower_first(reason)}") from None
    return tuple(cell or f"column_{number}" for number, cell in enumerate(cells, 1)), delimiter or ","


def _put_before(first: str, feed: _Feed) -> Iterator[str]:
    yield first
    yield from feed


def _delimiter(header: str) -> str:
    """The comma, or what a header without one has instead."""
    bare = re.sub(r'"[^"]*"', "", header)
    return next((one for one in (",", ";", "\t", "|") if one in bare), ",")


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
