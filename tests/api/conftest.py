"""A key with every permission in a namespace of its own, a collection in it, and the collection's documents."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import cast, conformance
from tests.api.places import Documents
from tests.cast import Api


@pytest.fixture(autouse=True)
def _answers_are_as_the_schema_says() -> Iterator[None]:
    """Every answer that a test of the API receives is held against the published schema."""

    def check(method: str, url: str, response: Any) -> None:
        conformance.check(method, url, response.status_code, response.headers, response.content)

    cast.observers.append(check)
    yield
    cast.observers.remove(check)


@pytest.fixture
def api(db: None) -> Api:
    return cast.api()


@pytest.fixture
def collection(api: Api) -> str:
    return cast.collection(api)


@pytest.fixture
def documents(api: Api, collection: str) -> Documents:
    return Documents(api, collection)
