"""A lineage step keeps its document's status and time of creation: after each write, and after two at the same moment."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pytest
from django.db import connections

from documents import filters, importing, services
from documents.importing.places import place_for
from documents.inputs import read_create, read_patch, read_replace
from documents.services import many
from mixpeek_site import jsonio, sql
from mixpeek_site.transactions import atomic
from tests import cast, statuses

pytestmark = pytest.mark.django_db
at_once = pytest.mark.django_db(transaction=True)
ROOT: Final = {"source_object_id": "obj_1"}
TIMES: Final = {"_internal": {"created_at": "2020-02-29T12:00:00.5Z", "updated_at": "2021-01-01T00:00:00Z"}}


def metadata(status: object) -> dict[str, Any]:
    return {"internal_metadata": {"ingestion_status": status}}


class World:
    """A collection with `doc_a`, which is PENDING, under a root object, and `doc_b` without lineage."""

    def __init__(self) -> None:
        self.scope = cast.api().scope
        self.collection = cast.collection(cast.Api(None, scope=self.scope))
        self.create({"document_id": "doc_a", **ROOT, **metadata("PENDING")})
        self.create({"document_id": "doc_b", **metadata("PENDING")})

    def create(self, body: Any) -> None:
        services.create_document(scope=self.scope, collection=self.collection, given=read_create(body))

    def put(self, name: str, body: Any) -> None:
        given = read_replace(body, name)
        services.replace_document(scope=self.scope, collection=self.collection, document_id=name, given=given)

    def patch(self, name: str, body: Any) -> None:
        services.patch_document(scope=self.scope, collection=None, document_id=name, given=read_patch(body, name))

    def update(self, *updates: tuple[str, Any]) -> None:
        found = many.update_documents(
            scope=self.scope, collection=self.collection, updates=[many.read_update(*update) for update in updates]
        )
        assert found == [None] * len(updates)

    def update_all(self, body: Any, where: Any = None) -> None:
        parts = many.read_matching_update(body, ("body",))
        node = filters.read_filters(where, ("body",), writing=True) if where else None
        many.update_matching(scope=self.scope, collection=self.collection, node=node, parts=parts)

    def load(self, *bodies: Any) -> None:
        lines = importing.lines_of(jsonio.dumps(body).encode() for body in bodies)
        place = place_for(self.scope, self.collection)
        importing.run(lines, place, importing.Options("replace", batch_size=4), lambda *_: None)

    def kept(self) -> dict[str, str | None]:
        return dict(
            sql.rows(
                "SELECT d.document_id, l.status FROM documents_lineagestep l"
                " JOIN documents_document d ON d.namespace_id = l.namespace_id AND d.id = l.id"
            )
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(
    ("write", "kept"),
    [
        (lambda w: w.create({"document_id": "doc_c", **ROOT, **metadata("DONE")}), {"doc_a": "PENDING", "doc_c": "DONE"}),
        (lambda w: w.create({"document_id": "doc_c", "source_document_id": "doc_a"}), {"doc_a": "PENDING", "doc_c": None}),
        (lambda w: w.put("doc_a", metadata("DONE")), {"doc_a": "DONE"}),
        (lambda w: w.put("doc_a", {"title": "x"}), {"doc_a": "PENDING"}),
        (lambda w: w.put("doc_a", {"internal_metadata": {}}), {"doc_a": None}),
        (lambda w: w.patch("doc_a", {"_internal": {"metadata": {"ingestion_status": "DONE"}}}), {"doc_a": "DONE"}),
        (lambda w: w.patch("doc_a", metadata(None)), {"doc_a": None}),
        (lambda w: w.patch("doc_a", metadata(7)), {"doc_a": None}),
        (lambda w: w.patch("doc_a", metadata("ä" * 50)), {"doc_a": "ä" * 40}),
        (lambda w: w.patch("doc_a", metadata("tab\tline\n\\")), {"doc_a": "tab\tline\n\\"}),
        (lambda w: w.patch("doc_b", ROOT), {"doc_a": "PENDING", "doc_b": "PENDING"}),
        (lambda w: w.patch("doc_b", ROOT | metadata("DONE")), {"doc_a": "PENDING", "doc_b": "DONE"}),
        (lambda w: w.patch("doc_a", {"source_document_id": "doc_b"} | metadata("DONE")), {"doc_a": "DONE"}),
        (lambda w: w.update(("doc_b", metadata("DONE")), ("doc_b", ROOT)), {"doc_a": "PENDING", "doc_b": "DONE"}),
        (lambda w: w.update(("doc_a", metadata("DONE")), ("doc_a", metadata("FAILED"))), {"doc_a": "FAILED"}),
        (lambda w: w.update_all(metadata("DONE")), {"doc_a": "DONE"}),
        (lambda w: w.update_all(metadata("DONE"), {"root_object_id": "obj_1"}), {"doc_a": "DONE"}),
        (lambda w: w.update_all({"title": "x"}), {"doc_a": "PENDING"}),
        (lambda w: w.load({"document_id": "doc_c", **ROOT, **metadata("tab\t\\")}), {"doc_a": "PENDING", "doc_c": "tab\t\\"}),
        (lambda w: w.load({"document_id": "doc_c", **ROOT, **metadata("ä" * 50)}), {"doc_a": "PENDING", "doc_c": "ä" * 40}),
        (lambda w: w.load({"document_id": "doc_c", **ROOT, **metadata([])}), {"doc_a": "PENDING", "doc_c": None}),
        (lambda w: w.load({"document_id": "doc_a", **metadata("DONE")}), {"doc_a": "DONE"}),
        (lambda w: w.load({"document_id": "doc_c", **ROOT, **TIMES}), {"doc_a": "PENDING", "doc_c": None}),
        (lambda w: w.load({"document_id": "doc_a", **ROOT, **TIMES}), {"doc_a": "PENDING"}),
        (lambda w: w.load({"document_id": "doc_b", **ROOT, **metadata("DONE")}), {"doc_a": "PENDING", "doc_b": "DONE"}),
    ],
)  # fmt: skip
def test_after_a_write_the_step_keeps_status_and_time(world: World, write: Callable[[World], None], kept: dict[str, Any]) -> None:
    write(world)
    assert world.kept() == kept
    statuses.require_kept()


def test_a_difference_would_be_found(world: World) -> None:
    sql.run("UPDATE documents_lineagestep SET status = 'DONE'")
    assert [row[:3] for row in statuses.differences()] == [("doc_a", "DONE", "PENDING")]


def test_a_write_of_user_fields_leaves_the_step_alone(world: World) -> None:
    before = sql.rows("SELECT xmin::text, ctid::text FROM documents_lineagestep")
    world.patch("doc_a", {"title": "x", "internal_metadata": {"ingestion_status": "PENDING", "more": 1}})
    assert sql.rows("SELECT xmin::text, ctid::text FROM documents_lineagestep") == before


def beside(first: Callable[[], None], second: Callable[[], None]) -> None:
    """`second` begins while `first` is done but not committed, on a connection of its own, and waits for it."""

    def run() -> None:
        try:
            second()
        finally:
            connections.close_all()

    waiting = threading.Thread(target=run)
    with atomic():
        first()
        waiting.start()
        for _ in range(500):
            [[held_up]] = sql.rows(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if held_up:
                break
            threading.Event().wait(0.01)
        else:
            raise AssertionError("the second write does not wait")
    waiting.join(timeout=20)
    assert not waiting.is_alive()


@at_once
def test_a_status_that_waits_for_the_steps_arrival_reaches_it(world: World) -> None:
    """The step comes into being while the write of the status waits for the document's row."""
    beside(partial(world.patch, "doc_b", ROOT), partial(world.patch, "doc_b", metadata("DONE")))
    assert world.kept() == {"doc_a": "PENDING", "doc_b": "DONE"}


@at_once
def test_a_step_that_waits_for_the_status_has_it(world: World) -> None:
    beside(partial(world.patch, "doc_b", metadata("DONE")), partial(world.patch, "doc_b", ROOT))
    assert world.kept() == {"doc_a": "PENDING", "doc_b": "DONE"}


@at_once
def test_moves_are_kept_out_while_the_statuses_of_many_are_written(world: World) -> None:
    """Both write steps, each in an order of its own: rows alone would let them lock each other up."""
    lineage_of_another = partial(world.patch, "doc_b", {"source_object_id": "obj_2"})
    beside(partial(world.update, ("doc_a", metadata("DONE"))), lineage_of_another)
    assert world.kept() == {"doc_a": "DONE", "doc_b": "PENDING"}
    beside(partial(world.update_all, metadata("LATER"), {"document_id": "doc_a"}), partial(world.patch, "doc_b", ROOT))
    assert world.kept() == {"doc_a": "LATER", "doc_b": "PENDING"}
