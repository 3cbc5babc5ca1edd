"""What is a filter and what is not: trees of what is, and the place of each fault in what is not."""

from typing import Any

import pytest

from documents.filters import All, Condition, Nothing, conditions, has_regex, predicate, read_filters, reads_lineage
from documents.filters import Any as AnyOf
from documents.filters.operators import OPERATORS
from mixpeek_site.errors import ValidationError

PLACE = ("body", "filters")
A = {"field": "a", "value": 1}
B = {"field": "b", "operator": "gt", "value": 2}


def shape(node: Any) -> Any:
    """A tree as tuples."""
    if isinstance(node, Condition):
        return (node.field.name, node.operator, node.value) + (("case",) if node.case_sensitive else ())
    name = {All: "all", AnyOf: "any", Nothing: "none"}.get(type(node))
    return node if name is None else (name, *map(shape, node.nodes))


def read(raw: Any, *, writing: bool = False) -> Any:
    return shape(read_filters(raw, PLACE, writing=writing))


def fault(raw: Any, *, writing: bool = False) -> tuple[tuple[str | int, ...], str]:
    """Where a filter is wrong, below `filters`, and what is said."""
    with pytest.raises(ValidationError) as caught:
        read_filters(raw, PLACE, writing=writing)
    [only] = caught.value.faults
    assert only.location[:2] == PLACE
    return only.location[2:], only.message


a, b = ("a", "eq", 1), ("b", "gt", 2)


@pytest.mark.parametrize(
    ("raw", "tree"),
    [
        (A, a),
        ({"a": 1}, a),
        ({"a": 1, "/b.c": None}, ("all", a, ("/b.c", "eq", None))),
        ({"AND": [A, B]}, ("all", a, b)),
        ({"AND": A}, a),
        ({"OR": [A, B]}, ("any", a, b)),
        ({"NOT": [A, B]}, ("none", a, b)),
        ({"NOT": A}, ("none", a)),
        ({"AND": [A], "OR": [A, B]}, ("all", a, ("any", a, b))),
        ({"OR": [A, B], "a": 1, "NOT": B}, ("all", ("any", a, b), a, ("none", b))),
        ({"AND": [{"a": 1}, {"OR": [A, {"b": 1, "c": 2}]}]}, ("all", a, ("any", a, ("all", ("b", "eq", 1), ("c", "eq", 2))))),
        ({"field": "a", "operator": None, "value": 1}, a),
        ({"field": "a", "operator": "exists"}, ("a", "exists", True)),
        ({"field": "a", "operator": "is_null", "value": None}, ("a", "is_null", True)),
        ({"field": "a", "operator": "is_null", "value": False}, ("a", "is_null", False)),
        ({"value": 1}, ("value", "eq", 1)),
        ({"key": "k"}, ("key", "eq", "k")),
        ({"/field": 1}, ("/field", "eq", 1)),
        ({"a": {"b": 1}}, ("a", "eq", {"b": 1})),
        ({"a": [1]}, ("a", "eq", [1])),
        ({"must": [{"key": "a", "match": {"value": 1}}]}, a),
        ({"must": {"key": "a", "value": 1}}, a),
        ({"should": [{"key": "a", "value": 1}, {"key": "b", "match": {"any": [1]}}]}, ("any", a, ("b", "in", [1]))),
        ({"must_not": [{"key": "b", "range": {"gt": 2}}]}, ("none", b)),
        ({"must": [{"key": "b", "range": {"gte": 1, "lt": 5}}]}, ("all", ("b", "gte", 1), ("b", "lt", 5))),
        (
            {"must": [{"should": [{"key": "a", "value": 1}, {"must_not": {"key": "b", "range": {"gt": 2}}}]}]},
            ("any", a, ("none", b)),
        ),
        ({"must": [{"key": "a", "value": 1}], "AND": [B]}, ("all", a, b)),
    ],
)
def test_what_is_a_filter(raw: Any, tree: Any) -> None:
    assert read(raw) == tree
    assert read(raw, writing=True) == tree


@pytest.mark.parametrize(
    "raw", [None, {}, {"AND": []}, {"OR": {}}, {"NOT": []}, {"NOT": None}, {"case_sensitive": True}, {"must": []}]
)
def test_what_says_nothing_matches_everything_on_a_read_only(raw: Any) -> None:
    assert read(raw) is None
    assert predicate(read_filters(raw, PLACE)) == ("true", ())
    assert "matches every document" in fault(raw, writing=True)[1]


@pytest.mark.parametrize(
    ("raw", "place", "tree"),
    [
        ({"AND": [A, {}]}, ("AND", 1), a),
        ({"AND": [A, None]}, ("AND", 1), a),
        ({"AND": [A], "OR": []}, ("OR",), a),
        ({"a": 1, "NOT": {}}, ("NOT",), a),
        ({"OR": [A, {"AND": []}]}, ("OR", 1, "AND"), None),
        ({"NOT": [{}]}, ("NOT", 0), ("any",)),
        ({"NOT": [{"OR": [{"case_sensitive": True}]}, A]}, ("NOT", 0, "OR", 0), ("any",)),
        ({"OR": [A, {"NOT": [{}]}]}, ("OR", 1, "NOT", 0), a),
        ({"must": [{"key": "a", "value": 1}], "should": None}, ("should",), a),
    ],
)
def test_it_is_found_at_any_depth_of_a_write(raw: Any, place: Any, tree: Any) -> None:
    assert read(raw) == tree
    assert fault(raw, writing=True)[0] == place


@pytest.mark.parametrize(
    ("raw", "tree"),
    [
        ({"case_sensitive": True, **A}, ("a", "eq", 1, "case")),
        ({"case_sensitive": True, "a": 1}, ("a", "eq", 1, "case")),
        ({"case_sensitive": True, "AND": [A, {**B, "case_sensitive": False}]}, ("all", ("a", "eq", 1, "case"), b)),
        (
            {"case_sensitive": True, "OR": [A, {"case_sensitive": False, "NOT": [B, {"case_sensitive": None, "a": 1}]}]},
            ("any", ("a", "eq", 1, "case"), ("none", b, a)),
        ),
        ({"must": {"key": "a", "value": 1, "case_sensitive": True}}, ("a", "eq", 1, "case")),
        ({"case_sensitive": None, "a": 1}, a),
    ],
)
def test_the_innermost_case_sensitive_wins(raw: Any, tree: Any) -> None:
    assert read(raw) == tree


NO_LISTS: list[Any] = [[], "x", {}, None, [1] * 1001]
NO_STRINGS: list[Any] = [1, None, ["x"]]
NO_BOOLEANS: list[Any] = [1, "true", []]
DYNAMIC = {"type": "dynamic", "field": "inputs.user_id"}


@pytest.mark.parametrize(
    ("raw", "place", "words"),
    [
        *((raw, (), "must be an object") for raw in ([], [A], "a", 1, True)),
        ({"AND": 1}, ("AND",), "a list of filters, or one"),
        ({"OR": "x"}, ("OR",), "a list of filters, or one"),
        ({"AND": [A, 1]}, ("AND", 1), "must be an object"),
        ({"AND": [A, [B]]}, ("AND", 1), "must be an object"),
        ({"field": "a", "operator": "like", "value": 1}, ("operator",), "'like' is not an operator"),
        *(
            ({"field": "a", "operator": name, "value": 1}, ("operator",), ", ".join(OPERATORS))
            for name in ("EQ", "", "$eq", "phrase", "words", "geo_radius")
        ),
        (
            {"AND": [{"OR": [A, {"field": "a", "operator": 1, "value": 1}]}]},
            ("AND", 0, "OR", 1, "operator"),
            "must be an operator's name",
        ),
        ({"field": "a"}, ("value",), "eq needs a value"),
        ({"field": "a", "operator": "gt"}, ("value",), "gt needs a value"),
        ({"operator": "gt", "value": 1}, ("field",), "names its field"),
        ({**A, "boost": 2}, ("boost",), "field, operator, value, case_sensitive"),
        ({**A, "AND": [B]}, ("AND",), "field, operator, value, case_sensitive"),
        ({**A, "case_sensitive": "yes"}, ("case_sensitive",), "true or false"),
        ({"case_sensitive": 1, "AND": [A]}, ("case_sensitive",), "true or false"),
        *(({"field": "a", "operator": "in", "value": value}, ("value",), "1 to 1000") for value in NO_LISTS),
        ({"field": "a", "operator": "nin", "value": 1}, ("value",), "1 to 1000"),
        *(({"field": "a", "operator": "exists", "value": value}, ("value",), "true or false") for value in NO_BOOLEANS),
        ({"field": "a", "operator": "is_null", "value": 0}, ("value",), "true or false"),
        *(
            ({"field": "a", "operator": operator, "value": value}, ("value",), "takes a string")
            for operator in ("starts_with", "ends_with", "regex", "text")
            for value in NO_STRINGS
        ),
        ({"field": "a", "operator": "regex", "value": "a" * 1001}, ("value",), "at most 1000"),
        ({"field": "a", "operator": "regex", "value": "a" * 1_000_000}, ("value",), "at most 1000"),
        ({"field": "a", "operator": "text", "value": "a " * 10_000}, ("value",), "at most 10000"),
        ({"field": "a", "value": DYNAMIC}, ("value",), "dynamic values are not served"),
        ({"a": DYNAMIC}, ("a",), "dynamic values are not served"),
        ({"field": 1, "value": 1}, ("field",), "a field's name"),
        ({"field": "", "value": 1}, ("field",), "a field's name"),
        ({"field": "a..b", "value": 1}, ("field",), "empty step"),
        ({"": 1}, ("",), "a field's name"),
        ({"_x": 1}, ("_x",), "can't be asked about"),
        ({"field": "a", "value": "x\x00"}, ("value",), "U+0000"),
        ({"field": "a", "operator": "in", "value": ["\ud800"]}, ("value", 0), "lone surrogate"),
        *(
            ({name: value}, (name,), "a list of filters, or one")
            for name in ("must", "should", "must_not")
            for value in ("x", 1, True)
        ),
        ({"must": [1]}, ("must", 0), "must be an object"),
        ({"must": [A]}, ("must", 0, "field"), "accepted: key, must"),
        ({"must": [{"a": 1}]}, ("must", 0, "a"), "accepted: key, must"),
        ({"must": [{"AND": [A]}]}, ("must", 0, "AND"), "accepted: key, must"),
        ({"must": [{"key": "a"}]}, ("must", 0), "exactly one of value, match, range"),
        ({"must": [{"key": "a", "value": 1, "range": {"gt": 1}}]}, ("must", 0), "exactly one of value, match, range"),
        ({"must": [{"key": "a", "match": 1}]}, ("must", 0, "match"), "must be an object"),
        ({"must": [{"key": "a", "match": {}}]}, ("must", 0, "match"), "exactly one of value, any"),
        ({"must": [{"key": "a", "match": {"text": "x"}}]}, ("must", 0, "match", "text"), "accepted: value, any"),
        ({"must": [{"key": "a", "match": {"any": 1}}]}, ("must", 0, "match", "any"), "1 to 1000"),
        ({"must": [{"key": "a", "range": {}}]}, ("must", 0, "range"), "needs a bound"),
        ({"must": [{"key": "a", "range": {"gt": None}}]}, ("must", 0, "range", "gt"), "leave out"),
        ({"must": [{"key": "a", "range": {"above": 1}}]}, ("must", 0, "range", "above"), "accepted: gt, gte, lt, lte"),
        ({"must": [{"key": "a", "is_empty": True}]}, ("must", 0, "is_empty"), "accepted: key, value"),
        ({"must": [{"key": "a..b", "value": 1}]}, ("must", 0, "key"), "empty step"),
    ],
)
def test_what_is_none_and_where(raw: Any, place: Any, words: str) -> None:
    where, said = fault(raw)
    assert where == place
    assert words in said


def nested(depth: int, name: str = "AND") -> Any:
    filter: Any = A if name == "AND" else {"key": "a", "value": 1}
    for _ in range(depth):
        filter = {name: [filter]}
    return filter


@pytest.mark.parametrize("name", ["AND", "must"])
def test_groups_are_nested_ten_deep_and_no_deeper(name: str) -> None:
    assert read(nested(10, name)) == a
    assert fault(nested(11, name)) == ((name, 0) * 10 + (name,), "groups may be nested 10 deep")
    assert fault(nested(10_000, name))[0] == (name, 0) * 10 + (name,)


def test_two_hundred_conditions_and_no_more() -> None:
    assert len(list(conditions(read_filters({"OR": [A] * 200}, PLACE)))) == 200
    assert fault({"OR": [A] * 201}) == (("OR", 200, "value"), "a filter has at most 200 conditions")
    assert fault({f"f{number}": number for number in range(201)})[0] == ("f200",)
    bounds = {"key": "a", "range": {"gt": 1, "lt": 2}}
    assert fault({"must": [bounds] * 101})[0] == ("must", 100, "range", "gt")


def test_what_statements_ask_of_a_tree() -> None:
    assert not reads_lineage(None)
    assert not has_regex(read_filters(A, PLACE))
    assert not reads_lineage(read_filters({"OR": [A, {"created_at": "2024"}]}, PLACE))
    assert reads_lineage(read_filters({"NOT": [A, {"lineage_path": "x"}]}, PLACE))
    assert has_regex(read_filters({"AND": [{"NOT": {"field": "a", "operator": "regex", "value": "x"}}]}, PLACE))


def test_nothing_of_a_request_is_in_the_text_of_the_sql() -> None:
    names = ['it\'s "a" \\ % $1 %s', "ключ"]
    raw = {"AND": [{"field": name, "operator": one.name, "value": one.example} for name in names for one in OPERATORS.values()]}
    text, params = predicate(read_filters(raw, PLACE))
    assert text.isascii()
    assert not any(word in text for word in ("it's", "$1", "Intro", "Tea"))
    assert text.replace("%%", "").count("%") == text.count("%s") == len(params)
