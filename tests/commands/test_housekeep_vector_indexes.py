"""`manage.py housekeep` builds declared vector indexes and drops those that nothing declares any more."""

import threading
import time
from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from documents import vector_indexes
from documents.models import VectorIndex
from documents.vector_indexes import building
from documents.vector_indexes.expressions import index_name
from namespaces.models import Collection
from tests import cast, server
from tests.cast import Api

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.pgvector]


@pytest.fixture
def api() -> Iterator[Api]:
    building.builder._begun = False  # as in a process that begins
    yield cast.api()
    server.remove_committed()
    housekeep()
    assert indexes() == {}


@pytest.fixture
def collection(api: Api) -> str:
    """With three vectors `a` of three dimensions."""
    made = cast.collection(api)
    for number in range(3):
        write(api, made, [number, 1, 2])
    return made


def write(api: Api, collection: str, vector: list[int]) -> None:
    response = api.post(f"/v1/collections/{collection}/documents", {"vectors": {"a": vector}})
    assert response.status_code == 200, response


def housekeep() -> list[str]:
    out = StringIO()
    call_command("housekeep", "--once", stdout=out)
    return out.getvalue().splitlines()


def declare(api: Api, collection: str, *dimensions: int, **more: Any) -> None:
    declared = [{"name": "a", "dimensions": each, **more} for each in dimensions]
    response = api.patch(f"/v1/collections/{collection}", {"vector_indexes": declared})
    assert response.status_code == 200, response


def state(api: Api, collection: str) -> dict[str, Any]:
    [index] = api.get(f"/v1/collections/{collection}").json()["vector_indexes"]
    return dict(index["index"])


def indexes() -> dict[str, bool]:
    """The vector indexes that PostgreSQL has, and whether they are valid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relname LIKE 'document\\_vector\\_%%'",
            [],
        )
        return dict(cursor.fetchall())


def names() -> dict[str, bool]:
    """As `indexes` has it when everything is well."""
    return {index_name(number): True for number in VectorIndex.objects.filter(type="hnsw").values_list("pk", flat=True)}


@pytest.mark.parametrize("metric", ["cosine", "l2", "dot"])
def test_a_declared_index_is_built_and_serves_statements(api: Api, collection: str, metric: str) -> None:
    declare(api, collection, 3, metric=metric)
    assert state(api, collection)["state"] == "pending"
    [line] = housekeep()
    assert f"vectors a (3, {metric}) of collection {collection} was built over 3 of them" in line
    assert (state(api, collection)["state"], indexes()) == ("ready", names())
    assert state(api, collection)["size_bytes"] > 0
    assert housekeep() == []
    row = Collection.objects.get(public_id=collection)
    vector_indexes.forget()
    [found] = vector_indexes.declared(row.namespace_id, [row.pk]).values()
    assert found.ready
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off; SET enable_sort = off")
        statement = f"SELECT f.id FROM documents_feature f WHERE f.namespace_id = %s AND {found.predicate}"
        cursor.execute(f"EXPLAIN {statement} ORDER BY {found.expression} {found.operator} %s::vector LIMIT 1", [1, "[1,2,3]"])
        assert index_name(VectorIndex.objects.get().pk) in str(cursor.fetchall())
        cursor.execute("RESET enable_seqscan; RESET enable_sort")


def test_an_exact_one_has_none_and_is_ready_at_once(api: Api, collection: str) -> None:
    declare(api, collection, 3, type="exact")
    assert (housekeep(), indexes(), state(api, collection)["state"]) == ([], {}, "ready")


@pytest.mark.parametrize("change", ["metric", "drop", "collection", "namespace"])
def test_an_index_goes_with_what_declared_it(api: Api, collection: str, change: str) -> None:
    declare(api, collection, 3)
    housekeep()
    [before] = indexes()
    if change == "metric":
        declare(api, collection, 3, metric="l2")
    elif change == "drop":
        declare(api, collection)
    else:
        api.delete(f"/v1/collections/{collection}" if change == "collection" else f"/v1/namespaces/{api.namespace}")
    assert list(indexes()) == [before], "behind the request"
    assert f"Dropped the index {before}" in "".join(housekeep())
    assert indexes() == names()
    assert len(indexes()) == (change == "metric")


def test_an_index_on_its_way_out_refuses_no_vector(api: Api, collection: str) -> None:
    declare(api, collection, 3)
    housekeep()
    for each in api.post(f"/v1/collections/{collection}/documents/list", {}).json()["results"]:
        api.patch(f"/v1/documents/{each['document_id']}", {"vectors": {"a": None}})
    declare(api, collection, 2)
    write(api, collection, [1, 2])
    housekeep()
    assert (indexes(), state(api, collection)["state"]) == (names(), "ready")


def test_vectors_that_no_check_saw_stop_no_build(api: Api, collection: str) -> None:
    """After a restore of another server's data, or a hand at work."""
    declare(api, collection, 3)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE documents_feature SET embedding = '[1,2]' WHERE id = (SELECT min(id) FROM documents_feature)", [])
    housekeep()
    assert (indexes(), state(api, collection)["state"]) == (names(), "ready")


def test_what_a_killed_build_left_is_built_anew(api: Api, collection: str) -> None:
    declare(api, collection, 3)
    name = index_name(VectorIndex.objects.get().pk)
    VectorIndex.objects.update(state="building")
    with pytest.raises(Exception, match="could not create unique index"), connection.cursor() as cursor:
        cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON documents_feature (namespace_id)")
    assert indexes() == {name: False}
    housekeep()
    assert (indexes(), state(api, collection)["state"]) == ({name: True}, "ready")


def test_one_that_can_not_be_built_says_why_and_is_tried_again(api: Api, collection: str) -> None:
    declare(api, collection, 3)
    name = index_name(VectorIndex.objects.get().pk)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} ()")
        try:
            assert "could not be built" in "".join(housekeep())
            assert (state(api, collection)["state"], state(api, collection)["error"]) == ("failed", f'"{name}" is not an index')
            assert housekeep() == [], "not at once"
        finally:
            cursor.execute(f"DROP TABLE {name}")
    VectorIndex.objects.update(retry_at="2020-01-01T00:00Z")
    housekeep()
    assert (state(api, collection)["state"], "error" in state(api, collection)) == ("ready", False)


def test_where_processes_can_not_share_the_memory_one_builds_alone(
    api: Api, collection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "_memory", lambda *_: 2_000_000)  # two terabytes
    declare(api, collection, 3)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE documents_feature SET (parallel_workers = 1)")
        try:
            housekeep()
        finally:
            cursor.execute("ALTER TABLE documents_feature RESET (parallel_workers)")
    assert (indexes(), state(api, collection)["state"]) == (names(), "ready")


def test_the_catalogue_is_put_right(api: Api, collection: str) -> None:
    declare(api, collection, 3)
    housekeep()
    [name] = indexes()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {name}")
        cursor.execute(f"CREATE INDEX {index_name(10**15)} ON documents_feature (namespace_id)")
    assert len(housekeep()) == 2
    assert indexes() == {name: True}


def test_what_was_declared_before_there_was_a_registry_is_built(api: Api, collection: str) -> None:
    Collection.objects.filter(public_id=collection).update(config={"vector_indexes": [{"name": "a", "dimensions": 3}]})
    unreadable = cast.collection(api)
    Collection.objects.filter(public_id=unreadable).update(config={"vector_indexes": [{"name": "a"}]})
    housekeep()
    assert state(api, collection)["state"] == "ready"
    assert "is required" in state(api, unreadable)["error"]


def test_writers_do_not_wait_for_a_build(api: Api, collection: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH made AS (
                INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata,
                    system, source_blobs, document_blobs, version)
                SELECT gen_random_uuid(), c.namespace_id, c.id, 'doc_' || i, '{}', '{}', '{}', '[]', '[]', 1
                FROM namespaces_collection c, generate_series(1, 4000) i RETURNING *
            )
            INSERT INTO documents_feature (namespace_id, document_id, collection_id, name, kind, embedding)
            SELECT m.namespace_id, m.id, m.collection_id, 'a', 'dense',
                ARRAY[random(), random(), random() + length(m.document_id)]::vector FROM made m
            """
        )
    declare(api, collection, 3)
    builder = threading.Thread(target=_housekeep_in_thread)
    builder.start()
    waits = []
    while builder.is_alive():
        begun = time.monotonic()
        write(api, collection, [1, 2, 3])
        waits.append(time.monotonic() - begun)
    assert (state(api, collection)["state"], indexes()) == ("ready", names())
    assert len(waits) > 20
    assert max(waits) < 1


def _housekeep_in_thread() -> None:
    try:
        housekeep()
    finally:
        connection.close()


@pytest.mark.full
def test_a_build_says_how_far_it_is(api: Api, collection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "TELL_SECONDS", 0)
    declare(api, collection, 3)
    builder = building.builder
    with psycopg.connect(server._database_url()) as other:
        other.execute("DELETE FROM documents_feature WHERE namespace_id = -1")  # which the build waits for
        lines: list[str] = []
        deadline = time.monotonic() + 30
        while not lines:
            assert time.monotonic() < deadline
            lines = list(builder.keep(lambda: False))
            time.sleep(0.05)
        other.rollback()
    assert f"Building {index_name(VectorIndex.objects.get().pk)}: " in lines[0]
    assert "was built" in "".join(builder.finish(lambda: False))
