"""What needs somebody's attention: in all namespaces that one reaches, and beside them. One statement each.

Their cost does not grow with documents: failures are met by steps through their own index and counted up to a bound,
orphans are what housekeeping wrote down (surveying.py), the other tables are small.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

from mixpeek_site import jsonio, sql

COUNTED_FAILED: Final = 1000
COUNTED_PURGING: Final = 1000
LISTED: Final = 100
"""Namespaces that are named of a kind; in as many, failures are counted."""
KEYS_SHOWN: Final = 5
KEY_DAYS: Final = 14
LATE_SECONDS: Final = 300

FAILED: Final = "documents_status(d.internal_metadata) = 'FAILED'"
"""Of a document `d`, as the index of failures has it."""


def failed_sql(namespace: str) -> str:
    """A scalar subquery: how many documents of a namespace FAILED, at most COUNTED_FAILED + 1. Its collections are few."""
    return f"""(SELECT count(*) FROM (
            SELECT FROM namespaces_collection c
            CROSS JOIN LATERAL (
                SELECT FROM documents_document d WHERE d.namespace_id = {namespace} AND d.collection_id = c.id
                AND {FAILED} LIMIT {COUNTED_FAILED + 1}) failed
            WHERE c.namespace_id = {namespace} AND c.deleted_at IS NULL LIMIT {COUNTED_FAILED + 1}) bounded)"""


class Counted(NamedTuple):
    """A namespace, by its internal id and its name, and how much there is in it."""

    key: int
    name: str
    number: int


class Wanted(NamedTuple):
    """Namespaces with the most first, LISTED of a kind. Numbers are at most their bound + 1."""

    failed: list[Counted]
    failed_elsewhere: bool  # more namespaces than were looked through
    orphans: list[Counted]
    orphans_elsewhere: bool
    surveyed: bool  # orphans were looked for in each namespace
    indexes_failed: list[Counted]
    indexes_pending: list[Counted]


# Each step goes to the next namespace that has a failed document, of those that are not told one by one.
_NAMED_OF_ALL = f"""
    SELECT (SELECT d.namespace_id FROM documents_document d WHERE {FAILED} ORDER BY d.namespace_id LIMIT 1) AS id, 1 AS place
  UNION ALL
    SELECT (SELECT d.namespace_id FROM documents_document d WHERE {FAILED} AND d.namespace_id > named.id
            ORDER BY d.namespace_id LIMIT 1), named.place + 1
    FROM named WHERE named.id IS NOT NULL AND named.place <= {LISTED}"""
_NAMED = "SELECT told.id, 0 AS place FROM unnest(%s::bigint[]) told (id)"


def _wanted_sql(named: str, within: str) -> str:
    return f"""
WITH RECURSIVE named AS ({named}
), failing AS (
    SELECT n.id, n.name, {failed_sql("n.id")} AS number
    FROM named JOIN namespaces_namespace n ON n.id = named.id AND n.deleted_at IS NULL
), lost AS (
    SELECT n.id, n.name, s.orphans AS number
    FROM documents_namespacesurvey s JOIN namespaces_namespace n ON n.id = s.namespace_id AND n.deleted_at IS NULL
    WHERE s.orphans > 0{within} ORDER BY s.orphans DESC, n.id DESC LIMIT {LISTED + 1}
), unbuilt AS (
    SELECT n.id, n.name, p.state = 'failed' AS failed, count(*) AS number
    FROM documents_payloadindex p JOIN documents_payloadindexuse u ON u.payload_index_id = p.id
    JOIN namespaces_namespace n ON n.id = u.namespace_id AND n.deleted_at IS NULL
    WHERE p.state <> 'ready'{within} GROUP BY n.id, p.state = 'failed'
)
SELECT (SELECT jsonb_agg(jsonb_build_array(id, name, number) ORDER BY number DESC, id DESC) FROM failing WHERE number > 0)::text,
       (SELECT max(place) > {LISTED} AND count(*) = count(id) FROM named),
       (SELECT jsonb_agg(jsonb_build_array(id, name, number) ORDER BY number DESC, id DESC) FROM lost)::text,
       NOT EXISTS (SELECT FROM namespaces_namespace n LEFT JOIN documents_namespacesurvey s ON s.namespace_id = n.id
                   WHERE n.deleted_at IS NULL AND s.namespace_id IS NULL{within}),
       (SELECT jsonb_agg(jsonb_build_array(id, name, number) ORDER BY number DESC, id DESC) FROM unbuilt WHERE failed)::text,
       (SELECT jsonb_agg(jsonb_build_array(id, name, number) ORDER BY number DESC, id DESC) FROM unbuilt WHERE NOT failed)::text
"""


_WANTED = {True: _wanted_sql(_NAMED_OF_ALL, ""), False: _wanted_sql(_NAMED, " AND n.id = ANY(%s)")}


def wanted(within: Collection[int] | None) -> Wanted:
    """In living namespaces; `within`: internal ids, None for all."""
    row = sql.one(_WANTED[within is None], () if within is None else (list(within),) * 4)
    assert row is not None
    failed, elsewhere, orphans, surveyed, broken, pending = row
    lost = _counted(orphans)
    return Wanted(
        _counted(failed), bool(elsewhere), lost[:LISTED], len(lost) > LISTED, surveyed, _counted(broken), _counted(pending)
    )


def _counted(found: str | None) -> list[Counted]:
    return [Counted(*each) for each in jsonio.loads(found or "[]")]


# Beside the namespaces ------------------------------------------------------------------------------------------------


class ExpiringKey(NamedTuple):
    key: int
    name: str
    prefix: str
    organization: str
    expires_at: datetime
    expired: bool


class Behind(NamedTuple):
    """What belongs to no single namespace: what housekeeping has to do and whether it does it, and keys that end."""

    purging: int  # deleted collections and namespaces whose rows are still there, at most COUNTED_PURGING
    housekeeping_at: datetime | None  # None: never, as far as is known
    housekeeping_is_late: bool
    keys: list[ExpiringKey]


_BEHIND = f"""
SELECT (SELECT count(*) FROM (SELECT FROM namespaces_collection c JOIN namespaces_namespace n ON n.id = c.namespace_id
            WHERE c.deleted_at IS NOT NULL OR n.deleted_at IS NOT NULL LIMIT {COUNTED_PURGING}) bounded),
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
