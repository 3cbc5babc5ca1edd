"""The documents beside one: others of the same parent, or of the same root object, a few before and after it.

One statement, two short walks from the document's own place in the order of the tree (collection, then creation), so a
parent with 100,000 children costs what one with ten costs as far as an index carries that order.
"""

from typing import Final, NamedTuple

from documents.tree_queries import Node, label, preview, status
from mixpeek_site import sql

SHOWN: Final = 4  # on either side


class Sibling(NamedTuple):
    place: int  # -1 is the one just before, 1 the one just after
    document_id: str
    collection_name: str
    status: str | None
    label: str | None
    preview: str | None


class Siblings(NamedTuple):
    """Nearest last in `before`, nearest first in `after`; `more_…`: whether there are others beyond them."""

    before: list[Sibling]
    after: list[Sibling]
    more_before: bool
    more_after: bool

    @property
    def previous(self) -> Sibling | None:
        return self.before[-1] if self.before else None

    @property
    def next(self) -> Sibling | None:
        return self.after[0] if self.after else None


NONE: Final = Siblings([], [], False, False)


def _walk(condition: str, compared: str, order: str) -> str:
    return f"""
    SELECT l.id, l.collection_id FROM documents_lineagestep l
    JOIN namespaces_collection lc ON lc.namespace_id = l.namespace_id AND lc.id = l.collection_id AND lc.deleted_at IS NULL
    WHERE l.namespace_id = %s AND {condition} AND (l.collection_id, l.id) {compared} (%s, %s)
    ORDER BY l.collection_id {order}, l.id {order} LIMIT {SHOWN + 1}"""


def _statement(condition: str) -> str:
    return f"""
WITH earlier AS ({_walk(condition, "<", "DESC")}
), later AS ({_walk(condition, ">", "ASC")}
), picked AS (
    SELECT id, -row_number() OVER (ORDER BY collection_id DESC, id DESC) AS place FROM earlier
    UNION ALL SELECT id, row_number() OVER (ORDER BY collection_id, id) FROM later
)
SELECT picked.place, d.document_id, c.name, {status("d")}, {label("d")}, {preview("d")}
FROM picked
JOIN documents_document d ON d.namespace_id = %s AND d.id = picked.id
JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id
ORDER BY picked.place
"""


_OF_PARENT: Final = _statement("l.source_document_id = %s")
_OF_ROOT: Final = _statement("l.root_object_id = %s AND l.source_document_id IS NULL")


def siblings(namespace_id: int, node: Node) -> Siblings:
    """Of a document in its tree; none when it has neither parent nor root."""
    parent = node.source_document_id or node.root_object_id
    if parent is None:
        return NONE
    side = (namespace_id, sql.text(parent), node.collection_key, node.key)
    statement = _OF_PARENT if node.source_document_id else _OF_ROOT
    found = [Sibling._make(row) for row in sql.rows(statement, (*side, *side, namespace_id))]
    before = [each for each in found if each.place < 0]
    after = [each for each in found if each.place > 0]
    return Siblings(before[-SHOWN:], after[:SHOWN], len(before) > SHOWN, len(after) > SHOWN)
