"""What the admin's page of an object reads of the object itself: its fields, and its stages with their counts.

Each function is one statement; it names the namespace, by its internal id, in every table. Deleted namespaces and
collections are as if they were not there. The documents of the tree are in documents/trees/nodes.py.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from mixpeek_site import jsonio, sql
from mixpeek_site.jsonio import JSONObject


class Stage(NamedTuple):
    """The documents of one collection at one depth of a tree."""

    collection: str
    name: str
    tier: int
    feature_extractor_id: str
    documents: int
    first_level: int  # of them, those that come from the root itself
    orphans: int  # of them, those whose parent is not stored
    statuses: dict[str, int]


class Root(NamedTuple):
    """A root object with its stages; `object_key` is None when it is only referred to by documents."""

    namespace_id: int
    namespace: str
    namespace_name: str
    object_id: str
    object_key: UUID | None
    bucket: str | None
    bucket_name: str | None
    bucket_key: int | None
    fields: JSONObject
    blobs: list[JSONObject]
    system: JSONObject
    created_at: datetime | None
    updated_at: datetime | None
    stages: list[Stage]

    @property
    def documents(self) -> int:
        return sum(stage.documents for stage in self.stages)

    @property
    def first_level(self) -> int:
        return sum(stage.first_level for stage in self.stages)

    @property
    def orphans(self) -> int:
        return sum(stage.orphans for stage in self.stages)


# The object and its stages ------------------------------------------------------------------------------------------

_ROOT = """
WITH place AS (
    SELECT n.id, n.public_id, n.name FROM namespaces_namespace n WHERE n.id = %s AND n.deleted_at IS NULL
), counted AS MATERIALIZED (
    -- The narrow rows alone; what has the same parent becomes one.
    SELECT l.collection_id, l.tier, COALESCE(l.status, 'UNKNOWN') AS status, l.source_document_id, count(*) AS documents
    FROM documents_lineagestep l
    WHERE l.namespace_id = %s AND EXISTS (SELECT FROM place) AND l.root_object_id = %s
    GROUP BY 1, 2, 3, 4
), hidden AS MATERIALIZED (
    SELECT ARRAY(SELECT c.id FROM namespaces_collection c
                 WHERE c.namespace_id = place.id AND c.deleted_at IS NOT NULL) AS collections
    FROM place
), lost AS MATERIALIZED (
    -- Each parent is looked for once, in the index of ids, unless there are deleted collections that it may be in.
    SELECT source_document_id
    FROM (SELECT DISTINCT source_document_id FROM counted WHERE source_document_id IS NOT NULL) named
    WHERE CASE (SELECT collections FROM hidden) WHEN '{}' THEN NOT EXISTS (
        SELECT FROM documents_document p
        WHERE p.namespace_id = (SELECT id FROM place) AND p.document_id = named.source_document_id OFFSET 0)
    ELSE NOT EXISTS (
        SELECT FROM documents_document p
        WHERE p.namespace_id = (SELECT id FROM place) AND p.document_id = named.source_document_id
          AND p.collection_id <> ALL((SELECT collections FROM hidden)::bigint[]) OFFSET 0)
    END
), named AS (
    SELECT collection_id, tier, status, sum(documents)::bigint AS documents,
           sum(documents) FILTER (WHERE source_document_id IS NULL)::bigint AS first_level,
           sum(documents) FILTER (WHERE source_document_id IN (SELECT source_document_id FROM lost))::bigint AS orphans
    FROM counted GROUP BY 1, 2, 3
), stages AS (
    SELECT c.public_id, c.name, named.tier, c.feature_extractor_id, sum(documents)::bigint AS documents,
           COALESCE(sum(first_level), 0)::bigint AS first_level, COALESCE(sum(orphans), 0)::bigint AS orphans,
           jsonb_object_agg(named.status, named.documents) AS statuses
    FROM place
    JOIN namespaces_collection c ON c.namespace_id = place.id AND c.deleted_at IS NULL
    JOIN named ON named.collection_id = c.id
    GROUP BY c.id, named.tier ORDER BY named.tier, c.id
)
SELECT place.id, place.public_id, place.name, o.id, b.public_id, b.name, b.id,
       COALESCE(o.fields, '{}')::text, COALESCE(o.blobs, '[]')::text,
       COALESCE(o.system, '{}')::text, o.created_at, o.updated_at,
       (SELECT jsonb_agg(jsonb_build_array(public_id, name, tier, feature_extractor_id, documents, first_level, orphans,
                                           statuses)) FROM stages)::text
FROM place
LEFT JOIN namespaces_bucketobject o ON o.namespace_id = place.id AND o.object_id = %s
LEFT JOIN namespaces_bucket b ON b.namespace_id = o.namespace_id AND b.id = o.bucket_id
"""


def root(namespace_id: int, object_id: str) -> Root | None:
    """A registered object, or one that documents name as their root; None when it is neither."""
    name = sql.text(object_id)
    row = sql.one(_ROOT, (namespace_id, namespace_id, name, name))
    if row is None:
        return None
    number, public_id, place_name, key, bucket, bucket_name, bucket_key, fields, blobs, system, created, updated, stages = row
    found = [Stage._make(stage) for stage in jsonio.loads(stages)] if stages else []
    if key is None and not found:
        return None
    parts = (jsonio.loads(fields), jsonio.loads(blobs), jsonio.loads(system))
    about = (key, bucket, bucket_name, bucket_key)
    return Root(number, public_id, place_name, object_id, *about, *parts, created, updated, found)
