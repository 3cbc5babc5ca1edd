"""Upserts: documents of one collection created or replaced as a whole, many in few statements (contract section 10).

What is there already and stays where it is in its tree is replaced in one transaction, without the lock of the namespace, so
that upserts of several clients go on beside one another. The others go the way of an import's batch, which links new documents
with their trees, moves those that get other sources, and lets one that is refused fail alone.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import psycopg

from documents import lineage, services
from documents.features import dimensions
from documents.importing.places import Place, place_for
from documents.importing.preparing import Prepared, prepared
from documents.importing.reading import Line
from documents.importing.recording import NotRecorded
from documents.importing.rewriting import lock_rows, replace_rows
from documents.importing.writing import Writer
from documents.inputs import DocumentInput
from mixpeek_site import jsonio, sql
from mixpeek_site.errors import Fault, ValidationError
from mixpeek_site.transactions import atomic
from namespaces import scope as scopes
from namespaces.scope import Scope

Status = Literal["created", "updated", "failed"]


class Outcome(NamedTuple):
    """What became of one document; `error` says why it failed."""

    status: Status
    error: str | None = None


class _ChangedError(Exception):
    """Documents went between the look and the lock, or one is refused by the database."""


def prepare(number: int, given: DocumentInput) -> Prepared:
    """`number`: its place in the request, by which `upsert` answers. Raises ValidationError, PayloadTooLargeError."""
    payload = jsonio.dumps(given.payload)
    given.payload = {}
    return prepared(Line(number, b""), given, payload)


def place(scope: Scope, collection: str | None) -> Place:
    """Where documents go; without a name, the namespace's only collection.

    Raises NotFoundError, and ValidationError when no name is given and the namespace has no collection, or several.
    """
    return place_for(scope, _only_collection(scope) if collection is None else collection)


def _only_collection(scope: Scope) -> str:
    cte, params = scope.cte()
    found = sql.rows(
        f"WITH {cte} SELECT c.public_id FROM scope LEFT JOIN namespaces_collection c"
        " ON c.namespace_id = scope.namespace_id AND c.deleted_at IS NULL LIMIT 2",
        params,
    )
    if not found:
        raise scopes.namespace_not_found(scope.identifier)
    if len(found) > 1 or found[0][0] is None:
        has = "several collections" if len(found) > 1 else "no collection: create one"
        message = f"name the collection that the documents go to, by its id or name; the namespace has {has}"
        raise ValidationError(Fault(("body", "collection_id"), message, "missing"))
    return str(found[0][0])


def upsert(place: Place, batch: Sequence[Prepared]) -> dict[int, Outcome]:
    """Create documents, or replace their user fields and all their vectors, each by the rules of PUT; outcomes by number.

    Of two with the same id the later one replaces the earlier. Each transaction is durable on return. Raises NotFoundError
    when the collection is gone, ServiceUnavailableError when the database is, or has no vectors and a document has.
    """
    outcomes = {one.line.number: _elsewhere(one) for one in batch if not _goes_to(place, one)}
    ours = [one for one in batch if one.line.number not in outcomes]
    outcomes |= _replace_present(place, ours)
    left = [one for one in ours if one.line.number not in outcomes]
    if not left:
        return outcomes
    written = Writer(place, "replace", all_vectors=True, waits=()).write_lines(left, NotRecorded())
    failed = {each.line.number: each.reason for each in written.failures}
    updated = set(written.replaced)
    for one in left:
        number = one.line.number
        if number in failed:
            outcomes[number] = Outcome("failed", failed[number])
        else:
            outcomes[number] = Outcome("updated" if number in updated else "created")
    return outcomes


def _goes_to(place: Place, one: Prepared) -> bool:
    return one.given.collection in (None, place.collection.public_id, place.collection.name)


def _elsewhere(one: Prepared) -> Outcome:
    return Outcome("failed", f"its collection_id is {one.given.collection}, which is another collection")


def _replace_present(place: Place, batch: Sequence[Prepared]) -> dict[int, Outcome]:
    """Replace what can be replaced at once; the others are left for the writer."""
    times = Counter(one.document_id for one in batch)
    once = {one.document_id: one for one in batch if times[one.document_id] == 1}
    keys = _present(place, [name for name in once if name is not None])
    if not keys:
        return {}
    try:
        with atomic():
            if any(once[name].given.internal_metadata is not None for name in keys):
                # Many statuses are written to as many steps, and a move of a subtree does that in an order of its own.
                lineage.lock_documents(place.scope, exclusively=[], shared=[], namespace="shared")
            lock_rows(place.namespace_id, list(keys.values()))
            staying = _staying(place, [(key, once[name]) for name, key in keys.items()])
            wrong = dimensions.wrong_in(place.namespace_id, place.collection_id, [one.features for _, one in staying])
            refused = {staying[number][1].line.number: Outcome("failed", error.message) for number, error in wrong.items()}
            staying = [one for number, one in enumerate(staying) if number not in wrong]
            if staying and replace_rows(place.namespace_id, staying, all_vectors=True) < len(staying):
                raise _ChangedError
    except (_ChangedError, psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded):
        return {}
    return {one.line.number: Outcome("updated") for _, one in staying} | refused


def _present(place: Place, document_ids: list[str]) -> dict[str, Any]:
    """The internal ids of those that the collection has."""
    # Without a look at the collection: before the first ANALYZE the planner would rather read all of it.
    found = sql.rows(
        "SELECT d.document_id, d.id, d.collection_id FROM documents_document d"
        " WHERE d.namespace_id = %s AND d.document_id = ANY(string_to_array(%s, ','))",
        (place.namespace_id, ",".join(document_ids)),
    )
    return {name: key for name, key, collection_id in found if collection_id == place.collection_id}


def _staying(place: Place, ours: Sequence[tuple[Any, Prepared]]) -> list[tuple[Any, Prepared]]:
    """Those whose bodies name no lineage, or the stored one."""
    with_lineage = [key for key, one in ours if one.has_lineage]
    stored = lineage.stored_lineage(place.namespace_id, with_lineage) if with_lineage else {}
    return [(key, one) for key, one in ours if key not in stored or not services.changes_lineage(stored[key], one.given.lineage)]
