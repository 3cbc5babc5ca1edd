"""Giving a document another source: a stored parent, or a root object. Its whole subtree moves along, or nothing does.

The page says first how many documents that would be. A parent that is not stored is accepted over the API, where
documents may come in any order; here it is most likely a mistyped id, so it takes a second word.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from documents import lineage, services
from documents.admin.document import base_context, open_document
from documents.inputs import MAX_REFERENCE_LENGTH, read_patch
from documents.trees.impact import of_document
from mixpeek_site.errors import DomainError, NotFoundError, PreconditionFailedError, ValidationError
from mixpeek_site.transactions import atomic
from namespaces.admin import audit
from namespaces.admin.access import page, require, staff_scope
from namespaces.admin.numbers import whole_number
from namespaces.admin.urls import document_url

KINDS = {"document": "source_document_id", "object": "source_object_id"}


@page
def source_page(request: HttpRequest, namespace_id: int, document_id: str) -> HttpResponse:
    require(request, namespace_id, "documents.change_document")
    opened = open_document(namespace_id, document_id, children=1)
    stored = opened.stored
    kind, wanted = (stored.source_type == "bucket" and "object") or "document", ""
    problem, unstored = "", False
    if request.method == "POST":
        kind, wanted = request.POST.get("kind", ""), request.POST.get("source", "").strip()
        confirmed = request.POST.get("unstored") == "yes"
        problem = _fault(kind, wanted)
        if not problem and kind == "document" and not confirmed and wanted not in lineage.stored_parents(namespace_id, [wanted]):
            problem, unstored = f"No document {wanted} is stored in this namespace.", True
        if not problem:
            known = whole_number(request.POST.get("version")) or 0
            body: dict[str, Any] = {
                "source_type": "collection" if kind == "document" else "bucket",
                KINDS[kind]: wanted,
            }
            moved_along: list[int] = []
            try:
                with atomic():  # what is not recorded is not done
                    moved = services.patch_document(
                        scope=staff_scope(opened.namespace),
                        collection=None,
                        document_id=document_id,
                        given=read_patch(body, document_id),
                        versions=[known],
                        on_moved=moved_along.append,
                    )
                    before = stored.source_document_id or stored.source_object_id
                    along = sum(moved_along)
                    changes = {"source_before": before, "source": wanted, "moved_along": along}
                    audit.record(request, namespace_id, "document", document_id, "changed", changes)
            except PreconditionFailedError:
                problem = "Somebody changed the document while this page was open. Look at it again before you move it."
            except ValidationError as error:
                problem = f"Nothing moved: {error.faults[0].message}."
            except NotFoundError:
                raise
            except DomainError as error:
                problem = f"Nothing moved. {error.message}"
            else:
                place = f"the tree of {moved.root_object_id}" if moved.root_object_id else "a tree without a stored root"
                below = f"; {along:,} document{'s' if along != 1 else ''} below it moved along" if along else ""
                messages.success(request, f"{document_id} now comes from {wanted}, in {place}{below}.")
                return redirect(document_url(namespace_id, document_id))
    context = {
        **base_context(request, opened),
        "subtitle": "Move",
        "impact": of_document(namespace_id, None, document_id),
        "kind": kind,
        "wanted": wanted,
        "problem": problem,
        "unstored": unstored,
    }
    return render(request, "admin/document/source.html", context, status=409 if problem else 200)


def _fault(kind: str, wanted: str) -> str:
    if kind not in KINDS:
        return "Choose whether it comes from a document or from an object."
    if not wanted:
        return f"Which {kind}? Its id is missing."
    if len(wanted) > MAX_REFERENCE_LENGTH or "\x00" in wanted:
        return f"An id has at most {MAX_REFERENCE_LENGTH} characters."
    return ""
