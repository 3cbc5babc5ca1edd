"""A page of documents of which a few columns are read, and so as quickly from large documents as from small ones."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from documents import filters, queries
from documents.listing.matching import RANKED
from documents.listing.ordering import Ordering, Position, ordering
from documents.listing.planning import Plan, plan_page
from documents.listing.questions import Question
from documents.listing.statements import Part, page_statement
from mixpeek_site import sql
from namespaces.scope import Scope


class Line(NamedTuple):
    """The columns of a document, and the position after it."""

    values: tuple[Any, ...]
    position: Position


class Lines(NamedTuple):
    rows: list[Line]
    more: bool
    ranked_some: bool  # more documents match a search than are ranked


def planned(scope: Scope, question: Question, wanted: int) -> tuple[Ordering, Plan]:
    """How so many documents would be found. Its `unserved` says of a large place that it may be walked to its end."""
    order = ordering(question, {})
    return order, plan_page(scope, question, order, wanted + 1)


def read_lines(scope: Scope, question: Question, select: Sequence[str], *, limit: int, position: Position | None = None) -> Lines:
    """Documents of a question, `limit` at most; `select`: SQL over d and l. One statement beside the statistics'.

    For questions in the order of creation, update or relevance. Raises what `read_page` does.
    """
    order, chosen = planned(scope, question, limit)
    out = page_statement(scope, question, order, chosen, Part(limit, position=position, narrow=tuple(select)))
    with filters.bounded_regex(question.filters):
        found = sql.rows(out.text, out.params)
    if not found:
        raise queries.missing(scope, question.places.collection)
    end = len(select) + len(order.keys) + 1
    rows = [Line(row[: len(select)], list(row[len(select) : end])) for row in found if row[end - 1] is not None]
    return Lines(rows[:limit], len(rows) > limit, (found[0][-2] or 0) >= RANKED)
