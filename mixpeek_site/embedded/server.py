"""Make the embedded cluster, start its server, stop it. Each may be called at any time, by any number of processes at once."""

import locale
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg import sql

from mixpeek_site.embedded import account, binaries
from mixpeek_site.embedded.account import Account
from mixpeek_site.embedded.cluster import DATABASE, PORT, SUPERUSER, Cluster
from mixpeek_site.embedded.errors import EmbeddedPostgresError

START_SECONDS = 120.0
STOP_SECONDS = 60.0
# How long processes of a killed server may take to notice; PostgreSQL refuses to start beside them.
REMNANT_SECONDS = 20.0
# One older log is kept; the log is looked at when the server starts.
MAX_LOG_BYTES = 16 * 1024 * 1024

# Written to postgresql.conf when the cluster is made, so an operator may change them there.
# For two cores and a few gigabytes of memory; durability (fsync, synchronous_commit) stays at PostgreSQL's default: on.
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    # Compiling a plan takes longer than the short statements of an API run.
    "jit": "off",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %q%a ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def start(cluster: Cluster) -> bool:
    """Make sure that the server runs and takes connections. True when this call started it.

    Raises EmbeddedPostgresError, with what to do, when it cannot run.
    """
    _make_home(cluster)
    with cluster.lock(
        "start.lock",
        START_SECONDS,
        f"Another process has been starting or stopping PostgreSQL for {START_SECONDS:.0f} s; see {cluster.log}.",
    ):
        if cluster.server_pid() is not None:
            _wait_until_ready(cluster, None)
            return False
        runs_as = account.of_server(cluster.home)
        programs = binaries.directory_for(runs_as)
        if cluster.exists:
            _refuse_other_major(cluster, programs)
        else:
            _make_cluster(cluster, programs, runs_as)
        _wait_until_ready(cluster, _launch(cluster, programs, runs_as))
        _make_database(cluster)
        return True


def stop(cluster: Cluster) -> bool:
    """End the server: running statements are cancelled, what is committed stays. True when it was running."""
    if not cluster.home.exists():
        return False
    _refuse_foreign_home(cluster)
    with cluster.lock("start.lock", START_SECONDS, "Another process is starting or stopping PostgreSQL; try again."):
        pid = cluster.server_pid()
        if pid is None:
            if cluster.crashed:  # and is not to be started again by `serve`, which looks for this
                (cluster.directory / "postmaster.pid").unlink(missing_ok=True)
            return False
        os.kill(pid, signal.SIGINT)  # "fast": does not wait for clients to leave
        deadline = time.monotonic() + STOP_SECONDS
        while cluster.server_pid() is not None:
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL (process {pid}) has not ended in {STOP_SECONDS:.0f} s; see {cluster.log}."
                )
            time.sleep(0.05)
        return True


def _make_home(cluster: Cluster) -> None:
    try:
        cluster.data_dir.mkdir(parents=True, exist_ok=True)
        cluster.home.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The data directory {cluster.data_dir} cannot be written ({error.strerror}): "
            "make it writable, or set DATA_DIR to a directory that is."
        ) from error
    _refuse_foreign_home(cluster)


def _refuse_foreign_home(cluster: Cluster) -> None:
    owner = cluster.home.stat().st_uid
    if os.geteuid() not in (0, owner) or not os.access(cluster.home, os.R_OK | os.W_OK | os.X_OK):
        raise EmbeddedPostgresError(
            f"{cluster.home} belongs to another account (uid {owner}): run this as that account, "
            "or set DATA_DIR to a directory of your own."
        )


def _refuse_other_major(cluster: Cluster, programs: Path) -> None:
    if cluster.major == binaries.MAJOR:
        return
    old, new = cluster.major, binaries.MAJOR
    raise EmbeddedPostgresError(
        f"The data in {cluster.directory} was written by PostgreSQL {old}; this release brings PostgreSQL {new}, "
        f"which cannot read it. Nothing was changed. To move the data:\n"
        f"  1. with the release that wrote it (or any PostgreSQL {old}): manage.py postgres start, then\n"
        f"     pg_dump --format=custom --file=mixpeek.dump '{cluster.conninfo()}', and manage.py postgres stop\n"
        f"  2. set the old data aside: mv {cluster.directory} {cluster.home / f'cluster-{old}'}\n"
        f"  3. with this release: manage.py postgres start, then\n"
        f"     {programs / 'pg_restore'} --no-owner --dbname='{cluster.conninfo()}' mixpeek.dump"
    )


def _data_directory_argument(directory: Path, runs_as: Account) -> str:
    """How the server is told its data directory, in which it is started.

    An account that may not enter the directories above (a clone below /root) still may use its working directory,
    and every process of PostgreSQL works in the data directory; this link names it without passing the parents.
    """
    return "/proc/self/cwd" if runs_as.switch and os.path.exists("/proc/self/cwd") else str(directory)


def _environment() -> dict[str, str]:
    """No PGPORT, LANG and the like of the caller: the same server whoever starts it."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _make_cluster(cluster: Cluster, programs: Path, runs_as: Account) -> None:
    # Made aside and renamed when whole: an interrupted start leaves no half of a cluster.
    partial = cluster.home / "cluster.new"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    command = [
        str(programs / "initdb"),
        f"--pgdata={_data_directory_argument(partial, runs_as)}",
        f"--username={SUPERUSER}",
        # The locale is part of the data. The built-in provider folds case alike on every platform and ignores LANG.
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        f"--lc-ctype={_character_type()}",
        # Only who can open the directory (mode 700) reaches the socket; nothing listens on TCP.
        "--auth-local=trust",
        "--auth-host=reject",
        *(f"--set={name}={value}" for name, value in SETTINGS.items()),
    ]
    try:
        runs_as.own(partial)
        done = subprocess.run(
            command, cwd=partial, env=_environment(), capture_output=True, text=True, check=False, **runs_as.popen_arguments()
        )
    except OSError as error:
        raise EmbeddedPostgresError(_cannot_switch(cluster, runs_as, error)) from error
    if done.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        raise EmbeddedPostgresError(f"PostgreSQL could not make its cluster in {cluster.directory}:\n{done.stderr.strip()}")
    partial.rename(cluster.directory)


def _character_type() -> str:
    """For what the built-in provider does not cover (classes of characters in full-text search)."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    else:
        return "C.UTF-8"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def _launch(cluster: Cluster, programs: Path, runs_as: Account) -> "subprocess.Popen[bytes]":
    command = [
        str(programs / "postgres"),
        "-D",
        _data_directory_argument(cluster.directory, runs_as),
        "-p",
        str(PORT),
        "-c",
        f"unix_socket_directories={_make_socket_directory(cluster, runs_as)}",
    ]
    refusal = (
        f"Processes of an earlier server still use {cluster.directory}, or one in another container does: "
        "wait until they have ended, or end them."
    )
    with cluster.lock("server.lock", REMNANT_SECONDS, refusal) as lock, _open_log(cluster) as log:
        _remove_remains(cluster)
        try:
            return subprocess.Popen(
                command,
                cwd=cluster.directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A session of its own: Ctrl-C in the terminal is for the command, not for the server.
                start_new_session=True,
                pass_fds=(lock,),
                **runs_as.popen_arguments(),
            )
        except OSError as error:
            raise EmbeddedPostgresError(_cannot_switch(cluster, runs_as, error)) from error


def _remove_remains(cluster: Cluster) -> None:
    """Remove the pid file and the socket of a server that was killed; call it only when no process of a server lives.

    The number in them may by now be a living program's (or a dead one's that nobody has waited for),
    and PostgreSQL would then refuse to start.
    """
    socket_name = f".s.PGSQL.{PORT}"
    for path in (
        cluster.directory / "postmaster.pid",
        cluster.socket_directory / socket_name,
        cluster.socket_directory / f"{socket_name}.lock",
    ):
        path.unlink(missing_ok=True)


def _open_log(cluster: Cluster) -> IO[bytes]:
    if cluster.log.exists() and cluster.log.stat().st_size > MAX_LOG_BYTES:
        cluster.log.replace(cluster.log.with_suffix(".log.1"))
    log = cluster.log.open("ab")
    owner = cluster.home.stat()
    if os.geteuid() == 0:
        os.fchown(log.fileno(), owner.st_uid, owner.st_gid)
    return log


def _make_socket_directory(cluster: Cluster, runs_as: Account) -> str:
    directory = cluster.socket_directory
    if directory == cluster.directory:
        return "."  # relative to the cluster, see _data_directory_argument
    directory.mkdir(mode=0o700, exist_ok=True)
    if directory.is_symlink() or directory.stat().st_uid not in (os.geteuid(), runs_as.uid):
        raise EmbeddedPostgresError(
            f"{directory} belongs to another account, and the path of {cluster.directory} is too long for a socket: "
            "set DATA_DIR to a shorter path."
        )
    directory.chmod(0o700)
    runs_as.own(directory)
    return str(directory)


def _wait_until_ready(cluster: Cluster, process: "subprocess.Popen[bytes] | None") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            _connect(cluster).close()
            return
        except psycopg.OperationalError as error:
            if process is not None and process.poll() is not None:
                raise EmbeddedPostgresError(
                    f"PostgreSQL ended while starting. The end of {cluster.log}:\n{_tail(cluster.log)}"
                ) from error
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"PostgreSQL runs but takes no connections after {START_SECONDS:.0f} s ({str(error).strip()}). "
                    f"After a crash it may still be recovering: {cluster.log} tells."
                ) from error
            time.sleep(0.05)


def _connect(cluster: Cluster) -> "psycopg.Connection[tuple[Any, ...]]":
    # Options are named so that PGOPTIONS of the caller's environment has no say.
    return psycopg.connect(cluster.conninfo("postgres"), autocommit=True, connect_timeout=5, options="-c statement_timeout=0")


def _make_database(cluster: Cluster) -> None:
    with _connect(cluster) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if not known:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _tail(log: Path, lines: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _cannot_switch(cluster: Cluster, runs_as: Account, error: OSError) -> str:
    return (
        f"PostgreSQL does not run as root, and running it as account {runs_as.uid} in {cluster.home} failed ({error}): "
        "run as an ordinary user, or set DATA_DIR to a directory on a local file system, or DATABASE_URL to a server of your own."
    )
