"""What a document was made from, and what was made from it, a page at a time (contract section 8; docs/decisions/0018).

Both walk along the edges that are stored, never along what is recorded of them (root, tier, path, chain), so they are right
also where that is not. A document of a deleted collection is not there: a walk ends before it. Each page is one statement.
"""

from functools import lru_cache
from typing import Final

from documents import queries
from documents.features import Vectors
from documents.stored import STEP_JOIN
from documents.trees.reading import Page, Picked, Position, page_of, read_picked
from documents.trees.scoping import GONE
from mixpeek_site import sql
from mixpeek_site.sql import Fragment
from namespaces.scope import Scope

_FIRST_ID: Final = "00000000-0000-0000-0000-000000000000"
_ABOVE_ALL: Final = str(-(2**31))


def ancestors(
    scope: Scope,
    collection: str,
    document_id: str,
    *,
    limit: int,
    position: Position | None = None,
    vectors: Vectors = False,
    max_bytes: int,
) -> Page:
    """What a document was made from, the root's document first. A position is minus its last document's height above it.

    Raises NotFoundError for the namespace, the collection or the document.
    """
    cte, params = scope.cte(collection)
    last = position[0] if position else _ABOVE_ALL
    head = Fragment(_ancestors_sql(cte, limit), (*params, sql.text(document_id), last))
    picked = _picked(scope, collection, document_id, head, ("level",), vectors)
    return page_of(scope, picked, limit=limit, max_bytes=max_bytes, vectors=vectors)


def descendants(
    scope: Scope,
    collection: str,
    document_id: str,
    *,
    limit: int,
    position: Position | None = None,
    vectors: Vectors = False,
    max_bytes: int,
) -> Page:
    """What was made from a document: its children, then theirs, and so on.

    Documents of one level are ordered by their parents' creation, then by their own. A position is its last document's
    level with the internal ids of that one's parent and itself. Raises NotFoundError as `ancestors` does.
    """
    cte, params = scope.cte(collection)
    level, parent, last = position or ("1", _FIRST_ID, _FIRST_ID)
    head = Fragment(
        _descendants_sql(cte, limit),
        (*params, sql.text(document_id), level, parent, last),
    )
    picked = _picked(scope, collection, document_id, head, ("level", "parent", "id"), vectors)
    return page_of(scope, picked, limit=limit, max_bytes=max_bytes, vectors=vectors)


def _picked(scope: Scope, collection: str, document_id: str, head: Fragment, keys: tuple[str, ...], vectors: Vectors) -> Picked:
    picked = read_picked(head, ("id",), keys, namespace="place.namespace", vectors=vectors)
    if picked is None:
        raise queries.missing(scope, collection, document_id)
    if picked.first[0] is None:
        raise queries.document_not_found(document_id, collection)
    return picked


def _place(columns: str, collection: str) -> str:
    """The document that a walk begins at: one row, without an id if there is none; none if there is no such collection."""
    return f"place AS MATERIALIZED (SELECT scope.namespace_id, scope.namespace, d.id{columns} FROM {queries.source(collection)})"


@lru_cache
def _ancestors_sql(cte: str, limit: int) -> str:
    return f"""
WITH RECURSIVE {cte}, {_place(", d.document_id", "c")}, {GONE}, up AS (
    SELECT place.id, l.source_document_id AS above, 0 AS height, ARRAY[place.id] AS seen
    FROM place JOIN documents_lineagestep l ON l.namespace_id = place.namespace_id AND l.id = place.id
  UNION ALL
    SELECT d.id, d.above, up.height + 1, up.seen || d.id
    FROM up CROSS JOIN LATERAL (
        SELECT d.id, l.source_document_id AS above
        FROM documents_document d{STEP_JOIN}
        WHERE d.namespace_id = (SELECT namespace_id FROM place) AND d.document_id = up.above
          AND d.collection_id <> ALL((SELECT ids FROM gone)::bigint[]) OFFSET 0
    ) d
    WHERE d.id <> ALL(up.seen)
), picked AS (
    SELECT up.id, -up.height AS level FROM up WHERE up.height > 0 AND -up.height > %s::integer ORDER BY level LIMIT {limit + 1}
)"""


# The steps of a document's children; `p` is the document. Every document has one parent, so whatever is met twice hangs
# below the document that the walk began at: leaving that out is all that keeps a walk out of circles.
_CHILDREN: Final = (
    "documents_lineagestep l WHERE l.namespace_id = (SELECT namespace_id FROM place)"
    " AND l.source_document_id = p.document_id AND l.id <> (SELECT id FROM place)"
    " AND l.collection_id <> ALL((SELECT ids FROM gone)::bigint[])"
)
_PARENT: Final = (
    "(SELECT d.document_id FROM documents_document d"
    " WHERE d.namespace_id = (SELECT namespace_id FROM place) AND d.id = w.id OFFSET 0) p"
)
# All children of the rows of `w`.
_ALL: Final = f"CROSS JOIN LATERAL {_PARENT} CROSS JOIN LATERAL (SELECT l.id FROM {_CHILDREN} OFFSET 0) l"


def _first(w: str, wanted: int, after: str = "") -> str:
    """The first children of the rows of `w`, by these and then by their own ids.

    So many parents are enough, and so many children of each; sorted beforehand, parents are looked at as far as needed.
    """
    return f"""
        SELECT w.*, l.id AS child
        FROM (
            SELECT w.*, p.document_id
            FROM (SELECT * FROM {w} ORDER BY w.id OFFSET 0) w
            CROSS JOIN LATERAL {_PARENT}
            CROSS JOIN LATERAL (SELECT FROM {_CHILDREN}{after} LIMIT 1) l
            ORDER BY w.id LIMIT {wanted}
        ) w
        CROSS JOIN LATERAL (SELECT w.document_id) p
        CROSS JOIN LATERAL (SELECT l.id FROM {_CHILDREN}{after} ORDER BY l.id LIMIT {wanted}) l
        ORDER BY w.id, l.id LIMIT {wanted}"""


@lru_cache
def _descendants_sql(cte: str, limit: int) -> str:
    """`above`: the levels before the page's first one, whole. `rest`: the page's first level, from the position on.
    `further`: where that does not fill the page, this level whole and those below it, each cut where the page is full.
    """
    wanted = limit + 1
    return f"""
WITH RECURSIVE {cte}, {_place("", "c")}, {GONE}, begun AS MATERIALIZED (
    SELECT %s::integer AS level, %s::uuid AS parent, %s::uuid AS id
), above AS (
    SELECT place.id, 0 AS level FROM place WHERE place.id IS NOT NULL
  UNION ALL
    SELECT l.id, w.level + 1 FROM above w {_ALL} WHERE w.level < (SELECT level - 1 FROM begun)
), rest AS MATERIALIZED (
    SELECT begun.level, w.id AS parent, w.child AS id FROM begun CROSS JOIN ({
        _first(
            "above w WHERE w.level = (SELECT level - 1 FROM begun) AND w.id >= (SELECT parent FROM begun)",
            wanted,
            " AND (w.id, l.id) > ((SELECT parent FROM begun), (SELECT id FROM begun))",
        )
    }
    ) w
), further AS (
    SELECT l.id, NULL::uuid AS parent, w.level + 1 AS level, (SELECT count(*) FROM rest) AS found
    FROM above w {_ALL} WHERE w.level = (SELECT level - 1 FROM begun) AND (SELECT count(*) FROM rest) < {wanted}
  UNION ALL
    SELECT w.child, w.id, w.level + 1, w.found + count(*) OVER () FROM ({_first(f"further w WHERE w.found < {wanted}", wanted)}
    ) w
), picked AS MATERIALIZED (
    SELECT level, parent, id FROM rest
    UNION ALL SELECT level, parent, id FROM further WHERE level > (SELECT level FROM begun)
    ORDER BY level, parent, id LIMIT {wanted}
)"""
