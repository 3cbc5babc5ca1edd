"""Deleting a document: what hangs on it first, then the choice what becomes of that."""

from django.contrib import messages
from django.contrib.admin.models import DELETION
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from documents import services, tree_queries
from documents.admin.document import base_context, open_document
from documents.admin.editing import log
from mixpeek_site.errors import ConflictError, PreconditionFailedError
from mixpeek_site.transactions import atomic
from namespaces.admin.access import page, require, staff_scope
from namespaces.admin.urls import document_url


@page
def delete_page(request: HttpRequest, namespace_id: int, document_id: str) -> HttpResponse:
    require(request, namespace_id, "documents.delete_document")
    opened = open_document(namespace_id, document_id, children=1)
    chosen = request.POST.get("on_children", "")
    problem = ""
    if request.method == "POST" and chosen not in services.ON_CHILDREN:
        problem = "Choose what becomes of its children."
    elif request.method == "POST":
        version = request.POST.get("version", "")
        known = int(version) if version.isdigit() and len(version) < 19 else 0
        try:
            with atomic():  # what is not logged is not done
                gone = services.delete_document(
                    scope=staff_scope(opened.namespace),
                    collection=None,
                    document_id=document_id,
                    on_children=chosen,
                    versions=[known],
                )
                log(request, opened.path.document.key, document_id, DELETION, f"Deleted ({chosen}), {gone} in all.")
        except PreconditionFailedError:
            problem = "Somebody changed the document while this page was open. Look at it again before you delete it."
        except ConflictError as error:
            problem = f"{error.message} Nothing was deleted."
        else:
            below = f" and {gone - 1:,} below it" if gone > 1 else ""
            messages.success(request, f"{document_id}{below} {'were' if gone > 1 else 'was'} deleted.")
            above = opened.path.chain[-2].document_id if len(opened.path.chain) > 1 else None
            return redirect(document_url(namespace_id, above) if above else opened.links["collection"])
    context = {
        **base_context(request, opened),
        "subtitle": "Delete",
        "impact": tree_queries.impact(namespace_id, document_id),
        "counted_below": tree_queries.COUNTED_BELOW,
        "chosen": chosen,
        "problem": problem,
    }
    return render(request, "admin/document/delete.html", context, status=409 if problem else 200)
