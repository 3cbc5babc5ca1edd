"""The way from a tree's top to one of its documents, with the siblings beside it. One statement (documents/trees/nodes.py)."""

from typing import Any, Final, NamedTuple

from documents.trees.climbing import CLIMB, climb_params
from documents.trees.nodes import FIRST_LEVEL, ORPHANS, PAGE, Node, Siblings, numbered_sql, picked_sql, siblings_of
from mixpeek_site import sql

AROUND: Final = 10  # siblings shown before and after a document that a tree opens at
AROUND_ABOVE: Final = 3  # the same, of each of its ancestors

_FIRST: Final = "(SELECT parent_stored FROM top), picked.height, picked.on_the_way, picked.place, picked.total"
_WAY: Final = f"""
WITH RECURSIVE {CLIMB}, numbered AS (
    SELECT up.height, s.id, s.place, s.total
    FROM up JOIN up AS parent ON parent.height = up.height + 1
    CROSS JOIN LATERAL ({numbered_sql("l.source_document_id = up.source_document_id")}) s
  UNION ALL
    SELECT (SELECT height FROM top), s.id, s.place, s.total FROM ({numbered_sql(FIRST_LEVEL)}) s
    WHERE (SELECT source_document_id FROM top) IS NULL
  UNION ALL
    SELECT (SELECT height FROM top), s.id, s.place, s.total FROM ({numbered_sql(ORPHANS)}) s
    WHERE (SELECT source_document_id IS NOT NULL AND NOT parent_stored FROM top)
  UNION ALL
    SELECT (SELECT height FROM top), s.id, s.place, s.total
    FROM ({numbered_sql("l.source_document_id = (SELECT source_document_id FROM top WHERE parent_stored)")}) s
), below AS (
    SELECT -1 AS height, s.id, s.place, s.total FROM ({numbered_sql("l.source_document_id = %s")}) s
    WHERE EXISTS (SELECT FROM up) ORDER BY place LIMIT %s
), picked AS (
    SELECT near.height, near.id, near.place, near.total, near.id = up.id AS on_the_way
    FROM up JOIN numbered mine ON mine.height = up.height AND mine.id = up.id
    JOIN numbered near ON near.height = up.height
    WHERE abs(near.place - mine.place) <= CASE up.height WHEN 0 THEN {AROUND} ELSE {AROUND_ABOVE} END
  UNION ALL
    SELECT height, id, place, total, false FROM below
)
{picked_sql(_FIRST, "picked.height DESC, picked.place")}
"""


class Level(NamedTuple):
    """Siblings at one depth of a way; `at`: the place in `siblings.nodes` of the one that the way goes through."""

    siblings: Siblings
    at: int

    @property
    def node(self) -> Node:
        return self.siblings.nodes[self.at]


class Way(NamedTuple):
    """From a tree's top to a document, with the nearest siblings of each step, and the first of its children.

    `above`: the stored parent of where it begins, None at a top. There is one above MAX_DEPTH documents, and in a circle.
    """

    levels: list[Level]
    below: Siblings
    above: str | None

    @property
    def document(self) -> Node:
        return self.levels[-1].node

    @property
    def starts_at_orphan(self) -> bool:
        """The first document's parent is not stored."""
        return self.above is None and self.levels[0].node.source_document_id is not None


def way(namespace_id: int, object_id: str, document_id: str) -> Way | None:
    """None when the document is not stored in the tree of this root."""
    name, root = sql.text(document_id), sql.text(object_id)
    number = namespace_id
    found = sql.rows(
        _WAY,
        (
            *climb_params(number, name),
            *(number, number),  # of siblings
            *(number, number, root),
            *(number, number, root),
            *(number, number),  # of the top's
            *(number, number, name, PAGE, number),
        ),
    )
    by_height: dict[int, list[tuple[Any, ...]]] = {}
    for row in found:
        by_height.setdefault(row[1], []).append(row)
    below = siblings_of([row[3:] for row in by_height.pop(-1, [])])
    levels = []
    for _, rows in sorted(by_height.items(), reverse=True):
        at = next((place for place, row in enumerate(rows) if row[2]), None)
        if at is None:
            return None
        levels.append(Level(siblings_of([row[3:] for row in rows]), at))
    if not levels or levels[-1].node.document_id != document_id or levels[-1].node.root_object_id != object_id:
        return None
    return Way(levels, below, levels[0].node.source_document_id if found[0][0] else None)
