"""A PostgreSQL 15 of Debian's that a test may kill and start again."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from tests.project.debian_postgres import PROGRAMS
from tests.project.installation import popen_arguments, short_directory


class KillablePostgres:
    """A cluster of its own, on a Unix socket. Its files outlive the server, and are gone after `remove`."""

    def __init__(self) -> None:
        self._directory = short_directory()
        self._account = popen_arguments("ordinary")  # PostgreSQL does not run as root
        if self._account:
            os.chown(self._directory, self._account["user"], self._account["group"])
        self._cluster = self._directory / "cluster"
        self._run(
            "initdb", "-D", str(self._cluster), "-U", "mixpeek", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust", "-N"
        )
        self.start()
        self._run("createdb", "-h", str(self._directory), "-U", "mixpeek", "mixpeek")

    @property
    def url(self) -> str:
        return f"postgresql://mixpeek@/mixpeek?host={quote(str(self._directory))}"

    @property
    def dsn(self) -> str:
        return f"host={self._directory} user=mixpeek dbname=mixpeek"

    def start(self) -> None:
        """Also after a kill, once the last of its processes has noticed."""
        # The server is killed, and not the machine: what it has given to the system is not lost, so fsync may be off.
        options = f"-c listen_addresses= -c fsync=off -c max_connections=50 -k {self._directory}"
        log = str(self._directory / "log")
        for _ in range(100):
            try:
                self._run("pg_ctl", "-D", str(self._cluster), "-w", "-s", "-l", log, "-o", options, "start")
                return
            except subprocess.CalledProcessError:
                time.sleep(0.2)
        raise AssertionError(Path(log).read_text())

    def kill(self) -> None:
        """SIGKILL to the server; its backends end when they see that."""
        os.kill(int((self._cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):  # it was killed
            self._run("pg_ctl", "-D", str(self._cluster), "-w", "-s", "-m", "immediate", "stop")
        shutil.rmtree(self._directory)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [PROGRAMS / program, *arguments],
            cwd=self._directory,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._account,
        )
