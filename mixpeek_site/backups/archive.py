"""The file of a backup: a zip, not compressed a second time, of `database.dump` (pg_dump's custom format) and `manifest.json`.

Any tool opens it, and `pg_restore` reads the dump by itself where nothing of this project is at hand.
"""

import contextlib
import hashlib
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from mixpeek_site.backups import manifest as manifests
from mixpeek_site.backups.errors import BackupError
from mixpeek_site.backups.manifest import Manifest

DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"
CHUNK: Final = 1024 * 1024
_MAX_MANIFEST_BYTES: Final = 256 * 1024 * 1024
# What zipfile raises for bytes that are not as they were written.
_UNREADABLE: Final = (
    zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, struct.error, zlib.error, IndexError,
)  # fmt: skip


class Writer:
    """Puts the dump, then the manifest into the file; a context manager, which lets go of the file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, ValueError):  # of a file that is given up; a finished one is closed already
            self._zip.close()

    @contextmanager
    def dump(self) -> Iterator["Digested"]:
        with self._zip.open(_member(DUMP), "w", force_zip64=True) as member:
            yield Digested(member)

    def finish(self, manifest: Manifest) -> None:
        self._zip.writestr(_member(MANIFEST), manifests.encoded(manifest))
        self._zip.close()


class Digested:
    """Counts and digests what is written through it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.bytes = 0

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)
        self.bytes += len(chunk)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o600 << 16
    return member


@dataclass(frozen=True)
class Archive:
    """A backup's file, open for reading."""

    path: Path
    manifest: Manifest
    _zip: zipfile.ZipFile

    @contextmanager
    def dump(self) -> Iterator[Callable[[], bytes]]:
        """A function that returns the dump's next bytes, empty at its end. Raises BackupError when they are damaged."""
        with _suspicious(self.path):
            member = self._zip.open(DUMP)

        def read() -> bytes:
            with _suspicious(self.path):
                return member.read(CHUNK)

        with member:
            yield read

    def check(self, tell: Callable[[int], None]) -> None:
        """Read all of the dump. Raises BackupError unless it is what the manifest says, to the byte."""
        digest, length = hashlib.sha256(), 0
        with self.dump() as read:
            while chunk := read():
                digest.update(chunk)
                length += len(chunk)
                tell(length)
        said = self.manifest.dump
        if (length, digest.hexdigest()) != (said.bytes, said.sha256):
            raise _unusable(self.path, "It is damaged: its dump is not the one that its manifest describes (SHA-256).")


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The backup in a file. Raises BackupError for what is none, or damaged as far as one sees without reading the dump."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise BackupError(f"{path} can't be read: {error.strerror}.") from error
    with file:
        with _suspicious(path):
            _refuse_others(file)
            archive = zipfile.ZipFile(file)
        with archive:
            with _suspicious(path):
                manifest = _manifest(archive)
            yield Archive(path, manifest, archive)


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    names = archive.namelist()
    if sorted(names) != sorted((DUMP, MANIFEST)):
        raise BackupError(
            f"It is a zip file of something else, or damaged: a backup holds {DUMP} and {MANIFEST}, and nothing else."
        )
    if archive.getinfo(MANIFEST).file_size > _MAX_MANIFEST_BYTES:
        raise BackupError("It is damaged: its manifest is too long to be one.")
    found = manifests.decoded(archive.read(MANIFEST))
    if archive.getinfo(DUMP).file_size != found.dump.bytes:
        raise BackupError("It is damaged: its dump is longer or shorter than its manifest says.")
    return found


def _refuse_others(file: IO[bytes]) -> None:
    head = file.read(8)
    if head.startswith(b"PGDMP"):
        raise BackupError("It is a bare dump of pg_dump, without a manifest: pg_restore reads it.")
    if not head.startswith(b"PK"):
        raise BackupError("It is no backup of this product." if head else "It is empty.")
    if not zipfile.is_zipfile(file):
        raise BackupError("It is cut short or damaged: the directory at its end is missing.")
    file.seek(0)


@contextmanager
def _suspicious(path: Path) -> Iterator[None]:
    """Raises BackupError, naming the file, for whatever is wrong with its bytes."""
    try:
        yield
    except BackupError as error:
        raise _unusable(path, error.message) from error
    except OSError as error:
        raise _unusable(path, f"It can't be read: {error.strerror or error}.") from error
    except _UNREADABLE as error:
        raise _unusable(path, f"It is damaged ({error}).") from error


def _unusable(path: Path, reason: str) -> BackupError:
    return BackupError(f"{path} can't be used. {reason}")
