"""What the counts say beside what is there, seen in one statement and so at one moment."""

from mixpeek_site import sql
from namespaces.dependents import documents
from namespaces.models import Collection

_DIFFERENCES = """
SELECT COALESCE(said.collection_id, there.collection_id), said.documents, there.documents
FROM (SELECT namespace_id, collection_id, sum(delta)::bigint AS documents FROM documents_documentcount GROUP BY 1, 2) said
FULL JOIN (SELECT namespace_id, collection_id, count(*) AS documents FROM documents_document GROUP BY 1, 2) there
    USING (namespace_id, collection_id)
WHERE COALESCE(said.documents, 0) <> COALESCE(there.documents, 0)
"""


def differences() -> list[sql.Row]:
    """Collections whose count is not the number of their documents: (internal id, counted, there)."""
    return sql.rows(_DIFFERENCES)


def require_exact() -> None:
    """Every collection's count is right, deleted ones' too, and so is what places answer of those that are seen."""
    assert differences() == []
    seen = Collection.objects.filter(deleted_at=None).values_list("namespace_id", "pk")
    there: dict[int, int] = dict(sql.rows("SELECT collection_id, count(*) FROM documents_document GROUP BY collection_id"))
    by_namespace: dict[int, dict[int, int]] = {}
    for namespace_id, key in seen:
        by_namespace.setdefault(namespace_id, {})[key] = there.get(key, 0)
    for namespace_id, expected in by_namespace.items():
        found = documents.count_by_collection(namespace_id, list(expected))
        assert {key: found.get(key, 0) for key in expected} == expected
        assert documents.count_by_namespace([namespace_id]).get(namespace_id, 0) == sum(expected.values())
