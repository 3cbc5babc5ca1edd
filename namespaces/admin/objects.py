"""Objects of buckets. In the list an object opens as its decomposition tree; here it is made, edited and deleted."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString

from mixpeek_site import sql
from namespaces import dependents, services
from namespaces.admin.access import limited, staff_scope
from namespaces.admin.forms import ExactJSONFormField, ServiceForm, changes
from namespaces.admin.lists import LargeTableAdmin, NamespaceFilter, ParentFilter, Table
from namespaces.admin.places import PlaceAdmin
from namespaces.admin.urls import change_url, code, link, status_chip, tree_url
from namespaces.models import Bucket, BucketObject, Namespace

_ROWS = """
WITH picked AS ({picked})
SELECT t.id, t.namespace_id, t.bucket_id, t.object_id, t.key_prefix, t.size_bytes, t.created_at, t.updated_at,
       n.name, b.name, jsonb_array_length(t.blobs), left(COALESCE(t.system ->> 'status', 'PENDING'), 40),
       CASE WHEN pg_column_size(t.fields) <= 32768 THEN left(COALESCE(t.fields ->> 'title', t.fields ->> 'name'), 160) END
FROM picked
JOIN namespaces_bucketobject t ON t.namespace_id = picked.namespace_id AND t.id = picked.id
JOIN namespaces_bucket b ON b.namespace_id = t.namespace_id AND b.id = t.bucket_id
JOIN namespaces_namespace n ON n.id = t.namespace_id
ORDER BY picked.place
"""
_FIELDS = ("id", "namespace_id", "bucket_id", "object_id", "key_prefix", "size_bytes", "created_at", "updated_at")


def _bucket_label(bucket: Bucket) -> str:
    return f"{bucket.namespace.name} / {bucket.name}"


class BucketFilter(ParentFilter):
    title = "bucket"
    parameter_name = "bucket"

    def parents(self) -> QuerySet[Any]:
        return Bucket.objects.all()


class BucketObjectForm(ServiceForm):
    names = {"id": "object_id"}
    object_id = forms.CharField(
        label="Object id", required=False, max_length=128, help_text="1 to 128 of A-Z a-z 0-9 _ . : -  Empty: one is made."
    )
    # Django takes declared fields out of the class, so this does not hide the form's own `fields`.
    fields = ExactJSONFormField(label="User fields", help_text="The object's own fields.")  # type: ignore[assignment]
    blobs = ExactJSONFormField(of=list, help_text="An array of objects, as clients send them.")

    def clean_blobs(self) -> Any:
        blobs = self.cleaned_data["blobs"]
        if not all(isinstance(blob, dict) for blob in blobs):
            raise forms.ValidationError("Every blob must be an object.")
        return blobs

    def write(self) -> Model:
        given = self.cleaned_data
        if self.instance._state.adding:
            bucket: Bucket = given["bucket"]
            new = services.NewObject(
                object_id=given["object_id"] or None,
                key_prefix=given["key_prefix"] or None,
                fields=given["fields"],
                blobs=given["blobs"],
            )
            return services.create_object(scope=staff_scope(bucket.namespace), bucket_identifier=bucket.public_id, new=new)
        return services.update_object(
            scope=staff_scope(self.instance.namespace),
            bucket_identifier=self.instance.bucket.public_id,
            object_id=self.instance.object_id,
            key_prefix=given["key_prefix"] or None,
            fields=changes(self.instance.fields, given["fields"]),
            blobs=given["blobs"],
        )


@admin.register(BucketObject)
class BucketObjectAdmin(LargeTableAdmin, PlaceAdmin):
    form = BucketObjectForm
    list_display = ("title", "shown_id", "within", "bucket_name", "status", "size", "created", "updated", "edit")
    list_filter = (NamespaceFilter, BucketFilter)
    search_help_text = "Object id, or its beginning"
    table = Table("namespaces_bucketobject", "object_id", "namespaces_bucket", "bucket_id", "true")
    parent_parameter = "bucket"
    audit_kind = "object"
    consequence = "The object is deleted. Its documents stay, and keep its id as that of their root, unless you choose otherwise."
    delete_option = ("with_documents", "Delete the documents made from it, too: its whole tree")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BucketObject]:
        living = BucketObject.objects.filter(namespace__deleted_at=None)
        rows = living.select_related("namespace__organization", "bucket").defer("namespace__config", "bucket__config")
        return limited(request, rows)

    def rows(self, picked: str, params: list[Any]) -> list[BucketObject]:
        rows = []
        for row in sql.rows(_ROWS.format(picked=picked), params):
            found = BucketObject.from_db("default", _FIELDS, row[: len(_FIELDS)])
            found.shown = row[len(_FIELDS) :]  # type: ignore[attr-defined]
            rows.append(found)
        return rows

    def get_list_display(self, request: HttpRequest) -> Any:
        """The namespace's column goes where one namespace is chosen."""
        return [name for name in self.list_display if name != "within" or not request.GET.get("namespace")]

    def url_of(self, row: BucketObject) -> str:
        return tree_url(row.namespace_id, row.object_id)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("bucket", "object_id", "key_prefix", "fields", "blobs")
        return ("tree", "namespace", "bucket", "shown_id", "key_prefix", "fields", "blobs", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("tree", "namespace", "bucket", "shown_id", "created_at", "updated_at") if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "bucket":
            living = Bucket.objects.filter(namespace__in=Namespace.objects.filter(deleted_at=None))
            kwargs["queryset"] = limited(request, living).select_related("namespace__organization").order_by("name", "pk")
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "bucket" and field is not None:
            field.label_from_instance = _bucket_label  # type: ignore[method-assign, assignment]
        return field

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        place = self.get_object(request, object_id) if request.method == "GET" else None
        if place is None or not self.has_delete_permission(request, place):
            return super().delete_view(request, object_id, extra_context)
        stages = dependents.documents.stages_of_object(staff_scope(place.namespace), place.object_id)
        impact = {
            "stages": stages,
            "documents": sum(stage.documents for stage in stages),
            "url": tree_url(place.namespace_id, place.object_id),
        }
        context: dict[str, Any] = {"impact": impact}
        if not stages or not request.user.has_perm("documents.delete_document"):
            context["delete_option"] = None
        return super().delete_view(request, object_id, context | (extra_context or {}))

    def delete_place(self, request: HttpRequest, place: BucketObject) -> dict[str, int]:
        scope = staff_scope(place.namespace)
        with_documents = "with_documents" in request.POST and request.user.has_perm("documents.delete_document")
        gone = 0

        def documents() -> None:
            nonlocal gone
            gone = dependents.documents.delete_of_object(scope, place.object_id)

        services.delete_object(
            scope=scope,
            bucket_identifier=place.bucket.public_id,
            object_id=place.object_id,
            take_along=documents if with_documents else None,
        )
        return {"documents": gone}

    @admin.display(description="object id")
    def shown_id(self, row: BucketObject) -> SafeString:
        return code(row.object_id)

    @admin.display(description="decomposition tree")
    def tree(self, row: BucketObject) -> SafeString:
        return link(tree_url(row.namespace_id, row.object_id), "Open the tree")

    @admin.display(description="edit")
    def edit(self, row: BucketObject) -> SafeString:
        return link(change_url("namespaces_bucketobject", row.pk), "Edit")

    # What the list's statement brought along.

    @admin.display(description="namespace")
    def within(self, row: Any) -> str:
        return str(row.shown[0])

    @admin.display(description="bucket")
    def bucket_name(self, row: Any) -> str:
        return str(row.shown[1])

    @admin.display(description="status")
    def status(self, row: Any) -> SafeString | None:
        return status_chip(row.shown[3])

    @admin.display(description="title")
    def title(self, row: Any) -> str:
        return str(row.shown[4] or row.object_id)

    @admin.display(description="blobs")
    def size(self, row: Any) -> str | None:
        blobs = row.shown[2]
        return f"{blobs} · {filesizeformat(row.size_bytes)}" if blobs and row.size_bytes else str(blobs) if blobs else None
