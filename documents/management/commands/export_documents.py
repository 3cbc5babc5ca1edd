"""`manage.py export_documents --namespace N --output FILE`."""

from argparse import ArgumentParser, ArgumentTypeError
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError

from documents.exporting import FORMATS, SCHEMA_VERSIONS, Asked, Export, MissingExtraError, begun
from documents.exporting.definitions import definitions
from documents.exporting.files import PACKED, STANDARD_OUTPUT, written
from documents.filters import Node, read_filters
from mixpeek_site import jsonio
from mixpeek_site.errors import DomainError
from mixpeek_site.management.base import EXIT_WRONG_ARGUMENTS, StoreCommand, add_json, positive
from mixpeek_site.management.progress import Progress
from mixpeek_site.whole_files import require_free
from namespaces.management.base import add_organization, chosen_organization
from namespaces.scope import Scope

STATEMENT_SECONDS: Final = 6 * 3600
"""What PostgreSQL may take to find the next documents: hours, where a filter leaves few of very many."""


class Command(StoreCommand):
    interrupted = "Nothing is left of it; run it again."

    help = """Export documents to a file: JSON lines, CSV or Parquet. Everything comes from one moment, whatever others
write meanwhile, in a stable order: collection after collection as they were created, each in creation order.

examples:
  manage.py export_documents --namespace media --output media.jsonl.gz --collections-file media.defs.jsonl
  manage.py export_documents --namespace media --collection scenes --output scenes.jsonl.zst --vectors
  manage.py export_documents --namespace media --collection scenes --output - | jq .title
  manage.py export_documents --namespace media --collection scenes --output scenes.csv --select metadata.title,created_at
  manage.py export_documents --namespace media --output - --filters '{"field": "metadata.year", "operator": "gte", "value": 2020}'
  manage.py export_documents --namespace media --output scenes.parquet --filters @filters.json

formats (by --format, else by the file's name, else jsonl):
  jsonl    Exact. In the native rendering, with --vectors where there are any, nothing of a document is lost: a line is
           the body of a create, and import_documents of it stores an equal document, times and lineage included.
  csv      Columns are dotted paths (JSON pointers where a key holds dots), learned from the first 1,000 documents of each
           collection, with --select from what that leaves. Arrays stand as JSON. Null and missing are both an empty cell,
           types are not kept. What finds no column stands in the last one, _rest, as JSON. --spreadsheet for Excel.
  parquet  The same columns, typed by the same documents; what a column's type can't hold exactly stands in _rest. Needs
           pyarrow (pip install pyarrow).

A collection's definition (id, name, extractor, schema) is no part of its documents: --collections-file writes them,
one create body to a line; import_documents has an option of that name, which creates those that do not exist.

The file is written aside (FILE.partial) and renamed when it is whole: at any failure, and on Ctrl-C, nothing is left.
Names ending in .gz and .zst are compressed.

exit codes: 0 done, 1 the export could not begin or go on, 2 wrong arguments, 130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--namespace", metavar="N", required=True, help="The namespace's id or name.")
        parser.add_argument(
            "--collection", metavar="C", action="append", default=[], help="A collection's id or name; repeatable. None: all."
        )
        add_organization(parser)
        parser.add_argument("--output", metavar="FILE", required=True, help="Where to; - for standard output.")
        parser.add_argument("--format", choices=FORMATS, help="Default: by the file's name, else jsonl.")
        parser.add_argument(
            "--schema-version", choices=SCHEMA_VERSIONS, default="native", help="The rendering (default: native)."
        )
        parser.add_argument("--filters", metavar="JSON", help="As the API's filters; @FILE reads them from a file.")
        parser.add_argument("--select", metavar="A,B", type=_names, help="Only these fields, and the ids.")
        parser.add_argument("--vectors", action="store_true", help="With features and vectors.")
        parser.add_argument("--limit", metavar="N", type=positive, help="At most so many documents.")
        parser.add_argument(
            "--spreadsheet",
            action="store_true",
            help="CSV for Excel and the like: with a byte order mark, and ' before texts that would be run as formulas.",
        )
        parser.add_argument("--collections-file", metavar="FILE", help="Write the collections' definitions there.")
        parser.add_argument("--force", action="store_true", help="Replace FILE if it exists.")
        add_json(parser)

    def work(
        self,
        *,
        namespace: str,
        organization: str | None,
        output: str,
        format: str | None,
        filters: str | None,
        collections_file: str | None,
        force: bool,
        json: bool,
        **options: Any,
    ) -> None:
        if json and output == STANDARD_OUTPUT:
            raise CommandError(
                "--json says on standard output what was done, where the documents go; give a file.",
                returncode=EXIT_WRONG_ARGUMENTS,
            )
        if collections_file == STANDARD_OUTPUT or (collections_file is not None and collections_file == output):
            raise CommandError("--collections-file must be a file of its own.", returncode=EXIT_WRONG_ARGUMENTS)
        asked = Asked(
            collections=tuple(options["collection"]),
            filters=_filters(filters),
            format=format or _format_of(output),
            schema_version=options["schema_version"],
            select=options["select"],
            vectors=options["vectors"],
            limit=options["limit"],
            spreadsheet=options["spreadsheet"],
        )
        if asked.format == "parquet" and output.endswith(PACKED):
            raise CommandError(
                "Parquet is compressed inside, and read from its end: give a name without .gz or .zst.",
                returncode=EXIT_WRONG_ARGUMENTS,
            )
        owner = chosen_organization(organization)
        scope = Scope(owner.pk, owner.public_id, namespace, ())
        try:
            for path in (output, collections_file):
                if path is not None and path != STANDARD_OUTPUT:
                    require_free(Path(path), force=force)
            with begun(scope, asked, statement_seconds=STATEMENT_SECONDS) as export:
                self._export(export, output, collections_file, force=force, as_json=json)
        except MissingExtraError as error:
            raise CommandError(str(error)) from error

    def _export(self, export: Export, output: str, collections_file: str | None, *, force: bool, as_json: bool) -> None:
        stdout: Any = self.stdout._out
        with Progress(export.expected, self.progress_stream, in_bytes=False) as progress:
            documents = size = 0
            with ExitStack() as files:
                if collections_file is not None:
                    described = files.enter_context(written(collections_file, force=force, standard_output=stdout))
                    described.write("".join(f"{line}\n" for line in definitions(export)).encode())
                target = files.enter_context(written(output, force=force, standard_output=stdout))
                for piece in export.pieces():
                    target.write(piece.content)
                    documents, size = piece.documents, size + len(piece.content)
                    progress.update(documents)
                target.flush()
        self._tell(export, output, documents, size, progress.seconds, as_json=as_json)

    def _tell(self, export: Export, output: str, documents: int, size: int, seconds: float, *, as_json: bool) -> None:
        if as_json:
            collections = [source.collection for source in export.sources]
            done = {"documents": documents, "bytes": size, "seconds": round(seconds, 3), "output": output}
            self.answer({**done, "format": export.asked.format, "collections": collections})
            return
        where = "" if output == STANDARD_OUTPUT else f" to {output}"
        number = f"{documents:,} document{'' if documents == 1 else 's'}"
        self.say(f"{number}{where}, {size:,} bytes, in {seconds:.1f} s ({documents / max(seconds, 1e-9):,.0f}/s).")


def _format_of(output: str) -> str:
    name = output.lower().removesuffix(".gz").removesuffix(".zst")
    return next((format_ for format_ in FORMATS if name.endswith(f".{format_}")), "jsonl")


def _filters(text: str | None) -> Node | None:
    """Raises CommandError."""
    if text is None:
        return None
    try:
        if text.startswith("@"):
            with open(text[1:], "rb") as file:
                return read_filters(jsonio.loads(file.read()), ("filters",))
        return read_filters(jsonio.loads(text), ("filters",))
    except OSError as error:
        raise CommandError(f"--filters: {text[1:]} can't be read: {error.strerror}.", returncode=EXIT_WRONG_ARGUMENTS) from error
    except DomainError as error:
        raise CommandError(f"--filters: {error.message.replace('The body', 'It')}", returncode=EXIT_WRONG_ARGUMENTS) from error


def _names(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, map(str.strip, text.split(","))))
    if not names:
        raise ArgumentTypeError("must name fields, separated by commas")
    return names
