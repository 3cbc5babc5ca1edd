"""The page of one document, and its raw JSON."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from documents import queries, tree_queries
from documents.admin.json_html import json_html
from documents.admin.tree import VIEW
from documents.renderings import NO_EXTRAS, renderer
from documents.stored import StoredDocument
from documents.tree_queries import Path
from mixpeek_site import jsonio
from namespaces.admin.access import namespace_of, page, require, staff_scope
from namespaces.admin.urls import document_url, list_url, tree_url
from namespaces.models import Namespace

RENDERINGS = ("native", "v1", "v2")
CHILDREN_SHOWN = 25


@dataclass(frozen=True, slots=True)
class Opened:
    """A document as its pages need it."""

    namespace: Namespace
    stored: StoredDocument
    path: Path

    @property
    def links(self) -> dict[str, str]:
        args = (self.namespace.pk, self.stored.document_id)
        return {
            "document": document_url(*args),
            "edit": reverse("admin:document_edit", args=args),
            "delete": reverse("admin:document_delete", args=args),
            "history": reverse("admin:documents_document_history", args=(self.path.document.key,)),
            "collection": list_url(
                "documents_document", namespace=self.namespace.pk, collection=self.path.document.collection_key
            ),
            "namespace": list_url("documents_document", namespace=self.namespace.pk),
            "tree": self._tree(at=self.stored.document_id),
            "root": self._tree(),
            "siblings": self._tree(at=self.stored.source_document_id),
        }

    def _tree(self, at: str | None = None) -> str:
        root = self.stored.root_object_id
        return tree_url(self.namespace.pk, root, at=at) if root else ""


def open_document(namespace_id: int, document_id: str, after: str | None = None, children: int = CHILDREN_SHOWN) -> Opened:
    """Three statements. Raises Http404 and NotFoundError."""
    namespace = namespace_of(namespace_id)
    stored = queries.document(staff_scope(namespace), None, document_id)
    found = tree_queries.path(namespace_id, document_id, after, children)
    if found is None:  # deleted between two statements
        raise Http404("This document does not exist any more.")
    return Opened(namespace, stored, found)


def base_context(request: HttpRequest, opened: Opened) -> dict[str, Any]:
    node = opened.path.document
    return {
        **admin.site.each_context(request),
        "title": node.label or node.document_id,
        "opened": opened,
        "document": opened.stored,
        "node": node,
        "chain": opened.path.chain,
        "links": opened.links,
        "missing_parent": opened.stored.source_document_id if opened.path.chain[0].source_document_id else None,
        "may_change": request.user.has_perm("documents.change_document"),
        "may_delete": request.user.has_perm("documents.delete_document"),
    }


@page
def document_page(request: HttpRequest, namespace_id: int, document_id: str) -> HttpResponse:
    require(request, namespace_id, *VIEW)
    opened = open_document(namespace_id, document_id, request.GET.get("after"))
    stored = opened.stored
    view = request.GET.get("view", "payload")
    if view in RENDERINGS:
        text = _rendered(opened, view)
    else:
        view, text = "payload", stored.payload
    more = opened.path.below.next_position
    context = {
        **base_context(request, opened),
        "view": view,
        "json": json_html(text),
        "views": [(name, document_url(namespace_id, document_id, view=name)) for name in ("payload", *RENDERINGS)],
        "raw_url": reverse("admin:document_raw", args=(namespace_id, document_id, view)),
        "created_at": _shown(stored.created_at),
        "updated_at": _shown(stored.updated_at),
        "children": opened.path.below.nodes,
        "more_children_url": document_url(namespace_id, document_id, after=more) if more else "",
        "later_children": "after" in request.GET,
        "parts": _parts(stored),
        "blobs": jsonio.loads(stored.document_blobs),
        "source_blobs": jsonio.loads(stored.source_blobs),
        "features": tree_queries.features(namespace_id, opened.path.document.key),
    }
    return render(request, "admin/document/page.html", context)


def _shown(time: str) -> str:
    return time[:19] + " UTC"


def _parts(stored: StoredDocument) -> list[tuple[str, Any]]:
    """The system part, by name, as foldable JSON."""
    parts = [("internal_metadata", stored.internal_metadata), ("system", stored.system)]
    if stored.chain:
        parts.append(("lineage_chain", stored.chain))
    return [(name, json_html(text)) for name, text in parts if text not in ("{}", "[]")]


def _rendered(opened: Opened, rendering: str) -> str:
    return renderer(rendering)(opened.stored, opened.namespace.organization.public_id, NO_EXTRAS)


@page
def raw(request: HttpRequest, namespace_id: int, document_id: str, rendering: str) -> HttpResponse:
    """The JSON that the API answers with in a rendering, or the payload alone."""
    require(request, namespace_id, *VIEW)
    if rendering not in (*RENDERINGS, "payload"):
        raise Http404("There is no such rendering.")
    namespace = namespace_of(namespace_id)
    stored = queries.document(staff_scope(namespace), None, document_id)
    if rendering == "payload":
        return HttpResponse(stored.payload, content_type="application/json")
    text = renderer(rendering)(stored, namespace.organization.public_id, NO_EXTRAS)
    return HttpResponse(text, content_type="application/json")
