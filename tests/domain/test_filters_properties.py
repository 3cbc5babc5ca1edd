"""Whatever is stored and whatever is asked: the server selects the documents that the evaluator does."""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import cast
from tests.filters.evaluator import holds
from tests.filters.generating import Documents, Filters
from tests.filters.said import Answers
from tests.filters.store import found, put

pytestmark = pytest.mark.django_db

FILTERS = 50
"""Filters of one example, asked of the same documents in one statement."""


def check(examples: int) -> None:
    """`examples` times FILTERS cases, each a filter and the documents it is asked of."""
    api = cast.api()
    collections = [cast.collection(api), cast.collection(api)]
    cases = 0

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    @given(st.randoms(use_true_random=True))
    def one_example(random: Random) -> None:
        nonlocal cases
        documents = Documents(random, collections)
        stored = documents.some()
        filters = Filters(random, stored, documents)
        asked = [filters.one() for _ in range(FILTERS)]
        put(api.scope, stored)
        said = Answers(stored, asked)
        for filter, selected in zip(asked, found(api.scope, asked), strict=True):
            for each in stored:
                assert (each["document_id"] in selected) == holds(filter, each, said), (filter, each)
        cases += len(asked)

    one_example()
    assert cases == examples * FILTERS


def test_server_and_evaluator_select_the_same() -> None:
    check(100)


@pytest.mark.full
def test_fifty_thousand_cases() -> None:
    check(1000)
