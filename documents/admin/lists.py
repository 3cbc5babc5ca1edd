"""Lists of documents and of their lineage steps. A document opens on a page of its own (document.py)."""

from typing import Any, NamedTuple

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString

from documents.models import Document, LineageStep
from documents.tree_queries import label, preview, status
from mixpeek_site import sql
from namespaces.admin.lists import LargeTableAdmin, NamespaceFilter, ParentFilter, Table
from namespaces.admin.urls import code, code_link, document_url, link, list_url, status_chip, tree_url
from namespaces.models import Collection

DOCUMENTS = Table("documents_document", "document_id", "namespaces_collection", "collection_id", "p.deleted_at IS NULL")

_FIELDS = ("id", "namespace_id", "collection_id", "document_id", "created_at", "updated_at")
_ROWS = f"""
WITH picked AS ({{picked}})
SELECT d.id, d.namespace_id, d.collection_id, d.document_id, d.created_at, d.updated_at,
       n.name, c.name, {status("d")}, {label("d")}, {preview("d")}, l.root_object_id, l.tier, l.source_type, l.source_object_id,
       l.source_document_id, l.path
FROM picked
JOIN documents_document d ON d.namespace_id = picked.namespace_id AND d.id = picked.id
JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id
JOIN namespaces_namespace n ON n.id = d.namespace_id
{{join}} JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
ORDER BY picked.place
"""


class Shown(NamedTuple):
    """What the list's statement brings along besides the document's own columns."""

    namespace: str
    collection: str
    status: str | None
    label: str | None
    preview: str | None
    root_object_id: str | None
    tier: int | None
    source_type: str | None
    source_object_id: str | None
    source_document_id: str | None
    path: str | None


class CollectionFilter(ParentFilter):
    title = "collection"
    parameter_name = "collection"

    def parents(self) -> QuerySet[Any]:
        return Collection.objects.filter(deleted_at=None)


class DocumentsAdmin(LargeTableAdmin):
    """What both lists share: they are of documents, and change nothing."""

    actions = None
    list_filter = (NamespaceFilter, CollectionFilter)
    search_help_text = "Document id, or its beginning"
    table = DOCUMENTS
    parent_parameter = "collection"
    join = "LEFT"

    def rows(self, picked: str, params: list[Any]) -> list[Document]:
        found = []
        for row in sql.rows(_ROWS.format(picked=picked, join=self.join), params):
            document = Document.from_db("default", _FIELDS, row[: len(_FIELDS)])
            document.shown = Shown._make(row[len(_FIELDS) :])  # type: ignore[attr-defined]
            found.append(document)
        return found

    def url_of(self, row: Document) -> str:
        return document_url(row.namespace_id, row.document_id)

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

    def get_list_display(self, request: HttpRequest) -> Any:
        """The namespace's column goes where one namespace is chosen."""
        return [name for name in self.list_display if name != "within" or not request.GET.get("namespace")]

    @admin.display(description="title")
    def title(self, row: Any) -> str:
        if row.shown.label:
            return str(row.shown.label)
        return format_html('<span class="preview">{}</span>', row.shown.preview or row.document_id)

    @admin.display(description="document id")
    def shown_id(self, row: Any) -> SafeString:
        return code(row.document_id)

    @admin.display(description="namespace")
    def within(self, row: Any) -> SafeString:
        return link(list_url(self._list, namespace=row.namespace_id), row.shown.namespace)

    @admin.display(description="collection")
    def collection_name(self, row: Any) -> SafeString:
        url = list_url(self._list, namespace=row.namespace_id, collection=row.collection_id)
        return link(url, row.shown.collection)

    @property
    def _list(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    @admin.display(description="status")
    def status(self, row: Any) -> SafeString | None:
        return status_chip(row.shown.status)

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


@admin.register(Document)
class DocumentAdmin(DocumentsAdmin):
    list_display = ("title", "shown_id", "collection_name", "within", "status", "root", "created", "updated")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        return Document.objects.only("namespace_id", "document_id")


@admin.register(LineageStep)
class LineageStepAdmin(DocumentsAdmin):
    list_display = ("title", "shown_id", "collection_name", "within", "tier", "source", "root", "path")
    join = ""  # documents without lineage are left out; a page may be shorter for it

    def get_queryset(self, request: HttpRequest) -> QuerySet[LineageStep]:
        return LineageStep.objects.select_related("document").only("namespace_id", "document__document_id")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # lineage is edited through the document, and derived

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _document_id(self, row: Any) -> str:
        return str(row.document.document_id)

    @admin.display(description="path")
    def path(self, row: Any) -> SafeString | None:
        return code(row.shown.path) if row.shown.path else None
