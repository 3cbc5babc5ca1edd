"""The list of documents. One opens on a page of its own (document.py), its lineage on that of its tree (tree.py)."""

from typing import Any, NamedTuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path

from documents.admin import actions, exporting
from documents.admin.asked import NARROWING, STATUSES, Asked, read_asked
from documents.admin.listed import Listed, read_listed
from documents.models import Document
from namespaces.admin.access import limited, reached
from namespaces.admin.lists import SmallTableAdmin
from namespaces.admin.urls import change_url, document_url


@admin.register(Document)
class DocumentAdmin(SmallTableAdmin):
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # documents come from programs

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        return limited(request, Document.objects.only("namespace_id", "document_id"))

    def get_urls(self) -> list[URLPattern]:
        pages = {"delete": actions.delete_many, "status": actions.set_status, "export": exporting.export}
        view = self.admin_site.admin_view
        own = [path(f"of/<int:namespace_id>/{name}/", view(page), name=f"documents_{name}") for name, page in pages.items()]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The address that Django's log of actions links to."""
        document = self.get_object(request, object_id)
        if document is None or not self.has_view_or_change_permission(request):
            raise Http404("This document does not exist any more.")
        return redirect(document_url(document.namespace_id, document.document_id))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return self.change_view(request, object_id)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        asked = read_asked(request, request.GET)
        found = read_listed(asked, reached(request), request.GET.get("after", ""), request.GET.get("before", ""))
        context = {
            **self.admin_site.each_context(request),
            "title": "Documents",
            "opts": self.opts,
            "asked": asked,
            "found": found,
            "list_query": asked.address().removeprefix("?"),
            "chips": _chips(asked),
            "faults": [(name, _CHIPS[name], fault) for name, fault in found.faults.items()],
            "statuses": STATUSES,
            "columns": _columns(asked),
            "may": {
                "change": request.user.has_perm("documents.change_document"),
                "delete": request.user.has_perm("documents.delete_document"),
            },
            "pages": _pages(asked, found),
            "declare_url": change_url("namespaces_namespace", asked.namespace.pk) if asked.namespace else "",
        }
        return render(request, "admin/documents/list.html", context)


class Chip(NamedTuple):
    """A filter that is set, and the address of the list without it."""

    name: str
    value: str
    url: str


_CHIPS = {
    "collection": "Collection",
    "status": "Status",
    "root": "Root object",
    "from": "Created from",
    "until": "Created until",
    "q": "Id begins with",
    "text": "Words",
    "filters": "Filter",
}


def _chips(asked: Asked) -> list[Chip]:
    return [
        Chip(
            _CHIPS[name],
            asked.collection.name if name == "collection" and asked.collection else asked.query[name],
            asked.address(**{name: None}),
        )
        for name in NARROWING
        if name in asked.query
    ]


class Column(NamedTuple):
    """A heading; `url` sorts by it, `direction` is ascending, descending or empty where it doesn't."""

    title: str
    url: str = ""
    direction: str = ""


def _columns(asked: Asked) -> list[Column]:
    names = ["Title", "Document id", "Collection", *([] if asked.namespace else ["Namespace"]), "Status", "Root object"]
    return [*map(Column, names), _time_column(asked, "Created", "created"), _time_column(asked, "Updated", "updated")]


def _time_column(asked: Asked, title: str, name: str) -> Column:
    if asked.namespace is None or not asked.sort:
        return Column(title)
    if asked.sort.lstrip("-") != name:
        return Column(title, asked.address(sort=f"-{name}"))
    descending = asked.sort.startswith("-")
    url = asked.address(sort=name if descending else f"-{name}")
    return Column(title, url, "descending" if descending else "ascending")


def _pages(asked: Asked, found: Listed) -> dict[str, str]:
    return {
        "first": "" if found.is_first else asked.address(),
        "before": asked.address(before=found.before) if found.before else "",
        "after": asked.address(after=found.after) if found.after else "",
    }
