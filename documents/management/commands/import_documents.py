"""`manage.py import_documents FILE --namespace N --collection C`."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from documents.importing import Counts, Failure, Mapping, Options, Places, SourceError, described, open_source, run
from documents.importing.jobs import WorkerLost
from documents.importing.reporting import ErrorsFile
from documents.importing.writing import Place, place_for
from documents.management import importing_files
from documents.management.importing_files import closing, committed, result
from documents.management.reading_options import add_mapping, add_reading, mapping_of, reading_of
from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError
from mixpeek_site.management.base import EXIT_INTERRUPTED, EXIT_PARTLY, EXIT_WRONG_ARGUMENTS, StoreCommand
from namespaces import scope as scopes
from namespaces.management.base import add_organization, chosen_organization
from namespaces.scope import Scope


class Command(StoreCommand):
    help = """Import documents from files: JSON lines, JSON arrays, saved answers of lists, CSV, TSV or Parquet, packed with gzip
or zstd or not. Each row is the body of a create, as the API takes it, of any generation. What the API would refuse is
refused here, row by row; the rest goes in. docs/moving-your-data.md shows how to bring in what.

examples:
  manage.py import_documents scenes.jsonl --namespace media --collection scenes
  manage.py import_documents scenes.jsonl.gz --namespace media --collection scenes --dry-run
  manage.py import_documents scenes.jsonl --namespace media --collection scenes --errors bad.jsonl
  manage.py import_documents scenes.jsonl --namespace media --collection scenes --jobs 2 --resume
  zcat part-*.gz | manage.py import_documents - --namespace media --collection scenes --on-conflict skip
  manage.py import_documents 'export/*.json' --namespace media --collection-field collection_id
  manage.py import_documents media.jsonl.gz --namespace copy --collection-field collection_id --collections-file media.defs.jsonl
  manage.py import_documents films.csv --namespace media --collection films --id-field imdb --map name=metadata.title
  manage.py import_documents films.parquet --namespace media --collection films --map poster=

Formats go by the name (.jsonl .ndjson .json .csv .tsv .parquet, and .gz or .zst behind it), else by the first bytes;
--format tells better. An object of JSON that is the answer of a list is as good as an array of its documents.

Fields. In headers of tables and in --map, a.b is a path and /a.b (a JSON pointer) a key that holds a dot. A cell of CSV is
null when empty, a number, true or false, JSON when it begins with { or [, else a text; 007 and 1e5 are texts.

Bad rows. --errors FILE keeps each as a JSON line, with one member _import_error {file, line, document_id, type, reason} in
front (what is not a JSON object stands as text in _line: a bad row of CSV is mended there as CSV). Mend the lines in that
file and feed it again, with the same --map, --id-field and --collection-field.

Lineage. Parents may be stored already, or come in the same file before or after their children: a child that comes
first waits, and links up when its parent arrives.

Interrupted (Ctrl-C, kill -9, the machine, the database). Whole batches are in, the rest is not, and the database knows
which. The same command with --resume goes on: it reads past what is in, compares it with what was imported, and ends with
every line once, also of lines without ids; the counts are those of all parts, and the errors file is gone on with. Of an
import that is done --resume says only that. Standard input and pipes go, too, when the same lines are fed again.

exit codes: 0 every line is in (or skipped), 1 the import could not begin or go on, 2 wrong arguments, or not the input to
go on with, 3 done or stopped by --max-errors, but some lines failed, 130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", metavar="FILE", nargs="+", help="Files in their order, globs; - for standard input.")
        parser.add_argument("--namespace", metavar="N", required=True, help="The namespace's id or name.")
        parser.add_argument("--collection", metavar="C", help="The collection's id or name.")
        add_organization(parser)
        add_reading(parser)
        add_mapping(parser)
        importing_files.add_running(parser)
        parser.add_argument(
            "--new-times",
            action="store_true",
            help="Documents are as new as the import. Without it a line that has them in _internal, as exports do, keeps its "
            "created_at and updated_at.",
        )
        parser.add_argument(
            "--collections-file",
            metavar="FILE",
            help="Definitions of collections, as export_documents --collections-file writes them: those that do not exist are "
            "made first. Goes with --collection-field collection_id.",
        )

    def work(
        self,
        *,
        files: list[str],
        namespace: str,
        collection: str | None,
        organization: str | None,
        on_conflict: str,
        dry_run: bool,
        errors: str | None,
        **options: Any,
    ) -> None:
        mapping = mapping_of(options)
        how = reading_of(options, mapping)
        owner = chosen_organization(organization)
        scope = Scope(owner.pk, owner.public_id, namespace, ())
        if options["collections_file"] is not None:
            if dry_run:
                raise CommandError("--dry-run makes no collections: make them first.", returncode=EXIT_WRONG_ARGUMENTS)
            _make_collections(scope, options["collections_file"], self.say)
        place = _place(scope, collection, mapping, options["create_collections"])
        counts = Counts()
        max_errors = options["max_errors"]
        with ExitStack() as opened:
            try:
                source = opened.enter_context(open_source(files, how))
                beginning = importing_files.begin(
                    place, source.paths, {**options, "collection": collection, "on_conflict": on_conflict, "dry_run": dry_run}
                )
                state = beginning.state
                kept_file = None
                if beginning.finished is None:
                    kept_file = importing_files.errors_file(opened, errors, source.paths, state)
            except SourceError as error:
                raise CommandError(str(error)) from error
            self._progress = importing_files.progress(source.size, self.progress_stream, options["json"])
            opened.callback(self._progress.close)
            kept = ErrorsFile(kept_file, self._tell)
            if beginning.said:
                self._tell(beginning.said)
            if beginning.finished is not None:
                return self._end(beginning.finished, 0, options["json"], dry_run, errors)
            if state:
                counts.add(state.done.counts)
            before = counts.lines

            def report(so_far: Counts, failures: list[Failure], position: int) -> None:
                counts.replace_by(so_far)
                for failure in failures:
                    kept.add(failure)
                kept.flush()
                self._progress.update(so_far.lines - before, position)

            made = Options(
                on_conflict,
                dry_run,
                options["limit"],
                options["batch_size"],
                options["jobs"],
                max_errors,
                mapping or None,
                options["new_times"],
            )
            try:
                run(source.lines(settings.MAX_BODY_BYTES), place, made, report, source.position, state)
            except (KeyboardInterrupt, SourceError, DomainError, WorkerLost) as error:
                self._progress.close()
                counts = committed(state, counts)
                go_on = "" if dry_run else " These are stored; the same command with --resume goes on from here."
                interrupted = isinstance(error, KeyboardInterrupt)
                told = closing(counts, before, self._progress.seconds, dry_run)
                if interrupted or counts.lines:
                    self.say(f"{chr(10) + 'Interrupted. ' if interrupted else ''}{told}{go_on}")
                if options["json"]:
                    self.answer(result(counts, self._progress.seconds, complete=False, dry_run=dry_run))
                if interrupted:
                    sys.exit(EXIT_INTERRUPTED)
                raise CommandError(str(error)) from error
            here = counts.failed - (state.done.counts.failed if state else 0)
            stopped = max_errors is not None and here >= max_errors
            if stopped:
                counts = committed(state, counts)
                self._tell(
                    f"Stopped, because {importing_files.number_of(here, 'line')} failed. The same command with --resume goes on."
                )
        self._end(counts, before, options["json"], dry_run, errors, complete=not stopped)
        return None

    def _tell(self, text: str) -> None:
        self._progress.write(text)

    def _end(
        self, counts: Counts, before: int, as_json: bool, dry_run: bool, errors: str | None, *, complete: bool = True
    ) -> None:
        """Say what became of the lines, and exit as documented."""
        self._progress.close()
        seconds = self._progress.seconds
        if as_json:
            self.answer(result(counts, seconds, complete=complete, dry_run=dry_run))
        else:
            if len(counts.files) > 1:
                self.stdout.write("\n".join(map(importing_files.of_file, counts.files.items())))
            self.stdout.write(closing(counts, before, seconds, dry_run))
        if counts.failed:
            if errors and not as_json:
                self.say(f"The lines that failed are in {errors}: mend them there and import that file.")
            sys.exit(EXIT_PARTLY)


def _make_collections(scope: Scope, path: str, tell: Callable[[str], None]) -> None:
    """Raises CommandError, NotFoundError for the namespace, ConflictError for a name that is another collection's."""
    scopes.require_namespace(scope)
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                try:
                    definition = jsonio.loads(line)
                except DomainError as error:
                    raise CommandError(f"{path}, line {number}: {error.message}") from error
                if not isinstance(definition, dict) or not isinstance(definition.get("collection_id"), str):
                    raise CommandError(f"{path}, line {number}: is no definition of a collection, which has a collection_id.")
                described.collection(scope, definition, tell=tell)
    except OSError as error:
        raise CommandError(f"{path} can't be read: {error.strerror}.") from error


def _place(scope: Scope, collection: str | None, mapping: Mapping, create: bool) -> Place | Places:
    """Raises CommandError when nothing says where documents go, and NotFoundError."""
    if collection is None and mapping.collection_field is None:
        raise CommandError("Say where the documents go: --collection, or --collection-field.", returncode=EXIT_WRONG_ARGUMENTS)
    if collection is None or mapping.collection_field is not None or create:
        return Places(scope, collection, create=create)
    return place_for(scope, collection)
