"""Writes that meet (contract sections 6 and 8): two server processes, real commits, requests released by a barrier."""

import random
import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connection

from tests.api.places import JSON_PATCH, Documents
from tests.api.racing import Racer, at_once
from tests.cast import Api
from tests.server import serving

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 12


@pytest.fixture(scope="module")
def servers(django_db_setup: None) -> Iterator[list[str]]:
    """Two servers, each with too few threads to reach 32 transactions alone."""
    with serving("--workers", "1", "--threads", "20") as first, serving("--workers", "1", "--threads", "20") as second:
        yield [first, second]


@pytest.fixture
def racer(servers: list[str], api: Api) -> Racer:
    return Racer(servers, api)


def waiting_transactions() -> int:
    """Other sessions of this database whose transaction waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw first
        cursor.execute(
            "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


class RowLock:
    """Holds the document's row, so that all who write it are seen waiting at the same time."""

    def __init__(self, document_id: str) -> None:
        self.document_id = document_id

    def __enter__(self) -> None:
        connection.set_autocommit(False)
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM documents_document WHERE document_id = %s FOR UPDATE", [self.document_id])

    def __exit__(self, *_: object) -> None:
        connection.rollback()
        connection.set_autocommit(True)


def patch_of(number: int) -> tuple[Any, dict[str, str]]:
    """One of three ways to set one field, inside an object that all share."""
    name = f"field_{number}"
    if number % 3 == 0:
        return {"metadata": {name: number}}, {}
    if number % 3 == 1:
        return {f"metadata.{name}": number}, {}
    return [{"op": "add", "path": f"/metadata/{name}", "value": number}], {"Content_Type": JSON_PATCH}


def test_200_patches_of_200_fields_at_once_all_survive(racer: Racer, documents: Documents) -> None:
    made = documents.new({"metadata": {"kept": True}})
    calls = []
    for number in range(200):
        body, headers = patch_of(number)
        calls.append(partial(racer.call, "PATCH", documents.url(made), body, **headers))
    replies: list[Any] = []
    with RowLock(made):
        racing = threading.Thread(target=lambda: replies.extend(at_once(*calls)))
        racing.start()
        deadline = time.monotonic() + 30
        while (seen := waiting_transactions()) < 40 and time.monotonic() < deadline:
            time.sleep(0.05)
    racing.join()
    assert seen >= 32
    assert {reply.status for reply in replies} == {200}
    assert documents.fields(made) == {"metadata": {"kept": True} | {f"field_{number}": number for number in range(200)}}
    assert len({reply.headers["etag"] for reply in replies}) == 200


def test_of_many_who_hold_the_same_version_one_wins(racer: Racer, documents: Documents) -> None:
    made = documents.new({"n": 0})
    tag = documents.api.get(documents.url(made)).headers["ETag"]
    calls = [partial(racer.call, "PATCH", documents.url(made), {"n": n}, If_Match=tag) for n in range(1, 25)]
    replies = at_once(*calls)
    assert sorted(reply.status for reply in replies) == [200] + [412] * 23
    winner = next(reply for reply in replies if reply.status == 200)
    assert documents.fields(made)["n"] == winner.body["n"]


def test_a_patch_racing_a_delete_never_revives_the_document(racer: Racer, documents: Documents) -> None:
    for _ in range(ROUNDS):
        made = documents.new({"a": 1})
        patches = [partial(racer.call, "PATCH", documents.url(made), {f"p{n}": n}) for n in range(6)]
        *patched, deleted = at_once(*patches, partial(racer.call, "DELETE", documents.url(made)))
        assert deleted.status == 200
        assert {reply.status for reply in patched} <= {200, 404}
        assert documents.api.get(documents.url(made)).status_code == 404


def test_a_patch_racing_a_put_is_before_or_after_it(racer: Racer, documents: Documents) -> None:
    for _ in range(ROUNDS):
        made = documents.new({"old": 1})
        patches = [partial(racer.call, "PATCH", documents.url(made), {f"p{n}": n}) for n in range(6)]
        *patched, put = at_once(*patches, partial(racer.call, "PUT", documents.url(made), {"new": 1}))
        assert {reply.status for reply in (*patched, put)} == {200}
        after = documents.fields(made)
        later = {f"p{n}" for n, reply in enumerate(patched) if "new" in reply.body}
        assert after.keys() == {"new"} | later


def test_a_patch_racing_a_create_finds_all_of_it_or_nothing(racer: Racer, documents: Documents) -> None:
    for number in range(ROUNDS):
        name = f"doc_{number}"
        patches = [partial(racer.call, "PATCH", documents.url(name), {f"p{n}": n}) for n in range(6)]
        *patched, created = at_once(*patches, partial(racer.call, "POST", documents.path, {"document_id": name, "a": 1}))
        assert created.status == 200
        assert {reply.status for reply in patched} <= {200, 404}
        done = {f"p{n}" for n, reply in enumerate(patched) if reply.status == 200}
        assert documents.fields(name).keys() == {"a"} | done


def test_of_creates_of_one_id_one_is_done(racer: Racer, documents: Documents) -> None:
    for number in range(ROUNDS):
        body = {"document_id": f"doc_{number}"}
        replies = at_once(*[partial(racer.call, "POST", documents.path, {**body, "n": n}) for n in range(8)])
        assert sorted(reply.status for reply in replies) == [200] + [409] * 7
        winner = next(reply for reply in replies if reply.status == 200)
        assert documents.get(f"doc_{number}") == winner.body


def test_versions_do_not_repeat_when_one_id_is_created_and_deleted_by_many(racer: Racer, documents: Documents) -> None:
    tags = []

    def again_and_again() -> None:
        for _ in range(10):
            reply = racer.call("POST", documents.path, {"document_id": "doc_1"})
            if reply.status == 200:
                tags.append(reply.headers["etag"])
                racer.call("DELETE", documents.url("doc_1"))

    at_once(*[again_and_again] * 6)
    assert len(tags) == len(set(tags)) >= 10


# Lineage --------------------------------------------------------------------------------------------------------------


def under(parent: str, **fields: Any) -> dict[str, Any]:
    return {"source_document_id": parent, **fields}


def test_parent_and_child_created_at_once_always_link(racer: Racer, documents: Documents) -> None:
    for number in range(ROUNDS * 2):
        parent, child, grandchild = (f"{kind}_{number}" for kind in ("parent", "child", "grandchild"))
        replies = at_once(
            partial(
                racer.call, "POST", documents.path, {"document_id": parent, "source_object_id": "obj", "root_bucket_id": "b"}
            ),
            partial(racer.call, "POST", documents.path, under(parent, document_id=child)),
            partial(racer.call, "POST", documents.path, under(child, document_id=grandchild)),
        )
        assert [reply.status for reply in replies] == [200, 200, 200]
        steps = "/".join([documents.collection] * 3)
        assert documents.lineage(grandchild)["path"] == f"b/{steps}"
        assert [step.get("document_id") for step in documents.lineage(grandchild)["chain"]] == [parent, child, None]


def test_a_parent_without_lineage_and_its_children_link_too(racer: Racer, documents: Documents) -> None:
    for number in range(ROUNDS):
        parent = f"parent_{number}"
        children = [partial(racer.call, "POST", documents.path, under(parent, document_id=f"{parent}_{n}")) for n in range(4)]
        replies = at_once(partial(racer.call, "POST", documents.path, {"document_id": parent}), *children)
        assert {reply.status for reply in replies} == {200}
        for n in range(4):
            assert documents.lineage(f"{parent}_{n}")["source_collection_id"] == documents.collection


def test_two_moves_at_once_never_make_a_cycle(racer: Racer, documents: Documents) -> None:
    for _ in range(ROUNDS):
        first, second, third = documents.new(), documents.new(), documents.new()
        ring = ((first, second), (second, third), (third, first))
        replies = at_once(
            *[partial(racer.call, "PATCH", documents.url(name), under(above)) for name, above in ring],
            *[partial(racer.call, "PUT", documents.url(above), under(name)) for name, above in ring],
        )
        assert {reply.status for reply in replies} <= {200, 422}
        assert any(reply.status == 200 for reply in replies)
        for name in (first, second, third):
            assert name not in ancestors(documents, name)


def ancestors(documents: Documents, name: str) -> list[str]:
    found: list[str] = []
    while (above := (documents.lineage(name) or {}).get("source_document_id")) and above not in found:
        found.append(above)
        name = above
    return found


def test_a_create_under_a_moving_subtree_ends_below_the_new_root(racer: Racer, documents: Documents) -> None:
    roots = [documents.new({"source_object_id": f"obj_{n}", "root_bucket_id": "b"}) for n in range(2)]
    for number in range(ROUNDS):
        top = documents.new(under(roots[0]))
        inner = documents.new(under(top))
        creates = [partial(racer.call, "POST", documents.path, under(inner, document_id=f"leaf_{number}_{n}")) for n in range(5)]
        replies = at_once(partial(racer.call, "PATCH", documents.url(top), under(roots[1])), *creates)
        assert {reply.status for reply in replies} == {200}
        for n in range(5):
            shown = documents.lineage(f"leaf_{number}_{n}")
            assert shown["root_object_id"] == "obj_1"
            assert [step.get("document_id") for step in shown["chain"]] == [roots[1], top, inner, None]


def test_restrict_and_a_create_below_do_not_both_succeed_as_if_alone(racer: Racer, documents: Documents) -> None:
    for number in range(ROUNDS):
        parent = documents.new({"source_object_id": "obj_1"})
        deleted, created = at_once(
            partial(racer.call, "DELETE", documents.url(parent, "?on_children=restrict")),
            partial(racer.call, "POST", documents.path, under(parent, document_id=f"child_{number}")),
        )
        assert created.status == 200
        linked = "root_object_id" in documents.lineage(f"child_{number}")
        assert deleted.status == (409 if linked else 200)


def test_a_cascade_takes_every_child_that_was_linked(racer: Racer, documents: Documents) -> None:
    for number in range(ROUNDS):
        parent = documents.new({"source_object_id": "obj_1"})
        names = [f"child_{number}_{n}" for n in range(5)]
        creates = [partial(racer.call, "POST", documents.path, under(parent, document_id=name)) for name in names]
        deleted, *created = at_once(partial(racer.call, "DELETE", documents.url(parent, "?on_children=cascade")), *creates)
        assert {reply.status for reply in (deleted, *created)} == {200}
        for name, reply in zip(names, created, strict=True):
            gone = documents.api.get(documents.url(name)).status_code == 404
            assert gone is ("root_object_id" in reply.body["_internal"]["lineage"])


def test_many_of_everything_at_once_is_never_a_servers_error(racer: Racer, documents: Documents) -> None:
    """Creates, moves, puts and deletes among eight ids: no deadlock, no 5xx, in the end all follows from the parents."""
    names = [f"doc_{n}" for n in range(8)]
    statuses: set[int] = set()

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(25):
            name, above = chance.choice(names), chance.choice(names)
            method, path, body = chance.choice(
                [
                    ("POST", documents.path, under(above, document_id=name)),
                    ("POST", documents.path, {"document_id": name, "source_object_id": f"obj_{seed}"}),
                    ("PATCH", documents.url(name), under(above)),
                    ("PUT", documents.url(name), under(above)),
                    ("PATCH", documents.url(name), {"a": seed}),
                    ("DELETE", documents.url(name, f"?on_children={chance.choice(['detach', 'restrict', 'cascade'])}"), None),
                ]
            )
            statuses.add(racer.call(method, path, body).status)

    at_once(*[partial(work, seed) for seed in range(10)])
    assert statuses <= {200, 404, 409, 422}
    shown = {name: documents.lineage(name) for name in names if documents.api.get(documents.url(name)).status_code == 200}
    for lineage in shown.values():
        above = (lineage or {}).get("source_document_id")
        if above in shown:
            assert lineage["chain"][-2]["document_id"] == above
            assert lineage.get("root_object_id") == (shown[above] or {}).get("root_object_id", lineage.get("root_object_id"))


@pytest.mark.pgvector
def test_upserts_of_the_same_documents_in_any_order_all_get_through_and_none_is_mixed(racer: Racer, documents: Documents) -> None:
    path = f"/v1/namespaces/{documents.api.namespace}/documents/upsert"

    def work(seed: int) -> None:
        for turn in range(2):
            number = 10 * seed + turn
            batch = [{"document_id": f"d{n}", "vectors": {"v": [number, n]}, "payload": {"n": number}} for n in range(40)]
            random.Random(number).shuffle(batch)
            reply = racer.call("POST", path, {"documents": batch})
            assert (reply.status, reply.body["inserted"]) == (200, 40), reply

    at_once(*[partial(work, seed) for seed in range(6)])
    for document in documents.list({"limit": 1000, "return_vectors": True}).json()["results"]:
        assert document["vectors"] == {"v": [document["n"], int(document["document_id"][1:])]}
