"""Namespaces at a glance, as the overview of the admin shows them, and the search that takes any id to its page.

The cost does not grow with documents: counts are sums (counting.py), failures and objects are counted up to a bound
through an index, growth is what housekeeping wrote down (surveying.py). What needs attention is in attention.py.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Final, NamedTuple

from documents.attention import failed_sql
from documents.counting import collection_count_sql
from mixpeek_site import jsonio, sql

COUNTED_OBJECTS: Final = 10_000
COUNTED_PLACES: Final = 1000
DAYS: Final = 14


class Line(NamedTuple):
    """A namespace at a glance. `failed` and `objects` are at most their bound + 1."""

    key: int
    public_id: str
    name: str
    description: str | None
    organization: str
    created_at: datetime
    documents: int
    collections: int
    buckets: int
    objects: int
    failed: int
    newest_document: datetime | None
    today: date
    days: dict[date, int]  # documents at the end of a day, for days on which they changed; one of them before the others
    objects_surveyed: int | None


# A namespace's collections are few; of each, an index has the newest document and the failed ones.
_LINES = f"""
SELECT n.id, n.public_id, n.name, n.description, o.name, n.created_at, held.documents, held.collections,
       (SELECT count(*) FROM (SELECT FROM namespaces_bucket b WHERE b.namespace_id = n.id LIMIT {COUNTED_PLACES}) bounded),
       (SELECT count(*) FROM (
            SELECT FROM namespaces_bucketobject t WHERE t.namespace_id = n.id LIMIT {COUNTED_OBJECTS + 1}) bounded),
       {failed_sql("n.id")},
       held.newest, today.day,
       (SELECT jsonb_agg(jsonb_build_array(k.day, k.documents)) FROM (
            (SELECT k.day, k.documents FROM documents_namespaceday k
             WHERE k.namespace_id = n.id AND k.day > today.day - {DAYS})
            UNION ALL
            (SELECT k.day, k.documents FROM documents_namespaceday k
             WHERE k.namespace_id = n.id AND k.day <= today.day - {DAYS} ORDER BY k.day DESC LIMIT 1)) k)::text,
       s.objects_held
FROM (
    SELECT n.*, COALESCE(changed.day, (n.created_at AT TIME ZONE 'UTC')::date) AS active FROM namespaces_namespace n
    LEFT JOIN LATERAL (
        SELECT k.day FROM documents_namespaceday k WHERE k.namespace_id = n.id ORDER BY k.day DESC LIMIT 1) changed ON true
    WHERE n.deleted_at IS NULL{{within}}
    ORDER BY active DESC, n.id DESC LIMIT %s
) n
JOIN namespaces_organization o ON o.id = n.organization_id
CROSS JOIN (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date AS day) today
CROSS JOIN LATERAL (
    SELECT count(*) AS collections, COALESCE(sum({collection_count_sql("c")}), 0)::bigint AS documents,
           max(newest.created_at) AS newest
    FROM (SELECT c.namespace_id, c.id AS collection_id, c.deleted_at FROM namespaces_collection c) c
    LEFT JOIN LATERAL (
        SELECT d.created_at FROM documents_document d WHERE d.namespace_id = n.id AND d.collection_id = c.collection_id
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1) newest ON true
    WHERE c.namespace_id = n.id AND c.deleted_at IS NULL) held
LEFT JOIN documents_namespacesurvey s ON s.namespace_id = n.id
ORDER BY n.active DESC, n.id DESC
"""


def namespaces(within: Collection[int] | None, limit: int) -> list[Line]:
    """Living namespaces, those first whose number of documents changed last; `within`: internal ids, None for all."""
    condition, params = ("", []) if within is None else (" AND n.id = ANY(%s)", [list(within)])
    return [_line(row) for row in sql.rows(_LINES.format(within=condition), [*params, limit])]


def _line(row: sql.Row) -> Line:
    *first, days, objects = row
    by_day = {date.fromisoformat(day): int(documents) for day, documents in jsonio.loads(days or "[]")}
    return Line._make((*first, by_day, objects))


# Any id ---------------------------------------------------------------------------------------------------------------


class Found(NamedTuple):
    kind: str
    id: str
    key: int | None
    namespace_id: int
    namespace: str
    organization: str


_FIND = """
SELECT hit.kind, hit.name, hit.key, n.id, n.name, o.name
FROM namespaces_namespace n
JOIN namespaces_organization o ON o.id = n.organization_id
CROSS JOIN LATERAL (
    SELECT 'namespace' AS kind, n.public_id AS name, n.id AS key WHERE n.public_id = %s
    UNION ALL SELECT 'collection', c.public_id, c.id FROM namespaces_collection c
        WHERE c.namespace_id = n.id AND c.public_id = %s AND c.deleted_at IS NULL
    UNION ALL SELECT 'bucket', b.public_id, b.id FROM namespaces_bucket b WHERE b.namespace_id = n.id AND b.public_id = %s
    UNION ALL SELECT 'object', x.name, NULL FROM (SELECT %s::text AS name) x WHERE EXISTS (
        SELECT FROM namespaces_bucketobject t WHERE t.namespace_id = n.id AND t.object_id = x.name)
        OR EXISTS (SELECT FROM documents_lineagestep l JOIN namespaces_collection lc ON lc.id = l.collection_id
            AND lc.namespace_id = l.namespace_id AND lc.deleted_at IS NULL
            WHERE l.namespace_id = n.id AND l.root_object_id = x.name)
    UNION ALL SELECT 'document', d.document_id, NULL FROM documents_document d
        JOIN namespaces_collection dc ON dc.namespace_id = d.namespace_id AND dc.id = d.collection_id AND dc.deleted_at IS NULL
        WHERE d.namespace_id = n.id AND d.document_id = %s
) hit
WHERE n.deleted_at IS NULL{within}
ORDER BY n.id DESC, hit.kind LIMIT 100
"""


def find(within: Collection[int] | None, wanted: str) -> list[Found]:
    """Everything that has an id, in every living namespace among `within`: a few index look-ups each. One statement."""
    condition, params = ("", []) if within is None else (" AND n.id = ANY(%s)", [list(within)])
    return [Found._make(row) for row in sql.rows(_FIND.format(within=condition), [*(sql.text(wanted),) * 5, *params])]
