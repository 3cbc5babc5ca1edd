"""Which indexes there are, which namespaces use them, and in what state they are: a table, and a table of uses."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from documents.payload_indexes import expressions
from documents.payload_indexes.expressions import Index, Kind
from mixpeek_site import sql
from mixpeek_site.jsonio import JSONObject

CACHE_SECONDS: Final = 3.0
CACHE_ENTRIES: Final = 4096

Status = Literal["pending", "building", "ready", "failed", "not_indexed", "default"]
"""not_indexed: there is no index of that type. default: a system or lineage field, which the default indexes serve."""


class Ready(NamedTuple):
    """An index that statements may count on: SQL over documents_document AS d, in statements with parameters (%% for %).

    order: a btree (namespace_id, collection_id, key, id), key jsonb. time: the same, key a timestamptz. words: a GIN
    index of key, a tsvector. Each holds the rows whose value is not NULL (time: whose key is not NULL).
    """

    value: str
    key: str


class State(NamedTuple):
    """Of one declared index; of several indexes behind it, the one that is least far."""

    status: Status
    error: str | None = None
    size_bytes: int | None = None


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
    wanted = expressions.indexes(expressions.read_declared(declared, ("payload_indexes",)))
    numbers = [number for steps, kind in wanted for (number,) in sql.rows(_REGISTER, (list(steps), kind))]
    sql.run(_USE, (namespace_id, numbers, namespace_id, numbers))


_STATES = """
SELECT p.steps, p.kind, p.state, p.error, CASE WHEN %s THEN pg_relation_size(to_regclass(%s || p.id)) END
FROM documents_payloadindex p
WHERE p.id IN (SELECT u.payload_index_id FROM documents_payloadindexuse u WHERE u.namespace_id = ANY(%s))
"""
_LEAST_FAR: Final = ("failed", "dropping", "pending", "building", "ready")
_SHOWN: Final[Mapping[str, Status]] = {
    "failed": "failed",
    "dropping": "pending",  # and made again, now that it has a user
    "pending": "pending",
    "building": "building",
    "ready": "ready",
}


def states(declared: Mapping[int, Sequence[JSONObject]], *, sizes: bool = False) -> dict[int, list[State]]:
    """The states of what namespaces declare, in its order, by the namespaces' internal ids. One statement, none for none."""
    asked = [namespace_id for namespace_id, each in declared.items() if each]
    if not asked:
        return {namespace_id: [] for namespace_id in declared}
    found: dict[Index, tuple[str, str | None, int | None]] = {
        (tuple(steps), kind): (state, error, size)
        for steps, kind, state, error, size in sql.rows(_STATES, (sizes, expressions.NAME_PREFIX, asked))
    }
    return {namespace_id: [_state(each, found) for each in entries] for namespace_id, entries in declared.items()}


def _state(declared: JSONObject, found: Mapping[Index, tuple[str, str | None, int | None]]) -> State:
    [(field, kinds)] = expressions.read_declared([declared], ())
    if not kinds:
        return State("not_indexed")
    if not expressions.is_user_field(field):
        return State("default")
    behind = [found.get((field.steps, kind), ("pending", None, None)) for kind in kinds]
    state, error, _ = min(behind, key=lambda each: _LEAST_FAR.index(each[0]))
    sizes = [size for _, _, size in behind if size is not None]
    return State(_SHOWN[state], error if state == "failed" else None, sum(sizes) if sizes else None)


__all__ = ["Index", "Kind", "Ready", "State", "Status", "declare", "forget", "ready", "states"]
