"""PATCH's rules: RFC 7396 and plain JSON's paths, RFC 6902, and the SQL that carries out the first two."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import patching
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import ConflictError, ValidationError
from tests import generators

MAX = 16 * 1024 * 1024


def in_sql(target: Any, patch: Any) -> Any:
    row = sql.one("SELECT documents_merge_patch(%s::jsonb, %s::jsonb)::text", (jsonio.dumps(target), jsonio.dumps(patch)))
    assert row
    return jsonio.loads(row[0])


# Merge patch, RFC 7396 ----------------------------------------------------------------------------------------------

# The test cases of the RFC's appendix A.
RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "after"), RFC_7396)
def test_merge_patch_is_rfc_7396(target: Any, patch: Any, after: Any) -> None:
    before = deepcopy(target)
    assert patching.merge_patch(target, patch) == after
    assert target == before


@pytest.mark.django_db
@pytest.mark.parametrize(("target", "patch", "after"), RFC_7396)
def test_merge_patch_in_sql_is_rfc_7396(target: Any, patch: Any, after: Any) -> None:
    assert in_sql(target, patch) == after


@pytest.mark.django_db
@given(generators.objects, generators.objects)
def test_merge_patch_in_sql_is_the_pure_one(target: Any, patch: Any) -> None:
    assert in_sql(target, patch) == patching.merge_patch(target, patch)


@pytest.mark.django_db
@given(st.data())
def test_merge_patch_in_sql_is_the_pure_one_where_target_and_patch_share_keys(data: st.DataObject) -> None:
    few = st.sampled_from(["a", "A", "a.b", ""])
    tree: Any = st.recursive(generators.scalars, lambda inner: st.dictionaries(few, inner, max_size=3), max_leaves=10)
    target, patch = data.draw(tree), data.draw(tree)
    assert in_sql(target, patch) == patching.merge_patch(target, patch)


# Plain JSON's paths -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patch", "expanded"),
    [
        ({"a": 1}, {"a": 1}),
        ({"a.b": 1}, {"a": {"b": 1}}),
        ({"a.b": 1, "a.c": 2}, {"a": {"b": 1, "c": 2}}),
        ({"a": {"b.c": 1}}, {"a": {"b.c": 1}}),
        ({"a.b": None}, {"a": {"b": None}}),
        ({"a.0": 1}, {"a": {"0": 1}}),
        ({"a..b": 1}, {"a": {"": {"b": 1}}}),
        ({"ab": 1, "a.b": 2}, {"ab": 1, "a": {"b": 2}}),
    ],
)
def test_dotted_keys_of_the_top_level_are_paths(patch: Any, expanded: Any) -> None:
    assert patching.expand_paths(patch) == expanded


@pytest.mark.parametrize("patch", [{"a": 1, "a.b": 2}, {"a.b.c": 1, "a.b": {}}, {"a.b.c.d": 1, "a": None}, {"": 1, ".a": 2}])
def test_a_key_beside_its_own_prefix_is_refused(patch: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        patching.expand_paths(patch)
    assert caught.value.faults[0].type == "contradiction"


def test_a_path_may_lead_64_levels_deep_and_no_deeper() -> None:
    assert patching.expand_paths({".".join("a" * 64): 1})
    with pytest.raises(ValidationError):
        patching.expand_paths({".".join("a" * 65): 1})
    with pytest.raises(ValidationError):
        patching.expand_paths({".".join("a" * 64): {}})


# The limit of one document ------------------------------------------------------------------------------------------


def patched(target: str, patch: str, limit: int) -> str:
    row = sql.one("SELECT documents_patched(%s::jsonb, %s::jsonb, %s)::text", (target, patch, limit))
    assert row
    return str(row[0])


@pytest.mark.django_db
@pytest.mark.parametrize("text", ['{"a":[1,2,3],"b":{"c":"d, e: \\" f","é":null}}', '{"a":1e300,"b":"\\\\"}', '{"a":{},"b":[]}'])
def test_a_patched_document_is_measured_as_a_created_one_is(text: str) -> None:
    size = jsonio.stored_bytes(jsonio.dumps(jsonio.loads(text)))
    filler = '"' + "x" * 100_000 + '"'
    limit = size + len(filler) + len('"filler":,')
    patched(text, f'{{"filler":{filler}}}', limit)
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        patched(text, f'{{"filler":{filler}}}', limit - 1)


@pytest.mark.django_db
def test_numbers_whose_text_is_far_larger_than_their_storage_are_measured() -> None:
    bomb = "[" + ",".join(["1e999"] * 17_000) + "]"
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        patched("{}", f'{{"a":{bomb}}}', MAX)


# JSON Patch, RFC 6902 -----------------------------------------------------------------------------------------------

# Appendix A of the RFC, those that succeed: before, operations, after.
RFC_6902: list[tuple[Any, Any, Any]] = [
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
    ({"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
    ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
    ({"baz": "qux", "foo": "bar"}, [{"op": "replace", "path": "/baz", "value": "boo"}], {"baz": "boo", "foo": "bar"}),
    (
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    (
        {"foo": ["all", "grass", "cows", "eat"]},
        [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    (
        {"baz": "qux", "foo": ["a", 2, "c"]},
        [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}],
        {"baz": "qux", "foo": ["a", 2, "c"]},
    ),
    ({"foo": "bar"}, [{"op": "add", "path": "/child", "value": {"grandchild": {}}}], {"foo": "bar", "child": {"grandchild": {}}}),
    ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}], {"foo": "bar", "baz": "qux"}),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ({"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}], {"foo": ["bar", ["abc", "def"]]}),
]


@pytest.mark.parametrize(("before", "operations", "after"), RFC_6902)
def test_json_patch_is_rfc_6902(before: Any, operations: Any, after: Any) -> None:
    untouched = deepcopy(before)
    assert patching.json_patch(before, operations) == after
    assert before == untouched


@pytest.mark.parametrize(
    ("before", "operations", "after"),
    [
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"a": 1}, [{"op": "add", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/a/c"}], {"a": {"b": 1, "c": {"b": 1}}}),
        ({"a": [1]}, [{"op": "move", "from": "/a", "path": "/a"}], {"a": [1]}),
        ({"": 1, "a": {"": 2}}, [{"op": "remove", "path": "/a/"}, {"op": "remove", "path": "/"}], {"a": {}}),
        ({"a": 1}, [{"op": "test", "path": "/a", "value": Decimal("1.0")}], {"a": 1}),
        ({"a": [1, {"b": None}]}, [{"op": "test", "path": "/a", "value": [1, {"b": None}]}], {"a": [1, {"b": None}]}),
        ({"a": 1}, [{"op": "replace", "path": "/a", "value": None}], {"a": None}),
        ({"a": 1}, [], {"a": 1}),
        ({"0": "x"}, [{"op": "remove", "path": "/0"}], {}),
    ],
)
def test_json_patch_at_the_edges(before: Any, operations: Any, after: Any) -> None:
    assert patching.json_patch(before, operations) == after


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/baz/bat", "value": "qux"},  # RFC 6902, A.12
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/-1", "value": 1},
        {"op": "add", "path": "/list/\u0660", "value": 1},
        {"op": "remove", "path": "/list/-"},
        {"op": "remove", "path": "/nope"},
        {"op": "replace", "path": "/nope", "value": 1},
        {"op": "replace", "path": "/list/2", "value": 1},
        {"op": "move", "from": "/foo", "path": "/foo/deeper"},
        {"op": "move", "from": "/nope", "path": "/foo"},
        {"op": "copy", "from": "/list/9", "path": "/foo"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "", "value": [1]},
        {"op": "add", "path": "/foo"},
        {"op": "add", "path": "no-slash", "value": 1},
        {"op": "add", "path": "/a~2b", "value": 1},
        {"op": "add", "value": 1},
        {"op": "copy", "path": "/x"},
        {"op": "frobnicate", "path": "/foo"},
        {"op": ["add"], "path": "/foo", "value": 1},
        {"path": "/foo"},
        "add",
        None,
        {"op": "add", "path": "/foo/0", "value": 1},
    ],
)
def test_an_impossible_operation_is_refused(operation: Any) -> None:
    with pytest.raises(ValidationError):
        patching.json_patch({"foo": "bar", "list": [1, 2]}, [operation])


@pytest.mark.parametrize("operations", [{}, "add", 1, None, {"op": "add", "path": "/a", "value": 1}])
def test_a_json_patch_is_an_array(operations: Any) -> None:
    with pytest.raises(ValidationError):
        patching.json_patch({}, operations)


@pytest.mark.parametrize(
    ("path", "value"),
    [("/a", 2), ("/a", "1"), ("/a", True), ("/t", 1), ("/nope", None), ("/l", [2, 1]), ("/o", {"x": 1, "y": 2})],
)
def test_a_test_that_fails_is_a_conflict(path: str, value: Any) -> None:
    with pytest.raises(ConflictError):
        patching.json_patch({"a": 1, "t": True, "l": [1, 2], "o": {"x": 1}}, [{"op": "test", "path": path, "value": value}])


@given(generators.objects, generators.keys, generators.values)
def test_what_is_added_is_there_and_removing_it_undoes_it(before: Any, key: str, value: Any) -> None:
    path = "/" + key.replace("~", "~0").replace("/", "~1")
    added = patching.json_patch(before, [{"op": "add", "path": path, "value": value}])
    assert added == {**before, key: value}
    removed = patching.json_patch(added, [{"op": "test", "path": path, "value": value}, {"op": "remove", "path": path}])
    assert removed == {name: member for name, member in before.items() if name != key}
