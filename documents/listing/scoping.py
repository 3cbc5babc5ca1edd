"""The places of a question as the first CTEs of its statement."""

from typing import Any

from documents.listing.questions import Places
from mixpeek_site import sql
from namespaces.scope import Scope


def places_cte(scope: Scope, places: Places) -> tuple[str, tuple[Any, ...]]:
    """SQL of `scope` and `c` with their parameters. `c` has a row for each collection that is meant and exists:
    namespace_id, id, public_id, name.
    """
    if places.collection is not None:
        cte, params = scope.cte(places.collection)
        return (
            f"{cte}, c AS (SELECT namespace_id, collection_id AS id, collection AS public_id, NULL::text AS name FROM scope)",
            params,
        )
    cte, params = scope.cte()
    named = ""
    if places.collections is not None:
        named = " AND (n.public_id = ANY(%s) OR n.name = ANY(%s))"
        asked = [sql.text(each) for each in places.collections]
        params = (*params, asked, asked)
    return (
        f"{cte}, c AS (SELECT n.namespace_id, n.id, n.public_id, n.name FROM scope JOIN namespaces_collection n"
        f" ON n.namespace_id = scope.namespace_id AND n.deleted_at IS NULL{named})",
        params,
    )
