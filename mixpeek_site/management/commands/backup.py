"""`manage.py backup FILE`: the command around mixpeek_site/backups."""

from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection

from documents import inventory
from mixpeek_site import release
from mixpeek_site.backups import archive, dumping, restoring
from mixpeek_site.backups.manifest import Manifest
from mixpeek_site.backups.server import Server
from mixpeek_site.management.base import StoreCommand, add_json
from mixpeek_site.management.progress import Progress, in_bytes


class Command(StoreCommand):
    interrupted = "There is no new backup, and nothing half of one; an older file of that name is as it was. Run it again."
    help = """Write a backup of everything the database holds into one file, while the store goes on serving: what was
committed when it began is in, later writes are not. The file is read back before it gets its name.

The file is a zip of manifest.json (versions, migrations, counts, a checksum of every table) and database.dump (of
pg_dump). It holds passwords' hashes and keys' digests: keep it as safe as the database. What is not in it: SECRET_KEY
and files below DATA_DIR (docs/backup.md).

examples:
  manage.py backup /backups/store-$(date +%F).backup
  manage.py backup latest.backup --force         in place of an older one, once the new one is good
  manage.py backup store.backup --verify         restore it into a scratch database, too, and compare every table
  manage.py backup store.backup --json | jq .counts

exit codes: 0 the backup is there and was read back, 1 it could not be made (and there is none), 2 wrong arguments,
130 interrupted (and there is none)"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", type=Path, help="Where to write it.")
        parser.add_argument("--force", action="store_true", help="Write over an existing file.")
        parser.add_argument(
            "--verify",
            action="store_true",
            help="Also restore it into a scratch database on the same server, which needs the room, and compare.",
        )
        add_json(parser)

    def work(self, *, file: Path, force: bool, verify: bool, json: bool, **options: Any) -> None:
        connection.ensure_connection()  # starts the embedded server
        of = Server.of(connection.settings_dict)
        connection.close()
        with Progress(dumping.table_bytes(of), self.progress_stream, noun=None, doing="Backing up") as progress:
            made = dumping.back_up(
                of,
                file,
                force=force,
                product_version=release.version(),
                take_inventory=inventory.take,
                tell=progress.update,
                check=partial(self._check, of=of, verify=verify),
            )
        self._close(file, made, json, progress.seconds, verify)

    def _check(self, written: Path, *, of: Server, verify: bool) -> None:
        length = written.stat().st_size
        with archive.opened(written) as found:
            with Progress(length, self.progress_stream, noun=None, doing="Reading it back") as progress:
                dumping.read_back(found, progress.update)
            if verify:
                with (
                    restoring.beside(of) as scratch,
                    Progress(length, self.progress_stream, noun=None, doing="Restoring into a scratch database") as progress,
                ):
                    restoring.restore_into(of, scratch, found, progress.update, progress.write)

    def _close(self, file: Path, made: Manifest, json: bool, seconds: float, verified: bool) -> None:
        size = file.stat().st_size
        how = "restored and compared" if verified else "read back"
        if json:
            counts = made.inventory.counts
            self.answer(
                {"file": str(file), "bytes": size, "sha256": made.dump.sha256, "created_at": made.created_at}
                | {"postgresql": made.postgresql, "counts": counts, "seconds": round(seconds, 3), "verified": how}
            )
            return
        self.stdout.write(f"{file}: {in_bytes(size)}, {how}, in {seconds:.1f} s.")
        self.say(f"It holds {inventory.told(made.inventory.counts)}.\nSECRET_KEY and files below DATA_DIR are not in it.")
