"""Documents of one tree by their id or by what they are called.

Ids are served by the index of ids; titles are read, of a bounded number of the tree's documents, and the answer says
when that was not all of them.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from documents.trees.nodes import LIVING_NAMESPACE, STEPS, label, preview
from mixpeek_site import jsonio, sql

SHOWN: Final = 30
READ: Final = 100_000  # of the tree's documents, by title
IDS_READ: Final = 20_000  # of the namespace's ids with the beginning, of any tree


class Hit(NamedTuple):
    document_id: str
    collection_name: str
    tier: int
    status: str | None
    label: str | None
    preview: str | None
    above: list[str]  # ids of what it was made from, the top first


class Found(NamedTuple):
    hits: list[Hit]
    more: bool  # than are shown
    titles_cut: bool  # the tree has more documents than were read by title
    ids_cut: bool  # more ids have this beginning than were read


# What is written in the tree is compared as it is shown: without regard to case, anywhere in the title or the id.
_SEARCH = f"""
WITH wanted AS (
    SELECT %s::text AS text, lower(%s::text) AS folded, EXISTS (SELECT FROM {LIVING_NAMESPACE}) AS here
), begun AS MATERIALIZED (
    SELECT d.id, d.document_id FROM documents_document d, wanted
    WHERE wanted.here AND d.namespace_id = %s AND d.document_id >= %s AND d.document_id < %s
    ORDER BY d.document_id LIMIT {IDS_READ + 1}
), by_id AS (
    SELECT l.id, CASE WHEN begun.document_id = wanted.text THEN 0 ELSE 1 END AS rank, 0::bigint AS place
    FROM wanted, begun JOIN documents_lineagestep l ON l.namespace_id = %s AND l.id = begun.id
    JOIN namespaces_collection lc ON lc.namespace_id = l.namespace_id AND lc.id = l.collection_id AND lc.deleted_at IS NULL
    WHERE l.root_object_id = %s ORDER BY begun.document_id LIMIT {SHOWN + 1}
), tree AS MATERIALIZED (
    SELECT first.id, row_number() OVER () AS place FROM (
        SELECT l.id FROM {STEPS} AND l.root_object_id = %s AND (SELECT here FROM wanted)
        ORDER BY l.tier, l.collection_id, l.id LIMIT {READ + 1}
    ) first
), by_title AS (
    -- Each is looked up by its key (OFFSET 0): the namespace may hold many times the tree.
    SELECT tree.id, 2 AS rank, tree.place FROM tree CROSS JOIN LATERAL (
        SELECT FROM documents_document d
        WHERE d.namespace_id = %s AND d.id = tree.id
          AND (strpos(lower({label("d")}), (SELECT folded FROM wanted)) > 0
               OR strpos(lower(d.document_id), (SELECT folded FROM wanted)) > 0) OFFSET 0
    ) d
    ORDER BY tree.place LIMIT {2 * SHOWN + 2}
), picked AS (
    SELECT id, min(rank) AS rank, min(place) AS place FROM (SELECT * FROM by_id UNION ALL SELECT * FROM by_title) hit
    GROUP BY id ORDER BY 2, 3, 1 LIMIT {SHOWN + 1}
)
SELECT (SELECT count(*) FROM begun), (SELECT count(*) FROM tree), d.document_id, c.name, l.tier, l.status, {label("d")},
       {preview("d")}, l.chain::text
FROM (SELECT) once LEFT JOIN (picked
JOIN documents_document d ON d.namespace_id = %s AND d.id = picked.id
JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id
JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id) ON true
ORDER BY picked.rank, picked.place, d.document_id
"""


def search(namespace_id: int, object_id: str, wanted: str) -> Found:
    """Ids beginning with `wanted` first, then whatever holds it in its title or id. One statement."""
    name, root = sql.text(wanted), sql.text(object_id)
    if not name:  # what can't be stored isn't
        return Found([], False, False, False)
    rows = sql.rows(
        _SEARCH,
        (
            *(name, name, namespace_id, namespace_id, name, name + "\U0010ffff"),
            *(namespace_id, root, namespace_id, namespace_id, root, namespace_id, namespace_id),
        ),
    )
    begun, read = rows[0][:2]
    hits = [Hit._make((*row[2:-1], _above(row[-1]))) for row in rows if row[2] is not None]
    return Found(hits[:SHOWN], len(hits) > SHOWN, read > READ, begun > IDS_READ)


def _above(chain: str | None) -> list[str]:
    steps: Any = jsonio.loads(chain) if chain else []
    named = [step.get("document_id") for step in steps[:-1] if isinstance(step, dict)] if isinstance(steps, list) else []
    return [each for each in named if isinstance(each, str)]


_TITLES = f"""
SELECT d.document_id, {label("d")} FROM documents_document d WHERE d.namespace_id = %s AND d.document_id = ANY(%s)
"""


def titles(namespace_id: int, document_ids: Iterable[str]) -> dict[str, str]:
    """What documents are called; those without a name are left out. One statement, none without ids."""
    asked = sorted(set(document_ids))
    found = sql.rows(_TITLES, (namespace_id, asked)) if asked else []
    return {document_id: title for document_id, title in found if title}
