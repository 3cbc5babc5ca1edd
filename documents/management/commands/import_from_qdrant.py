"""`manage.py import_from_qdrant (--url URL | --path DIR) --collection-name Q --namespace N --collection C`."""

import os
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from documents.importing import Places, SourceError
from documents.importing.places import Place, place_for
from documents.importing.reading.qdrant import Points, open_qdrant
from documents.management.arriving import (
    Arrivals,
    ArrivingCommand,
    add_import_options,
    add_timeout,
    errors_file,
    goes_in_clear,
    options_of,
    passing_over,
)
from documents.management.reading_options import add_mapping, mapping_of
from mixpeek_site.management.base import EXIT_WRONG_ARGUMENTS
from namespaces.management.base import add_organization, chosen_organization
from namespaces.scope import Scope

KEY_VARIABLE = "QDRANT_API_KEY"


class Command(ArrivingCommand):
    help = """Import the points of a Qdrant collection as documents: a point's id becomes the document_id, its payload the
user fields, its vectors (dense, named, sparse, multi) the document's vectors.

examples:
  manage.py import_from_qdrant --url http://localhost:6333 --collection-name films --namespace media --collection films
  QDRANT_API_KEY=… manage.py import_from_qdrant --url https://….cloud.qdrant.io --collection-name films \\
      --namespace media --collection films --jobs 2
  manage.py import_from_qdrant --path ./qdrant_local --collection-name films --namespace media --collection films --dry-run

Needs qdrant-client (pip install qdrant-client, or the extra `qdrant` of this project).

Ids. 42 becomes "42", a UUID stays as it is; --id-prefix P makes them P42 and so on.

Payload. Every key becomes a user field as it is. A key that the store reserves (document_id, vectors, source_type, …,
and all that begin with _) becomes payload_<key>, or what --reserved-prefix says. With --as-documents the payload was
written in the shape of this store's documents: document_id, lineage, _internal and the others are taken for what they say.
--map moves any of them on: --map payload_source_document_id=source_document_id takes that key for the parent.

Vectors keep their names; one without a name is called default, or what --vector-name says.

Interrupted. Whole batches are in, the rest is not: the same command with --resume reads again, passes over what is in,
and completes it.

exit codes: 0 every point is in (or skipped), 1 the import could not begin or go on, 2 wrong arguments,
3 done, but some points failed, 130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--url", metavar="URL", help="A Qdrant server, such as http://localhost:6333.")
        where.add_argument("--path", metavar="DIR", help="A folder of qdrant-client's local mode.")
        parser.add_argument("--api-key", metavar="KEY", help=f"Of the server; better in the environment, as {KEY_VARIABLE}.")
        parser.add_argument("--collection-name", metavar="Q", required=True, help="The collection in Qdrant.")
        parser.add_argument("--namespace", metavar="N", required=True, help="The namespace's id or name.")
        parser.add_argument("--collection", metavar="C", required=True, help="The collection's id or name.")
        add_organization(parser)
        parser.add_argument("--id-prefix", metavar="P", default="", help="Stands before every id.")
        parser.add_argument("--vector-name", metavar="V", default="default", help="Of a vector without a name.")
        parser.add_argument("--reserved-prefix", metavar="P", default="payload_", help="Before payload keys that are reserved.")
        parser.add_argument("--as-documents", action="store_true", help="The payload has the shape of this store's documents.")
        parser.add_argument("--no-vectors", action="store_true", help="Leave the vectors there.")
        add_timeout(parser)
        add_mapping(parser)
        add_import_options(
            parser,
            "points",
            resume="Go on with an import that did not end: pass over what is in.",
            errors="Where what failed goes, as JSON lines; it is begun anew.",
        )

    def work(self, **options: Any) -> None:
        owner = chosen_organization(options["organization"])
        prefix = options["reserved_prefix"]
        if not prefix or prefix.startswith("_"):
            raise CommandError(
                "--reserved-prefix must begin with something else than _, so that the name is not reserved.",
                returncode=EXIT_WRONG_ARGUMENTS,
            )
        points = Points(options["id_prefix"], options["vector_name"], prefix, options["as_documents"], not options["no_vectors"])
        mapping = mapping_of(options)
        how = passing_over(options_of(options, mapping), resume=options["resume"])
        scope = Scope(owner.pk, owner.public_id, options["namespace"], ())
        place: Place | Places
        if mapping.collection_field is not None or options["create_collections"]:
            place = Places(scope, options["collection"], create=options["create_collections"])
        else:
            place = place_for(scope, options["collection"])
        api_key = options["api_key"] or os.environ.get(KEY_VARIABLE)
        if api_key and goes_in_clear(options["url"] or ""):
            self.say("The key goes over a connection without TLS: anybody on the way can read it.")
        with ExitStack() as opened:
            try:
                source = opened.enter_context(
                    open_qdrant(
                        options["collection_name"],
                        points,
                        url=options["url"],
                        path=options["path"],
                        api_key=api_key,
                        timeout=options["timeout"],
                    )
                )
            except SourceError as error:
                raise CommandError(str(error)) from error
            total = min(source.total, options["limit"] or source.total)
            kept = errors_file(opened, options["errors"])
            arrivals = Arrivals(self, opened, total, "points", errors=kept, as_json=options["json"])

            def work() -> dict[str, Any]:
                arrivals.run(source.lines(settings.MAX_BODY_BYTES), place, how)
                return {"points_there": source.total}

            self.bring(arrivals, work, options)
