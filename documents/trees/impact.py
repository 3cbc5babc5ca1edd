"""What a delete would orphan or take along, without doing it (contract section 8). One statement each, exact.

A detaching delete leaves children without their parent; a cascade takes everything below, as `lineage.delete_subtrees` walks
it. Documents of deleted collections are as if they were not there.
"""

from functools import lru_cache
from typing import NamedTuple

from documents import queries
from documents.trees.objects import object_not_found
from documents.trees.scoping import GONE, Place, scope_cte
from mixpeek_site import ids, sql
from mixpeek_site.errors import NotFoundError
from mixpeek_site.jsonio import JSONObject
from namespaces import scope as scopes
from namespaces.models import BUCKET_PREFIX
from namespaces.scope import Scope


class Share(NamedTuple):
    """Documents of one collection at one depth that a cascade would take; `orphaned`: those that lost their parent else."""

    collection: str
    name: str
    tier: int
    documents: int
    orphaned: int


class Impact(NamedTuple):
    """`documents`: what a cascade would take, a document itself included; `blobs`: theirs, and of an object its own."""

    target: JSONObject
    blobs: int
    stages: list[Share]

    @property
    def documents(self) -> int:
        return sum(share.documents for share in self.stages)

    @property
    def orphaned(self) -> int:
        return sum(share.orphaned for share in self.stages)

    @property
    def below(self) -> int:
        """Of a document: what hangs on it."""
        return self.documents - 1

    @property
    def children(self) -> dict[str, int]:
        """Those that a detaching delete would orphan, by their collection's name."""
        found: dict[str, int] = {}
        for share in self.stages:
            if share.orphaned:
                found[share.name] = found.get(share.name, 0) + share.orphaned
        return found


# `taken` (collection_id, tier, orphaned, blobs) becomes a row for each stage, each with the target's columns before its own.
_SHARES = """
shares AS (
    SELECT c.public_id, c.name, taken.tier, taken.documents, taken.orphaned, taken.blobs, c.id
    FROM (
        SELECT collection_id, tier, count(*) AS documents, count(*) FILTER (WHERE orphaned) AS orphaned,
               sum(blobs)::bigint AS blobs
        FROM taken GROUP BY collection_id, tier
    ) taken
    JOIN namespaces_collection c
        ON c.namespace_id = (SELECT namespace_id FROM scope) AND c.id = taken.collection_id AND c.deleted_at IS NULL
)
"""
_SHARE = "s.blobs, s.public_id, s.name, s.tier, s.documents, s.orphaned"
_ORDER = "ORDER BY s.tier, s.id"


@lru_cache
def _object_sql(cte: str, bucket_column: str | None) -> str:
    bucket = f" AND b.{bucket_column} = %s" if bucket_column else ""
    return f"""
WITH {cte}, object AS (
    SELECT o.object_id, b.public_id AS bucket, jsonb_array_length(o.blobs) AS blobs
    FROM scope JOIN namespaces_bucketobject o ON o.namespace_id = scope.namespace_id AND o.object_id = %s
    JOIN namespaces_bucket b ON b.namespace_id = o.namespace_id AND b.id = o.bucket_id{bucket}
), taken AS (
    SELECT l.collection_id, l.tier, l.source_document_id IS NULL AS orphaned, d.blobs
    FROM documents_lineagestep l CROSS JOIN LATERAL (
        SELECT jsonb_array_length(d.document_blobs) AS blobs FROM documents_document d
        WHERE d.namespace_id = l.namespace_id AND d.id = l.id OFFSET 0
    ) d
    WHERE l.namespace_id = (SELECT namespace_id FROM scope) AND l.root_object_id = %s
      {"AND EXISTS (SELECT FROM object)" if bucket_column else ""}
), {_SHARES}
SELECT object.bucket, object.blobs, {_SHARE}
FROM scope LEFT JOIN object ON true LEFT JOIN shares s ON true {_ORDER}
"""


def of_object(scope: Scope, object_id: str, bucket: str | None = None) -> Impact:
    """Of an object that is registered (in this bucket, where it is named), or that documents name as their root.

    Orphaned are those that come from the object itself. Raises NotFoundError for the namespace, the bucket or the object.
    """
    cte, name = scope_cte(scope), sql.text(object_id)
    column = None if bucket is None else "public_id" if ids.looks_like_id(BUCKET_PREFIX, bucket) else "name"
    asked = [] if bucket is None else [sql.text(bucket)]
    found = sql.rows(_object_sql(cte.text, column), (*cte.params, name, *asked, name))
    if not found:
        raise scopes.namespace_not_found(scope.identifier)
    registered_in, own_blobs, *share = found[0]
    if registered_in is None and (bucket is not None or share[1] is None):
        raise _object_missing(scope, object_id, bucket)
    target = {"type": "object", "object_id": object_id, "bucket_id": registered_in}
    return _impact(target, [row[2:] for row in found], own_blobs or 0)


def _object_missing(scope: Scope, object_id: str, bucket: str | None) -> NotFoundError:
    if bucket is None:
        return object_not_found(object_id)
    try:
        scopes.require_bucket(scope, bucket)
    except NotFoundError as error:
        return error
    return scopes.object_not_found(object_id, bucket)


# What is met twice hangs below the document itself, as each has one parent: leaving that out ends every circle. OFFSET 0
# keeps the planner from reading all steps of the namespace at every level, or all its documents: it can't know how many
# children one has, and takes it for many where others have many.
_BELOW = """LATERAL (
        SELECT l.id, d.document_id, l.collection_id, l.tier, d.blobs
        FROM documents_lineagestep l
        CROSS JOIN LATERAL (
            SELECT d.document_id, jsonb_array_length(d.document_blobs) AS blobs FROM documents_document d
            WHERE d.namespace_id = l.namespace_id AND d.id = l.id OFFSET 0
        ) d
        WHERE l.namespace_id = (SELECT namespace_id FROM scope) AND l.source_document_id = above.document_id
          AND l.id <> (SELECT id FROM start) AND l.collection_id <> ALL((SELECT ids FROM gone)::bigint[]) OFFSET 0
    ) l"""


@lru_cache
def _document_sql(cte: str, in_collection: bool) -> str:
    return f"""
WITH RECURSIVE {cte}, {GONE}, start AS MATERIALIZED (
    SELECT d.id, d.document_id, d.collection_id, c.public_id, COALESCE(l.tier, 1) AS tier,
           jsonb_array_length(d.document_blobs) AS blobs
    FROM {queries.source("named" if in_collection else None)}
    LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
), below AS (
    SELECT l.*, true AS orphaned FROM start above CROSS JOIN {_BELOW}
  UNION ALL
    SELECT l.*, false FROM below above CROSS JOIN {_BELOW}
), taken AS (
    SELECT collection_id, tier, false AS orphaned, blobs FROM start WHERE id IS NOT NULL
    UNION ALL SELECT collection_id, tier, orphaned, blobs FROM below
), {_SHARES}
SELECT start.document_id, start.public_id, {_SHARE} FROM start LEFT JOIN shares s ON true {_ORDER}
"""


def of_document(place: Place, collection: str | None, document_id: str) -> Impact:
    """Orphaned are its children. Raises NotFoundError for the namespace, the collection or the document."""
    cte = scope_cte(place, collection)
    found = sql.rows(_document_sql(cte.text, collection is not None), (*cte.params, sql.text(document_id)))
    if not found and isinstance(place, Scope):
        raise queries.missing(place, collection, document_id)
    if not found or found[0][0] is None:
        raise queries.document_not_found(document_id, collection)
    target = {"type": "document", "document_id": found[0][0], "collection_id": found[0][1]}
    return _impact(target, [row[2:] for row in found], 0)


def _impact(target: JSONObject, found: list[sql.Row], own_blobs: int) -> Impact:
    shares = [(blobs, Share(*share)) for blobs, *share in found if share[0] is not None]
    return Impact(target, own_blobs + sum(int(blobs) for blobs, _ in shares), [share for _, share in shares])
