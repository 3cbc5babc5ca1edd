"""What staff ask the list of documents for: parameters of its address, read into filters, with what is wrong beside each.

| parameter    | means                                                            |
| ------------ | ---------------------------------------------------------------- |
| `namespace`  | its number; the others but `q` need it                           |
| `collection` | its number; one of another namespace is no filter                |
| `status`     | internal_metadata.ingestion_status                               |
| `root`       | the root object's id                                             |
| `from`       | created at or after a time, or on or after a day (UTC)           |
| `until`      | created at or before a time, or on or before a day               |
| `q`          | a document's id or its beginning                                 |
| `text`       | words of the payload                                             |
| `filters`    | JSON in the API's filter language (docs/filters.md)              |
| `sort`       | one of SORTS; not with `q` and `text`, which have their own order |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlencode

from django.conf import settings
from django.http import Http404, HttpRequest

from documents.counting import collection_count_sql
from documents.fields import read_field
from documents.filters import All, Node, read_filters
from documents.listing import Places, Question, Sort
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import ValidationError
from namespaces.admin.access import limited, staff_scope
from namespaces.admin.json_text import TextError, fault_error, parse
from namespaces.admin.numbers import whole_number
from namespaces.models import Namespace
from namespaces.scope import Scope

NARROWING: tuple[str, ...] = ("collection", "status", "root", "from", "until", "q", "text", "filters")
PARAMETERS: Final = ("namespace", *NARROWING, "sort")
SORTS: Final = ("-created", "created", "-updated", "updated")
MAX_CHOICES: Final = 200
MAX_STATUS: Final = 40
STATUSES: Final = (
    *("COMPLETED", "FAILED", "PENDING", "QUEUED", "PROCESSING", "IN_PROGRESS", "COMPLETED_WITH_ERRORS", "CANCELED", "SKIPPED"),
)
"""What the official client knows of documents; any other text may be a status, too."""

_CREATED: Final = read_field("created_at", ())
_UPDATED: Final = read_field("updated_at", ())


class Stage(NamedTuple):
    """A collection, with the exact number of its documents."""

    key: int
    public_id: str
    name: str
    documents: int


@dataclass(frozen=True)
class Asked:
    """`query`: the parameters that were given, as they were. `faults`: what is wrong, by parameter; then nothing is read."""

    query: dict[str, str]
    namespaces: list[Namespace]
    namespace: Namespace | None
    collections: list[Stage]
    collection: Stage | None
    filters: Node | None
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> Scope:
        assert self.namespace is not None
        return staff_scope(self.namespace)

    @property
    def prefix(self) -> str:
        return self.query.get("q", "")

    @property
    def places(self) -> Places:
        return Places(self.collection.public_id if self.collection else None)

    @property
    def sort(self) -> str:
        """One of SORTS, or "" for the order that a search has by itself."""
        given = self.query.get("sort", "")
        if self.query.get("text") or self.prefix:
            return ""
        return given if given in SORTS else SORTS[0]

    def question(self, *, backwards: bool = False, newest: bool = False) -> Question:
        """The list as a question of documents.listing, which knows nothing of beginnings of ids. `newest`: a search by time."""
        sort = Sort(_CREATED, not backwards) if newest else None
        if self.sort:
            column = _UPDATED if self.sort.endswith("updated") else _CREATED
            sort = Sort(column, self.sort.startswith("-") != backwards)
        return Question(self.places, self.filters, self.query.get("text") or None, sort)

    @property
    def is_narrowed(self) -> bool:
        return any(self.query.get(name) for name in NARROWING)

    @property
    def documents(self) -> int | None:
        """How many documents the list has in all, where that is known without counting."""
        if self.namespace is None or any(self.query.get(name) for name in NARROWING if name != "collection"):
            return None
        if self.collection is not None:
            return self.collection.documents
        return sum(each.documents for each in self.collections) if len(self.collections) <= MAX_CHOICES else None

    def address(self, **changes: str | None) -> str:
        """The query of the same list with some parameters changed, None taken out."""
        given = {name: value for name, value in {**self.query, **changes}.items() if value}
        return f"?{urlencode(given)}"


def read_asked(request: HttpRequest, parameters: Mapping[str, str]) -> Asked:
    """Two statements at most, and one for staff that may be bound to namespaces.

    Raises Http404 for a namespace that there is not, or not for this user.
    """
    query = {name: parameters.get(name, "").strip() for name in PARAMETERS if parameters.get(name, "").strip()}
    namespaces, namespace = _namespaces(request, query.get("namespace"))
    if namespace is None:
        early = {name for name in NARROWING if name in query} - {"q", "collection"}
        faults = dict.fromkeys(early, "Choose a namespace first.")
        return Asked(query, namespaces, None, [], None, None, faults | _of_ids(query))
    query = {"namespace": str(namespace.pk), **query}
    collections, collection = _collections(namespace.pk, query.get("collection", ""))
    if collection is None:
        query.pop("collection", None)
    filters, faults = _filters(query)
    return Asked(query, namespaces, namespace, collections, collection, filters, faults | _of_ids(query))


def _namespaces(request: HttpRequest, chosen: str | None) -> tuple[list[Namespace], Namespace | None]:
    """Those to choose from, and the chosen one: where there is one alone, that."""
    living = limited(request, Namespace.objects.filter(deleted_at=None), "pk").select_related("organization").defer("config")
    found = list(living.order_by("name", "pk")[:MAX_CHOICES])
    if chosen is None:
        return found, found[0] if len(found) == 1 else None
    number = whole_number(chosen)
    namespace = next((each for each in found if each.pk == number), None)
    if namespace is None and number is not None and len(found) == MAX_CHOICES:
        namespace = living.filter(pk=number).first()
        found += [namespace] if namespace else []
    if namespace is None:
        raise Http404("There is no such namespace.")
    return found, namespace


_COLLECTIONS: Final = f"""
SELECT x.collection_id, x.public_id, x.name, {collection_count_sql("x")}
FROM (SELECT c.namespace_id, c.id AS collection_id, c.public_id, c.name FROM namespaces_collection c
      WHERE c.namespace_id = %s AND c.deleted_at IS NULL ORDER BY c.id = %s DESC, c.name, c.id LIMIT {MAX_CHOICES + 1}) x
"""


def _collections(namespace_id: int, chosen: str) -> tuple[list[Stage], Stage | None]:
    """The first by name, and the chosen one among them."""
    number = whole_number(chosen) or 0
    found = [Stage._make(row) for row in sql.rows(_COLLECTIONS, (namespace_id, number))]
    found.sort(key=lambda each: (each.name, each.key))
    return found, next((each for each in found if each.key == number), None)


# Filters --------------------------------------------------------------------------------------------------------------


class _FaultError(Exception):
    """What is wrong with a parameter, in words for whoever wrote it."""


_UNSTORABLE: Final = "This holds characters that can't be stored."


def _of_ids(query: Mapping[str, str]) -> dict[str, str]:
    prefix, text = query.get("q", ""), query.get("text", "")
    if _unstorable(prefix):
        return {"q": "Null characters are not allowed."}
    if prefix and text:
        return {"text": "Search by id or by words, one at a time."}
    if _unstorable(text):
        return {"text": _UNSTORABLE}
    if len(text) > settings.MAX_SEARCH_LENGTH:
        return {"text": f"At most {settings.MAX_SEARCH_LENGTH:,} characters."}
    return {}


def _unstorable(text: str) -> bool:
    return next(jsonio.unstorable(text, ()), None) is not None


def _filters(query: Mapping[str, str]) -> tuple[Node | None, dict[str, str]]:
    """What all given parameters mean together, and the faults of those that mean nothing."""
    nodes, faults = [], {}
    for name, read in _READERS.items():
        if text := query.get(name):
            try:
                node = read(text)
            except _FaultError as error:
                faults[name] = str(error)
            else:
                nodes += [node] if node is not None else []
    return (nodes[0] if len(nodes) == 1 else All(tuple(nodes)) if nodes else None), faults


def _condition(name: str, operator: str, value: str) -> Node | None:
    if _unstorable(value):
        raise _FaultError(_UNSTORABLE)
    try:
        return read_filters({"field": name, "operator": operator, "value": value, "case_sensitive": True}, ())
    except ValidationError as error:
        raise _FaultError(error.faults[0].message) from None


def _status(text: str) -> Node | None:
    if len(text) > MAX_STATUS:
        raise _FaultError(f"A status has at most {MAX_STATUS} characters.")
    return _condition("internal_metadata.ingestion_status", "eq", text)


def _root(text: str) -> Node | None:
    return _condition("root_object_id", "eq", text)


def _from(text: str) -> Node | None:
    moment, _ = _moment(text)
    return _condition("created_at", "gte", moment.isoformat())


def _until(text: str) -> Node | None:
    moment, is_day = _moment(text)
    if not is_day:
        return _condition("created_at", "lte", moment.isoformat())
    try:
        return _condition("created_at", "lt", (moment + timedelta(days=1)).isoformat())
    except OverflowError:
        raise _FaultError("A day like 2026-11-22, or a time like 2026-11-22T09:30.") from None


def _moment(text: str) -> tuple[datetime, bool]:
    """A time, in UTC where it says no zone, and whether the text is a day."""
    try:
        day = date.fromisoformat(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC), True
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        return (moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)), False
    except (ValueError, OverflowError):
        raise _FaultError("A day like 2026-11-22, or a time like 2026-11-22T09:30.") from None


def _json(text: str) -> Node | None:
    try:
        return read_filters(parse(text), ("body",))
    except TextError as error:
        raise _FaultError(str(error)) from None
    except ValidationError as error:
        raise _FaultError(str(fault_error(text, error.faults[0]))) from None


_READERS: Final = {"status": _status, "root": _root, "from": _from, "until": _until, "filters": _json}
