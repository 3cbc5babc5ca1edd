"""Deleting a document: what hangs on it first, then the choice what becomes of that.

A cascade that takes many documents wants the document's id typed. What is deleted is the version that the page showed;
the number of documents that really went is counted by the delete itself.
"""

from typing import NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from documents import services
from documents.admin.document import Opened, base_context, open_document
from documents.trees.impact import Impact, Share, of_document
from mixpeek_site.errors import ConflictError, PreconditionFailedError
from mixpeek_site.transactions import atomic
from namespaces.admin import audit
from namespaces.admin.access import page, require, staff_scope
from namespaces.admin.numbers import whole_number
from namespaces.admin.urls import document_url

TYPED_FROM = 100  # documents that a cascade takes


@page
def delete_page(request: HttpRequest, namespace_id: int, document_id: str) -> HttpResponse:
    require(request, namespace_id, "documents.delete_document")
    opened = open_document(namespace_id, document_id, children=1)
    impact = of_document(namespace_id, None, document_id)
    chosen, problem = request.POST.get("on_children", ""), ""
    if request.method == "POST":
        problem = _fault(request, opened, impact)
        if not problem:
            try:
                gone = _delete(request, opened, chosen)
            except PreconditionFailedError:
                problem = "Somebody changed the document while this page was open. Look at it again before you delete it."
            except ConflictError as error:
                problem = f"{error.message} Nothing was deleted."
            else:
                below = f" and {gone - 1:,} below it" if gone > 1 else ""
                messages.success(request, f"{document_id}{below} {'were' if gone > 1 else 'was'} deleted.")
                chain = opened.path.chain
                return redirect(
                    document_url(namespace_id, chain[-2].document_id) if len(chain) > 1 else opened.links["collection"]
                )
    context = {
        **base_context(request, opened),
        "subtitle": "Delete",
        "impact": impact,
        "below": _below(impact, opened),
        "typed": impact.below + 1 >= TYPED_FROM,
        "chosen": chosen,
        "problem": problem,
    }
    return render(request, "admin/document/delete.html", context, status=409 if problem else 200)


def _fault(request: HttpRequest, opened: Opened, impact: Impact) -> str:
    chosen = request.POST.get("on_children", "")
    if chosen not in services.ON_CHILDREN:
        return "Choose what becomes of its children."
    if chosen == "cascade" and impact.below + 1 >= TYPED_FROM:
        typed = request.POST.get("typed", "").strip()
        if typed != opened.stored.document_id:
            return f"Type the document's id to delete {impact.below + 1:,} documents. Nothing was deleted."
    return ""


def _delete(request: HttpRequest, opened: Opened, on_children: str) -> int:
    """How many documents went. Raises PreconditionFailedError and ConflictError."""
    document_id = opened.stored.document_id
    known = whole_number(request.POST.get("version")) or 0
    with atomic():  # what is not recorded is not done
        gone = services.delete_document(
            scope=staff_scope(opened.namespace),
            collection=None,
            document_id=document_id,
            on_children=on_children,
            versions=[known],
        )
        said = {"on_children": on_children, "documents": gone}
        audit.record(request, opened.namespace.pk, "document", document_id, "deleted", said)
    return gone


class Below(NamedTuple):
    """Documents of one collection below the one to delete; `depths`: where in the tree."""

    name: str
    depths: str
    children: int
    documents: int


def _below(impact: Impact, opened: Opened) -> list[Below]:
    """The impact by collection, without the document itself."""
    own = (opened.stored.collection, opened.path.document.tier)
    collections: dict[str, list[Share]] = {}
    for share in impact.stages:
        documents = share.documents - ((share.collection, share.tier) == own)
        if documents:
            collections.setdefault(share.collection, []).append(share._replace(documents=documents))
    return [_summed(shares) for shares in collections.values()]


def _summed(shares: list[Share]) -> Below:
    first, last = min(share.tier for share in shares), max(share.tier for share in shares)
    depths = str(first) if first == last else f"{first} to {last}"
    children, documents = sum(share.orphaned for share in shares), sum(share.documents for share in shares)
    return Below(shares[0].name, depths, children, documents)
