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


VectorIndexStatus = Literal["pending", "building", "ready", "failed"]
"""exact ones, which need no index, are ready at once."""


class VectorIndexState(NamedTuple):
    """Of the vectors of one name in a collection. What can't be known of an entry that can't be read is None."""

    name: str
    dimensions: int | None
    metric: str | None
    type: str | None
    feature_uri: str | None
    status: VectorIndexStatus
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

    def vector_index_faults(self, declared: Any, location: tuple[str | int, ...]) -> Sequence[Fault]:
        """What is wrong with a collection's vector_indexes, which the request has at `location`."""
        ...

    def vector_config_faults(self, declared: Any, location: tuple[str | int, ...]) -> Sequence[Fault]:
        """What is wrong with a namespace's vector_configs, which the request has at `location`."""
        ...

    def declare_vector_indexes(self, namespace_id: int, collection_id: int, declared: Any, *, is_new: bool = False) -> None:
        """These are the collection's from now on. The caller holds the transaction and the collection's row.

        `is_new`: made in this transaction. Raises ValidationError, at vector_indexes, and ConflictError when vectors of
        another dimension are stored.
        """
        ...

    def declare_vector_configs(self, namespace_id: int, declared: Any, *, is_new: bool = False) -> None:
        """These are the namespace's from now on. The caller holds the transaction and the namespace's row.

        `is_new`: made in this transaction. Raises ValidationError, at vector_configs, and ConflictError when vectors of
        another dimension are stored.
        """
        ...

    def vector_index_states(
        self, namespace_id: int, declared: Mapping[int, Sequence[Any]], *, sizes: bool = False
    ) -> dict[int, list[VectorIndexState]]:
        """Of each index that collections of one namespace (by internal id) declare, in that order, then of those that they have
        because their namespace declares the name. One statement, none for no collection.
        """
        ...

    def vector_config_states(self, namespace_ids: Sequence[int]) -> dict[int, dict[str, dict[str, int]]]:
        """Of the indexes that collections have because their namespace declares a name: by namespace and name, how many of
        them are in which state. One statement, none for no namespace.
        """
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

    def vector_index_faults(self, declared: Any, location: tuple[str | int, ...]) -> Sequence[Fault]:
        return ()

    def vector_config_faults(self, declared: Any, location: tuple[str | int, ...]) -> Sequence[Fault]:
        return ()

    def declare_vector_indexes(self, namespace_id: int, collection_id: int, declared: Any, *, is_new: bool = False) -> None:
        pass

    def declare_vector_configs(self, namespace_id: int, declared: Any, *, is_new: bool = False) -> None:
        pass

    def vector_index_states(
        self, namespace_id: int, declared: Mapping[int, Sequence[Any]], *, sizes: bool = False
    ) -> dict[int, list[VectorIndexState]]:
        unknown = VectorIndexState("", None, None, None, None, "pending")
        return {collection_id: [unknown] * len(each) for collection_id, each in declared.items()}

    def vector_config_states(self, namespace_ids: Sequence[int]) -> dict[int, dict[str, dict[str, int]]]:
        return {namespace_id: {} for namespace_id in namespace_ids}


documents: Documents = _NoDocuments()


def register(those: Documents) -> None:
    """Called once, by the app that keeps the documents, when it is ready."""
    global documents
    documents = those
