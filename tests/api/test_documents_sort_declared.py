"""Sorting by a declared field reads its index, and gives the very list that it gives without (contract section 7).

The index holds only the beginnings of long strings and of arrays and objects (documents_order_key).
"""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents.listing import planning, statistics
from documents.payload_indexes import declare
from documents.payload_indexes.registry import forget
from mixpeek_site import sql
from namespaces.models import Namespace
from tests import cast
from tests.api.places import Documents
from tests.api.walking import List
from tests.cast import Api
from tests.filters.generating import NUMBERS, STRINGS
from tests.filters.store import put, record
from tests.payload_indexes import build

pytestmark = pytest.mark.django_db
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
MOMENT = 63_800_000_000_000_000
LONG = "x" * 199


def declared(api: Api, *names: str) -> None:
    namespace = Namespace.objects.get(public_id=api.namespace)
    declare(namespace.pk, [{"field_name": name, "type": "keyword"} for name in names])
    build()
    forget()
    statistics.forget()


def undeclared() -> None:
    """As for a namespace without declared indexes: none is ready."""
    sql.run("UPDATE documents_payloadindex SET state = 'building'")
    forget()


def ready() -> None:
    sql.run("UPDATE documents_payloadindex SET state = 'ready'")
    forget()


long = st.sampled_from(
    [LONG, LONG + "y", LONG + "yy", LONG + "yz", LONG + "z", "é" * 199 + "a", "é" * 200 + "b", "é" * 250, "x" * 5000]
)
near: st.SearchStrategy[Any] = st.none() | st.booleans() | st.sampled_from(STRINGS) | st.sampled_from(NUMBERS) | st.integers(0, 2)
values = (
    near
    | long
    | long
    | st.lists(near | long, max_size=2)
    | st.dictionaries(st.sampled_from(("a", LONG)), near | long, max_size=2)
)
payloads = st.fixed_dictionaries(
    {},
    optional={
        "v": values,
        "w": st.fixed_dictionaries({}, optional={"v": values}),
        "x": st.lists(values, max_size=2),
        "n": st.integers(0, 1),
    },
)
FILTERS: list[dict[str, Any]] = [
    {},
    {},
    {"filters": {"field": "n", "operator": "lte", "value": 0}},
    {"filters": {"field": "v", "operator": "gte", "value": "x"}},
    {"partition": {"index": 0, "count": 2}},
]


def run(examples: int) -> None:
    api = cast.api()
    places = [Documents(api, cast.collection(api)) for _ in range(2)]
    declared(api, "v", "w.v", "x.0", "x")

    @settings(max_examples=examples, deadline=None, suppress_health_check=QUIET)
    @given(
        st.lists(payloads, max_size=14),
        *(st.sampled_from(("v", "v", "w.v", "x.0", "x")), st.booleans(), st.lists(st.integers(1, 5), min_size=1, max_size=3)),
        *(st.sampled_from(FILTERS), st.booleans()),
    )
    def holds(stored: list[Any], field: str, descending: bool, limits: list[int], filter: Any, everywhere: bool) -> None:
        put(
            api.scope,
            [
                record(document_id=f"doc_{n}", collection_id=places[n % 2].collection, payload=payload, created_at=MOMENT + n)
                for n, payload in enumerate(stored)
            ],
        )
        body = {"sort": {"field": field, "direction": "desc" if descending else "asc"}, **filter}
        listed = List.everywhere(api, **body) if everywhere else List.of(places[0], **body)
        undeclared()
        expected = listed.ids(limit=100)
        assert listed.walk(*limits) == expected
        ready()
        assert listed.ids(limit=100) == expected
        assert listed.walk(*limits) == expected
        assert [name for offset in range(0, len(expected), 3) for name in listed.ids(limit=3, offset=offset)] == expected

    holds()


@pytest.mark.parametrize("small", [statistics.SMALL, -1])
def test_with_and_without_the_index_a_list_is_the_same(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "SMALL", small)
    run(25)


@pytest.mark.full
def test_with_and_without_the_index_many_more_lists_are_the_same() -> None:
    run(1500)


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_walk_goes_on_when_the_index_comes_and_goes(api: Api, documents: Documents, direction: str, limit: int) -> None:
    """Between any two pages an index may get ready, or a namespace give it up: the cursor stays good."""
    values: list[Any] = [1, 2, 2, "a", None, LONG + "yy", LONG + "yz", LONG + "yy", [1], [1, 2], {"a": 1}, {"a": 2}, True, None]
    for number, value in enumerate(values):
        documents.create({"document_id": f"doc_{number}", "v": value})
    documents.create({"document_id": "doc_missing"})
    declared(api, "v")
    listed = List.of(documents, sort={"field": "v", "direction": direction})
    undeclared()
    expected = listed.ids(limit=100)
    cursor, found = None, []
    for change in itertools.cycle((ready, undeclared)):
        change()
        answer = listed.answer(limit=limit, cursor=cursor)
        found += [each["document_id"] for each in answer["results"]]
        cursor = answer["pagination"]["next_cursor"]
        if cursor is None:
            break
    assert found == expected
    assert len(expected) == len(values) + 1
