"""The definitions of the collections that an export holds: each the body of a create, with its id, one to a line."""

from collections.abc import Iterator

from documents.exporting.pipeline import Export
from mixpeek_site import jsonio, sql
from mixpeek_site.jsonio import JSONObject


def definitions(export: Export) -> Iterator[str]:
    """In the order of the export, as of its moment."""
    if not export.sources:
        return
    found = sql.rows(
        "SELECT c.public_id, c.name, c.description, c.config::text FROM namespaces_collection c"
        " WHERE c.namespace_id = %s AND c.id = ANY(%s) ORDER BY c.id",
        (export.sources[0].namespace_id, [source.collection_id for source in export.sources]),
    )
    for collection_id, name, description, config in found:
        body: JSONObject = {"collection_id": collection_id, "collection_name": name}
        if description is not None:
            body["description"] = description
        yield jsonio.dumps({**body, **jsonio.loads_stored(config)})
