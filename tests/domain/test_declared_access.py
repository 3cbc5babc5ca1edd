"""What a declared index finds holds all that ranges and `text` select, whatever the field holds."""

import random
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents.filters import predicate, read_filters
from documents.listing.access import Access, accesses
from documents.listing.declared import declared_access
from documents.payload_indexes import declare, ready
from documents.payload_indexes.registry import forget
from mixpeek_site import sql
from namespaces.models import Namespace
from tests import cast
from tests.api.places import Documents
from tests.api.walking import List
from tests.cast import Api
from tests.filters.generating import NUMBERS, STRINGS, TIMES
from tests.filters.store import put, record
from tests.payload_indexes import build

pytestmark = pytest.mark.django_db
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
LONG = ("x" * 199, "x" * 200, "x" * 200 + "a", "x" * 200 + "b", "é" * 199 + "z", "é" * 300)
SCALARS: tuple[Any, ...] = (*STRINGS, *NUMBERS, *TIMES, *TIMES, *LONG, True, False, None, "", 0, 1, 2)
FIELDS = ("a", "b.c", "d.0", "/x.y")

scalars = st.sampled_from(SCALARS)
values = (
    scalars
    | scalars
    | st.lists(scalars, max_size=3)
    | st.lists(st.lists(scalars, max_size=2), max_size=2)
    | st.dictionaries(st.sampled_from(("c", "0")), scalars, max_size=2)
)
payloads = st.fixed_dictionaries(
    {},
    optional={"a": values, "b": values | st.lists(st.fixed_dictionaries({"c": values}), max_size=2), "d": values, "x.y": values},
)


def conditions(chance: random.Random) -> Any:
    kind = chance.random()
    if kind < 0.35:
        return {chance.choice(("AND", "AND", "OR")): [_condition(chance) for _ in range(chance.randint(2, 4))]}
    if kind < 0.45:
        return {"AND": [{"AND": [_condition(chance), _condition(chance)]}, _condition(chance), {"OR": [_condition(chance)]}]}
    return _condition(chance)


def _condition(chance: random.Random) -> Any:
    field = chance.choice((*FIELDS[:1], *FIELDS))
    if chance.random() < 0.15:
        return {"field": field, "operator": "text", "value": chance.choice(("intro", "RED car", "x" * 200, "é", "foo-bar", "1"))}
    value = chance.choice([value for value in SCALARS if not isinstance(value, bool) and value is not None])
    return {"field": field, "operator": chance.choice(("gt", "gte", "lt", "lte")), "value": value}


def missed(api: Api, filters: list[Any]) -> tuple[list[Any], int]:
    """Documents that a filter selects and an access of it does not find; and how many accesses there were."""
    served = partial(declared_access, ready=ready(Namespace.objects.get(public_id=api.namespace).pk))
    pairs: list[tuple[Any, Access]] = []
    for filter in filters:
        pairs += [(filter, access) for access in accesses(read_filters(filter, ("body", "filters")), served)]
    columns = []
    for filter, access in pairs:
        holds = predicate(read_filters(filter, ("body", "filters")))
        columns.append((f"({holds.text}) AND ({access.condition.text}) IS NOT TRUE", (*holds.params, *access.condition.params)))
    cte, params = api.scope.cte()
    rows = sql.rows(
        f"WITH {cte} SELECT d.payload::text, ARRAY[{', '.join(text for text, _ in columns)}]::boolean[] FROM scope"
        " JOIN documents_document d ON d.namespace_id = scope.namespace_id"
        " JOIN namespaces_collection c ON c.id = d.collection_id",
        (*params, *(param for _, of in columns for param in of)),
    )
    return [(payload, pairs[place][0]) for payload, answers in rows for place, answer in enumerate(answers) if answer], len(pairs)


def run(examples: int) -> None:
    api = cast.api()
    collection = cast.collection(api)
    declare(
        Namespace.objects.get(public_id=api.namespace).pk,
        [{"field_name": field, "type": type} for field in FIELDS for type in ("keyword", "datetime", "text")],
    )
    build()
    forget()
    found = 0

    @settings(max_examples=examples, deadline=None, suppress_health_check=QUIET)
    @given(st.lists(payloads, min_size=1, max_size=8), st.randoms(use_true_random=False))
    def holds(stored: list[Any], chance: random.Random) -> None:
        nonlocal found
        put(
            api.scope,
            [record(document_id=f"doc_{n}", collection_id=collection, payload=payload) for n, payload in enumerate(stored)],
        )
        lost, count = missed(api, [conditions(chance) for _ in range(20)])
        assert lost == []
        found += count

    holds()
    assert found > examples * 5, "next to no filter was served"


def test_a_declared_access_finds_all_that_the_filter_selects() -> None:
    run(60)


@pytest.mark.full
def test_a_declared_access_finds_all_in_tens_of_thousands_of_cases() -> None:
    run(2000)


RANGE = [{"field": "a", "operator": "gte", "value": 5}, {"field": "a", "operator": "lt", "value": 7}]


@pytest.mark.parametrize(
    ("value", "selected"), [(6, True), (4, False), (8, False), ([4, 8], True), ([1, 2], False), ([[6]], False), ("6", False)]
)
def test_two_bounds_of_a_field_are_one_range_and_arrays_match_by_any_element(value: Any, selected: bool) -> None:
    api = cast.api()
    declare(Namespace.objects.get(public_id=api.namespace).pk, [{"field_name": "a", "type": "keyword"}])
    build()
    forget()
    put(api.scope, [record(collection_id=cast.collection(api), payload={"a": value})])
    assert missed(api, [{"AND": RANGE}]) == ([], 1)
    holds = predicate(read_filters({"AND": RANGE}, ("body", "filters")))
    assert sql.rows(f"SELECT d.document_id FROM documents_document d WHERE {holds.text}", holds.params) == (
        [("doc",)] if selected else []
    )


@pytest.mark.parametrize(
    "more", [{"sort": {"field": "z"}}, {"group_by": "z"}, {"include_total": True, "sort": {"field": "z"}}, {}]
)
def test_a_range_of_few_documents_is_answered_whatever_else_is_asked(more: dict[str, Any]) -> None:
    api = cast.api()
    documents = Documents(api, cast.collection(api))
    declare(Namespace.objects.get(public_id=api.namespace).pk, [{"field_name": "a", "type": "keyword"}])
    build()
    forget()
    for number in range(10):
        documents.create({"a": number})
    answer = List.of(documents, filters={"AND": RANGE}, **more).answer()
    found = answer["results"] or answer["groups"][0]["documents"]
    assert [document["a"] for document in found] == [5, 6]
