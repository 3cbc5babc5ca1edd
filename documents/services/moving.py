"""Another source for a stored document: its own lineage, and what follows from it for everything below."""

from collections.abc import Callable
from dataclasses import replace

from django.conf import settings

from documents import lineage, patching
from documents.inputs import FLAT_LINEAGE, LineageInput, require_consistent
from documents.services.common import locked_document
from documents.stored import StoredDocument
from mixpeek_site import jsonio, sql
from mixpeek_site.transactions import unhurried
from namespaces.scope import Scope

SOURCES = ("source_type", "source_object_id", "source_collection_id", "source_document_id")


def changes_lineage(stored: StoredDocument | lineage.StoredLineage, given: LineageInput) -> bool:
    """Whether a body names a lineage other than the stored one."""
    if any(getattr(given, name) not in (None, getattr(stored, name)) for name in (*FLAT_LINEAGE, "path")):
        return True
    return given.chain is not None and not patching.same(given.chain, jsonio.loads(stored.chain or "[]"))


def move(
    scope: Scope,
    collection: str | None,
    document_id: str,
    given: LineageInput,
    write: Callable[[], StoredDocument],
    on_moved: Callable[[int], None] | None = None,
) -> StoredDocument:
    """Give a document another source (or, its parent not stored, other roots), and its subtree what follows from it.

    `on_moved` is told how many documents below it went along.
    One transaction, whose statements may take settings.BULK_STATEMENT_SECONDS. Raises NotFoundError, ValidationError, what
    `write` raises, and ServiceUnavailableError for a subtree that took too long: nothing has changed then.
    """
    with unhurried(settings.BULK_STATEMENT_SECONDS):
        stored, documents = _move(scope, collection, document_id, given, write)
        if on_moved is not None:
            on_moved(documents - 1)
        return stored


def _move(
    scope: Scope, collection: str | None, document_id: str, given: LineageInput, write: Callable[[], StoredDocument]
) -> tuple[StoredDocument, int]:
    """The document, and how many its subtree has with it."""
    parent = given.source_document_id
    lineage.lock_documents(scope, exclusively=[document_id], shared=[parent] if parent else [], namespace="exclusive")
    locked = locked_document(scope, collection, document_id)
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
    source_collection_id, source_document_id, root_object_id, root_bucket_id, path, tier, chain, status, created_at)
SELECT d.id, d.namespace_id, d.collection_id, %s, %s, %s, %s, %s, %s,
       COALESCE(%s, CASE WHEN %s = 'bucket' THEN %s || '/' || c.public_id END), %s, %s::jsonb,
       documents_status(d.internal_metadata), d.created_at
FROM documents_document d JOIN namespaces_collection c ON c.id = d.collection_id
WHERE d.namespace_id = %s AND d.id = %s
ON CONFLICT (id, namespace_id) DO UPDATE SET source_type = excluded.source_type,
    source_object_id = excluded.source_object_id, source_collection_id = excluded.source_collection_id,
    source_document_id = excluded.source_document_id, root_object_id = excluded.root_object_id,
    root_bucket_id = excluded.root_bucket_id, path = excluded.path, tier = excluded.tier, chain = excluded.chain,
    status = excluded.status, created_at = excluded.created_at
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
    return with_lineage(stored, sent, found), found.documents


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


def with_lineage(stored: StoredDocument, sent: LineageInput, found: lineage.Relinked) -> StoredDocument:
    """The document with its sources as sent, and the rest of its lineage as `relink` left it."""
    return stored._replace(
        source_type=sent.source_type,
        source_object_id=sent.source_object_id,
        source_document_id=sent.source_document_id,
        source_collection_id=found.source_collection_id,
        root_object_id=found.root_object_id,
        root_bucket_id=found.root_bucket_id,
        path=found.path,
        chain=found.chain,
    )
