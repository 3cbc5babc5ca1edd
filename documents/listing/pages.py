"""One page of documents: one statement, whatever the page's size and wherever it begins."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from documents import filters, queries
from documents.counting import collection_count_sql
from documents.listing.access import Access
from documents.listing.ordering import NOTHING, Ordering, Position, ordering
from documents.listing.planning import Plan, plan
from documents.listing.questions import Question
from documents.listing.scoping import places_cte
from documents.listing.statistics import statistics
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
    order = ordering(question)
    chosen = Plan()
    if question.filters is not None:
        wanted = limit + offset + 1 if order.indexed else None
        chosen = plan(question.filters, statistics(scope, question.places), wanted=wanted)
    text, params = _statement(scope, question, order, chosen, limit, offset, position, include_total, vectors)
    with filters.bounded_regex(question.filters):
        found = sql.rows(text, params)
    if not found:
        raise queries.missing(scope, question.places.collection)
    unknown = require_places(question, found[0][-1])
    rows, complete = _read(scope, list(_rows(found, order)), limit, max_bytes, vectors)
    more = not complete or len(found) > limit
    return Page(rows, more, found[0][-2], unknown, chosen.unserved)


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
) -> tuple[str, list[Any]]:
    asked = question.filters is not None or question.search is not None
    by_index = bool(chosen.access) or question.search is not None
    out = Texts()
    cte, params = places_cte(scope, question.places)
    out.add(f"WITH {cte}", *params)
    if question.search is not None:
        out.add(", q AS (SELECT websearch_to_tsquery('simple', %s) AS words)", question.search)
    if by_index:
        out.add(", matched AS MATERIALIZED (")
        add_found(out, question, chosen.access, _selected(order), order)
        out.add(")")
    out.add(
        f" SELECT {columns(namespace='scope.namespace', vectors=vectors)}, "
        + ", ".join(f"page.{column}::text" for column in (*order.columns, "id"))
    )
    _add_total(out, scope, question, chosen, include_total, by_index, asked)
    add_unknown(out, question)
    out.add(" FROM scope LEFT JOIN LATERAL (SELECT p.*, COALESCE(sum(p.stored_bytes) OVER (ORDER BY ")
    out.add(f"{order.by('p.')} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS ahead FROM (")
    if by_index:
        out.add("SELECT * FROM matched")
        if position is not None:
            out.add(" WHERE ").add(order.after(position, selected=True))
        out.add(f" ORDER BY {order.by()} LIMIT %s OFFSET %s", limit + 1, offset)
    else:
        _add_walk(out, question, order, limit, offset, position)
    out.add(
        ") p) page ON true"
        " LEFT JOIN LATERAL (SELECT * FROM documents_document d WHERE d.namespace_id = scope.namespace_id AND d.id = page.id"
        f" AND page.ahead <= {READ_AHEAD_BYTES} OFFSET 0) d ON true"
        " LEFT JOIN LATERAL (SELECT * FROM documents_lineagestep l WHERE l.namespace_id = d.namespace_id AND l.id = d.id"
        " OFFSET 0) l ON true LEFT JOIN c ON c.id = d.collection_id"
        f" ORDER BY {order.by('page.')}"
    )
    return out.text, out.params


def _selected(order: Ordering) -> Fragment:
    """The keys, the id and the size: what is known of a document before it is read whole."""
    keys = ", ".join(f"{key.text} AS {column}" for key, column in zip(order.keys, order.columns, strict=True))
    return Fragment(f"{keys}, d.id, {STORED_BYTES} AS stored_bytes", tuple(param for key in order.keys for param in key.params))


def add_found(
    out: Texts, question: Question, access: tuple[Access, ...], select: Fragment, order: Ordering | None, *, lineage: bool = False
) -> None:
    """`SELECT select FROM …` of the documents that match, in no order, by way of the indexes that `access` and the search name.

    Each collection is looked up by itself (OFFSET 0), and its number, which the entries of those indexes begin with, is
    hidden from the planner (+ 0), which would else read the whole collection's entries of another index besides.
    """
    join = order.join if order else NOTHING
    searched = question.search is not None
    out.add(f"SELECT m.* FROM c{' CROSS JOIN q' if searched else ''} CROSS JOIN LATERAL (SELECT ").add(select)
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
        hidden = " + 0" if access or searched else ""
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


def _add_conditions(out: Texts, question: Question) -> None:
    if question.filters is not None:
        out.add(" AND ").add(filters.predicate(question.filters))
    if question.partition is not None:
        out.add(" AND (uuid_hash(d.id)::bigint & 2147483647) %% %s = %s", question.partition.count, question.partition.index)


def _add_walk(out: Texts, question: Question, order: Ordering, limit: int, offset: int, position: Position | None) -> None:
    """Along the order of each collection, and of the heads of several the first."""
    single = question.places.collection is not None
    out.add("SELECT w.* FROM c CROSS JOIN LATERAL (SELECT ").add(_selected(order)).add(" FROM documents_document d")
    if order.reads_lineage or (question.filters is not None and filters.reads_lineage(question.filters)):
        out.add(LINEAGE_JOIN)
    out.add(order.join).add(" WHERE d.namespace_id = c.namespace_id AND d.collection_id = c.id")
    _add_conditions(out, question)
    if position is not None:
        out.add(" AND ").add(order.after(position, selected=False))
    out.add(" ORDER BY ").add(order.by_expressions())
    if single:
        out.add(" LIMIT %s OFFSET %s) w", limit + 1, offset)
    else:
        out.add(f" LIMIT %s) w ORDER BY {order.by('w.')} LIMIT %s OFFSET %s", limit + 1 + offset, limit + 1, offset)


def _add_total(
    out: Texts, scope: Scope, question: Question, chosen: Plan, include_total: bool, by_index: bool, asked: bool
) -> None:
    if not include_total:
        out.add(", NULL::bigint")
    elif by_index:
        out.add(", (SELECT count(*) FROM matched)")
    elif not asked and question.partition is None:
        out.add(
            ", (SELECT COALESCE(sum(documents), 0)::bigint FROM (SELECT "
            f"{collection_count_sql('p')} AS documents FROM c CROSS JOIN LATERAL"
            " (SELECT c.namespace_id, c.id AS collection_id) p) counted)"
        )
    else:
        access = plan(question.filters, statistics(scope, question.places), wanted=None).access
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
