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
_COUNTS: Final = f"""
WITH {_LIVING}
SELECT (SELECT count(*) FROM namespaces_organization) AS organizations,
       (SELECT count(*) FROM namespaces_apikey) AS api_keys,
       (SELECT count(*) FROM auth_user) AS staff_users,
       (SELECT count(*) FROM namespaces_namespace WHERE deleted_at IS NULL) AS namespaces,
       (SELECT count(*) FROM living) AS collections,
       (SELECT count(*) FROM documents_lineagestep JOIN living USING (namespace_id, collection_id)) AS lineage_steps,
       (SELECT count(*) FROM documents_feature f
        JOIN documents_document d ON d.namespace_id = f.namespace_id AND d.id = f.document_id
        JOIN living l ON l.namespace_id = d.namespace_id AND l.collection_id = d.collection_id) AS features,
       (SELECT count(*) FROM namespaces_bucket b JOIN namespaces_namespace n ON n.id = b.namespace_id
        WHERE n.deleted_at IS NULL) AS buckets,
       (SELECT count(*) FROM namespaces_bucketobject o JOIN namespaces_namespace n ON n.id = o.namespace_id
        WHERE n.deleted_at IS NULL) AS objects,
       (SELECT count(*) FROM namespaces_auditentry) AS audit_entries
"""


def take(connection: Connection) -> Inventory:
    """Two statements, which read indexes of all documents. Consistent in a transaction of one snapshot."""
    collections = [CollectionCount(*row) for row in connection.execute(_COLLECTIONS)]
    cursor = connection.execute(_COUNTS)
    [numbers] = cursor.fetchall()
    counts = dict(zip([column.name for column in cursor.description or ()], numbers, strict=True))
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
