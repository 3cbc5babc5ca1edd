"""Deleting documents that were chosen one by one, whatever their collections, and what becomes of their children."""

from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings

from documents import lineage
from documents.services.deleting import has_children
from documents.services.many.deleting import delete_documents
from mixpeek_site import sql
from mixpeek_site.transactions import atomic, unhurried
from namespaces.scope import Scope


class Named(NamedTuple):
    """A document and its collection, each by its id."""

    document_id: str
    collection: str


def delete_chosen(*, scope: Scope, documents: Sequence[Named], on_children: str) -> tuple[list[str], int]:
    """Delete documents in one transaction; those of them that went by name, and how many went in all.

    Children: `detach` leaves them as they are, `restrict` raises ConflictError while one of the documents has any that is
    not among them, `cascade` takes everything below. Some statements, however many documents; what is gone already is
    passed over.
    """
    ids = [sql.text(each.document_id) for each in documents]
    if on_children == "cascade":
        with unhurried(settings.BULK_STATEMENT_SECONDS):
            lineage.lock_documents(scope, exclusively=ids, shared=[], namespace="exclusive")
            total, gone = lineage.delete_subtrees(scope, None, ids)
            return [name for name in ids if name in gone], total
    with atomic():
        if on_children == "restrict":
            # An import of children locks the namespace, not each of their parents.
            lineage.lock_documents(scope, exclusively=ids, shared=[], namespace="shared")
            for document_id, children in lineage.children_of_others(scope, ids).items():
                raise has_children(document_id, children)
        detached = _detach(scope, documents)
        return detached, len(detached)


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
