"""Writes of many documents beside others, each on a connection of its own: who waits for whom, and what is left."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections

from documents import filters, queries, services
from documents.inputs import read_create, read_patch
from documents.services import many
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import DomainError, ServiceUnavailableError
from tests import cast, server
from tests.cast import Api
from tests.server import PROJECT

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = 20_000


@pytest.fixture
def api() -> Api:
    return cast.api()


@pytest.fixture
def collection(api: Api) -> str:
    return cast.collection(api)


def fill(collection: str, number: int, first: int = 0) -> list[str]:
    """Documents `doc_<n>` with `n` and a status, which is "new" for every second one."""
    sql.run(
        "WITH made AS (INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload,"
        " internal_metadata, system, source_blobs, document_blobs, version, created_at, updated_at)"
        " SELECT gen_random_uuid(), c.namespace_id, c.id, 'doc_' || n,"
        " jsonb_build_object('n', n, 'status', CASE n %% 2 WHEN 0 THEN 'new' ELSE 'old' END), '{}', '{}', '[]', '[]', 1,"
        " now(), now() FROM namespaces_collection c, generate_series(%s::integer, %s::integer) n WHERE c.public_id = %s"
        " RETURNING namespace_id, collection_id)"
        " INSERT INTO documents_documentcount (namespace_id, collection_id, delta)"
        " SELECT namespace_id, collection_id, count(*) FROM made GROUP BY 1, 2",
        (first, first + number - 1, collection),
    )
    return [f"doc_{n}" for n in range(first, first + number)]


def is_new() -> Any:
    return filters.read_filters({"status": "new"}, ("body", "filters"), writing=True)


def payload(api: Api, document_id: str) -> Any:
    return jsonio.loads(queries.document(api.scope, None, document_id).payload)


class Running:
    """Verbs in threads of their own; `join` gives what came of each: its value, or the domain's error."""

    def __init__(self, *verbs: Callable[[], Any]) -> None:
        self._verbs = verbs
        self._barrier = threading.Barrier(len(verbs))
        self._results: list[Any] = [None] * len(verbs)
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(len(verbs))]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        try:
            connection.ensure_connection()
            self._barrier.wait(timeout=20)
            self._results[number] = self._verbs[number]()
        except DomainError as error:
            self._results[number] = error
        finally:
            connections.close_all()

    @property
    def going_on(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join(self) -> list[Any]:
        for thread in self._threads:
            thread.join(120)
        assert not self.going_on
        return self._results


def patch(api: Api, collection: str, document_id: str, body: Any) -> None:
    services.patch_document(scope=api.scope, collection=collection, document_id=document_id, given=read_patch(body, document_id))


def update(api: Api, collection: str, names: list[str], data: Any) -> list[DomainError | None]:
    updates = [many.read_update(name, data) for name in names]
    return many.update_documents(scope=api.scope, collection=collection, updates=updates)


@contextmanager
def held(document_id: str) -> Iterator[None]:
    """Another write holds the document's row; what it does there is done when the block ends."""
    connection.set_autocommit(False)
    try:
        sql.run("SELECT FROM documents_document WHERE document_id = %s FOR UPDATE", (document_id,))
        yield
        connection.commit()
    finally:
        connection.rollback()
        connection.set_autocommit(True)


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def backends(where: str) -> list[int]:
    sql.run("SELECT pg_stat_clear_snapshot()")
    return [
        row[0]
        for row in sql.rows(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            f" AND state = 'active' AND query LIKE '%%locked AS MATERIALIZED%%' AND {where}"
        )
    ]


def someone_waits() -> bool:
    return bool(backends("wait_event_type = 'Lock'"))


def test_batches_of_the_same_documents_in_any_order_wait_for_one_another(api: Api, collection: str) -> None:
    names = fill(collection, 200)
    for turn in range(4):
        orders = [names, names[::-1], names[100:] + names[:100], names[::2] + names[1::2]]
        verbs = [partial(update, api, collection, order, {f"t{turn}.w{n}": n}) for n, order in enumerate(orders)]
        assert Running(*verbs).join() == [[None] * 200] * 4
    assert all(
        payload(api, name) | {"n": 0, "status": ""}
        == {"n": 0, "status": ""} | {f"t{turn}": {f"w{n}": n for n in range(4)} for turn in range(4)}
        for name in names[::20]
    )


def test_batches_deletes_and_writes_with_filters_never_get_in_each_others_way(api: Api, collection: str) -> None:
    scope = api.scope
    for turn in range(4):
        names = fill(collection, 300, first=turn * 300)
        results = Running(
            partial(update, api, collection, names[::-1], {"a": 1}),
            partial(update, api, collection, names, {"b": 1}),
            partial(many.update_matching, scope=scope, collection=collection, node=is_new(), parts={"payload": '{"c": 1}'}),
            partial(many.update_matching, scope=scope, collection=collection, node=None, parts={"payload": '{"d": 1}'}),
            partial(many.delete_documents, scope=scope, collection=collection, document_ids=names[150:][::-1]),
            partial(many.delete_matching, scope=scope, collection=collection, node=is_new()),
        ).join()
        assert not any(isinstance(result, DomainError) for result in results), results
        left = names[1:150:2]
        assert all({"a", "b", "d"} <= payload(api, name).keys() for name in left)
        assert many.update_matching(scope=scope, collection=collection, node=None, parts={"payload": "{}"}) == 75 * (turn + 1)


def test_patches_beside_a_bulk_update_all_survive(api: Api, collection: str) -> None:
    names = fill(collection, 2_000)
    write = partial(
        many.update_matching, scope=api.scope, collection=collection, node=None, parts={"payload": '{"bulk": {"a": 1}}'}
    )

    def patches(writer: int) -> None:
        for name in names[writer::250]:
            patch(api, collection, name, {f"w{writer}": writer, "bulk": {"b": writer}})

    results = Running(write, *(partial(patches, writer) for writer in range(8))).join()
    assert results == [2_000, *[None] * 8]
    for writer in range(8):
        for name in names[writer::250]:
            shown = payload(api, name)
            assert (shown[f"w{writer}"], shown["bulk"]) == (writer, {"a": 1, "b": writer})


def test_a_document_that_stops_matching_while_its_row_is_held_is_left_alone(api: Api, collection: str) -> None:
    fill(collection, 10)
    for verb in ("update", "delete"):
        with held("doc_4"):
            target: dict[str, Any] = {"scope": api.scope, "collection": collection, "node": is_new()}
            running = Running(
                partial(many.update_matching, parts={"payload": '{"hit": 1}'}, **target)
                if verb == "update"
                else partial(many.delete_matching, **target)
            )
            wait_until(someone_waits)
            sql.run("""UPDATE documents_document SET payload = '{"status": "other"}' WHERE document_id = 'doc_4'""")
        assert running.join() == [4]
        assert payload(api, "doc_4") == {"status": "other"}
        sql.run("""UPDATE documents_document SET payload = '{"status": "new"}' WHERE document_id = 'doc_4'""")


def test_what_another_write_changed_while_it_waited_is_kept(api: Api, collection: str) -> None:
    fill(collection, 6)
    with held("doc_2"):
        running = Running(
            partial(update, api, collection, ["doc_4", "doc_2"], {"batch": 1}),
            partial(many.update_matching, scope=api.scope, collection=collection, node=is_new(), parts={"payload": '{"all": 1}'}),
        )
        wait_until(lambda: len(backends("wait_event_type = 'Lock'")) == 2)
        sql.run("""UPDATE documents_document SET payload = payload || '{"theirs": 1}' WHERE document_id = 'doc_2'""")
    assert running.join() == [[None, None], 3]
    assert payload(api, "doc_2") == {"n": 2, "status": "new", "theirs": 1, "batch": 1, "all": 1}


def test_what_another_write_deleted_while_it_waited_is_not_found(api: Api, collection: str) -> None:
    fill(collection, 6)
    with held("doc_2"):
        running = Running(
            partial(update, api, collection, ["doc_2", "doc_4"], {"a": 1}),
            partial(many.delete_matching, scope=api.scope, collection=collection, node=is_new()),
        )
        wait_until(lambda: len(backends("wait_event_type = 'Lock'")) == 2)
        sql.run("DELETE FROM documents_document WHERE document_id = 'doc_2'")
    (first, second), deleted = running.join()
    assert type(first).__name__ == "NotFoundError"
    assert deleted == 2
    assert second is None or type(second).__name__ == "NotFoundError"  # whichever of the two came first to doc_4


def timed(verb: Callable[[], Any]) -> float:
    started = time.monotonic()
    verb()
    return time.monotonic() - started


def test_others_of_the_collection_are_not_delayed_by_a_large_write(api: Api, collection: str) -> None:
    """Patches and creates go on while a write of many is held up in its middle: it waits for one row, which is held."""
    fill(collection, LARGE)
    fill(collection, 1, first=LARGE + 1)  # odd: it does not match
    last = str(sql.rows("SELECT document_id FROM documents_document WHERE payload ->> 'status' = 'new' ORDER BY id")[-1][0])
    for write in (
        partial(many.update_matching, parts={"payload": '{"hit": 1}'}),
        partial(many.delete_matching),
    ):
        with held(last):
            running = Running(partial(write, scope=api.scope, collection=collection, node=is_new()))
            wait_until(someone_waits)

            def beside() -> list[float]:
                return [
                    *(timed(partial(patch, api, collection, f"doc_{LARGE + 1}", {"a": n})) for n in range(20)),
                    *(
                        timed(
                            partial(services.create_document, scope=api.scope, collection=collection, given=read_create({"n": n}))
                        )
                        for n in range(20)
                    ),
                ]

            [delays] = Running(beside).join()
            assert running.going_on
        assert running.join() == [LARGE / 2]
        assert max(delays) < 1
        assert sorted(delays)[len(delays) // 2] < 0.1


def test_a_write_that_is_cancelled_leaves_nothing(api: Api, collection: str) -> None:
    names = fill(collection, 500)
    held_up = str(sql.rows("SELECT document_id FROM documents_document WHERE payload ->> 'status' = 'new' ORDER BY id")[-1][0])
    for write in (
        partial(many.update_matching, parts={"payload": '{"hit": 1}'}),
        partial(many.delete_matching),
    ):
        with held(held_up):
            running = Running(partial(write, scope=api.scope, collection=collection, node=is_new()))
            wait_until(someone_waits)
            [pid] = backends("true")
            assert sql.one("SELECT pg_cancel_backend(%s)", (pid,)) == (True,)
            [error] = running.join()
        assert isinstance(error, ServiceUnavailableError)
        assert "cancelled" in error.message
    assert all(payload(api, name).keys() == {"n", "status"} for name in names)
    assert sql.rows("SELECT DISTINCT version FROM documents_document") == [(1,)]


def test_a_write_whose_time_is_over_leaves_nothing(api: Api, collection: str, settings: Any) -> None:
    fill(collection, 100)
    settings.BULK_STATEMENT_SECONDS = 1
    with held("doc_50"):
        started = time.monotonic()
        [error] = Running(partial(many.delete_matching, scope=api.scope, collection=collection, node=is_new())).join()
        assert time.monotonic() - started < 10
    assert isinstance(error, ServiceUnavailableError)
    assert sql.one("SELECT count(*) FROM documents_document") == (100,)


def test_a_write_whose_process_is_killed_ends_and_leaves_nothing(api: Api, collection: str) -> None:
    """Nobody would hear of it any more: PostgreSQL finds its client gone, although the statement only waits."""
    fill(collection, 100)
    script = (
        "import django; django.setup()\n"
        "from documents import filters; from documents.services import many; from namespaces.scope import Scope\n"
        f"node = filters.read_filters({{'status': 'new'}}, ('body',), writing=True)\n"
        f"many.delete_matching(scope={api.scope!r}, collection={collection!r}, node=node)"
    )
    environment = {**os.environ, "DATABASE_URL": server._database_url(), "DJANGO_SETTINGS_MODULE": "mixpeek_site.settings"}
    with held("doc_50"):
        process = subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT, env=environment)
        try:
            wait_until(someone_waits)
        finally:
            process.kill()
            process.wait()
        wait_until(lambda: not backends("true"), seconds=10)
    assert sql.one("SELECT count(*) FROM documents_document") == (100,)


def test_the_longer_time_is_for_that_transaction_alone(api: Api, collection: str) -> None:
    fill(collection, 2)
    before = sql.one("SELECT current_setting('statement_timeout'), current_setting('client_connection_check_interval')")
    assert many.delete_matching(scope=api.scope, collection=collection, node=is_new()) == 1
    after = sql.one("SELECT current_setting('statement_timeout'), current_setting('client_connection_check_interval')")
    assert before == after == ("30s", "0")
