"""A key with every permission in a namespace of its own, a collection in it, and the collection's documents."""

import pytest

from tests import cast
from tests.api.places import Documents
from tests.cast import Api


@pytest.fixture
def api(db: None) -> Api:
    return cast.api()


@pytest.fixture
def collection(api: Api) -> str:
    return cast.collection(api)


@pytest.fixture
def documents(api: Api, collection: str) -> Documents:
    return Documents(api, collection)
