"""Documents that are there already, many in one statement: replaced as a PUT does, or merged as a PATCH does."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.conf import settings

from documents import services
from documents.features import NamedFeature, clear_features, write_features_of
from documents.importing.preparing import Prepared
from mixpeek_site import sql


def lock_rows(namespace_id: int, keys: Sequence[Any]) -> None:
    """Lock documents (by internal id) in the order of all writes of many, until the transaction ends."""
    sql.run(_LOCK, (namespace_id, list(keys)))


def replace_rows(namespace_id: int, ours: Sequence[tuple[Any, Prepared]], *, all_vectors: bool) -> int:
    """What `services.replace_document` does, for many, each named once: what a body does not name stays.

    `ours`: documents by their internal ids, none of which moves; `all_vectors`: vectors that are not given anew go. Answers
    how many documents there still are. At most four statements; the caller has locked the rows (`lock_rows`), and has seen to
    the dimensions of their vectors.
    """
    rows = [
        (
            key,
            one.texts[0],
            None if one.given.internal_metadata is None else one.texts[1],
            one.texts[2],
            None if one.given.source_blobs is None else one.texts[3],
            None if one.given.document_blobs is None else one.texts[4],
        )
        for key, one in ours
    ]
    columns = map(list, zip(*rows, strict=True))
    found = sql.rows(_REPLACE, (services.new_version(), datetime.now(UTC), *columns, namespace_id))
    if len(found) == len(ours):
        if all_vectors:
            clear_features(namespace_id, [key for key, _ in ours])
        features = [(key, one.features) for key, one in ours if one.features]
        write_features_of(namespace_id, features, dimensions_checked=True)
    return len(found)


Texts = tuple[str | None, ...]
"""What a merge patch says of payload, internal_metadata and system, and the source_blobs and document_blobs of it; JSON."""


def merge_rows(namespace_id: int, ours: Sequence[tuple[Any, Texts]], features: Sequence[tuple[Any, list[NamedFeature]]]) -> int:
    """What `services.patch_document` does, for many, each named once; how many documents there still are.

    `ours` and `features` by the documents' internal ids. The caller has locked the rows, as for `replace_rows`.
    """
    limit = settings.MAX_DOCUMENT_BYTES
    columns = map(list, zip(*((key, *texts) for key, texts in ours), strict=True))
    found = sql.rows(_MERGE, (limit, limit, limit, services.new_version(), datetime.now(UTC), *columns, namespace_id))
    if len(found) == len(ours):
        write_features_of(namespace_id, features, dimensions_checked=True)
    return len(found)


# The order in which all writes of many lock documents, before they write: so one waits for the other, and no two for each other.
_LOCK: Final = """
SELECT FROM documents_document d WHERE d.namespace_id = %s AND d.id = ANY(%s) ORDER BY d.id FOR NO KEY UPDATE
"""
# v1 shows an empty metadata, source_details and enrichments where a document has none; put back, they must not come into being.
_REPLACE: Final = """
UPDATE documents_document d
SET payload = CASE WHEN new.payload -> 'metadata' = '{}' AND NOT d.payload ? 'metadata'
                   THEN new.payload - 'metadata' ELSE new.payload END,
    internal_metadata = COALESCE(new.internal_metadata, d.internal_metadata),
    system = d.system || (SELECT COALESCE(jsonb_object_agg(e.key, e.value), '{}') FROM jsonb_each(new.system) e
                          WHERE e.value NOT IN ('[]', '{}') OR d.system ? e.key),
    source_blobs = COALESCE(new.source_blobs, d.source_blobs),
    document_blobs = COALESCE(new.document_blobs, d.document_blobs),
    version = GREATEST(d.version + 1, %s), updated_at = GREATEST(%s, d.updated_at + interval '1 microsecond')
FROM unnest(%s::uuid[], %s::jsonb[], %s::jsonb[], %s::jsonb[], %s::jsonb[], %s::jsonb[])
    AS new (id, payload, internal_metadata, system, source_blobs, document_blobs)
WHERE d.namespace_id = %s AND d.id = new.id
RETURNING 1
"""
_MERGE: Final = """
UPDATE documents_document d
SET payload = CASE WHEN new.payload IS NULL THEN d.payload ELSE documents_patched(d.payload, new.payload, %s) END,
    internal_metadata = CASE WHEN new.internal_metadata IS NULL THEN d.internal_metadata
                             ELSE documents_patched(d.internal_metadata, new.internal_metadata, %s) END,
    system = CASE WHEN new.system IS NULL THEN d.system ELSE documents_patched(d.system, new.system, %s) END,
    source_blobs = COALESCE(new.source_blobs, d.source_blobs),
    document_blobs = COALESCE(new.document_blobs, d.document_blobs),
    version = GREATEST(d.version + 1, %s), updated_at = GREATEST(%s, d.updated_at + interval '1 microsecond')
FROM unnest(%s::uuid[], %s::jsonb[], %s::jsonb[], %s::jsonb[], %s::jsonb[], %s::jsonb[])
    AS new (id, payload, internal_metadata, system, source_blobs, document_blobs)
WHERE d.namespace_id = %s AND d.id = new.id
RETURNING 1
"""
