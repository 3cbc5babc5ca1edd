"""A root object's tree by its stages: how many documents of each collection, at each depth, by each path, in which status.

They are counted in the index lineage_root_stage alone (docs/decisions/0017); of each stage one row is looked at, for its
path. Documents of deleted collections are as if they were not there.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from documents.stored import ROOT_KEY
from documents.trees.objects import object_not_found
from documents.trees.scoping import scope_cte
from mixpeek_site import jsonio, sql
from namespaces import rows
from namespaces import scope as scopes
from namespaces.models import BucketObject
from namespaces.scope import Scope

MAX_STAGE_IDS: Final = 10_000
MAX_TREE_IDS: Final = 100_000
"""Ids of documents that an answer lists of a stage, and of all of them."""


class Stage(NamedTuple):
    """The documents of one collection at one depth of a tree, with one path."""

    collection: str
    name: str
    tier: int
    path: str | None
    way: str  # the path; without one, / and the collections of the chain
    root_bucket_id: str | None
    feature_extractor_id: str
    documents: int
    statuses: dict[str, int]  # UNKNOWN: the document says none
    document_ids: list[str] | None = None  # in creation order, the first of them; None when not asked for


class Tree(NamedTuple):
    """A root object with its stages, by depth; `row` and `bucket` (its public id) are None when it is only referred to."""

    object_id: str
    row: BucketObject | None
    bucket: str | None
    stages: Sequence[Stage]

    @property
    def documents(self) -> int:
        return sum(stage.documents for stage in self.stages)

    @property
    def root_bucket_id(self) -> str | None:
        """That of the object, else the one that its documents say, those of the first stage that says any."""
        return self.bucket or next((stage.root_bucket_id for stage in self.stages if stage.root_bucket_id is not None), None)


COUNTED: Final = """counted AS MATERIALIZED (
    SELECT l.collection_id, l.tier, l.path_key, l.status, count(*) AS documents
    FROM documents_lineagestep l
    WHERE l.namespace_id = (SELECT namespace_id FROM scope) AND l.root_object_id = %s
    GROUP BY l.collection_id, l.tier, l.path_key, l.status
)"""
"""The CTE of the counts by collection, depth, key of the path, and status as kept. Parameter: the object's id."""


@lru_cache
def _tree_sql(cte: str, with_ids: bool) -> str:
    # Two look-ups, of which one finds nothing: an index knows `=` and `IS NULL`, but no `IS NOT DISTINCT FROM`.
    stage = """documents_lineagestep l WHERE l.namespace_id = (SELECT namespace_id FROM scope) AND l.root_object_id = %s
            AND l.collection_id = s.collection_id AND l.tier = s.tier"""
    one = """l.path, l.root_bucket_id, CASE WHEN l.path IS NULL THEN (
        SELECT string_agg(step ->> 'collection_id', '/' ORDER BY number)
        FROM jsonb_array_elements(l.chain) WITH ORDINALITY AS steps (step, number)) END AS way"""
    ids = f"""LEFT JOIN LATERAL (
    SELECT array_agg(first.document_id ORDER BY first.created_at, first.id) AS ids FROM (
        SELECT l.created_at, d.id, d.document_id FROM (
            SELECT l.created_at, l.id FROM {stage} AND l.root_key = {ROOT_KEY}
              AND (l.path_key = s.path_key OR l.path_key IS NULL AND s.path_key IS NULL)
            ORDER BY l.created_at, l.id LIMIT s.listed
        ) l JOIN documents_document d ON d.namespace_id = (SELECT namespace_id FROM scope) AND d.id = l.id
    ) first
) listed ON s.listed > 0"""
    return f"""
WITH {cte}, {COUNTED}, named AS (
    SELECT collection_id, tier, path_key, COALESCE(status, 'UNKNOWN') AS status, sum(documents)::bigint AS documents
    FROM counted GROUP BY 1, 2, 3, 4
), stages AS (
    SELECT collection_id, tier, path_key, sum(documents)::bigint AS documents,
           jsonb_object_agg(status, documents)::text AS statuses
    FROM named GROUP BY 1, 2, 3
), living AS (
    SELECT stages.*, c.public_id, c.name, c.feature_extractor_id,
           row_number() OVER shown AS place,
           LEAST({MAX_STAGE_IDS}, {MAX_TREE_IDS} - sum(LEAST(documents, {MAX_STAGE_IDS})) OVER shown
                                  + LEAST(documents, {MAX_STAGE_IDS}))::bigint AS listed
    FROM scope JOIN namespaces_collection c ON c.namespace_id = scope.namespace_id AND c.deleted_at IS NULL
    JOIN stages ON stages.collection_id = c.id
    WINDOW shown AS (ORDER BY tier, c.id, path_key)
)
SELECT s.public_id, s.name, s.tier, one.path, COALESCE(one.path, '/' || COALESCE(one.way, s.public_id)), one.root_bucket_id,
       s.feature_extractor_id, s.documents, s.statuses, {"COALESCE(listed.ids, '{}')" if with_ids else "NULL::text[]"},
       b.public_id, {rows.OBJECT.sql}
FROM scope
LEFT JOIN living s ON true
LEFT JOIN LATERAL (
    (SELECT {one} FROM {stage} AND l.path_key = s.path_key LIMIT 1)
    UNION ALL
    (SELECT {one} FROM {stage} AND l.path_key IS NULL AND s.path_key IS NULL LIMIT 1)
) one ON true
{ids if with_ids else ""}
LEFT JOIN namespaces_bucketobject t
    ON t.namespace_id = scope.namespace_id AND t.object_id = %s AND COALESCE(s.place, 1) = 1
LEFT JOIN namespaces_bucket b ON b.namespace_id = t.namespace_id AND b.id = t.bucket_id
ORDER BY s.place
"""


def tree(scope: Scope, object_id: str, *, with_ids: bool = False) -> Tree:
    """A registered object, or one that documents name as their root, with its stages. One statement.

    `with_ids`: of each stage the ids of its first MAX_STAGE_IDS documents, as long as there are no more than MAX_TREE_IDS in
    all. Raises NotFoundError for the namespace or an unknown object.
    """
    cte, name = scope_cte(scope), sql.text(object_id)
    found = sql.rows(_tree_sql(cte.text, with_ids), (*cte.params, *[name] * (6 if with_ids else 4)))
    if not found:
        raise scopes.namespace_not_found(scope.identifier)
    bucket = found[0][10]
    stages = [_stage(row) for row in found if row[0] is not None]
    if bucket is None and not stages:
        raise object_not_found(object_id)
    return Tree(object_id, None if bucket is None else rows.bucket_object(found[0][11:]), bucket, stages)


def _stage(row: sql.Row) -> Stage:
    return Stage._make((*row[:8], jsonio.loads(row[8]), row[9]))
