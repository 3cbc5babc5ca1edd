"""Where the embedded cluster lives, its locks, and whether its server runs.

DATA_DIR/postgres/            mode 700, of the account that runs the commands
    cluster/                  PostgreSQL's data directory, mode 700, of the account that runs the server;
                              its Unix socket is in it, so who may open the directory may connect
    server.log                what the server says
    start.lock                held while one process starts or stops the server
    server.lock               held by the server and each of its processes as long as they live
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from psycopg.conninfo import make_conninfo

from mixpeek_site.embedded.errors import EmbeddedPostgresError

# Names the socket file only: nothing listens on a TCP port.
PORT = 5432
SUPERUSER = "mixpeek"
DATABASE = "mixpeek"
# A Unix socket's address holds 107 bytes (103 on macOS).
MAX_SOCKET_PATH = 103


@dataclass(frozen=True)
class Cluster:
    data_dir: Path

    @property
    def home(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def directory(self) -> Path:
        return self.home / "cluster"

    @property
    def log(self) -> Path:
        return self.home / "server.log"

    @property
    def socket_directory(self) -> Path:
        """The cluster itself, or, where that path is too long for a socket, a short private directory."""
        if len(os.fsencode(self.directory / f".s.PGSQL.{PORT}")) <= MAX_SOCKET_PATH:
            return self.directory
        name = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:16]
        return Path("/tmp") / f"mixpeek-postgres-{name}"  # server.py refuses one that is not ours

    @property
    def exists(self) -> bool:
        return (self.directory / "PG_VERSION").exists()

    @property
    def major(self) -> int:
        return int((self.directory / "PG_VERSION").read_text().strip())

    def conninfo(self, database: str = DATABASE) -> str:
        return make_conninfo(host=str(self.socket_directory), port=PORT, user=SUPERUSER, dbname=database)

    def server_pid(self) -> int | None:
        """The process id of the running server, None when none runs.

        The pid file alone proves nothing: after a crash it stays, and its number may by now be another program's.
        """
        pid = self.recorded_pid()
        if pid is None:
            return None
        try:
            process = psutil.Process(pid)
            if process.name().startswith("postgres") and os.path.samefile(process.cwd(), self.directory):
                return pid
        except (psutil.Error, OSError):
            pass
        return None

    def recorded_pid(self) -> int | None:
        """What the pid file says; PostgreSQL removes the file when it stops in order."""
        try:
            return int((self.directory / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None

    @property
    def crashed(self) -> bool:
        """True when the server ended without being stopped."""
        return self.recorded_pid() is not None and self.server_pid() is None

    @contextmanager
    def lock(self, name: str, wait_seconds: float, refusal: str) -> Iterator[int]:
        """Hold the lock file `name`; raises EmbeddedPostgresError(refusal) when it is not to be had in time."""
        # O_CLOEXEC is Python's default: only who is handed the descriptor on purpose inherits the lock.
        descriptor = os.open(self.home / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            owner = self.home.stat()
            if os.geteuid() == 0 and owner.st_uid != 0:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            deadline = time.monotonic() + wait_seconds
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise EmbeddedPostgresError(refusal) from None
                    time.sleep(0.05)
            yield descriptor
        finally:
            os.close(descriptor)
