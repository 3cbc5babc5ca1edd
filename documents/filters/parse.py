"""Filters as the request says them, read into nodes (contract section 7).

An object is one of two things:

- a condition, when it has `field` or `operator`: `{field, operator?, value?, case_sensitive?}`;
- otherwise a group whose members all hold: `AND`, `OR`, `NOT` (a list of filters, or one), `must`, `should`, `must_not`
  (a list of conditions `{key, value | match | range}` and groups of the same style, or one), and shorthand equalities,
  which are all other names. A user field that is called like a member of the language is named by its pointer: `/AND`.

What says nothing (null, `{}`, an empty group, `case_sensitive` alone) holds for every document.
"""

from collections.abc import Callable
from typing import Any as Json
from typing import Final

from django.conf import settings

from documents.fields import read_field
from documents.filters.nodes import All, Any, Condition, Node, Nothing
from documents.filters.operators import OPERATORS
from mixpeek_site.errors import Fault, ValidationError
from mixpeek_site.jsonio import JSONObject, Location, unstorable

EVERYTHING: Final = All(())
NEVER: Final = Any(())

_CONDITION: Final = ("field", "operator", "value", "case_sensitive")
_KEYED: Final = ("key", "value", "match", "range", "case_sensitive")
_RANGE: Final = ("gt", "gte", "lt", "lte")


def read_filters(raw: Json, location: Location, *, writing: bool = False) -> Node | None:
    """The tree of a filter in parsed JSON; None: it matches every document. Raises ValidationError naming the place.

    `writing`: what matches everything because it says nothing (null, `{}`, an empty group) is refused at any depth.
    """
    node = _Reader(writing).filter(raw, location, depth=0, case_sensitive=False)
    return None if node == EVERYTHING else node


class _Reader:
    """One pass over one filter, counting its conditions."""

    def __init__(self, writing: bool) -> None:
        self.writing = writing
        self.conditions = 0

    def filter(self, raw: Json, location: Location, depth: int, case_sensitive: bool) -> Node:
        """A filter wherever one may stand: the whole, and each in AND, OR and NOT. `depth`: how many groups hold it."""
        if raw is None:
            return self.everything(location)
        if not isinstance(raw, dict):
            raise _refused(location, "must be an object", "object_type")
        if "field" in raw or "operator" in raw:
            return self.condition(raw, location, case_sensitive)
        return self.group(raw, location, depth, case_sensitive, _GROUPS, shorthand=True)

    def keyed(self, raw: Json, location: Location, depth: int, case_sensitive: bool) -> Node:
        """A filter in must, should and must_not."""
        if raw is None:
            return self.everything(location)
        if not isinstance(raw, dict):
            raise _refused(location, "must be an object", "object_type")
        if "key" in raw:
            return self.keyed_condition(raw, location, case_sensitive)
        return self.group(raw, location, depth, case_sensitive, _KEYED_GROUPS, shorthand=False)

    def group(
        self,
        raw: JSONObject,
        location: Location,
        depth: int,
        case_sensitive: bool,
        groups: dict[str, tuple["_Read", "_Combine"]],
        *,
        shorthand: bool,
    ) -> Node:
        """The members of an object, all of which hold."""
        case_sensitive = _case(raw, location, case_sensitive)
        nodes = []
        for name, member in raw.items():
            place = (*location, name)
            if name in groups:
                read, combine = groups[name]
                nodes.append(self.members(member, place, depth + 1, case_sensitive, read, combine))
            elif name == "case_sensitive":
                continue
            elif shorthand:
                nodes.append(self.made(name, place, "eq", member, place, case_sensitive))
            else:
                raise _unknown(place, name, ("key", *groups, "case_sensitive"))
        return _all(nodes) if nodes else self.everything(location)

    def members(
        self, raw: Json, location: Location, depth: int, case_sensitive: bool, read: "_Read", combine: "_Combine"
    ) -> Node:
        """What stands below AND, OR, NOT, must, should or must_not."""
        if depth > settings.MAX_FILTER_DEPTH:
            raise _refused(location, f"groups may be nested {settings.MAX_FILTER_DEPTH} deep", "filter_too_deep")
        if raw is None or raw == [] or raw == {}:
            return self.everything(location)
        if isinstance(raw, dict):
            return combine([read(self, raw, location, depth, case_sensitive)])
        if not isinstance(raw, list):
            raise _refused(location, "must be a list of filters, or one", "list_type")
        return combine([read(self, item, (*location, index), depth, case_sensitive) for index, item in enumerate(raw)])

    def condition(self, raw: JSONObject, location: Location, case_sensitive: bool) -> Node:
        """`{field, operator?, value?, case_sensitive?}`."""
        for name in raw:
            if name not in _CONDITION:
                raise _unknown((*location, name), name, _CONDITION)
        if "field" not in raw:
            raise _refused((*location, "field"), "a condition names its field", "missing")
        case_sensitive = _case(raw, location, case_sensitive)
        operator = raw.get("operator")
        if operator is None:
            operator = "eq"
        if not isinstance(operator, str) or operator not in OPERATORS:
            message = f"{operator!r} is not an operator" if isinstance(operator, str) else "must be an operator's name"
            raise _refused((*location, "operator"), f"{message}; accepted: {', '.join(OPERATORS)}", "operator")
        value, default = raw.get("value"), OPERATORS[operator].default
        if value is None and default is not None:
            value = default
        elif "value" not in raw:
            raise _refused((*location, "value"), f"{operator} needs a value", "missing")
        return self.made(raw["field"], (*location, "field"), operator, value, (*location, "value"), case_sensitive)

    def keyed_condition(self, raw: JSONObject, location: Location, case_sensitive: bool) -> Node:
        """`{key, value | match: {value | any} | range: {gt, gte, lt, lte}, case_sensitive?}`."""
        for name in raw:
            if name not in _KEYED:
                raise _unknown((*location, name), name, _KEYED)
        case_sensitive = _case(raw, location, case_sensitive)
        form = _only(raw, ("value", "match", "range"), location)
        key, at_key, place, given = raw["key"], (*location, "key"), (*location, form), raw[form]
        if form == "value":
            return self.made(key, at_key, "eq", given, place, case_sensitive)
        if not isinstance(given, dict):
            raise _refused(place, "must be an object", "object_type")
        members = ("value", "any") if form == "match" else _RANGE
        for name in given:
            if name not in members:
                raise _unknown((*place, name), name, members)
        if form == "match":
            name = _only(given, members, place)
            operator = "eq" if name == "value" else "in"
            return self.made(key, at_key, operator, given[name], (*place, name), case_sensitive)
        if not given:
            raise _refused(place, f"needs a bound: {', '.join(_RANGE)}", "missing")
        for name, bound in given.items():
            if bound is None:
                raise _refused((*place, name), "must be a number or a string; leave out a bound that is none", "bound")
        return _all([self.made(key, at_key, name, bound, (*place, name), case_sensitive) for name, bound in given.items()])

    def made(self, name: object, at_name: Location, operator: str, value: object, place: Location, case_sensitive: bool) -> Node:
        """One condition, counted; `place` is the value's."""
        self.conditions += 1
        if self.conditions > settings.MAX_FILTER_CONDITIONS:
            raise _refused(place, f"a filter has at most {settings.MAX_FILTER_CONDITIONS} conditions", "too_many_conditions")
        field = read_field(name, at_name)
        if wrong := OPERATORS[operator].check(value):
            raise _refused(place, f"{operator} {wrong}", "operand")
        if isinstance(value, dict) and value.keys() == {"type", "field"} and value["type"] == "dynamic":
            raise _refused(place, "dynamic values are not served: there is no other request to take them from", "dynamic")
        if fault := next(unstorable(value, place), None):
            raise ValidationError(fault)
        return Condition(field, operator, value, case_sensitive, place)

    def everything(self, location: Location) -> Node:
        """What says nothing and so matches everything, which a write never may."""
        if self.writing:
            raise _refused(location, "matches every document; a write's filters name what they mean", "matches_everything")
        return EVERYTHING


def _case(raw: JSONObject, location: Location, inherited: bool) -> bool:
    given = raw.get("case_sensitive")
    if given is None:
        return inherited
    if not isinstance(given, bool):
        raise _refused((*location, "case_sensitive"), "must be true or false", "bool_type")
    return given


def _only(raw: JSONObject, names: tuple[str, ...], location: Location) -> str:
    """The one of several members that is there."""
    given = [name for name in names if name in raw]
    if len(given) != 1:
        raise _refused(location, f"needs exactly one of {', '.join(names)}", "missing" if not given else "too_many")
    return given[0]


# Combining, with what is always or never true taken out -----------------------------------------------------------------


def _all(nodes: list[Node]) -> Node:
    if NEVER in nodes:
        return NEVER
    kept = tuple(node for node in nodes if node != EVERYTHING)
    return kept[0] if len(kept) == 1 else All(kept)


def _any(nodes: list[Node]) -> Node:
    if EVERYTHING in nodes:
        return EVERYTHING
    kept = tuple(node for node in nodes if node != NEVER)
    return kept[0] if len(kept) == 1 else Any(kept)


def _none(nodes: list[Node]) -> Node:
    if EVERYTHING in nodes:
        return NEVER
    kept = tuple(node for node in nodes if node != NEVER)
    return Nothing(kept) if kept else EVERYTHING


_Read = Callable[[_Reader, Json, Location, int, bool], Node]
_Combine = Callable[[list[Node]], Node]
_GROUP_NAMES: Final = {"AND": _all, "OR": _any, "NOT": _none}
_KEYED_NAMES: Final = {"must": _all, "should": _any, "must_not": _none}
_KEYED_GROUPS: Final[dict[str, tuple[_Read, _Combine]]] = {
    name: (_Reader.keyed, combine) for name, combine in _KEYED_NAMES.items()
}
_GROUPS: Final[dict[str, tuple[_Read, _Combine]]] = {
    **{name: (_Reader.filter, combine) for name, combine in _GROUP_NAMES.items()},
    **_KEYED_GROUPS,
}


def _refused(location: Location, message: str, kind: str) -> ValidationError:
    return ValidationError(Fault(location, message, kind))


def _unknown(location: Location, name: str, accepted: tuple[str, ...]) -> ValidationError:
    return _refused(location, f"{name!r} is not known here; accepted: {', '.join(accepted)}", "extra_forbidden")
