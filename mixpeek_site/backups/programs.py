"""Which pg_dump and pg_restore to use, and running them.

A server is dumped by programs of its own version or later ones, and so is a dump read, whatever server it goes to.
"""

import os
import re
import shutil
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

from mixpeek_site import embedded
from mixpeek_site.backups.errors import BackupError
from mixpeek_site.embedded import binaries

_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)(\S*)")
_TOLD_LINES: Final = 8


class Programs(NamedTuple):
    """PostgreSQL's programs in one directory."""

    directory: Path
    version: str

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def path(self, name: str) -> str:
        return str(self.directory / name)


def installed() -> Iterator[Programs]:
    """Those of the wheel, of PATH, and of Debian's packages."""
    places: list[Path] = []
    with suppress(embedded.EmbeddedPostgresError):  # a server of one's own needs no wheel
        places.append(binaries.directory())
    if on_path := shutil.which("pg_dump"):
        places.append(Path(on_path).parent)
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for place in places:
        if (version := _version(place / "pg_dump")) and (place / "pg_restore").exists():
            yield Programs(place, version)


def choose(least: int, why: str, among: Iterable[Programs] | None = None) -> Programs:
    """The programs of the major version `least`, else of the next later one that there is.

    Raises BackupError when all are older; `why` says what needs them ("The server is PostgreSQL 18").
    """
    there = list(installed() if among is None else among)
    fit = [one for one in there if one.major >= least]
    if fit:
        return min(fit, key=lambda one: one.major)
    found = ", ".join(f"{one.version} in {one.directory}" for one in there) or "none"
    raise BackupError(
        f"{why}, and pg_dump and pg_restore of PostgreSQL {least} or later are needed; found: {found}."
        f" Install them (on Debian and Ubuntu: postgresql-client-{least}), or put them first on PATH."
    )


def _version(program: Path) -> str | None:
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    found = _VERSION.search(done.stdout)
    return found[1] + found[2] if found else None


class Running:
    """A program at work."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    @property
    def output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def feed(self, chunk: bytes) -> bool:
        """Whether it took what it was given; False when it has ended."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(chunk)
        except BrokenPipeError:
            return False
        return True

    def end_of_input(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    reads: bool = False,
    hear: Callable[[str], bool] = lambda line: False,
    forgives: Callable[[], bool] = lambda: False,
) -> Iterator[Running]:
    """A program whose output (or with `reads`, whose input) is ours; at the end it must have ended well.

    `hear` gets each line that it says, in English, and tells whether it was only a line of progress. Raises BackupError
    with the last of the others when the program failed, unless `forgives`, which is asked once all its lines are heard.
    Whatever is raised inside ends the program.
    """
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment, "LC_ALL": "C"},
        stdin=subprocess.PIPE if reads else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if reads else subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C in a terminal is for the command, which then ends the program
    )
    said: deque[str] = deque(maxlen=_TOLD_LINES)
    listener = threading.Thread(target=_listen, args=(process, said, hear), daemon=True)
    listener.start()
    try:
        program = Running(process)
        yield program
        if process.stdin is not None:
            program.end_of_input()
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        listener.join(5)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
    if code and not forgives():
        told = "\n".join(said) or f"it ended with code {code}"
        raise BackupError(f"{Path(command[0]).name} failed: {told}")


def _listen(process: "subprocess.Popen[bytes]", said: "deque[str]", hear: Callable[[str], bool]) -> None:
    assert process.stderr is not None
    for raw in process.stderr:
        line = raw.decode(errors="replace").rstrip()
        if line and not hear(line):
            said.append(line)


def listed(programs: Programs, chunks: Callable[[], bytes]) -> list[str]:
    """What `pg_restore --list` says of a dump. Raises BackupError when it can't read it."""
    command = [programs.path("pg_restore"), "--list", "--format=custom"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines: list[bytes] = []
    assert process.stdout is not None
    assert process.stdin is not None
    reader = threading.Thread(target=lambda out=process.stdout: lines.extend(out), daemon=True)
    reader.start()
    try:
        while chunk := chunks():
            process.stdin.write(chunk)
    except BrokenPipeError:
        pass  # it has read the list, and leaves the data
    finally:
        with suppress(BrokenPipeError):
            process.stdin.close()
        complaint = process.stderr.read() if process.stderr else b""
        process.wait()
        reader.join(5)
    if process.returncode:
        raise BackupError(f"pg_restore {programs.version} can't read the dump: {complaint.decode(errors='replace').strip()}")
    return [line.decode(errors="replace").rstrip("\n") for line in lines]
