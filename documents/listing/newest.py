"""Documents that hold words which many hold, newest first: a page costs the same however many there are.

To rank them all would look for the words in each. Two ways lead to the newest alone (docs/decisions/0026):

- along the order of creation, the words looked for in each document: where every tenth or more holds them;
- in slices of that order, as long as a page should need: the index of words and that of creation are read together, and only
  documents that are in both are looked at.

How common words are is what PostgreSQL's statistics of the index of words say, of all namespaces together. Where they mislead,
a page takes longer and is right nevertheless.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from documents import filters, queries
from documents.listing.matching import Texts, add_found
from documents.listing.narrow import Line, Lines, read_lines
from documents.listing.ordering import Ordering, Position, ordering
from documents.listing.planning import plan_all
from documents.listing.questions import Question
from documents.listing.scoping import places_cte
from documents.listing.statistics import largest, share_of_words, statistics
from documents.stored import STEP_JOIN
from mixpeek_site import sql
from mixpeek_site.errors import ServiceUnavailableError
from mixpeek_site.sql import Fragment
from mixpeek_site.transactions import atomic, unhurried
from namespaces.scope import Scope

COMMON: Final = 0.1
"""Share of documents from which the words are looked for along the order."""

WALK_SECONDS: Final = 1
"""What that may take, should the statistics have misled."""

FEW: Final = 500
"""Matches up to which all are gathered: some 5 µs each, for a page of the table is read for each."""

_SLICE: Final = 2.0  # as many documents as a page should need, times this

_WORDS: Final = "documents_words(d.collection_id, d.payload)"
_QUERY: Final = "websearch_to_tsquery('simple', %s)"


def holds_many(scope: Scope, question: Question, bound: int) -> bool:
    """Whether more than `bound` documents hold the words of a search, as far as an index of words tells.

    By estimate where every tenth does, else counted up to the bound. A statement or two.
    """
    known = statistics(scope, question.places)
    chosen = plan_all(scope, question, known)
    if question.search is None or not chosen.by_words:
        return False
    if not chosen.gathers and share_of_words(question.search) >= COMMON and known.documents * COMMON > bound:
        return True
    out = Texts()
    cte, params = places_cte(scope, question.places)
    out.add(f"WITH {cte}", *params).add(f", q AS (SELECT {_QUERY} AS words) SELECT count(*) FROM (", question.search)
    add_found(out, question, chosen, Fragment("d.id"), None, ranked=True, most=bound + 1)
    out.add(f" LIMIT {bound + 1}) held")
    with filters.bounded_regex(question.filters):
        row = sql.one(out.text, out.params)
    return row is not None and row[0] > bound


def read_newest(
    scope: Scope, question: Question, select: Sequence[str], *, limit: int, position: Position | None = None
) -> Lines:
    """Documents of a search that is sorted by creation, `limit` at most; `select`: SQL over d and l. A few statements.

    Raises what `read_lines` does.
    """
    assert question.search is not None
    known = statistics(scope, question.places)
    if plan_all(scope, question, known).gathers:  # what the filter leaves is few
        return read_lines(scope, question, select, limit=limit, position=position)
    cte, params = places_cte(scope, question.places)
    place = sql.one(
        f"WITH {cte} SELECT scope.namespace_id, ARRAY(SELECT c.id FROM c) FROM scope",
        params,
    )
    if place is None:
        raise queries.missing(scope, question.places.collection)
    within = largest(scope, question.places)
    page = _Page(place[0], place[1], within, question, ordering(question, {}), tuple(select), limit + 1, position)
    with filters.bounded_regex(question.filters):
        rows = _found(page, share_of_words(question.search), known.documents)
    lines = [Line(row[: len(select)], list(row[len(select) :])) for row in rows]
    return Lines(lines[:limit], len(lines) > limit, ranked_some=False)


class _Page(NamedTuple):
    """`wanted` documents of some collections after a position, and what is read of them."""

    namespace_id: int
    collections: list[int]
    largest: int | None
    question: Question
    order: Ordering
    select: tuple[str, ...]
    wanted: int
    position: Position | None


def _found(page: _Page, share: float, documents: int) -> list[sql.Row]:
    """The rows of a page: its columns, the time and the internal id."""
    if share >= COMMON:
        try:
            with unhurried(WALK_SECONDS):
                return _rows(page, _along_the_order(page))
        except ServiceUnavailableError as error:
            if not sql.was_given_up(error):
                raise
    with atomic():
        # Which indexes are read together depends on how many documents hold the words, which a kept plan doesn't know.
        sql.run("SELECT set_config('plan_cache_mode', 'force_custom_plan', true)")
        if share * documents > FEW:
            end = _end_of_slice(page, int(_SLICE * page.wanted / share))
            if end is not None and len(rows := _rows(page, _in_both_indexes(page, end))) == page.wanted:
                return rows
        return _rows(page, _in_both_indexes(page, None))


def _along_the_order(page: _Page) -> Fragment:
    out = Texts()
    out.add(
        "SELECT w.created_at, w.id FROM (SELECT id, public_id, namespace_id FROM namespaces_collection"
        " WHERE namespace_id = %s AND id = ANY(%s)) c"
        f" CROSS JOIN LATERAL (SELECT d.created_at, d.id FROM documents_document d{STEP_JOIN}"
        " WHERE d.namespace_id = c.namespace_id AND d.collection_id = c.id",
        *(page.namespace_id, page.collections),
    )
    _add_position(out, page)
    out.add(" AND CASE WHEN ").add(filters.predicate(page.question.filters))
    out.add(f" AND {_WORDS} @@ {_QUERY} THEN true ELSE false END", page.question.search)
    out.add(" ORDER BY ").add(page.order.by_expressions()).add(f" LIMIT {page.wanted}) w")
    return Fragment(out.text, tuple(out.params))


def _in_both_indexes(page: _Page, end: Any) -> Fragment:
    """Up to the time `end`, None: all."""
    out = Texts()
    out.add(
        f"SELECT d.created_at, d.id FROM documents_document d{STEP_JOIN} JOIN namespaces_collection c"
        " ON c.namespace_id = d.namespace_id AND c.id = d.collection_id"
        " WHERE d.namespace_id = %s AND d.collection_id = ANY(%s)",
        *(page.namespace_id, page.collections),
    )
    places = " | ".join(f"'\x01{number:d}'" for number in page.collections)
    out.add(f" AND {_WORDS} @@ ({_QUERY} && %s::tsquery)", page.question.search, places)
    if end is not None:
        out.add(f" AND d.created_at {'>=' if page.order.descending else '<='} %s", end)
    _add_position(out, page)
    if page.question.filters is not None:
        out.add(" AND CASE WHEN ").add(filters.predicate(page.question.filters)).add(" THEN true ELSE false END")
    return Fragment(out.text, tuple(out.params))


def _end_of_slice(page: _Page, documents: int) -> Any:
    """The time so many documents after the position in the largest collection; None where there are fewer."""
    out = Texts()
    out.add(
        "SELECT d.created_at FROM documents_document d WHERE d.namespace_id = %s AND d.collection_id = %s",
        *(page.namespace_id, page.largest),
    )
    _add_position(out, page)
    out.add(" ORDER BY ").add(page.order.by_expressions()).add(f" OFFSET {documents} LIMIT 1")
    row = sql.one(out.text, out.params)
    return row[0] if row else None


def _add_position(out: Texts, page: _Page) -> None:
    if page.position is not None:
        out.add(" AND ").add(page.order.after(page.position, selected=False))


def _rows(page: _Page, picked: Fragment) -> list[sql.Row]:
    by = "DESC" if page.order.descending else "ASC"
    return sql.rows(
        f"WITH picked AS MATERIALIZED (SELECT created_at, id FROM ({picked.text}) p"
        f" ORDER BY created_at {by}, id {by} LIMIT {page.wanted})"
        f" SELECT {', '.join(page.select)}, picked.created_at::text, picked.id::text FROM picked"
        " CROSS JOIN LATERAL (SELECT * FROM documents_document d WHERE d.namespace_id = %s AND d.id = picked.id OFFSET 0) d"
        f"{STEP_JOIN} ORDER BY picked.created_at {by}, picked.id {by}",
        (*picked.params, page.namespace_id),
    )
