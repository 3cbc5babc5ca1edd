"""The documents that are most like one: a part of its page that is loaded behind it, and a page by itself."""

from typing import Final, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from documents import queries
from documents.admin.document import VIEW, base_context, open_document
from documents.listing import Places, Question
from documents.searching import Like, Search, Wanted, search
from documents.stored import StoredDocument
from documents.trees.finding import titles
from mixpeek_site.errors import ServiceUnavailableError, ValidationError
from namespaces.admin.access import namespace_of, page, require, staff_scope
from namespaces.admin.urls import document_url
from namespaces.models import Namespace

SHOWN: Final = 10


class Nearest(NamedTuple):
    url: str
    document_id: str
    title: str | None
    score: str


class Likeness(NamedTuple):
    """`message`: why nothing can be compared."""

    documents: list[Nearest]
    message: str = ""


@page
def like_page(request: HttpRequest, namespace_id: int, document_id: str) -> HttpResponse:
    """`vector`: the name of the vectors that are compared. `part`: the list alone, for the document's page."""
    require(request, namespace_id, *VIEW)
    name = request.GET.get("vector", "").replace("\x00", "")
    if "part" in request.GET:
        namespace = namespace_of(namespace_id)
        stored = queries.document(staff_scope(namespace), None, document_id)
        return render(request, "admin/document/nearest.html", {"likeness": likeness(namespace, stored, name)})
    opened = open_document(namespace_id, document_id)
    found = likeness(opened.namespace, opened.stored, name)
    return render(request, "admin/document/like.html", {**base_context(request, opened), "likeness": found, "vector_name": name})


def likeness(namespace: Namespace, stored: StoredDocument, name: str) -> Likeness:
    """Of the document's own collection, best first."""
    wanted = Wanted(Like(stored.document_id, ("document",)), ("vector",), name=name or None)
    asked = Search(Question(Places(stored.collection)), wanted)
    try:
        found = search(staff_scope(namespace), asked, limit=SHOWN, max_bytes=settings.MAX_ANSWER_BYTES)
    except (ValidationError, ServiceUnavailableError) as error:
        return Likeness([], error.message)
    named = titles(namespace.pk, [row.document.document_id for row in found.rows])
    return Likeness(
        [
            Nearest(
                document_url(namespace.pk, row.document.document_id),
                row.document.document_id,
                named.get(row.document.document_id),
                f"{float(row.position[0] or 0):.4f}",
            )
            for row in found.rows
        ]
    )
