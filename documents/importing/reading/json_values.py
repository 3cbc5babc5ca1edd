"""JSON arrays, saved answers of lists and single objects: rows as they stand, from a file of any length.

The text is not parsed but cut: brackets are counted outside of strings, so a row keeps its very digits and costs a
regular expression for each of its brackets. What is wrong inside of a row is for those who read rows; what is wrong
around rows ends the reading, because nobody knows then where the next one begins.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

import msgspec

from documents.importing.reading.lines import KEPT_OF_TOO_LONG, Line, SourceError

LISTS: Final = (("results",), ("groups", "documents"), ("documents",))
"""Where answers of lists hold their documents, in any generation."""

_WINDOW: Final = 1 << 18
_SPACE: Final = re.compile(rb"[ \t\r\n]*")
_STRING_REST: Final = re.compile(rb'(?:[^"\\\n]++|\\.)*+', re.DOTALL)
_TO_BRACKET: Final = re.compile(rb'[^"\[\]{}]*+(?:"(?:[^"\\\n]++|\\.)*+"[^"\[\]{}]*+)*+([\[\]{}])', re.DOTALL)
_OPEN_QUOTE: Final = re.compile(rb'[^"\[\]{}]*+(?:"(?:[^"\\\n]++|\\.)*+"[^"\[\]{}]*+)*+"(?:[^"\\\n]++|\\.)*+\n', re.DOTALL)
_TO_QUOTE_OR_BRACKET: Final = re.compile(rb'[^"\[\]{}]*+')
_SCALAR: Final = re.compile(rb"[^\s,\[\]{}:\"]*+")


@dataclass(slots=True)
class _Value:
    """A value as it stands. `length`: its bytes; `raw` is its beginning where that is more than was asked for."""

    raw: bytes
    length: int


class _Text:
    """A window that moves over the text; `at` is the place in it that is next."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self._name = name
        self._before = 0  # bytes that are gone from the window
        self.window = b""
        self.at = 0

    def more(self, keep_from: int) -> int:
        """Read on and drop what stands before `keep_from`; by how much places moved. 0 and no more text at the end."""
        read = self._stream.read(max(_WINDOW, len(self.window) - keep_from))
        if not read:
            return -1
        self.window = self.window[keep_from:] + read
        self._before += keep_from
        self.at -= keep_from
        return keep_from

    def next(self) -> bytes:
        """The byte that comes next after space, still to be taken; empty at the end."""
        while True:
            self.at = _SPACE.match(self.window, self.at).end()  # type: ignore[union-attr]  # matches anywhere
            if self.at < len(self.window):
                return self.window[self.at : self.at + 1]
            if self.more(self.at) < 0:
                return b""

    def take(self, *wanted: bytes) -> bytes:
        """The next byte, which has to be one of these. Raises SourceError."""
        found = self.next()
        if found not in wanted:
            raise self.error(f"expected {' or '.join(one.decode() for one in wanted)}", found)
        self.at += 1
        return found

    def error(self, expected: str, found: bytes) -> SourceError:
        what = repr(found.decode(errors="backslashreplace")) if found else "its end"
        return SourceError(
            f"{self._name} is not JSON that can be read on: byte {self._before + self.at}: {expected}, not {what}."
        )

    def value(self, max_bytes: int) -> _Value:
        """The next value, of which not more than `max_bytes` are kept. Raises SourceError where it is cut off."""
        first = self.next()
        if first in (b"{", b"["):
            return self._bracketed(max_bytes)
        if first == b'"':
            return self._string(max_bytes)
        begun = self.at
        while True:
            end = _SCALAR.match(self.window, begun).end()  # type: ignore[union-attr]
            if end < len(self.window) or end - begun > 4096 or self.more(begun) < 0:
                break
            begun = 0
        if end == begun:
            raise self.error("expected a value", first)
        self.at = end
        return _Value(self.window[begun:end], end - begun)

    def _bracketed(self, max_bytes: int) -> _Value:
        begun = at = self.at
        depth = 0
        while True:
            found = _TO_BRACKET.match(self.window, at)
            if found is not None:
                at = found.end()
                depth += 1 if self.window[at - 1] in b"[{" else -1
            elif found := _OPEN_QUOTE.match(self.window, at):
                depth, at = self._closed(depth, found)
            elif len(self.window) - begun > max_bytes:
                return self._too_long(begun, at, depth)
            else:
                moved = self.more(begun)
                if moved < 0:
                    raise self._cut_off(begun)
                begun, at = begun - moved, at - moved
                continue
            if not depth:
                self.at = at
                length = at - begun
                return _Value(self.window[begun : begun + (KEPT_OF_TOO_LONG if length > max_bytes else length)], length)

    def _closed(self, depth: int, line: "re.Match[bytes]") -> tuple[int, int]:
        """Depth and place after a line whose last quote is not closed: brackets at its end belong around the string."""
        at = line.end()
        for place in range(at - len(line[0]) + len(line[0].rstrip(b"]} \t\r\n,")), at):
            if self.window[place] in b"]}":
                depth -= 1
                if not depth:
                    return 0, place + 1
        return depth, at

    def _too_long(self, begun: int, at: int, depth: int) -> _Value:
        """Go on to the end of a value that is not kept; its text between `begun` and `at` is seen."""
        kept, start = self.window[begun : begun + KEPT_OF_TOO_LONG], self._before + begun
        in_string = False
        while depth:
            at = (_STRING_REST if in_string else _TO_QUOTE_OR_BRACKET).match(self.window, at).end()  # type: ignore[union-attr]
            rest = len(self.window) - at
            if rest == 0 or (in_string and rest == 1 and self.window[at:] == b"\\"):
                moved = self.more(at)
                if moved < 0:
                    raise self._cut_off(at)
                at -= moved
                continue
            byte = self.window[at : at + 1]
            at += 1
            if in_string or byte == b'"':
                in_string = not in_string
            else:
                depth += 1 if byte in b"[{" else -1
        self.at = at
        return _Value(kept, self._before + at - start)

    def _string(self, max_bytes: int) -> _Value:
        begun, at = self.at, self.at + 1
        length = 1
        kept = b""
        while True:
            at = _STRING_REST.match(self.window, at).end()  # type: ignore[union-attr]
            if at < len(self.window) and self.window[at : at + 1] != b"\\":
                break
            if at - begun > max_bytes:
                kept = kept or self.window[begun : begun + KEPT_OF_TOO_LONG]
                length += at - begun
                begun = at
            moved = self.more(begun)
            if moved < 0:
                raise self._cut_off(begun)
            begun, at = begun - moved, at - moved
        self.at = at + 1
        length += at - begun
        return _Value(kept or self.window[begun : at + 1], length)

    def _cut_off(self, at: int) -> SourceError:
        self.at = at
        return SourceError(f"{self._name} ends in the middle of the value that begins at byte {self._before + at}.")


def lines(stream: IO[bytes], max_bytes: int, file: str, records: tuple[str, ...] | None = None) -> Iterator[Line]:
    """The rows of every value in the file.

    An array's elements; of an object the list in one of `LISTS`, or else the object itself. `records`: the members that
    lead to the rows instead, through objects and through the elements of arrays. Raises SourceError.
    """
    reader = _Reader(_Text(stream, file), max_bytes, file)
    reader.skip_byte_order_mark()
    yield from reader.all(records)


class _Reader:
    def __init__(self, text: _Text, max_bytes: int, file: str) -> None:
        self._text = text
        self._max_bytes = max_bytes
        self._file = file
        self._number = 0

    def skip_byte_order_mark(self) -> None:
        if self._text.next() == b"\xef" and self._text.window.startswith(b"\xef\xbb\xbf"):
            self._text.at = 3

    def all(self, records: tuple[str, ...] | None) -> Iterator[Line]:
        while first := self._text.next():
            if records is None and first == b"{":
                yield from self._answer_or_row()
            else:
                yield from self._rows(records or ())
        if records and not self._number:
            raise SourceError(f"{self._file} has nothing at --records {'.'.join(records)}.")

    def _row(self, value: _Value) -> Line:
        self._number += 1
        length = value.length if value.length > self._max_bytes else 0
        return Line(self._number, value.raw, length, None, self._file, "element")

    def _rows(self, path: tuple[str, ...]) -> Iterator[Line]:
        """What the path leads to from the next value."""
        first = self._text.next()
        if first == b"[":
            for _ in self._items(b"]"):
                if path:
                    yield from self._rows(path)
                else:
                    yield self._row(self._text.value(self._max_bytes))
        elif not path:
            yield self._row(self._text.value(self._max_bytes))
        elif first == b"{":
            for _ in self._items(b"}"):
                if self._name() == path[0] and self._text.next() in (b"[", b"{"):
                    yield from self._rows(path[1:])
                else:
                    self._text.value(0)
        else:
            self._text.value(0)

    def _answer_or_row(self) -> Iterator[Line]:
        """An object: the documents of a list's answer, or itself."""
        seen = bytearray()  # of the object, as long as it may be a row
        length = 1
        found = False
        for _ in self._items(b"}"):
            key = self._text.value(self._max_bytes)
            name = _text_of(key.raw)
            self._text.take(b":")
            first = self._text.next()
            path = next((path for path in LISTS if path[0] == name), None) if first == b"[" else None
            if path is not None:
                found = True
                yield from self._rows(path[1:])
                continue
            value = self._text.value(0 if found else self._max_bytes)
            length += key.length + value.length + 2
            if not found and len(seen) <= self._max_bytes:
                seen += b"%b%b:%b" % (b"," if seen else b"", key.raw, value.raw)
        if not found:
            if length > self._max_bytes:
                yield self._row(_Value(bytes(b"{" + seen)[:KEPT_OF_TOO_LONG], length))
            else:
                yield self._row(_Value(b"{%b}" % bytes(seen), length))

    def _items(self, end: bytes) -> Iterator[None]:
        """Once for each element or member of the next value, which the caller has to take in between."""
        self._text.at += 1
        if self._text.next() == end:
            self._text.at += 1
            return
        yield
        while self._text.take(b",", end) != end:
            yield

    def _name(self) -> str | None:
        key = self._text.value(self._max_bytes)
        self._text.take(b":")
        return _text_of(key.raw)


def _text_of(key: bytes) -> str | None:
    """A member's name; None for what is not one that can be read."""
    try:
        found: str = msgspec.json.decode(key, type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return found
