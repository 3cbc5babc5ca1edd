"""What a list asks for: query parameters and body as a `Question`, a page, and how its documents are shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from documents.api.answers import RENDERING_PARAMETERS, Shape, read_shape, rendering_flags
from documents.api.expanded import read_expansions
from documents.fields import Field, read_field
from documents.filters import read_filters
from documents.listing import MAX_PARTITIONS, Expansion, Partition, Places, Question, Sort
from documents.listing.ordering import Position
from mixpeek_site import jsonio
from mixpeek_site.api.pagination import PAGE_PARAMETERS, Page, decode_cursor, encode_cursor, read_page
from mixpeek_site.errors import BadRequestError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject, Location
from namespaces.scope import Scope

ASKED: Final = frozenset(("filters", "sort", "search", "partition", "group_by", "select", "expand"))
COLLECTION_NAMES: Final = ("collection_ids", "collection_id", "collections")
LIST_PARAMETERS: Final = RENDERING_PARAMETERS | PAGE_PARAMETERS | ASKED
EVERYWHERE_PARAMETERS: Final = LIST_PARAMETERS | frozenset(COLLECTION_NAMES)

_JSON_TEXTS: Final = frozenset(("filters", "sort", "partition"))
_LISTS: Final = frozenset(("select", "expand", *COLLECTION_NAMES))
_SHORT_SORT: Final = re.compile(r"(?P<field>[^{].*):(?P<direction>asc|desc)", re.IGNORECASE | re.DOTALL)
_NEGATIONS: Final = re.compile(r'(?<![^\s()!&|"])-(?:[\s()!&|]*-){2,}')  # some 30 are too many for PostgreSQL; two cancel out
_MAX_NAMES: Final = 200
_MAX_COLLECTIONS: Final = 1000


@dataclass(frozen=True, slots=True)
class Given:
    """A member of the body or a query parameter, and where it stood."""

    value: Any
    location: Location


@dataclass(frozen=True, slots=True)
class Listing:
    """A list as asked for. `binding` is what its cursors are bound to besides their partition."""

    question: Question
    page: Page
    shape: Shape
    position: Position | None
    group_by: Field | None
    select: tuple[str, ...] | None
    expand: tuple[Expansion, ...]
    binding: tuple[Any, ...]

    def cursor(self, position: Position) -> str:
        """The text that leads to what follows `position`, in the same partition."""
        partition = self.question.partition
        return encode_cursor(list(self.binding), [position, [partition.index, partition.count] if partition else None])


def read_listing(
    query: Mapping[str, str], body: JSONObject, scope: Scope, collection: str | None, others: frozenset[str] = frozenset()
) -> Listing:
    """`others`: members of the body that were read before.

    Raises ValidationError for what is unknown or mistyped, BadRequestError for a cursor of another list.

    The body wins over the query; null and an empty parameter are absent. Without `collection`: of the namespace.
    """
    accepted = LIST_PARAMETERS if collection is not None else EVERYWHERE_PARAMETERS
    unknown = [
        Fault(("body", name), f"unknown; accepted: {', '.join(sorted(accepted | others))}", "extra_forbidden")
        for name in body
        if name not in accepted
    ]
    if unknown:
        raise ValidationError(*unknown)
    given = {**_of_query(query), **{name: Given(value, ("body", name)) for name, value in body.items() if value is not None}}
    page = read_page(dict(query), body)
    shape = read_shape(rendering_flags(dict(query), body))
    places = Places(collection) if collection is not None else Places(collections=_collections(given))
    filters, sort = given.get("filters"), given.get("sort")
    question = Question(
        places,
        read_filters(filters.value, filters.location) if filters else None,
        read_search(given.get("search")),
        _sort(sort) if sort else None,
        _partition(given.get("partition")),
    )
    group_by = _group_by(given.get("group_by"))
    binding = (
        *(scope.organization_id, scope.identifier, [places.collection, sorted(places.collections or ())]),
        *(filters.value if filters and question.filters else None, question.search),
        [question.sort.field.name, question.sort.descending] if question.sort else None,
        group_by.name if group_by else None,
    )
    position, partition = _position(page, binding)
    if partition is not None:
        if question.partition not in (None, partition):
            raise BadRequestError("The cursor is of another partition than the one asked for.", parameter="cursor")
        question = Question(question.places, question.filters, question.search, question.sort, partition)
    select, expanded = _names(given.get("select")), _names(given.get("expand"))
    expand = read_expansions(expanded, given["expand"].location) if expanded else ()
    return Listing(question, page, shape, position, group_by, select, expand, binding)


def _of_query(query: Mapping[str, str]) -> dict[str, Given]:
    found: dict[str, Given] = {}
    for name, text in query.items():
        if (name not in ASKED and name not in COLLECTION_NAMES) or not text:
            continue
        location: Location = ("query", name)
        value: Any = text
        if name in _JSON_TEXTS:
            value = _short_sort(text) if name == "sort" else None
            if value is None:
                value = _of_json(text, location)
        elif name in _LISTS:
            value = [part for part in map(str.strip, text.split(",")) if part]
        if value is not None:
            found[name] = Given(value, location)
    return found


def _of_json(text: str, location: Location) -> Any:
    try:
        return jsonio.loads(text)
    except BadRequestError:
        raise ValidationError(Fault(location, "must be JSON text", "json_invalid")) from None


def _short_sort(text: str) -> JSONObject | None:
    """`field:direction`, which the clients of the hosted service may send as well; None for other texts."""
    short = _SHORT_SORT.fullmatch(text)
    return short and {"field": short["field"], "direction": short["direction"]}


def _collections(given: Mapping[str, Given]) -> tuple[str, ...] | None:
    for name in COLLECTION_NAMES:
        if (asked := given.get(name)) is None:
            continue
        names = [asked.value] if isinstance(asked.value, str) else asked.value
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise ValidationError(Fault(asked.location, "must be an array of collections' ids or names", "list_type"))
        if not 1 <= len(names) <= _MAX_COLLECTIONS:
            message = f"must name 1 to {_MAX_COLLECTIONS} collections; left out, all are meant"
            raise ValidationError(Fault(asked.location, message, "length"))
        _require_storable(names, asked.location)
        return tuple(dict.fromkeys(names))
    return None


def _require_storable(value: Any, location: Location) -> None:
    faults = list(jsonio.unstorable(value, location))
    if faults:
        raise ValidationError(*faults)


def read_search(given: Given | None) -> str | None:
    if given is None or given.value == "":
        return None
    if not isinstance(given.value, str):
        raise ValidationError(Fault(given.location, "must be a string", "string_type"))
    limit: int = settings.MAX_SEARCH_LENGTH
    if len(given.value) > limit:
        raise ValidationError(Fault(given.location, f"must have at most {limit} characters", "string_length"))
    _require_storable(given.value, given.location)
    return _NEGATIONS.sub(lambda run: "-" * (2 - run[0].count("-") % 2), given.value)


def _sort(given: Given) -> Sort | None:
    if given.value == {}:
        return None
    sort = _object(given, ("field", "direction"), required="field")
    direction = sort.get("direction") or "asc"
    if not isinstance(direction, str) or direction.lower() not in ("asc", "desc"):
        raise ValidationError(Fault((*given.location, "direction"), "must be asc or desc", "enum"))
    return Sort(read_field(sort["field"], (*given.location, "field")), direction.lower() == "desc")


def _partition(given: Given | None) -> Partition | None:
    if given is None:
        return None
    partition = _object(given, ("index", "count"), required="index")
    index, count = partition["index"], partition.get("count")
    for name, value, least, most in (("count", count, 1, MAX_PARTITIONS), ("index", index, 0, MAX_PARTITIONS - 1)):
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError(Fault((*given.location, name), "must be an integer", "int_type"))
        if not least <= value <= most:
            raise ValidationError(Fault((*given.location, name), f"must be from {least} to {most}", "out_of_range"))
    assert isinstance(count, int)
    if index >= count:
        raise ValidationError(Fault((*given.location, "index"), f"must be less than count, which is {count}", "out_of_range"))
    return Partition(index, count)


def _object(given: Given, members: tuple[str, ...], *, required: str) -> JSONObject:
    value = given.value
    if not isinstance(value, dict):
        raise ValidationError(Fault(given.location, f"must be an object of {', '.join(members)}", "dict_type"))
    faults = [
        Fault((*given.location, name), f"unknown; accepted: {', '.join(members)}", "extra_forbidden")
        for name in value
        if name not in members
    ]
    if value.get(required) is None:
        faults.append(Fault((*given.location, required), "is required", "missing"))
    if faults:
        raise ValidationError(*faults)
    return value


def _group_by(given: Given | None) -> Field | None:
    if given is None or given.value in ("", {}):
        return None
    if isinstance(given.value, dict):
        return read_field(_object(given, ("field",), required="field")["field"], (*given.location, "field"))
    return read_field(given.value, given.location)


def _names(given: Given | None) -> tuple[str, ...] | None:
    """None: not asked for. An empty `select` is absent, too: nobody means to get nothing."""
    if given is None or given.value == []:
        return None
    names = [given.value] if isinstance(given.value, str) else given.value
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ValidationError(Fault(given.location, "must be an array of fields' names", "list_type"))
    if len(names) > _MAX_NAMES:
        raise ValidationError(Fault(given.location, f"must name at most {_MAX_NAMES} fields", "length"))
    return tuple(names)


def _position(page: Page, binding: tuple[Any, ...]) -> tuple[Position | None, Partition | None]:
    if page.cursor is None:
        return None, None
    decoded = decode_cursor(page.cursor, list(binding))
    position, partition = decoded if len(decoded) == 2 else (None, None)
    if not isinstance(position, list):
        raise BadRequestError("The cursor is not one that this list gave.", parameter="cursor")
    return position, Partition(*partition) if partition else None
