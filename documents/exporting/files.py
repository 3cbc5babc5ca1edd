"""A file that is there as a whole or not at all: written aside, flushed to the disk, then renamed."""

import gzip
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final

import zstandard

STANDARD_OUTPUT: Final = "-"


class TargetError(Exception):
    """The file can't be written; the message says why."""


def require_free(path: str, *, force: bool) -> None:
    """Raises TargetError when something is there that may not be replaced, or the folder is not."""
    if path == STANDARD_OUTPUT:
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise TargetError(f"There is no folder {folder}.")
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise TargetError(f"{path} can't be looked at: {error.strerror}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise TargetError(f"{path} is no file that could be replaced; for pipes and devices redirect --output -.")
    if not force:
        raise TargetError(f"{path} exists already; --force replaces it.")


@contextmanager
def written(path: str, *, force: bool, standard_output: IO[str]) -> Iterator[IO[bytes]]:
    """What is written inside stands at `path` once the block ended well, compressed if it ends in .gz or .zst; else nothing
    is left behind. `-`: standard output. Raises TargetError.
    """
    require_free(path, force=force)
    if path == STANDARD_OUTPUT:
        yield _bytes_of(standard_output)
        return
    target = os.path.realpath(path)
    aside = f"{target}.{os.getpid()}.part"
    try:
        with open(aside, "xb") as file:
            try:
                with _packed(path, file) as stream:
                    yield stream
                file.flush()
                os.fsync(file.fileno())
                require_free(path, force=force)
                os.rename(aside, target)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(aside)
                raise
    except OSError as error:
        raise TargetError(f"{path} can't be written: {error.strerror or error}.") from error
    _flush_folder(os.path.dirname(target))


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


def _flush_folder(folder: str) -> None:
    """The new name itself is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems have no such thing
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
