"""`manage.py serve`: the production server."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import get_commands
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from mixpeek_site import checks, embedded, env, serving
from mixpeek_site.management.base import StoreCommand


class Command(StoreCommand):
    help = """Serve the API, the admin and the docs until SIGTERM or SIGINT (Ctrl-C), then finish the requests in flight. It
starts the embedded PostgreSQL first (unless DATABASE_URL is set; it goes on running afterwards), keeps the worker processes
and one housekeeping process alive, and ends them with itself.

examples:
  manage.py serve                                    on 127.0.0.1:8000, for this machine only
  manage.py serve --host 0.0.0.0 --port 80 --workers 4
  manage.py serve --no-housekeeping                  where manage.py housekeep runs by itself

exit codes: 0 ended by SIGTERM or Ctrl-C, 1 it can't serve: the port is taken, the database can't be reached or lacks
migrations, 2 wrong arguments"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1, this machine only)")
        parser.add_argument("--port", type=int, default=env.integer("PORT", 8000), help="default: $PORT, else 8000")
        parser.add_argument(
            "--workers", type=int, default=env.integer("WEB_WORKERS", 2), help="processes; default: $WEB_WORKERS, else 2"
        )
        parser.add_argument(
            "--threads",
            type=int,
            default=env.integer("WEB_THREADS", serving.THREADS),
            help=f"requests in flight in each worker; default: $WEB_THREADS, else {serving.THREADS}",
        )

        parser.add_argument(
            "--no-housekeeping", action="store_true", help="leave purging and the like to a `manage.py housekeep` run elsewhere"
        )

    def work(self, **options: Any) -> None:
        if options["workers"] < 1 or options["threads"] < 1:
            raise CommandError("--workers and --threads must be at least 1.")
        if not 0 < options["port"] < 65536:
            raise CommandError("--port must be between 1 and 65535.")
        data_dir = settings.DATABASES["default"].get("EMBEDDED_DATA_DIR")
        module, _, name = settings.WSGI_APPLICATION.rpartition(".")
        plan = serving.Plan(
            application=f"{module}:{name}",
            host=options["host"],
            port=options["port"],
            workers=options["workers"],
            threads=options["threads"],
            housekeeping="housekeep" in get_commands() and not options["no_housekeeping"],
            cluster=embedded.Cluster(data_dir) if data_dir else None,
            say=self.say,
        )
        try:
            serving.refuse_taken_port(plan.host, plan.port)  # before a start that may take a while
            self.refuse_unready_database()
            serving.serve(plan)
        except serving.PortNotFree as error:
            raise CommandError(str(error)) from error

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()  # to a file or a pipe it would wait for more

    def refuse_unready_database(self) -> None:
        """The first connection starts the embedded server."""
        problems = checks.database_problems(connection)
        if problems:
            raise CommandError("\n".join(f"{problem.msg}\n{problem.hint}" for problem in problems))
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            raise CommandError(f"The database lacks {len(missing)} migrations of this release: run manage.py migrate first.")
        connection.close()
