"""PUT and PATCH: one UPDATE that names what changes; a body that names lineage looks at the stored one first."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from django.conf import settings

from documents import patching, queries
from documents.features import read_features, write_features
from documents.inputs import RESERVED, DocumentInput
from documents.services.common import (
    lineage_bytes,
    locked_document,
    new_version,
    require_same_collection,
    require_size,
    require_version,
    stale,
)
from documents.services.moving import changes_lineage, move
from documents.stored import StoredDocument, columns
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import (
    ConflictError,
    Fault,
    PayloadTooLargeError,
    ValidationError,
)
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.transactions import atomic
from namespaces.scope import Scope


def replace_document(
    *,
    scope: Scope,
    collection: str | None,
    document_id: str,
    given: DocumentInput,
    versions: Sequence[int] | None = None,
) -> StoredDocument:
    """PUT: the body's user fields replace the stored ones; system parts it names are set, the others stay.

    `versions`: the write happens only if the stored version is one of them (If-Match). Raises NotFoundError,
    PreconditionFailedError, BadRequestError (another collection), ValidationError, PayloadTooLargeError.
    """
    sets: list[str] = []
    params: list[Any] = []
    payload = jsonio.dumps(given.payload)
    size = jsonio.stored_bytes(payload)
    if given.payload.get("metadata", None) == {}:
        # v1 shows an empty metadata where a document has none; put back, it must not come into being.
        sets.append("payload = CASE WHEN d.payload ? 'metadata' THEN %s::jsonb ELSE %s::jsonb - 'metadata' END")
        params += [payload, payload]
    else:
        sets.append("payload = %s::jsonb")
        params.append(payload)
    if given.internal_metadata is not None:
        sets.append("internal_metadata = %s::jsonb")
        params.append(jsonio.dumps(given.internal_metadata))
        size += jsonio.stored_bytes(params[-1])
    if given.system:
        # v1 shows empty source_details and enrichments where a document has none; likewise.
        empty = {name: value for name, value in given.system.items() if value in ([], {})}
        sets.append(
            "system = d.system || %s::jsonb || (SELECT COALESCE(jsonb_object_agg(e.key, e.value), '{}')"
            " FROM jsonb_each(%s::jsonb) e WHERE d.system ? e.key)"
            if empty
            else "system = d.system || %s::jsonb"
        )
        params.append(jsonio.dumps({name: value for name, value in given.system.items() if name not in empty}))
        size += jsonio.stored_bytes(params[-1])
        params += [jsonio.dumps(empty)] if empty else []
    require_size(size)
    return _update(scope, collection, document_id, given, sets, params, versions)


def patch_document(
    *,
    scope: Scope,
    collection: str | None,
    document_id: str,
    given: DocumentInput,
    versions: Sequence[int] | None = None,
    on_moved: Callable[[int], None] | None = None,
) -> StoredDocument:
    """PATCH: `given`'s payload, internal metadata and system are merge patches (documents/patching.py).

    The merge runs inside the UPDATE, on the row as it is then, so patches of different fields at once all survive.
    `on_moved` is told how many documents below this one went along, where it gets another source.
    Raises what `replace_document` does.
    """
    limit: int = settings.MAX_DOCUMENT_BYTES
    sets: list[str] = []
    params: list[Any] = []
    for column, patch in (
        ("payload", given.payload),
        ("internal_metadata", given.internal_metadata),
        ("system", given.system),
    ):
        if patch:
            sets.append(f"{column} = documents_patched(d.{column}, %s::jsonb, %s)")
            params += [jsonio.dumps(patch), limit]
    return _update(scope, collection, document_id, given, sets, params, versions, on_moved)


def json_patch_document(
    *,
    scope: Scope,
    collection: str | None,
    document_id: str,
    operations: Any,
    versions: Sequence[int] | None = None,
) -> StoredDocument:
    """JSON Patch (RFC 6902) over the user fields, read and written under the row's lock.

    Raises ConflictError for a failing test, ValidationError for an impossible operation or a reserved name, and what
    `replace_document` does.
    """
    with atomic():
        stored = locked_document(scope, collection, document_id).document
        before: JSONObject = jsonio.loads(stored.payload)
        try:
            after = patching.json_patch(before, operations)
        except ConflictError:
            require_version(stored, versions)  # a failed precondition comes before a failed test
            raise
        faults = list(jsonio.unstorable(after, ("body",)))
        faults += [
            Fault(("body",), f"JSON Patch reaches user fields only, not {name}", "reserved")
            for name in sorted(after.keys() - before.keys())
            if name in RESERVED or name.startswith("_")
        ]
        if faults:
            raise ValidationError(*faults)
        payload = jsonio.dumps(after)
        require_size(jsonio.stored_bytes(payload))
        return _update(scope, collection, document_id, DocumentInput(), ["payload = %s::jsonb"], [payload], versions)


def _update(
    scope: Scope,
    collection: str | None,
    document_id: str,
    given: DocumentInput,
    sets: list[str],
    params: list[Any],
    versions: Sequence[int] | None,
    on_moved: Callable[[int], None] | None = None,
) -> StoredDocument:
    require_same_collection(scope, collection, given.collection, document_id)
    size = lineage_bytes(given.lineage)
    for column, blobs in (("source_blobs", given.source_blobs), ("document_blobs", given.document_blobs)):
        if blobs is not None:
            sets.append(f"{column} = %s::jsonb")
            params.append(jsonio.dumps(blobs))
            size += jsonio.stored_bytes(params[-1])
    require_size(size)
    features = read_features(given)

    def write() -> StoredDocument:
        if not features:
            return _run_update(scope, collection, document_id, sets, params, versions)[1]
        with atomic():
            (key, namespace_id), stored = _run_update(scope, collection, document_id, sets, params, versions)
            write_features(namespace_id, key, features)
            return stored

    if given.lineage.is_empty():
        return write()
    with atomic():
        stored = locked_document(scope, collection, document_id).document
        if not changes_lineage(stored, given.lineage):
            return write()
    return move(scope, collection, document_id, given.lineage, write, on_moved)


def _run_update(
    scope: Scope,
    collection: str | None,
    document_id: str,
    sets: list[str],
    params: list[Any],
    versions: Sequence[int] | None,
) -> tuple[tuple[Any, int], StoredDocument]:
    """The document's internal ids, and the document as written."""
    cte, scope_params = scope.cte(collection)
    name = sql.text(document_id)
    all_params: list[Any] = [*scope_params, *params, new_version(), datetime.now(UTC), name]
    if versions is not None:
        all_params += [list(versions), name]
    statement = _update_sql(cte, collection is not None, tuple(sets), versions is not None)
    try:
        row = sql.one(statement, all_params)
    except psycopg.errors.ProgramLimitExceeded:
        limit: int = settings.MAX_DOCUMENT_BYTES
        raise PayloadTooLargeError(f"The document would exceed {limit} bytes of JSON.", limit_bytes=limit) from None
    if row is None:
        raise queries.missing(scope, collection, document_id)
    exists, key, namespace_id, *stored = row
    if key is not None:
        return (key, namespace_id), StoredDocument._make(stored)
    if exists:
        raise stale(document_id)
    raise queries.document_not_found(document_id, collection)


@lru_cache(maxsize=512)
def _update_sql(cte: str, in_collection: bool, sets: tuple[str, ...], conditional: bool) -> str:
    assignments = ", ".join(
        (*sets, "version = GREATEST(d.version + 1, %s)", "updated_at = GREATEST(%s, d.updated_at + interval '1 microsecond')")
    )
    source = "scope" if in_collection else "scope, namespaces_collection c"
    place = (
        "d.collection_id + 0 = scope.collection_id"
        if in_collection
        else "c.id = d.collection_id AND c.namespace_id = d.namespace_id AND c.deleted_at IS NULL"
    )
    collection = "scope.collection" if in_collection else "c.public_id"
    exists = (
        "EXISTS (SELECT FROM documents_document x WHERE x.namespace_id = scope.namespace_id AND x.document_id = %s"
        + (" AND x.collection_id + 0 = scope.collection_id)" if in_collection else ")")
        if conditional
        else "false"
    )
    return f"""
WITH {cte}, updated AS (
    UPDATE documents_document d SET {assignments} FROM {source}
    WHERE d.namespace_id = scope.namespace_id AND d.document_id = %s AND {place}
        {"AND d.version = ANY(%s)" if conditional else ""}
    RETURNING d.*, {collection} AS collection
)
SELECT {exists}, updated.id, updated.namespace_id, {columns("updated", "updated.collection", "scope.namespace")}
FROM scope LEFT JOIN updated ON true
LEFT JOIN documents_lineagestep l ON l.namespace_id = updated.namespace_id AND l.id = updated.id
"""
