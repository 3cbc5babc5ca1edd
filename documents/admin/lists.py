"""Lists of documents and of their lineage steps. A document opens on a page of its own (document.py)."""

from typing import Any, NamedTuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.safestring import SafeString

from documents.admin import actions, exporting
from documents.admin.asked import NARROWING, STATUSES, Asked, read_asked
from documents.admin.listed import DOCUMENTS, Listed, read_listed
from documents.models import Document, LineageStep
from documents.trees.nodes import label, preview
from mixpeek_site import sql
from namespaces.admin.access import limited, reached
from namespaces.admin.lists import LargeTableAdmin, NamespaceFilter, ParentFilter, SmallTableAdmin
from namespaces.admin.urls import change_url, code, code_link, document_url, link, list_url, tree_url
from namespaces.models import Collection


class DocumentsAdmin(SmallTableAdmin):
    """What both lists share: their rows open as the document, whose pages write."""

    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # documents come from programs

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The address that Django's log of actions links to."""
        document = self.get_object(request, object_id)
        if document is None or not self.has_view_or_change_permission(request):
            raise Http404("This document does not exist any more.")
        return redirect(document_url(document.namespace_id, self._document_id(document)))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return self.change_view(request, object_id)

    def _document_id(self, row: Any) -> str:
        return str(row.document_id)


@admin.register(Document)
class DocumentAdmin(DocumentsAdmin):
    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        return limited(request, Document.objects.only("namespace_id", "document_id"))

    def get_urls(self) -> list[URLPattern]:
        pages = {"delete": actions.delete_many, "status": actions.set_status, "export": exporting.export}
        view = self.admin_site.admin_view
        own = [path(f"of/<int:namespace_id>/{name}/", view(page), name=f"documents_{name}") for name, page in pages.items()]
        return [*own, *super().get_urls()]

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


# Steps ----------------------------------------------------------------------------------------------------------------

_FIELDS = ("id", "namespace_id", "collection_id", "document_id", "created_at", "updated_at")
# Documents without lineage are left out; a page may be shorter for it.
_ROWS = f"""
WITH picked AS ({{picked}})
SELECT d.id, d.namespace_id, d.collection_id, d.document_id, d.created_at, d.updated_at,
       n.name, c.name, {label("d")}, {preview("d")}, l.root_object_id, l.tier, l.source_object_id, l.source_document_id, l.path
FROM picked
JOIN documents_document d ON d.namespace_id = picked.namespace_id AND d.id = picked.id
JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id
JOIN namespaces_namespace n ON n.id = d.namespace_id
JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
ORDER BY picked.place
"""


class Shown(NamedTuple):
    """What the statement brings along besides the document's own columns."""

    namespace: str
    collection: str
    label: str | None
    preview: str | None
    root_object_id: str | None
    tier: int | None
    source_object_id: str | None
    source_document_id: str | None
    path: str | None


class CollectionFilter(ParentFilter):
    title = "collection"
    parameter_name = "collection"

    def parents(self) -> QuerySet[Any]:
        return Collection.objects.filter(deleted_at=None)


@admin.register(LineageStep)
class LineageStepAdmin(LargeTableAdmin, DocumentsAdmin):
    list_display = ("title", "shown_id", "collection_name", "within", "tier", "source", "root", "path")
    list_filter = (NamespaceFilter, CollectionFilter)
    search_help_text = "Document id, or its beginning"
    table = DOCUMENTS
    parent_parameter = "collection"

    def get_queryset(self, request: HttpRequest) -> QuerySet[LineageStep]:
        return limited(request, LineageStep.objects.select_related("document").only("namespace_id", "document__document_id"))

    def rows(self, picked: str, params: list[Any]) -> list[Document]:
        found = []
        for row in sql.rows(_ROWS.format(picked=picked), params):
            document = Document.from_db("default", _FIELDS, row[: len(_FIELDS)])
            document.shown = Shown._make(row[len(_FIELDS) :])  # type: ignore[attr-defined]
            found.append(document)
        return found

    def url_of(self, row: Document) -> str:
        return document_url(row.namespace_id, row.document_id)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # lineage is edited through the document, and derived

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _document_id(self, row: Any) -> str:
        return str(row.document.document_id)

    def get_list_display(self, request: HttpRequest) -> Any:
        """The namespace's column goes where one namespace is chosen."""
        return [name for name in self.list_display if name != "within" or not request.GET.get("namespace")]

    @admin.display(description="title")
    def title(self, row: Any) -> str:
        return str(row.shown.label or row.shown.preview or row.document_id)

    @admin.display(description="document id")
    def shown_id(self, row: Any) -> SafeString:
        return code(row.document_id)

    @admin.display(description="namespace")
    def within(self, row: Any) -> SafeString:
        return link(list_url("documents_lineagestep", namespace=row.namespace_id), row.shown.namespace)

    @admin.display(description="collection")
    def collection_name(self, row: Any) -> SafeString:
        url = list_url("documents_lineagestep", namespace=row.namespace_id, collection=row.collection_id)
        return link(url, row.shown.collection)

    @admin.display(description="root object")
    def root(self, row: Any) -> SafeString | None:
        root = row.shown.root_object_id
        return code_link(tree_url(row.namespace_id, root, at=row.document_id), root) if root else None

    @admin.display(description="tier")
    def tier(self, row: Any) -> int | None:
        tier: int | None = row.shown.tier
        return tier

    @admin.display(description="made from")
    def source(self, row: Any) -> SafeString | None:
        if row.shown.source_document_id:
            return code_link(document_url(row.namespace_id, row.shown.source_document_id), row.shown.source_document_id)
        if row.shown.source_object_id:
            return code_link(tree_url(row.namespace_id, row.shown.source_object_id), row.shown.source_object_id)
        return None

    @admin.display(description="path")
    def path(self, row: Any) -> SafeString | None:
        return code(row.shown.path) if row.shown.path else None
