"""API keys: made here and shown once, revoked here, never changed."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.forms import SimpleArrayField
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mixpeek_site.transactions import atomic
from namespaces import services
from namespaces.admin.base import UnboundAdmin
from namespaces.admin.forms import ServiceForm
from namespaces.admin.lists import OrganizationFilter, SmallTableAdmin
from namespaces.admin.urls import code
from namespaces.models import ApiKey, Permission


class ApiKeyForm(ServiceForm):
    token: str

    namespace_patterns = SimpleArrayField(
        forms.CharField(max_length=255),
        required=False,
        help_text="Ids or names of namespaces, or beginnings of them ending in *, separated by commas. Empty: every namespace.",
    )

    expires_at = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="In UTC. Empty: the key works until it is revoked.",
    )

    def write(self) -> Model:
        given = self.cleaned_data
        key, self.token = services.create_api_key(
            organization=given["organization"],
            name=given["name"],
            permission=Permission(given["permission"]),
            namespace_patterns=given["namespace_patterns"],
            expires_at=given["expires_at"],
        )
        return key


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("working", "working"), ("revoked", "revoked"), ("expired", "expired")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        if self.value() == "revoked":
            return queryset.exclude(revoked_at=None)
        if self.value() == "expired":
            return queryset.filter(revoked_at=None, expires_at__lte=timezone.now())
        if self.value() == "working":
            return queryset.filter(revoked_at=None).exclude(expires_at__lte=timezone.now())
        return queryset


class PermissionFilter(admin.SimpleListFilter):
    title = "permission"
    parameter_name = "permission"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, label) for value, label in Permission.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> QuerySet[ApiKey]:
        return queryset.filter(permission=self.value()) if self.value() else queryset


@admin.register(ApiKey)
class ApiKeyAdmin(UnboundAdmin, SmallTableAdmin):
    form = ApiKeyForm
    list_display = ("name", "shown_prefix", "organization", "permission", "namespaces", "state", "created", "expires_at")
    list_filter = (OrganizationFilter, StateFilter, PermissionFilter)
    list_select_related = ("organization",)
    search_fields = ("=prefix", "name__startswith")
    search_help_text = "First ten characters of the key, or the beginning of its name"
    actions = ("revoke",)
    change_form_template = "admin/api_key.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return ("organization", "name", "permission", "namespace_patterns", "expires_at")
        return (
            *("name", "shown_prefix", "organization", "permission", "namespaces", "state"),
            *("created_at", "expires_at", "revoked_at"),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.get_fields(request, obj) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a revoked key stays as a trace of who could what

    def get_actions(self, request: HttpRequest) -> Any:
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        key = super().save_form(request, form, change)
        key.token = form.token
        return key

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form has written already (forms.ServiceForm)."""

    def log_addition(self, request: HttpRequest, obj: ApiKey, message: Any) -> None:  # type: ignore[override]
        expires_at = obj.expires_at and f"{obj.expires_at:%Y-%m-%d %H:%M} UTC"
        said = {"name": obj.name, "organization": obj.organization.name, "permission": obj.permission, "expires": expires_at}
        self.record(request, obj, "created", {**said, "namespaces": obj.namespace_patterns or "all"})

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """The key, in this answer alone: it is neither stored nor put into a session or a message."""
        context = {**self.admin_site.each_context(request), "title": "API key created", "key": obj, "opts": self.opts}
        response = TemplateResponse(request, "admin/api_key_created.html", context)
        response.headers["Cache-Control"] = "no-store"
        return response

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        raise AssertionError("keys are not changed")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        shown = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(request, form_url, shown | (extra_context or {}))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        if request.method == "POST":
            return self._revoke_one(request, object_id)
        shown = {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        return super().change_view(request, object_id, form_url, shown | (extra_context or {}))

    def _revoke_one(self, request: HttpRequest, object_id: str) -> HttpResponse:
        key = self.get_object(request, object_id)
        if key is None:
            raise Http404("There is no such API key.")
        if not self.has_change_permission(request, key):
            raise PermissionDenied
        self.revoke(request, ApiKey.objects.filter(pk=key.pk))
        return self.response_post_save_change(request, key)

    @admin.action(description="Revoke the selected keys", permissions=("change",))
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        revoked = []
        with atomic():
            for key in queryset.filter(revoked_at=None)[:1000]:
                services.revoke_api_key(key=key)
                self.record(request, key, "revoked", {"name": key.name})
                revoked.append(str(key))
        if revoked:
            names = ", ".join(revoked)
            self.message_user(request, f"Revoked: {names}. No server accepts it after five seconds.", messages.SUCCESS)
        else:
            self.message_user(request, "Nothing to revoke.", messages.WARNING)

    @admin.display(description="begins with", ordering="prefix")
    def shown_prefix(self, key: ApiKey) -> SafeString:
        return code(f"{key.prefix}…")

    @admin.display(description="namespaces")
    def namespaces(self, key: ApiKey) -> str:
        return ", ".join(key.namespace_patterns) or "all"

    @admin.display(description="state")
    def state(self, key: ApiKey) -> SafeString:
        if key.revoked_at:
            word, tone = "revoked", "quiet"
        elif key.expires_at and key.expires_at <= timezone.now():
            word, tone = "expired", "quiet"
        else:
            word, tone = "working", "good"
        return format_html('<span class="chip {}">{}</span>', tone, word)
