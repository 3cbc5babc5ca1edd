"""What lives in namespaces without being known here: documents. Their app registers itself when Django starts.

So `namespaces` never imports `documents`, and places can still say how many documents they hold, and take them along.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

from mixpeek_site.errors import Fault
from namespaces.scope import Scope

PayloadIndexStatus = Literal["pending", "building", "ready", "failed", "not_indexed", "default"]
"""not_indexed: of a type without index. default: a system or lineage field, which the default indexes serve."""


class PayloadIndexState(NamedTuple):
    """Of one payload index that a namespace declares."""

    status: PayloadIndexStatus
    error: str | None = None
    size_bytes: int | None = None


class ObjectStage(NamedTuple):
    """Documents of one collection at one depth of an object's tree."""

    collection: str
    tier: int
    documents: int


class Documents(Protocol):
    """What places need of the documents in them. Deleted collections' documents don't count."""

    def count_by_namespace(self, namespace_ids: list[int]) -> dict[int, int]:
        """Documents per namespace; one without any may be missing. One statement."""
        ...

    def count_by_collection(self, namespace_id: int, collection_ids: list[int]) -> dict[int, int]:
        """Documents per collection of one namespace; one without any may be missing. One statement."""
        ...

    def count_of_object(self, namespace_id: int, object_id: str) -> int:
        """Documents whose lineage begins at the object. One statement."""
        ...

    def stages_of_object(self, scope: Scope, object_id: str) -> Sequence[ObjectStage]:
        """Those by stage, the nearest to the object first. One statement."""
        ...

    def delete_of_object(self, scope: Scope, object_id: str) -> int:
        """Delete those, and return how many; the caller holds the transaction."""
        ...

    def payload_index_faults(self, declared: Any, location: tuple[str | int, ...]) -> Sequence[Fault]:
        """What is wrong with a namespace's payload_indexes, which the request has at `location`."""
        ...

    def declare_payload_indexes(self, namespace_id: int, declared: Any) -> None:
        """These are the namespace's from now on. The caller holds the transaction and the namespace's row.

        Raises ValidationError, at payload_indexes.
        """
        ...

    def payload_index_states(
        self, declared: Mapping[int, Sequence[Any]], *, sizes: bool = False
    ) -> dict[int, list[PayloadIndexState]]:
        """Of each index that the namespaces (by internal id) declare. One statement, none where nothing is declared."""
        ...


class _NoDocuments:
    def count_by_namespace(self, namespace_ids: list[int]) -> dict[int, int]:
        return {}

    def count_by_collection(self, namespace_id: int, collection_ids: list[int]) -> dict[int, int]:
        return {}

    def count_of_object(self, namespace_id: int, object_id: str) -> int:
        return 0

    def stages_of_object(self, scope: Scope, object_id: str) -> Sequence[ObjectStage]:
        return ()

    def delete_of_object(self, scope: Scope, object_id: str) -> int:
        return 0

    def payload_index_faults(self, declared: Any, location: tuple[str | int, ...]) -> Sequence[Fault]:
        return ()

    def declare_payload_indexes(self, namespace_id: int, declared: Any) -> None:
        pass

    def payload_index_states(
        self, declared: Mapping[int, Sequence[Any]], *, sizes: bool = False
    ) -> dict[int, list[PayloadIndexState]]:
        return {namespace_id: [PayloadIndexState("not_indexed")] * len(each) for namespace_id, each in declared.items()}


documents: Documents = _NoDocuments()


def register(those: Documents) -> None:
    """Called once, by the app that keeps the documents, when it is ready."""
    global documents
    documents = those
