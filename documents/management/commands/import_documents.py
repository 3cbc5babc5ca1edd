"""`manage.py import_documents FILE --namespace N --collection C`."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import ExitStack
from typing import IO, Any

from django.conf import settings
from django.core.management.base import CommandError

from documents.importing import Counts, Failure, Options, SourceError, open_source, run
from documents.importing.pipeline import BATCH_SIZE
from documents.importing.reporting import ErrorsFile, Progress
from documents.importing.writing import ON_CONFLICT, place_for
from mixpeek_site.errors import DomainError
from namespaces.management.base import PlaceCommand, add_organization, chosen_organization
from namespaces.scope import Scope

EXIT_LINES_FAILED = 3
EXIT_INTERRUPTED = 130


class Command(PlaceCommand):
    help = """Import documents from a file of JSON lines: each line is the body of a create, as the API takes it, of any
generation. What the API would refuse is refused here, line by line; the rest goes in.

examples:
  manage.py import_documents scenes.jsonl --namespace media --collection scenes
  manage.py import_documents scenes.jsonl.gz --namespace media --collection scenes --dry-run
  manage.py import_documents scenes.jsonl --namespace media --collection scenes --errors bad.jsonl
  zcat part-*.gz | manage.py import_documents - --namespace media --collection scenes --on-conflict skip

Bad lines. --errors FILE keeps each as it was, with one member _import_error {line, document_id, type, reason} in front
(a line that is not a JSON object stands as text in _line). Mend the lines in that file and feed it again as it is.

Lineage. Parents may be stored already, or come in the same file before or after their children: a child that comes
first waits, and links up when its parent arrives.

Interrupted (Ctrl-C, kill -9, the machine). Whole batches are in, the rest is not. When the lines carry a document_id,
the same command with --on-conflict skip goes on where it stopped; without ids it would import the first lines twice.

exit codes: 0 every line is in (or skipped), 1 the import could not begin or go on, 2 wrong arguments,
3 done, but some lines failed, 130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="JSON lines, gzipped or not; - for standard input.")
        parser.add_argument("--namespace", metavar="N", required=True, help="The namespace's id or name.")
        parser.add_argument("--collection", metavar="C", required=True, help="The collection's id or name.")
        add_organization(parser)
        parser.add_argument(
            "--on-conflict",
            choices=ON_CONFLICT,
            default="fail",
            help="When a document_id exists already: fail reports the line (the default), skip leaves the stored document, "
            "replace does what PUT does.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Do everything, then undo it: nothing changes.")
        parser.add_argument("--errors", metavar="FILE", help="Where bad lines go; it is begun anew.")
        parser.add_argument("--limit", metavar="N", type=_positive, help="Read at most so many lines.")
        parser.add_argument(
            "--batch-size",
            metavar="N",
            type=_positive,
            default=BATCH_SIZE,
            help=f"Lines in one transaction (default: {BATCH_SIZE}).",
        )

    def work(
        self,
        *,
        file: str,
        namespace: str,
        collection: str,
        organization: str | None,
        on_conflict: str,
        dry_run: bool,
        errors: str | None,
        limit: int | None,
        batch_size: int,
        **options: Any,
    ) -> None:
        owner = chosen_organization(organization)
        place = place_for(Scope(owner.pk, owner.public_id, namespace, ()), collection)
        counts = Counts()
        with ExitStack() as opened:
            try:
                source = opened.enter_context(open_source(file))
                kept = ErrorsFile(_errors_file(opened, errors, file), self._tell)
            except SourceError as error:
                raise CommandError(str(error)) from error
            stream: Any = self.stderr._out  # Django's wrapper ends every write with a new line
            self._progress = Progress(source.size, stream)
            opened.callback(self._progress.close)

            def report(so_far: Counts, failures: list[Failure], position: int) -> None:
                counts.replace_by(so_far)
                for failure in failures:
                    kept.add(failure)
                kept.flush()
                self._progress.update(so_far.lines, position)

            try:
                run(
                    source.lines(settings.MAX_BODY_BYTES),
                    place,
                    Options(on_conflict, dry_run, limit, batch_size),
                    report,
                    source.position,
                )
            except KeyboardInterrupt:
                self._progress.close()
                self.say(f"\nInterrupted. {self._closing(counts, dry_run)}{_how_to_go_on(dry_run)}")
                sys.exit(EXIT_INTERRUPTED)
            except (SourceError, DomainError) as error:
                self._progress.close()
                self.say(f"{self._closing(counts, dry_run)}{_how_to_go_on(dry_run)}")
                raise CommandError(str(error)) from error
        self.stdout.write(self._closing(counts, dry_run))
        if counts.failed:
            if errors:
                self.say(f"The lines that failed are in {errors}: mend them there and import that file.")
            sys.exit(EXIT_LINES_FAILED)

    def _tell(self, text: str) -> None:
        self._progress.write(text)

    def _closing(self, counts: Counts, dry_run: bool) -> str:
        seconds = self._progress.seconds
        parts = [f"{counts.imported:,} imported"]
        parts += [f"{number:,} {word}" for number, word in ((counts.replaced, "replaced"), (counts.skipped, "skipped")) if number]
        parts.append(f"{counts.failed:,} failed")
        lines = f"{counts.lines:,} line{'' if counts.lines == 1 else 's'}"
        undone = " Dry run: nothing was changed." if dry_run else ""
        return f"{lines}: {', '.join(parts)}, in {seconds:.1f} s ({counts.lines / max(seconds, 1e-9):,.0f}/s).{undone}"


def _how_to_go_on(dry_run: bool) -> str:
    return "" if dry_run else " These are stored; with ids in the lines, --on-conflict skip goes on from here."


def _errors_file(opened: ExitStack, path: str | None, source: str) -> IO[str] | None:
    """Raises CommandError when it can't be written or is the input itself."""
    if path is None:
        return None
    if source != "-" and os.path.exists(path) and os.path.samefile(path, source):
        raise CommandError("--errors names the file that is to be imported; give another one.")
    try:
        return opened.enter_context(open(path, "w", encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("must be a whole number from 1")
    return int(text)
