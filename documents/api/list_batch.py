"""`POST /v1/documents/list/batch`: several lists in one request, each answered as it would be by itself (contract section 7)."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from django.conf import settings

from documents.api.list_inputs import read_listing
from documents.api.listing import answer
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import BadRequestError, Fault, NotFoundError, ServiceUnavailableError, ValidationError
from mixpeek_site.jsonio import JSONObject, Location
from namespaces import scope as scopes
from namespaces.scope import Scope

MAX_QUERIES: Final = 10
MAX_KEY_LENGTH: Final = 128
MAX_SECONDS: Final = 30
"""After which no further query is begun."""


@dataclass(frozen=True, slots=True)
class Query:
    """A list that was asked for under the client's own name. Keys may repeat: results come in the order of the queries."""

    key: str
    request: JSONObject


def read_batch(body: JSONObject) -> list[Query]:
    """Raises ValidationError for a malformed batch. What is wrong with a query's request is the query's own failure."""
    faults = list(_unknown(body, ("queries",), ("body",)))
    queries = body.get("queries")
    location: Location = ("body", "queries")
    if not isinstance(queries, list):
        faults.append(Fault(location, "must be an array", "missing" if queries is None else "list_type"))
    elif not 1 <= len(queries) <= MAX_QUERIES:
        faults.append(Fault(location, f"must have 1 to {MAX_QUERIES} items, not {len(queries)}", "list_length"))
    else:
        faults += [fault for place, query in enumerate(queries) for fault in _faults(query, (*location, place))]
    if faults:
        raise ValidationError(*faults)
    return [Query(query["key"], query["request"]) for query in queries or ()]


def batch_answer(queries: list[Query], scope: Scope) -> str:
    """The JSON text of all answers, of settings.MAX_ANSWER_BYTES together.

    Raises NotFoundError for the namespace, ServiceUnavailableError without a database.
    """
    results: list[str] = []
    left: int = settings.MAX_ANSWER_BYTES
    until = monotonic() + MAX_SECONDS
    for query in queries:
        response, error = _answered(query, scope, left, until)
        size = _bytes(response or "")
        if size > left and results:
            response, error, size = None, _FULL, 0
        left -= size
        results.append(f'{{"key":{jsonio.dumps(query.key)},"response":{response or "null"},"error":{jsonio.dumps(error)}}}')
    return f'{{"results":[{",".join(results)}]}}'


_FULL: Final = "What the queries before this one found fills the answer; ask for this list by itself."


def _answered(query: Query, scope: Scope, left: int, until: float) -> tuple[str | None, str | None]:
    """The answer, or why there is none."""
    if left <= 0:
        return None, _FULL
    if monotonic() > until:
        return None, f"The queries before this one took more than {MAX_SECONDS} seconds; ask for this list by itself."
    try:
        return answer(read_listing({}, query.request, scope, None), scope, left), None
    except (ValidationError, BadRequestError) as error:
        scopes.require_namespace(scope)
        return None, error.message
    except NotFoundError as error:
        if error.details["resource"] == "namespace":
            raise
        return None, error.message
    except ServiceUnavailableError as error:
        if not sql.was_given_up(error):
            raise
        return None, error.message


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _faults(query: Any, location: Location) -> Iterator[Fault]:
    if not isinstance(query, dict):
        yield Fault(location, "must be an object of key and request", "dict_type")
        return
    yield from _unknown(query, ("key", "request"), location)
    key, request = query.get("key"), query.get("request")
    if not isinstance(key, str):
        yield Fault((*location, "key"), "must be a string", "missing" if key is None else "string_type")
    elif not 1 <= len(key) <= MAX_KEY_LENGTH:
        yield Fault((*location, "key"), f"must have 1 to {MAX_KEY_LENGTH} characters", "string_length")
    if not isinstance(request, dict):
        yield Fault((*location, "request"), "must be an object", "missing" if request is None else "dict_type")


def _unknown(holder: JSONObject, accepted: tuple[str, ...], location: Location) -> Iterator[Fault]:
    for name in holder:
        if name not in accepted:
            yield Fault((*location, name), f"unknown; accepted: {', '.join(accepted)}", "extra_forbidden")
