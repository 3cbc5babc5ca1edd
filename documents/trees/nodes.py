"""Documents as nodes of a tree, a part of their siblings at a time.

Each function is one statement; it names the namespace, by its internal id, in every table. Deleted namespaces and
collections are as if they were not there. Siblings are ordered by collection, then by creation; a part says how many
there are in all and where each stands. Labels are looked for in payloads of a bounded size.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from mixpeek_site import sql

PAGE: Final = 50
MORE: Final = 200  # at a time, once somebody wants more than the first part
COUNTED_CHILDREN: Final = 1000  # a node with more shows "1,000+"
_LABELLED_BYTES: Final = 128 * 1024  # of a payload as stored; larger ones are not unpacked for a label
_LABEL_CHARACTERS: Final = 160


class Node(NamedTuple):
    """A document as a node of its tree."""

    key: UUID
    document_id: str
    collection_key: int
    collection: str
    collection_name: str
    tier: int
    status: str | None
    label: str | None
    preview: str | None
    blobs: int
    created_at: datetime
    root_object_id: str | None
    source_document_id: str | None
    children: int  # at most COUNTED_CHILDREN + 1

    @property
    def position(self) -> str:
        """Where the siblings before and after this node end and begin."""
        return f"{self.collection_key}.{self.key}"


class Siblings(NamedTuple):
    """Neighbours under one parent: `nodes[0]` is number `first` of `total`."""

    nodes: list[Node]
    first: int
    total: int

    @property
    def before(self) -> int:
        return self.first - 1 if self.nodes else 0

    @property
    def after(self) -> int:
        return self.total - self.first - len(self.nodes) + 1 if self.nodes else 0


NONE: Final = Siblings([], 1, 0)


class Within(NamedTuple):
    """Which part of the siblings: those after a position, or those before it; without either the first ones."""

    after: str | None = None
    before: str | None = None
    limit: int = PAGE


def label(document: str) -> str:
    """SQL of what a document's payload calls it, NULL when nothing does."""
    payload = f"{document}.payload"
    names = ", ".join(
        f"{holder} ->> '{name}'"
        for name in ("title", "name", "filename", "text")
        for holder in (payload, f"{payload} -> 'metadata'")
    )
    return f"CASE WHEN pg_column_size({payload}) <= {_LABELLED_BYTES} THEN left(COALESCE({names}), {_LABEL_CHARACTERS}) END"


def preview(document: str) -> str:
    """SQL of the beginning of a payload's text."""
    payload = f"{document}.payload"
    return f"CASE WHEN pg_column_size({payload}) <= {_LABELLED_BYTES} THEN left({payload}::text, {_LABEL_CHARACTERS}) END"


def status(document: str) -> str:
    return f"documents_status({document}.internal_metadata)"


COLUMNS: Final = f"""d.id, d.document_id, c.id, c.public_id, c.name, COALESCE(l.tier, 1), {status("d")}, {label("d")},
       {preview("d")}, jsonb_array_length(d.document_blobs), d.created_at, l.root_object_id, l.source_document_id,
       (SELECT count(*) FROM (
           SELECT FROM documents_lineagestep x JOIN namespaces_collection xc ON xc.id = x.collection_id
               AND xc.namespace_id = x.namespace_id AND xc.deleted_at IS NULL
           WHERE x.namespace_id = d.namespace_id AND x.source_document_id = d.document_id
           LIMIT {COUNTED_CHILDREN + 1}) counted)"""

LIVING_NAMESPACE: Final = "namespaces_namespace n WHERE n.id = %s AND n.deleted_at IS NULL"
# Steps of a namespace that are in no deleted collection. The few deleted ones are hashed once, whatever the planner thinks
# of the number of steps. Parameters: the namespace twice.
STEPS: Final = """documents_lineagestep l WHERE l.namespace_id = %s AND l.collection_id NOT IN (
        SELECT lc.id FROM namespaces_collection lc WHERE lc.namespace_id = %s AND lc.deleted_at IS NOT NULL)"""
PARENT_STORED: Final = """EXISTS (
        SELECT FROM documents_document p JOIN namespaces_collection pc ON pc.id = p.collection_id
            AND pc.namespace_id = p.namespace_id AND pc.deleted_at IS NULL
        WHERE p.namespace_id = l.namespace_id AND p.document_id = l.source_document_id)"""


def picked_sql(first: str, order: str = "picked.place", join: str = "JOIN") -> str:
    """Fetches the nodes that `picked` (id, …) names; `first`: columns before the node's own. Parameter: the namespace.

    Each is looked up by its key (OFFSET 0), whatever a plan that is kept takes the number of documents for.
    """
    return f"""
SELECT {first}, {COLUMNS}
FROM picked
CROSS JOIN LATERAL (SELECT * FROM documents_document d WHERE d.namespace_id = %s AND d.id = picked.id OFFSET 0) d
JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id AND c.deleted_at IS NULL
{join} LATERAL (
    SELECT * FROM documents_lineagestep l WHERE l.namespace_id = d.namespace_id AND l.id = d.id OFFSET 0
) l ON true
ORDER BY {order}
"""


def numbered_sql(condition: str) -> str:
    """Steps under a condition on `l`, each with its place among all. Parameters: namespace twice, the condition's."""
    return f"""
    SELECT l.id, l.collection_id, row_number() OVER (ORDER BY l.collection_id, l.id) AS place, count(*) OVER () AS total
    FROM {STEPS} AND {condition}"""


def _part_sql(condition: str, *, backwards: bool) -> str:
    compared, order = ("<", " DESC") if backwards else (">", "")
    return f"""
WITH numbered AS ({numbered_sql(f"EXISTS (SELECT FROM {LIVING_NAMESPACE}) AND {condition}")}
), picked AS (
    SELECT id, place, total FROM numbered WHERE (collection_id, id) {compared} (%s, %s) ORDER BY place{order} LIMIT %s
)
{picked_sql("picked.place, picked.total")}
"""


FIRST_LEVEL = "l.root_object_id = %s AND l.source_document_id IS NULL"
ORPHANS = f"l.root_object_id = %s AND l.source_document_id IS NOT NULL AND NOT {PARENT_STORED}"
_STAGE = """l.root_object_id = %s AND l.tier = %s AND l.collection_id = (
        SELECT c.id FROM namespaces_collection c WHERE c.namespace_id = %s AND c.public_id = %s)"""
_CONDITIONS = {
    "children": "l.source_document_id = %s",
    "first_level": FIRST_LEVEL,
    "orphans": ORPHANS,
    "failed": "l.root_object_id = %s AND l.status = 'FAILED'",
    "stage": _STAGE,
    "stage_status": f"{_STAGE} AND COALESCE(l.status, 'UNKNOWN') = %s",
}
_PARTS = {
    (name, backwards): _part_sql(condition, backwards=backwards)
    for name, condition in _CONDITIONS.items()
    for backwards in (False, True)
}


def children(namespace_id: int, document_id: str, within: Within = Within()) -> Siblings:  # noqa: B008
    """Documents made from a document, which itself may be stored or not."""
    return _part("children", namespace_id, (document_id,), within)


def first_level(namespace_id: int, object_id: str, within: Within = Within()) -> Siblings:  # noqa: B008
    """Documents that come from the root object itself."""
    return _part("first_level", namespace_id, (object_id,), within)


def orphans(namespace_id: int, object_id: str, within: Within = Within()) -> Siblings:  # noqa: B008
    """Documents of the tree whose parent is not stored."""
    return _part("orphans", namespace_id, (object_id,), within)


def failed(namespace_id: int, object_id: str, within: Within = Within()) -> Siblings:  # noqa: B008
    """Documents of the tree whose status is FAILED, wherever they are."""
    return _part("failed", namespace_id, (object_id,), within)


def of_stage(
    namespace_id: int,
    object_id: str,
    collection: str,
    tier: int,
    status: str | None,
    within: Within = Within(),  # noqa: B008
) -> Siblings:
    """Documents of one collection at one depth of the tree, with a status or all."""
    names = (object_id, tier, namespace_id, collection)
    if status is None:
        return _part("stage", namespace_id, names, within)
    return _part("stage_status", namespace_id, (*names, status), within)


def _part(name: str, namespace_id: int, names: Iterable[str | int], within: Within) -> Siblings:
    backwards = within.before is not None
    collection, key = _position(within.before if backwards else within.after)
    asked = (sql.text(each) if isinstance(each, str) else each for each in names)
    params = (namespace_id, namespace_id, namespace_id, *asked, collection, key, within.limit, namespace_id)
    return siblings_of(sql.rows(_PARTS[name, backwards], params))


def siblings_of(rows: list[tuple[Any, ...]]) -> Siblings:
    """Rows of (place, total, a node's columns)."""
    return Siblings([Node._make(row[2:]) for row in rows], rows[0][0], rows[0][1]) if rows else NONE


def _position(text: str | None) -> tuple[int, UUID]:
    """Of a part; what is malformed means the beginning."""
    collection, _, key = (text or "").partition(".")
    try:
        number = int(collection)
        return (number, UUID(key)) if 0 <= number < 2**63 else (0, UUID(int=0))
    except ValueError:
        return 0, UUID(int=0)
