"""Chooses the reader of each file, by its name or its first bytes, and makes one input of several files."""

import glob
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from documents.importing.reading import delimited, json_values, jsonl, parquet
from documents.importing.reading.lines import Line, SourceError
from documents.importing.reading.streams import PEEKED, STANDARD_INPUT, Stream, open_stream, reading

FORMATS: Final = ("jsonl", "json", "csv", "tsv", "parquet")

_EXTENSIONS: Final = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_PACKED: Final = (".gz", ".zst")
_ANSWER: Final = re.compile(rb'\{\s*"(?:results|groups|documents|pagination)"\s*:|\{\s*[\r\n]')


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read. `format`: one of FORMATS, None to choose by the file; `types`: of columns, by name (`delimited.TYPES`);
    `records`: the members that lead to the rows in JSON; `dropped`: columns that Parquet need not read.
    """

    format: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    records: tuple[str, ...] | None = None
    dropped: frozenset[str] = frozenset()


class Source:
    """Files, one after the other. `position` and `size` are bytes of them as they lie there (compressed, if they are)."""

    def __init__(self, paths: Sequence[str], how: Reading) -> None:
        """Raises SourceError for a file that can't be opened."""
        sizes = [_size(path) for path in paths]
        self.name = _title(paths)
        self.size: int | None = sum(sizes) or None
        self.paths = paths
        self._how = how
        self._before = 0  # bytes of the files that are done
        self._stream: Stream | None = None

    def position(self) -> int:
        stream = self._stream
        return self._before + (stream.position() if stream is not None else 0)

    def lines(self, max_bytes: int) -> Iterator[Line]:
        """Every row that is not blank. Raises SourceError for damaged compression, a failing disk, a file that is cut off."""
        for path in self.paths:
            with open_stream(path) as stream:
                self._stream = stream
                with reading(stream.name):
                    yield from _lines(stream, max_bytes, self._how)
                self._stream = None
                self._before += stream.size or 0


@contextmanager
def open_source(paths: str | Sequence[str], how: Reading | None = None) -> Iterator[Source]:
    """Files by path, `-` for standard input, globs that the shell left alone. Raises SourceError."""
    named = [paths] if isinstance(paths, str) else paths
    found = [path for name in named for path in _globbed(name)]
    if found.count("-") > 1:
        raise SourceError("Standard input can be read once: give - once.")
    yield Source(found, how or Reading())


def _globbed(name: str) -> list[str]:
    """The names in order, if it is a glob of some; else itself."""
    if name == "-" or os.path.exists(name) or not glob.has_magic(name):
        return [name]
    found = sorted(path for path in glob.glob(name, recursive=True) if not os.path.isdir(path))
    if not found:
        raise SourceError(f"No file is named like {name}.")
    return found


def _size(path: str) -> int:
    """In bytes; 0 of what is no regular file. Raises SourceError."""
    if path == "-":
        return 0
    if os.path.isdir(path):
        raise SourceError(f"{path} is a directory; name its files: {os.path.join(path, '*')}")
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return 0  # a pipe, which can be opened once: what is read of it is gone
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_size
    except OSError as error:
        raise SourceError(f"{path} can't be opened: {error.strerror}") from error


def _title(paths: Sequence[str]) -> str:
    if len(paths) == 1:
        return STANDARD_INPUT if paths[0] == "-" else paths[0]
    return f"{len(paths)} files"


def _lines(stream: Stream, max_bytes: int, how: Reading) -> Iterator[Line]:
    name = stream.name
    match how.format or _format(stream):
        case "json":
            return json_values.lines(stream.content, max_bytes, name, how.records)
        case "csv" | "tsv" as kind:
            delimiter = "\t" if kind == "tsv" else None
            return delimited.lines(stream.content, max_bytes, name, delimiter=delimiter, types=how.types)
        case "parquet":
            if stream.is_packed or name == STANDARD_INPUT or not stream.file.seekable():
                raise SourceError(f"{name}: Parquet is read from its end, so it must be a file of its own, not packed.")
            return parquet.lines(stream.file, max_bytes, name, how.dropped)
        case _:
            return jsonl.lines(stream.content, max_bytes, name)


def _format(stream: Stream) -> str:
    """By the name, or else by the first bytes; JSON lines where neither tells."""
    base, extension = os.path.splitext(stream.name.lower())
    if extension in _PACKED:
        extension = os.path.splitext(base)[1]
    if extension in _EXTENSIONS:
        return _EXTENSIONS[extension]
    begins = stream.content.peek(PEEKED)[:PEEKED]
    if begins.startswith(b"PAR1"):
        return "parquet"
    text = begins.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "json" if text.startswith(b"[") or _ANSWER.match(text) else "jsonl"
