"""`manage.py housekeep` builds declared payload indexes and drops those that nobody declares any more."""

import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from documents.models import PayloadIndex, PayloadIndexUse
from documents.payload_indexes import building, ready
from documents.payload_indexes.expressions import index_name
from documents.payload_indexes.registry import forget
from namespaces.models import Namespace
from tests import cast, server
from tests.cast import Api
from tests.commands.running import ran, started, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def api() -> Iterator[Api]:
    yield cast.api()
    server.remove_committed()
    housekeep()
    assert indexes() == {}


def housekeep() -> list[str]:
    return ran("housekeep", "--once").out.splitlines()


def declare(api: Api, *fields: str, type: str = "keyword") -> list[dict[str, Any]]:
    """Declare indexes of these fields; the answer's list."""
    declared = [{"field_name": field, "type": type} for field in fields]
    response = api.patch(f"/v1/namespaces/{api.namespace}", {"payload_indexes": declared})
    assert response.status_code == 200, response
    return list(response.json()["payload_indexes"])


def statuses(api: Api) -> list[str]:
    return [each["status"] for each in api.get(f"/v1/namespaces/{api.namespace}").json()["payload_indexes"]]


def indexes() -> dict[str, bool]:
    """The payload indexes that PostgreSQL has, and whether they are valid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relname LIKE 'document\\_payload\\_%%'",
            [],
        )
        return dict(cursor.fetchall())


def names() -> dict[str, bool]:
    """As `indexes` has it when everything is well: every registered index, valid."""
    return {index_name(number): True for number in PayloadIndex.objects.values_list("pk", flat=True)}


@contextmanager
def old_transaction() -> Iterator[None]:
    """Somebody's transaction that has changed documents: a build waits for it."""
    with psycopg.connect(server._database_url()) as other:
        other.execute("DELETE FROM documents_document WHERE namespace_id = -1")
        yield
        other.rollback()


@contextmanager
def process() -> Iterator[subprocess.Popen[str]]:
    """The loop, as `serve` has it."""
    running = started("housekeep", stderr=None)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def line_of(running: subprocess.Popen[str]) -> str:
    assert running.stdout is not None
    assert select.select([running.stdout], [], [], 30)[0], "nothing was said within 30 seconds"
    return str(running.stdout.readline())


def test_a_declared_index_is_built(api: Api) -> None:
    housekeep()  # what other tests left behind
    assert [each["status"] for each in declare(api, "metadata.title")] == ["pending"]
    [line] = housekeep()
    assert "Built the index of metadata.title (order)" in line
    assert statuses(api) == ["ready"]
    assert indexes() == names()
    assert len(indexes()) == 1
    assert housekeep() == []


def test_what_is_there_already_is_indexed(api: Api) -> None:
    """PostgreSQL builds with a search_path of its own: no function in an index may need ours."""
    collection = cast.collection(api)
    for value in ("x", "x" * 300, [1, "x" * 300], [[1]], {"b": [{"0": "x"}]}, [{"b": {"0": {"c": 1}}}, {"b": 2}], "2024-01-01"):
        assert api.post(f"/v1/collections/{collection}/documents", {"a": value}).status_code == 200
    paths = ("a", "a.b", "a.b.0", "a.b.0.c")
    declared = [{"field_name": path, "type": type} for path in paths for type in ("datetime", "text")]
    assert api.patch(f"/v1/namespaces/{api.namespace}", {"payload_indexes": declared}).status_code == 200
    housekeep()
    assert statuses(api) == ["ready"] * len(declared)
    with connection.cursor() as cursor:
        for name in indexes():
            cursor.execute(f"REINDEX INDEX {name}")


@pytest.mark.parametrize(
    ("type", "kinds"),
    [("keyword", {"order"}), ("float", {"order"}), ("datetime", {"order", "time"}), ("text", {"words"}), ("geo", set())],
)
def test_each_type_has_its_indexes(api: Api, type: str, kinds: set[str]) -> None:
    declare(api, "x", type=type)
    assert len(housekeep()) == len(kinds)
    forget()
    assert set(ready(Namespace.objects.get().pk)) == {(("x",), kind) for kind in kinds}
    assert statuses(api) == ["ready" if kinds else "not_indexed"]


def test_namespaces_share_an_index_and_the_last_one_takes_it_along(api: Api) -> None:
    other = cast.api()
    declare(api, "title", "year")
    declare(other, "title", type="uuid")
    housekeep()
    assert len(indexes()) == 2
    declare(api)
    [line] = housekeep()
    assert "which no namespace declares any more" in line
    assert statuses(other) == ["ready"]
    assert PayloadIndex.objects.get().steps == ["title"]
    other.patch(f"/v1/namespaces/{other.namespace}", {"payload_indexes": None})
    housekeep()
    assert (indexes(), PayloadIndex.objects.count()) == ({}, 0)


def test_a_deleted_namespace_needs_no_index(api: Api) -> None:
    declare(api, "title")
    housekeep()
    api.delete(f"/v1/namespaces/{api.namespace}")
    housekeep()
    assert (indexes(), PayloadIndex.objects.count(), PayloadIndexUse.objects.count()) == ({}, 0, 0)


def test_what_a_killed_build_left_is_built_anew(api: Api) -> None:
    declare(api, "title")
    collection = cast.collection(api)
    for _ in range(2):
        api.post(f"/v1/collections/{collection}/documents", {"title": "x"})
    name = index_name(PayloadIndex.objects.get().pk)
    PayloadIndex.objects.update(state="building")
    with pytest.raises(Exception, match="could not create unique index"), connection.cursor() as cursor:
        cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON documents_document (namespace_id)")
    assert indexes() == {name: False}
    housekeep()
    assert (indexes(), statuses(api)) == ({name: True}, ["ready"])


def test_an_index_that_can_not_be_built_says_why_and_is_tried_again(api: Api) -> None:
    declare(api, "title")
    name = index_name(PayloadIndex.objects.get().pk)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {name} ()")
        try:
            [line] = housekeep()
            assert "could not be built" in line
            [shown] = api.get(f"/v1/namespaces/{api.namespace}").json()["payload_indexes"]
            assert shown == {"field_name": "title", "type": "keyword", "status": "failed", "error": f'"{name}" is not an index'}
            assert housekeep() == [], "not at once"
        finally:
            cursor.execute(f"DROP TABLE {name}")
    PayloadIndex.objects.update(retry_at="2020-01-01T00:00Z")
    housekeep()
    assert statuses(api) == ["ready"]
    assert "error" not in api.get(f"/v1/namespaces/{api.namespace}").json()["payload_indexes"][0]


def test_the_database_has_no_more_indexes_than_it_may_have(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "MAX_INDEXES", 1)
    declare(api, "one", "two")
    housekeep()
    assert sorted(statuses(api)) == ["failed", "ready"]
    assert len(indexes()) == 1


def test_the_catalogue_is_put_right(api: Api) -> None:
    """After a restore, a hand at work, or a flush."""
    declare(api, "title")
    housekeep()
    [name] = indexes()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {name}")
        cursor.execute(f"CREATE INDEX {index_name(10**15)} ON documents_document (namespace_id)")
    assert len(housekeep()) == 2
    assert indexes() == {name: True}


def test_what_was_declared_before_there_was_a_registry_is_built(api: Api) -> None:
    config = {"payload_indexes": [{"field_name": "old", "type": "keyword"}, {"field_name": "vector", "type": "keyword"}, 7]}
    Namespace.objects.update(config=config)
    building.builder._declared = False  # as in a process that begins
    housekeep()
    [index] = PayloadIndex.objects.all()
    assert (index.steps, index.state) == (["old"], "ready")


def test_an_index_declared_while_it_is_dropped_is_built_again(api: Api) -> None:
    declare(api, "title")
    housekeep()
    PayloadIndex.objects.update(state="dropping")  # as if declared just then
    assert statuses(api) == ["pending"]
    housekeep()
    assert statuses(api) == ["ready"]


@pytest.mark.full
def test_other_duties_go_on_during_a_build(api: Api) -> None:
    gone = cast.collection(api)
    with old_transaction(), process() as running:
        declare(api, "title")
        until("a build", lambda: statuses(api) == ["building"])
        api.delete(f"/v1/collections/{gone}")
        assert f"Purged collection {gone}" in line_of(running)
        assert statuses(api) == ["building"]
    assert "Built" in "".join(housekeep())


def test_a_build_ends_at_sigterm_and_begins_anew(api: Api) -> None:
    with old_transaction(), process() as running:
        declare(api, "title")
        until("an index in the making", lambda: list(indexes().values()) == [False])
        running.send_signal(signal.SIGTERM)
        assert running.wait(10) == 0
    assert list(indexes().values()) == [False]
    housekeep()
    assert (indexes(), statuses(api)) == (names(), ["ready"])


def test_a_build_ends_with_a_process_that_is_killed(api: Api) -> None:
    with old_transaction(), process() as running:
        declare(api, "title")
        until("an index in the making", lambda: list(indexes().values()) == [False])
        running.kill()
        running.wait(10)
        until("the end of the build", lambda: not builders())
    housekeep()
    assert (indexes(), statuses(api)) == (names(), ["ready"])


def builders() -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'CREATE INDEX CONCURRENTLY%%'", []
        )
        return list(cursor.fetchall())


def test_writers_do_not_wait_for_a_build(api: Api) -> None:
    collection = cast.collection(api)
    api.post(f"/v1/collections/{collection}/documents", {"title": "x"})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata,
                system, source_blobs, document_blobs, version)
            SELECT gen_random_uuid(), d.namespace_id, d.collection_id, 'doc_' || i,
                jsonb_build_object('title', 'title ' || i, 'n', i), '{}', '{}', '[]', '[]', 1
            FROM documents_document d, generate_series(1, 50000) i
            """
        )
    declare(api, "title", "n", "absent")
    builder = threading.Thread(target=housekeep_in_thread)
    builder.start()
    waits, began = [], time.monotonic()
    while builder.is_alive():
        begun = time.monotonic()
        assert api.post(f"/v1/collections/{collection}/documents", {"title": "y"}).status_code == 200
        waits.append(time.monotonic() - begun)
    assert statuses(api) == ["ready"] * 3
    assert len(waits) > 20
    assert max(waits) < max(1, (time.monotonic() - began) / 5)  # three indexes: one that blocks would take a third


def housekeep_in_thread() -> None:
    try:
        housekeep()
    finally:
        connection.close()
