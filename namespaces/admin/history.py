"""The audit as staff read it: the newest entries that a filter leaves, and the history of one thing."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode

from mixpeek_site import jsonio, sql
from namespaces.admin.access import limited, reached
from namespaces.admin.audit import KINDS
from namespaces.admin.numbers import whole_number
from namespaces.admin.urls import change_url, document_url, list_url, tree_url
from namespaces.models import AuditEntry, Namespace

PAGE: Final = 50
CHOICES: Final = 200


class Subject(NamedTuple):
    """What an entry is about, as `audit.record` names it."""

    namespace_id: int | None
    kind: str
    id: str


class Entry(NamedTuple):
    key: int
    at: datetime
    username: str
    namespace_id: int | None
    namespace: str | None
    kind: str
    subject: str
    action: str
    changes: dict[str, Any]

    @property
    def url(self) -> str | None:
        """The page of what it is about, as far as there is one."""
        place = self.namespace_id
        if self.action == "deleted":
            return None
        if place is not None:
            if self.kind == "document":
                return document_url(place, self.subject)
            if self.kind == "object":
                return tree_url(place, self.subject)
            if self.kind == "namespace":
                return change_url("namespaces_namespace", place)
            return list_url(f"namespaces_{self.kind}", namespace=place, q=self.subject)
        models = {"organization": "namespaces_organization", "API key": "namespaces_apikey", "user": "auth_user"}
        return list_url(models[self.kind], q=self.subject) if self.kind in models else None

    @property
    def label(self) -> str:
        """What to call it: its name where it has one."""
        return str(self.namespace if self.kind == "namespace" else self.changes.get("name") or self.subject)

    @property
    def said(self) -> list[tuple[str, str]]:
        """What changed: names with what is said of them."""
        return [(name.replace("_", " "), _said(value)) for name, value in self.changes.items() if value not in (None, [], {})]


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    if isinstance(value, dict):
        return "; ".join(f"{name} {_said(each)}" for name, each in value.items() if each not in (None, [], {}))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


class Asked(NamedTuple):
    """A filter of the audit; None and "" ask for nothing."""

    namespace_id: int | None = None
    username: str = ""
    kind: str = ""
    subject: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def read(cls, given: Any) -> "Asked":
        """From a query string; what makes no sense there asks for nothing."""
        return cls(
            whole_number(given.get("namespace")),
            given.get("user", "").strip(),
            given.get("kind", ""),
            given.get("id", "").strip(),
            _day(given.get("since", "")),
            _day(given.get("until", "")),
        )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year < 9999 else None


_COLUMNS = "e.id, e.at, e.username, e.namespace_number, e.namespace_name, e.kind, e.subject, e.action, e.changes::text"


class _Side(NamedTuple):
    """The entries of one namespace from a place on; its parameter is the place, an entry's number.

    Asked for as a part of the index of namespaces, which alone has them in this order: told as an equality and a number, the
    planner goes through everyone's entries by their numbers as soon as it takes a namespace for one that has many.
    """

    where: str
    order: str


_OLDER = _Side(
    "e.namespace_number >= reached.id AND (e.namespace_number, e.id) < (reached.id, %s)", "e.namespace_number DESC, e.id DESC"
)
_NEWER = _Side("e.namespace_number <= reached.id AND (e.namespace_number, e.id) > (reached.id, %s)", "e.namespace_number, e.id")
_LAST: Final = 2**63 - 1


def entries(
    within: frozenset[int] | None,
    asked: Asked,
    *,
    older_than: int | None = None,
    newer_than: int | None = None,
    by: int | None = None,
    limit: int = PAGE,
) -> list[Entry]:
    """Newest first; `within` is what the reader reaches, `by` a user's number. One statement, through an index."""
    conditions: list[tuple[str, Any]] = []
    if asked.namespace_id is not None:
        conditions.append(("e.namespace_number = %s", asked.namespace_id))
    for column, wanted in (("username", asked.username), ("kind", asked.kind), ("subject", asked.subject)):
        if wanted:
            conditions.append((f"e.{column} = %s", sql.text(wanted)))
    if asked.since:
        conditions.append(("e.at >= %s", datetime.combine(asked.since, time.min, UTC)))
    if asked.until:
        conditions.append(("e.at < %s", datetime.combine(asked.until + timedelta(days=1), time.min, UTC)))
    if by is not None:
        conditions.append(("e.user_number = %s", by))
    if older_than is not None:
        conditions.append(("e.id < %s", older_than))
    if newer_than is not None:
        conditions.append(("e.id > %s", newer_than))
    where = [text for text, _ in conditions]
    params = [value for _, value in conditions]
    backwards = newer_than is None
    order = "e.id DESC" if backwards else "e.id"
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    statement = f"SELECT {_COLUMNS} FROM namespaces_auditentry e{condition} ORDER BY {order} LIMIT %s"
    if within is not None:
        side = _OLDER if backwards else _NEWER
        own = " AND ".join([side.where, *where])
        statement = (
            f"SELECT {_COLUMNS} FROM unnest(%s::bigint[]) AS reached (id) CROSS JOIN LATERAL"
            f" (SELECT e.* FROM namespaces_auditentry e WHERE {own} ORDER BY {side.order} LIMIT %s) e ORDER BY {order} LIMIT %s"
        )
        place = newer_than if newer_than is not None else _LAST if older_than is None else older_than
        params = [list(within), place, *params, limit]
    found = sql.rows(statement, [*params, limit])
    read = [Entry._make((*row[:-1], jsonio.loads(row[-1]))) for row in found]
    return read if backwards else read[::-1]


class Page(NamedTuple):
    entries: Sequence[Entry]
    newer: str | None  # query strings
    older: str | None


def page_of(request: HttpRequest, asked: Asked) -> Page:
    """The page of entries that the query string's `older` or `newer` names."""
    older_than, newer_than = whole_number(request.GET.get("older")), whole_number(request.GET.get("newer"))
    if older_than is not None:
        newer_than = None
    found = entries(reached(request), asked, older_than=older_than, newer_than=newer_than, limit=PAGE + 1)
    backwards, more = newer_than is not None, len(found) > PAGE
    shown = (found[1:] if backwards else found[:PAGE]) if more else found
    kept = {name: str(value) for name, value in request.GET.items() if name not in ("older", "newer") and value}
    newer = bool(shown) and (more if backwards else older_than is not None)
    older = bool(shown) and (more or backwards)
    return Page(
        shown,
        "?" + urlencode({**kept, "newer": str(shown[0].key)}) if newer else None,
        "?" + urlencode({**kept, "older": str(shown[-1].key)}) if older else None,
    )


def history_page(request: HttpRequest, model_admin: Any, row: Any, subject: Subject) -> HttpResponse:
    """What staff did with one thing."""
    asked = Asked(namespace_id=subject.namespace_id, kind=subject.kind, subject=subject.id)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"History of {subject.kind} {subject.id}",
        "opts": model_admin.opts,
        "subject": subject,
        "page": page_of(request, asked),
    }
    return render(request, "admin/audit/history.html", context)


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """One page that reads; entries are neither made, changed nor deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return limited(request, super().get_queryset(request), "namespace_number")

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        raise Http404("An entry has no page of its own.")

    history_view = change_view
    delete_view = change_view

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        asked = Asked.read(request.GET)
        namespaces = limited(request, Namespace.objects.filter(deleted_at=None), "pk").order_by("name", "pk")
        context = {
            **self.admin_site.each_context(request),
            "title": "Audit",
            "opts": self.opts,
            "asked": asked,
            "page": page_of(request, asked),
            "namespaces": namespaces.values_list("pk", "name")[:CHOICES],
            "kinds": KINDS,
            "filtered": asked != Asked(),
        }
        return render(request, "admin/audit/page.html", context)
