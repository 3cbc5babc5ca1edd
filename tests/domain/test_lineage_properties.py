"""Whatever is created, imported, moved and deleted in whatever order: what is recorded of a child is what its parent says.

The oracle is plain Python: it remembers each document's source, foresees which operations and which lines of imports are
refused, and derives root, path, tier and chain of every document whose parent is stored from the top of its tree.
"""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import importing, services
from documents.importing.places import place_for
from documents.inputs import read_create, read_patch, read_replace
from documents.stored import iso
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import AlreadyExistsError, ConflictError, DomainError, NotFoundError, ValidationError
from tests import cast
from tests.cast import Api

IDS = [f"doc_{number}" for number in range(7)]
OBJECTS = ["obj_1", "obj_2"]

ids = st.sampled_from(IDS)
sources = st.none() | ids | st.sampled_from(OBJECTS)
Operation = tuple[Any, ...]


class Line(NamedTuple):
    """What a create, or one line of an import, says of a document."""

    name: str
    source: str | None = None
    root: str | None = None
    with_chain: bool = False  # its own step


lines = st.one_of(
    st.builds(Line, ids, sources, st.none() | st.sampled_from(OBJECTS), st.booleans()),
    st.tuples(ids, ids).map(lambda pair: Line(*pair)),
)
operations = st.one_of(
    st.tuples(st.just("create"), lines, st.integers(0, 2)),
    st.tuples(st.sampled_from(["patch", "put"]), ids, ids | st.sampled_from(OBJECTS)),
    st.tuples(st.sampled_from(["detach", "restrict", "cascade"]), ids),
    st.tuples(
        st.just("bring_in"),
        st.lists(lines, min_size=1, max_size=6),
        st.integers(0, 2),
        st.sampled_from(["fail", "skip", "replace"]),
        st.sampled_from([2, 100]),
    ),
)


@dataclass(frozen=True)
class Recorded:
    """What is known of one document's place."""

    collection: str
    made: dict[str, Any]  # its step as made from the collection
    source_collection: str | None = None
    root: str | None = None
    bucket: str | None = None
    path: str | None = None
    tier: int = 1
    chain: list[Any] | None = None


@dataclass
class World:
    api: Api
    collections: list[str]
    source: dict[str, str | None] = field(default_factory=dict)  # of every stored document, as last written
    sent_step: dict[str, Any] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)  # lines of the last import, with the error's name
    foreseen: dict[int, str] = field(default_factory=dict)

    # The product ------------------------------------------------------------------------------------------------------

    def run(self, operation: Operation) -> DomainError | None:
        try:
            getattr(self, operation[0])(*operation[1:])
        except DomainError as error:
            return error
        return None

    def create(self, line: Line, number: int) -> None:
        given = read_create(self._body(line, number))
        services.create_document(scope=self.api.scope, collection=self.collections[number], given=given)

    def bring_in(self, lines: list[Line], number: int, on_conflict: str, size: int) -> None:
        """An import; its failures by line are kept in `failed`."""
        self.failed = {}
        texts = (jsonio.dumps(self._body(line, number)).encode() for line in lines)
        importing.run(
            [importing.Line(position, text) for position, text in enumerate(texts)],
            place_for(self.api.scope, self.collections[number]),
            importing.Options(on_conflict, batch_size=size),
            lambda _, failures, __: self.failed.update({one.line.number: one.type for one in failures}),
        )

    def _body(self, line: Line, number: int) -> dict[str, Any]:
        body = {"document_id": line.name, **source_fields(line.source)}
        if line.root is not None and line.source not in OBJECTS:
            body["root_object_id"] = line.root
        if line.source in OBJECTS:
            body["root_bucket_id"] = "bkt_1"
        if line.with_chain:
            body["lineage_chain"] = [self._sent_step(number)]
        return body

    def _sent_step(self, number: int) -> dict[str, Any]:
        return {"collection_id": self.collections[number], "feature_extractor_id": "sent_v1"}

    def patch(self, name: str, source: str) -> None:
        given = read_patch(source_fields(source), name)
        services.patch_document(scope=self.api.scope, collection=None, document_id=name, given=given)

    def put(self, name: str, source: str) -> None:
        given = read_replace({"lineage": source_fields(source)}, name)
        services.replace_document(scope=self.api.scope, collection=None, document_id=name, given=given)

    def detach(self, name: str) -> None:
        self.delete(name, "detach")

    def restrict(self, name: str) -> None:
        self.delete(name, "restrict")

    def cascade(self, name: str) -> None:
        self.delete(name, "cascade")

    def delete(self, name: str, mode: str) -> None:
        services.delete_document(scope=self.api.scope, collection=None, document_id=name, on_children=mode)

    def recorded(self) -> dict[str, Recorded]:
        rows = sql.rows(
            "SELECT d.document_id, c.public_id, c.feature_extractor_id, d.created_at::text, l.source_collection_id,"
            " l.root_object_id, l.root_bucket_id, l.path, COALESCE(l.tier, 1), l.chain::text FROM documents_document d"
            " JOIN namespaces_collection c ON c.id = d.collection_id JOIN namespaces_namespace n ON n.id = d.namespace_id"
            " LEFT JOIN documents_lineagestep l ON l.id = d.id WHERE n.public_id = %s",
            (self.api.namespace,),
        )
        found = {}
        for name, collection, extractor, created, above, root, bucket, path, tier, chain in rows:
            made = {"collection_id": collection, "feature_extractor_id": extractor, "timestamp": iso(created)}
            steps = None if chain is None else jsonio.loads(chain)
            found[name] = Recorded(collection, made, above, root, bucket, path, tier, steps)
        return found

    # The oracle -------------------------------------------------------------------------------------------------------

    def foresee(self, operation: Operation, recorded: dict[str, Recorded]) -> type[DomainError] | None:
        """The error that an operation must end with; without one, its effect is remembered."""
        kind, name, *rest = operation
        roots = {stored: known.root for stored, known in recorded.items()}
        if kind == "create":
            return self._foresee_create(name, rest[0], roots)
        if kind == "bring_in":
            collections = {stored: known.collection for stored, known in recorded.items()}
            self._foresee_import(name, rest[0], rest[1], roots, collections)
            return None
        if name not in self.source:
            return NotFoundError
        if kind in ("patch", "put"):
            return self._foresee_move(Line(name, rest[0]), roots)
        if kind == "restrict" and name in self.source.values():
            return ConflictError
        for gone in self._subtree(name) if kind == "cascade" else [name]:
            del self.source[gone]
            self.sent_step.pop(gone, None)
        return None

    def _foresee_import(
        self, lines: list[Line], number: int, on_conflict: str, roots: dict[str, str | None], collections: dict[str, str]
    ) -> None:
        """Each line does what a create does at its turn or, of a document that is there by then, nothing or a PUT."""
        self.foreseen = {}
        for position, line in enumerate(lines):
            there = line.name in self.source
            if there and on_conflict == "skip":
                continue
            if there and on_conflict == "replace" and collections[line.name] == self.collections[number]:
                error = self._foresee_move(line, roots, number)
            else:
                error = self._foresee_create(line, number, roots)
            if error is not None:
                self.foreseen[position] = error.__name__
            else:
                collections.setdefault(line.name, self.collections[number])

    def _foresee_create(self, line: Line, number: int, roots: dict[str, str | None]) -> type[DomainError] | None:
        if line.name in self.source:
            return AlreadyExistsError
        if self._is_below(line.source, line.name):
            return ValidationError
        sent = line.source if line.source in OBJECTS else line.root
        above = roots.get(line.source or "")
        if above is not None and sent not in (None, above):
            return ValidationError
        self.source[line.name] = line.source
        if line.with_chain:
            self.sent_step[line.name] = self._sent_step(number)
        self._settle(line.name, above or sent, roots)
        return None

    def _foresee_move(self, line: Line, roots: dict[str, str | None], number: int = 0) -> type[DomainError] | None:
        before = self.source[line.name]
        if self._is_below(line.source, line.name):
            return ValidationError
        if line.source is None and before in OBJECTS and line.root not in (None, before):
            return ValidationError  # the root of its object is that object
        if line.source not in (None, before):
            self.sent_step.pop(line.name, None)  # another source begins anew
            self.source[line.name] = line.source
            kept = None
        else:
            kept = roots[line.name]
        if line.with_chain:
            self.sent_step[line.name] = self._sent_step(number)
        sent = line.source if line.source in OBJECTS else line.root
        self._settle(line.name, roots.get(self.source[line.name] or "") or sent or kept, roots)
        return None

    def _settle(self, name: str, root: str | None, roots: dict[str, str | None]) -> None:
        """A document gets a root: those below it get it too, or lose the one that they had from it."""
        before = roots.get(name)
        roots[name] = root
        for child in [child for child, source in self.source.items() if source == name]:
            self._settle(child, root or (roots[child] if before is None else None), roots)

    def _is_below(self, name: str | None, above: str) -> bool:
        """Whether `name` is `above` or has it among its sources, as far as they are stored."""
        while name is not None:
            if name == above:
                return True
            name = self.source.get(name)
        return False

    def _subtree(self, name: str) -> list[str]:
        return [other for other in self.source if self._is_below(other, name)]

    def derived(self, name: str, recorded: dict[str, Recorded]) -> Recorded:
        """What must be recorded of a document."""
        mine, above = recorded[name], self.source[name]
        if above not in self.source:
            return mine
        parent = self.derived(str(above), recorded)
        chain = parent.chain or [self.sent_step.get(str(above), parent.made)]
        return replace(
            mine,
            source_collection=parent.collection,
            root=parent.root or mine.root,
            bucket=parent.bucket or mine.bucket,
            path=parent.path and f"{parent.path}/{mine.collection}",
            tier=parent.tier + 1,
            chain=[*chain[:-1], {**chain[-1], "document_id": above}, self.sent_step.get(name, mine.made)],
        )


def source_fields(source: str | None) -> dict[str, Any]:
    if source is None:
        return {}
    return {"source_object_id": source} if source in OBJECTS else {"source_document_id": source}


def new_world() -> World:
    api = cast.api()
    extractors = [{"feature_extractor_name": name, "version": "v1"} for name in ("frames", "scenes", "words")]
    return World(api, [cast.collection(api, feature_extractor=extractor) for extractor in extractors])


@pytest.mark.django_db
@given(st.lists(operations, min_size=5, max_size=30))
@settings(max_examples=60)
def test_what_is_recorded_of_a_child_is_what_its_parent_says(sequence: list[Operation]) -> None:
    holds(sequence)


@pytest.mark.full
@pytest.mark.django_db
@given(st.lists(operations, min_size=10, max_size=40))
@settings(max_examples=400)
def test_what_is_recorded_of_a_child_is_what_its_parent_says_in_many_more_histories(sequence: list[Operation]) -> None:
    holds(sequence)


def holds(sequence: list[Operation]) -> None:
    with transaction.atomic():
        world = new_world()
        for operation in sequence:
            before = world.recorded()
            expected = world.foresee(operation, before)
            error = world.run(operation)
            assert type(error) is (expected or type(None)), (operation, error)
            assert world.failed == world.foreseen, operation
            after = world.recorded()
            assert after.keys() == world.source.keys()
            assert {name: world.derived(name, after) for name in after} == after, operation
            if error or operation[0] in ("detach", "restrict", "cascade"):
                assert after == {name: before[name] for name in after}
            if operation[0] == "bring_in" and len(world.failed) == len(operation[1]):
                assert after == before
        transaction.set_rollback(True)  # with all the locks, of which PostgreSQL has room for some thousands
