"""Where lines come from: a file or standard input, gzipped or not. A line in memory is never longer than the limit."""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, NamedTuple

_GZIP_MAGIC = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_KEPT_OF_TOO_LONG = 200


class Line(NamedTuple):
    """One line as it stands in the input."""

    number: int  # from 1, blank lines counted
    raw: bytes  # without its end; of a line that is too long, its first bytes
    length: int = 0  # bytes of a line that is too long; 0: it is whole


class SourceError(Exception):
    """The input can't be read (any further)."""


@dataclass
class Source:
    """An open input. `position` and `size` are bytes of the file as it lies there (compressed, if it is)."""

    name: str
    size: int | None
    _stream: IO[bytes]
    _file: IO[bytes]

    def position(self) -> int:
        try:
            return self._file.tell()
        except OSError:  # a pipe
            return 0

    def lines(self, max_bytes: int) -> Iterator[Line]:
        """Every line that is not blank. Raises SourceError for damaged gzip or a failing disk."""
        try:
            yield from _lines(self._stream, max_bytes)
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(f"{self.name} can't be read to its end: {error}") from error


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """A file by its path, `-` for standard input. Gzip is recognised by its first bytes. Raises SourceError."""
    if path == "-":
        yield _source("standard input", None, _standard_input())
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise SourceError(f"{path} can't be opened: {error.strerror}") from error
    with file:
        if os.path.isdir(path):
            raise SourceError(f"{path} is a directory.")
        yield _source(path, os.fstat(file.fileno()).st_size or None, file)


def _standard_input() -> IO[bytes]:
    """Standard input through a reader of its own.

    A thread that waits in `sys.stdin.buffer` when the process ends makes Python abort: it wants that reader's lock.
    """
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except io.UnsupportedOperation:  # not a file: replaced by something in memory
        return sys.stdin.buffer


def _source(name: str, size: int | None, file: IO[bytes]) -> Source:
    peekable = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
    if peekable.peek(2)[:2] == _GZIP_MAGIC or name.endswith(".gz"):
        unzipped = io.BufferedReader(gzip.GzipFile(fileobj=peekable), 1 << 18)
        return Source(name, size, unzipped, peekable)
    return Source(name, size, peekable, peekable)


def lines_of(rows: Iterable[bytes]) -> Iterator[Line]:
    """Lines of a reader that makes its rows itself."""
    return (Line(number, raw) for number, raw in enumerate(rows, 1))


def _lines(stream: IO[bytes], max_bytes: int) -> Iterator[Line]:
    number = 0
    while raw := stream.readline(max_bytes + 2):  # two more for the end of a line that is just short enough
        number += 1
        if number == 1:
            raw = raw.removeprefix(_BYTE_ORDER_MARK)
        text = raw.strip()
        if len(text) > max_bytes:
            yield Line(number, text[:_KEPT_OF_TOO_LONG], len(raw) + (0 if raw.endswith(b"\n") else _skip_line(stream)))
        elif not raw.endswith(b"\n") and len(raw) == max_bytes + 2 and (rest := _skip_line(stream)):
            yield Line(number, text[:_KEPT_OF_TOO_LONG], len(raw) + rest)  # long only by the spaces around it
        elif text:
            yield Line(number, text)


def _skip_line(stream: IO[bytes]) -> int:
    """Read on to the end of the line; how many bytes that was."""
    skipped = 0
    while rest := stream.readline(1 << 20):
        skipped += len(rest)
        if rest.endswith(b"\n"):
            break
    return skipped
