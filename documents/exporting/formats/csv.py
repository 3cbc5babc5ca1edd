"""CSV as RFC 4180 has it: UTF-8, a header, lines that end in CRLF.

Texts stand as they are, numbers to the digit, true and false, arrays and empty objects as JSON. Null and missing are both an
empty cell, the empty text is `""`. So all values come out, but not all types: the text 12 and the number 12 look alike.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from documents.exporting.columns import Column, flattened
from documents.paths import REST
from mixpeek_site import jsonio

_QUOTED: Final = re.compile(r'[",\r\n]|^\s|\s$')
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BYTE_ORDER_MARK: Final = "\ufeff"


class Csv:
    """`spreadsheet`: begins with a byte order mark, and texts that a spreadsheet would run as formulas begin with `'`."""

    def __init__(self, columns: Sequence[Column], *, spreadsheet: bool = False) -> None:
        self._names = [column.name for column in columns]
        self._known = frozenset(self._names)
        self._spreadsheet = spreadsheet

    def begin(self) -> bytes:
        mark = _BYTE_ORDER_MARK if self._spreadsheet else ""
        return (mark + self._line([self._cell(name) for name in (*self._names, REST)])).encode()

    def write(self, rendered: str) -> bytes:
        cells: dict[str, str] = {}
        rest: dict[str, Any] = {}
        for name, value in flattened(rendered):
            if name in self._known:
                cells[name] = self._cell(value)
            else:
                rest[name] = value
        last = self._cell(jsonio.dumps(rest)) if rest else ""
        return self._line([*(cells.get(name, "") for name in self._names), last]).encode()

    def end(self) -> bytes:
        return b""

    def _line(self, cells: list[str]) -> str:
        return ",".join(cells) + "\r\n"

    def _cell(self, value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            text = jsonio.dumps(value)
        elif self._spreadsheet and value.startswith(_FORMULA):
            text = f"'{value}"
        else:
            text = value
        if not text or _QUOTED.search(text):
            return '"' + text.replace('"', '""') + '"'
        return text
