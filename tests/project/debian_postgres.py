"""`python -m tests.project.debian_postgres COMMAND …`: runs a command with DATABASE_URL naming a new PostgreSQL 15 of Debian's.

The cluster is made for the command, on a Unix socket in a directory of its own, and removed afterwards.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from tests.project.installation import popen_arguments, short_directory

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


def main(command: list[str]) -> int:
    if not PROGRAMS.exists():
        sys.stderr.write("Debian's PostgreSQL 15 is not installed: apt-get install postgresql-15 (.ci/run does it).\n")
        return 1
    directory = short_directory()
    try:
        return run_with(directory, command)
    finally:
        shutil.rmtree(directory)


def run_with(directory: Path, command: list[str]) -> int:
    account = popen_arguments("ordinary")  # PostgreSQL does not run as root
    if account:
        os.chown(directory, account["user"], account["group"])
    cluster = str(directory / "cluster")

    def run(program: str, *arguments: str) -> None:
        subprocess.run([PROGRAMS / program, *arguments], cwd=directory, check=True, stdout=subprocess.DEVNULL, **account)

    run("initdb", "-D", cluster, "-U", "mixpeek", "--encoding=UTF8", "--locale=C.UTF-8", "--auth=trust")
    # A cluster for tests is thrown away, so it need not survive a crash.
    options = f"-c listen_addresses= -c fsync=off -c max_connections=200 -k {directory}"
    control = ("-D", cluster, "-w", "-s", "-l", str(directory / "log"))
    run("pg_ctl", *control, "-o", options, "start")
    try:
        run("createdb", "-h", str(directory), "-U", "mixpeek", "mixpeek")
        url = f"postgresql://mixpeek@/mixpeek?host={quote(str(directory))}"
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode
    finally:
        run("pg_ctl", *control, "-m", "fast", "stop")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
