"""Which indexes there are, which namespaces use them, and in what state they are: a table, and a table of uses."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from documents.payload_indexes import expressions
from documents.payload_indexes.expressions import Index
from mixpeek_site import sql
from mixpeek_site.jsonio import loads
from mixpeek_site.transactions import atomic
from namespaces.dependents import PayloadIndexState, PayloadIndexStatus

CACHE_SECONDS: Final = 3.0
CACHE_ENTRIES: Final = 4096


class Ready(NamedTuple):
    """An index that statements may count on: SQL over documents_document AS d, in statements with parameters (%% for %).

    order: a btree (namespace_id, collection_id, key, id), key jsonb. time: the same, key a timestamptz. words: a GIN
    index of key, a tsvector. Each holds the rows whose value is not NULL (time: whose key is not NULL).
    """

    value: str
    key: str


# For statements -------------------------------------------------------------------------------------------------------

_cache: dict[int, tuple[float, Mapping[Index, Ready]]] = {}

_READY = """
SELECT p.steps, p.kind, p.value, p.key
FROM documents_payloadindexuse u JOIN documents_payloadindex p ON p.id = u.payload_index_id
WHERE u.namespace_id = %s AND p.state = 'ready'
"""


def ready(namespace_id: int) -> Mapping[Index, Ready]:
    """The namespace's indexes that are built, by path and kind. One statement, none if it was asked seconds ago."""
    cached = _cache.get(namespace_id)
    if cached is not None and cached[0] > time.monotonic():
        return cached[1]
    found: dict[Index, Ready] = {
        (tuple(steps), kind): Ready(value.replace("%", "%%"), key.replace("%", "%%"))
        for steps, kind, value, key in sql.rows(_READY, (namespace_id,))
    }
    if len(_cache) >= CACHE_ENTRIES:
        _cache.clear()
    _cache[namespace_id] = (time.monotonic() + CACHE_SECONDS, found)
    return found


def forget() -> None:
    """Ask again at the next `ready`."""
    _cache.clear()


# For namespaces -------------------------------------------------------------------------------------------------------

USED: Final = """EXISTS (
    SELECT FROM documents_payloadindexuse u JOIN namespaces_namespace n ON n.id = u.namespace_id AND n.deleted_at IS NULL
    WHERE u.payload_index_id = p.id
)"""
"""Whether a namespace declares the index p. Uses of a deleted namespace go with its purge, or before."""

FORGET_DELETED_NAMESPACES: Final = """
DELETE FROM documents_payloadindexuse u USING namespaces_namespace n
WHERE u.payload_index_id = %s AND n.id = u.namespace_id AND n.deleted_at IS NOT NULL
"""

# Locks what is there, so that it is not dropped before its new use is seen.
_REGISTER = """
INSERT INTO documents_payloadindex AS p (steps, kind, value, key) VALUES (%s::text[], %s, '', '')
ON CONFLICT (steps, kind) DO UPDATE SET kind = EXCLUDED.kind
RETURNING p.id
"""
_USE = """
WITH gone AS (
    DELETE FROM documents_payloadindexuse u WHERE u.namespace_id = %s AND u.payload_index_id <> ALL(%s)
)
INSERT INTO documents_payloadindexuse (namespace_id, payload_index_id)
SELECT %s, wanted FROM unnest(%s::bigint[]) AS wanted
ON CONFLICT DO NOTHING
"""


def declare(namespace_id: int, declared: Any) -> None:
    """The namespace uses these indexes from now on, and no others. The caller holds the transaction and the namespace's row.

    Raises ValidationError for what can't be indexed, at payload_indexes.
    """
    _use(namespace_id, expressions.indexes(expressions.read_declared(declared, ("payload_indexes",))))


def _use(namespace_id: int, wanted: Sequence[Index]) -> None:
    numbers = [number for steps, kind in wanted for (number,) in sql.rows(_REGISTER, (list(steps), kind))]
    sql.run(_USE, (namespace_id, numbers, namespace_id, numbers))


_STORED = """
SELECT n.id FROM namespaces_namespace n
WHERE n.deleted_at IS NULL AND n.config ? 'payload_indexes'
AND NOT EXISTS (SELECT FROM documents_payloadindexuse u WHERE u.namespace_id = n.id)
"""
_STORED_OF = """
SELECT (n.config -> 'payload_indexes')::text FROM namespaces_namespace n WHERE n.id = %s AND n.deleted_at IS NULL FOR UPDATE
"""


def declare_stored() -> None:
    """Register what namespaces declared before there was this registry; what can't be indexed is left out."""
    for (namespace_id,) in sql.rows(_STORED):
        with atomic():
            for (text,) in sql.rows(_STORED_OF, (namespace_id,)):
                declared = loads(text)
                listed = declared if isinstance(declared, list) else []
                readable = [each for each in listed if not expressions.faults([each], ())]
                _use(namespace_id, expressions.indexes(expressions.read_declared(readable, ())))


_STATES = """
SELECT p.steps, p.kind, p.state, p.error, CASE WHEN %s THEN pg_relation_size(to_regclass(%s || p.id)) END
FROM documents_payloadindex p
WHERE p.id IN (SELECT u.payload_index_id FROM documents_payloadindexuse u WHERE u.namespace_id = ANY(%s))
"""
# Of several indexes behind one declared, the one that is least far. One that is being dropped is made again, if it has a user.
_LEAST_FAR: Final[Mapping[str, PayloadIndexStatus]] = {
    "failed": "failed",
    "dropping": "pending",
    "pending": "pending",
    "building": "building",
    "ready": "ready",
}
_Found = Mapping[Index, tuple[str, str | None, int | None]]


def states(declared: Mapping[int, Sequence[Any]], *, sizes: bool = False) -> dict[int, list[PayloadIndexState]]:
    """The states of what namespaces declare, in its order, by the namespaces' internal ids. One statement, none for none."""
    asked = [namespace_id for namespace_id, each in declared.items() if each]
    found: _Found = (
        {
            (tuple(steps), kind): (state, error, size)
            for steps, kind, state, error, size in sql.rows(_STATES, (sizes, expressions.NAME_PREFIX, asked))
        }
        if asked
        else {}
    )
    return {namespace_id: [_state(each, found) for each in entries] for namespace_id, entries in declared.items()}


def _state(declared: Any, found: _Found) -> PayloadIndexState:
    if faults := expressions.faults([declared], ()):  # declared before there was this registry
        return PayloadIndexState("failed", faults[0].message)
    [(field, kinds)] = expressions.read_declared([declared], ())
    if not kinds:
        return PayloadIndexState("not_indexed")
    if not expressions.is_user_field(field):
        return PayloadIndexState("default")
    behind = [found.get((field.steps, kind), ("pending", None, None)) for kind in kinds]
    state, error, _ = min(behind, key=lambda each: list(_LEAST_FAR).index(each[0]))
    sizes = [size for _, _, size in behind if size is not None]
    return PayloadIndexState(_LEAST_FAR[state], error if state == "failed" else None, sum(sizes) if sizes else None)
