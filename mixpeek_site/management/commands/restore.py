"""`manage.py restore FILE`: the command around mixpeek_site/backups."""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psycopg
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from documents import inventory
from mixpeek_site import checks as database_checks
from mixpeek_site import databases, release
from mixpeek_site.backups import BackupError, archive, checks, dumping, restoring
from mixpeek_site.backups.archive import Archive
from mixpeek_site.backups.manifest import Inventory, Manifest
from mixpeek_site.backups.server import Server
from mixpeek_site.management.base import StoreCommand, add_json, first_line
from mixpeek_site.management.progress import Progress

# What `migrate` writes into a new database, and housekeeping into an empty one.
_NO_DATA: Final = {
    f"public.{name}"
    for name in (
        *("django_migrations", "django_content_type", "auth_permission", "auth_group", "auth_group_permissions"),
        "documents_dutydone",
    )
}


class Command(StoreCommand):
    interrupted = "The database is as it was. Run it again to restore."
    help = """Bring back a backup that manage.py backup made: into a new database beside the present one, which is checked
against the backup's manifest, and then takes the present one's name. Whatever fails, or is killed, before that moment
leaves the present data as they are. A backup of an earlier release is migrated on the way.

End `serve` first: what it writes after the restore has begun would be lost, and whoever is connected is disconnected.

examples:
  manage.py restore store.backup                       into a new, empty store
  manage.py restore store.backup --replace             in place of the data that are there, after a question
  manage.py restore store.backup --replace --no-input  without the question, for scripts
  manage.py restore store.backup --dry-run             all but the swap: is the backup good, and does it go in here?

exit codes: 0 the data of the backup are in place and were compared, 1 they are not (and the database is as it was),
2 wrong arguments, 130 interrupted (it says whether the data were replaced)"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="A backup.")
        parser.add_argument("--replace", action="store_true", help="Replace the data that the database holds.")
        parser.add_argument("--no-input", action="store_true", help="Don't ask before data are replaced.")
        parser.add_argument(
            "--keep-replaced", action="store_true", help="Keep the replaced database, under the name that is told then."
        )
        parser.add_argument("--dry-run", action="store_true", help="Restore beside and compare, then drop it again.")
        add_json(parser)

    def work(
        self, *, file: Path, replace: bool, no_input: bool, keep_replaced: bool, dry_run: bool, json: bool, **options: Any
    ) -> None:
        problems = database_checks.database_problems(connection)  # starts the embedded server
        if problems:
            raise CommandError("\n".join(f"{problem.msg}\n{problem.hint}" for problem in problems))
        of = Server.of(connection.settings_dict)
        connection.close()
        with archive.opened(file) as backup:
            _refuse_later_release(backup.manifest)
            restoring.refuse_unfit(of, backup)
            with Progress(backup.manifest.dump.bytes, self.progress_stream, noun=None, doing="Reading") as progress:
                dumping.read_back(backup, progress.update)
            self.say(_about(backup.manifest))
            there = None if dry_run else self._agreed(of, replace, no_input)
            self._restore(of, backup, there, keep_replaced, dry_run, json)

    def _agreed(self, of: Server, replace: bool, no_input: bool) -> list[str]:
        """The tables that hold data now. Raises CommandError unless they may be replaced."""
        with of.connect() as there:
            tables = _holding_data(there)
            held = _counted(there) if tables else ""
        if not tables:
            return tables
        if not replace:
            raise CommandError(
                f"The database {of.database} holds data: {held}. Nothing was changed. With --replace all of it is replaced by"
                " the backup, and lost."
            )
        self.say(f"This replaces what the database {of.database} holds, and it is lost: {held}.")
        if not no_input and self.ask(f"Type {of.database} to go on:") != of.database:
            raise CommandError("Not confirmed: nothing was changed. (--no-input goes on without the question.)")
        return tables

    def _restore(
        self, of: Server, backup: Archive, agreed: list[str] | None, keep_replaced: bool, dry_run: bool, json: bool
    ) -> None:
        manifest = backup.manifest
        with (
            restoring.beside(of) as new,
            Progress(manifest.dump.bytes, self.progress_stream, noun=None, doing="Restoring") as progress,
        ):
            restoring.restore_into(of, new, backup, progress.update, progress.write)
            migrated = self._migrate(of, new, manifest, progress.write)
            if dry_run:
                told = "Dry run: the backup is good and goes in here. Nothing was changed."
                kept = None
            else:
                kept = restoring.swap(of, new)
                self.interrupted = f"The backup's data are in place; what they replaced still is there as the database {kept}."
                kept = self._let_go(of, kept, bool(agreed), keep_replaced, progress.write)
                self.interrupted = "The backup's data are in place."
                told = f"The database {of.database} is the backup of {manifest.created_at} now."
        counts = manifest.inventory.counts
        if json:
            self.answer(
                {"database": of.database, "created_at": manifest.created_at, "counts": counts, "dry_run": dry_run}
                | {"migrated": migrated, "kept": kept, "seconds": round(progress.seconds, 3)}
            )
        else:
            self.stdout.write(f"{told} {inventory.told(counts)}; every table compared, in {progress.seconds:.1f} s.")
        for old in _replaced(of):
            self.say(f"The database {old} is what a restore replaced; drop it when it is not needed any more.")

    def _migrate(self, of: Server, new: str, manifest: Manifest, say: Any) -> int:
        """How many migrations the backup lacked. Raises BackupError when they lose something."""
        with _pointed_at(new):
            executor = MigrationExecutor(connection)
            missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
            if missing:
                say(f"The backup is of an earlier release: {missing} migration{'' if missing == 1 else 's'} …")
                call_command("migrate", verbosity=0, interactive=False)
        with of.connect(new) as there:
            _refuse_other_counts(manifest.inventory, inventory.take(there))
        return missing

    def _let_go(self, of: Server, old: str, may_be_lost: bool, keep: bool, say: Callable[[str], None]) -> str | None:
        """Drop what was replaced, unless it is to be kept, was written to after it had been found empty, or stays in use.

        Its name, if it is still there. What fails here undoes nothing: the backup's data are in place.
        """
        try:
            if not keep and not may_be_lost:
                with of.connect(old) as there:
                    keep = bool(_holding_data(there))
            if keep:
                return old
            restoring.drop(of, old)
        except (psycopg.Error, BackupError) as error:
            say(f"What was replaced could not be dropped: {first_line(error)}")
            return old
        return None


def _replaced(of: Server) -> list[str]:
    """As `restoring.replaced`; none where that can't be told, since the restore is done by then."""
    with suppress(psycopg.Error, BackupError):
        return restoring.replaced(of)
    return []


def _refuse_later_release(manifest: Manifest) -> None:
    known = MigrationLoader(None).disk_migrations or {}
    unknown = [f"{app}.{name}" for app, names in manifest.migrations.items() for name in names if (app, name) not in known]
    if unknown:
        shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        raise BackupError(
            f"The backup was made by a later release, {manifest.product_version} (this is {release.version()}), whose"
            f" migrations are not known here: {shown}. Restore it with that release. Nothing was changed."
        )


def _refuse_other_counts(said: Inventory, found: Inventory) -> None:
    differing = [
        f"{name}: {found.counts[name]:,}, not {number:,}"
        for name, number in said.counts.items()
        if name in found.counts and found.counts[name] != number
    ]
    if differing or said.collections != found.collections:
        raise BackupError(f"What was restored is not what was backed up: {'; '.join(differing) or 'documents per collection'}.")


def _about(manifest: Manifest) -> str:
    return (
        f"A backup of {manifest.created_at} of the database {manifest.database}, release {manifest.product_version}, PostgreSQL"
        f" {manifest.postgresql}: {inventory.told(manifest.inventory.counts)}."
    )


def _holding_data(there: Any) -> list[str]:
    return [name for name in checks.holding_rows(there) if name not in _NO_DATA]


def _counted(there: Any) -> str:
    """What is there, for people; of a database of another release or program, its tables."""
    try:
        return inventory.told(inventory.take(there).counts)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        return f"tables {', '.join(_holding_data(there)[:10])}"


@contextmanager
def _pointed_at(database: str) -> Iterator[None]:
    """Django's connection to another database of the server, with all the time it needs."""
    settings = connection.settings_dict
    name, options = settings["NAME"], settings["OPTIONS"]
    connection.close()
    given = str(options.get("options", "")).replace(f"statement_timeout={databases.STATEMENT_TIMEOUT}", "statement_timeout=0")
    settings["NAME"], settings["OPTIONS"] = database, {**options, "options": given}
    try:
        yield
    finally:
        connection.close()
        settings["NAME"], settings["OPTIONS"] = name, options
