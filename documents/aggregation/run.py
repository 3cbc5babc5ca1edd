"""Asking the database. Each function is one statement, which names the namespace through the scope's CTE.

With a filter another one may come before, now and then: how large the collection is and what it holds.
"""

from typing import NamedTuple

from documents.aggregation.compile import MAX_ANSWER_BYTES, compile_aggregation, compile_count
from documents.aggregation.values import Aggregation
from documents.counting import collection_count_sql
from documents.filters import Node, bounded_regex
from documents.listing import found_count, narrowing
from documents.queries import missing
from mixpeek_site import sql
from mixpeek_site.errors import Fault, ValidationError
from namespaces.scope import Scope


class Result(NamedTuple):
    """`rows`: for each group a JSON text of each key and then of each metric. `total`: how many groups there are in all."""

    collection: str
    total: int
    rows: list[tuple[str, ...]]


def count(scope: Scope, collection: str, filters: Node | None) -> tuple[str, int]:
    """The collection's id and how many of its documents match. Raises NotFoundError, ValidationError for a bad regex."""
    if filters is None:
        cte, params = scope.cte(collection)
        row = sql.one(f"WITH {cte} SELECT scope.collection, {collection_count_sql('scope')} FROM scope", params)
    else:
        statement = found_count(scope, collection, filters) or compile_count(scope, collection, filters)
        with bounded_regex(filters):
            row = sql.one(statement.text, statement.params)
    if row is None:
        raise missing(scope, collection)
    return row[0], row[1]


def aggregate(scope: Scope, collection: str, asked: Aggregation) -> Result:
    """Raises NotFoundError, and ValidationError for a bad regex or an answer of more than MAX_ANSWER_BYTES."""
    statement = compile_aggregation(scope, collection, asked, narrowing(scope, collection, asked.filters))
    with bounded_regex(asked.filters):
        found = sql.rows(statement.text, statement.params)
    if not found:
        raise missing(scope, collection)
    place, total, too_much, size, *_ = found[0]
    if total is None:
        return Result(place, 0, [])
    if too_much:
        raise _too_large("aggregations", "push and add_to_set collect")
    if size > MAX_ANSWER_BYTES:
        raise _too_large("limit", "the answer has")
    return Result(place, total, [tuple("null" if text is None else text for text in row[4:]) for row in found])


def _too_large(member: str, what: str) -> ValidationError:
    message = f"{what} more than {MAX_ANSWER_BYTES} bytes; narrow it with filters, or ask for less"
    return ValidationError(Fault(("body", member), message, "answer_too_large"))
