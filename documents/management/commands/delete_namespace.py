"""`manage.py delete_namespace NAMESPACE`."""

import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import CommandError

from documents import housekeeping
from mixpeek_site.management.base import StoreCommand, add_json
from mixpeek_site.management.progress import Progress
from namespaces import queries, services
from namespaces.management.base import add_organization, chosen_organization
from namespaces.models import Namespace
from namespaces.queries import NamespaceCounts
from namespaces.scope import Scope

_WAIT_SECONDS: Final = 0.5


class Command(StoreCommand):
    interrupted = "Nothing was deleted."
    help = """Delete a namespace with everything in it, after saying what that is. From that moment nothing of it is seen any
more, and its id and name are free; housekeeping removes the rows behind, or this command with --now. There is no way
back but a backup.

examples:
  manage.py delete_namespace media --dry-run     what would go
  manage.py delete_namespace media               asks for its name first
  manage.py delete_namespace media --yes --now   for scripts: no question, and the rows are gone when it ends
  manage.py delete_namespace media --dry-run --json | jq .documents

exit codes: 0 deleted (or --dry-run), 1 there is no such namespace, not confirmed, or the database can't be reached,
2 wrong arguments, 130 interrupted (it says whether the namespace is deleted)"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("namespace", metavar="NAMESPACE", help="Its id or name.")
        add_organization(parser)
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--dry-run", action="store_true", help="Only say what would go.")
        how.add_argument("--yes", action="store_true", help="Don't ask.")
        parser.add_argument("--now", action="store_true", help="Remove the rows in this command, not by housekeeping.")
        add_json(parser)

    def work(
        self, *, namespace: str, organization: str | None, dry_run: bool, yes: bool, now: bool, json: bool, **options: Any
    ) -> None:
        owner = chosen_organization(organization)
        scope = Scope(owner.pk, owner.public_id, namespace, ())
        place = queries.namespace(scope)
        counts = queries.counts_of_namespaces([place.pk])[place.pk]
        keys = queries.keys_of_namespace_alone(place)
        numbers = asdict(counts)
        held = ", ".join(f"{number:,} {word if number != 1 else word[:-1]}" for word, number in numbers.items())
        self.say(f"The namespace {place.name!r} ({place.public_id}) of {owner.name!r} holds {held}.")
        if keys:
            shown = ", ".join(keys[:10]) + (", …" if len(keys) > 10 else "")
            self.say(f"{len(keys):,} key{'' if len(keys) == 1 else 's'} would see no namespace any more: {shown}.")
        about = {"namespace_id": place.public_id, "name": place.name, **numbers, "keys_without_namespace": keys}
        if not dry_run:
            if not yes:
                self._confirm(place)
            # By its id: while the question was open, another may have got the name.
            services.delete_namespace(scope=Scope(owner.pk, owner.public_id, place.public_id, ()))
            self.interrupted = f"The namespace {place.name!r} is deleted; housekeeping removes what is left of its rows."
        rows = self._purge(place, counts) if now and not dry_run else 0
        done = "dry run: nothing was changed" if dry_run else "deleted and purged" if now else "deleted"
        if json:
            self.answer(about | {"deleted": not dry_run, "purged": now and not dry_run})
        else:
            self.stdout.write(f"{place.public_id}: {done}{f', {rows:,} documents and objects removed' if rows else ''}.")
        if not dry_run and not now:
            self.say("Its rows are removed by housekeeping, which `serve` runs (or manage.py housekeep --once).")

    def _confirm(self, place: Namespace) -> None:
        if self.ask(f"Type {place.name} to delete it:") != place.name:
            raise CommandError("Not confirmed: nothing was deleted. (--yes deletes without the question.)")

    def _purge(self, place: Namespace, counts: NamespaceCounts) -> int:
        """How many rows went. Other writers' locks are waited for."""
        total = 0
        size = counts.documents + counts.objects
        with Progress(size, self.progress_stream, "rows", in_bytes=False, doing="Purging") as progress:
            for gone in housekeeping.purge_namespace(place.pk):
                total += gone
                progress.update(total)
                if not gone:
                    time.sleep(_WAIT_SECONDS)
        return total
