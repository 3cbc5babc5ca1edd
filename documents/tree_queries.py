"""What the admin reads of decomposition trees: an object with its stages, and nodes one level at a time.

Each function is one statement; it names the namespace, by its internal id, in every table. Deleted namespaces and
collections are as if they were not there. What a page shows is bounded: nodes by `limit`, their children's number by
`COUNTED_CHILDREN`, their labels by the size of the payload that is looked into.
"""

from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from documents.trees.nodes import COUNTED_CHILDREN, LIVING_NAMESPACE, MAX_DEPTH, PAGE, Node, label, picked_sql, preview, status
from mixpeek_site import jsonio, sql
from mixpeek_site.jsonio import JSONObject

__all__ = ["COUNTED_CHILDREN", "Node", "label", "preview", "status"]


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


class NodePage(NamedTuple):
    nodes: list[Node]
    next_position: str | None


# The object and its stages ------------------------------------------------------------------------------------------

_ROOT = """
WITH place AS (
    SELECT n.id, n.public_id, n.name FROM namespaces_namespace n WHERE n.id = %s AND n.deleted_at IS NULL
), tree AS MATERIALIZED (
    SELECT d.document_id, l.collection_id, l.tier, l.source_document_id,
           COALESCE(d.internal_metadata ->> 'ingestion_status', 'UNKNOWN') AS status
    FROM documents_lineagestep l
    JOIN documents_document d ON d.namespace_id = l.namespace_id AND d.id = l.id
    JOIN namespaces_collection c ON c.namespace_id = l.namespace_id AND c.id = l.collection_id AND c.deleted_at IS NULL
    WHERE l.namespace_id = %s AND l.root_object_id = %s
), orphans AS (
    -- A parent is nearly always in the same tree, which is at hand; only the others are looked up.
    SELECT t.collection_id, t.tier, count(*) AS orphans
    FROM tree t
    WHERE t.source_document_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM tree p WHERE p.document_id = t.source_document_id)
      AND NOT EXISTS (
        SELECT FROM documents_document p JOIN namespaces_collection pc ON pc.id = p.collection_id
            AND pc.namespace_id = p.namespace_id AND pc.deleted_at IS NULL
        WHERE p.namespace_id = %s AND p.document_id = t.source_document_id)
    GROUP BY 1, 2
), counted AS (
    SELECT collection_id, tier, status, count(*) AS documents, count(*) FILTER (WHERE source_document_id IS NULL) AS first_level
    FROM tree GROUP BY 1, 2, 3
), stages AS (
    SELECT c.public_id, c.name, counted.tier, c.feature_extractor_id, sum(documents)::bigint AS documents,
           sum(first_level)::bigint AS first_level, COALESCE(max(orphans.orphans), 0) AS orphans,
           jsonb_object_agg(counted.status, counted.documents) AS statuses
    FROM counted
    JOIN namespaces_collection c ON c.namespace_id = %s AND c.id = counted.collection_id
    LEFT JOIN orphans ON orphans.collection_id = counted.collection_id AND orphans.tier = counted.tier
    GROUP BY c.id, counted.tier ORDER BY counted.tier, c.id
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
    row = sql.one(_ROOT, (namespace_id, namespace_id, name, namespace_id, namespace_id, name))
    if row is None:
        return None
    number, public_id, place_name, key, bucket, bucket_name, bucket_key, fields, blobs, system, created, updated, stages = row
    found = [Stage._make(stage) for stage in jsonio.loads(stages)] if stages else []
    if key is None and not found:
        return None
    parts = (jsonio.loads(fields), jsonio.loads(blobs), jsonio.loads(system))
    about = (key, bucket, bucket_name, bucket_key)
    return Root(number, public_id, place_name, object_id, *about, *parts, created, updated, found)


# Nodes --------------------------------------------------------------------------------------------------------------


def _position(after: str | None) -> tuple[int, UUID]:
    """Of a page; what is malformed means the first one."""
    collection, _, key = (after or "").partition(".")
    try:
        number = int(collection)
        return (number, UUID(key)) if 0 <= number < 2**63 else (0, UUID(int=0))
    except ValueError:
        return 0, UUID(int=0)


_CHAIN = f"""
WITH RECURSIVE up AS (
    SELECT d.id, l.source_document_id, 0 AS height, ARRAY[d.document_id::text] AS seen
    FROM documents_document d LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
    WHERE d.namespace_id = %s AND d.document_id = %s AND EXISTS (SELECT FROM {LIVING_NAMESPACE})
  UNION ALL
    SELECT d.id, l.source_document_id, up.height + 1, up.seen || d.document_id::text
    FROM up
    JOIN documents_document d ON d.namespace_id = %s AND d.document_id = up.source_document_id
    LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
    WHERE up.height < {MAX_DEPTH} AND d.document_id <> ALL(up.seen)
), page AS (
    SELECT l.id, l.collection_id FROM documents_lineagestep l
    JOIN namespaces_collection lc ON lc.namespace_id = l.namespace_id AND lc.id = l.collection_id AND lc.deleted_at IS NULL
    WHERE l.namespace_id = %s AND l.source_document_id = %s AND (l.collection_id, l.id) > (%s, %s)
    ORDER BY l.collection_id, l.id LIMIT %s
), picked AS (
    SELECT id, -height - 1::bigint AS place FROM up
    UNION ALL SELECT id, row_number() OVER (ORDER BY collection_id, id) FROM page
)
{picked_sql("picked.place", join="LEFT JOIN")}
"""


class Path(NamedTuple):
    """A document with what is above and below it."""

    chain: list[Node]  # from the root's side; the last is the document itself
    below: NodePage

    @property
    def document(self) -> Node:
        return self.chain[-1]


def path(namespace_id: int, document_id: str, after: str | None = None, limit: int = PAGE) -> Path | None:
    """A document, its stored ancestors, and a page of its children; None when it is not stored."""
    name = sql.text(document_id)
    collection, key = _position(after)
    params = (namespace_id, name, namespace_id, namespace_id, namespace_id, name, collection, key, limit + 1, namespace_id)
    found = sql.rows(_CHAIN, params)
    chain = [Node._make(row[1:]) for row in found if row[0] < 0]
    if not chain or chain[-1].document_id != document_id:
        return None
    rows = [row for row in found if row[0] > 0]
    nodes = [Node._make(row[1:]) for row in rows[:limit]]
    return Path(chain, NodePage(nodes, nodes[-1].position if len(rows) > limit else None))


# What a delete means ------------------------------------------------------------------------------------------------

COUNTED_BELOW: Final = 10_000


class Impact(NamedTuple):
    """What hangs on a document: its children by collection's name, and everything below it, up to COUNTED_BELOW + 1."""

    children: dict[str, int]
    below: int


_IMPACT = f"""
WITH RECURSIVE below AS (
    SELECT d.document_id, ARRAY[%s, d.document_id]::text[] AS seen
    FROM documents_lineagestep l JOIN documents_document d ON d.namespace_id = l.namespace_id AND d.id = l.id
    WHERE l.namespace_id = %s AND l.source_document_id = %s
  UNION ALL
    SELECT d.document_id, below.seen || d.document_id::text
    FROM below
    JOIN documents_lineagestep l ON l.namespace_id = %s AND l.source_document_id = below.document_id
    JOIN documents_document d ON d.namespace_id = l.namespace_id AND d.id = l.id
    WHERE d.document_id <> ALL(below.seen)
), children AS (
    SELECT c.name, count(*) AS documents
    FROM documents_lineagestep l JOIN namespaces_collection c ON c.namespace_id = l.namespace_id AND c.id = l.collection_id
        AND c.deleted_at IS NULL
    WHERE l.namespace_id = %s AND l.source_document_id = %s GROUP BY c.id ORDER BY c.id
)
SELECT (SELECT count(*) FROM (SELECT FROM below LIMIT {COUNTED_BELOW + 1}) bounded),
       (SELECT jsonb_agg(jsonb_build_array(name, documents)) FROM children)::text
"""


def impact(namespace_id: int, document_id: str) -> Impact:
    name = sql.text(document_id)
    row = sql.one(_IMPACT, (name, namespace_id, name, namespace_id, namespace_id, name))
    assert row is not None
    return Impact(dict(jsonio.loads(row[1])) if row[1] else {}, row[0])


class FeatureLine(NamedTuple):
    """A feature of a document, without its numbers."""

    name: str
    feature_extractor_id: str | None
    kind: str | None
    dimensions: int | None
    has_payload: bool


def features(namespace_id: int, document: UUID) -> list[FeatureLine]:
    """Of a document, by its internal id; the first 100 by name."""
    return [
        FeatureLine._make(row)
        for row in sql.rows(
            "SELECT f.name, f.feature_extractor_id, f.kind, CASE WHEN f.kind = 'multi' THEN array_length(f.numbers, 2)"
            " ELSE array_length(f.numbers, 1) END, f.payload IS NOT NULL FROM documents_feature f"
            " WHERE f.namespace_id = %s AND f.document_id = %s ORDER BY f.name LIMIT 100",
            (namespace_id, document),
        )
    ]


# Start page and search by id ----------------------------------------------------------------------------------------


class NamespaceLine(NamedTuple):
    key: int
    public_id: str
    name: str
    description: str | None
    organization: str
    collections: int
    buckets: int
    newest_document: datetime | None


def newest_namespaces(limit: int) -> list[NamespaceLine]:
    """Living namespaces, the newest first. The newest document is found by one index look-up per collection."""
    return [
        NamespaceLine._make(row)
        for row in sql.rows(
            """
SELECT n.id, n.public_id, n.name, n.description, o.name,
       (SELECT count(*) FROM (SELECT FROM namespaces_collection c
            WHERE c.namespace_id = n.id AND c.deleted_at IS NULL LIMIT 1000) bounded),
       (SELECT count(*) FROM (SELECT FROM namespaces_bucket b WHERE b.namespace_id = n.id LIMIT 1000) bounded),
       (SELECT max(newest.created_at) FROM (SELECT c.id FROM namespaces_collection c
            WHERE c.namespace_id = n.id AND c.deleted_at IS NULL LIMIT 1000) c
        CROSS JOIN LATERAL (SELECT d.created_at FROM documents_document d
            WHERE d.namespace_id = n.id AND d.collection_id = c.id ORDER BY d.created_at DESC LIMIT 1) newest)
FROM (SELECT * FROM namespaces_namespace WHERE deleted_at IS NULL ORDER BY id DESC LIMIT %s) n
JOIN namespaces_organization o ON o.id = n.organization_id
ORDER BY n.id DESC
""",
            (limit,),
        )
    ]


class Found(NamedTuple):
    kind: str
    id: str
    key: int | None
    namespace_id: int
    namespace: str
    organization: str


_FIND = """
SELECT hit.kind, hit.name, hit.key, n.id, n.name, o.name
FROM namespaces_namespace n
JOIN namespaces_organization o ON o.id = n.organization_id
CROSS JOIN LATERAL (
    SELECT 'namespace' AS kind, n.public_id AS name, n.id AS key WHERE n.public_id = %s
    UNION ALL SELECT 'collection', c.public_id, c.id FROM namespaces_collection c
        WHERE c.namespace_id = n.id AND c.public_id = %s AND c.deleted_at IS NULL
    UNION ALL SELECT 'bucket', b.public_id, b.id FROM namespaces_bucket b WHERE b.namespace_id = n.id AND b.public_id = %s
    UNION ALL SELECT 'object', x.name, NULL FROM (SELECT %s::text AS name) x WHERE EXISTS (
        SELECT FROM namespaces_bucketobject t WHERE t.namespace_id = n.id AND t.object_id = x.name)
        OR EXISTS (SELECT FROM documents_lineagestep l JOIN namespaces_collection lc ON lc.id = l.collection_id
            AND lc.namespace_id = l.namespace_id AND lc.deleted_at IS NULL
            WHERE l.namespace_id = n.id AND l.root_object_id = x.name)
    UNION ALL SELECT 'document', d.document_id, NULL FROM documents_document d
        JOIN namespaces_collection dc ON dc.namespace_id = d.namespace_id AND dc.id = d.collection_id AND dc.deleted_at IS NULL
        WHERE d.namespace_id = n.id AND d.document_id = %s
) hit
WHERE n.deleted_at IS NULL
ORDER BY n.id DESC, hit.kind LIMIT 100
"""


def find(wanted: str) -> list[Found]:
    """Everything that has an id, in every living namespace: a few index look-ups each."""
    name = sql.text(wanted)
    return [Found._make(row) for row in sql.rows(_FIND, (name,) * 5)]
