"""Objects of a bucket: the registered roots of decomposition trees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from mixpeek_site import ids, jsonio, sql
from mixpeek_site.errors import AlreadyExistsError, NotFoundError
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.transactions import atomic
from namespaces import blobs as blob_rules
from namespaces import rows
from namespaces.models import BucketObject, new_object_id
from namespaces.scope import Scope, bucket_not_found, require_bucket
from namespaces.services.common import UNCHANGED, Text, Unchanged, require_chosen_id

_INSERT = f"""
INSERT INTO namespaces_bucketobject AS t (id, namespace_id, bucket_id, object_id, key_prefix, fields, blobs, system,
    size_bytes, idempotency_key, created_at, updated_at)
SELECT n.id, %s, %s, n.object_id, n.key_prefix, n.fields, n.blobs, n.system, n.size_bytes, n.idempotency_key, moment, moment
FROM clock_timestamp() AS moment, jsonb_to_recordset(%s::jsonb) AS n (id uuid, object_id text, key_prefix text,
    fields jsonb, blobs jsonb, system jsonb, size_bytes bigint, idempotency_key text)
ON CONFLICT DO NOTHING
RETURNING {rows.OBJECT.sql}
"""
_REPLAYED = f"""
SELECT {rows.OBJECT.sql} FROM namespaces_bucketobject t
WHERE t.namespace_id = %s AND t.bucket_id = %s AND t.idempotency_key = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class NewObject:
    """An object to be created. `blobs` as clients send them; `system` holds source_details, edges, status, error."""

    object_id: str | None = None
    key_prefix: str | None = None
    fields: JSONObject = field(default_factory=dict)
    blobs: Sequence[JSONObject] = ()
    system: JSONObject = field(default_factory=dict)
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """What became of one of many: the object (`replayed`: made by an earlier call with its idempotency key), or the error."""

    bucket_object: BucketObject | None
    replayed: bool = False
    error: AlreadyExistsError | None = None


def create_object(*, scope: Scope, bucket_identifier: str, new: NewObject) -> BucketObject:
    """Raises NotFoundError for namespace or bucket, ValidationError for the id, AlreadyExistsError when it is taken."""
    [result] = create_objects(scope=scope, bucket_identifier=bucket_identifier, new=[new])
    if result.bucket_object is None:
        raise result.error or _object_taken(new)
    return result.bucket_object


def create_objects(*, scope: Scope, bucket_identifier: str, new: Sequence[NewObject]) -> list[ObjectResult]:
    """One result per object, in order; an id that is taken does not stop the others.

    Raises NotFoundError for namespace or bucket, ValidationError for an id that may not be chosen.
    """
    for one in new:
        if one.object_id is not None:
            require_chosen_id(one.object_id)
    namespace_id, bucket_id = require_bucket(scope, bucket_identifier)
    made = [_row(one) for one in new]
    try:
        with atomic():
            inserted = sql.rows(_INSERT, (namespace_id, bucket_id, jsonio.dumps(made)))
    except psycopg.errors.ForeignKeyViolation:  # the bucket was deleted meanwhile
        raise bucket_not_found(bucket_identifier) from None
    created = {str(found.id): found for found in map(rows.bucket_object, inserted)}
    replayed = {}
    if len(created) < len(made):
        keys = [one.idempotency_key for one in new if one.idempotency_key is not None]
        earlier = map(rows.bucket_object, sql.rows(_REPLAYED, (namespace_id, bucket_id, keys)) if keys else [])
        replayed = {found.idempotency_key: found for found in earlier}
    return [_result(one, created.get(row["id"]), replayed.get(one.idempotency_key)) for one, row in zip(new, made, strict=True)]


def update_object(
    *,
    scope: Scope,
    bucket_identifier: str,
    object_id: str,
    key_prefix: Text = UNCHANGED,
    fields: JSONObject | None = None,
    blobs: Sequence[JSONObject] | None = None,
    system: JSONObject | None = None,
) -> BucketObject:
    """Set what is named: members of `fields` and `system` replace the stored ones, None removes one; `blobs` replaces all.

    Raises NotFoundError.
    """
    namespace_id, bucket_id = require_bucket(scope, bucket_identifier)
    parts = ["updated_at = greatest(clock_timestamp(), t.updated_at + interval '1 microsecond')"]
    params: list[Any] = []
    if not isinstance(key_prefix, Unchanged):
        parts.append("key_prefix = %s")
        params.append(key_prefix)
    for column, members in (("fields", fields), ("system", system)):
        if members:
            parts.append(f"{column} = (t.{column} || %s::jsonb) - %s::text[]")
            params.append(jsonio.dumps({key: value for key, value in members.items() if value is not None}))
            params.append([key for key, value in members.items() if value is None])
    if blobs is not None:
        stored = [blob_rules.stored(blob) for blob in blobs]
        parts.append("blobs = %s::jsonb, size_bytes = %s")
        params += [jsonio.dumps(stored), blob_rules.size_of(stored)]
    row = sql.one(
        f"UPDATE namespaces_bucketobject t SET {', '.join(parts)}"
        f" WHERE t.namespace_id = %s AND t.bucket_id = %s AND t.object_id = %s RETURNING {rows.OBJECT.sql}",
        (*params, namespace_id, bucket_id, sql.text(object_id)),
    )
    if row is None:
        raise object_not_found(object_id, bucket_identifier)
    return rows.bucket_object(row)


def delete_object(
    *, scope: Scope, bucket_identifier: str, object_id: str, take_along: Callable[[], object] | None = None
) -> None:
    """Delete an object; its documents stay unless `take_along()`, run in the same transaction, removes them.

    Raises NotFoundError.
    """
    namespace_id, bucket_id = require_bucket(scope, bucket_identifier)
    with atomic():
        row = sql.one(
            "DELETE FROM namespaces_bucketobject t WHERE t.namespace_id = %s AND t.bucket_id = %s AND t.object_id = %s"
            " RETURNING t.object_id",
            (namespace_id, bucket_id, sql.text(object_id)),
        )
        if row is None:
            raise object_not_found(object_id, bucket_identifier)
        if take_along is not None:
            take_along()


def object_not_found(object_id: str, bucket_identifier: str) -> NotFoundError:
    return NotFoundError(f"Object {object_id} was not found in bucket {bucket_identifier}.", resource="object", id=object_id)


def _row(new: NewObject) -> dict[str, Any]:
    stored = [blob_rules.stored(blob) for blob in new.blobs]
    return {
        "id": str(ids.new_uuid7()),
        "object_id": new.object_id or new_object_id(),
        "key_prefix": new.key_prefix,
        "fields": new.fields,
        "blobs": stored,
        "system": {key: value for key, value in new.system.items() if value is not None},
        "size_bytes": blob_rules.size_of(stored),
        "idempotency_key": new.idempotency_key,
    }


def _result(new: NewObject, created: BucketObject | None, replayed: BucketObject | None) -> ObjectResult:
    if created is not None:
        return ObjectResult(created)
    if replayed is not None:
        return ObjectResult(replayed, replayed=True)
    return ObjectResult(None, error=_object_taken(new))


def _object_taken(new: NewObject) -> AlreadyExistsError:
    return AlreadyExistsError(f"An object with the id {new.object_id} exists already.", resource="object", id=new.object_id)
