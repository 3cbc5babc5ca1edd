"""How far the indexes are that places declare, as answers and the admin show it."""

from collections.abc import Mapping, Sequence
from typing import Any

from documents.vector_indexes.declarations import read_indexes
from documents.vector_indexes.expressions import NAME_PREFIX
from mixpeek_site import sql
from mixpeek_site.errors import ValidationError
from namespaces.dependents import VectorIndexState

_STATES = """
SELECT v.collection_id, v.name, v.dimensions, v.metric, v.type, v.feature_uri, v.state, v.error,
       CASE WHEN %s THEN pg_relation_size(to_regclass(%s || v.id)) END, v.of_namespace
FROM documents_vectorindex v WHERE v.namespace_id = %s AND v.collection_id = ANY(%s) ORDER BY v.name
"""


def states(namespace_id: int, declared: Mapping[int, Sequence[Any]], *, sizes: bool = False) -> dict[int, list[VectorIndexState]]:
    """Of what a namespace's collections (by internal id) declare, in its order; then of what its vector_configs gave them.

    One statement, none for no collection.
    """
    own: dict[tuple[int, str], VectorIndexState] = {}
    given: dict[int, list[VectorIndexState]] = {collection_id: [] for collection_id in declared}
    found = sql.rows(_STATES, (sizes, NAME_PREFIX, namespace_id, list(declared))) if declared else []
    for collection_id, *rest, of_namespace in found:
        state = VectorIndexState(*rest)
        if of_namespace:
            given[collection_id].append(state)
        else:
            own[collection_id, state.name] = state
    return {
        collection_id: [_state(each, collection_id, own) for each in entries] + given[collection_id]
        for collection_id, entries in declared.items()
    }


def _state(each: Any, collection_id: int, own: Mapping[tuple[int, str], VectorIndexState]) -> VectorIndexState:
    try:
        [one] = read_indexes([each], ())
    except ValidationError as error:  # declared before there was this registry
        return VectorIndexState("", None, None, None, None, "failed", error.message)
    return own.get((collection_id, one.name)) or VectorIndexState(*one, "pending")


_CONFIG_STATES = """
SELECT v.namespace_id, v.name, v.state, count(*) FROM documents_vectorindex v
WHERE v.namespace_id = ANY(%s) AND v.of_namespace GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def config_states(namespace_ids: Sequence[int]) -> dict[int, dict[str, dict[str, int]]]:
    """Of the indexes that collections got for a namespace's configs: by namespace and name, how many are in which state.

    One statement, none for no namespace.
    """
    found: dict[int, dict[str, dict[str, int]]] = {namespace_id: {} for namespace_id in namespace_ids}
    for namespace_id, name, state, count in sql.rows(_CONFIG_STATES, (list(namespace_ids),)) if namespace_ids else ():
        found[namespace_id].setdefault(name, {})[state] = count
    return found
