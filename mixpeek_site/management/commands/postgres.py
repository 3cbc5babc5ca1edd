"""`manage.py postgres start|status|stop`: the embedded PostgreSQL."""

import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

import psutil
from django.conf import settings
from django.core.management.base import CommandError

from mixpeek_site import embedded
from mixpeek_site.embedded import binaries
from mixpeek_site.management.base import StoreCommand, add_json

# As `pg_ctl status` and the init scripts of Linux have it.
EXIT_NOT_RUNNING = 3


class Command(StoreCommand):
    interrupted = "manage.py postgres status tells whether it runs; a start or a stop can be repeated."
    help = """The PostgreSQL that comes along: its data is in DATA_DIR/postgres, and nothing has to be installed for it.

  start   makes the cluster if there is none, starts the server, returns when it takes connections
  status  tells whether it runs and how to connect; exit code 0 when it does, 3 when it does not
  stop    ends it: running statements are cancelled, what was committed stays

Other commands, `serve` among them, start it by themselves when they need it. A running `serve` does not start it
again after a stop: it answers 503 until the next start. With DATABASE_URL set this server is not used.

examples:
  manage.py postgres status
  manage.py postgres stop && cp -a .data /elsewhere && manage.py postgres start
  manage.py postgres status --json | jq -r .pid

exit codes: 0 done; of status: it runs, 1 it can't be started or stopped, 2 wrong arguments, 3 of status: it does not run,
130 interrupted"""
    requires_system_checks: list[str] = []  # they may want a database

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["start", "status", "stop"])
        add_json(parser)

    def work(self, *, action: str, json: bool, **options: Any) -> None:
        database = settings.DATABASES["default"]
        if "EMBEDDED_DATA_DIR" not in database:
            raise CommandError("DATABASE_URL is set, so the embedded PostgreSQL is not used. Unset DATABASE_URL to use it.")
        cluster = embedded.Cluster(database["EMBEDDED_DATA_DIR"])
        try:
            {"start": self.start, "status": self.status, "stop": self.stop}[action](cluster, json)
        except embedded.EmbeddedPostgresError as error:
            raise CommandError(str(error)) from error

    def start(self, cluster: embedded.Cluster, json: bool) -> None:
        started = embedded.start(cluster)
        if json:
            self.answer({"started": started, **_about(cluster)})
            return
        self.stdout.write(f"PostgreSQL {'started' if started else 'was running already'}.")
        self.describe(cluster)

    def stop(self, cluster: embedded.Cluster, json: bool) -> None:
        stopped = embedded.stop(cluster)
        if json:
            self.answer({"stopped": stopped, **_about(cluster)})
            return
        self.stdout.write("PostgreSQL stopped." if stopped else "PostgreSQL was not running.")

    def status(self, cluster: embedded.Cluster, json: bool) -> None:
        if json:
            self.answer(_about(cluster))
            sys.exit(0 if cluster.server_pid() else EXIT_NOT_RUNNING)
        if cluster.server_pid() is None:
            self.stdout.write(f"PostgreSQL is not running{' (it crashed)' if cluster.crashed else ''}.")
            self.stdout.write(f"  data   {cluster.directory}" if cluster.exists else f"  data   none yet in {cluster.directory}")
            self.stdout.write("  start  manage.py postgres start")
            sys.exit(EXIT_NOT_RUNNING)
        self.stdout.write("PostgreSQL is running.")
        self.describe(cluster)

    def describe(self, cluster: embedded.Cluster) -> None:
        pid = cluster.server_pid()
        since = f" since {datetime.fromtimestamp(psutil.Process(pid).create_time(), UTC):%Y-%m-%d %H:%M:%S} UTC" if pid else ""
        self.stdout.write(
            f"  process  {pid}{since}\n"
            f"  data     {cluster.directory}\n"
            f"  log      {cluster.log}\n"
            f"  connect  manage.py dbshell, or {binaries.directory() / 'psql'} '{cluster.conninfo()}'"
        )


def _about(cluster: embedded.Cluster) -> dict[str, Any]:
    pid = cluster.server_pid()
    running = {"running": pid is not None, "pid": pid, "crashed": cluster.crashed}
    return {**running, "data": str(cluster.directory), "log": str(cluster.log), "conninfo": cluster.conninfo()}
