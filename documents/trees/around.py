"""A document with what is above, below and beside it: one statement for chain and children, one for siblings.

Children and siblings come in the order of creation, which an index carries, so that a page and the nearest neighbours cost
the same under a parent with ten children and with 100,000. Deleted namespaces and collections are as if they were not
there.
"""

from typing import Any, Final, NamedTuple
from uuid import UUID

from documents.stored import ROOT_KEY
from documents.trees.nodes import LIVING_NAMESPACE, MAX_DEPTH, Node, label, picked_sql, preview, status
from mixpeek_site import sql

SIBLINGS_SHOWN: Final = 4  # on either side


class Path(NamedTuple):
    """`chain` leads from the root's side to the document itself; `next_child`: where the next page of children begins."""

    chain: list[Node]
    children: list[Node]
    next_child: str | None

    @property
    def document(self) -> Node:
        return self.chain[-1]


_LIVING: Final = """namespaces_collection lc ON lc.namespace_id = d.namespace_id AND lc.id = d.collection_id
        AND lc.deleted_at IS NULL"""

_PATH: Final = f"""
WITH RECURSIVE up AS (
    SELECT d.id, l.source_document_id, 0 AS height, ARRAY[d.document_id::text] AS seen
    FROM documents_document d JOIN {_LIVING}
    LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
    WHERE d.namespace_id = %s AND d.document_id = %s AND EXISTS (SELECT FROM {LIVING_NAMESPACE})
  UNION ALL
    SELECT d.id, d.source_document_id, up.height + 1, up.seen || d.document_id::text
    FROM up CROSS JOIN LATERAL (
        SELECT d.id, d.document_id, l.source_document_id
        FROM documents_document d JOIN {_LIVING}
        LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id
        WHERE d.namespace_id = %s AND d.document_id = up.source_document_id OFFSET 0
    ) d
    WHERE up.height < {MAX_DEPTH} AND d.document_id <> ALL(up.seen)
), below AS (
    SELECT l.id FROM documents_lineagestep l
    WHERE l.namespace_id = %s AND l.source_document_id = %s AND l.id > %s AND l.collection_id NOT IN (
        SELECT c.id FROM namespaces_collection c WHERE c.namespace_id = %s AND c.deleted_at IS NOT NULL)
    ORDER BY l.id LIMIT %s
), picked AS (
    SELECT id, -height - 1::bigint AS place FROM up
    UNION ALL SELECT id, row_number() OVER (ORDER BY id) FROM below
)
{picked_sql("picked.place", join="LEFT JOIN")}
"""


def path(namespace_id: int, document_id: str, after: str | None, limit: int) -> Path | None:
    """A document, its stored ancestors, and a page of its children; None when it is not stored."""
    name = sql.text(document_id)
    below = (namespace_id, name, _position(after), namespace_id, limit + 1)
    found = sql.rows(_PATH, (namespace_id, name, namespace_id, namespace_id, *below, namespace_id))
    chain = [Node._make(row[1:]) for row in found if row[0] < 0]
    if not chain or chain[-1].document_id != document_id:
        return None
    children = [Node._make(row[1:]) for row in found if row[0] > 0]
    return Path(chain, children[:limit], str(children[limit - 1].key) if len(children) > limit else None)


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


def _walk(condition: str, keys: tuple[str, ...], compared: str, order: str) -> str:
    listed, position = ", ".join(f"l.{key}" for key in keys), ", ".join(["%s"] * len(keys))
    return f"""
    SELECT {listed} FROM documents_lineagestep l
    WHERE l.namespace_id = %s AND {condition} AND l.collection_id = %s AND ({listed}) {compared} ({position})
    ORDER BY {", ".join(f"l.{key} {order}" for key in keys)} LIMIT {SIBLINGS_SHOWN + 1}"""


def _siblings_sql(condition: str, *keys: str) -> str:
    """`keys`: what orders the siblings, as the index does that holds them."""
    backwards = ", ".join(f"{key} DESC" for key in keys)
    return f"""
WITH earlier AS ({_walk(condition, keys, "<", "DESC")}
), later AS ({_walk(condition, keys, ">", "ASC")}
), picked AS (
    SELECT id, -row_number() OVER (ORDER BY {backwards}) AS place FROM earlier
    UNION ALL SELECT id, row_number() OVER (ORDER BY {", ".join(keys)}) FROM later
)
SELECT picked.place, d.document_id, {status("d")}, {label("d")}, {preview("d")}
FROM picked JOIN documents_document d ON d.namespace_id = %s AND d.id = picked.id
ORDER BY picked.place
"""


_OF_PARENT: Final = _siblings_sql("l.source_document_id = %s", "id")
_OF_ROOT: Final = _siblings_sql(
    f"l.root_key = {ROOT_KEY} AND l.root_object_id = %s AND l.source_document_id IS NULL AND l.tier = 1", "created_at", "id"
)


def siblings(namespace_id: int, node: Node) -> Siblings:
    """Documents of the same parent, or of the same root object, in the document's own collection; none without either."""
    parent = node.source_document_id or node.root_object_id
    if parent is None:
        return Siblings([], [], False, False)
    name = sql.text(parent)
    side: tuple[Any, ...] = (namespace_id, name, node.collection_key, node.key)
    if not node.source_document_id:
        side = (namespace_id, name, name, node.collection_key, node.created_at, node.key)
    statement = _OF_PARENT if node.source_document_id else _OF_ROOT
    found = [Sibling._make(row) for row in sql.rows(statement, (*side, *side, namespace_id))]
    before = [each for each in found if each.place < 0]
    after = [each for each in found if each.place > 0]
    return Siblings(before[-SIBLINGS_SHOWN:], after[:SIBLINGS_SHOWN], len(before) > SIBLINGS_SHOWN, len(after) > SIBLINGS_SHOWN)
