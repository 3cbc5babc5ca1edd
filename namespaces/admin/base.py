"""Base of every model's pages: within reach, recorded, and with a history of what was recorded."""

from typing import Any, ClassVar

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from namespaces.admin import audit
from namespaces.admin.access import is_bound
from namespaces.admin.history import Subject, history_page


class StoreAdmin(ModelAdmin):  # type: ignore[type-arg]
    """A row out of reach, or gone, is 404; what a form did becomes an entry of the audit, in the form's transaction.

    `get_queryset` of the subclass says what is within reach (access.limited).
    """

    audit_kind: ClassVar[str] = ""

    def subject(self, row: Any) -> Subject:
        """Who a row is to the audit: its namespace, kind, and the id that people know."""
        names = ("document_id", "object_id", "public_id", "prefix", "username", "name")
        known = next(str(getattr(row, name)) for name in names if hasattr(row, name))
        return Subject(getattr(row, "namespace_id", None), self.audit_kind or str(self.opts.verbose_name), known)

    def record(self, request: HttpRequest, row: Any, action: audit.Action, changes: dict[str, Any] | None = None) -> None:
        audit.record(request, *self.subject(row), action, changes)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        raise Http404(f"There is no such {self.opts.verbose_name}.")

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """The names of the fields that changed, and of JSON which of its members; no values."""
        fields: list[str] = []
        members: dict[str, list[str]] = {}
        for name in form.changed_data:
            value = form.cleaned_data.get(name)
            if not add and isinstance(value, dict | list) and isinstance(form.initial.get(name), dict | list):
                paths = audit.changed_paths(form.initial[name], value)
                if not paths:  # the same in another order
                    continue
                members[name] = paths
            fields.append(name)
        return {"fields": fields, **members}

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        self.record(request, obj, "created", {"name": obj.name} if hasattr(obj, "name") else None)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        if message["fields"]:
            self.record(request, obj, "changed", message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        for row in queryset:
            self.record(request, row, "deleted")

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404(f"There is no such {self.opts.verbose_name}.")
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        return history_page(request, self, row, self.subject(row))


class UnboundAdmin(StoreAdmin):
    """What belongs to no namespace: staff that is limited to namespaces doesn't see it."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return not is_bound(request) and super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not is_bound(request) and super().has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not is_bound(request) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not is_bound(request) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not is_bound(request) and super().has_delete_permission(request, obj)
