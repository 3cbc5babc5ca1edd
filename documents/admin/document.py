"""The page of one document, and its raw JSON."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from documents import queries
from documents.admin import curl, parts
from documents.admin.blobs import blob_lines
from documents.admin.json_html import LARGEST, json_html
from documents.fields import read_field
from documents.renderings import NO_EXTRAS, renderer
from documents.stored import StoredDocument
from documents.trees.around import Path, path, siblings
from documents.trees.nodes import Node
from mixpeek_site import jsonio
from mixpeek_site.blob_stores import Owner
from mixpeek_site.errors import ValidationError
from namespaces.admin.access import namespace_of, page, require, staff_scope
from namespaces.admin.urls import document_url, list_url, tree_url
from namespaces.models import Namespace

VIEW = ("documents.view_document", "documents.change_document")
RENDERINGS = ("native", "v1", "v2")
CHILDREN_SHOWN = 25
CHAIN_FIRST, CHAIN_LAST = 2, 3  # of a longer chain, as many ancestors are shown at either end


class Ancestors(NamedTuple):
    """The chain above a document, without its middle where it is long."""

    first: list[Node]
    hidden: list[Node]
    last: list[Node]


def ancestors(chain: list[Node]) -> Ancestors:
    above = chain[:-1]
    if len(above) <= CHAIN_FIRST + CHAIN_LAST + 1:
        return Ancestors(above, [], [])
    return Ancestors(above[:CHAIN_FIRST], above[CHAIN_FIRST:-CHAIN_LAST], above[-CHAIN_LAST:])


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
            "source": reverse("admin:document_source", args=args),
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
    found = path(namespace_id, document_id, after, children)
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
        "ancestors": ancestors(opened.path.chain),
        "links": opened.links,
        "above": opened.path.above.value,
        "may_change": request.user.has_perm("documents.change_document"),
        "may_delete": request.user.has_perm("documents.delete_document"),
    }


@page
def document_page(request: HttpRequest, namespace_id: int, document_id: str) -> HttpResponse:
    require(request, namespace_id, *VIEW)
    opened = open_document(namespace_id, document_id, request.GET.get("after"))
    stored, place = opened.stored, opened.path
    view = request.GET.get("view", "payload")
    rendering = view if view in RENDERINGS else None
    text = stored.payload if rendering is None else _rendered(opened, rendering)
    view = rendering or "payload"
    more = place.next_child
    context = {
        **base_context(request, opened),
        "view": view,
        "json": json_html(text),
        "json_text": text if len(text) <= LARGEST else "",
        "json_size": len(text),
        "taken": jsonio.dumps(_taken(stored.payload)) if rendering is None else "[]",
        "filtered_list": opened.links["collection"] if rendering is None else "",
        "views": [(name, document_url(namespace_id, document_id, view=name)) for name in ("payload", *RENDERINGS)],
        "raw_url": reverse("admin:document_raw", args=(namespace_id, document_id, view)),
        "created_at": _shown(stored.created_at),
        "updated_at": _shown(stored.updated_at),
        "children": place.children,
        "more_children_url": document_url(namespace_id, document_id, after=more) if more else "",
        "later_children": "after" in request.GET,
        "siblings": siblings(namespace_id, place.document),
        "about": parts.read(namespace_id, place.document.key, place.chain),
        "facts": parts.facts(stored),
        "blobs": blob_lines(
            stored.document_blobs,
            stored.source_blobs,
            Owner(opened.namespace.organization.public_id, stored.namespace),
        ),
        "commands": curl.commands(
            request.build_absolute_uri("/").rstrip("/"),
            stored.namespace,
            stored.collection,
            document_id,
            stored.payload,
            rendering,
        ),
    }
    return render(request, "admin/document/page.html", context)


def _shown(time: str) -> str:
    return time[:19] + " UTC"


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _taken(payload: str) -> list[str]:
    """Root fields of a payload whose plain name means another part of a document, so that only a pointer reaches them."""
    return [name for name in _members.decode(payload) if not _reaches_payload(name)]


def _reaches_payload(name: str) -> bool:
    if not name or "." in name or name.startswith("/"):
        return False
    try:
        return read_field(name, ()).column == "d.payload"
    except ValidationError:
        return False


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
