"""`manage.py housekeep`: what was deleted goes, what was not stays, and it ends when told to."""

import select
import signal
import threading
from collections.abc import Iterator

import pytest
from django.db import connection, connections

from documents import housekeeping
from documents.models import Document, Feature, LineageStep
from namespaces.models import Bucket, BucketObject, Collection, Namespace
from tests import cast, server
from tests.cast import Api
from tests.commands.running import ran, started

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api() -> Iterator[Api]:
    yield cast.api()
    server.remove_committed()


def housekeep() -> list[str]:
    return ran("housekeep", "--once").out.splitlines()


def filled(api: Api, name: str, documents: int = 3) -> str:
    """A collection with documents that have steps and features."""
    collection = cast.collection(api, name)
    for _ in range(documents):
        body = {"source_object_id": "o", "features": [{"feature_extractor_id": "e"}]}
        api.post(f"/v1/collections/{collection}/documents", body)
    return collection


def test_a_deleted_collection_is_purged_with_steps_and_features(api: Api) -> None:
    housekeep()  # what other tests left behind
    gone, kept = filled(api, "gone"), filled(api, "kept", documents=2)
    api.delete(f"/v1/collections/{gone}")
    [line] = housekeep()
    assert f"Purged collection {gone} of namespace {api.namespace}: 3 documents" in line
    assert [model.objects.count() for model in (Document, LineageStep, Feature)] == [2, 2, 2]
    assert Collection.objects.get().public_id == kept


def test_a_deleted_namespace_is_purged_with_everything_in_it(api: Api) -> None:
    filled(api, "scenes")
    cast.bucket_object(api, cast.bucket(api))
    other = cast.api()
    filled(other, "scenes", documents=1)
    api.delete(f"/v1/namespaces/{api.namespace}")
    assert len(housekeep()) == 2
    assert Namespace.objects.get().public_id == other.namespace
    assert [model.objects.count() for model in (Document, Collection, Bucket, BucketObject)] == [1, 1, 0, 0]


def test_purges_go_in_batches(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "BATCH", 2)
    api.delete(f"/v1/collections/{filled(api, 'gone', documents=5)}")
    assert "5 documents" in housekeep()[0]
    assert housekeep() == []


def test_what_is_locked_is_left_for_the_next_round(api: Api) -> None:
    gone = filled(api, "gone")
    api.delete(f"/v1/collections/{gone}")
    with connection.cursor() as holder:
        holder.execute("BEGIN")
        holder.execute("SELECT 1 FROM documents_document LIMIT 1 FOR UPDATE")
        in_thread(housekeep)
        holder.execute("COMMIT")
    assert (Document.objects.count(), Collection.objects.count()) == (1, 1)
    assert "1 document in" in housekeep()[0]
    assert Collection.objects.count() == 0


def test_only_one_process_at_a_time_keeps_house(api: Api) -> None:
    api.delete(f"/v1/collections/{filled(api, 'gone')}")
    with housekeeping.alone() as may:
        assert may
        assert in_thread(housekeep) == []
    assert len(housekeep()) == 1


def in_thread(call: object) -> object:
    """The result of a call on a connection of its own."""
    results: list[object] = []

    def run() -> None:
        assert callable(call)
        results.append(call())
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


@pytest.mark.full
def test_the_loop_purges_what_is_deleted_later_and_ends_at_sigterm(api: Api) -> None:
    first, later = filled(api, "first"), filled(api, "later")
    api.delete(f"/v1/collections/{first}")
    process = started("housekeep", stderr=None)
    assert process.stdout is not None
    for gone in (first, later):
        api.delete(f"/v1/collections/{gone}")
        assert select.select([process.stdout], [], [], 30)[0], "nothing was purged within 30 seconds"
        assert gone in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
