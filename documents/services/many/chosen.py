"""Deleting documents that were chosen one by one, whatever their collections, and what becomes of their children."""

from collections.abc import Sequence
from typing import NamedTuple

from documents import lineage
from documents.services.deleting import delete_document
from documents.services.many.deleting import delete_documents
from mixpeek_site import sql
from mixpeek_site.errors import NotFoundError
from mixpeek_site.transactions import atomic
from namespaces.scope import Scope


class Named(NamedTuple):
    """A document and its collection, each by its id."""

    document_id: str
    collection: str


def delete_chosen(*, scope: Scope, documents: Sequence[Named], on_children: str) -> tuple[list[str], int]:
    """Delete documents in one transaction, in their order; those of them that went by name, and how many went in all.

    Children as in `delete_document`: to `restrict`, a child that is named itself comes before its parent. What is gone
    already, with the subtree of another, is passed over. Raises ConflictError.
    """
    with atomic():
        if on_children == "detach":
            gone = _detach(scope, documents)
            return gone, len(gone)
        ids = [sql.text(each.document_id) for each in documents]
        lineage.lock_documents(
            scope, exclusively=ids, shared=[], namespace="exclusive" if on_children == "cascade" else None
        )  # all at once, in the order of documents/lineage.py
        gone, total = [], 0
        for each in documents:
            try:
                total += delete_document(scope=scope, collection=None, document_id=each.document_id, on_children=on_children)
            except NotFoundError:
                continue
            gone.append(each.document_id)
        return gone, total


def _detach(scope: Scope, documents: Sequence[Named]) -> list[str]:
    """A statement for each collection."""
    by_collection: dict[str, list[str]] = {}
    for each in documents:
        by_collection.setdefault(each.collection, []).append(each.document_id)
    gone = []
    for collection, ids in sorted(by_collection.items()):
        outcomes = delete_documents(scope=scope, collection=collection, document_ids=ids)
        gone += [document_id for document_id, fault in outcomes.items() if fault is None]
    return gone
