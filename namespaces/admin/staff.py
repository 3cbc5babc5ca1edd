"""Users and groups: Django's pages, with what limits a member of staff to namespaces. Only superusers change them.

Whoever may change users could make themselves a superuser, or set a superuser's password; so a permission to change
users is worth nothing here, and one to view them is what it says.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import FilteredSelectMultiple
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from mixpeek_site.transactions import atomic
from namespaces.admin.base import UnboundAdmin
from namespaces.models import Namespace, StaffBinding


class SuperusersAdmin(UnboundAdmin):
    actions = None  # Django's own delete is no transaction, which the audit needs; each page has one that is

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser


class StaffForm(UserChangeForm):  # type: ignore[type-arg]
    limited = forms.BooleanField(
        required=False,
        label="Limited to namespaces",
        help_text="Sees and reaches the chosen namespaces and nothing else: no other's rows, no API keys, no users."
        " With none chosen, nothing at all. Superusers are never limited.",
    )
    reached = forms.ModelMultipleChoiceField(
        Namespace.objects.none(), required=False, label="Namespaces", widget=FilteredSelectMultiple("namespaces", False)
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        user = kwargs.get("instance")
        binding = StaffBinding.objects.filter(user=user).first() if user else None
        chosen = list(binding.namespaces.values_list("pk", flat=True)) if binding else []
        kwargs["initial"] = {"limited": binding is not None, "reached": chosen, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        if "reached" in self.fields:
            living = Namespace.objects.filter(deleted_at=None).only("name").order_by("name", "pk")
            self.fields["reached"].queryset = living  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        given = super().clean()
        if given and given.get("reached") and not given.get("limited"):
            self.add_error("limited", "Check this for the chosen namespaces to be a limit, or choose none.")
        return given

    def limit(self, user: User) -> None:
        if not self.cleaned_data["limited"]:
            StaffBinding.objects.filter(user=user).delete()
        else:
            StaffBinding.objects.get_or_create(user=user)[0].namespaces.set(self.cleaned_data["reached"])


admin.site.unregister((User, Group))


@admin.register(User)
class StaffAdmin(SuperusersAdmin, UserAdmin):  # type: ignore[type-arg]
    form = StaffForm
    fieldsets = (*(UserAdmin.fieldsets or ()), ("Reach", {"fields": ("limited", "reached")}))
    readonly_fields = ("last_login", "date_joined")  # nobody makes them up
    audit_kind = "user"
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "reach", "last_login")
    list_filter = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).select_related("staff_binding").prefetch_related("staff_binding__namespaces")

    @admin.display(description="reaches")
    def reach(self, user: User) -> str:
        binding = None if user.is_superuser or not user.is_staff else getattr(user, "staff_binding", None)
        if binding is None:
            return "every namespace" if user.is_staff else "nothing"
        names = sorted(namespace.name for namespace in binding.namespaces.all() if namespace.deleted_at is None)
        return ", ".join(names) or "nothing"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_fieldsets(request, obj)
        return shown if request.user.is_superuser else [each for each in shown if each[0] != "Reach"]

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with atomic():
            return super().user_change_password(request, id, form_url)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change and isinstance(form, StaffForm):
            form.limit(form.instance)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        changes = super().construct_change_message(request, form, formsets, add)
        if not add and isinstance(form, StaffForm):
            changes |= _reach_changed(form)
        return changes


def _reach_changed(form: StaffForm) -> dict[str, Any]:
    names = dict(Namespace.objects.filter(pk__in=form.initial["reached"]).values_list("pk", "name"))
    now = {each.pk: each.name for each in form.cleaned_data["reached"]}
    found: dict[str, Any] = {}
    if form.cleaned_data["limited"] != form.initial["limited"]:
        found["limited"] = form.cleaned_data["limited"]
    added = sorted(name for key, name in now.items() if key not in names)
    removed = sorted(name for key, name in names.items() if key not in now)
    if added or removed:
        found["reached"] = {"added": added, "removed": removed}
    return found


@admin.register(Group)
class StaffGroupAdmin(SuperusersAdmin, GroupAdmin):
    audit_kind = "group"
