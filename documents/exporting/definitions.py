"""The definitions of the collections that an export holds: one to a line.

Each is the body of a create with the collection's id, and its times besides.
"""

from collections.abc import Iterator

from documents.exporting.pipeline import Export
from documents.stored import iso
from mixpeek_site import jsonio, sql
from mixpeek_site.jsonio import JSONObject


def definitions(export: Export) -> Iterator[str]:
    """In the order of the export, as of its moment."""
    if not export.sources:
        return
    found = sql.rows(
        "SELECT c.public_id, c.name, c.description, c.config::text, c.created_at::text, c.updated_at::text"
        " FROM namespaces_collection c"
        " WHERE c.namespace_id = %s AND c.id = ANY(%s) ORDER BY c.id",
        (export.sources[0].namespace_id, [source.collection_id for source in export.sources]),
    )
    for collection_id, name, description, config, created_at, updated_at in found:
        body: JSONObject = {"collection_id": collection_id, "collection_name": name}
        if description is not None:
            body["description"] = description
        times = {"created_at": iso(created_at), "updated_at": iso(updated_at)}
        yield jsonio.dumps({**body, **jsonio.loads_stored(config), **times})
