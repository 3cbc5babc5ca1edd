"""`group_by` of lists: order, keys and counts of groups, their documents, and pages over them (contract section 7)."""

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents.fields import read_field, value_at
from mixpeek_site import jsonio
from tests import cast
from tests.api.places import Documents
from tests.api.walking import List
from tests.cast import Api
from tests.domain import jsonb_order
from tests.filters.generating import KEYS, NUMBERS, STRINGS
from tests.filters.store import put, record

MOMENT = 63_800_000_000_000_000


def create(documents: Documents, bodies: list[Any]) -> list[str]:
    return [documents.new({"document_id": f"doc_{number}", **body}) for number, body in enumerate(bodies)]


def grouped(documents: Documents, field: Any, **more: Any) -> list[tuple[Any, int]]:
    return [
        (group["group_key"], group["count"]) for group in List.of(documents, group_by=field, limit=100, **more).answer()["groups"]
    ]


def test_an_answer_has_groups_in_place_of_results(documents: Documents) -> None:
    create(documents, [{"v": "a"}, {"v": "b"}, {"v": "a"}])
    answer = List.of(documents, group_by="v").answer()
    assert answer["results"] is None
    assert answer["group_by_field"] == "v"
    assert [group.keys() for group in answer["groups"]] == [{"group_key", "documents", "count"}] * 2
    assert answer["groups"][0]["documents"] == [documents.get("doc_0"), documents.get("doc_2")]
    assert answer["stats"]["total_groups"] == 2
    assert answer["stats"]["avg_documents_per_group"] == Decimal("1.5")
    assert answer["pagination"]["total"] is None


def test_the_field_is_named_by_itself_or_in_an_object(documents: Documents) -> None:
    create(documents, [{"v": 1}])
    assert grouped(documents, "v") == grouped(documents, {"field": "v"}) == [(1, 1)]
    assert documents.api.get(f"{documents.path}?group_by=v").json()["groups"][0]["group_key"] == 1


def test_the_largest_come_first_then_by_key_and_null_last_of_its_size(documents: Documents) -> None:
    values = ["b", "a", "b", "a", "c", 2, 10, True, [1], {"x": 1}, None, None, "B"]
    create(documents, [{"v": value} for value in values])
    assert grouped(documents, "v") == [
        *(("a", 2), ("b", 2), (None, 2)),
        *(("B", 1), ("c", 1), (2, 1), (10, 1), (True, 1), ([1], 1), ({"x": 1}, 1)),
    ]


def test_missing_and_null_are_one_group(documents: Documents) -> None:
    create(documents, [{"v": None}, {}, {"w": 1}, {"v": "null"}, {"v": [None]}])
    assert grouped(documents, "v") == [(None, 3), ("null", 1), ([None], 1)]


def test_keys_are_json_values_by_equality(documents: Documents) -> None:
    create(documents, [{"v": value} for value in (1, Decimal("1.0"), Decimal("1e0"), "1", "a", "A", 2**53, 2**53 + 1, True)])
    found = grouped(documents, "v")
    assert found[0] == (1, 3)
    assert sorted(map(str, (key for key, _ in found[1:]))) == sorted(["1", "a", "A", str(2**53), str(2**53 + 1), "True"])
    assert all(count == 1 for _, count in found[1:])


def test_several_values_of_one_path_are_a_key_together(documents: Documents) -> None:
    create(documents, [{"v": [{"x": 1}, {"x": 2}]}, {"v": [{"x": 1}]}, {"v": {"x": 1}}, {"v": [{"x": 2}, {"x": 1}]}])
    assert grouped(documents, "v.x") == [(1, 2), ([1, 2], 1), ([2, 1], 1)]
    assert grouped(documents, "v.0.x") == [(1, 2), (2, 1), (None, 1)]


@pytest.mark.parametrize(
    ("field", "bodies", "expected"),
    [
        ("root_object_id", [{"source_object_id": name} for name in ("a", "A", "a")] + [{}], [("a", 2), ("A", 1), (None, 1)]),
        (
            "source_type",
            [{"source_object_id": "a"}, {"source_document_id": "b"}, {"source_object_id": "c"}],
            [("bucket", 2), ("collection", 1)],
        ),
        ("internal_metadata.x", [{"internal_metadata": {"x": 1}}, {"x": 1}, {}], [(None, 2), (1, 1)]),
        ("mime_type", [{"_internal": {"mime_type": "a/b"}}, {"_internal": {"mime_type": "a/b"}}], [("a/b", 2)]),
        ("document_id", [{}, {}], [("doc_0", 1), ("doc_1", 1)]),
        ("document_schema_version", [{"document_schema_version": "v2"}, {}, {}], [(None, 2), ("v2", 1)]),
        ("document_blobs.field", [{"document_blobs": [{"field": "f", "url": "s"}]}, {}], [("f", 1), (None, 1)]),
        ("/a.b", [{"a.b": 1}, {"a": {"b": 1}}], [(1, 1), (None, 1)]),
    ],
)
def test_by_system_and_lineage_names(documents: Documents, field: str, bodies: list[Any], expected: list[Any]) -> None:
    create(documents, bodies)
    assert grouped(documents, field) == expected


def test_by_collection_in_a_namespace(api: Api) -> None:
    places = [Documents(api, cast.collection(api)) for _ in range(2)]
    for number in (0, 1, 1):
        places[number].new()
    groups = List.everywhere(api, group_by="collection_id").groups(1)
    assert [(group["group_key"], group["count"]) for group in groups] == [(places[1].collection, 2), (places[0].collection, 1)]


def test_by_time_of_creation(documents: Documents) -> None:
    made = documents.create({"_internal": {}})
    created = documents.get(made["document_id"], "?schema_version=native")["_internal"]["created_at"]
    assert grouped(documents, "created_at") == [(created, 1)]


def test_a_group_shows_a_hundred_of_its_documents_and_counts_all(api: Api, documents: Documents) -> None:
    records = [
        record(
            document_id=f"doc_{n:03}", collection_id=documents.collection, payload={"v": n % 2, "n": -n}, created_at=MOMENT + n
        )
        for n in range(205)
    ]
    put(api.scope, records)
    first, second = List.of(documents, group_by="v", limit=2).answer()["groups"]
    assert (first["count"], second["count"]) == (103, 102)
    assert [each["document_id"] for each in first["documents"]] == [f"doc_{n:03}" for n in range(0, 200, 2)]
    by_n = List.of(documents, group_by="v", sort={"field": "n"}, limit=1).answer()["groups"][0]
    assert [each["n"] for each in by_n["documents"]] == list(range(-204, -4, 2))


def test_filters_search_and_order_reach_into_groups(documents: Documents) -> None:
    create(documents, [{"v": n % 2, "n": n, "text": "word " * n} for n in range(8)])
    assert grouped(documents, "v", filters={"field": "n", "operator": "gt", "value": 4}) == [(1, 2), (0, 1)]
    assert grouped(documents, "v", filters={"root_object_id": "nothing"}) == []
    groups = List.of(documents, group_by="v", search="word").answer()["groups"]
    assert [[each["n"] for each in group["documents"]] for group in groups] == [[7, 5, 3, 1], [6, 4, 2]]
    assert [each["document_id"] for each in groups[0]["documents"]] == [f"doc_{n}" for n in (7, 5, 3, 1)]


def test_documents_of_groups_are_shown_as_asked(documents: Documents) -> None:
    create(documents, [{"v": 1, "w": 2, "document_schema_version": "v1"}])
    shown = List.of(documents, group_by="v", schema_version="v2", select=["w"]).answer()["groups"][0]["documents"]
    assert shown == [{"document_id": "doc_0", "collection_id": documents.collection, "w": 2}]


def test_totals_are_of_groups_and_of_documents(documents: Documents) -> None:
    create(documents, [{"v": n % 5} for n in range(12)])
    for more in ({"limit": 2}, {"limit": 2, "offset": 4}, {"limit": 2, "offset": 100}):
        answer = List.of(documents, group_by="v", include_total=True, **more).answer()
        assert (answer["pagination"]["total"], answer["pagination"]["total_pages"], answer["total_documents"]) == (5, 3, 12)
        assert answer["stats"]["total_groups"] == 5


def test_offsets_and_pages_count_groups(documents: Documents) -> None:
    create(documents, [{"v": n % 5} for n in range(12)])
    listed = List.of(documents, group_by="v")
    whole = [group["group_key"] for group in listed.groups(1)]
    assert whole == [0, 1, 2, 3, 4]
    assert [group["group_key"] for group in listed.answer(limit=2, offset=3)["groups"]] == whole[3:]
    assert [group["group_key"] for group in listed.answer(page_size=2, page=2)["groups"]] == whole[2:4]
    assert listed.answer(page_size=2, page=2)["pagination"]["next_page"] == "?page=3&page_size=2"


def test_groups_that_are_none(documents: Documents) -> None:
    answer = List.of(documents, group_by="v").answer()
    assert (answer["groups"], answer["results"], answer["pagination"]["next_cursor"]) == ([], None, None)


@pytest.mark.parametrize("field", ["", {}, None])
def test_an_empty_group_by_is_none(documents: Documents, field: Any) -> None:
    assert List.of(documents, group_by=field).answer()["results"] == []


@pytest.mark.parametrize(
    ("field", "fault"),
    [
        (7, "body.group_by"),
        ([], "body.group_by"),
        ("a..b", "body.group_by"),
        ("vectors", "body.group_by"),
        ({"field": 7}, "body.group_by.field"),
        ({"field": None}, "body.group_by.field"),
        ({"field": "v", "limit": 3}, "body.group_by.limit"),
    ],
)
def test_what_is_no_field_is_refused_in_its_place(documents: Documents, field: Any, fault: str) -> None:
    response = List.of(documents, group_by=field).ask()
    assert (response.status_code, response.faults) == (422, [fault])


# Whatever is stored ---------------------------------------------------------------------------------------------------

QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
few: st.SearchStrategy[Any] = st.sampled_from([1, Decimal("1.0"), "a", "A", None, True, [], [1], 2, "b"])
near: st.SearchStrategy[Any] = few | few | st.sampled_from(STRINGS) | st.sampled_from(NUMBERS)
values = near | st.lists(near, max_size=2) | st.dictionaries(st.sampled_from(KEYS), near, max_size=2)
payloads = st.fixed_dictionaries(
    {}, optional={"v": values, "w": st.fixed_dictionaries({}, optional={"v": values}), "x": st.lists(values, max_size=2)}
)


def exact(value: Any) -> str:
    """Equal for equal JSON values alone: 1 and 1.0, not 1 and true."""
    if isinstance(value, list):
        return f"[{','.join(map(exact, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{jsonio.dumps(name)}:{exact(value[name])}' for name in sorted(value))}}}"
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return jsonio.dumps(value)
    return str(hash(value)) + str(value == 0) if value != int(value) else str(int(value))


def run(examples: int) -> None:
    api = cast.api()
    documents = Documents(api, cast.collection(api))

    @settings(max_examples=examples, deadline=None, suppress_health_check=QUIET)
    @given(st.lists(payloads, max_size=14), st.sampled_from(("v", "v", "w.v", "x", "x.0")), st.randoms(use_true_random=False))
    def holds(stored: list[Any], field: str, chance: random.Random) -> None:
        put(
            api.scope,
            [
                record(document_id=f"doc_{n}", collection_id=documents.collection, payload=payload, created_at=MOMENT + n)
                for n, payload in enumerate(stored)
            ],
        )
        members: dict[str, list[str]] = {}
        keys: dict[str, Any] = {}
        for number, payload in enumerate(stored):
            reached = value_at(payload, read_field(field, ()).steps)
            value = None if not reached else reached[0] if len(reached) == 1 else reached
            members.setdefault(exact(value), []).append(f"doc_{number}")
            keys[exact(value)] = value
        order = sorted(members, key=lambda key: (-len(members[key]), keys[key] is None, jsonb_order.key(keys[key])))
        expected = [(key, len(members[key]), members[key]) for key in order]
        groups = List.of(documents, group_by=field).groups(*(chance.randint(1, 4) for _ in range(3)))
        found = [
            (exact(group["group_key"]), group["count"], [each["document_id"] for each in group["documents"]]) for group in groups
        ]
        assert found == expected

    holds()


@pytest.mark.django_db
def test_any_values_are_grouped_as_in_plain_python() -> None:
    run(30)


@pytest.mark.full
@pytest.mark.django_db
def test_many_more_values_are_grouped_as_in_plain_python() -> None:
    run(1500)
