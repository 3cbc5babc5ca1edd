"""What the verbs share: sizes, versions, rows under their lock, and whose collection a body means."""

import time
from collections.abc import Sequence

from django.conf import settings

from documents import queries
from documents.inputs import LineageInput
from documents.stored import STEP_JOIN, StoredDocument, columns
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import (
    BadRequestError,
    PayloadTooLargeError,
    PreconditionFailedError,
)
from namespaces.scope import Scope


def require_size(size: int) -> None:
    limit: int = settings.MAX_DOCUMENT_BYTES
    if size > limit:
        raise PayloadTooLargeError(f"One document may have {limit} bytes of JSON; this one has {size}.", limit_bytes=limit)


def lineage_bytes(given: LineageInput) -> int:
    return len(given.path or "") + (jsonio.stored_bytes(jsonio.dumps(given.chain)) if given.chain else 0)


def new_version() -> int:
    """Where the version of a new document starts, and below which none of a written one stays: microseconds of now.

    A deleted document's id may be used again; its versions may not, so they come from the clock (contract section 6).
    """
    return time.time_ns() // 1000


class Locked:
    """A document whose row is locked until the transaction ends."""

    __slots__ = ("document", "key", "namespace_id")

    def __init__(self, row: sql.Row) -> None:
        self.key, self.namespace_id = row[0], row[1]
        self.document = StoredDocument._make(row[2:])


def locked_document(scope: Scope, collection: str | None, document_id: str) -> Locked:
    cte, params = scope.cte(collection)
    row = sql.one(
        f"WITH {cte} SELECT d.id, d.namespace_id, {columns(namespace='scope.namespace')} FROM scope"
        " JOIN documents_document d ON d.namespace_id = scope.namespace_id AND d.document_id = %s"
        f"{' AND d.collection_id + 0 = scope.collection_id' if collection is not None else ''}"
        " JOIN namespaces_collection c ON c.id = d.collection_id AND c.deleted_at IS NULL"
        f"{STEP_JOIN} FOR UPDATE OF d",
        (*params, sql.text(document_id)),
    )
    if row is None:
        raise queries.missing(scope, collection, document_id)
    return Locked(row)


def require_version(document: StoredDocument, versions: Sequence[int] | None) -> None:
    if versions is not None and document.version not in versions:
        raise stale(document.document_id)


def stale(document_id: str) -> PreconditionFailedError:
    return PreconditionFailedError("The document has another version than If-Match names.", document_id=document_id)


def require_same_collection(scope: Scope, collection: str | None, claimed: str | None, document_id: str = "") -> None:
    """Raise BadRequestError unless a body's collection_id means the path's collection (or the document's, without one)."""
    if claimed is None or claimed == collection:
        return
    if collection is None:
        stored = queries.document(scope, None, document_id).collection
        if claimed == stored or _public_id(scope, claimed) == stored:
            return
        actual = stored
    else:
        actual = _public_id(scope, collection) or collection
        if actual in (claimed, _public_id(scope, claimed)):
            return
    raise BadRequestError(
        f"The body's collection_id is {claimed}, the document's collection {actual}.", location=["body", "collection_id"]
    )


def _public_id(scope: Scope, collection: str) -> str | None:
    cte, params = scope.cte(collection)
    row = sql.one(f"WITH {cte} SELECT collection FROM scope", params)
    return None if row is None else str(row[0])
