"""A file that is there as a whole or not at all: written aside, flushed to the disk, then given its name."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mixpeek_site.errors import DomainError


class TargetError(DomainError):
    """The file can't be written; the message says why."""


def require_free(path: Path, *, force: bool) -> None:
    """Raises TargetError when something is there that may not be replaced, or the folder is not."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise TargetError(f"There is no folder {folder}.")
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise TargetError(f"{path} can't be looked at: {error.strerror}.") from error
    if not stat.S_ISREG(found.st_mode):
        raise TargetError(f"{path} is no file that could be replaced.")
    if not force:
        raise TargetError(f"{path} exists already; --force writes over it.")


@contextmanager
def written_aside(path: Path, *, force: bool, private: bool = False) -> Iterator[tuple[IO[bytes], Path]]:
    """A file and what it is called meanwhile: it gets its name when all went well, and is gone otherwise.

    What a killed writer left is written over by the next. `private`: for the account's own eyes.
    Raises TargetError when it can't be written, when another is writing it just now, or when there is a file of that name
    and not `force`.
    """
    require_free(path, force=force)
    target = Path(os.path.realpath(path))  # a link goes on leading there
    partial = target.with_name(f"{target.name}.partial")
    try:
        with _locked(partial, path, 0o600 if private else 0o666) as file:
            try:
                require_free(path, force=force)  # another may have made it since
                if private:
                    os.fchmod(file.fileno(), 0o600)
                file.truncate()
                yield file, partial
                file.flush()
                os.fsync(file.fileno())
                _named(partial, target, path, force)
            finally:
                if _is_at(file, partial):
                    partial.unlink()
        _flush_folder(target.parent)
    except BrokenPipeError:
        raise  # of something else than a file
    except OSError as error:
        raise TargetError(f"{path} can't be written: {error.strerror or error}.") from error


@contextmanager
def _locked(partial: Path, path: Path, mode: int) -> Iterator[IO[bytes]]:
    """The file aside, which nobody else has as long as this lasts. Raises TargetError when another has it, and OSError."""
    while True:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TargetError(f"Another process is writing {path} just now.") from None
            except OSError:
                pass  # a file system without locks
            if not _is_at(file, partial):
                continue  # until the lock was had, whoever had it came to its end
            if os.fstat(descriptor).st_nlink > 1:
                partial.unlink()  # whoever wrote it was killed after it had got its name: it is whole, and stays so
                continue
            yield file
            return


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Whether the name still is that of this open file."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _named(partial: Path, target: Path, path: Path, force: bool) -> None:
    if force:
        partial.replace(target)
        return
    try:
        os.link(partial, target)  # unlike a rename, it never takes the place of a file that came meanwhile
    except FileExistsError:
        require_free(path, force=False)
        raise
    except OSError:  # a file system without links
        require_free(path, force=False)
        partial.rename(target)


def _flush_folder(folder: Path) -> None:
    """The new name itself is on the disk, too."""
    with suppress(OSError):  # it may be written to and not read, and some file systems have no such thing
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
