"""`partition` of lists: disjoint parts that are everything together, for readers beside one another (contract section 7)."""

import random
from collections import Counter
from typing import Any

import pytest

from tests import cast
from tests.api.churning import churn
from tests.api.places import Documents
from tests.api.walking import List
from tests.cast import Api
from tests.filters.store import put, record

COUNTS = (1, 2, 3, 7, 256)
DOCUMENTS = 300
KINDS: list[dict[str, Any]] = [
    {},
    {"sort": {"field": "v", "direction": "desc"}},
    {"sort": {"field": "updated_at"}},
    {"filters": {"field": "n", "operator": "in", "value": list(range(0, DOCUMENTS, 2))}},
    {"search": "word"},
]


def fields(number: int) -> dict[str, Any]:
    return {"n": number, "text": "word " * (number % 3 + 1), **({"v": number % 5} if number % 4 else {})}


@pytest.fixture
def stored(api: Api, collection: str) -> Documents:
    moment = 63_800_000_000_000_000
    put(
        api.scope,
        [
            record(document_id=f"doc_{number}", collection_id=collection, payload=fields(number), created_at=moment + number)
            for number in range(DOCUMENTS)
        ],
    )
    return Documents(api, collection)


@pytest.mark.parametrize(
    ("kind", "count"), [(kind, count) for kind in KINDS for count in COUNTS if count < 256 or kind in KINDS[:2]]
)
def test_partitions_are_disjoint_and_complete_and_ordered(stored: Documents, kind: dict[str, Any], count: int) -> None:
    whole = List.of(stored, **kind).ids(limit=1000)
    parts = [List.of(stored, partition={"index": index, "count": count}, **kind).ids(limit=1000) for index in range(count)]
    assert sorted(name for part in parts for name in part) == sorted(whole)
    assert len({name for part in parts for name in part}) == len(whole)
    for part in parts:
        assert part == [name for name in whole if name in set(part)]


def test_partitions_are_of_about_one_size(stored: Documents) -> None:
    sizes = [len(List.of(stored, partition={"index": index, "count": 7}).ids(limit=1000)) for index in range(7)]
    assert min(sizes) > DOCUMENTS / 7 / 2
    assert max(sizes) < DOCUMENTS / 7 * 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_cursor_alone_stays_in_its_partition(stored: Documents, kind: dict[str, Any]) -> None:
    partition = {"index": 1, "count": 3}
    part = List.of(stored, partition=partition, **kind)
    whole = part.ids(limit=1000)
    alone = List.of(stored, **kind)
    assert whole[:1] + alone.ids(limit=1000, cursor=part.cursor()) == whole
    assert part.walk(20, 3) == whole


@pytest.mark.parametrize("other", [{"index": 0, "count": 3}, {"index": 1, "count": 4}, {"index": 0, "count": 1}])
def test_a_cursor_is_of_one_partition(stored: Documents, other: dict[str, int]) -> None:
    cursor = List.of(stored, partition={"index": 1, "count": 3}).cursor()
    response = List.of(stored, partition=other).ask(cursor=cursor)
    assert (response.status_code, response.error) == (400, "BadRequestError")


def test_what_follows_a_cursor_can_be_split(stored: Documents) -> None:
    cursor = List.of(stored).cursor(limit=100)
    rest = List.of(stored).ids(cursor=cursor, limit=1000)
    parts = [List.of(stored, partition={"index": index, "count": 2}).ids(cursor=cursor, limit=1000) for index in range(2)]
    assert sorted(parts[0] + parts[1]) == sorted(rest)


def test_a_partition_of_groups_counts_its_own(stored: Documents) -> None:
    whole = {group["group_key"]: group["count"] for group in List.of(stored, group_by="v").groups(100)}
    found: Counter[Any] = Counter()
    for index in range(3):
        found.update(
            {g["group_key"]: g["count"] for g in List.of(stored, group_by="v", partition={"index": index, "count": 3}).groups(2)}
        )
    assert found == whole


@pytest.mark.parametrize("name", ["index", "count"])
def test_what_is_no_partition_is_refused_in_its_place(documents: Documents, name: str) -> None:
    wrong: list[Any] = [-1, 257, 2**70, "1", 1.0, 1.5, True, None, []]
    for value in wrong:
        response = List.of(documents, partition={"index": 0, "count": 2, name: value}).ask()
        assert (response.status_code, response.faults) == (422, [f"body.partition.{name}"]), value


@pytest.mark.parametrize(
    ("partition", "fault"),
    [
        ({"index": 2, "count": 2}, "body.partition.index"),
        ({"index": 0, "count": 0}, "body.partition.count"),
        ({"index": 0, "count": 2, "of": 3}, "body.partition.of"),
        ({"count": 2}, "body.partition.index"),
        ({}, "body.partition.index"),
        ([0, 2], "body.partition"),
        ("0/2", "body.partition"),
    ],
)
def test_a_partition_is_an_index_and_a_count(documents: Documents, partition: Any, fault: str) -> None:
    response = List.of(documents, partition=partition).ask()
    assert (response.status_code, response.faults) == (422, [fault])


def check_beside_churn(api: Api, rounds: int) -> None:
    places = [Documents(api, cast.collection(api)) for _ in range(2)]
    stable = set()
    for number in range(40):
        stable.add(f"doc_{number}")
        places[number % 2].create({**fields(number), "document_id": f"doc_{number}"})
    chance = random.Random(3)
    with churn(api, [place.collection for place in places], fields) as created:
        for _ in range(rounds):
            before = created()
            for count in (1, 2, 3, 7, 64):
                kind = {name: value for name, value in chance.choice(KINDS).items() if name != "filters"}
                found: list[str] = []
                for index in range(count):
                    listed = List.everywhere(api, partition={"index": index, "count": count}, **kind)
                    found += [name for name in listed.walk(*chance.choices(range(1, 9), k=2)) if name in stable]
                assert sorted(found) == sorted(stable), (count, kind)
            assert created() > before, "nobody wrote beside the walks"


@pytest.mark.django_db(transaction=True)
def test_documents_that_stay_are_in_one_partition_while_others_come_and_go(api: Api) -> None:
    check_beside_churn(api, rounds=2)


@pytest.mark.full
@pytest.mark.django_db(transaction=True)
def test_documents_that_stay_are_in_one_partition_round_after_round(api: Api) -> None:
    check_beside_churn(api, rounds=60)
