"""What lives in namespaces without being known here: documents. Their app registers itself when Django starts.

So `namespaces` never imports `documents`, and places can still say how many documents they hold, and take them along.
"""

from typing import Protocol

from namespaces.scope import Scope


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

    def delete_of_object(self, scope: Scope, object_id: str) -> int:
        """Delete those, and return how many; the caller holds the transaction."""
        ...


class _NoDocuments:
    def count_by_namespace(self, namespace_ids: list[int]) -> dict[int, int]:
        return {}

    def count_by_collection(self, namespace_id: int, collection_ids: list[int]) -> dict[int, int]:
        return {}

    def count_of_object(self, namespace_id: int, object_id: str) -> int:
        return 0

    def delete_of_object(self, scope: Scope, object_id: str) -> int:
        return 0


documents: Documents = _NoDocuments()


def register(those: Documents) -> None:
    """Called once, by the app that keeps the documents, when it is ready."""
    global documents
    documents = those
