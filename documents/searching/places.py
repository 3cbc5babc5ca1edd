"""Which collections a search means, and which of their vectors it compares with.

A statement that an HNSW index is to serve names the collection by its number, so that is looked up before, once a minute: the
statement checks that the number is still the one that is meant.
"""

import time
from collections.abc import Iterable, Sequence
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


def collections(scope: Scope, places: Places) -> list[Collection]:
    """Those that exist. One statement; of a single collection none, if it was met in the last minute (see `forget`)."""
    single = places.collection
    now = time.monotonic()
    if single is not None and (cached := _known.get((scope, single))) and cached[0] > now:
        return [cached[1]]
    cte, params = places_cte(scope, places)
    found = [Collection(*row) for row in sql.rows(f"WITH {cte} SELECT c.namespace_id, c.id FROM c ORDER BY c.id", params)]
    if single is not None and found:
        if len(_known) >= _ENTRIES:
            _known.clear()
        _known[scope, single] = (now + _SECONDS, found[0])
    return found


def forget(scope: Scope, collection: str) -> None:
    """It is not, or no longer, the collection that is known by this identifier."""
    _known.pop((scope, collection), None)


def targets(scope: Scope, places: Places, wanted: Wanted) -> list[Target]:
    """What the query is compared with: at most one kind of vectors in each collection.

    Raises NotFoundError for a namespace or a single collection that is missing; ValidationError where no name was given
    and the collection leaves it open, or two collections' metrics differ from the request's.
    """
    found = collections(scope, places)
    if not found:
        if places.collection is not None:
            raise queries.missing(scope, places.collection)
        return []
    declared = vector_indexes.declared(found[0].namespace_id, [collection.id for collection in found])
    if wanted.name is not None:
        names = dict.fromkeys(found, wanted.name)
    elif wanted.feature_uri is not None:
        names = _by_uri(found, wanted.feature_uri, declared)
    else:
        names = {found[0]: _only_name(found[0], [name for _, name in declared], wanted)}
    return [_target(collection, name, declared.get((collection.id, name)), wanted) for collection, name in names.items()]


def _target(collection: Collection, name: str, declared: VectorIndex | None, wanted: Wanted) -> Target:
    if declared is not None and wanted.metric not in (None, declared.metric):
        message = f"the vectors {name!r} are declared with the metric {declared.metric}"
        raise ValidationError(Fault(("body", "metric"), message, "contradiction"))
    return Target(collection, name, declared.metric if declared else wanted.metric or DEFAULT, declared)


def _only_name(collection: Collection, declared: Sequence[str], wanted: Wanted) -> str:
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


_HOLDS: Final = """
SELECT c.id FROM unnest(%s::bigint[]) AS c (id)
WHERE EXISTS (SELECT FROM documents_feature f
              WHERE f.namespace_id = %s AND f.collection_id = c.id AND f.kind = 'dense' AND f.name = %s)
"""


def _by_uri(found: Sequence[Collection], uri: str, declared: dict[tuple[int, str], VectorIndex]) -> dict[Collection, str]:
    """In each collection the name of the vectors that a `feature_uri` means: of the declared ones with that uri; else the
    whole of it; else its last segment. One statement, if any collection declares neither."""
    names: dict[Collection, str] = {}
    last = uri.rstrip("/").rpartition("/")[2] or uri
    for collection in found:
        of_uri = [name for (owner, name), each in declared.items() if owner == collection.id and each.feature_uri == uri]
        if of_uri or (collection.id, uri) in declared:
            names[collection] = min(of_uri, default=uri)
    open_ids = [collection.id for collection in found if collection not in names]
    whole = _holding(found[0].namespace_id, open_ids, uri) if open_ids and last != uri else set()
    return {collection: names.get(collection) or (uri if collection.id in whole else last) for collection in found}


def _holding(namespace_id: int, collection_ids: Iterable[int], name: str) -> set[int]:
    return {collection_id for (collection_id,) in sql.rows(_HOLDS, (list(collection_ids), namespace_id, name))}
