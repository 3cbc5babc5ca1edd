"""Create: one statement where nothing hangs on other documents, else locks, the insert and the link to its tree."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import psycopg
from django.conf import settings

from documents import lineage, queries
from documents.counting import count_created, count_gone
from documents.features import NamedFeature, read_features, write_features
from documents.inputs import DocumentInput
from documents.models import new_document_id
from documents.services.common import lineage_bytes, new_version, require_same_collection, require_size
from documents.services.moving import with_lineage
from documents.stored import StoredDocument, columns
from mixpeek_site import ids, jsonio, sql
from mixpeek_site.errors import (
    AlreadyExistsError,
)
from mixpeek_site.transactions import atomic, unhurried
from namespaces.scope import Scope, collection_not_found


def create_document(*, scope: Scope, collection: str, given: DocumentInput) -> StoredDocument:
    """Store a new document.

    One statement when the id is made here and no parent is named; else locks, the insert and the link to its tree.
    Raises NotFoundError, AlreadyExistsError, ValidationError (lineage that contradicts the stored parent),
    PayloadTooLargeError.
    """
    require_same_collection(scope, collection, given.collection)
    features = read_features(given)
    try:
        return _create(scope, collection, given, features)
    except psycopg.errors.ForeignKeyViolation:  # deleted and purged since the statement began
        raise collection_not_found(collection) from None


def _create(scope: Scope, collection: str, given: DocumentInput, features: list[NamedFeature]) -> StoredDocument:
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


def _create_in_tree(
    scope: Scope, collection: str, given: DocumentInput, features: list[NamedFeature], *, lock: str
) -> StoredDocument:
    """`lock` exclusive: documents wait below the new one, and are linked; as many as a move may take along."""
    with unhurried(settings.BULK_STATEMENT_SECONDS) if lock == "exclusive" else atomic():
        return _create_locked(scope, collection, given, features, lock)


def _create_locked(
    scope: Scope, collection: str, given: DocumentInput, features: list[NamedFeature], lock: str
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
    return with_lineage(stored, given.lineage, found)


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
    gone = sql.rows(
        "WITH gone AS (DELETE FROM documents_document d USING namespaces_collection c"
        " WHERE d.namespace_id = %s AND d.document_id = %s"
        " AND c.id = d.collection_id AND c.namespace_id = d.namespace_id AND c.deleted_at IS NOT NULL"
        f" RETURNING d.namespace_id, d.collection_id), {count_gone('gone', single=True)} SELECT 1 FROM gone",
        (namespace_id, document_id),
    )
    return bool(gone)


@lru_cache
def _insert_sql(cte: str, has_lineage: bool, chosen: bool) -> str:
    """One statement: the scope, what it knows of the source object, the document, its count, and its lineage step."""
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
        source_collection_id, source_document_id, root_object_id, root_bucket_id, path, tier, chain, status, created_at)
    SELECT created.id, created.namespace_id, created.collection_id, %s, %s, %s, %s, %s,
           COALESCE(%s, place.stored_bucket),
           COALESCE(%s, CASE WHEN %s = 'bucket' THEN COALESCE(%s, place.stored_bucket) || '/' || place.collection END),
           %s, %s::jsonb, documents_status(created.internal_metadata), created.created_at
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
), {count_created("created", single=True)}{step}
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
