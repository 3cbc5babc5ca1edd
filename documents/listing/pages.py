"""One page of documents: one statement, whatever the page's size and wherever it begins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from documents import filters, payload_indexes, queries
from documents.features import Vectors
from documents.listing.matching import RANKED
from documents.listing.ordering import Ordering, Position, is_cut, ordering
from documents.listing.planning import Plan, plan_page
from documents.listing.questions import Question
from documents.listing.statements import Part, page_statement
from documents.listing.statistics import statistics
from documents.payload_indexes import Index, Ready
from documents.stored import WIDTH, StoredDocument
from mixpeek_site import sql
from namespaces import scope as scopes
from namespaces.scope import Scope


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
    ranked_some: bool  # more documents match a search than are ranked


def read_page(
    scope: Scope,
    question: Question,
    *,
    limit: int,
    offset: int = 0,
    position: Position | None = None,
    include_total: bool = False,
    vectors: Vectors = False,
    max_bytes: int,
) -> Page:
    """Documents of a question, `limit` 1 to 1000, fewer where their JSON exceeds `max_bytes`.

    Raises NotFoundError for the namespace, the collection, or when none of several collections exists; BadRequestError
    for a foreign position; ValidationError for a regular expression that can't be run.
    """
    order = ordering(question, declared_indexes(scope, question))
    chosen = plan_page(scope, question, order, limit + offset + 1)
    part = Part(limit, offset, position, include_total, vectors)
    with filters.bounded_regex(question.filters):
        found = _found(scope, question, order, chosen, part)
    if not found:
        raise queries.missing(scope, question.places.collection)
    unknown = require_places(question, found[0][-1])
    rows, complete = whole_rows(scope, list(_rows(found, order)), limit, max_bytes, vectors)
    more = not complete or len(found) > limit
    return Page(rows, more, found[0][-3], unknown, chosen.unserved, (found[0][-2] or 0) >= RANKED)


def declared_indexes(scope: Scope, question: Question) -> Mapping[Index, Ready]:
    """The declared indexes that the order of a question could use. No statement where that is sure to be none."""
    if question.sort is None or question.sort.field.column != "d.payload":
        return {}
    namespace_id = statistics(scope, question.places).namespace_id
    return {} if namespace_id is None else payload_indexes.ready(namespace_id)


def _found(scope: Scope, question: Question, order: Ordering, chosen: Plan, part: Part) -> list[sql.Row]:
    """A declared index has its rows in the order of the values' beginnings: where that says too little, once more exactly."""
    exact = part.position is not None and is_cut(part.position)
    while True:
        out = page_statement(scope, question, order, chosen, part, exact=exact)
        found = sql.rows(out.text, out.params)
        if exact or order.declared is None or chosen.gathers or not any(is_cut(list(row[WIDTH:])) for row in found):
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


def whole_rows(
    scope: Scope, found: list[tuple[StoredDocument | None, Position]], limit: int, max_bytes: int, vectors: Vectors
) -> tuple[list[Row], bool]:
    """The rows up to the limits. Documents that the first statement left out for their size are read in further ones."""
    whole = [Row(document, position) for document, position in found[:limit] if document is not None]
    if len(whole) == min(len(found), limit) and 4 * sum(row.document.json_characters for row in whole) <= max_bytes:
        return whole, True
    rows: list[Row] = []
    size = 0
    for document, position in found[:limit]:
        read = document or queries.by_internal_id(scope, str(position[-1]), vectors)
        if read is None:
            continue  # deleted since
        size += read.json_bytes
        if rows and size > max_bytes:
            return rows, False
        rows.append(Row(read, position))
    return rows, True
