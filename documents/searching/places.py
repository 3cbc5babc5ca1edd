"""Which collections a search means, and which of their vectors it compares with.

A statement that an HNSW index is to serve names the collection by its number, so that is looked up before, once a minute: the
statement checks that the number is still the one that is meant.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from documents import queries, vector_indexes
from documents.listing import Places
from documents.listing.scoping import places_cte
from documents.searching.metrics import DEFAULT
from documents.searching.questions import Wanted
from documents.vector_indexes import VectorIndex
from documents.vector_indexes.expressions import Metric
from mixpeek_site import sql
from mixpeek_site.errors import Fault, ValidationError
from namespaces.scope import Scope

_SECONDS: Final = 60.0
_ENTRIES: Final = 4096


class Collection(NamedTuple):
    """Internal ids."""

    namespace_id: int
    id: int


_known: dict[tuple[Scope, str], tuple[float, Collection]] = {}


@dataclass(frozen=True, slots=True)
class Target:
    """The vectors of one name in one collection; `declared` None: whatever was stored."""

    collection: Collection
    name: str
    metric: Metric
    declared: VectorIndex | None

    @property
    def indexed(self) -> VectorIndex | None:
        """What an HNSW index serves."""
        return self.declared if self.declared is not None and self.declared.ready else None


def _single(scope: Scope, collection: str) -> Collection:
    """One statement, none if it was met in the last minute (see `forget`). Raises NotFoundError."""
    now = time.monotonic()
    if (cached := _known.get((scope, collection))) and cached[0] > now:
        return cached[1]
    cte, params = scope.cte(collection)
    row = sql.one(f"WITH {cte} SELECT namespace_id, collection_id FROM scope", params)
    if row is None:
        raise queries.missing(scope, collection)
    if len(_known) >= _ENTRIES:
        _known.clear()
    _known[scope, collection] = (now + _SECONDS, Collection(*row))
    return Collection(*row)


def forget(scope: Scope, collection: str) -> None:
    """It is not, or no longer, the collection that is known by this identifier."""
    _known.pop((scope, collection), None)


def targets(scope: Scope, places: Places, wanted: Wanted) -> list[Target]:
    """What the query is compared with: at most one kind of vectors in each collection.

    By name in a single collection, or by `feature_uri`. Raises NotFoundError for a namespace or a single collection that is
    missing; ValidationError where no name was given and the collection leaves it open, or its metric is not the request's.
    """
    if wanted.feature_uri is not None:
        return _by_uri(scope, places, wanted.feature_uri)
    assert places.collection is not None
    collection = _single(scope, places.collection)
    declared_here = {name: each for (_, name), each in vector_indexes.declared(collection.namespace_id, [collection.id]).items()}
    name = wanted.name or _only_name(collection, list(declared_here))
    declared = declared_here.get(name)
    if declared is not None and wanted.metric not in (None, declared.metric):
        message = f"the vectors {name!r} are declared with the metric {declared.metric}"
        raise ValidationError(Fault(("body", "metric"), message, "contradiction"))
    return [Target(collection, name, declared.metric if declared else wanted.metric or DEFAULT, declared)]


def _only_name(collection: Collection, declared: Sequence[str]) -> str:
    names = list(declared) if len(declared) == 1 else sorted({*declared, *stored_names(collection)})
    if len(names) == 1:
        return names[0]
    held = f"the collection has {', '.join(names)}" if names else "the collection has no dense vectors"
    raise ValidationError(Fault(("body", "vector_name"), f"must name the vectors to compare with: {held}", "missing"))


_STORED_NAMES: Final = """
WITH RECURSIVE names AS (
    (SELECT f.name FROM documents_feature f WHERE f.namespace_id = %s AND f.collection_id = %s AND f.kind = 'dense'
     ORDER BY f.collection_id, f.name LIMIT 1)
    UNION ALL
    SELECT later.name FROM names CROSS JOIN LATERAL (
        SELECT f.name FROM documents_feature f
        WHERE f.namespace_id = %s AND f.collection_id = %s AND f.kind = 'dense' AND f.name > names.name
        ORDER BY f.collection_id, f.name LIMIT 1) later
)
SELECT name FROM names LIMIT 100
"""


def stored_names(collection: Collection) -> list[str]:
    """Names of dense vectors that a collection's documents have, a hundred at most. One statement: a look-up for each name."""
    return [name for (name,) in sql.rows(_STORED_NAMES, (*collection, *collection))]


_COLLECTIONS: Final = """
SELECT c.namespace_id, c.id, EXISTS (
    SELECT FROM documents_feature f
    WHERE f.namespace_id = c.namespace_id AND f.collection_id = c.id AND f.kind = 'dense' AND f.name = %s)
FROM c ORDER BY c.id
"""


def _by_uri(scope: Scope, places: Places, uri: str) -> list[Target]:
    """In each collection the vectors that a `feature_uri` means: of the declared ones with that uri; else the whole of it as a
    name; else its last segment. One statement, and one for what is declared, if nobody asked seconds ago."""
    cte, params = places_cte(scope, places)
    found = [(Collection(*row[:2]), row[2]) for row in sql.rows(f"WITH {cte}{_COLLECTIONS}", (*params, uri))]
    if not found:
        return []
    declared = vector_indexes.declared(found[0][0].namespace_id, [collection.id for collection, _ in found])
    last = uri.rstrip("/").rpartition("/")[2] or uri
    targets = []
    for collection, stored in found:
        of_uri = [name for (owner, name), each in declared.items() if owner == collection.id and each.feature_uri == uri]
        whole = stored or (collection.id, uri) in declared
        name = min(of_uri) if of_uri else uri if whole else last
        index = declared.get((collection.id, name))
        targets.append(Target(collection, name, index.metric if index else DEFAULT, index))
    return targets
