"""Updating many documents: each by a patch of its own, or all that match by one (contract sections 6 and 7)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

import psycopg
from django.conf import settings

from documents import lineage, queries
from documents.features import dimensions, write_features_of
from documents.filters import Node
from documents.lineage import StoredLineage
from documents.services.common import new_version
from documents.services.many.common import (
    UNBOUNDED,
    Bounds,
    count_matching,
    is_locked,
    matching,
    named,
    writing_matching,
)
from documents.services.many.reading import MERGED, REPLACED, Update, moved
from documents.services.moving import changes_lineage
from documents.services.updating import patch_document
from mixpeek_site import sql
from mixpeek_site.errors import BadRequestError, DomainError, PayloadTooLargeError
from mixpeek_site.transactions import atomic
from namespaces.scope import Scope

_STAMPS: Final = "version = GREATEST(d.version + 1, %s), updated_at = GREATEST(%s, d.updated_at + interval '1 microsecond')"


class _UndoError(Exception):
    """Ends the transaction of a dry run."""


class _TooLargeError(Exception):
    """A document of the statement would have more bytes than one may."""


def update_matching(
    *, scope: Scope, collection: str, node: Node | None, parts: dict[str, str], bounds: Bounds = UNBOUNDED
) -> int:
    """Patch all documents of a collection that match (None: all there are), or none; how many.

    One statement, in a transaction of its own; `parts` are those of an `Update`. Raises NotFoundError for the namespace or
    the collection, ConflictError, PayloadTooLargeError, ServiceUnavailableError for a write that took too long or was
    cancelled.
    """
    if bounds.dry_run:
        return count_matching(scope, collection, node, bounds)
    limit: int = settings.MAX_DOCUMENT_BYTES
    sets: list[str] = []
    values: list[Any] = []
    for column, text in parts.items():
        sets.append(f"{column} = documents_patched(d.{column}, %s::jsonb, %s)" if column in MERGED else f"{column} = %s::jsonb")
        values += [text, limit] if column in MERGED else [text]
    those, locked = matching(scope, collection, node), is_locked(bounds)
    statement = (
        f"WITH {those.text}, updated AS (UPDATE documents_document d SET {', '.join(sets)}, {_STAMPS} FROM scope"
        f" WHERE d.namespace_id = scope.namespace_id AND {locked.text})"
        " SELECT (SELECT count(*) FROM locked) FROM scope"
    )
    with writing_matching(scope, collection, node):
        _keep_moves_out(scope, parts.keys())
        try:
            row = sql.one(statement, (*those.params, *values, new_version(), datetime.now(UTC), *locked.params))
        except psycopg.errors.ProgramLimitExceeded:
            message = f"A document that matches would exceed {limit} bytes of JSON; nothing was written."
            raise PayloadTooLargeError(message, limit_bytes=limit) from None
        if row is None:
            raise queries.missing(scope, collection)
        bounds.check(row[0])
    return int(row[0])


def update_documents(
    *, scope: Scope, collection: str, updates: Sequence[Update], bounds: Bounds = UNBOUNDED
) -> list[DomainError | None]:
    """Patch documents, each as `patch_document` does and in this order; what went wrong with each, None: it is written.

    All are written in one transaction and in a few statements. Only those whose lineage changes, and what comes after it for
    the same documents, go one by one afterwards. A dry run does the same and takes it back.

    Raises NotFoundError for the namespace or the collection, ConflictError, ServiceUnavailableError.
    """
    outcomes: list[DomainError | None] = [None] * len(updates)
    left: list[int] = []
    with suppress(_UndoError), atomic():
        left = _together(scope, collection, updates, bounds, outcomes)
        if bounds.dry_run:
            raise _UndoError
    for number in left:
        outcomes[number] = _alone(scope, collection, updates[number], dry_run=bounds.dry_run)
    return outcomes


def _together(
    scope: Scope, collection: str, updates: Sequence[Update], bounds: Bounds, outcomes: list[DomainError | None]
) -> list[int]:
    """Write what can be written together; the numbers of what is left to `_alone`."""
    _keep_moves_out(scope, {name for update in updates for name in update.parts})
    place = _lock(scope, collection, updates)
    rounds: list[list[tuple[int, Update]]] = []
    times: Counter[str] = Counter()
    alone: set[str] = set()
    left = []
    for number, update in enumerate(updates):
        row = place.documents.get(update.document_id)
        if row is None:
            outcomes[number] = queries.document_not_found(update.document_id, collection)
        elif update.given.collection not in (None, collection, place.collection, place.name):
            message = f"update_data's collection_id is {update.given.collection}, the document's collection {place.collection}."
            outcomes[number] = BadRequestError(message)
        elif update.document_id in alone or _moves(update, row.lineage):
            alone.add(update.document_id)
            left.append(number)
        else:
            position = times[update.document_id]
            times[update.document_id] += 1
            if position == len(rounds):
                rounds.append([])
            rounds[position].append((number, update))
    bounds.check(len(times.keys() | alone))
    together = [one for each in rounds for one in each]
    wrong = dimensions.wrong_of(place.namespace_id, [(place.documents[one.document_id].key, one.features) for _, one in together])
    for position, error in wrong.items():
        outcomes[together[position][0]] = moved(error, ("update_data",))
    if wrong:
        rounds = [[one for one in each if outcomes[one[0]] is None] for each in rounds]
    for each in rounds:  # a statement writes a document once
        _write(scope, collection, place, each, outcomes)
    return left


def _keep_moves_out(scope: Scope, columns: Iterable[str]) -> None:
    """A write of many statuses writes as many lineage steps, and a move of a subtree does in an order of its own."""
    if "internal_metadata" in columns:
        lineage.lock_documents(scope, exclusively=[], shared=[], namespace="shared")


def _moves(update: Update, stored: StoredLineage) -> bool:
    return not update.given.lineage.is_empty() and changes_lineage(stored, update.given.lineage)


class _Row(NamedTuple):
    key: Any
    lineage: StoredLineage


class _Place(NamedTuple):
    namespace_id: int
    collection: str
    name: str
    documents: dict[str, _Row]


def _lock(scope: Scope, collection: str, updates: Sequence[Update]) -> _Place:
    """Lock the documents' rows in their order; one statement. Raises NotFoundError for the namespace or the collection."""
    cte, params = scope.cte(collection)
    those = named(list({update.document_id for update in updates}))
    columns = [f"l.{name}" for name in StoredLineage._fields[:-1]]
    found = sql.rows(
        f"WITH {cte}, {those.text} SELECT scope.namespace_id, scope.collection, c.name, locked.document_id, locked.id,"
        f" {', '.join(columns)}, l.chain::text FROM scope"
        " JOIN namespaces_collection c ON c.namespace_id = scope.namespace_id AND c.id = scope.collection_id"
        " LEFT JOIN locked ON true"
        " LEFT JOIN documents_lineagestep l ON l.namespace_id = scope.namespace_id AND l.id = locked.id",
        (*params, *those.params),
    )
    if not found:
        raise queries.missing(scope, collection)
    documents = {row[3]: _Row(row[4], StoredLineage(*row[5:])) for row in found if row[3] is not None}
    return _Place(found[0][0], found[0][1], found[0][2], documents)


def _write(
    scope: Scope, collection: str, place: _Place, part: list[tuple[int, Update]], outcomes: list[DomainError | None]
) -> None:
    """Write documents, each named once. Where one would be too large, halves of the part are tried, down to that one."""
    try:
        with atomic():
            _write_part(scope, collection, place, [update for _, update in part])
    except _TooLargeError:
        if len(part) > 1:
            _write(scope, collection, place, part[: len(part) // 2], outcomes)
            _write(scope, collection, place, part[len(part) // 2 :], outcomes)
            return
        limit: int = settings.MAX_DOCUMENT_BYTES
        outcomes[part[0][0]] = PayloadTooLargeError(f"The document would exceed {limit} bytes of JSON.", limit_bytes=limit)


def _write_part(scope: Scope, collection: str, place: _Place, updates: list[Update]) -> None:
    keys = [place.documents[update.document_id].key for update in updates]
    columns = tuple(name for name in (*MERGED, *REPLACED) if any(name in update.parts for update in updates))
    cte, params = scope.cte(collection)
    limits = [settings.MAX_DOCUMENT_BYTES] * sum(name in MERGED for name in columns)
    texts = [[update.parts.get(name) for update in updates] for name in columns]
    try:
        row = sql.one(_update_sql(cte, columns), (*params, *limits, new_version(), datetime.now(UTC), keys, *texts))
    except psycopg.errors.ProgramLimitExceeded:
        raise _TooLargeError from None
    if row is None or row[0] < len(updates):  # the rows are locked: the collection itself went meanwhile
        raise queries.missing(scope, collection)
    features = [(key, update.features) for key, update in zip(keys, updates, strict=True) if update.features]
    if features:
        write_features_of(place.namespace_id, features, dimensions_checked=True)


@lru_cache
def _update_sql(cte: str, columns: tuple[str, ...]) -> str:
    """For documents whose rows this transaction has locked, so that a row stays where the statement finds it.

    LIMIT keeps the look-up one by one: before the first ANALYZE the planner would rather read the whole namespace.
    """
    sets = [
        f"{name} = CASE WHEN new.{name} IS NULL THEN d.{name} ELSE documents_patched(d.{name}, new.{name}, %s) END"
        if name in MERGED
        else f"{name} = COALESCE(new.{name}, d.{name})"
        for name in columns
    ]
    return f"""
WITH {cte}, updated AS (
    UPDATE documents_document d SET {", ".join((*sets, _STAMPS))}
    FROM scope CROSS JOIN unnest(%s::uuid[]{", %s::jsonb[]" * len(columns)}) AS new ({", ".join(("id", *columns))})
    CROSS JOIN LATERAL (
        SELECT x.ctid AS place FROM documents_document x
        WHERE x.namespace_id = scope.namespace_id AND x.id = new.id LIMIT 1
    ) x
    WHERE d.ctid = x.place
    RETURNING d.id
)
SELECT count(*) FROM updated
"""


def _alone(scope: Scope, collection: str, update: Update, *, dry_run: bool) -> DomainError | None:
    """Write one document as PATCH does; what went wrong."""
    target: dict[str, Any] = {"scope": scope, "collection": collection, "document_id": update.document_id}
    try:
        if not dry_run:
            patch_document(given=update.given, **target)
            return None
        parent = update.given.lineage.source_document_id
        with suppress(_UndoError), atomic():
            # In the order of documents/lineage.py, before the row itself.
            lineage.lock_documents(
                scope, exclusively=[update.document_id], shared=[parent] if parent else [], namespace="exclusive"
            )
            patch_document(given=update.given, **target)
            raise _UndoError
    except DomainError as error:
        return error
    return None
