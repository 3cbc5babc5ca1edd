"""Lists of the admin that cost the same at a thousand rows and at millions: no COUNT, no deep offset.

Small tables (places, keys) page by offset, one row further than shown. Large ones (objects, documents) page by
keyset, through an index, with one statement that names the namespaces it reads:

- everything: the primary key backwards, newest ids first;
- a namespace, or those that the user is limited to: of each of their parents (collections, buckets) the newest rows, merged;
- a parent: its newest rows;
- a search: the ids that begin with what was typed, in their order, a page and no further.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.admin import ShowFacets, SimpleListFilter, display
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from mixpeek_site import sql
from namespaces.admin.access import is_bound, limited, reached
from namespaces.admin.base import StoreAdmin
from namespaces.admin.numbers import whole_number
from namespaces.models import Namespace, Organization

OLDER, NEWER, PAGE = "older", "newer", "p"
MAX_CHOICES: Final = 200
MAX_PAGE: Final = 200
SEARCH_HITS: Final = 100
_SEARCH_WALK: Final = 10_000  # ids that begin as asked, looked through for those of a chosen parent


class NextChangeList(ChangeList):
    """Pages of a small table: it reads one row more than it shows to know whether there is a next page."""

    next_query: str | None = None
    previous_query: str | None = None
    first_query: str | None = None
    note: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = str(capfirst(self.opts.verbose_name_plural))

    def get_results(self, request: HttpRequest) -> None:
        page = min(max(self.page_num, 1), MAX_PAGE)
        start = (page - 1) * self.list_per_page
        rows = list(self.queryset[start : start + self.list_per_page + 1])
        if len(rows) > self.list_per_page and page < MAX_PAGE:
            self.next_query = self.get_query_string({PAGE: page + 1})
        if page > 1:
            self.previous_query = self.get_query_string({PAGE: page - 1})
        admin: SmallTableAdmin = self.model_admin  # type: ignore[assignment]
        admin.complete(rows[: self.list_per_page])
        self._show(rows[: self.list_per_page])

    def _show(self, rows: Sequence[Any]) -> None:
        self.result_list = rows
        self.result_count = len(rows)
        self.full_result_count = len(rows)
        self.show_full_result_count = False
        self.show_admin_actions = bool(rows)
        self.can_show_all = False
        self.multi_page = False


class SmallTableAdmin(StoreAdmin):
    """Base of all lists: no counts, filters (all of them ChoiceFilters) and search in one bar."""

    change_list_template = "admin/filtered_list.html"
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NextChangeList

    def complete(self, rows: Sequence[Any]) -> None:
        """What a page shows of its rows that their own statement does not bring along."""

    @display(description="created", ordering="created_at")
    def created(self, row: Any) -> datetime:
        return row.created_at  # type: ignore[no-any-return]

    @display(description="updated", ordering="updated_at")
    def updated(self, row: Any) -> datetime:
        return row.updated_at  # type: ignore[no-any-return]


# Large tables -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """A large table, with the small one that its rows hang on. The names are constants of the program."""

    name: str
    id_column: str
    parent: str
    parent_column: str
    parent_lives: str  # condition on the parent's alias p


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list, between two rows."""

    created_at: datetime
    key: UUID

    def __str__(self) -> str:
        return f"{self.created_at.isoformat()}~{self.key}"

    @classmethod
    def read(cls, text: str | None) -> "Position | None":
        created_at, _, key = (text or "").partition("~")
        try:
            found = cls(datetime.fromisoformat(created_at), UUID(key))
        except ValueError:
            return None
        return found if found.created_at.tzinfo else None


def picked_sql(
    table: Table,
    *,
    namespaces: Collection[int] | None,
    parent_id: int | None,
    search: str,
    position: Position | None,
    towards_newer: bool,
    limit: int,
) -> tuple[str, list[Any]]:
    """SQL that picks the rows of a page (id, namespace_id, place), with its parameters; `place` orders them.

    `namespaces`: internal ids, None for all. Limits are written into the text: a plan that is kept knows how few rows it is for.
    """
    if search:
        return _search_sql(table, namespaces, parent_id, search, limit)
    direction, compare = ("ASC", ">") if towards_newer else ("DESC", "<")
    living = f"{table.parent} p JOIN namespaces_namespace n ON n.id = p.namespace_id AND n.deleted_at IS NULL"
    if namespaces is None:
        after = f" AND t.id {compare} %s" if position else ""
        return (
            f"SELECT t.id, t.namespace_id, row_number() OVER (ORDER BY t.id {direction}) AS place FROM {table.name} t"
            f" WHERE EXISTS (SELECT FROM {living} WHERE p.id = t.{table.parent_column}"
            f" AND p.namespace_id = t.namespace_id AND {table.parent_lives}){after} ORDER BY t.id {direction} LIMIT {limit:d}",
            [position.key] if position else [],
        )
    after = f" AND (t.created_at, t.id) {compare} (%s, %s)" if position else ""
    at = [position.created_at, position.key] if position else []
    one_parent = "" if parent_id is None else " AND p.id = %s"
    return (
        "SELECT k.id, k.namespace_id,"
        f" row_number() OVER (ORDER BY k.created_at {direction}, k.id {direction}) AS place"
        f" FROM {living} CROSS JOIN LATERAL ("
        f"SELECT t.id, t.namespace_id, t.created_at FROM {table.name} t"
        f" WHERE t.namespace_id = p.namespace_id AND t.{table.parent_column} = p.id{after}"
        f" ORDER BY t.created_at {direction}, t.id {direction} LIMIT {limit:d}) k"
        f" WHERE p.namespace_id = ANY(%s){one_parent} AND {table.parent_lives}"
        f" ORDER BY k.created_at {direction}, k.id {direction} LIMIT {limit:d}",
        [*at, list(namespaces), *([] if parent_id is None else [parent_id])],
    )


def _search_sql(
    table: Table, namespaces: Collection[int] | None, parent_id: int | None, search: str, limit: int
) -> tuple[str, list[Any]]:
    begin = sql.text(search.strip())
    walked = limit if parent_id is None else _SEARCH_WALK
    within = "" if namespaces is None else " AND n.id = ANY(%s)"
    one_parent = "" if parent_id is None else " AND p.id = %s"
    return (
        f"SELECT k.id, k.namespace_id, row_number() OVER (ORDER BY k.{table.id_column}, k.namespace_id) AS place"
        f" FROM namespaces_namespace n CROSS JOIN LATERAL ("
        f"SELECT t.id, t.namespace_id, t.{table.id_column}, t.{table.parent_column} FROM {table.name} t"
        f" WHERE t.namespace_id = n.id AND t.{table.id_column} >= %s AND t.{table.id_column} < %s"
        f" ORDER BY t.{table.id_column} LIMIT {walked:d}) k"
        f" JOIN {table.parent} p ON p.id = k.{table.parent_column} AND p.namespace_id = n.id AND {table.parent_lives}{one_parent}"
        f" WHERE n.deleted_at IS NULL{within} ORDER BY k.{table.id_column}, k.namespace_id LIMIT {limit:d}",
        [
            *(begin, begin + "\x7f"),
            *([] if parent_id is None else [parent_id]),
            *([] if namespaces is None else [list(namespaces)]),
        ],
    )


class LargeChangeList(NextChangeList):
    """A keyset page; the model admin says which rows belong to it (`LargeTableAdmin.rows`)."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self.older, self.newer = self.params.pop(OLDER, None), self.params.pop(NEWER, None)
        self.within = reached(request)
        for name in (OLDER, NEWER):
            self.filter_params.pop(name, None)
        return super().get_queryset(request, exclude_parameters)

    def get_results(self, request: HttpRequest) -> None:
        admin: LargeTableAdmin = self.model_admin  # type: ignore[assignment]
        if self.query:
            self._search(admin)
            return
        older, newer = Position.read(self.older), Position.read(self.newer)
        backwards = newer is not None and older is None
        rows = self._rows(admin, older or newer, backwards, self.list_per_page + 1)
        more = len(rows) > self.list_per_page
        rows = rows[: self.list_per_page]
        if backwards:
            rows.reverse()
        if rows and (more or backwards):
            self.next_query = self._query(OLDER, rows[-1])
        if rows and (more if backwards else older is not None):
            self.previous_query = self._query(NEWER, rows[0])
        if older is not None or newer is not None:
            self.first_query = self.get_query_string() or "?"
        self._show(rows)

    def _search(self, admin: "LargeTableAdmin") -> None:
        rows = self._rows(admin, None, False, SEARCH_HITS + 1)
        if len(rows) > SEARCH_HITS:
            self.note = f"The first {SEARCH_HITS} are shown; type more of the id."
        self._show(rows[:SEARCH_HITS])

    def _rows(self, admin: "LargeTableAdmin", position: Position | None, towards_newer: bool, limit: int) -> list[Any]:
        chosen = {spec.parameter_name: spec.chosen for spec in self.filter_specs if isinstance(spec, ChoiceFilter)}
        namespace = chosen.get("namespace")
        picked, params = picked_sql(
            admin.table,
            namespaces=self.within if namespace is None else [namespace],
            parent_id=chosen.get(admin.parent_parameter),
            search=self.query,
            position=position,
            towards_newer=towards_newer,
            limit=limit,
        )
        return admin.rows(picked, params)

    def _query(self, name: str, row: Any) -> str:
        params = {key: value for key, value in self.params.items() if key not in (OLDER, NEWER)}
        return "?" + urlencode({**params, name: str(Position(row.created_at, row.pk))})

    def url_for_result(self, result: Any) -> str:
        admin: LargeTableAdmin = self.model_admin  # type: ignore[assignment]
        return admin.url_of(result)


class LargeTableAdmin(SmallTableAdmin):
    """Base of the admins of large tables. Search goes by id; the fields named here only make the search box appear."""

    search_fields = ("pk",)
    sortable_by = ()
    table: Table
    parent_parameter = ""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LargeChangeList

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        return queryset, False  # LargeChangeList searches

    def rows(self, picked: str, params: list[Any]) -> list[Any]:
        """The rows that the SQL `picked` names, in the order of its `place`, as instances. One statement."""
        raise NotImplementedError

    def url_of(self, row: Any) -> str:
        raise NotImplementedError


# Filters ------------------------------------------------------------------------------------------------------------


class ChoiceFilter(SimpleListFilter):
    """A filter by a row of a small table; `chosen` is its key, None for all."""

    parameter_name: str

    @property
    def chosen(self) -> int | None:
        value = self.value()
        if not value:
            return None
        return int(value) if value in dict(self.lookup_choices) else self.otherwise

    otherwise: int | None = 0  # a key that no row has

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset

    def with_chosen(self, rows: QuerySet[Any]) -> list[tuple[str, str]]:
        """Choices from the table's first rows, and the chosen one if it lies beyond them."""
        found = [(str(key), str(name)) for key, name in rows[:MAX_CHOICES].values_list("pk", "name")]
        value = self.value()
        key = whole_number(value)
        if key is not None and len(found) == MAX_CHOICES and value not in dict(found):
            found += [(str(key), str(name)) for key, name in rows.filter(pk=key).values_list("pk", "name")]
        return found


class NamespaceFilter(ChoiceFilter):
    title = "namespace"
    parameter_name = "namespace"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return self.with_chosen(limited(request, Namespace.objects.filter(deleted_at=None), "pk").order_by("name", "pk"))


class ParentFilter(ChoiceFilter):
    """Collections or buckets of the chosen namespace; absent until one is chosen, ignored when it is another's."""

    otherwise = None

    def parents(self) -> QuerySet[Any]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        namespace = whole_number(request.GET.get("namespace"))
        if namespace is None:
            return []
        parents = limited(request, self.parents()).filter(namespace_id=namespace, namespace__deleted_at=None)
        return self.with_chosen(parents.order_by("name", "pk"))


class InNamespaceFilter(NamespaceFilter):
    """The same for small tables, whose queryset Django filters."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.chosen is None else queryset.filter(namespace_id=self.chosen)


class OrganizationFilter(ChoiceFilter):
    title = "organization"
    parameter_name = "organization"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [] if is_bound(request) else self.with_chosen(Organization.objects.order_by("name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.chosen is None else queryset.filter(organization_id=self.chosen)
