"""The statement that reads a page: which documents, in which order, and what is read of them."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from documents import filters
from documents.counting import collection_count_sql
from documents.features import Vectors, vectors_weight
from documents.listing.matching import Texts, add_conditions, add_found
from documents.listing.ordering import NOTHING, Ordering, Position
from documents.listing.planning import Plan, plan_all
from documents.listing.questions import Question
from documents.listing.scoping import places_cte
from documents.listing.statistics import statistics
from documents.payload_indexes import Ready
from documents.stored import ROOT_KEY, STEP_JOIN, ahead, columns
from mixpeek_site.sql import Fragment
from namespaces.scope import Scope

READ_AHEAD_BYTES: Final = 4 * 1024 * 1024
"""Stored bytes of documents that one statement reads at most beyond its first: compressed, they may be many times more."""

STORED_BYTES: Final = (
    "pg_column_size(d.payload) + pg_column_size(d.internal_metadata) + pg_column_size(d.system)"
    " + pg_column_size(d.source_blobs) + pg_column_size(d.document_blobs)"
)
_LIMITS: Final = {rows: f" LIMIT {rows}" for rows in (2, 11, 21, 26, 31, 51, 101, 201, 501, 1001)}
"""Of the usual pages and the one document after them, as constants: a statement with a limit that it doesn't know PostgreSQL
takes to be for a tenth of the table, and so plans it anew each time, which takes longer than most of them run."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which of the documents in their order a page has, and what is read of them.

    `narrow`: columns over `d` and `l` instead of a StoredDocument's, of every document whatever its size.
    """

    limit: int
    offset: int = 0
    position: Position | None = None
    include_total: bool = False
    vectors: Vectors = False
    narrow: tuple[str, ...] = ()


def page_statement(scope: Scope, question: Question, order: Ordering, chosen: Plan, part: Part, *, exact: bool = False) -> Texts:
    """One row for each document of the page and the one after it: a StoredDocument's columns, the order's keys and the id,
    the total, how many matches were ranked, and the asked collections that do not exist.

    One row at least, unless the namespace or the collection does not exist. A document that is left out for its size has
    only its keys. `exact`: see `pages`.
    """
    limit, offset, position, narrow = part.limit, part.offset, part.position, part.narrow
    out = Texts()
    cte, params = places_cte(scope, question.places)
    out.add(f"WITH {cte}", *params)
    by_index = chosen.gathers or question.search is not None
    kept = chosen.few and question.search is None
    whole = (kept or (not by_index and order.declared is None)) and question.places.collection is not None
    if question.search is not None:
        out.add(", q AS (SELECT websearch_to_tsquery('simple', %s) AS words)", question.search)
    if by_index:
        out.add(", matched AS MATERIALIZED (")
        add_found(out, question, chosen, _selected(order, "d.*" if whole else "d.id"), order, ranked=order.by_relevance)
        out.add(")")
    walk = _add_walk if chosen.root is None else partial(_add_root_walk, chosen.root)
    collection = "scope.collection" if whole else "c.public_id"
    read = ", ".join(narrow) or columns(collection=collection, namespace="scope.namespace", vectors=part.vectors)
    out.add(f" SELECT {read}, " + ", ".join(f"page.{column}::text" for column in (*order.columns, "id")))
    _add_total(out, scope, question, part.include_total, by_index=by_index and not order.by_relevance)
    out.add(", (SELECT count(*) FROM matched)" if order.by_relevance else ", NULL::bigint")
    add_unknown(out, question)
    weight = vectors_weight("scope.namespace_id", "p.id", part.vectors)
    out.add(" FROM scope LEFT JOIN LATERAL (SELECT p.*, ")
    out.add(f"{ahead(f'p.stored_bytes{weight}', order.by('p.'))} FROM (")
    if by_index:
        out.add("SELECT * FROM matched")
        if position is not None:
            out.add(" WHERE ").add(order.after(position, selected=True))
        out.add(f" ORDER BY {order.by()}").add(_limit(limit + 1, offset))
    elif whole:
        out.add("SELECT w.* FROM (SELECT scope.namespace_id, scope.collection_id AS id, scope.collection AS public_id) c")
        out.add(" CROSS JOIN LATERAL (SELECT d.*, ")
        walk(out, question, order, limit + 1, offset, position)
        out.add(") w")
    else:
        out.add("SELECT w.* FROM c CROSS JOIN LATERAL (")
        if order.declared is not None:
            _add_declared_walk(out, question, order, order.declared, limit + offset + 1, position, exact)
        else:
            out.add("SELECT d.id, ")
            walk(out, question, order, limit + offset + 1, 0, position)
        out.add(f") w ORDER BY {order.by('w.')}").add(_limit(limit + 1, offset))
    out.add(") p) page ON true LEFT JOIN LATERAL (")
    if whole:
        out.add("SELECT page.*")
    else:
        out.add("SELECT * FROM documents_document d WHERE d.namespace_id = scope.namespace_id AND d.id = page.id")
    out.add(
        f"{' WHERE' if whole else ' AND'} {'true' if narrow else f'page.ahead <= {READ_AHEAD_BYTES}'} OFFSET 0) d ON true"
        " LEFT JOIN LATERAL (SELECT * FROM documents_lineagestep l WHERE l.namespace_id = d.namespace_id AND l.id = d.id"
        f" OFFSET 0) l ON true{'' if whole else ' LEFT JOIN c ON c.id = d.collection_id'}"
        f" ORDER BY {order.by('page.')}"
    )
    return out


def _keys(order: Ordering) -> Fragment:
    """The keys and the size of a document."""
    keys = ", ".join(f"{key.text} AS {column}" for key, column in zip(order.keys, order.columns, strict=True))
    return Fragment(f"{keys}, {STORED_BYTES} AS stored_bytes", tuple(param for key in order.keys for param in key.params))


def _selected(order: Ordering, document: str) -> Fragment:
    """What is known of a document before it is read whole, or the whole of it."""
    text, params = _keys(order)
    return Fragment(f"{document}, {text}", params)


def _add_walk(out: Texts, question: Question, order: Ordering, limit: int, offset: int, position: Position | None) -> None:
    """The first of a collection along the order; goes on after `SELECT …, `."""
    out.add(_keys(order))
    _add_collection(out, question, order)
    if position is not None:
        out.add(" AND ").add(order.after(position, selected=False))
    out.add(" ORDER BY ").add(order.by_expressions()).add(_limit(limit, offset))


def _add_root_walk(
    root: str, out: Texts, question: Question, order: Ordering, limit: int, offset: int, position: Position | None
) -> None:
    """The first of a root object's documents in a collection, in the order of creation; goes on after `SELECT …, `."""
    order = order.in_steps()
    out.add(_keys(order))
    out.add(
        " FROM documents_lineagestep l CROSS JOIN LATERAL (SELECT * FROM documents_document d"
        " WHERE d.namespace_id = l.namespace_id AND d.id = l.id OFFSET 0) d"
        f" WHERE l.namespace_id = c.namespace_id AND l.root_key = {ROOT_KEY} AND l.collection_id = c.id",
        root,
    )
    add_conditions(out, question, walked=True, in_steps=True)
    if position is not None:
        out.add(" AND ").add(order.after(position, selected=False))
    out.add(" ORDER BY ").add(order.by_expressions()).add(_limit(limit, offset))


def _limit(rows: int, offset: int = 0) -> Fragment:
    if offset or rows not in _LIMITS:
        return Fragment(" LIMIT %s OFFSET %s", (rows, offset))
    return Fragment(_LIMITS[rows])


def _add_declared_walk(
    out: Texts, question: Question, order: Ordering, index: Ready, wanted: int, position: Position | None, exact: bool
) -> None:
    """The first of a collection that hold the field, along its index, and then those that don't, in creation order."""
    direction, sign = ("DESC", "<") if order.descending else ("ASC", ">")
    of_values = replace(order, join=NOTHING)
    out.add(f"WITH a AS MATERIALIZED (SELECT {index.value} AS k1, NULL::timestamptz AS k2, d.id, {STORED_BYTES} AS stored_bytes")
    _add_collection(out, question, of_values)
    out.add(f" AND {index.value} IS NOT NULL")
    if position is not None and position[0] is None:
        out.add(" AND false")
    elif position is not None and exact:
        value, row_id = position[0], position[-1]
        out.add(f" AND {index.key} {sign}= (SELECT documents_order_key(%s::jsonb))", value)
        out.add(f" AND ({index.value}, d.id) {sign} ((SELECT %s::jsonb), (SELECT %s::uuid))", value, row_id)
    elif position is not None:
        out.add(
            f" AND ({index.key}, d.id) {sign} ((SELECT documents_order_key(%s::jsonb)), (SELECT %s::uuid))",
            position[0],
            position[-1],
        )
    then = f" {index.value} {direction}," if exact else ""
    out.add(f" ORDER BY {index.key} {direction},{then} d.id {direction}").add(_limit(wanted)).add(")")
    out.add(f", b AS (SELECT NULL::jsonb AS k1, d.created_at AS k2, d.id, {STORED_BYTES} AS stored_bytes")
    _add_collection(out, question, of_values)
    out.add(f" AND {index.value} IS NULL AND (SELECT count(*) FROM a) < %s", wanted)
    if position is not None and position[0] is None:
        out.add(f" AND (d.created_at, d.id) {sign} ((SELECT %s::timestamptz), (SELECT %s::uuid))", *position[1:])
    out.add(f" ORDER BY d.created_at {direction}, d.id {direction}").add(_limit(wanted)).add(")")
    out.add(" SELECT * FROM a UNION ALL SELECT * FROM b")


def _add_collection(out: Texts, question: Question, order: Ordering) -> None:
    """FROM and WHERE of the documents of c that match, each looked at."""
    out.add(" FROM documents_document d")
    if order.reads_lineage or (question.filters is not None and filters.reads_lineage(question.filters)):
        out.add(STEP_JOIN)
    out.add(order.join).add(" WHERE d.namespace_id = c.namespace_id AND d.collection_id = c.id")
    add_conditions(out, question, walked=True)


def _add_total(out: Texts, scope: Scope, question: Question, include_total: bool, *, by_index: bool) -> None:
    if not include_total:
        out.add(", NULL::bigint")
    elif by_index:
        out.add(", (SELECT count(*) FROM matched)")
    elif question.filters is None and question.partition is None and question.search is None:
        out.add(
            ", (SELECT COALESCE(sum(documents), 0)::bigint FROM (SELECT "
            f"{collection_count_sql('p')} AS documents FROM c CROSS JOIN LATERAL"
            " (SELECT c.namespace_id, c.id AS collection_id) p) counted)"
        )
    else:
        chosen = plan_all(scope, question, statistics(scope, question.places))
        out.add(", (SELECT count(*) FROM (")
        add_found(out, question, chosen, Fragment("d.id"), None)
        out.add(") counted)")


def add_unknown(out: Texts, question: Question) -> None:
    if question.places.collections is None:
        out.add(", NULL::text[]")
    else:
        out.add(
            ", (SELECT array_agg(DISTINCT asked) FROM unnest(%s::text[]) AS asked"
            " WHERE NOT EXISTS (SELECT FROM c WHERE asked IN (c.public_id, c.name)))",
            list(question.places.collections),
        )
