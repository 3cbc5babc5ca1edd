"""Blobs in a directory, served by this server (mixpeek_site/api/blobs.py) to who has a signed URL.

A blob is `<directory>/<organization>/<namespace>/<two digits>/<id>/<name>`, its URL `local://` and the same path from the
organization on, so that a URL says whose it is. A file appears whole, by a rename, and never changes afterwards.
"""

import errno
import hashlib
import hmac
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from urllib.parse import quote

from django.conf import settings

from mixpeek_site import ids
from mixpeek_site.blob_stores import names, origin
from mixpeek_site.blob_stores.configuration import LocalOptions
from mixpeek_site.blob_stores.hmacs import Hmac
from mixpeek_site.blob_stores.interface import Owner, Signed
from mixpeek_site.errors import ServiceUnavailableError

SCHEME: Final = "local://"
PATH: Final = "/blobs/"
"""Below which the server serves them."""

_INCOMING: Final = ".incoming"
_TYPE: Final = ".type"
_PARTS: Final = 5
_MAX_KEY: Final = 1000
_is_plain: Final = re.compile(r"[A-Za-z0-9_.~/-]*", re.ASCII).fullmatch
_NOT_THERE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO)
_NO_ORIGIN: Final = Signed(None, "The address of this server is not known: set PUBLIC_URL, or name the host in ALLOWED_HOSTS.")
_FOREIGN: Final = Signed(None, "It belongs to another namespace.")
_MALFORMED: Final = Signed(None, "It is not the URL of a stored blob: local://organization/namespace/…/name.")


class Opened(NamedTuple):
    """A blob's file, to be closed by who reads it. `modified`: in seconds since 1970."""

    file: BinaryIO
    size: int
    modified: float
    name: str
    content_type: str


class LocalStore:
    def __init__(self, options: LocalOptions) -> None:
        self._directory = options.directory

    def holds(self, url: str) -> bool:
        return url.startswith(SCHEME)

    def sign(self, url: str, owner: Owner) -> Signed | None:
        if not url.startswith(SCHEME):
            return None
        key = url[len(SCHEME) :]
        parts = _parts(key)
        if parts is None:
            return _MALFORMED
        if parts[0] != owner.organization or parts[1] != owner.namespace:
            return _FOREIGN
        base = origin.current()
        if base is None:
            return _NO_ORIGIN
        expires = int(time.time()) + settings.BLOB_URL_SECONDS
        path = key if _is_plain(key) else quote(key)
        return Signed(f"{base}{PATH}{path}?expires={expires}&signature={signature(key, expires)}")

    def new_url(self, owner: Owner, name: str) -> str:
        number = ids.new_id("")
        return f"{SCHEME}{owner.organization}/{owner.namespace}/{number[-2:]}/{number}/{name}"

    def put(self, url: str, chunks: Iterable[bytes], content_type: str) -> None:
        key = url.removeprefix(SCHEME)
        target = self._directory / key
        incoming = self._directory / _INCOMING
        try:
            incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if names.guessed(target.name) != content_type:
                with _whole(incoming / ids.new_id("in_"), target.parent / _TYPE) as file:
                    file.write(content_type.encode())
            with _whole(incoming / ids.new_id("in_"), target) as file:
                for chunk in chunks:
                    file.write(chunk)
        except OSError as error:
            self._tidy(target.parent)
            raise ServiceUnavailableError(f"The blob could not be stored: {error.strerror}.") from error
        except BaseException:
            self._tidy(target.parent)
            raise

    def delete(self, url: str) -> None:
        parts = _parts(url.removeprefix(SCHEME))
        if parts is None:
            return
        folder = self._directory.joinpath(*parts[:-1])
        try:
            (folder / parts[-1]).unlink(missing_ok=True)
        except OSError as error:
            raise ServiceUnavailableError(f"The blob could not be deleted: {error.strerror}.") from error
        self._tidy(folder)

    def open(self, key: str) -> Opened | None:
        """The blob of a key, however a client wrote it; None where there is none.

        No step of the way follows a symbolic link, and no key leads out of the directory.
        """
        parts = _parts(key)
        if parts is None:
            return None
        try:
            with _folder(self._directory, parts[:-1]) as folder:
                return _opened(folder, parts[-1])
        except OSError as error:
            if error.errno in _NOT_THERE:
                return None
            raise

    def _tidy(self, folder: Path) -> None:
        """Remove what is left around a blob that is gone."""
        with suppress(OSError):
            (folder / _TYPE).unlink(missing_ok=True)
            folder.rmdir()


def signature(key: str, expires: int) -> str:
    """Of the right to read one blob until `expires`, in seconds since 1970."""
    return _secret(settings.SECRET_KEY).hexdigest(f"{expires} {key}".encode(errors="surrogatepass"))


def is_valid(key: str, expires: str, given: str) -> bool:
    """Whether the server signed this, and not too long ago. Takes as long for a wrong signature as for a right one."""
    if not (expires.isascii() and expires.isdigit() and len(expires) < 16 and expires == str(int(expires))):
        return False
    expected = signature(key, int(expires))
    return hmac.compare_digest(expected.encode(), given.encode(errors="surrogatepass")) and time.time() < int(expires)


@lru_cache(maxsize=8)
def _secret(secret_key: str) -> Hmac:
    return Hmac(hashlib.sha256(b"mixpeek_site.blob_stores.local\0" + secret_key.encode()).digest())


def _parts(key: str) -> list[str] | None:
    """The five names of a key, none of which leads anywhere else."""
    parts = key.split("/")
    if len(parts) != _PARTS or len(key) > _MAX_KEY or not key.isprintable() or "\\" in key:
        return None
    return None if any(part in ("", ".", "..") for part in parts) or parts[-1].startswith(".") else parts


@contextmanager
def _folder(directory: Path, parts: list[str]) -> Iterator[int]:
    """A descriptor of the directory that the names lead to. Raises OSError where one of them is a link or none is there."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(folder: int, name: str) -> Opened | None:
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        return None
    return Opened(os.fdopen(descriptor, "rb"), about.st_size, about.st_mtime, name, _content_type(folder, name))


def _content_type(folder: int, name: str) -> str:
    try:
        descriptor = os.open(_TYPE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return names.guessed(name)
    with os.fdopen(descriptor) as file:
        return names.media_type(file.read(200))


@contextmanager
def _whole(temporary: Path, target: Path) -> Iterator[BinaryIO]:
    """A file to write, which is at `target`, on the disk, once the block ends; when it fails there is nothing."""
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, target)
        for folder in target.parents[: _PARTS - 1]:
            _sync(folder)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
