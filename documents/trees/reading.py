"""Documents that a statement has picked, read along with it as far as an answer goes.

The statement that picks also reads, until what it read may have READ_AHEAD_BYTES; only where documents are larger the rest
is read in further statements, until `max_bytes` are there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from documents.features import Vectors, vectors_weight
from documents.stored import JSON_PARTS, WIDTH, StoredDocument, ahead, bytes_of, columns
from mixpeek_site import sql
from mixpeek_site.sql import Fragment
from namespaces.scope import Scope

READ_AHEAD_BYTES: Final = 32 * 1024 * 1024
_AT_ONCE: Final = 1000

Position = list[str]
"""What a page's rows are ordered by, of its last one: texts."""


@dataclass(frozen=True, slots=True)
class Page:
    documents: list[StoredDocument]
    after: Position | None  # where the next page begins; None on the last one


@dataclass(frozen=True, slots=True)
class Picked:
    """What a statement picked: for each row the position, the internal id, and the document unless it was left out."""

    first: sql.Row  # the columns of `place`, which every row repeats
    rows: list[tuple[Position, str, StoredDocument | None]]


def read_picked(head: Fragment, place: Sequence[str], keys: Sequence[str], *, namespace: str, vectors: Vectors) -> Picked | None:
    """Run a statement and read what it picks.

    `head` is `WITH …` with the CTEs `place`, of one row or none (the columns named, namespace_id, and the SQL `namespace` of
    its public id), and `picked` (id, and the key columns, by which it is ordered). None where `place` has no row.
    """
    order = ", ".join(f"picked.{key}" for key in keys)
    found = sql.rows(
        f"{head.text}"
        f" SELECT {columns(namespace=namespace, vectors=vectors)}, page.id::text"
        + "".join(f", page.key_{number}::text" for number, _ in enumerate(keys))
        + "".join(f", place.{column}" for column in place)
        + " FROM place LEFT JOIN (SELECT d.*"
        + "".join(f", picked.{key} AS key_{number}" for number, key in enumerate(keys))
        + f", {ahead(bytes_of('d', *JSON_PARTS) + vectors_weight('d.namespace_id', 'd.id', vectors), order)}"
        " FROM place CROSS JOIN picked CROSS JOIN LATERAL (SELECT * FROM documents_document d"
        " WHERE d.namespace_id = place.namespace_id AND d.id = picked.id OFFSET 0) d) page ON true"
        f" LEFT JOIN LATERAL (SELECT page.* WHERE page.ahead <= {READ_AHEAD_BYTES} OFFSET 0) d ON true"
        " LEFT JOIN LATERAL (SELECT * FROM documents_lineagestep l"
        " WHERE l.namespace_id = d.namespace_id AND l.id = d.id OFFSET 0) l ON true"
        " LEFT JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id"
        " ORDER BY " + ", ".join(f"page.key_{number}" for number, _ in enumerate(keys)),
        head.params,
    )
    if not found:
        return None
    end = WIDTH + 1 + len(keys)
    return Picked(
        found[0][end:],
        [(list(row[WIDTH + 1 : end]), row[WIDTH], _stored(row)) for row in found if row[WIDTH] is not None],
    )


def page_of(scope: Scope, picked: Picked, *, limit: int, max_bytes: int, vectors: Vectors) -> Page:
    """The first of what was picked, `limit` or fewer where they have more than `max_bytes`, at least one."""
    documents: list[StoredDocument] = []
    after: Position | None = None
    size = 0
    rows = picked.rows[:limit]
    more = len(picked.rows) > limit
    whole = [document for *_, document in rows if document is not None]
    if len(whole) == len(rows) and 4 * sum(document.json_characters for document in whole) <= max_bytes:
        return Page(whole, rows[-1][0] if more else None)
    left = [internal_id for _, internal_id, document in rows if document is None]
    further: dict[str, StoredDocument] = {}
    for position, internal_id, at_once in rows:
        if at_once is None and internal_id not in further:
            further = _some(scope, left[left.index(internal_id) :][:_AT_ONCE], vectors)
        document = at_once or further.get(internal_id)
        if document is not None:  # else it was deleted meanwhile
            size += document.json_bytes
            if documents and size > max_bytes:
                return Page(documents, after)
            documents.append(document)
        after = position
    return Page(documents, after if more else None)


def _some(scope: Scope, internal_ids: list[str], vectors: Vectors) -> dict[str, StoredDocument]:
    """The first of the documents, by their internal ids, as far as READ_AHEAD_BYTES go; at least the first that is there."""
    cte, params = scope.cte()
    head = Fragment(
        f"WITH {cte}, place AS (SELECT * FROM scope), picked AS ("
        "SELECT asked.id, asked.number FROM unnest(%s::uuid[]) WITH ORDINALITY AS asked (id, number))",
        (*params, internal_ids),
    )
    found = read_picked(head, (), ("number",), namespace="place.namespace", vectors=vectors)
    return {} if found is None else {internal_id: document for _, internal_id, document in found.rows if document is not None}


def _stored(row: sql.Row) -> StoredDocument | None:
    return StoredDocument._make(row[:WIDTH]) if row[0] is not None else None
