"""How many documents of one stage of a tree were made from documents of another."""

from typing import NamedTuple

from documents.trees.nodes import PARENT_STORED, STEPS
from mixpeek_site import sql


class Edge(NamedTuple):
    """Documents of `collection` at depth `tier`, made from documents of `source` one depth above."""

    source: str
    collection: str
    tier: int
    documents: int


def _edges_sql(condition: str = "true") -> str:
    return f"""
SELECT made.source_collection_id, c.public_id, made.tier, made.documents
FROM (
    SELECT l.source_collection_id, l.collection_id, l.tier, count(*) AS documents
    FROM {STEPS} AND l.root_object_id = %s AND l.source_document_id IS NOT NULL AND l.source_collection_id IS NOT NULL
      AND {condition}
    GROUP BY 1, 2, 3
) made
JOIN namespaces_collection c ON c.namespace_id = %s AND c.id = made.collection_id
ORDER BY 3, 2, 1
"""


_EDGES = {False: _edges_sql(), True: _edges_sql(PARENT_STORED)}


def edges(namespace_id: int, object_id: str, *, orphans: bool) -> list[Edge]:
    """One statement, over the narrow rows alone; `orphans`: some parents are not stored, so each is looked for."""
    params = (namespace_id, namespace_id, sql.text(object_id), namespace_id)
    return [Edge._make(row) for row in sql.rows(_EDGES[orphans], params)]
