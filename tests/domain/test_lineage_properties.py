"""Whatever is created, moved and deleted in whatever order: what is recorded of a child is what its parent says.

The oracle is plain Python: it remembers each document's source, foresees which operations are refused, and derives
root, path, tier and chain of every document whose parent is stored from the top of its tree.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import services
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
operations = st.one_of(
    st.tuples(st.just("create"), ids, sources, st.integers(0, 2), st.none() | st.sampled_from(OBJECTS), st.booleans()),
    st.tuples(st.just("create"), ids, ids, st.integers(0, 2), st.none(), st.just(False)),
    st.tuples(st.sampled_from(["patch", "put"]), ids, ids | st.sampled_from(OBJECTS)),
    st.tuples(st.sampled_from(["detach", "restrict", "cascade"]), ids),
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

    # The product ------------------------------------------------------------------------------------------------------

    def run(self, operation: Operation) -> DomainError | None:
        try:
            getattr(self, operation[0])(*operation[1:])
        except DomainError as error:
            return error
        return None

    def create(self, name: str, source: str | None, number: int, root: str | None, with_chain: bool) -> None:
        body = {"document_id": name, **source_fields(source)}
        if root is not None and source not in OBJECTS:
            body["root_object_id"] = root
        if source in OBJECTS:
            body["root_bucket_id"] = "bkt_1"
        if with_chain:
            body["lineage_chain"] = [{"collection_id": self.collections[number], "feature_extractor_id": "sent_v1"}]
        services.create_document(scope=self.api.scope, collection=self.collections[number], given=read_create(body))

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
        if kind == "create":
            return self._foresee_create(name, recorded, *rest)
        if name not in self.source:
            return NotFoundError
        if kind in ("patch", "put"):
            if self._is_below(rest[0], name):
                return ValidationError
            if self.source[name] != rest[0]:
                self.sent_step.pop(name, None)  # another source begins anew
            self.source[name] = rest[0]
            return None
        if kind == "restrict" and name in self.source.values():
            return ConflictError
        for gone in self._subtree(name) if kind == "cascade" else [name]:
            del self.source[gone]
            self.sent_step.pop(gone, None)
        return None

    def _foresee_create(
        self, name: str, recorded: dict[str, Recorded], source: str | None, number: int, root: str | None, with_chain: bool
    ) -> type[DomainError] | None:
        if name in self.source:
            return AlreadyExistsError
        if source is not None and self._is_below(source, name):
            return ValidationError
        parent = recorded.get(source or "")
        if parent and root is not None and parent.root not in (None, root):
            return ValidationError
        self.source[name] = source
        if with_chain:
            self.sent_step[name] = {"collection_id": self.collections[number], "feature_extractor_id": "sent_v1"}
        return None

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
def test_what_is_recorded_of_a_child_is_what_its_parent_says(sequence: list[Operation]) -> None:
    world = new_world()
    for operation in sequence:
        before = world.recorded()
        expected = world.foresee(operation, before)
        error = world.run(operation)
        assert type(error) is (expected or type(None)), (operation, error)
        after = world.recorded()
        assert after.keys() == world.source.keys()
        assert {name: world.derived(name, after) for name in after} == after, operation
        if error or operation[0] in ("detach", "restrict", "cascade"):
            assert after == {name: before[name] for name in after}
