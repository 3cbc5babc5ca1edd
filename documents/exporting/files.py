"""Where an export goes: a file, compressed as its name says, or standard output."""

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import zstandard

from mixpeek_site.whole_files import written_aside

STANDARD_OUTPUT: Final = "-"
PACKED: Final = (".gz", ".zst")


@contextmanager
def written(path: str, *, force: bool, standard_output: IO[str]) -> Iterator[IO[bytes]]:
    """What is written inside stands at `path` once the block ended well, compressed if it ends in one of PACKED; else nothing
    is left behind. `-`: standard output. Raises whole_files.TargetError.
    """
    if path == STANDARD_OUTPUT:
        yield _bytes_of(standard_output)
        return
    with written_aside(Path(path), force=force) as (file, _), _packed(path, file) as stream:
        yield stream


@contextmanager
def _packed(path: str, file: IO[bytes]) -> Iterator[IO[bytes]]:
    if path.endswith(".gz"):
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as stream:
            yield stream  # type: ignore[misc]
    elif path.endswith(".zst"):
        with zstandard.ZstdCompressor(write_checksum=True).stream_writer(file, closefd=False) as stream:
            yield stream
    else:
        yield file


def _bytes_of(stream: IO[str]) -> IO[bytes]:
    """What takes the bytes of a text stream; where that is in memory, the stream by way of its text."""
    buffer: IO[bytes] = getattr(stream, "buffer", None) or _AsText(stream)  # type: ignore[assignment]
    return buffer


class _AsText(io.RawIOBase):
    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, piece: bytes) -> int:  # type: ignore[override]
        return self._stream.write(piece.decode())
