"""The bytes of one file or of standard input, unpacked where they are compressed."""

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, Final

import zstandard

from documents.importing.reading.lines import SourceError

STANDARD_INPUT: Final = "standard input"
PEEKED: Final = 1 << 16

_BUFFER: Final = 1 << 18
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_PIECE: Final = 4096  # which may unpack to a hundred megabytes, if somebody wants it to


@dataclass
class Stream:
    """An open input. `content`: its bytes, unpacked; `file`: as it lies there; `size`: bytes of it, None when unknown."""

    name: str
    size: int | None
    content: "io.BufferedReader[Any]"
    file: IO[bytes]
    is_packed: bool

    def position(self) -> int:
        """How many bytes of `file` are read."""
        try:
            return self.file.tell()
        except (OSError, ValueError):  # a pipe; closed
            return 0


@contextmanager
def open_stream(path: str) -> Iterator[Stream]:
    """A file by its path, `-` for standard input. Gzip and zstd are recognised by their first bytes. Raises SourceError."""
    if path == "-":
        yield _unpacked(STANDARD_INPUT, None, _standard_input())
        return
    try:
        file = open(path, "rb", buffering=_BUFFER)  # noqa: SIM115 - closed below
    except OSError as error:
        raise SourceError(f"{path} can't be opened: {error.strerror}") from error
    with file:
        yield _unpacked(path, os.fstat(file.fileno()).st_size or None, file)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turns what damaged compression and failing disks raise into SourceErrors."""
    try:
        yield
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise SourceError(f"{name} can't be read to its end: {error}") from error


def _standard_input() -> IO[bytes]:
    """Standard input through a reader of its own.

    A thread that waits in `sys.stdin.buffer` when the process ends makes Python abort: it wants that reader's lock.
    """
    try:
        return open(sys.stdin.fileno(), "rb", closefd=False)
    except io.UnsupportedOperation:  # not a file: replaced by something in memory
        return sys.stdin.buffer


def _unpacked(name: str, size: int | None, file: IO[bytes]) -> Stream:
    peekable = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
    with reading(name):
        magic = peekable.peek(4)[:4]
    if magic[:2] == _GZIP_MAGIC or name.endswith(".gz"):
        return Stream(name, size, io.BufferedReader(_Gzip(peekable), _BUFFER), peekable, True)
    if magic == _ZSTD_MAGIC or name.endswith(".zst"):
        return Stream(name, size, io.BufferedReader(_Zstd(peekable), _BUFFER), peekable, True)
    return Stream(name, size, peekable, peekable, False)


class _Gzip(io.RawIOBase):
    """The members of a gzip file. Python's own reader, asked for more than there is, loses what stands before damage."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = gzip.GzipFile(fileobj=file)

    def readable(self) -> bool:
        return True

    def readinto(self, into: "memoryview | bytearray") -> int:  # type: ignore[override]
        read = self._file.read1(len(into))
        into[: len(read)] = read
        return len(read)


class _Zstd(io.RawIOBase):
    """Frames of zstd, one after the other. The library's own reader takes a file that is cut off for a whole one."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._is_begun = False  # whether the frame has had any bytes
        self._left = b""  # of the file, behind the last frame
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: "memoryview | bytearray") -> int:  # type: ignore[override]
        while not self._ready:
            packed = self._left or self._file.read(_ZSTD_PIECE)
            self._left = b""
            if not packed:
                if self._is_begun:
                    raise EOFError("Compressed file ended before the end-of-stream marker was reached")
                return 0
            self._is_begun = True
            self._ready = memoryview(self._frame.decompress(packed))
            if self._frame.eof:
                self._left = self._frame.unused_data
                self._frame = self._decompressor.decompressobj()
                self._is_begun = False
        taken = min(len(into), len(self._ready))
        into[:taken] = self._ready[:taken]
        self._ready = self._ready[taken:]
        return taken
