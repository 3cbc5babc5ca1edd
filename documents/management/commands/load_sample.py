"""`manage.py load_sample`: Python's standard library as sample data."""

import platform
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.urls import NoReverseMatch, reverse

from documents.sample import loading, stdlib
from documents.sample.embeddings import MissingExtraError
from mixpeek_site import env
from mixpeek_site.errors import BadRequestError
from mixpeek_site.management.base import StoreCommand, add_json
from mixpeek_site.management.progress import Progress
from namespaces.management.base import add_organization, chosen_organization
from namespaces.models import Namespace, Organization
from namespaces.scope import Scope, require_namespace


class Command(StoreCommand):
    interrupted = "What is loaded stays; run it again to go on: what is there is not loaded twice."
    help = """Load a sample of real data: Python's own standard library, broken into modules, the classes and functions
that they define, and the methods of the classes. Each module's file is an object of the bucket `stdlib`; the documents
are in the collections `modules`, `definitions` and `methods`, with their lineage and their source text. Loading it again
changes nothing.

examples:
  manage.py load_sample                     some hundred well-known modules; a few seconds
  manage.py load_sample --all               the whole library, tens of thousands of documents
  manage.py load_sample --namespace media
  manage.py load_sample --embed             with vectors of what they say; `manage.py embed` makes one of a question

exit codes: 0 it is loaded, 1 there is no such namespace, the extra `embeddings` or pgvector is missing, or the database
can't be reached, 2 wrong arguments, 130 interrupted"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="Every module instead of the well-known ones.")
        parser.add_argument("--namespace", metavar="N", help="Its id or name; may be left out when there is exactly one.")
        parser.add_argument(
            "--embed", action="store_true", help="With vectors of 256 dimensions; needs the extra `embeddings` (wordllama)."
        )
        add_organization(parser)
        add_json(parser)

    def work(self, *, namespace: str | None, organization: str | None, json: bool, **options: Any) -> None:
        owner = chosen_organization(organization)
        scope = Scope(owner.pk, owner.public_id, namespace or _only_namespace(owner), ())
        modules = stdlib.modules(everything=options["all"])
        if not modules:
            raise CommandError("This Python has no readable standard library (no .py files), so there is nothing to load.")
        with Progress(len(modules), self.progress_stream, in_bytes=False) as progress:
            try:
                loaded = loading.load(
                    scope, modules, lambda done, documents: progress.update(documents, done), embed=options["embed"]
                )
            except MissingExtraError as error:
                raise CommandError(str(error)) from error
        if json:
            about = {"modules": loaded.modules, "documents": loaded.documents, "new_documents": loaded.new_documents}
            self.answer({"namespace": scope.identifier, **about})
            return
        self.stdout.write(
            f"Python {platform.python_version()}'s standard library: {loaded.modules:,} modules, {loaded.documents:,} documents"
            f" ({loaded.new_documents:,} new)."
        )
        self.say(_what_next(scope, loaded.root))


def _what_next(scope: Scope, root: str) -> str:
    server = f"http://127.0.0.1:{env.integer('PORT', 8000)}"
    lines = [
        "Look at it next:",
        f"  curl -H 'Authorization: Bearer sk_…' -H 'X-Namespace: {scope.identifier}'"
        f" '{server}/v1/collections/definitions/documents?limit=3'",
    ]
    try:
        page = reverse("admin:tree", args=(require_namespace(scope), root))
    except (NoReverseMatch, BadRequestError):
        return "\n".join(lines)
    return "\n".join([*lines, f"  {server}{page}   the tree of one module, in the admin"])


def _only_namespace(owner: Organization) -> str:
    """Raises CommandError when there are none or several."""
    names = list(Namespace.objects.filter(organization=owner, deleted_at=None).values_list("name", flat=True)[:10])
    if not names:
        raise CommandError(f"{owner.name!r} has no namespace yet. Make one first: manage.py create_namespace NAME")
    if len(names) > 1:
        raise CommandError(f"There is more than one namespace: say which with --namespace. There are: {', '.join(names)}.")
    return names[0]
