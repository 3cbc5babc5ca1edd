"""From the query parameters and body of a list to a `Listing`, and from its page to cursors and pagination."""

from dataclasses import dataclass
from typing import Any

from mixpeek_site import jsonio
from mixpeek_site.api.pagination import PAGE_PARAMETERS, Page, decode_cursor, encode_cursor, pagination, read_page
from mixpeek_site.api.query import boolean
from mixpeek_site.errors import BadRequestError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject
from namespaces.api.inputs import check
from namespaces.listing import Condition, Kind, Listing, Sort

LIST_PARAMETERS = PAGE_PARAMETERS | {"filters", "sort", "search", "case_sensitive", "include_system"}

_JSON_PARAMETERS = ("filters", "sort")


@dataclass(frozen=True, slots=True)
class ListInput:
    """A list as asked for; `binding` is what its cursors are bound to."""

    page: Page
    listing: Listing
    body: JSONObject
    binding: list[Any]

    def pagination(self, total: int | None, next_position: tuple[str, str] | None) -> JSONObject:
        """The answer's `pagination`; its totals only when they were asked for."""
        cursor = None if next_position is None else encode_cursor(self.binding, list(next_position))
        shown = total if self.page.include_total else None
        return pagination(self.page, shown, cursor, next_position is not None)


def read_list(query: dict[str, str], body: JSONObject, component: str, kind: Kind, place: list[Any]) -> ListInput:
    """A list of `kind` in `place` (what names it: part of the cursors' binding); the body wins over the query.

    Raises ValidationError for what is unknown, mistyped or not supported, BadRequestError for a foreign cursor.
    """
    merged = {**_of_query(query), **{name: value for name, value in body.items() if value is not None}}
    check(body, component)
    page = read_page(query, body)
    case_sensitive = _flag(query, body, "case_sensitive")
    search = merged.get("search")
    if search is not None and next(jsonio.unstorable(search, ("search",)), None):
        raise ValidationError(Fault(("query", "search"), "holds U+0000", "string_unstorable"))
    sort = _sort(merged, kind)
    conditions = tuple(_conditions(merged.get("filters") or {}, ("body", "filters"), case_sensitive))
    binding = [*place, kind.table, merged.get("filters"), search, case_sensitive, [sort.key, sort.descending] if sort else None]
    listing = Listing(conditions, search, case_sensitive, sort, page.limit, page.offset, _position(page, binding))
    return ListInput(page, listing, merged, binding)


def _of_query(query: dict[str, str]) -> JSONObject:
    found: JSONObject = {name: text for name, text in query.items() if text}  # an empty one is absent
    for name in _JSON_PARAMETERS:
        if name in found:
            try:
                found[name] = jsonio.loads(query[name])
            except BadRequestError:
                raise ValidationError(Fault(("query", name), "must be JSON text", "json_invalid")) from None
            if found[name] is not None and not isinstance(found[name], dict):
                raise ValidationError(Fault(("query", name), "must be a JSON object", "dict_type"))
    return found


def _flag(query: dict[str, str], body: JSONObject, name: str) -> bool:
    value = body.get(name)
    return boolean(query, name) if value is None else bool(value)


def _position(page: Page, binding: list[Any]) -> tuple[str, str] | None:
    if page.cursor is None:
        return None
    position = decode_cursor(page.cursor, binding)
    if len(position) != 2 or not all(isinstance(part, str) for part in position):
        raise BadRequestError("The cursor is not one that this list gave.", parameter="cursor")
    return position[0], position[1]


def _sort(merged: JSONObject, kind: Kind) -> Sort | None:
    """`sorts` (its first and only entry) wins over `sort`, as in the sources."""
    name, given = ("sorts", merged["sorts"][0]) if merged.get("sorts") else ("sort", merged.get("sort"))
    if not given:
        return None
    field, direction = given.get("field"), given.get("direction") or "asc"
    if field not in kind.sorts:
        raise ValidationError(
            Fault(("body", name, "field"), f"can't be sorted by; accepted: {', '.join(sorted(kind.sorts))}", "not_supported")
        )
    if direction not in ("asc", "desc"):
        raise ValidationError(Fault(("body", name, "direction"), "must be asc or desc", "enum"))
    return Sort(field, direction == "desc")


def _conditions(filters: Any, location: tuple[str | int, ...], case_sensitive: bool) -> list[Condition]:
    """`{field: value}`, `{field, operator, value}`, or `{AND: …}` of those; all must hold."""
    if not isinstance(filters, dict):
        raise ValidationError(Fault(location, "must be an object", "dict_type"))
    if isinstance(filters.get("case_sensitive"), bool):
        case_sensitive = filters["case_sensitive"]
        filters = {name: value for name, value in filters.items() if name != "case_sensitive"}
    if "field" in filters:
        return [_condition(filters, location, case_sensitive)]
    found: list[Condition] = []
    for name, value in filters.items():
        place = (*location, name)
        if name == "AND":
            for index, part in enumerate(value if isinstance(value, list) else [value]):
                found += _conditions(part, (*place, index), case_sensitive)
        elif name in ("OR", "NOT", "must", "should", "must_not"):
            raise ValidationError(Fault(place, "is not supported in this list; use AND of equalities", "not_supported"))
        else:
            found.append(Condition(_path(name), _values([value], place), case_sensitive))
    if len(found) > 200:
        raise ValidationError(Fault(location, "must have at most 200 conditions", "length"))
    return found


def _condition(given: JSONObject, location: tuple[str | int, ...], case_sensitive: bool) -> Condition:
    unknown = [name for name in given if name not in ("field", "operator", "value", "case_sensitive")]
    if unknown:
        raise ValidationError(Fault((*location, unknown[0]), "unknown; accepted: field, operator, value", "extra_forbidden"))
    if not isinstance(given["field"], str) or "value" not in given:
        raise ValidationError(Fault(location, "a condition needs a field and a value", "missing"))
    operator = given.get("operator") or "eq"
    values = given["value"]
    if operator == "eq":
        values = [values]
    elif operator != "in":
        raise ValidationError(Fault((*location, "operator"), "is not supported in this list; use eq or in", "not_supported"))
    if not isinstance(values, list):
        raise ValidationError(Fault((*location, "value"), "must be an array", "list_type"))
    return Condition(_path(given["field"]), _values(values, (*location, "value")), case_sensitive)


def _path(name: str) -> tuple[str, ...]:
    return tuple(name.split("."))


def _values(values: list[Any], location: tuple[str | int, ...]) -> tuple[Any, ...]:
    for value in values:
        if isinstance(value, dict | list):
            raise ValidationError(Fault(location, "must be a string, a number, a boolean or null", "scalar_type"))
    return tuple(values)
