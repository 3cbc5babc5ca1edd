"""A document with what is above, below and beside it: one statement for chain and children, one for siblings.

Children and siblings come in the order of creation, which an index carries, so that a page and the nearest neighbours cost
the same under a parent with ten children and with 100,000. Deleted namespaces and collections are as if they were not
there.
"""

from enum import Enum
from typing import Any, Final, NamedTuple
from uuid import UUID

from documents.stored import ROOT_KEY
from documents.trees.climbing import CLIMB, climb_params
from documents.trees.nodes import Node, label, picked_sql, preview, status
from mixpeek_site import sql

SIBLINGS_SHOWN: Final = 4  # on either side


class Above(Enum):
    """What is above the first document of a chain."""

    NOTHING = "nothing"
    MISSING = "missing"  # its parent is not stored
    CIRCLE = "circle"  # its parent is in the chain
    MORE = "more"  # its parent is stored, and so far away that it is not shown


class Path(NamedTuple):
    """`chain` leads from the root's side to the document itself; `next_child`: where the next page of children begins."""

    above: Above
    chain: list[Node]
    children: list[Node]
    next_child: str | None

    @property
    def document(self) -> Node:
        return self.chain[-1]


_PATH: Final = f"""
WITH RECURSIVE {CLIMB}, below AS (
    SELECT l.id FROM documents_lineagestep l
    WHERE l.namespace_id = %s AND l.source_document_id = %s AND l.id > %s AND l.collection_id NOT IN (
        SELECT c.id FROM namespaces_collection c WHERE c.namespace_id = %s AND c.deleted_at IS NOT NULL)
    ORDER BY l.id LIMIT %s
), picked AS (
    SELECT id, -height - 1::bigint AS place FROM up
    UNION ALL SELECT id, row_number() OVER (ORDER BY id) FROM below
)
{picked_sql("(SELECT parent_stored FROM top), picked.place", join="LEFT JOIN")}
"""


def path(namespace_id: int, document_id: str, after: str | None, limit: int) -> Path | None:
    """A document, its stored ancestors, and a page of its children; None when it is not stored."""
    name = sql.text(document_id)
    below = (namespace_id, name, _position(after), namespace_id, limit + 1)
    found = sql.rows(_PATH, (*climb_params(namespace_id, name), *below, namespace_id))
    chain = [Node._make(row[2:]) for row in found if row[1] < 0]
    if not chain or chain[-1].document_id != document_id:
        return None
    children = [Node._make(row[2:]) for row in found if row[1] > 0]
    return Path(
        _above(chain, found[0][0]), chain, children[:limit], str(children[limit - 1].key) if len(children) > limit else None
    )


def _above(chain: list[Node], parent_stored: bool) -> Above:
    parent = chain[0].source_document_id
    if parent is None:
        return Above.NOTHING
    if not parent_stored:
        return Above.MISSING
    return Above.CIRCLE if any(each.document_id == parent for each in chain) else Above.MORE


def _position(after: str | None) -> UUID:
    """Of a page; what is malformed means the first one."""
    try:
        return UUID(after or "")
    except ValueError:
        return UUID(int=0)


# Siblings -----------------------------------------------------------------------------------------------------------


class Sibling(NamedTuple):
    place: int  # -1 is the one just before, 1 the one just after
    document_id: str
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


_SIDES: Final = {"earlier": ("<", "DESC"), "later": (">", "ASC")}
_OTHERS: Final = SIBLINGS_SHOWN + 1
_SHOWN: Final = f"""
SELECT picked.place, d.document_id, {status("d")}, {label("d")}, {preview("d")}
FROM picked JOIN documents_document d ON d.namespace_id = %s AND d.id = picked.id
ORDER BY picked.place
"""


def _side_of_parent(side: str) -> str:
    compared, order = _SIDES[side]
    return f"""{side} AS (
    SELECT l.id FROM documents_lineagestep l
    WHERE l.namespace_id = %s AND l.source_document_id = %s AND l.collection_id = %s
      AND l.id {compared} %s
    ORDER BY l.id {order} LIMIT {_OTHERS})"""


_OF_PARENT: Final = f"""
WITH {_side_of_parent("earlier")}, {_side_of_parent("later")}, picked AS (
    SELECT id, -row_number() OVER (ORDER BY id DESC) AS place FROM earlier
    UNION ALL SELECT id, row_number() OVER (ORDER BY id) FROM later
)
{_SHOWN}"""


_FEW: Final = 500
"""First-level documents of a root in one collection that are read to find a document's neighbours among them. Where there are
more, they are met on the way through all documents of the root, which are in the order of creation."""
_FIRST_LEVEL: Final = "l.collection_id = %s AND l.source_document_id IS NULL AND l.tier = 1"


def _side_of_root(side: str) -> str:
    compared, order = _SIDES[side]
    beside = f"(l.created_at, l.id) {compared} (%s, %s) ORDER BY l.created_at {order}, l.id {order} LIMIT {_OTHERS}"
    return f"""{side} AS (
    (SELECT l.created_at, l.id FROM stage l WHERE (SELECT few FROM counted) AND {beside})
  UNION ALL
    (SELECT l.created_at, l.id FROM documents_lineagestep l
     WHERE (SELECT NOT few FROM counted) AND l.namespace_id = %s AND l.root_key = {ROOT_KEY}
       AND l.root_object_id = %s AND {_FIRST_LEVEL} AND {beside}))"""


_OF_ROOT: Final = f"""
WITH stage AS MATERIALIZED (
    SELECT l.created_at, l.id FROM documents_lineagestep l
    WHERE l.namespace_id = %s AND l.root_object_id = %s AND {_FIRST_LEVEL}
    ORDER BY l.path_key, l.status LIMIT {_FEW + 1} -- as the index of stages has them, which so is the one that is read
), counted AS MATERIALIZED (SELECT count(*) <= {_FEW} AS few FROM stage
), {_side_of_root("earlier")}, {_side_of_root("later")}, picked AS (
    SELECT id, -row_number() OVER (ORDER BY created_at DESC, id DESC) AS place FROM earlier
    UNION ALL SELECT id, row_number() OVER (ORDER BY created_at, id) FROM later
)
{_SHOWN}"""


def siblings(namespace_id: int, node: Node) -> Siblings:
    """Documents of the same parent, or of the same root object, in the document's own collection; none without either."""
    parent = node.source_document_id or node.root_object_id
    if parent is None:
        return Siblings([], [], False, False)
    name, key, collection = sql.text(parent), node.key, node.collection_key
    if node.source_document_id:
        side: tuple[Any, ...] = (namespace_id, name, collection, key)
        rows = sql.rows(_OF_PARENT, (*side, *side, namespace_id))
    else:
        beside = (node.created_at, key)
        side = (*beside, namespace_id, name, name, collection, *beside)
        rows = sql.rows(_OF_ROOT, (namespace_id, name, collection, *side, *side, namespace_id))
    found = [Sibling._make(row) for row in rows]
    before = [each for each in found if each.place < 0]
    after = [each for each in found if each.place > 0]
    return Siblings(before[-SIBLINGS_SHOWN:], after[:SIBLINGS_SHOWN], len(before) > SIBLINGS_SHOWN, len(after) > SIBLINGS_SHOWN)
