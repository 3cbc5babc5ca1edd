"""A page ends early, with a cursor, where its JSON exceeds the limit of an answer (contract section 7)."""

import tracemalloc
from typing import Any

import pytest

from documents.listing import groups, statements
from tests.api.places import Documents
from tests.api.walking import List, ids
from tests.filters.store import put, record

KIB = 1024
MOMENT = 63_800_000_000_000_000
LIMIT = 100 * KIB
KINDS: list[dict[str, Any]] = [
    {},
    {"sort": {"field": "created_at", "direction": "desc"}},
    {"sort": {"field": "n", "direction": "desc"}},
    {"search": "word"},
    {"filters": {"document_id": "doc_03"}},
    {"filters": {"field": "n", "operator": "gte", "value": 2}, "partition": {"index": 0, "count": 2}},
]


@pytest.fixture(autouse=True)
def _limit(settings: Any) -> None:
    settings.MAX_ANSWER_BYTES = LIMIT


def fill(documents: Documents, sizes: list[int], character: str = "x") -> list[str]:
    """Documents of so many KiB, which PostgreSQL stores in a hundredth of that."""
    payloads = [{"n": n, "parity": n % 2, "text": f"word {character * size * KIB}"} for n, size in enumerate(sizes)]
    records = [
        record(document_id=f"doc_{n:02}", collection_id=documents.collection, payload=payload, created_at=MOMENT + n)
        for n, payload in enumerate(payloads)
    ]
    put(documents.api.scope, records)
    return [each["document_id"] for each in records]


def walked(listed: List, limit: int) -> list[list[str]]:
    found = []
    for answer in listed.answers((limit,)):
        assert len(str(answer)) < LIMIT * 1.5 or len(answer["results"]) == 1
        found.append(ids(answer))
    return found


@pytest.mark.parametrize("read_ahead", [statements.READ_AHEAD_BYTES, 3000, 0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_ends_early_and_the_next_goes_on(
    documents: Documents, kind: dict[str, Any], read_ahead: int, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Whether the statement reads the documents at once or leaves them to further ones."""
    monkeypatch.setattr(statements, "READ_AHEAD_BYTES", read_ahead)
    fill(documents, [30] * 11)
    listed = List.of(documents, **kind)
    found = walked(listed, 1000)
    settings.MAX_ANSWER_BYTES = 10**9
    assert [name for page in found for name in page] == listed.ids(limit=1000)
    assert all(len(page) == 3 for page in found[:-1])
    assert all(found) or found == [[]]  # a partition may have none of them


def test_documents_larger_than_the_limit_come_alone(documents: Documents) -> None:
    names = fill(documents, [1, 300, 1, 500, 500, 1, 1, 300])
    assert walked(List.of(documents), 1000) == [names[:1], names[1:2], names[2:3], names[3:4], names[4:5], names[5:7], names[7:]]


def test_a_page_that_fits_exactly_is_whole(documents: Documents, settings: Any) -> None:
    fill(documents, [10, 10])
    read = List.of(documents).answer()["results"]
    size = sum(len('{"n": 0, "text": "", "parity": 0}') + len(each["text"]) for each in read) + 2 * len("{}{}[][]")
    for limit, count in ((size, 2), (size - 1, 1)):
        settings.MAX_ANSWER_BYTES = limit
        answer = List.of(documents).answer()
        assert len(answer["results"]) == count
        assert (answer["pagination"]["next_cursor"] is None) == (count == 2)


def test_bytes_count_and_not_characters(documents: Documents) -> None:
    fill(documents, [12] * 4, "字")
    assert [len(page) for page in walked(List.of(documents), 1000)] == [2, 2]


def test_a_page_that_ended_early_says_so_in_its_pages(documents: Documents) -> None:
    for _ in range(4):
        documents.new({"text": "x" * 60 * KIB})
    answer = List.of(documents).answer(limit=4, include_total=True)
    assert len(answer["results"]) == 1
    assert answer["pagination"]["total"] == 4
    assert answer["pagination"]["next_cursor"]


@pytest.mark.parametrize("read_ahead", [statements.READ_AHEAD_BYTES, 0])
def test_groups_end_early_too(documents: Documents, read_ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "READ_AHEAD_BYTES", read_ahead)
    fill(documents, [30] * 7)
    answers = list(List.of(documents, group_by="parity").answers((10,)))
    assert [shown(answer) for answer in answers] == [[(0, 4, 3)], [(1, 3, 3)]]
    answers = list(List.of(documents, group_by="n").answers((10,)))
    assert [shown(answer) for answer in answers] == [[(n, 1, 1) for n in place] for place in ((0, 1, 2), (3, 4, 5), (6,))]
    fill(documents, [300, 10, 300])
    answers = list(List.of(documents, group_by="n").answers((10,)))
    assert [shown(answer) for answer in answers] == [[(0, 1, 1)], [(1, 1, 1)], [(2, 1, 1)]]


def shown(answer: Any) -> list[tuple[Any, int, int]]:
    return [(group["group_key"], group["count"], len(group["documents"])) for group in answer["groups"]]


def test_memory_holds_a_page_and_not_all_that_was_asked_for(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 documents of 1 MiB of which the page has one: what is read ahead is bounded by its stored size."""
    fill(documents, [KIB] * 40)
    monkeypatch.setattr(statements, "READ_AHEAD_BYTES", 30 * KIB)
    listed = List.of(documents)
    listed.ids(limit=1)
    tracemalloc.start()
    try:
        assert listed.ids(limit=1000) == ["doc_00"]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 * KIB * KIB
