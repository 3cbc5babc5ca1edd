"""`sort` of lists: any field, both directions, ties, missing and null, exact numbers, mixed types (contract section 7)."""

import random
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents.fields import read_field, value_at
from tests import cast, generators
from tests.api.places import Documents
from tests.api.walking import List
from tests.cast import Api
from tests.domain import jsonb_order
from tests.filters.generating import KEYS, NUMBERS, STRINGS
from tests.filters.store import put, record

BOTH = pytest.mark.parametrize("direction", ["asc", "desc"])


def sorted_by(documents: Documents, field: str, direction: str = "asc", **more: Any) -> list[str]:
    return List.of(documents, sort={"field": field, "direction": direction}, **more).ids(limit=100)


def create(documents: Documents, values: list[Any], name: str = "v") -> list[str]:
    """Documents with these values, made in another order than the values'; their ids in the order of the values."""
    numbers = list(range(len(values)))
    random.Random(len(values)).shuffle(numbers)
    for number in numbers:
        documents.create({"document_id": f"doc_{number}", name: values[number]})
    return [f"doc_{number}" for number in range(len(values))]


ASCENDING: dict[str, list[Any]] = {
    "strings by code point": [
        "",
        " ",
        "1",
        "10",
        "9",
        "Z",
        "Zebra",
        "a",
        "aZ",
        "aa",
        "b",
        "ß",
        "é",
        "É".lower() + "a",
        "€",
        "😀",
    ],
    "no locale": ["B", "C", "_", "a", "b", "É", "é", "Ω", "ω"],
    "surrogate pairs after the last of the first plane": ["\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"],
    "numbers exactly": [
        *(-(10**40), -(2**53) - 1, -(2**53), Decimal("-1.5"), -1, 0, Decimal("1e-30"), Decimal("0.1")),
        *(Decimal("0.1000000000000000055"), 1, Decimal("1.5"), 9, 10, 2**53, 2**53 + 1, 2**53 + 2, 2**64 + 1, 10**999),
    ],
    "types in PostgreSQL's order": [[], "", "a", -1, 0, False, True, [None], ["a"], [1], [[]], ["a", "a"], {}, {"a": 1}],
    "objects by size, keys, values": [{}, {"a": 2}, {"aa": 0}, {"b": 1}, {"a": 1, "b": 1}, {"a": 1, "b": 2}],
    "arrays by length": [[9], [1, 2], [1, 3], [2, 1], [1, 1, 1]],
    "times are texts that sort as times": ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z1", "2024-01-02", "2025"],
}


@BOTH
@pytest.mark.parametrize("what", ASCENDING)
def test_values_have_one_order(documents: Documents, what: str, direction: str) -> None:
    expected = create(documents, ASCENDING[what])
    assert sorted_by(documents, "v", direction) == (expected if direction == "asc" else expected[::-1])


@BOTH
def test_missing_and_null_come_last_in_both_directions(documents: Documents, direction: str) -> None:
    bodies: list[dict[str, Any]] = [{"v": None}, {"v": 2}, {}, {"v": "x"}, {"w": 1}, {"v": None}, {"v": [None]}]
    for number, body in enumerate(bodies):
        documents.create({"document_id": f"doc_{number}", **body})
    present, absent = ["doc_3", "doc_1", "doc_6"], ["doc_0", "doc_2", "doc_4", "doc_5"]
    if direction == "desc":
        present, absent = present[::-1], absent[::-1]
    assert sorted_by(documents, "v", direction) == present + absent


@BOTH
def test_equal_values_stand_in_creation_order(documents: Documents, direction: str) -> None:
    for number, value in enumerate([1, Decimal("1.0"), 0, Decimal("1e0"), 1]):
        documents.create({"document_id": f"doc_{number}", "v": value})
    expected = ["doc_2", "doc_0", "doc_1", "doc_3", "doc_4"]
    assert sorted_by(documents, "v", direction) == (expected if direction == "asc" else expected[::-1])


def test_the_direction_is_asc_unless_said_and_in_any_case(documents: Documents) -> None:
    create(documents, [1, 2])
    for sort in ({"field": "v"}, {"field": "v", "direction": None}, {"field": "v", "direction": "ASC"}):
        assert List.of(documents, sort=sort).ids() == ["doc_0", "doc_1"]
    assert List.of(documents, sort={"field": "v", "direction": "Desc"}).ids() == ["doc_1", "doc_0"]


@pytest.mark.parametrize("sort", [{}, None])
def test_an_empty_sort_is_none(documents: Documents, sort: Any) -> None:
    made = [documents.new({"v": -number}) for number in range(3)]
    assert List.of(documents, sort=sort).ids() == made


def test_get_takes_sort_as_json_text(documents: Documents) -> None:
    create(documents, [1, 2, 3])
    answer = documents.api.get(f'{documents.path}?sort={{"field":"v","direction":"desc"}}').json()
    assert [document["v"] for document in answer["results"]] == [3, 2, 1]


@BOTH
def test_by_creation_and_by_update(documents: Documents, direction: str) -> None:
    made = [documents.new() for _ in range(4)]
    documents.patch(made[1], {"a": 1})
    documents.patch(made[0], {"a": 1})
    updated = [made[2], made[3], made[1], made[0]]
    for name in ("created_at", "_internal.created_at"):
        assert sorted_by(documents, name, direction) == (made if direction == "asc" else made[::-1])
    for name in ("updated_at", "_internal.updated_at"):
        assert sorted_by(documents, name, direction) == (updated if direction == "asc" else updated[::-1])


SYSTEM = [
    ("document_id", [{"document_id": name} for name in ("A", "B.1", "Z", "_x", "a", "b-2", "b:2")]),
    ("root_object_id", [{"source_object_id": name} for name in ("OBJ", "Obj", "obj", "obj2", "é")]),
    ("source_type", [{"source_object_id": "x"}, {"source_document_id": "doc_elsewhere"}]),
    ("lineage_path", [{"source_object_id": "x", "root_bucket_id": name} for name in ("bkt_A", "bkt_a")]),
    ("document_schema_version", [{"document_schema_version": name} for name in ("v1", "v2")]),
    ("internal_metadata.x.y", [{"internal_metadata": {"x": {"y": value}}} for value in ("b", 1, 2, True)]),
    ("_internal.metadata.x", [{"internal_metadata": {"x": value}} for value in (1, 2)]),
    ("mime_type", [{"_internal": {"mime_type": name}} for name in ("audio/x", "video/a", "video/b")]),
    ("size_bytes", [{"_internal": {"size_bytes": size}} for size in (9, 10, 2**53, 2**53 + 1)]),
    ("content_hash", [{"content_hash": name} for name in ("A", "a")]),
    ("document_blobs.field", [{"document_blobs": [{"field": name, "url": "https://h/x"}]} for name in ("a", "b")]),
    ("source_blobs.0.field", [{"source_blobs": [{"field": name, "url": "https://h/x"}]} for name in ("a", "b")]),
    ("lineage_chain.0.feature_extractor_id", None),
]


@BOTH
@pytest.mark.parametrize(("field", "bodies"), SYSTEM, ids=[name for name, _ in SYSTEM])
def test_by_system_and_lineage_names(documents: Documents, field: str, bodies: list[Any] | None, direction: str) -> None:
    if bodies is None:
        step = {"collection_id": documents.collection, "feature_extractor_id": ""}
        bodies = [
            {"source_object_id": "x", "lineage_chain": [{**step, "feature_extractor_id": name}]} for name in ("A_v1", "a_v1")
        ]
    absent = [documents.new({"n": 1})] if field != "document_id" else []
    made = [documents.new(body) for body in reversed(bodies)][::-1]
    expected = (made if direction == "asc" else made[::-1]) + absent
    assert sorted_by(documents, field, direction) == expected


def test_collections_of_a_namespace_are_sorted_as_one(api: Api) -> None:
    first, second = Documents(api, cast.collection(api)), Documents(api, cast.collection(api))
    for number in range(6):
        (first, second)[number % 2].create({"document_id": f"doc_{number}", "v": number // 2 or None})
    by_value = List.everywhere(api, sort={"field": "v", "direction": "desc"})
    assert by_value.ids() == ["doc_5", "doc_4", "doc_3", "doc_2", "doc_1", "doc_0"]
    by_collection = List.everywhere(api, sort={"field": "collection_id"})
    assert by_collection.ids() == ["doc_0", "doc_2", "doc_4", "doc_1", "doc_3", "doc_5"]
    assert List.everywhere(api, sort={"field": "created_at", "direction": "desc"}).ids() == [f"doc_{n}" for n in range(5, -1, -1)]


PATHS = [
    ("a.b", {"a": {"b": 2}}, {"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 5}]}, {"a": [{}]}),
    ("tags.1", {"tags": ["x", "b"]}, {"tags": ["y", "a"]}, {"tags": {"1": True}}, {"tags": ["z"]}),
    ("tags", {"tags": ["b"]}, {"tags": "a"}, {"tags": ["a", "a"]}, {"tags": None}),
    ("/a.b", {"a.b": 2}, {"a.b": 1}, {"a.b": False}, {"a": {"b": 1}}),
    ("/a~1b~0c", {"a/b~c": 2}, {"a/b~c": 1}, {"a/b~c": False}, {"a/b": 1}),
    ('q"uo\\te%s', {'q"uo\\te%s': 2}, {'q"uo\\te%s': 1}, {'q"uo\\te%s': False}, {"q": 1}),
]


@pytest.mark.parametrize(("field", "second", "first", "third", "last"), PATHS)
def test_paths_reach_through_arrays_and_odd_keys(
    documents: Documents, field: str, second: Any, first: Any, third: Any, last: Any
) -> None:
    """Several values reached are one array; where nothing is reached the document is last."""
    made = {documents.new(body): place for body, place in ((last, 4), (third, 3), (second, 2), (first, 1))}
    assert [made[name] for name in sorted_by(documents, field)] == [1, 2, 3, 4]


def test_a_path_in_vain_is_creation_order(documents: Documents) -> None:
    made = [documents.new({"v": number}) for number in range(3)]
    assert sorted_by(documents, "v.nowhere.to.be.found") == made


def test_keys_are_case_sensitive(documents: Documents) -> None:
    made = [documents.new(body) for body in ({"V": 1, "v": 2}, {"v": 1, "V": 2}, {"V": 0})]
    assert sorted_by(documents, "v") == [made[1], made[0], made[2]]
    assert sorted_by(documents, "V") == [made[2], made[0], made[1]]


@pytest.mark.parametrize(
    ("sort", "fault"),
    [
        ("v", "body.sort"),
        ([], "body.sort"),
        ({"direction": "asc"}, "body.sort.field"),
        ({"field": 7}, "body.sort.field"),
        ({"field": ""}, "body.sort.field"),
        ({"field": "a..b"}, "body.sort.field"),
        ({"field": "_x"}, "body.sort.field"),
        ({"field": "vectors"}, "body.sort.field"),
        ({"field": "a\x00"}, "body.sort.field"),
        ({"field": "x" * 2000}, "body.sort.field"),
        ({"field": "v", "direction": "up"}, "body.sort.direction"),
        ({"field": "v", "direction": 1}, "body.sort.direction"),
        ({"field": "v", "order": "asc"}, "body.sort.order"),
    ],
)
def test_what_is_no_sort_is_refused_in_its_place(documents: Documents, sort: Any, fault: str) -> None:
    response = List.of(documents, sort=sort).ask()
    assert (response.status_code, response.faults) == (422, [fault])


def test_long_values_sort_to_their_end_and_lead_on(documents: Documents) -> None:
    long = "x" * 100_000
    expected = create(documents, [long, long + "a", long + "b", long[:-1] + "y"])
    for direction, names in (("asc", expected), ("desc", expected[::-1])):
        assert List.of(documents, sort={"field": "v", "direction": direction}).walk(1) == names


# Whatever is stored ---------------------------------------------------------------------------------------------------

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
keys = st.sampled_from(KEYS)
near: st.SearchStrategy[Any] = st.none() | st.booleans() | st.sampled_from(STRINGS) | st.sampled_from(NUMBERS)
values = st.one_of(
    near,
    generators.scalars,
    st.recursive(near, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3), max_leaves=4),
)
payloads = st.fixed_dictionaries(
    {},
    optional={
        "v": values,
        "w": st.fixed_dictionaries({}, optional={"v": values, "0": values}),
        "x": st.lists(values, max_size=2),
    },
)
FIELDS = ("v", "v", "v", "w.v", "w.0", "x", "x.1", "x.v", "w", "v.0")


def internal_ids(api: Api) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT d.document_id, d.id::text FROM documents_document d JOIN namespaces_namespace n ON n.id = d.namespace_id"
            " WHERE n.public_id = %s",
            [api.namespace],
        )
        return dict(cursor.fetchall())


def check(api: Api, collection: str, stored: list[Any], field: str, descending: bool, limit: int) -> None:
    steps = read_field(field, ()).steps
    moments = range(63_800_000_000_000_000, 63_800_000_000_000_000 + len(stored))
    records = [
        record(document_id=f"doc_{number}", collection_id=collection, payload=payload, created_at=moments[number])
        for number, payload in enumerate(stored)
    ]
    put(api.scope, records)
    names = internal_ids(api)
    present: list[Any] = []
    absent: list[str] = []
    for each in records:
        reached = value_at(each["payload"], steps)
        value = reached[0] if len(reached) == 1 else reached
        if not reached or value is None:
            absent.append(each["document_id"])
        else:
            present.append((jsonb_order.key(value), names[each["document_id"]], each["document_id"]))
    expected = [name for *_, name in sorted(present, reverse=descending)] + (absent[::-1] if descending else absent)
    listed = List(
        api,
        f"/v1/collections/{collection}/documents/list",
        {"sort": {"field": field, "direction": "desc" if descending else "asc"}},
    )
    assert listed.ids(limit=100) == expected
    assert listed.walk(limit, limit + 1) == expected


def run(examples: int) -> None:
    api = cast.api()
    collection = cast.collection(api)

    @settings(max_examples=examples, deadline=None, suppress_health_check=QUIET)
    @given(st.lists(payloads, max_size=12), st.sampled_from(FIELDS), st.booleans(), st.integers(1, 5))
    def holds(stored: list[Any], field: str, descending: bool, limit: int) -> None:
        check(api, collection, stored, field, descending, limit)

    holds()


@pytest.mark.django_db
def test_any_values_are_in_the_order_of_plain_python() -> None:
    run(30)


@pytest.mark.full
@pytest.mark.django_db
def test_many_more_values_are_in_the_order_of_plain_python() -> None:
    run(1500)
