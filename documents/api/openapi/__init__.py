"""What the schema says of the documents' routes: a module for each family of routes, their components together here."""

from documents.api.openapi import (
    aggregations,
    decomposition,
    documents,
    downloads,
    exports,
    filters,
    lists,
    many,
    searches,
    upserts,
    walks,
)
from mixpeek_site.api.schema_parts import Schema

COMPONENTS: dict[str, Schema] = {
    **documents.COMPONENTS,
    **filters.COMPONENTS,
    **lists.COMPONENTS,
    **aggregations.COMPONENTS,
    **many.COMPONENTS,
    **decomposition.COMPONENTS,
    **walks.COMPONENTS,
    **exports.COMPONENTS,
    **searches.COMPONENTS,
    **downloads.COMPONENTS,
    **upserts.COMPONENTS,
}
