"""What the store holds, counted exactly: for the manifest of a backup, and to say what a restore would replace.

Of deleted collections and namespaces that wait for their purge nothing counts.
"""

from typing import Final

from mixpeek_site.backups.manifest import CollectionCount, Inventory
from mixpeek_site.backups.server import Connection

_LIVING: Final = """
living AS MATERIALIZED (
    SELECT c.namespace_id, c.id AS collection_id, n.name AS namespace, n.public_id AS namespace_public_id,
           c.name AS collection, c.public_id AS collection_public_id
    FROM namespaces_collection c JOIN namespaces_namespace n ON n.id = c.namespace_id
    WHERE c.deleted_at IS NULL AND n.deleted_at IS NULL
)
"""
_COLLECTIONS: Final = f"""
WITH {_LIVING}, held AS (SELECT namespace_id, collection_id, count(*) AS documents FROM documents_document GROUP BY 1, 2)
SELECT l.namespace, l.namespace_public_id, l.collection, l.collection_public_id, coalesce(h.documents, 0)
FROM living l LEFT JOIN held h USING (namespace_id, collection_id)
ORDER BY l.namespace_id, l.collection_id
"""
_IN_LIVING_NAMESPACE: Final = "JOIN namespaces_namespace n ON n.id = t.namespace_id WHERE n.deleted_at IS NULL"
_COUNTED: Final = {
    "organizations": "namespaces_organization t",
    "api_keys": "namespaces_apikey t",
    "staff_users": "auth_user t",
    "namespaces": "namespaces_namespace t WHERE t.deleted_at IS NULL",
    "collections": "living t",
    "lineage_steps": "documents_lineagestep t JOIN living USING (namespace_id, collection_id)",
    "features": "documents_feature t JOIN documents_document d ON d.namespace_id = t.namespace_id AND d.id = t.document_id"
    " JOIN living l ON l.namespace_id = d.namespace_id AND l.collection_id = d.collection_id",
    "buckets": f"namespaces_bucket t {_IN_LIVING_NAMESPACE}",
    "objects": f"namespaces_bucketobject t {_IN_LIVING_NAMESPACE}",
    "audit_entries": "namespaces_auditentry t",
}
_PRESENT: Final = "SELECT name FROM unnest(%s::text[]) name WHERE name = 'living' OR to_regclass(name) IS NOT NULL"


def take(connection: Connection) -> Inventory:
    """Three statements, which read indexes of all documents. Consistent in a transaction of one snapshot.

    Before an upgrade has migrated it, a database may lack a table; nothing of it is counted then.
    """
    collections = [CollectionCount(*row) for row in connection.execute(_COLLECTIONS)]
    tables = {name: source.partition(" ")[0] for name, source in _COUNTED.items()}
    present = {name for (name,) in connection.execute(_PRESENT, (list(tables.values()),))}
    counted = [name for name, table in tables.items() if table in present]
    columns = ", ".join(f"(SELECT count(*) FROM {_COUNTED[name]})" for name in counted)
    [numbers] = connection.execute(f"WITH {_LIVING} SELECT {columns}").fetchall()
    counts = dict(zip(counted, numbers, strict=True))
    counts["documents"] = sum(collection.documents for collection in collections)
    return Inventory(counts, collections)


def told(counts: dict[str, int]) -> str:
    """`2 namespaces, 3 collections, 1,000 documents`: those that are not 0, what people look for first in front."""
    order = ("namespaces", "collections", "documents")
    names = sorted(counts, key=lambda name: order.index(name) if name in order else len(order))
    return ", ".join(f"{counts[name]:,} {_word(name, counts[name])}" for name in names if counts[name]) or "nothing"


def _word(name: str, number: int) -> str:
    word = name.replace("_", " ").replace("api", "API")
    if number != 1:
        return word
    return word[:-3] + "y" if word.endswith("ies") else word[:-1]
