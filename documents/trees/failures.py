"""Where in a tree something FAILED: beneath which documents, and which one is next.

Each function is one statement. Which steps FAILED is read in the index of stages (lineage_root_stage), so only those rows
are visited, however large the tree is.
"""

from collections.abc import Sequence
from typing import Final

from documents.trees.nodes import STEPS
from mixpeek_site import sql

COUNTED: Final = 10_000  # failed documents of a tree that are looked at to mark what is above them; the oldest first

_FAILED = f"{STEPS} AND l.root_object_id = %s AND l.status = 'FAILED'"

# A step's chain names what is above it, so nothing is climbed.
_BENEATH = f"""
SELECT above.step ->> 'document_id', count(*)
FROM (
    SELECT l.chain FROM {_FAILED} ORDER BY l.id LIMIT {COUNTED}
) failed
CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(failed.chain) WHEN 'array' THEN failed.chain ELSE '[]' END)
    WITH ORDINALITY AS above (step, place)
WHERE above.place < jsonb_array_length(failed.chain) AND above.step ->> 'document_id' = ANY(%s)
GROUP BY 1
"""


def beneath(namespace_id: int, object_id: str, document_ids: Sequence[str]) -> dict[str, int]:
    """How many FAILED documents are below each of these in the tree, itself left out; those without are left out.

    Of a tree with more than COUNTED failed documents, the first COUNTED are counted.
    """
    return dict(sql.rows(_BENEATH, (namespace_id, namespace_id, sql.text(object_id), list(document_ids))))


_NEXT = f"""
WITH present AS (
    SELECT d.id FROM documents_document d WHERE d.namespace_id = %s AND d.document_id = %s
), next AS (
    (SELECT l.id FROM {_FAILED} AND l.id > (SELECT id FROM present) ORDER BY l.id LIMIT 1)
    UNION ALL
    (SELECT l.id FROM {_FAILED} ORDER BY l.id LIMIT 1)
    LIMIT 1
)
SELECT d.document_id FROM next JOIN documents_document d ON d.namespace_id = %s AND d.id = next.id
"""


def following(namespace_id: int, object_id: str, document_id: str | None) -> str | None:
    """The FAILED document made next after this one, round to the first; None when the tree has none."""
    root = sql.text(object_id)
    failed = (namespace_id, namespace_id, root)
    params = (namespace_id, sql.text(document_id or ""), *failed, *failed, namespace_id)
    row = sql.one(_NEXT, params)
    return str(row[0]) if row else None
