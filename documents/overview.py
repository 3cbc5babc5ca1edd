"""What the overview of the admin reads, and the search that takes any id to its page.

The overview is two statements, whose cost does not grow with documents: counts are sums (counting.py), failures and
objects are counted up to a bound through an index, growth and orphans are what housekeeping wrote down (surveying.py).
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from mixpeek_site import jsonio, sql

COUNTED_FAILED: Final = 1000
COUNTED_OBJECTS: Final = 10_000
COUNTED_PLACES: Final = 1000
DAYS: Final = 14
KEYS_SHOWN: Final = 5
KEY_DAYS: Final = 14


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
    orphans: int | None  # None: not looked for yet
    objects_surveyed: int | None
    indexes_failed: int
    indexes_pending: int


# A namespace's collections are few; of each, an index has the newest document and the failed ones.
_LINES = f"""
SELECT n.id, n.public_id, n.name, n.description, o.name, n.created_at, held.documents, held.collections,
       (SELECT count(*) FROM (SELECT FROM namespaces_bucket b WHERE b.namespace_id = n.id LIMIT {COUNTED_PLACES}) bounded),
       (SELECT count(*) FROM (
            SELECT FROM namespaces_bucketobject t WHERE t.namespace_id = n.id LIMIT {COUNTED_OBJECTS + 1}) bounded),
       (SELECT count(*) FROM (
            SELECT FROM namespaces_collection c
            CROSS JOIN LATERAL (
                SELECT FROM documents_document d WHERE d.namespace_id = n.id AND d.collection_id = c.id
                AND documents_status(d.internal_metadata) = 'FAILED' LIMIT {COUNTED_FAILED + 1}) failed
            WHERE c.namespace_id = n.id AND c.deleted_at IS NULL LIMIT {COUNTED_FAILED + 1}) bounded),
       held.newest, today.day,
       (SELECT jsonb_agg(jsonb_build_array(k.day, k.documents)) FROM (
            (SELECT k.day, k.documents FROM documents_namespaceday k
             WHERE k.namespace_id = n.id AND k.day > today.day - {DAYS})
            UNION ALL
            (SELECT k.day, k.documents FROM documents_namespaceday k
             WHERE k.namespace_id = n.id AND k.day <= today.day - {DAYS} ORDER BY k.day DESC LIMIT 1)) k)::text,
       s.orphans, s.objects_held,
       (SELECT jsonb_build_array(count(*) FILTER (WHERE p.state = 'failed'), count(*) FILTER (WHERE p.state <> 'failed'))
        FROM documents_payloadindexuse u JOIN documents_payloadindex p ON p.id = u.payload_index_id AND p.state <> 'ready'
        WHERE u.namespace_id = n.id)::text
FROM (SELECT * FROM namespaces_namespace n WHERE n.deleted_at IS NULL{{within}} ORDER BY n.id DESC LIMIT %s) n
JOIN namespaces_organization o ON o.id = n.organization_id
CROSS JOIN (SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date AS day) today
CROSS JOIN LATERAL (
    SELECT count(*) AS collections, COALESCE(sum(counted.documents), 0)::bigint AS documents, max(newest.created_at) AS newest
    FROM namespaces_collection c
    CROSS JOIN LATERAL (
        SELECT COALESCE(sum(dc.delta), 0) AS documents FROM documents_documentcount dc
        WHERE dc.namespace_id = n.id AND dc.collection_id = c.id) counted
    LEFT JOIN LATERAL (
        SELECT d.created_at FROM documents_document d WHERE d.namespace_id = n.id AND d.collection_id = c.id
        ORDER BY d.created_at DESC, d.id DESC LIMIT 1) newest ON true
    WHERE c.namespace_id = n.id AND c.deleted_at IS NULL) held
LEFT JOIN documents_namespacesurvey s ON s.namespace_id = n.id
ORDER BY n.id DESC
"""


def namespaces(within: Collection[int] | None, limit: int) -> list[Line]:
    """Living namespaces, the newest first; `within`: internal ids, None for all. One statement."""
    condition, params = ("", []) if within is None else (" AND n.id = ANY(%s)", [list(within)])
    return [_line(row) for row in sql.rows(_LINES.format(within=condition), [*params, limit])]


def _line(row: sql.Row) -> Line:
    *first, days, orphans, objects, indexes = row
    failed, pending = jsonio.loads(indexes)
    by_day = {date.fromisoformat(day): int(documents) for day, documents in jsonio.loads(days or "[]")}
    return Line._make((*first, by_day, orphans, objects, failed, pending))


class ExpiringKey(NamedTuple):
    key: int
    name: str
    prefix: str
    organization: str
    expires_at: datetime
    expired: bool


class Behind(NamedTuple):
    """What belongs to no single namespace: what housekeeping has to do and whether it does it, and keys that end."""

    purging: int  # deleted collections and namespaces whose rows are still there, at most COUNTED_PLACES
    housekeeping_at: datetime | None  # None: never, as far as is known
    housekeeping_is_late: bool
    keys: list[ExpiringKey]


LATE_SECONDS: Final = 300
_BEHIND = f"""
SELECT (SELECT count(*) FROM (SELECT FROM namespaces_collection c JOIN namespaces_namespace n ON n.id = c.namespace_id
            WHERE c.deleted_at IS NOT NULL OR n.deleted_at IS NOT NULL LIMIT {COUNTED_PLACES}) bounded),
       done.newest, COALESCE(done.newest < clock_timestamp() - interval '{LATE_SECONDS} seconds', true),
       (SELECT jsonb_agg(to_jsonb(k)) FROM (
            SELECT k.id, k.name, k.prefix, o.name AS organization, k.expires_at AT TIME ZONE 'UTC' AS expires_at,
                   k.expires_at <= clock_timestamp() AS expired
            FROM namespaces_apikey k JOIN namespaces_organization o ON o.id = k.organization_id
            WHERE k.revoked_at IS NULL AND k.expires_at > clock_timestamp() - interval '7 days'
              AND k.expires_at < clock_timestamp() + interval '{KEY_DAYS} days'
            ORDER BY k.expires_at, k.id LIMIT {KEYS_SHOWN + 1}) k)::text
FROM (SELECT max(d.done_at) AS newest FROM documents_dutydone d) done
"""


def behind() -> Behind:
    """One statement over small tables."""
    row = sql.one(_BEHIND)
    assert row is not None
    purging, newest, late, keys = row
    return Behind(purging, newest, late, [_key(each) for each in jsonio.loads(keys or "[]")])


def _key(found: dict[str, Any]) -> ExpiringKey:
    expires_at = datetime.fromisoformat(found["expires_at"] + "+00:00")
    return ExpiringKey(found["id"], found["name"], found["prefix"], found["organization"], expires_at, found["expired"])


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
