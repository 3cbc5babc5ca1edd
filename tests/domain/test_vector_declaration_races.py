"""Vectors written while their dimension is declared: each is checked, or the declaration finds it."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction

from documents.models import Feature, VectorIndex
from tests import cast
from tests.api.racing import at_once
from tests.cast import Api, Response

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.pgvector]

Verb = Callable[[], Response]


@pytest.fixture
def api() -> Api:
    return cast.api()


@pytest.fixture
def collection(api: Api) -> str:
    return cast.collection(api)


@pytest.fixture
def write(api: Api, collection: str) -> Verb:
    """A document whose vector `a` has two dimensions."""
    return lambda: api.post(f"/v1/collections/{collection}/documents", {"vectors": {"a": [1, 2]}})


@pytest.fixture(params=["collection", "namespace"])
def declare(api: Api, collection: str, request: pytest.FixtureRequest) -> Verb:
    """Vectors `a` have three dimensions."""
    if request.param == "collection":
        return lambda: api.patch(f"/v1/collections/{collection}", {"vector_indexes": [{"name": "a", "dimensions": 3}]})
    return lambda: api.patch(f"/v1/namespaces/{api.namespace}", {"vector_configs": [{"name": "a", "dimension": 3}]})


class Waiting:
    """A call in a thread that has to wait for a lock."""

    def __init__(self, call: Verb) -> None:
        self._call = call
        self._response: Response | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        deadline = time.monotonic() + 20
        while not _lock_is_waited_for():
            assert time.monotonic() < deadline, "nobody waits"
            assert self._thread.is_alive(), self._response
            time.sleep(0.01)

    def _run(self) -> None:
        try:
            self._response = self._call()
        finally:
            connections.close_all()

    def status(self) -> int:
        self._thread.join(30)
        assert self._response is not None
        return int(self._response.status_code)


def _lock_is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l WHERE NOT l.granted AND l.locktype = 'advisory'"
            " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(cursor.fetchone()[0])


def stored() -> tuple[int, int]:
    return Feature.objects.count(), VectorIndex.objects.count()


def test_a_declaration_waits_for_a_vector_that_was_checked_before_it(write: Verb, declare: Verb) -> None:
    with transaction.atomic():
        assert write().status_code == 200
        declaring = Waiting(declare)
    assert declaring.status() == 409
    assert stored() == (1, 0)


def test_a_vector_waits_for_a_declaration_that_was_made_before_it(write: Verb, declare: Verb) -> None:
    with transaction.atomic():
        assert declare().status_code == 200
        writing = Waiting(write)
    assert writing.status() == 422
    assert stored() == (0, 1)


def test_a_vector_that_waited_for_a_declaration_that_failed_is_written(write: Verb, declare: Verb) -> None:
    with transaction.atomic():
        assert declare().status_code == 200
        writing = Waiting(write)
        transaction.set_rollback(True)
    assert writing.status() == 200
    assert stored() == (1, 0)


def test_at_the_same_moment_one_of_both_wins(write: Verb, declare: Verb) -> None:
    for _ in range(5):
        Feature.objects.all().delete()
        VectorIndex.objects.all().delete()

        def run(call: Verb) -> Callable[[], int]:
            def called() -> int:
                try:
                    return int(call().status_code)
                finally:
                    connections.close_all()

            return called

        *written, declared = at_once(*[run(write)] * 4, run(declare))
        assert (set(written), declared) in (({200}, 409), ({422}, 200))
        assert stored() == (written.count(200), int(declared == 200))
