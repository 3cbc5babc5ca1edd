"""The options of a command that reads files: their format, and what of them becomes what."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from documents.importing import Mapping, Reading
from documents.importing.reading import FORMATS, TYPES
from documents.paths import path_of
from mixpeek_site.management.base import EXIT_WRONG_ARGUMENTS


def add_reading(parser: ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, help="Of all files; without it, each file's name or first bytes tell.")
    parser.add_argument(
        "--types",
        metavar="COLUMN=TYPE,…",
        action="append",
        default=[],
        help=f"Types of columns of CSV and TSV: {', '.join(TYPES)}. May be given several times.",
    )
    parser.add_argument(
        "--records",
        metavar="PATH",
        help="Where the rows are in JSON, such as data.items; through arrays, too. A dot: at the top, each object is one.",
    )


def add_mapping(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--map",
        metavar="SOURCE=TARGET",
        action="append",
        default=[],
        help="Move a field, such as name=metadata.title or parent=source_document_id; poster= leaves it out. "
        "May be given several times.",
    )
    parser.add_argument("--id-field", metavar="F", help="The value of this field becomes the document_id, too.")
    parser.add_argument(
        "--collection-field",
        metavar="F",
        help="The value of this field names the row's collection, by id or name; --collection is for rows without.",
    )
    parser.add_argument(
        "--create-collections", action="store_true", help="Make the collections that rows go to and that are not there."
    )


def mapping_of(options: dict[str, Any]) -> Mapping:
    """Raises CommandError."""
    try:
        return Mapping.of(options["map"], options["id_field"], options["collection_field"])
    except ValueError as error:
        raise _wrong(str(error)) from None


def reading_of(options: dict[str, Any], mapping: Mapping) -> Reading:
    """Raises CommandError."""
    types = {}
    for one in (one for given in options["types"] for one in given.split(",")):
        name, sign, kind = one.rpartition("=")
        if not sign or not name or kind not in TYPES:
            raise _wrong(f"--types {one}: must be COLUMN=TYPE, and the type one of {', '.join(TYPES)}.")
        types[name] = kind
    records = options["records"]
    at = None if records is None else () if records == "." else path_of(records)
    return Reading(options["format"], types, at, mapping.dropped)


def _wrong(sentence: str) -> CommandError:
    return CommandError(sentence, returncode=EXIT_WRONG_ARGUMENTS)
