"""What is declared of the vectors of a collection, for statements: a table beside the configs of the places."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from documents.vector_indexes import expressions
from documents.vector_indexes.expressions import OPERATORS, IndexType, Metric
from mixpeek_site import sql

State = Literal["pending", "building", "ready", "failed"]

MAX_INDEXES: Final = 200
"""HNSW indexes of the whole database: each costs every statement on vectors planning time, and every write a look at it."""

CACHE_SECONDS: Final = 3.0
CACHE_ENTRIES: Final = 4096


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """What is declared of the vectors of one name in one collection.

    The SQL is over documents_feature AS f, for statements with parameters (%% for %). An index serves a statement that has
    `predicate` in its WHERE and is ordered by `expression operator vector`; the predicate holds for all vectors of the name
    that have the declared dimension, so it may be said where no index is built, too.
    """

    dimensions: int
    metric: Metric
    type: IndexType
    state: State
    feature_uri: str | None
    ready: bool
    """Whether there is an HNSW index that statements may count on."""
    expression: str
    predicate: str
    operator: str


_Names = Mapping[str, VectorIndex]
_cache: dict[tuple[int, int], tuple[float, _Names]] = {}

# A collection's own declaration is before its namespace's.
_DECLARED = """
SELECT DISTINCT ON (c.id, v.name) c.id, v.name, v.dimensions, v.metric, v.type, v.state, v.feature_uri
FROM documents_vectorindex v JOIN unnest(%s::bigint[]) AS c (id) ON v.collection_id IS NULL OR v.collection_id = c.id
WHERE v.namespace_id = %s
ORDER BY c.id, v.name, v.collection_id NULLS LAST
"""


def declared(namespace_id: int, collection_ids: Iterable[int]) -> dict[tuple[int, str], VectorIndex]:
    """What holds for the vectors of these collections (internal ids), by collection and name; undeclared names are absent.

    One statement, none if all of them were asked about seconds ago.
    """
    wanted, now = list(dict.fromkeys(collection_ids)), time.monotonic()
    found: dict[int, _Names] = {}
    for collection_id in wanted:
        cached = _cache.get((namespace_id, collection_id))
        if cached is not None and cached[0] > now:
            found[collection_id] = cached[1]
    unknown = [collection_id for collection_id in wanted if collection_id not in found]
    if unknown:
        read = _read(namespace_id, unknown)
        if len(_cache) + len(read) > CACHE_ENTRIES:
            _cache.clear()
        for collection_id, names in read.items():
            _cache[namespace_id, collection_id] = (now + CACHE_SECONDS, names)
        found |= read
    return {(collection_id, name): each for collection_id in wanted for name, each in found[collection_id].items()}


def _read(namespace_id: int, collection_ids: list[int]) -> dict[int, _Names]:
    read: dict[int, dict[str, VectorIndex]] = {collection_id: {} for collection_id in collection_ids}
    for collection_id, name, dimensions, metric, type, state, feature_uri in sql.rows(_DECLARED, (collection_ids, namespace_id)):
        read[collection_id][name] = VectorIndex(
            dimensions=dimensions,
            metric=metric,
            type=type,
            state=state,
            feature_uri=feature_uri,
            ready=type == "hnsw" and state == "ready",
            expression=expressions.expression(dimensions, "f."),
            predicate=expressions.predicate(collection_id, name, dimensions, "f.").replace("%", "%%"),
            operator=OPERATORS[metric],
        )
    return dict(read)


def forget() -> None:
    """Ask again at the next `declared`."""
    _cache.clear()
