"""Where a statement on trees looks: the CTE `scope` (namespace_id, namespace), of the API or of the admin."""

from typing import Final

from mixpeek_site.sql import Fragment
from namespaces.scope import Scope

GONE: Final = """gone AS MATERIALIZED (
    SELECT ARRAY(SELECT c.id FROM namespaces_collection c
                 WHERE c.namespace_id = scope.namespace_id AND c.deleted_at IS NOT NULL) AS ids
    FROM scope
)"""
"""Deleted collections that are not purged yet: none or few, where a look at each document's collection would cost a join."""

Place = Scope | int
"""A namespace as a caller of the API names it, or by its internal id."""


def scope_cte(place: Place, collection: str | None = None) -> Fragment:
    """`scope` has no row where the namespace (or, for callers of the API, the collection) is not there or not to be seen."""
    if isinstance(place, int):
        return Fragment(
            "scope AS (SELECT n.id AS namespace_id, n.public_id AS namespace FROM namespaces_namespace n"
            " WHERE n.id = %s AND n.deleted_at IS NULL)",
            (place,),
        )
    return Fragment(*place.cte(collection))
