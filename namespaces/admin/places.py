"""Organizations, namespaces, collections and buckets."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db import models
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mixpeek_site.errors import DomainError
from namespaces import queries, services
from namespaces.admin.access import is_bound, limited, staff_scope
from namespaces.admin.base import UnboundAdmin
from namespaces.admin.forms import ExactJSONFormField, ServiceForm, changes
from namespaces.admin.history import Subject
from namespaces.admin.lists import InNamespaceFilter, OrganizationFilter, SmallTableAdmin
from namespaces.admin.urls import change_url, code, link, list_url
from namespaces.dependents import PayloadIndexState, VectorIndexState
from namespaces.models import Bucket, Collection, Namespace, Organization
from namespaces.services.collections import extractor_id


class PlaceAdmin(SmallTableAdmin):
    """What the places share: writes and deletes are services' verbs, a delete says first what it means."""

    actions = None
    formfield_overrides = {models.TextField: {"widget": AdminTextareaWidget(attrs={"rows": 3})}}
    delete_confirmation_template = "admin/delete_place.html"
    consequence = ""  # of a delete, in one sentence
    delete_option: tuple[str, str] | None = None  # name and label of a check box on the delete page

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form has written already (forms.ServiceForm)."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Nothing is collected: the services know what goes along."""
        return [], {}, set(), []

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        about = {"consequence": self.consequence, "delete_option": self.delete_option}
        try:
            return super().delete_view(request, object_id, about | (extra_context or {}))
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
            return redirect(request.path)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.record(request, obj, "deleted", {"name": getattr(obj, "name", None), **self.delete_place(request, obj)})

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        """Recorded with what went along (`delete_model`)."""

    def delete_place(self, request: HttpRequest, place: Any) -> dict[str, int]:
        """Delete it; how much of what goes along, by name."""
        raise NotImplementedError


class OrganizationForm(ServiceForm):
    def write(self) -> Model:
        return services.create_organization(name=self.cleaned_data["name"])


@admin.register(Organization)
class OrganizationAdmin(UnboundAdmin, PlaceAdmin):
    form = OrganizationForm
    fields = ("name",)
    list_display = ("name", "shown_id", "namespaces", "keys", "created")
    search_fields = ("=public_id", "name__startswith")
    search_help_text = "Id, or the beginning of the name"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "shown_id", "namespaces", "keys", "created_at") if obj else ()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_readonly_fields(request, obj) or ("name",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # there is nothing to change

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # delete its namespaces, revoke its keys

    @admin.display(description="id")
    def shown_id(self, organization: Organization) -> SafeString:
        return code(organization.public_id)

    @admin.display(description="namespaces")
    def namespaces(self, organization: Organization) -> SafeString:
        return link(list_url("namespaces_namespace", organization=organization.pk), "Namespaces")

    @admin.display(description="API keys")
    def keys(self, organization: Organization) -> SafeString:
        return link(list_url("namespaces_apikey", organization=organization.pk), "Keys")


CONFIG_HELP = "What clients sent for processing: stored and returned, not interpreted."


class NamespaceForm(ServiceForm):
    names = {"id": "public_id", "payload_indexes": "config", "vector_configs": "config"}
    public_id = forms.CharField(
        label="Namespace id", required=False, max_length=128, help_text="Begins with ns_. Empty: one is made."
    )
    config = ExactJSONFormField(help_text=f"{CONFIG_HELP} From its payload_indexes, [{{field_name, type}}], indexes are built.")

    def write(self) -> Model:
        given = self.cleaned_data
        if self.instance.pk is None:
            return services.create_namespace(
                organization_id=given["organization"].pk,
                name=given["name"],
                namespace_id=given["public_id"] or None,
                description=given["description"] or None,
                config=given["config"],
            )
        return services.update_namespace(
            scope=staff_scope(self.instance),
            name=given["name"],
            description=given["description"] or None,
            config=changes(self.instance.config, given["config"]),
        )


@admin.register(Namespace)
class NamespaceAdmin(PlaceAdmin):
    form = NamespaceForm
    list_display = ("name", "shown_id", "organization", "collections", "documents", "buckets", "objects", "created", "updated")
    list_filter = (OrganizationFilter,)
    list_select_related = ("organization",)
    search_fields = ("=public_id", "name__startswith")
    search_help_text = "Id, or the beginning of the name"
    consequence = (
        "The namespace and all it holds, its collections, documents, buckets and objects, disappear at once. "
        "This can not be undone."
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Namespace]:
        living = Namespace.objects.filter(deleted_at=None).select_related("organization").defer("config")
        return limited(request, living, "pk")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not is_bound(request) and super().has_add_permission(request)

    def subject(self, row: Namespace) -> Subject:
        return Subject(row.pk, "namespace", row.public_id)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("organization", "name", "public_id", "description", "config")
        return ("organization", "name", "shown_id", "description", "config", "indexes", "within", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("organization", "shown_id", "indexes", "within", "created_at", "updated_at") if obj else ()

    @admin.display(description="payload indexes")
    def indexes(self, namespace: Namespace) -> SafeString | str:
        declared = namespace.config.get("payload_indexes") or []
        states = queries.payload_index_states([namespace], sizes=True)[namespace.pk]
        if not declared:
            return "-"
        return format_html(
            "<table><thead><tr><th>Field<th>Type<th>State<th>Size<th>Error</thead><tbody>{}</tbody></table>",
            format_html_join(
                "",
                "<tr><td>{}<td>{}<td>{}<td>{}<td>{}",
                (
                    (each.get("field_name"), each.get("type"), state.status.replace("_", " "), _size(state), state.error or "")
                    for each, state in zip(declared, states, strict=True)
                ),
            ),
        )

    def delete_place(self, request: HttpRequest, place: Namespace) -> dict[str, int]:
        held = queries.counts_of_namespaces([place.pk])[place.pk]
        services.delete_namespace(scope=staff_scope(place))
        return asdict(held)

    @admin.display(description="id", ordering="public_id")
    def shown_id(self, namespace: Namespace) -> SafeString:
        return code(namespace.public_id)

    @admin.display(description="collections")
    def collections(self, namespace: Namespace) -> SafeString:
        return link(list_url("namespaces_collection", namespace=namespace.pk), "Collections")

    @admin.display(description="documents")
    def documents(self, namespace: Namespace) -> SafeString:
        return link(list_url("documents_document", namespace=namespace.pk), "Documents")

    @admin.display(description="buckets")
    def buckets(self, namespace: Namespace) -> SafeString:
        return link(list_url("namespaces_bucket", namespace=namespace.pk), "Buckets")

    @admin.display(description="objects")
    def objects(self, namespace: Namespace) -> SafeString:
        return link(list_url("namespaces_bucketobject", namespace=namespace.pk), "Objects")

    @admin.display(description="in it")
    def within(self, namespace: Namespace) -> SafeString:
        shown = (self.collections, self.documents, self.buckets, self.objects)
        return format_html_join(" · ", "{}", ((show(namespace),) for show in shown))


def _size(state: PayloadIndexState | VectorIndexState) -> str:
    return "" if state.size_bytes is None else filesizeformat(state.size_bytes)


class InNamespaceAdmin(PlaceAdmin):
    """Collections and buckets: the namespace is chosen once."""

    list_filter = (InNamespaceFilter,)
    search_fields = ("=public_id", "name__startswith")
    search_help_text = "Id, or the beginning of the name"
    list_select_related = ("namespace",)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "namespace":
            living = Namespace.objects.filter(deleted_at=None).order_by("name", "pk")
            kwargs["queryset"] = limited(request, living, "pk")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="id", ordering="public_id")
    def shown_id(self, place: Any) -> SafeString:
        return code(place.public_id)

    @admin.display(description="namespace", ordering="namespace__name")
    def within(self, place: Any) -> SafeString:
        return link(change_url("namespaces_namespace", place.namespace_id), place.namespace.name)


class CollectionForm(ServiceForm):
    names = {"id": "public_id", "vector_indexes": "config"}
    public_id = forms.CharField(
        label="Collection id", required=False, max_length=128, help_text="Begins with col_. Empty: one is made."
    )
    config = ExactJSONFormField(
        help_text=f"{CONFIG_HELP} Its feature_extractor, {{feature_extractor_name, version}}, is written into derived chains."
        " Of its vector_indexes, [{name, dimensions, metric, type}], vectors are checked and indexes are built."
    )

    def clean_config(self) -> Any:
        extractor = self.cleaned_data["config"].get("feature_extractor")
        if extractor is not None and not isinstance(extractor, dict):
            raise forms.ValidationError("feature_extractor must be an object.")
        return self.cleaned_data["config"]

    def write(self) -> Model:
        given = self.cleaned_data
        if self.instance.pk is None:
            return services.create_collection(
                scope=staff_scope(given["namespace"]),
                name=given["name"],
                collection_id=given["public_id"] or None,
                description=given["description"] or None,
                config=given["config"],
            )
        return services.update_collection(
            scope=staff_scope(self.instance.namespace),
            collection_identifier=self.instance.public_id,
            name=given["name"],
            description=given["description"] or None,
            config=changes(self.instance.config, given["config"]),
        )


@admin.register(Collection)
class CollectionAdmin(InNamespaceAdmin):
    form = CollectionForm
    list_display = ("name", "shown_id", "within", "extractor", "documents", "created", "updated")
    consequence = "The collection and its documents disappear at once. This can not be undone."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Collection]:
        living = Collection.objects.filter(deleted_at=None, namespace__deleted_at=None)
        return limited(request, living.select_related("namespace__organization").defer("config", "namespace__config"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("namespace", "name", "public_id", "description", "config")
        names = ("within", "name", "shown_id", "description", "extractor", "config")
        return (*names, "vector_indexes", "documents", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("within", "shown_id", "extractor", "vector_indexes", "documents", "created_at", "updated_at") if obj else ()

    def complete(self, rows: Sequence[Any]) -> None:
        """The exact numbers of documents, where the page is of one namespace: one statement then."""
        if len({row.namespace_id for row in rows}) == 1:
            counts = queries.document_counts(rows)
            for row in rows:
                row.counted = counts[row.pk]

    def delete_place(self, request: HttpRequest, place: Collection) -> dict[str, int]:
        documents = queries.document_counts([place])[place.pk]
        services.delete_collection(scope=staff_scope(place.namespace), collection_identifier=place.public_id)
        return {"documents": documents}

    @admin.display(description="extractor", ordering="feature_extractor_id")
    def extractor(self, collection: Collection) -> str:
        return collection.feature_extractor_id or extractor_id({})

    @admin.display(description="vector indexes")
    def vector_indexes(self, collection: Collection) -> SafeString | str:
        states = queries.vector_index_states([collection], sizes=True)[collection.pk]
        if not states:
            return "-"
        return format_html(
            "<table><thead><tr><th>Name<th>Dimensions<th>Metric<th>Type<th>State<th>Size<th>Error</thead><tbody>{}</tbody></table>",
            format_html_join(
                "",
                "<tr><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}",
                (
                    (each.name, each.dimensions, each.metric, each.type, each.status, _size(each), each.error or "")
                    for each in states
                ),
            ),
        )

    @admin.display(description="documents")
    def documents(self, collection: Collection) -> SafeString:
        counted: int | None = getattr(collection, "counted", None)
        url = list_url("documents_document", namespace=collection.namespace_id, collection=collection.pk)
        return link(url, "Documents" if counted is None else f"{counted:,}")


class BucketForm(ServiceForm):
    names = {"id": "public_id"}
    public_id = forms.CharField(
        label="Bucket id", required=False, max_length=128, help_text="Begins with bkt_. Empty: one is made."
    )
    config = ExactJSONFormField(help_text=CONFIG_HELP)

    def write(self) -> Model:
        given = self.cleaned_data
        if self.instance.pk is None:
            return services.create_bucket(
                scope=staff_scope(given["namespace"]),
                name=given["name"],
                bucket_id=given["public_id"] or None,
                description=given["description"] or None,
                config=given["config"],
            )
        return services.update_bucket(
            scope=staff_scope(self.instance.namespace),
            bucket_identifier=self.instance.public_id,
            name=given["name"],
            description=given["description"] or None,
            config=changes(self.instance.config, given["config"]),
        )


@admin.register(Bucket)
class BucketAdmin(InNamespaceAdmin):
    form = BucketForm
    list_display = ("name", "shown_id", "within", "objects", "created", "updated")
    consequence = "The bucket is deleted. Documents that were made from its objects stay."
    delete_option = ("with_objects", "Delete the objects in it, too")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Bucket]:
        living = Bucket.objects.filter(namespace__deleted_at=None)
        return limited(request, living.select_related("namespace__organization").defer("config", "namespace__config"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("namespace", "name", "public_id", "description", "config")
        return ("within", "name", "shown_id", "description", "config", "objects", "created_at", "updated_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("within", "shown_id", "objects", "created_at", "updated_at") if obj else ()

    def delete_place(self, request: HttpRequest, place: Bucket) -> dict[str, int]:
        objects = queries.bucket_statistics([place])[place.pk].objects
        services.delete_bucket(
            scope=staff_scope(place.namespace),
            bucket_identifier=place.public_id,
            with_objects="with_objects" in request.POST,
        )
        return {"objects": objects}

    @admin.display(description="objects")
    def objects(self, bucket: Bucket) -> SafeString:
        return link(list_url("namespaces_bucketobject", namespace=bucket.namespace_id, bucket=bucket.pk), "Objects")
