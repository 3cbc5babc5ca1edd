"""Writing documents: one verb each, for the API, the admin and the commands alike.

A verb is one transaction and answers with the stored row, whose commit is durable by then. Creates without a parent,
replacements and patches that leave lineage alone are a single statement; the others lock first (documents/lineage.py).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from django.conf import settings

from documents import lineage, patching, queries
from documents.features import NamedFeature, read_features, write_features
from documents.inputs import FLAT_LINEAGE, RESERVED, DocumentInput, LineageInput, require_consistent
from documents.models import new_document_id
from documents.stored import StoredDocument, columns
from mixpeek_site import ids, jsonio, sql
from mixpeek_site.errors import (
    AlreadyExistsError,
    BadRequestError,
    ConflictError,
    Fault,
    PayloadTooLargeError,
    PreconditionFailedError,
    ValidationError,
)
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.transactions import atomic
from namespaces.scope import Scope

SOURCES = ("source_type", "source_object_id", "source_collection_id", "source_document_id")


# Create -------------------------------------------------------------------------------------------------------------


def create_document(*, scope: Scope, collection: str, given: DocumentInput) -> StoredDocument:
    """Store a new document.

    One statement when the id is made here and no parent is named; else locks, the insert and the link to its tree.
    Raises NotFoundError, AlreadyExistsError, ValidationError (lineage that contradicts the stored parent),
    PayloadTooLargeError.
    """
    require_same_collection(scope, collection, given.collection)
    features = read_features(given)
    if given.document_id is None and given.lineage.source_document_id is None:
        if not features:
            return _insert(scope, collection, given)[1]
        with atomic():
            (key, namespace_id, _), stored = _insert(scope, collection, given)
            write_features(namespace_id, key, features)
            return stored
    given = given if given.document_id else replace(given, document_id=new_document_id())
    try:
        return _create_in_tree(scope, collection, given, features, lock="shared")
    except _ChildrenWaitError:
        return _create_in_tree(scope, collection, given, features, lock="exclusive")


class _ChildrenWaitError(Exception):
    """Documents wait for the one being created: the whole namespace has to be locked before they are linked."""


@atomic()
def _create_in_tree(
    scope: Scope, collection: str, given: DocumentInput, features: list[NamedFeature], *, lock: str
) -> StoredDocument:
    assert given.document_id is not None
    parent = given.lineage.source_document_id
    lineage.lock_documents(
        scope,
        exclusively=[given.document_id],
        shared=[parent] if parent else [],
        namespace=lock if parent or lock == "exclusive" else None,
    )
    (key, namespace_id, waited_for), stored = _insert(scope, collection, given)
    if waited_for and lock != "exclusive":
        raise _ChildrenWaitError
    write_features(namespace_id, key, features)
    if parent is None:
        if waited_for:  # the document itself may have no step to begin at
            lineage.relink_below(namespace_id, [given.document_id])
        return stored
    found = lineage.relink(namespace_id, key)
    if found.documents > 1 and lock != "exclusive":
        raise _ChildrenWaitError
    lineage.check(found, given.lineage, roots=True)
    return _with_lineage(stored, namespace_id, key) if found.parent_stored else stored


def _insert(scope: Scope, collection: str, given: DocumentInput) -> tuple[tuple[Any, int, bool], StoredDocument]:
    cte, scope_params = scope.cte(collection)
    sent = given.lineage
    has_lineage = not sent.is_empty()
    document_id = given.document_id or new_document_id()
    chosen = given.document_id is not None
    now = datetime.now(UTC)
    params: list[Any] = [*scope_params]
    if has_lineage:
        params.append(sent.root_object_id if sent.source_type == "bucket" else None)
    params += [ids.new_uuid7(), document_id, *_json_parts(given), given.schema_version, new_version(), now, now]
    if has_lineage:
        params += [sent.root_bucket_id, sent.root_bucket_id]
        params += [sent.source_type, sent.source_object_id, sent.source_collection_id, sent.source_document_id]
        params += [sent.root_object_id, sent.root_bucket_id, sent.path, sent.source_type, sent.root_bucket_id]
        params += [lineage.sent_tier(sent), lineage.chain_text(sent.chain)]
    if chosen:
        params.append(document_id)
    row = sql.one(_insert_sql(cte, has_lineage, chosen), params)
    if row is None:
        raise queries.missing(scope, collection)
    key, namespace_id, stored_bucket, waited_for, *stored = row
    if key is None:
        lineage.check_bucket(sent.root_bucket_id, stored_bucket)
        if _purge_hidden(namespace_id, document_id):
            return _insert(scope, collection, given)
        raise AlreadyExistsError(f"Document {document_id} exists already.", resource="document", id=document_id)
    return (key, namespace_id, waited_for), StoredDocument._make(stored)


def _purge_hidden(namespace_id: int, document_id: str) -> bool:
    """Delete a document of a deleted collection that housekeeping has not come to: its id may be used again at once."""
    gone = sql.run(
        "DELETE FROM documents_document d USING namespaces_collection c WHERE d.namespace_id = %s AND d.document_id = %s"
        " AND c.id = d.collection_id AND c.namespace_id = d.namespace_id AND c.deleted_at IS NOT NULL",
        (namespace_id, document_id),
    )
    return gone.rowcount > 0


@lru_cache
def _insert_sql(cte: str, has_lineage: bool, chosen: bool) -> str:
    """One statement: the scope, what it knows of the source object, the document, and its lineage step."""
    stored_bucket = (
        "(SELECT b.public_id FROM namespaces_bucketobject o"
        " JOIN namespaces_bucket b ON b.id = o.bucket_id AND b.namespace_id = o.namespace_id"
        " WHERE o.namespace_id = scope.namespace_id AND o.object_id = %s)"
        if has_lineage
        else "NULL::text"
    )
    agrees = " WHERE place.stored_bucket IS NULL OR %s::text IS NULL OR place.stored_bucket = %s" if has_lineage else ""
    step = (
        """, step AS (
    INSERT INTO documents_lineagestep (id, namespace_id, collection_id, source_type, source_object_id,
        source_collection_id, source_document_id, root_object_id, root_bucket_id, path, tier, chain)
    SELECT created.id, created.namespace_id, created.collection_id, %s, %s, %s, %s, %s,
           COALESCE(%s, place.stored_bucket),
           COALESCE(%s, CASE WHEN %s = 'bucket' THEN COALESCE(%s, place.stored_bucket) || '/' || place.collection END),
           %s, %s::jsonb
    FROM created, place RETURNING *
)"""
        if has_lineage
        else ""
    )
    waited_for = (
        "EXISTS (SELECT FROM documents_lineagestep w WHERE w.namespace_id = place.namespace_id AND w.source_document_id = %s)"
        if chosen
        else "false"
    )
    return f"""
WITH {cte}, place AS (SELECT scope.*, {stored_bucket} AS stored_bucket FROM scope), created AS (
    INSERT INTO documents_document (id, namespace_id, collection_id, document_id, payload, internal_metadata, system,
        source_blobs, document_blobs, schema_version, version, created_at, updated_at)
    SELECT %s, namespace_id, collection_id, %s, %s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb, %s::jsonb, %s, %s, %s, %s
    FROM place{agrees}
    ON CONFLICT (namespace_id, document_id) DO NOTHING RETURNING *
){step}
SELECT created.id, place.namespace_id, place.stored_bucket, {waited_for},
       {columns("created", "place.collection", "place.namespace", "step" if has_lineage else None)}
FROM place LEFT JOIN created ON true{" LEFT JOIN step ON true" if has_lineage else ""}
"""


def _json_parts(given: DocumentInput) -> tuple[str, str, str, str, str]:
    """Payload, internal metadata, system, source and document blobs as JSON texts. Raises PayloadTooLargeError."""
    parts = (
        jsonio.dumps(given.payload),
        jsonio.dumps(given.internal_metadata) if given.internal_metadata else "{}",
        jsonio.dumps(given.system) if given.system else "{}",
        jsonio.dumps(given.source_blobs) if given.source_blobs else "[]",
        jsonio.dumps(given.document_blobs) if given.document_blobs else "[]",
    )
    require_size(sum(jsonio.stored_bytes(part) for part in parts if len(part) > 2) + lineage_bytes(given.lineage))
    return parts


def lineage_bytes(given: LineageInput) -> int:
    return len(given.path or "") + (jsonio.stored_bytes(jsonio.dumps(given.chain)) if given.chain else 0)


def require_size(size: int) -> None:
    limit: int = settings.MAX_DOCUMENT_BYTES
    if size > limit:
        raise PayloadTooLargeError(f"One document may have {limit} bytes of JSON; this one has {size}.", limit_bytes=limit)


def new_version() -> int:
    """Where the version of a new document starts, and below which none of a written one stays: microseconds of now.

    A deleted document's id may be used again; its versions may not, so they come from the clock (contract section 6).
    """
    return time.time_ns() // 1000


# Replace and patch --------------------------------------------------------------------------------------------------


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
) -> StoredDocument:
    """PATCH: `given`'s payload, internal metadata and system are merge patches (documents/patching.py).

    The merge runs inside the UPDATE, on the row as it is then, so patches of different fields at once all survive.
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
    return _update(scope, collection, document_id, given, sets, params, versions)


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
        stored = _locked(scope, collection, document_id).document
        before: JSONObject = jsonio.loads(stored.payload)
        try:
            after = patching.json_patch(before, operations)
        except ConflictError:
            _require_version(stored, versions)  # a failed precondition comes before a failed test
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
        stored = _locked(scope, collection, document_id).document
        if not changes_lineage(stored, given.lineage):
            return write()
    return _move(scope, collection, document_id, given.lineage, write)


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
        raise _stale(document_id)
    raise queries.document_not_found(document_id, collection)


@lru_cache(maxsize=512)
def _update_sql(cte: str, in_collection: bool, sets: tuple[str, ...], conditional: bool) -> str:
    assignments = ", ".join(
        (*sets, "version = GREATEST(d.version + 1, %s)", "updated_at = GREATEST(%s, d.updated_at + interval '1 microsecond')")
    )
    source = "scope" if in_collection else "scope, namespaces_collection c"
    place = (
        "d.collection_id = scope.collection_id"
        if in_collection
        else "c.id = d.collection_id AND c.namespace_id = d.namespace_id AND c.deleted_at IS NULL"
    )
    collection = "scope.collection" if in_collection else "c.public_id"
    exists = (
        "EXISTS (SELECT FROM documents_document x WHERE x.namespace_id = scope.namespace_id AND x.document_id = %s"
        + (" AND x.collection_id = scope.collection_id)" if in_collection else ")")
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


# Lineage of stored documents ----------------------------------------------------------------------------------------


class _Locked:
    """A document whose row is locked until the transaction ends."""

    __slots__ = ("document", "key", "namespace_id")

    def __init__(self, row: sql.Row) -> None:
        self.key, self.namespace_id = row[0], row[1]
        self.document = StoredDocument._make(row[2:])


def _locked(scope: Scope, collection: str | None, document_id: str) -> _Locked:
    cte, params = scope.cte(collection)
    row = sql.one(
        f"WITH {cte} SELECT d.id, d.namespace_id, {columns(namespace='scope.namespace')} FROM scope"
        " JOIN documents_document d ON d.namespace_id = scope.namespace_id AND d.document_id = %s"
        f"{' AND d.collection_id = scope.collection_id' if collection is not None else ''}"
        " JOIN namespaces_collection c ON c.id = d.collection_id AND c.deleted_at IS NULL"
        " LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id FOR UPDATE OF d",
        (*params, sql.text(document_id)),
    )
    if row is None:
        raise queries.missing(scope, collection, document_id)
    return _Locked(row)


def changes_lineage(stored: StoredDocument | lineage.StoredLineage, given: LineageInput) -> bool:
    """Whether a body names a lineage other than the stored one."""
    if any(getattr(given, name) not in (None, getattr(stored, name)) for name in (*FLAT_LINEAGE, "path")):
        return True
    return given.chain is not None and not patching.same(given.chain, jsonio.loads(stored.chain or "[]"))


@atomic()
def _move(
    scope: Scope, collection: str | None, document_id: str, given: LineageInput, write: Callable[[], StoredDocument]
) -> StoredDocument:
    """Give a document another source (or, its parent not stored, other roots), and its subtree what follows from it."""
    parent = given.source_document_id
    lineage.lock_documents(scope, exclusively=[document_id], shared=[parent] if parent else [], namespace="exclusive")
    locked = _locked(scope, collection, document_id)
    stored = write()
    sent = _moved(stored, given)
    root_bucket = sent.root_bucket_id
    if sent.source_type == "bucket" and sent.root_object_id is not None:
        stored_bucket = lineage.bucket_of(locked.namespace_id, sent.root_object_id)
        lineage.check_bucket(root_bucket, stored_bucket)
        root_bucket = root_bucket or stored_bucket
    sql.run(
        """
INSERT INTO documents_lineagestep AS l (id, namespace_id, collection_id, source_type, source_object_id,
    source_collection_id, source_document_id, root_object_id, root_bucket_id, path, tier, chain)
SELECT d.id, d.namespace_id, d.collection_id, %s, %s, %s, %s, %s, %s,
       COALESCE(%s, CASE WHEN %s = 'bucket' THEN %s || '/' || c.public_id END), %s, %s::jsonb
FROM documents_document d JOIN namespaces_collection c ON c.id = d.collection_id
WHERE d.namespace_id = %s AND d.id = %s
ON CONFLICT (id, namespace_id) DO UPDATE SET source_type = excluded.source_type,
    source_object_id = excluded.source_object_id, source_collection_id = excluded.source_collection_id,
    source_document_id = excluded.source_document_id, root_object_id = excluded.root_object_id,
    root_bucket_id = excluded.root_bucket_id, path = excluded.path, tier = excluded.tier, chain = excluded.chain
""",
        (
            *(sent.source_type, sent.source_object_id, sent.source_collection_id, sent.source_document_id),
            *(sent.root_object_id, root_bucket, sent.path, sent.source_type, root_bucket),
            *(lineage.sent_tier(sent), lineage.chain_text(sent.chain)),
            *(locked.namespace_id, locked.key),
        ),
    )
    before = locked.document
    found = lineage.relink(
        locked.namespace_id, locked.key, root_before=before.root_object_id, bucket_before=before.root_bucket_id
    )
    lineage.check(found, sent, roots=False)
    return _with_lineage(stored, locked.namespace_id, locked.key)


def _moved(stored: StoredDocument, given: LineageInput) -> LineageInput:
    """The lineage to store: another source begins anew, the same source keeps what the body does not name."""
    new_source = any(getattr(given, name) not in (None, getattr(stored, name)) for name in SOURCES)
    before = LineageInput(
        **{name: getattr(stored, name) for name in (*FLAT_LINEAGE, "path")},
        chain=jsonio.loads(stored.chain) if stored.chain else None,
    )
    if new_source:
        return given
    if given.root_bucket_id not in (None, stored.root_bucket_id) and stored.source_type == "bucket":
        before.path = None  # it begins with the bucket
    merged = replace(before, **{name: value for name in given.__slots__ if (value := getattr(given, name)) is not None})
    require_consistent(merged)
    return merged


def _with_lineage(stored: StoredDocument, namespace_id: int, key: Any) -> StoredDocument:
    """The document with its lineage as `relink` left it."""
    row = sql.one(
        "SELECT source_type, source_object_id, source_collection_id, source_document_id, root_object_id,"
        " root_bucket_id, path, chain::text FROM documents_lineagestep WHERE namespace_id = %s AND id = %s",
        (namespace_id, key),
    )
    assert row is not None
    names = (*SOURCES, "root_object_id", "root_bucket_id", "path", "chain")
    return stored._replace(**dict(zip(names, row, strict=True)))


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


# Delete -------------------------------------------------------------------------------------------------------------

ON_CHILDREN = ("detach", "restrict", "cascade")


def delete_document(
    *,
    scope: Scope,
    collection: str | None,
    document_id: str,
    on_children: str = "detach",
    versions: Sequence[int] | None = None,
) -> int:
    """Delete a document; the number of documents that went.

    Children: `detach` leaves them as they are, `restrict` raises ConflictError while there are any, `cascade` takes the
    whole subtree in the same transaction. Raises NotFoundError, PreconditionFailedError.
    """
    if on_children == "detach":
        return _delete_one(scope, collection, document_id, versions)
    with atomic():
        cascade = on_children == "cascade"
        lineage.lock_documents(scope, exclusively=[sql.text(document_id)], shared=[], namespace="exclusive" if cascade else None)
        locked = _locked(scope, collection, document_id)
        below = 0
        _require_version(locked.document, versions)
        if cascade:
            below = lineage.delete_below(locked.namespace_id, locked.document.document_id)
        else:
            _refuse_children(locked)
        return below + _delete_one(scope, collection, document_id, versions)


def _require_version(document: StoredDocument, versions: Sequence[int] | None) -> None:
    if versions is not None and document.version not in versions:
        raise _stale(document.document_id)


def _stale(document_id: str) -> PreconditionFailedError:
    return PreconditionFailedError("The document has another version than If-Match names.", document_id=document_id)


def _refuse_children(locked: _Locked) -> None:
    children = lineage.count_children(locked.namespace_id, locked.document.document_id)
    if children:
        total = sum(children.values())
        raise ConflictError(
            f"Document {locked.document.document_id} has {total} child document{'s' if total > 1 else ''}.",
            children=total,
            by_collection=children,
        )


def _delete_one(scope: Scope, collection: str | None, document_id: str, versions: Sequence[int] | None) -> int:
    cte, params = scope.cte(collection)
    name = sql.text(document_id)
    condition = "" if versions is None else " AND d.version = ANY(%s)"
    in_collection = collection is not None
    row = sql.one(
        f"WITH {cte}, gone AS (DELETE FROM documents_document d USING scope"
        + ("" if in_collection else ", namespaces_collection c")
        + " WHERE d.namespace_id = scope.namespace_id AND d.document_id = %s"
        + (
            " AND d.collection_id = scope.collection_id"
            if in_collection
            else " AND c.id = d.collection_id AND c.namespace_id = d.namespace_id AND c.deleted_at IS NULL"
        )
        + f"{condition} RETURNING d.id)"
        " SELECT (SELECT count(*) FROM gone), EXISTS (SELECT FROM documents_document x"
        " WHERE x.namespace_id = scope.namespace_id AND x.document_id = %s"
        + (" AND x.collection_id = scope.collection_id" if in_collection else "")
        + ") FROM scope",
        (*params, name, *(() if versions is None else (list(versions),)), name),
    )
    if row is None:
        raise queries.missing(scope, collection, document_id)
    count, existed = row
    if count:
        return int(count)
    if existed and versions is not None:
        raise _stale(document_id)
    raise queries.document_not_found(document_id, collection)


def delete_documents_of_root(*, scope: Scope, object_id: str) -> int:
    """Delete every document under a root object; their number."""
    cte, params = scope.cte()
    with atomic():
        lineage.lock_documents(scope, exclusively=[], shared=[], namespace="exclusive")
        row = sql.one(
            f"WITH {cte}, gone AS (DELETE FROM documents_document d USING scope, documents_lineagestep l"
            " WHERE l.namespace_id = scope.namespace_id AND l.root_object_id = %s"
            " AND d.namespace_id = l.namespace_id AND d.id = l.id RETURNING 1)"
            " SELECT (SELECT count(*) FROM gone) FROM scope",
            (*params, sql.text(object_id)),
        )
    return int(row[0]) if row else 0
