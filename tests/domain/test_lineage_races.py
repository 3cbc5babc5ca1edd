"""Lineage under writers at the same moment, each on a connection of its own: afterwards the check finds nothing.

What an operation may be answered with is decided per scenario; "another write got in the way" is never among it.
"""

import random
import threading
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connections

from documents import filters, services
from documents.importing.places import place_for
from documents.importing.preparing import Prepared, prepare
from documents.importing.reading import Line
from documents.importing.writing import Writer
from documents.inputs import read_create, read_patch
from documents.services import many
from documents.trees import checking
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import AlreadyExistsError, ConflictError, DomainError, NotFoundError, ValidationError
from tests import cast, server
from tests.cast import Api

pytestmark = pytest.mark.django_db(transaction=True)
REFUSED = (NotFoundError, AlreadyExistsError, ConflictError, ValidationError)
rounds = pytest.mark.parametrize("rounds", [6, pytest.param(100, marks=pytest.mark.full)])


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    server.remove_committed()


class Place:
    """A namespace with two collections, and what is done in it. Every verb answers None, or how it was refused."""

    def __init__(self) -> None:
        self.api: Api = cast.api()
        self.collections = [cast.collection(self.api), cast.collection(self.api)]
        self.namespace_id = int(sql.rows("SELECT id FROM namespaces_namespace WHERE public_id = %s", (self.api.namespace,))[0][0])

    def create(self, name: str, source: str | None = None, **fields: Any) -> DomainError | None:
        body = {"document_id": name, **named_source(source), **fields}
        collection = self.collections[zlib.crc32(name.encode()) % 2]
        return self._try(services.create_document, collection=collection, given=read_create(body))

    def move(self, name: str, source: str) -> DomainError | None:
        given = read_patch(named_source(source), name)
        return self._try(services.patch_document, collection=None, document_id=name, given=given)

    def set_status(self, name: str, status: str) -> DomainError | None:
        given = read_patch({"internal_metadata": {"ingestion_status": status}}, name)
        return self._try(services.patch_document, collection=None, document_id=name, given=given)

    def set_statuses(self, number: int, status: str) -> DomainError | None:
        parts = many.read_matching_update({"internal_metadata": {"ingestion_status": status}}, ("body",))
        return self._try(many.update_matching, collection=self.collections[number], node=None, parts=parts)

    def delete(self, name: str, mode: str) -> DomainError | None:
        return self._try(services.delete_document, collection=None, document_id=name, on_children=mode)

    def delete_many(self, number: int, names: list[str]) -> DomainError | None:
        return self._try(many.delete_documents, collection=self.collections[number], document_ids=names)

    def delete_root(self, name: str) -> DomainError | None:
        return self._try(services.delete_documents_of_root, object_id=name)

    def load(self, number: int, *bodies: dict[str, Any], on_conflict: str = "skip") -> DomainError | None:
        collection = self.collections[number]
        prepared = [prepare(Line(at, jsonio.dumps(body).encode()), frozenset([collection])) for at, body in enumerate(bodies, 1)]
        batch = [one for one in prepared if isinstance(one, Prepared)]
        assert len(batch) == len(bodies)
        try:
            Writer(place_for(self.api.scope, collection), on_conflict).write(batch)
        except REFUSED as error:
            return error
        return None

    def fix(self) -> None:
        for _ in checking.check(self.namespace_id, fix=True):
            pass

    def findings(self, *kinds: str) -> list[checking.Finding]:
        """What the check says, orphans apart unless they are asked for."""
        wanted = kinds or (checking.CONTRADICTION, checking.CYCLE, checking.STRAY)
        return [one for batch in checking.check(self.namespace_id) for one in batch.findings if one.kind in wanted]

    def root(self, name: str) -> Any:
        """Root and path of a stored document with lineage, else None."""
        found = sql.rows(
            "SELECT l.root_object_id, l.path FROM documents_document d JOIN documents_lineagestep l ON l.id = d.id"
            " WHERE d.namespace_id = %s AND d.document_id = %s",
            (self.namespace_id, name),
        )
        return found[0] if found else None

    def _try(self, verb: Callable[..., Any], **arguments: Any) -> DomainError | None:
        try:
            verb(scope=self.api.scope, **arguments)
        except REFUSED as error:
            return error
        return None


def named_source(source: str | None) -> dict[str, Any]:
    if source is None:
        return {}
    if source.startswith("obj"):
        return {"source_object_id": source, "source_type": "bucket", "root_bucket_id": "bkt"}
    return {"source_document_id": source}


class Together:
    """Threads with a connection each, kept for all rounds; each round is released by a barrier."""

    def __init__(self, number: int) -> None:
        self._barrier = threading.Barrier(number + 1)
        self._verbs: list[Callable[[], Any] | None] = [None] * number
        self._answers: list[Any] = [None] * number
        self._threads = [threading.Thread(target=self._work, args=(at,), daemon=True) for at in range(number)]

    def __enter__(self) -> "Together":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._verbs = [None] * len(self._threads)
        self._barrier.wait(60)
        for thread in self._threads:
            thread.join(60)

    def __call__(self, *verbs: Callable[[], Any]) -> list[Any]:
        """What each answered; whatever else one raised is raised here."""
        assert len(verbs) == len(self._threads)
        self._verbs = list(verbs)
        self._barrier.wait(60)
        self._barrier.wait(60)
        for answer in self._answers:
            if isinstance(answer, Unexpected):
                raise answer.error
        return self._answers

    def _work(self, at: int) -> None:
        try:
            while True:
                self._barrier.wait(600)
                verb = self._verbs[at]
                if verb is None:
                    return
                try:
                    self._answers[at] = verb()
                except Exception as error:
                    self._answers[at] = Unexpected(error)
                self._barrier.wait(60)
        finally:
            connections.close_all()


class Unexpected:
    def __init__(self, error: Exception) -> None:
        self.error = error


@pytest.fixture
def place() -> Place:
    return Place()


@rounds
def test_whoever_comes_first_parents_and_children_link(place: Place, rounds: int) -> None:
    with Together(4) as together:
        for n in range(rounds):
            top, child, leaf, loaded = (f"{kind}_{n}" for kind in ("top", "child", "leaf", "loaded"))
            body = {"document_id": loaded, "source_document_id": child}
            answers = together(
                partial(place.create, top, f"obj_{n}"),
                partial(place.create, child, top),
                partial(place.create, leaf, child),
                partial(place.load, n % 2, body, {"document_id": f"{loaded}_below", "source_document_id": loaded}),
            )
            assert answers == [None] * 4
            for name in (child, leaf, loaded, f"{loaded}_below"):
                assert place.root(name)[0] == f"obj_{n}"
    assert place.findings("orphan", "contradiction") == []


@rounds
@pytest.mark.parametrize("way", ["create", "load"])
def test_a_child_that_comes_beside_its_parent_links_though_nothing_else_follows(place: Place, way: str, rounds: int) -> None:
    """Neither sees the other when it begins: what is created of an absent parent must make that one wait."""
    with Together(4) as together:
        for n in range(rounds * 5):
            tops = [f"top_{n}_{at}" for at in range(2)]
            children = [{"document_id": f"child_of_{top}", "source_document_id": top} for top in tops]
            comes = [
                partial(place.load, 0, child) if way == "load" else partial(place.create, child["document_id"], top)
                for child, top in zip(children, tops, strict=True)
            ]
            answers = together(*comes, *[partial(place.create, top, f"obj_{n}") for top in tops])
            assert answers == [None] * 4
            assert [place.root(f"child_of_{top}")[0] for top in tops] == [f"obj_{n}"] * 2


@rounds
def test_re_parentings_at_once_never_form_a_cycle(place: Place, rounds: int) -> None:
    with Together(4) as together:
        for n in range(rounds):
            names = [f"doc_{n}_{at}" for at in range(4)]
            for name in names:
                place.create(name, "obj")
            answers = together(*[partial(place.move, name, names[at - 1]) for at, name in enumerate(names)])
            assert sum(answer is None for answer in answers) == 3
    assert place.findings() == []


@rounds
def test_what_is_created_or_imported_below_a_moving_subtree_ends_up_with_it(place: Place, rounds: int) -> None:
    for name in ("obj_0", "obj_1"):
        place.create(f"root_{name}", name)
    place.create("top", "root_obj_0")
    place.create("inner", "top")
    with Together(4) as together:
        for n in range(rounds):
            goal = f"obj_{(n + 1) % 2}"
            answers = together(
                partial(place.move, "top", f"root_{goal}"),
                partial(place.create, f"leaf_{n}", "inner"),
                partial(place.load, 0, {"document_id": f"loaded_{n}", "source_document_id": f"leaf_{n}"}),
                partial(place.set_status, "inner", f"status {n}"),
            )
            assert answers == [None] * 4
            assert {place.root(name)[0] for name in ("inner", f"leaf_{n}", f"loaded_{n}", "leaf_0")} == {goal}
    assert place.findings("orphan", "contradiction") == []


@rounds
@pytest.mark.parametrize("mode", ["detach", "restrict", "cascade"])
def test_a_create_below_a_document_that_is_deleted(place: Place, mode: str, rounds: int) -> None:
    """Either before the delete, and then it is refused (restrict) or takes the child along (cascade), or after it."""
    with Together(3) as together:
        for n in range(rounds):
            place.create(f"top_{n}", "obj")
            deleted, *created = together(
                partial(place.delete, f"top_{n}", mode),
                partial(place.create, f"child_{n}", f"top_{n}"),
                partial(place.load, 1, {"document_id": f"loaded_{n}", "source_document_id": f"top_{n}"}),
            )
            assert created == [None, None]
            children = [place.root(name) for name in (f"child_{n}", f"loaded_{n}")]
            linked = [child for child in children if child is not None and child[0] is not None]
            if mode == "restrict":
                assert (deleted is None) is not bool(linked)
                assert type(deleted) is (ConflictError if linked else type(None))
            else:
                assert deleted is None
            if mode == "cascade":
                assert linked == []
    assert place.findings() == []


@rounds
def test_cascades_and_deletes_of_many_wait_for_one_another(place: Place, rounds: int) -> None:
    """Children come before their parents, so the way down is not the order of the rows."""
    with Together(3) as together:
        for n in range(rounds):
            names = [f"doc_{n}_{at}" for at in range(12)]
            bodies = [{"document_id": name, "source_document_id": above} for name, above in zip(names[1:], names, strict=False)]
            for body in reversed(bodies):
                place.load(0, body)
            place.load(0, {"document_id": names[0], "source_object_id": f"obj_{n}"})
            answers = together(
                partial(place.delete, names[0], "cascade"),
                partial(place.delete_many, 0, names[::-1]),
                partial(place.delete_root, f"obj_{n}"),
            )
            assert answers[1:] == [None, None]
            assert [place.root(name) for name in names] == [None] * 12


@rounds
def test_a_move_a_delete_of_many_and_statuses_wait_for_one_another(place: Place, rounds: int) -> None:
    with Together(4) as together:
        for n in range(rounds):
            top, other = f"top_{n}", f"other_{n}"
            place.load(0, {"document_id": other, "source_object_id": "obj_2"})
            below = [{"document_id": f"{top}_{at}", "source_document_id": top} for at in range(40)]
            place.load(0, *below)
            place.load(0, {"document_id": top, "source_object_id": "obj_1"})
            gone = [str(body["document_id"]) for body in below[::2]]
            answers = together(
                partial(place.move, top, other),
                partial(place.delete_many, 0, gone[::-1]),
                partial(place.set_statuses, 0, f"status {n}"),
                partial(place.move, other, "obj_3"),
            )
            assert answers == [None] * 4
            assert place.root(f"{top}_1")[0] == "obj_3"
            assert place.root(gone[0]) is None
    assert place.findings("orphan", "contradiction") == []


@rounds
def test_a_repair_beside_moves_and_creates(place: Place, monkeypatch: pytest.MonkeyPatch, rounds: int) -> None:
    monkeypatch.setattr(checking, "BATCH", 5)
    for name in ("obj_0", "obj_1"):
        place.create(f"root_{name}", name)
    place.create("top", "root_obj_0")
    for at in range(20):
        place.create(f"top_{at}", "top")
    with Together(4) as together:
        for n in range(rounds):
            sql.run(
                "UPDATE documents_lineagestep l SET root_object_id = 'wrong', tier = tier + 1, status = 'wrong', chain = NULL"
                " WHERE l.namespace_id = %s AND l.source_document_id IS NOT NULL",
                (place.namespace_id,),
            )
            together(
                place.fix,
                partial(place.move, "top", f"root_obj_{(n + 1) % 2}"),
                partial(place.create, f"late_{n}", f"top_{n % 20}"),
                partial(place.set_status, "top_3", f"status {n}"),
            )
            place.fix()
            assert place.findings("orphan", "contradiction", "cycle") == []
            assert place.root(f"late_{n}")[0] == f"obj_{(n + 1) % 2}"


@rounds
def test_everything_at_once(place: Place, rounds: int) -> None:
    """Twelve ids, every way of writing: no deadlock, nothing unforeseen, and the check finds no contradiction."""
    chance = random.Random(11)
    names = [f"doc_{at}" for at in range(12)]

    def verb() -> Callable[[], Any]:
        name, above, other = chance.choice(names), chance.choice([*names, "obj_1", "obj_2"]), chance.sample(names, 4)
        verbs: list[Callable[[], Any]] = [
            partial(place.create, name, above),
            partial(place.create, name, above),
            partial(place.create, name),
            partial(place.move, name, above),
            partial(place.move, name, above),
            partial(place.set_status, name, chance.choice(["DONE", "FAILED"])),
            partial(place.set_statuses, chance.randrange(2), chance.choice(["DONE", "FAILED"])),
            partial(place.delete, name, chance.choice(["detach", "restrict", "cascade"])),
            partial(place.delete_many, chance.randrange(2), other),
            partial(place.delete_root, "obj_1"),
            partial(place.load, chance.randrange(2), *[{"document_id": one, **named_source(above)} for one in other]),
            partial(place.load, 0, {"document_id": name, **named_source(above)}, on_conflict="replace"),
            place.fix,
        ]
        return chance.choice(verbs)

    answers: list[Any] = []
    with Together(6) as together:
        for _ in range(rounds * 8):
            answers += together(*[verb() for _ in range(6)])
            assert place.findings() == []
    assert answers.count(None) > len(answers) / 3


def test_where_matches_are_deleted_their_children_stay_right(place: Place) -> None:
    place.create("top", "obj")
    place.create("child", "top")
    node = filters.read_filters({"source_object_id": "obj"}, ("body", "filters"), writing=True)
    assert node is not None
    for collection in place.collections:
        many.delete_matching(scope=place.api.scope, collection=collection, node=node)
    assert place.root("top") is None
    assert [one.document_id for one in place.findings("orphan", "contradiction")] == ["child"]
