"""An installation of one's own for a test: a DATA_DIR, an account to run commands as, and an end of all it started."""

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import psycopg

from mixpeek_site.embedded import Cluster

PROJECT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
# Root's tests run "an ordinary user's" commands as this account; without root there is only one account to be.
ORDINARY = pwd.getpwnam("daemon") if IS_ROOT else pwd.getpwuid(os.getuid())
ACCOUNTS = ["root", "ordinary"] if IS_ROOT else ["ordinary"]


def popen_arguments(account: str) -> dict[str, Any]:
    if IS_ROOT and account == "ordinary":
        return {"user": ORDINARY.pw_uid, "group": ORDINARY.pw_gid, "extra_groups": []}
    return {}


@dataclass
class Installation:
    """`manage(...)` runs a command of the project in it and returns when that has ended."""

    account: str
    data_dir: Path
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.data_dir)

    def start(self, *arguments: str, **popen: Any) -> "subprocess.Popen[str]":
        """A command of the project, running; `arguments` as for manage.py."""
        return self.python("manage.py", *arguments, **popen)

    def python(self, *arguments: str, **popen: Any) -> "subprocess.Popen[str]":
        interpreter, directory, environment = _reachable() if self.account == "ordinary" else _own()
        process = subprocess.Popen(
            [interpreter, *arguments],
            cwd=directory,
            env={
                "PATH": os.environ["PATH"],
                **environment,
                "PYTHONDONTWRITEBYTECODE": "1",
                "DJANGO_SETTINGS_MODULE": "tests.project.bare_settings",
                "DATA_DIR": str(self.data_dir),
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **popen_arguments(self.account),
            **popen,
        )
        self.processes.append(process)
        return process

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return finished(self.start(*arguments))

    def server_pid(self) -> int:
        pid = self.cluster.server_pid()
        assert pid is not None, "the server should be running"
        return pid

    def connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.cluster.conninfo(), autocommit=True)

    def make_data_dir(self) -> None:
        self.data_dir.mkdir(parents=True)
        self.give(self.data_dir)

    def give(self, path: Path) -> None:
        """Make `path` the account's."""
        if IS_ROOT and self.account == "ordinary":
            os.chown(path, ORDINARY.pw_uid, ORDINARY.pw_gid)

    def end(self) -> None:
        """End what this installation started and remove its data."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        if pid := self.cluster.server_pid():
            server = psutil.Process(pid)
            remaining = [server, *server.children(recursive=True)]
            for one in remaining:
                one.kill()
            wait_for(lambda: not any(map(lives, remaining)))
        if self.cluster.socket_directory != self.cluster.directory:
            shutil.rmtree(self.cluster.socket_directory, ignore_errors=True)
        shutil.rmtree(self.data_dir, ignore_errors=True)


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def finished(process: "subprocess.Popen[str]", timeout: float = 60) -> "subprocess.CompletedProcess[str]":
    output, _ = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(process.args, process.returncode, output)


def short_directory() -> Path:
    """A new directory that every account may enter; pytest's own are closed to others, and long for a socket."""
    directory = Path(tempfile.mkdtemp(prefix="mixpeek-test-"))
    directory.chmod(0o755)
    return directory


def _own() -> tuple[str, Path, dict[str, str]]:
    return sys.executable, PROJECT, {"PYTHONPATH": str(PROJECT)}


@cache
def _reachable() -> tuple[str, Path, dict[str, str]]:
    """Interpreter, directory and environment that the ordinary user can use: copies of what is closed to it.

    A clone or an interpreter below /root is the usual case.
    """
    project, packages, environment = PROJECT, Path(sysconfig.get_path("purelib")), {}
    interpreter = Path(os.path.realpath(sys.executable))
    if not _readable(interpreter):
        base = _copy(Path(os.path.realpath(sys.base_prefix)), "site-packages", "test")
        interpreter = base / interpreter.relative_to(os.path.realpath(sys.base_prefix))
        environment["LD_LIBRARY_PATH"] = str(base / "lib")  # where its own libpython is, if it has one
    if not _readable(PROJECT / "manage.py"):
        project = _copy(PROJECT, ".venv", ".data", ".git", "node_modules")
    if not _readable(packages / "django" / "__init__.py"):
        packages = _copy(packages)
    return str(interpreter), project, {"PYTHONPATH": f"{project}{os.pathsep}{packages}", **environment}


def _readable(path: Path) -> bool:
    return subprocess.run(["test", "-r", str(path)], check=False, **popen_arguments("ordinary")).returncode == 0


_copies: list[Path] = []


def _copy(source: Path, *left_out: str) -> Path:
    copy = short_directory() / source.name
    _copies.append(copy.parent)
    shutil.copytree(source, copy, symlinks=True, ignore=shutil.ignore_patterns(*left_out))
    subprocess.run(["chmod", "-R", "a+rX", str(copy)], check=True)
    return copy


def remove_copies() -> None:
    while _copies:
        shutil.rmtree(_copies.pop())
    _reachable.cache_clear()
