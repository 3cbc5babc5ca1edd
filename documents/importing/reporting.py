"""What an import tells: counts, the lines that failed, how far it is."""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, NamedTuple

import simplejson

from documents.importing.reading import Line
from mixpeek_site import jsonio
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.whole_files import TargetError

ERROR_MEMBER = "_import_error"
LINE_MEMBER = "_line"
LAYOUT_MEMBER = "csv"


class Failure(NamedTuple):
    """A line that did not get in."""

    line: Line
    document_id: str | None
    reason: str
    type: str  # the contract's stable name of the error


@dataclass(slots=True)
class FileCounts:
    """Lines of one file."""

    lines: int = 0
    failed: int = 0


@dataclass(slots=True)
class Counts:
    """Lines by what became of them."""

    imported: int = 0
    replaced: int = 0
    merged: int = 0
    skipped: int = 0
    failed: int = 0
    files: "dict[str, FileCounts]" = field(default_factory=dict, kw_only=True)
    """By the names of the files, in their order."""

    @property
    def lines(self) -> int:
        return self.imported + self.replaced + self.merged + self.skipped + self.failed

    def replace_by(self, other: "Counts") -> None:
        self.imported, self.replaced, self.merged = other.imported, other.replaced, other.merged
        self.skipped, self.failed = other.skipped, other.failed
        self.files = other.files

    def by_file(self, lines: Iterable[Line], failures: Iterable[Failure]) -> None:
        """Count lines, and those of them that failed, for their files."""
        for file, number in Counter(line.file for line in lines).items():
            self.files.setdefault(file, FileCounts()).lines += number
        for one in failures:
            self.files[one.line.file].failed += 1

    def add(self, other: "Counts") -> None:
        self.imported += other.imported
        self.replaced += other.replaced
        self.merged += other.merged
        self.skipped += other.skipped
        self.failed += other.failed
        for file, counts in other.files.items():
            ours = self.files.setdefault(file, FileCounts())
            ours.lines += counts.lines
            ours.failed += counts.failed


def error_line(failure: Failure) -> str:
    """A line of the errors file: the original line with one member more, so that it can be mended and fed again.

    What is no JSON object stands as text in `_line` beside it; of a row of CSV that can't be read, the error tells how its
    columns are read. An import reads all these forms (`preparing.mended`).
    """
    about: JSONObject = {
        **({"file": failure.line.file} if failure.line.file else {}),
        failure.line.unit: failure.line.number,
        "document_id": failure.document_id,
        "type": failure.type,
        "reason": failure.reason,
    }
    if failure.line.length:
        about["bytes"] = failure.line.length
    raw = failure.line.raw
    body = None if failure.line.length else _object(raw)
    if body is not None and ERROR_MEMBER in body:  # the line of an errors file, which was not mended
        before = body[ERROR_MEMBER]
        if isinstance(before, dict) and LAYOUT_MEMBER in before:
            about[LAYOUT_MEMBER] = before[LAYOUT_MEMBER]
        if LINE_MEMBER in body:
            return jsonio.dumps_ascii({ERROR_MEMBER: about, LINE_MEMBER: body[LINE_MEMBER]})
        return jsonio.dumps_ascii({**body, ERROR_MEMBER: about})
    if failure.line.layout is not None:
        about[LAYOUT_MEMBER] = simplejson.loads(failure.line.layout)
        body = None
    if body is None:
        return jsonio.dumps_ascii({ERROR_MEMBER: about, LINE_MEMBER: raw.decode(errors="backslashreplace")})
    rest = raw[1:].decode().lstrip().translate(_ONE_LINE)
    return f'{{"{ERROR_MEMBER}":{jsonio.dumps_ascii(about)}{"," if body else ""}{rest}'


_ONE_LINE = str.maketrans("\r\n", "  ")  # line ends of a JSON text are space: within strings they are escaped


def _object(raw: bytes) -> JSONObject | None:
    """The JSON object that a line holds, storable or not."""
    if not raw.startswith(b"{"):
        return None
    try:
        found: JSONObject = simplejson.loads(raw.decode(), use_decimal=True)
    except (ValueError, RecursionError, ArithmeticError):
        return None
    return found


def place_of(line: Line) -> str:
    """Where a line stands, for people."""
    return f"{line.file}, {line.unit} {line.number}" if line.file else f"{line.unit} {line.number}"


class ErrorsFile:
    """Failures as JSON lines; the first few also go to `say`."""

    SAID = 10

    def __init__(self, file: IO[str] | None, say: Callable[[str], None]) -> None:
        self._file = file
        self._say = say
        self._said = 0
        self._unflushed = False

    def add(self, failure: Failure) -> None:
        """Raises TargetError when the disk is full or the like; so does `flush`."""
        if self._file is not None:
            with _writing(self._file):
                self._file.write(error_line(failure) + "\n")
            self._unflushed = True
        if self._said < self.SAID:
            name = f" ({failure.document_id})" if failure.document_id else ""
            self._say(f"{printable(place_of(failure.line))}{name}: {printable(failure.reason)}")
        elif self._said == self.SAID:
            self._say("… and more" if self._file is not None else "… and more; --errors FILE keeps them all")
        self._said += 1

    def flush(self) -> None:
        """What was added is on the disk when this returns."""
        if self._file is not None and self._unflushed:
            with _writing(self._file):
                self._file.flush()
            with suppress(OSError, ValueError):  # /dev/stderr, a pipe, a file in memory
                os.fsync(self._file.fileno())
            self._unflushed = False


@contextmanager
def _writing(file: IO[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        with suppress(OSError):  # what is still to be written fails once more
            file.close()
        raise TargetError(f"The errors file {file.name} can't be written: {error.strerror or error}.") from error


def complete_errors_file(path: str, lines: Iterable[str]) -> None:
    """Add those of the lines that the file does not have, and take off an end that was cut off. Raises OSError.

    An import that is killed has committed a batch whose failures it did not come to write, or not all of them.
    """
    known = set[bytes]()
    whole = 0
    with open(path, "a+b") as file:
        file.seek(0)
        for line in file:
            if line.endswith(b"\n"):
                known.add(_digest(line[:-1]))
                whole += len(line)
        file.truncate(whole)
        for text in lines:
            if _digest(raw := text.encode()) not in known:
                file.write(raw + b"\n")


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()


def printable(text: str) -> str:
    """For a terminal, which takes neither lone surrogates nor control characters from a stranger's file."""
    shown = text if len(text) <= 500 else text[:500] + "…"
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in shown)
