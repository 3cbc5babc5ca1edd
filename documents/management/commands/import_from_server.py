"""`manage.py import_from_server --base-url URL`."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction

from documents.importing import Options, SourceError, described
from documents.importing.described import ObjectCounts
from documents.importing.places import place_for
from documents.importing.reading.remote import RefusedError, Remote
from documents.importing.reading.server import Dialect, Server
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
from mixpeek_site.errors import ConflictError, NotFoundError
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.management.base import EXIT_PARTLY, EXIT_WRONG_ARGUMENTS, whole_number
from namespaces import queries
from namespaces.management.base import add_organization, chosen_organization
from namespaces.models import Organization
from namespaces.scope import Scope

KEY_VARIABLE = "MIXPEEK_API_KEY"
MAX_PARTITIONS = 64


@dataclass(frozen=True, slots=True)
class Source:
    """A namespace there, with what is to come from it."""

    namespace: JSONObject
    collections: list[JSONObject]
    buckets: list[JSONObject]

    @property
    def id(self) -> str:
        return str(self.namespace["namespace_id"])

    @property
    def name(self) -> str:
        return str(self.namespace.get("namespace_name") or self.id)

    @property
    def documents(self) -> int | None:
        """How many documents the collections say they have."""
        counts = [each.get("document_count") for each in self.collections]
        return sum(counts) if all(isinstance(count, int) for count in counts) else None  # type: ignore[arg-type]


class Command(ArrivingCommand):
    help = """Import namespaces from another server of the API: another one of this store, or the hosted service, of any
generation. Collections, buckets, objects and documents come with their ids, times, lineage, blobs, internal metadata
and vectors.

examples:
  MIXPEEK_API_KEY=sk_… manage.py import_from_server --base-url https://api.example.com --create
  manage.py import_from_server --base-url http://old:8000 --from-namespace media --into media-2 --create --partitions 4
  manage.py import_from_server --base-url http://old:8000 --from-namespace media --on-conflict replace
  manage.py import_from_server --base-url http://old:8000 --collections scenes,shots --dry-run

The key needs to read only. It is best given in the environment, as MIXPEEK_API_KEY; no message shows it. Certificates are
checked; SSL_CERT_FILE names those of an authority of your own. HTTPS_PROXY and NO_PROXY are heeded.

What is made: namespaces that are missing only with --create; collections, buckets and objects that are missing always.
What is there stays as it is, but for documents and objects under --on-conflict replace.

What the API does not show can't come: extractor ids and payloads of features (their vectors come), the keys, the users.
The server's version is found out by asking. One that knows no partitions is read page after page; one that shows only
its own shape is read in that, and its documents stay in that shape.

Interrupted, killed, or given up because the server did not answer: whole batches are in, the rest is not. The same
command with --resume reads again, passes over what is in, and ends with what the source holds by then. What changed
there after it was read is fetched by --on-conflict replace. What was deleted there meanwhile stays here.

exit codes: 0 everything is in (or skipped), 1 the import could not begin or go on, 2 wrong arguments,
3 done, but some documents or objects failed, 130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", metavar="URL", required=True, help="The other server, such as https://host:8000.")
        parser.add_argument("--api-key", metavar="KEY", help=f"Its key; better in the environment, as {KEY_VARIABLE}.")
        parser.add_argument(
            "--from-namespace", metavar="NS", action="append", help="Id or name there; may be repeated. All that the key sees."
        )
        parser.add_argument("--into", metavar="NAMESPACE", help="Id or name here, of one namespace; else the same name as there.")
        parser.add_argument("--create", action="store_true", help="Make namespaces that are missing here.")
        add_organization(parser)
        parser.add_argument("--collections", metavar="C,…", help="Only documents of these: ids or names there.")
        parser.add_argument(
            "--partitions",
            metavar="N",
            type=whole_number(most=MAX_PARTITIONS),
            default=1,
            help=f"Read so many parts of a collection at once (1 to {MAX_PARTITIONS}; default: 1, which keeps the order).",
        )
        vectors = parser.add_mutually_exclusive_group()
        vectors.add_argument("--vectors", action="store_true", default=True, help="Bring vectors along (the default).")
        vectors.add_argument("--no-vectors", action="store_false", dest="vectors", help="Leave vectors there.")
        add_timeout(parser)
        add_import_options(
            parser,
            "documents",
            resume="Go on with an import that did not end: pass over what is in.",
            errors="Where what failed goes, as JSON lines; it is begun anew.",
        )

    def work(self, **options: Any) -> None:
        key = options["api_key"] or os.environ.get(KEY_VARIABLE)
        if not key:
            raise CommandError(
                f"The other server's key is missing: give it as {KEY_VARIABLE} or --api-key.", returncode=EXIT_WRONG_ARGUMENTS
            )
        owner = chosen_organization(options["organization"])
        dry_run = options["dry_run"]
        how = passing_over(options_of(options), resume=options["resume"])
        self._objects = ObjectCounts()
        with ExitStack() as opened:
            try:
                remote = Remote(
                    options["base_url"], key, timeout=options["timeout"], connections=options["partitions"], tell=self.say
                )
                if goes_in_clear(remote.base_url):
                    self.say("The key goes over a connection without TLS: anybody on the way can read it.")
                server = Server(remote)
                sources = _sources(server, options["from_namespace"], options["collections"])
                if not sources:
                    raise CommandError("The key sees no namespaces there.")
                if options["into"] and len(sources) != 1:
                    raise CommandError(
                        "--into takes one namespace: say which with --from-namespace.", returncode=EXIT_WRONG_ARGUMENTS
                    )
            except SourceError as error:
                raise CommandError(str(error)) from error
            totals = [source.documents for source in sources]
            total = None if None in totals else sum(filter(None, totals))
            if options["limit"]:
                total = min(total or options["limit"], options["limit"])
            kept = errors_file(opened, options["errors"])
            arrivals = Arrivals(self, opened, total, "documents", errors=kept, as_json=options["json"])

            def work() -> dict[str, Any]:
                with _nothing_kept(dry_run):
                    for source in sources:
                        self._bring(server, source, owner, arrivals, how, options)
                arrivals.tell(_objects_told(self._objects))
                return {"objects": asdict(self._objects), "namespaces": [source.name for source in sources]}

            self.bring(arrivals, work, options)
        if self._objects.failed:
            sys.exit(EXIT_PARTLY)

    def _bring(
        self, server: Server, source: Source, owner: Organization, arrivals: Arrivals, how: Options, options: dict[str, Any]
    ) -> None:
        scope = self._namespace(source, owner, options)
        for each in source.buckets:
            bucket = described.bucket(scope, each, tell=arrivals.tell)
            found = server.objects(source.id, str(each["bucket_id"]))
            self._objects.add(described.objects(scope, bucket, found, how.on_conflict, tell=arrivals.tell))
        places = [described.collection(scope, each, tell=arrivals.tell) for each in source.collections]
        if not source.collections:
            return
        first = str(source.collections[0]["collection_id"])
        dialect = server.dialect(source.id, first, with_vectors=options["vectors"])
        self._tell(arrivals, source, dialect, options)
        for each, place in zip(source.collections, places, strict=True):
            parts = server.parts(source.id, str(each["collection_id"]), dialect, options["partitions"])
            rows = server.documents(source.id, str(each["collection_id"]), parts, options["partitions"])
            before = arrivals.counts.lines
            left = None if how.limit is None else how.limit - before
            if left == 0:
                break
            lines = server.lines(rows, place.name, settings.MAX_BODY_BYTES)
            arrivals.run(lines, place_for(scope, place.public_id), replace(how, limit=left))
            read, expected = arrivals.counts.lines - before, each.get("document_count")
            if left is None and isinstance(expected, int) and read < expected:
                arrivals.tell(f"{source.name}/{place.name}: read {read:,} documents; when this began it had {expected:,}.")

    def _namespace(self, source: Source, owner: Organization, options: dict[str, Any]) -> Scope:
        name = options["into"] or source.name
        scope = Scope(owner.pk, owner.public_id, name, ())
        try:
            queries.namespace(scope)
        except NotFoundError:
            if not options["create"]:
                raise ConflictError(f"There is no namespace {name!r} here; --create makes it.") from None
            return described.make_namespace(owner, source.namespace, options["into"], tell=self.say)
        return scope

    def _tell(self, arrivals: Arrivals, source: Source, dialect: Dialect, options: dict[str, Any]) -> None:
        """What the server does not do for this import."""
        if options["partitions"] > 1 and not dialect.partitions:
            arrivals.tell(f"{source.name}: the server knows no partitions; it is read page after page.")
        if options["vectors"] and not dialect.vectors:
            arrivals.tell(f"{source.name}: the server does not show vectors; they do not come.")
        if not dialect.renderings:
            arrivals.tell(f"{source.name}: the server shows documents in its own shape only; what that leaves out does not come.")


def _sources(server: Server, chosen: list[str] | None, collections: str | None) -> list[Source]:
    """What is to come. Raises SourceError for what the key does not see."""
    wanted = {name.strip() for name in collections.split(",")} - {""} if collections else None
    sources, met = [], set[str]()
    for namespace in _namespaces(server, chosen):
        identifier = str(namespace["namespace_id"])
        found = list(server.collections(identifier))
        if wanted is not None:
            found = [each for each in found if wanted & {each.get("collection_id"), each.get("collection_name")}]
            met.update(str(each.get(name)) for each in found for name in ("collection_id", "collection_name"))
        sources.append(Source(namespace, found, list(server.buckets(identifier))))
    if wanted and (missing := wanted - met):
        raise SourceError(f"The server has no collection {', '.join(sorted(missing))} there, as far as the key sees.")
    return sources


def _namespaces(server: Server, chosen: list[str] | None) -> Iterator[JSONObject]:
    if not chosen:
        yield from server.namespaces()
        return
    for identifier in dict.fromkeys(chosen):
        try:
            yield server.namespace(identifier)
        except RefusedError as refused:
            if refused.status != 404:
                raise
            known = ", ".join(sorted(str(each.get("namespace_name")) for each in server.namespaces()))
            raise SourceError(f"The key sees no namespace {identifier}; it sees: {known or 'none'}.") from None


@contextmanager
def _nothing_kept(dry_run: bool) -> Iterator[None]:
    """One transaction around everything, rolled back, when nothing is to change."""
    if not dry_run:
        yield
        return
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _objects_told(counts: ObjectCounts) -> str:
    told = [f"{number:,} {name}" for name, number in asdict(counts).items() if number or name == "imported"]
    return f"Objects: {', '.join(told)}."
