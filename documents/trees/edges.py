"""How many documents of one stage of a tree were made from documents of another."""

from typing import NamedTuple

from documents.trees.nodes import LIVING_COLLECTION, PARENT_STORED
from mixpeek_site import sql


class Edge(NamedTuple):
    """Documents of `collection` at depth `tier`, made from documents of `source` one depth above."""

    source: str
    collection: str
    tier: int
    documents: int


_EDGES = f"""
SELECT l.source_collection_id, lc.public_id, l.tier, count(*)
FROM documents_lineagestep l JOIN {LIVING_COLLECTION}
WHERE l.namespace_id = %s AND l.root_object_id = %s AND l.source_document_id IS NOT NULL
  AND l.source_collection_id IS NOT NULL AND (%s OR {PARENT_STORED})
GROUP BY 1, 2, 3 ORDER BY 3, 2, 1
"""


def edges(namespace_id: int, object_id: str, *, orphans: bool) -> list[Edge]:
    """One statement, over the narrow rows alone; `orphans`: some parents are not stored, so each is looked for."""
    return [Edge._make(row) for row in sql.rows(_EDGES, (namespace_id, sql.text(object_id), not orphans))]
