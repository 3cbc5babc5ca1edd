"""Pages of lists (contract section 7): by cursor, offset and number, of every kind of order, by index and by walk.

A walk by cursor gives every document that was there throughout exactly once, whatever others insert and delete.
"""

import random
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from documents.listing import planning, statistics
from tests import cast
from tests.api.churning import churn
from tests.api.places import Documents
from tests.api.walking import List, ids
from tests.cast import Api

STABLE = 23
VALUES: list[Any] = [
    *(1, Decimal("1.0"), 2, 2, 2, None, None, "a", "a", "B", True, False, [], [1], [1], {"x": 1}, 2**53, 2**53 + 1, "é", "", None)
]


def body(number: int, name: str) -> dict[str, Any]:
    """A document's fields: ties, null, missing and every type; words for the search; an object that it came from."""
    fields: dict[str, Any] = {
        **{"document_id": name, "n": number, "parity": number % 2, "tags": ["all", f"tag {number % 3}"]},
        **{"text": " ".join(["word"] * (number % 5 + 1)) + " filler" * (number % 4)},
        **{"group": f"group {number % 6}", "internal_metadata": {"rank": -number}, "source_object_id": f"obj_{number % 4}"},
    }
    if number % 7:
        fields["v"] = VALUES[number % len(VALUES)]
    return fields


@pytest.fixture
def stable(documents: Documents) -> list[str]:
    names = [f"doc_{number:02}" for number in range(STABLE)]
    for number, name in enumerate(names):
        documents.create(body(number, name))
    for number in (3, 11, 4):
        documents.patch(names[number], {"patched": True})
    return names


SORTS: dict[str, dict[str, Any]] = {
    "in creation order": {},
    "newest first": {"sort": {"field": "created_at", "direction": "desc"}},
    "by update": {"sort": {"field": "updated_at"}},
    "latest update first": {"sort": {"field": "updated_at", "direction": "desc"}},
    "by a mixed field": {"sort": {"field": "v"}},
    "by a mixed field downwards": {"sort": {"field": "v", "direction": "desc"}},
    "by an array": {"sort": {"field": "tags"}},
    "by metadata": {"sort": {"field": "internal_metadata.rank"}},
    "by lineage": {"sort": {"field": "root_object_id", "direction": "desc"}},
    "by id": {"sort": {"field": "document_id"}},
    "by a field that none has": {"sort": {"field": "nowhere", "direction": "desc"}},
    "by relevance": {"search": "word"},
    "searched and sorted": {"search": "word", "sort": {"field": "parity"}},
}
FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "equal": {"filters": {"parity": 1}},
    "in an array": {"filters": {"field": "tags", "operator": "in", "value": ["TAG 1", "tag 2"]}},
    "by lineage": {"filters": {"field": "root_object_id", "operator": "in", "value": ["OBJ_1", "obj_2"]}},
    "a range": {"filters": {"field": "n", "operator": "gte", "value": 5}},
    "several": {"filters": {"AND": [{"field": "n", "operator": "lt", "value": 20}], "OR": [{"parity": 0}, {"group": "group 1"}]}},
}
by_sort = pytest.mark.parametrize("sort", SORTS.values(), ids=SORTS)


@pytest.fixture(params=["by walk", "by index"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the statistics say, that way is taken."""
    force(monkeypatch, request.param)


def force(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(planning, "SMALL", -1)
    for name in ("FOUND", "FOUND_DECLARED"):
        monkeypatch.setattr(planning, name, 0.0 if way == "by index" else 1e12)
    statistics.forget()


def matching(filter: dict[str, Any], names: list[str]) -> set[str]:
    """What the filters select, said in Python."""
    tests: dict[str, Callable[[int], bool]] = {
        "all": lambda n: True,
        "equal": lambda n: n % 2 == 1,
        "in an array": lambda n: n % 3 in (1, 2),
        "by lineage": lambda n: n % 4 in (1, 2),
        "a range": lambda n: n >= 5,
        "several": lambda n: n < 20 and (n % 2 == 0 or n % 6 == 1),
    }
    test = next(tests[name] for name, each in FILTERS.items() if each is filter)
    return {name for number, name in enumerate(names) if test(number)}


@by_sort
@pytest.mark.usefixtures("_way")
def test_walks_give_every_document_once_in_the_lists_order(documents: Documents, stable: list[str], sort: dict[str, Any]) -> None:
    for filter in FILTERS.values():
        listed = List.of(documents, **sort, **filter)
        whole = listed.ids(limit=1000)
        assert sorted(whole) == sorted(matching(filter, stable))
        for limits in ((7, 5, 1, 4, 2, 6),) if filter else ((1,), (2,), (3,), (4, 7, 5, 6)):
            assert listed.walk(*limits) == whole


@by_sort
def test_offsets_and_pages_agree_with_the_cursor(documents: Documents, stable: list[str], sort: dict[str, Any]) -> None:
    listed = List.of(documents, **sort)
    whole = listed.walk(4)
    assert [name for offset in range(0, STABLE, 5) for name in listed.ids(limit=5, offset=offset)] == whole
    assert [name for page in range(1, 9) for name in listed.ids(page_size=3, page=page)] == whole
    mixed = listed.answer(limit=3, offset=6)
    assert ids(mixed) == whole[6:9]
    assert listed.ids(limit=30, cursor=mixed["pagination"]["next_cursor"]) == whole[9:]


@by_sort
def test_pages_of_a_namespace_are_those_of_its_collections_together(api: Api, sort: dict[str, Any]) -> None:
    places = [Documents(api, cast.collection(api)) for _ in range(3)]
    names = [f"doc_{number:02}" for number in range(15)]
    for number, name in enumerate(names):
        places[number % 3].create(body(number, name))
    listed = List.everywhere(api, **sort)
    whole = listed.ids(limit=100)
    assert sorted(whole) == names
    assert listed.walk(1) == listed.walk(4, 2, 3) == whole
    two = List.everywhere(api, collection_ids=[places[0].collection, places[2].collection], **sort)
    assert two.walk(2) == [name for name in whole if int(name[-2:]) % 3 != 1]
    assert [name for offset in range(0, 15, 4) for name in listed.ids(limit=4, offset=offset)] == whole


# What a cursor is bound to --------------------------------------------------------------------------------------------

BINDING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another filter": ({"filters": {"parity": 1}}, {"filters": {"parity": 0}}),
    "no filter": ({"filters": {"parity": 1}}, {}),
    "a filter's case": ({"filters": {"group": "group 1"}}, {"filters": {"group": "Group 1"}}),
    "a filter's type": ({"filters": {"parity": 1}}, {"filters": {"parity": True}}),
    "another field": ({"sort": {"field": "n"}}, {"sort": {"field": "v"}}),
    "another direction": ({"sort": {"field": "n"}}, {"sort": {"field": "n", "direction": "desc"}}),
    "no sort": ({"sort": {"field": "created_at"}}, {}),
    "another search": ({"search": "word"}, {"search": "filler"}),
    "no search": ({"search": "word"}, {}),
    "groups": ({}, {"group_by": "parity"}),
    "other groups": ({"group_by": "parity"}, {"group_by": "group"}),
    "no groups": ({"group_by": "parity"}, {}),
}


@pytest.mark.parametrize(("one", "other"), BINDING.values(), ids=BINDING)
def test_a_cursor_is_of_one_question(documents: Documents, stable: list[str], one: dict[str, Any], other: dict[str, Any]) -> None:
    cursor = List.of(documents, **one).cursor()
    assert List.of(documents, **one).ask(cursor=cursor).status_code == 200
    refused(List.of(documents, **other), cursor)


def refused(listed: List, cursor: str, **more: Any) -> None:
    response = listed.ask(cursor=cursor, **more)
    assert (response.status_code, response.error) == (400, "BadRequestError"), response
    assert response.json()["error"]["details"]["parameter"] == "cursor"


def test_a_cursor_is_of_one_place(api: Api, documents: Documents, stable: list[str]) -> None:
    cursor = List.of(documents).cursor()
    other = Documents(api, cast.collection(api))
    refused(List.of(other), cursor)
    refused(List.everywhere(api), cursor)
    refused(List.everywhere(api, collection_ids=[documents.collection]), cursor)
    everywhere = List.everywhere(api, collection_ids=[documents.collection]).cursor()
    refused(List.everywhere(api), everywhere)
    refused(List.everywhere(api, collection_ids=[other.collection]), everywhere)
    foreign = cast.api()
    refused(List.everywhere(foreign), List.everywhere(api).cursor())


def test_the_order_of_collections_is_no_other_question(api: Api, documents: Documents, stable: list[str]) -> None:
    other = Documents(api, cast.collection(api)).collection
    cursor = List.everywhere(api, collection_ids=[other, documents.collection]).cursor()
    assert List.everywhere(api, collection_ids=[documents.collection, other]).ids(cursor=cursor, limit=2) == stable[1:3]


def test_how_documents_are_shown_is_no_other_question(documents: Documents, stable: list[str]) -> None:
    cursor = List.of(documents, select=["n"], schema_version="v1").cursor()
    assert List.of(documents, include_total=True, schema_version="v2", limit=3).ids(cursor=cursor) == stable[1:4]
    assert documents.api.get(f"{documents.path}?cursor={cursor}&limit=3").json()["results"][0]["n"] == 1


def test_a_cursor_that_was_touched_is_refused(documents: Documents, stable: list[str]) -> None:
    listed = List.of(documents)
    cursor = listed.cursor()
    head, signature = cursor.rsplit(".", 1)
    for place in range(0, len(cursor), 7):
        flipped = "A" if cursor[place] != "A" else "B"
        refused(listed, cursor[:place] + flipped + cursor[place + 1 :])
        if place:
            refused(listed, cursor[:place])
    for text in (head, signature, f".{signature}", f"{head}.", cursor + "A", cursor * 2, f" {cursor}", cursor + "\u00e9", "null"):
        refused(listed, text)


@pytest.mark.parametrize("more", [{"offset": 9}, {"page": 9}, {"page": 900, "page_size": 4}, {"offset": 10_000, "page": 1}])
def test_with_a_cursor_offset_and_page_mean_nothing(documents: Documents, stable: list[str], more: dict[str, Any]) -> None:
    listed = List.of(documents)
    assert listed.ids(cursor=listed.cursor(), **{"limit": 4, **more}) == stable[1:5]


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"offset": 10_001}, "offset"),
        ({"page": 1002, "limit": 10}, "page"),
        ({"page": 12, "limit": 1000}, "page"),
        ({"page": 2**70}, "page"),
    ],
)
def test_beyond_ten_thousand_only_cursors_lead(documents: Documents, more: dict[str, Any], place: str) -> None:
    response = List.of(documents).ask(**more)
    assert (response.status_code, response.faults) == (422, [f"body.{place}"])


@pytest.mark.parametrize("more", [{"offset": 10_000}, {"page": 1001, "limit": 10}, {"page": 11, "limit": 1000}])
def test_ten_thousand_itself_is_within_reach(documents: Documents, stable: list[str], more: dict[str, Any]) -> None:
    assert List.of(documents).ids(**more) == []


# Totals ---------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("_way")
def test_totals_are_of_all_that_matches_on_every_page(documents: Documents, stable: list[str]) -> None:
    for filter in FILTERS.values():
        expected = len(matching(filter, stable))
        for name in ("in creation order", "by a mixed field", "by relevance", "searched and sorted"):
            listed = List.of(documents, include_total=True, limit=5, **SORTS[name], **filter)
            first = listed.answer()
            cursor = first["pagination"]["next_cursor"]
            for answer in (first, listed.answer(offset=2), listed.answer(offset=500), listed.answer(cursor=cursor)):
                assert answer["pagination"]["total"] == answer["total_documents"] == expected
                assert answer["pagination"]["total_pages"] == -(-expected // 5)


@pytest.mark.usefixtures("_way")
def test_totals_of_a_namespace_and_of_groups(api: Api, documents: Documents, stable: list[str]) -> None:
    other = Documents(api, cast.collection(api))
    for number in range(6):
        other.create(body(number, f"other_{number}"))
    for filter in FILTERS.values():
        expected = len(matching(filter, stable)) + len(matching(filter, stable[:6]))
        everywhere = List.everywhere(api, include_total=True, limit=2, **filter)
        assert everywhere.answer()["pagination"]["total"] == expected
        assert everywhere.answer(search="word")["pagination"]["total"] == expected
        assert everywhere.answer(collection_ids=[documents.collection])["total_documents"] == len(matching(filter, stable))
        grouped = everywhere.answer(group_by="nowhere")
        assert (grouped["pagination"]["total"], grouped["total_documents"]) == (1, expected)


def test_totals_of_partitions_add_up(documents: Documents, stable: list[str]) -> None:
    for filter in FILTERS.values():
        totals = [
            List.of(documents, include_total=True, partition={"index": index, "count": 3}, **filter).answer()["total_documents"]
            for index in range(3)
        ]
        assert sum(totals) == len(matching(filter, stable))


# Beside others who write ----------------------------------------------------------------------------------------------


def check_beside_churn(api: Api, places: list[Documents], names: list[str], rounds: int) -> None:
    chance = random.Random(7)
    stable = set(names)
    lists: list[Callable[..., List]] = [partial(List.of, places[0]), partial(List.everywhere, api)]
    kinds = [
        *({**sort, **FILTERS[name]} for sort in SORTS.values() for name in ("all", "in an array")),
        *({"partition": {"index": index, "count": 2}, **sort} for index in range(2) for sort in (SORTS["by a mixed field"], {})),
    ]

    def fields(number: int) -> dict[str, Any]:
        return {**body(number, ""), "group": f"churn {number % 3}"}

    with churn(api, [place.collection for place in places], fields) as created:
        before = created()
        for _ in range(rounds):
            for kind in kinds:
                listed = chance.choice(lists)(**kind)
                here = {name for name in stable if listed.path.startswith("/v1/documents") or int(name[-2:]) % 2 == 0}
                expected = {name for name in here if "filters" not in kind or int(name[-2:]) % 3}
                found = Counter(name for name in listed.walk(*chance.choices(range(1, 8), k=3)) if name in stable)
                assert max(found.values(), default=1) == 1, (kind, found)
                assert "partition" in kind or found.keys() == expected, (kind, expected ^ found.keys())
            groups = Counter(
                (group["group_key"], group["count"])
                for group in chance.choice(lists[1:])(group_by="group").groups(1, 2)
                if "churn" not in group["group_key"]
            )
            counts = Counter(f"group {int(name[-2:]) % 6}" for name in stable)
            assert groups == Counter(counts.items())
        deadline = time.monotonic() + 30
        while created() - before < 20 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert created() - before >= 20, "nobody wrote beside the walks"


@pytest.fixture
def scattered(api: Api) -> tuple[list[Documents], list[str]]:
    """Documents in two collections in turn."""
    places = [Documents(api, cast.collection(api)) for _ in range(2)]
    names = [f"doc_{number:02}" for number in range(STABLE)]
    for number, name in enumerate(names):
        places[number % 2].create(body(number, name))
    return places, names


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_way")
def test_documents_that_stay_come_once_while_others_come_and_go(api: Api, scattered: tuple[list[Documents], list[str]]) -> None:
    check_beside_churn(api, *scattered, rounds=3)


@pytest.mark.full
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_way")
def test_documents_that_stay_come_once_round_after_round(api: Api, scattered: tuple[list[Documents], list[str]]) -> None:
    check_beside_churn(api, *scattered, rounds=60)
