"""One page of documents: one statement, whatever the page's size and wherever it begins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from documents import filters, payload_indexes, queries
from documents.counting import collection_count_sql
from documents.filters import Node
from documents.listing.access import Access
from documents.listing.ordering import NOTHING, Ordering, Position, is_cut, ordering
from documents.listing.planning import Plan, only_times, plan, plan_page
from documents.listing.questions import Places, Question
from documents.listing.scoping import places_cte
from documents.listing.statistics import statistics
from documents.payload_indexes import Index, Ready
from documents.stored import WIDTH, StoredDocument, columns
from mixpeek_site import sql
from mixpeek_site.sql import Fragment
from namespaces import scope as scopes
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

LINEAGE_JOIN: Final = " LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id"


class Row(NamedTuple):
    """A document of a page, and the position after it."""

    document: StoredDocument
    position: Position


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    more: bool
    total: int | None  # of all documents that match, where asked for
    unknown_collections: list[str]
    unserved: bool  # for want of an index the whole of a large place was walked


def read_page(
    scope: Scope,
    question: Question,
    *,
    limit: int,
    offset: int = 0,
    position: Position | None = None,
    include_total: bool = False,
    vectors: bool = False,
    max_bytes: int,
) -> Page:
    """Documents of a question, `limit` 1 to 1000, fewer where their JSON exceeds `max_bytes`.

    Raises NotFoundError for the namespace, the collection, or when none of several collections exists; BadRequestError
    for a foreign position; ValidationError for a regular expression that can't be run.
    """
    order = ordering(question, declared_indexes(scope, question))
    chosen = plan_page(scope, question, order, limit + offset + 1)
    with filters.bounded_regex(question.filters):
        found = _found(scope, question, order, chosen, limit, offset, position, include_total, vectors)
    if not found:
        raise queries.missing(scope, question.places.collection)
    unknown = require_places(question, found[0][-1])
    rows, complete = _read(scope, list(_rows(found, order)), limit, max_bytes, vectors)
    more = not complete or len(found) > limit
    return Page(rows, more, found[0][-2], unknown, chosen.unserved)


def declared_indexes(scope: Scope, question: Question) -> Mapping[Index, Ready]:
    """The declared indexes that the order of a question could use. No statement where that is sure to be none."""
    if question.sort is None or question.sort.field.column != "d.payload":
        return {}
    namespace_id = statistics(scope, question.places).namespace_id
    return {} if namespace_id is None else payload_indexes.ready(namespace_id)


def _found(
    scope: Scope,
    question: Question,
    order: Ordering,
    chosen: Plan,
    limit: int,
    offset: int,
    position: Position | None,
    include_total: bool,
    vectors: bool,
) -> list[sql.Row]:
    """A declared index has its rows in the order of the values' beginnings: where that says too little, once more exactly."""
    exact = position is not None and is_cut(position)
    while True:
        out = _statement(scope, question, order, chosen, limit, offset, position, include_total, vectors, exact)
        found = sql.rows(out.text, out.params)
        if exact or order.declared is None or chosen.access or not any(is_cut(list(row[WIDTH:])) for row in found):
            return found
        exact = True


def require_places(question: Question, unknown: list[str] | None) -> list[str]:
    """The asked collections that do not exist. Raises NotFoundError when none of them does."""
    asked = question.places.collections
    if unknown and asked is not None and len(unknown) == len(set(asked)):
        raise scopes.collection_not_found(", ".join(unknown))
    return list(unknown or ())


def _rows(found: list[sql.Row], order: Ordering) -> Iterator[tuple[StoredDocument | None, Position]]:
    end = WIDTH + len(order.keys) + 1
    for row in found:
        if row[end - 1] is not None:
            document = StoredDocument._make(row[:WIDTH]) if row[0] is not None else None
            yield document, list(row[WIDTH:end])


def _read(
    scope: Scope, found: list[tuple[StoredDocument | None, Position]], limit: int, max_bytes: int, vectors: bool
) -> tuple[list[Row], bool]:
    """The rows up to the limits. Documents that the first statement left out for their size are read in further ones."""
    rows: list[Row] = []
    size = 0
    for document, position in found[:limit]:
        read = document or by_internal_id(scope, str(position[-1]), vectors)
        if read is None:
            continue  # deleted since
        size += read.json_bytes
        if rows and size > max_bytes:
            return rows, False
        rows.append(Row(read, position))
    return rows, True


def by_internal_id(scope: Scope, internal_id: str, vectors: bool) -> StoredDocument | None:
    cte, params = scope.cte()
    row = sql.one(
        f"WITH {cte} SELECT {columns(namespace='scope.namespace', vectors=vectors)} FROM scope"
        " JOIN documents_document d ON d.namespace_id = scope.namespace_id AND d.id = %s::uuid"
        f" JOIN namespaces_collection c ON c.namespace_id = d.namespace_id AND c.id = d.collection_id{LINEAGE_JOIN}",
        (*params, internal_id),
    )
    return StoredDocument._make(row) if row else None


# The statement -------------------------------------------------------------------------------------------------------


class Texts:
    """SQL put together in the order of its parts, parameters along with it."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.params: list[Any] = []

    def add(self, part: str | Fragment, *params: Any) -> "Texts":
        text, more = part if isinstance(part, Fragment) else (part, params)
        self._parts.append(text)
        self.params.extend(more)
        return self

    @property
    def text(self) -> str:
        return "".join(self._parts)


def _statement(
    scope: Scope,
    question: Question,
    order: Ordering,
    chosen: Plan,
    limit: int,
    offset: int,
    position: Position | None,
    include_total: bool,
    vectors: bool,
    exact: bool = False,
) -> Texts:
    out = Texts()
    cte, params = places_cte(scope, question.places)
    out.add(f"WITH {cte}", *params)
    by_index = bool(chosen.access) or question.search is not None
    whole = not by_index and order.declared is None and question.places.collection is not None
    if question.search is not None:
        out.add(", q AS (SELECT websearch_to_tsquery('simple', %s) AS words)", question.search)
    if by_index:
        out.add(", matched AS MATERIALIZED (")
        add_found(out, question, chosen.access, _selected(order), order)
        out.add(")")
    collection = "scope.collection" if whole else "c.public_id"
    out.add(
        f" SELECT {columns(collection=collection, namespace='scope.namespace', vectors=vectors)}, "
        + ", ".join(f"page.{column}::text" for column in (*order.columns, "id"))
    )
    _add_total(out, scope, question, chosen, include_total, by_index)
    add_unknown(out, question)
    out.add(" FROM scope LEFT JOIN LATERAL (SELECT p.*, COALESCE(sum(p.stored_bytes) OVER (ORDER BY ")
    out.add(f"{order.by('p.')} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS ahead FROM (")
    if by_index:
        out.add("SELECT * FROM matched")
        if position is not None:
            out.add(" WHERE ").add(order.after(position, selected=True))
        out.add(f" ORDER BY {order.by()}").add(_limit(limit + 1, offset))
    elif whole:
        out.add("SELECT w.* FROM (SELECT scope.namespace_id, scope.collection_id AS id, scope.collection AS public_id) c")
        out.add(" CROSS JOIN LATERAL (SELECT d.*, ")
        _add_walk(out, question, order, limit + 1, offset, position)
        out.add(") w")
    else:
        out.add("SELECT w.* FROM c CROSS JOIN LATERAL (")
        if order.declared is not None:
            _add_declared_walk(out, question, order, order.declared, limit + offset + 1, position, exact)
        else:
            out.add("SELECT d.id, ")
            _add_walk(out, question, order, limit + offset + 1, 0, position)
        out.add(f") w ORDER BY {order.by('w.')}").add(_limit(limit + 1, offset))
    out.add(") p) page ON true LEFT JOIN LATERAL (")
    if whole:
        out.add("SELECT page.*")
    else:
        out.add("SELECT * FROM documents_document d WHERE d.namespace_id = scope.namespace_id AND d.id = page.id")
    out.add(
        f"{' WHERE' if whole else ' AND'} page.ahead <= {READ_AHEAD_BYTES} OFFSET 0) d ON true"
        " LEFT JOIN LATERAL (SELECT * FROM documents_lineagestep l WHERE l.namespace_id = d.namespace_id AND l.id = d.id"
        f" OFFSET 0) l ON true{'' if whole else ' LEFT JOIN c ON c.id = d.collection_id'}"
        f" ORDER BY {order.by('page.')}"
    )
    return out


def _keys(order: Ordering) -> Fragment:
    """The keys and the size of a document."""
    keys = ", ".join(f"{key.text} AS {column}" for key, column in zip(order.keys, order.columns, strict=True))
    return Fragment(f"{keys}, {STORED_BYTES} AS stored_bytes", tuple(param for key in order.keys for param in key.params))


def _selected(order: Ordering) -> Fragment:
    """What is known of a document before it is read whole."""
    text, params = _keys(order)
    return Fragment(f"d.id, {text}", params)


def add_found(
    out: Texts,
    question: Question,
    access: tuple[Access, ...],
    select: Fragment,
    order: Ordering | None,
    *,
    lineage: bool = False,
    source: str = "c",
) -> None:
    """`SELECT select FROM …` of the documents that match, in no order, by way of the indexes that `access` and the search name.

    Each collection is looked up by itself (OFFSET 0), and its number, which the entries of those indexes begin with, is
    hidden from the planner (+ 0), which would else read the whole collection's entries of another index besides.
    """
    join = order.join if order else NOTHING
    searched = question.search is not None
    out.add(f"SELECT m.* FROM {source}{' CROSS JOIN q' if searched else ''} CROSS JOIN LATERAL (SELECT ").add(select)
    if access and access[0].table == "lineage":
        out.add(" FROM documents_lineagestep l JOIN documents_document d ON d.namespace_id = l.namespace_id AND d.id = l.id")
        out.add(join).add(" WHERE l.namespace_id + 0 = c.namespace_id AND l.collection_id + 0 = c.id")
    else:
        out.add(" FROM documents_document d")
        if (
            lineage
            or (order and order.reads_lineage)
            or (question.filters is not None and filters.reads_lineage(question.filters))
        ):
            out.add(LINEAGE_JOIN)
        ordered = any(each.probe for each in access)  # by an index that begins with the collection
        hidden = " + 0" if (access or searched) and not ordered else ""
        out.add(join).add(f" WHERE d.namespace_id{hidden} = c.namespace_id AND d.collection_id{hidden} = c.id")
    for each in access:
        out.add(" AND ").add(each.condition)
    if searched:
        out.add(
            " AND numnode(q.words) > 0 AND documents_words(d.collection_id, d.payload)"
            " @@ (q.words && ('''' || E'\\x01' || c.id || '''')::tsquery)"
        )
    _add_conditions(out, question)
    out.add(" OFFSET 0) m")


def narrowing(scope: Scope, collection: str, node: Node | None) -> Fragment:
    """` AND d.id = ANY(…)` with what an index says the filter can match in `scope`'s collection; empty if the whole is read.

    For statements that begin with the scope's CTE and have documents_document as d. The filter is to be checked besides.
    """
    places = Places(collection)
    access = plan(scope, places, node, statistics(scope, places), wanted=None).access if node is not None else ()
    if not access:
        return NOTHING
    out = Texts()
    out.add(" AND d.id = ANY(ARRAY(")
    source = "(SELECT namespace_id, collection_id AS id, collection AS public_id FROM scope) c"
    add_found(out, Question(places), access, Fragment("d.id"), None, source=source)
    return Fragment(out.add("))").text, tuple(out.params))


def found_count(scope: Scope, collection: str, node: Node) -> Fragment | None:
    """A statement of one row `(collection's id, how many of its documents match)`, none without the collection.

    It counts what an index finds; None where reading the whole collection is as good.
    """
    places = Places(collection)
    access = plan(scope, places, node, statistics(scope, places), wanted=None).access
    if not access:
        return None
    out = Texts()
    cte, params = places_cte(scope, places)
    out.add(f"WITH {cte} SELECT c.public_id, (SELECT count(*) FROM (", *params)
    add_found(out, Question(places, node), access, Fragment("d.id"), None)
    out.add(") found) FROM c")
    return Fragment(out.text, tuple(out.params))


def _add_conditions(out: Texts, question: Question, *, walked: bool = False) -> None:
    """`walked`: so that PostgreSQL keeps to the order's index, because a filter that it can't judge seems to leave next to
    nothing, and sorting that cheaper. A CASE seems to leave half. Times stand as they are: the index begins and ends at them.
    """
    for_the_index, checked = _times_and_others(question.filters) if walked else (question.filters, None)
    if for_the_index is not None:
        out.add(" AND ").add(filters.predicate(for_the_index))
    partition = question.partition
    if checked is None and partition is None:
        return
    out.add(" AND CASE WHEN " if walked else " AND ").add(filters.predicate(checked))
    if partition is not None:
        out.add(" AND (uuid_hash(d.id)::bigint & 2147483647) %% %s = %s", partition.count, partition.index)
    if walked:
        out.add(" THEN true ELSE false END")


def _times_and_others(node: Node | None) -> tuple[Node | None, Node | None]:
    """A filter in two, which hold together where it does: what asks for times of creation and update alone, and the rest."""
    if node is None:
        return None, None
    nodes = node.nodes if isinstance(node, filters.All) else (node,)
    times = tuple(each for each in nodes if only_times(each))
    others = tuple(each for each in nodes if not only_times(each))
    return filters.All(times) if times else None, filters.All(others) if others else None


def _add_walk(out: Texts, question: Question, order: Ordering, limit: int, offset: int, position: Position | None) -> None:
    """The first of a collection along the order; goes on after `SELECT …, `."""
    out.add(_keys(order))
    _add_collection(out, question, order)
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
        out.add(f" AND {index.key} {sign}= documents_order_key(%s::jsonb)", value)
        out.add(f" AND ({index.value}, d.id) {sign} (%s::jsonb, %s::uuid)", value, row_id)
    elif position is not None:
        out.add(f" AND ({index.key}, d.id) {sign} (documents_order_key(%s::jsonb), %s::uuid)", position[0], position[-1])
    then = f" {index.value} {direction}," if exact else ""
    out.add(f" ORDER BY {index.key} {direction},{then} d.id {direction}").add(_limit(wanted)).add(")")
    out.add(f", b AS (SELECT NULL::jsonb AS k1, d.created_at AS k2, d.id, {STORED_BYTES} AS stored_bytes")
    _add_collection(out, question, of_values)
    out.add(f" AND {index.value} IS NULL AND (SELECT count(*) FROM a) < %s", wanted)
    if position is not None and position[0] is None:
        out.add(f" AND (d.created_at, d.id) {sign} (%s::timestamptz, %s::uuid)", *position[1:])
    out.add(f" ORDER BY d.created_at {direction}, d.id {direction}").add(_limit(wanted)).add(")")
    out.add(" SELECT * FROM a UNION ALL SELECT * FROM b")


def _add_collection(out: Texts, question: Question, order: Ordering) -> None:
    """FROM and WHERE of the documents of c that match, each looked at."""
    out.add(" FROM documents_document d")
    if order.reads_lineage or (question.filters is not None and filters.reads_lineage(question.filters)):
        out.add(LINEAGE_JOIN)
    out.add(order.join).add(" WHERE d.namespace_id = c.namespace_id AND d.collection_id = c.id")
    _add_conditions(out, question, walked=True)


def _add_total(out: Texts, scope: Scope, question: Question, chosen: Plan, include_total: bool, by_index: bool) -> None:
    if not include_total:
        out.add(", NULL::bigint")
    elif by_index:
        out.add(", (SELECT count(*) FROM matched)")
    elif question.filters is None and question.partition is None:
        out.add(
            ", (SELECT COALESCE(sum(documents), 0)::bigint FROM (SELECT "
            f"{collection_count_sql('p')} AS documents FROM c CROSS JOIN LATERAL"
            " (SELECT c.namespace_id, c.id AS collection_id) p) counted)"
        )
    else:
        access = plan(scope, question.places, question.filters, statistics(scope, question.places), wanted=None).access
        out.add(", (SELECT count(*) FROM (")
        add_found(out, question, access, Fragment("d.id"), None)
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
