"""`manage.py import_documents FILE --namespace N --collection C`."""

from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from documents.importing import Mapping, Places, SourceError, described, open_source
from documents.importing.places import Place, place_for
from documents.management import importing_files
from documents.management.arriving import Arrivals, ArrivingCommand, add_import_options, errors_file, options_of
from documents.management.reading_options import add_mapping, add_reading, mapping_of, reading_of
from documents.management.telling import by_file, of_file
from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError
from mixpeek_site.management.base import EXIT_WRONG_ARGUMENTS
from namespaces import scope as scopes
from namespaces.management.base import add_organization, chosen_organization
from namespaces.scope import Scope


class Command(ArrivingCommand):
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
        add_import_options(
            parser,
            "lines",
            resume="Go on with the import of these files that was interrupted; begin it if there is none.",
            errors="Where bad lines go; begun anew, or with --resume gone on with.",
        )
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

    def work(self, **options: Any) -> None:
        mapping = mapping_of(options)
        how, reading = options_of(options, mapping), reading_of(options, mapping)
        owner = chosen_organization(options["organization"])
        scope = Scope(owner.pk, owner.public_id, options["namespace"], ())
        if options["collections_file"] is not None:
            if how.dry_run:
                raise CommandError("--dry-run makes no collections: make them first.", returncode=EXIT_WRONG_ARGUMENTS)
            _make_collections(scope, options["collections_file"], self.say)
        place = _place(scope, options["collection"], mapping, options["create_collections"])
        with ExitStack() as opened:
            try:
                source = opened.enter_context(open_source(options["files"], reading))
            except SourceError as error:
                raise CommandError(str(error)) from error
            beginning = importing_files.begin(place, source.paths, options)
            kept = None
            if beginning.finished is None:
                try:
                    mode = importing_files.completed(options["errors"], source.paths, beginning.state)
                except OSError as error:
                    raise CommandError(f"{options['errors']} can't be written: {error.strerror}") from error
                kept = errors_file(opened, options["errors"], mode)
            arrivals = Arrivals(
                self,
                opened,
                source.size,
                "lines",
                errors=kept,
                as_json=options["json"],
                in_bytes=True,
                state=beginning.state,
            )
            if beginning.said:
                arrivals.tell(beginning.said)

            def work() -> dict[str, Any]:
                if beginning.finished is not None:
                    arrivals.counts.replace_by(beginning.finished)
                else:
                    arrivals.run(source.lines(settings.MAX_BODY_BYTES), place, how, source.position)
                return {}

            self.bring(arrivals, work, options)

    def parts(self, arrivals: Arrivals) -> list[str]:
        files = arrivals.counts.files
        return [of_file(each) for each in files.items()] if len(files) > 1 else []

    def more(self, arrivals: Arrivals) -> dict[str, Any]:
        return {"files": by_file(arrivals.counts)}


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
