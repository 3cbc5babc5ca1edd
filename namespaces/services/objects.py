"""Objects of a bucket: the registered roots of decomposition trees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from mixpeek_site import ids, jsonio, sql
from mixpeek_site.errors import AlreadyExistsError, DomainError, NotFoundError
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.transactions import atomic
from namespaces import blobs as blob_rules
from namespaces import queries, rows, unique_keys
from namespaces.models import Bucket, BucketObject, new_object_id
from namespaces.scope import Scope, bucket_not_found, object_not_found, require_bucket
from namespaces.services.common import UNCHANGED, Text, Unchanged, require_chosen_id
from namespaces.services.uploads import PreparedBlobs
from namespaces.unique_keys import Policy

_INSERT = f"""
INSERT INTO namespaces_bucketobject AS t (id, namespace_id, bucket_id, object_id, key_prefix, fields, blobs, system,
    size_bytes, idempotency_key, unique_key, created_at, updated_at)
SELECT n.id, %s, %s, n.object_id, n.key_prefix, n.fields, n.blobs, n.system, n.size_bytes, n.idempotency_key, n.unique_key,
    moment, moment
FROM clock_timestamp() AS moment, jsonb_to_recordset(%s::jsonb) AS n (id uuid, object_id text, key_prefix text,
    fields jsonb, blobs jsonb, system jsonb, size_bytes bigint, idempotency_key text, unique_key text)
ON CONFLICT DO NOTHING
RETURNING {rows.OBJECT.sql}
"""
_THERE = f"""
SELECT {rows.OBJECT.sql} FROM namespaces_bucketobject t
WHERE t.namespace_id = %s AND t.bucket_id = %s AND (t.idempotency_key = ANY(%s) OR t.unique_key = ANY(%s))
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
    error: DomainError | None = None


def create_object(*, scope: Scope, bucket_identifier: str, new: NewObject, policy: str | None = None) -> BucketObject:
    """As `create_objects`, and raises the error of the one object."""
    [result] = create_objects(scope=scope, bucket_identifier=bucket_identifier, new=[new], policy=policy)
    if result.bucket_object is None:
        raise result.error or _object_taken(new)
    return result.bucket_object


def create_objects(
    *, scope: Scope, bucket_identifier: str, new: Sequence[NewObject], policy: str | None = None
) -> list[ObjectResult]:
    """One result per object, in order; one that is refused (id or unique key taken, …) does not stop the others.

    `policy` is what happens where the bucket's unique key is taken (unique_keys.Policy); None leaves it to the bucket.
    Raises NotFoundError for namespace or bucket, ValidationError for an id that may not be chosen, BadRequestError when
    the bucket has a unique key and nobody said a policy.
    """
    for one in new:
        if one.object_id is not None:
            require_chosen_id(one.object_id)
    bucket = queries.bucket(scope, bucket_identifier)
    rule = unique_keys.policy(bucket.config.get("unique_key"), policy)
    prepared = PreparedBlobs(scope, bucket.namespace_id, [one.blobs for one in new])
    made = [_row(one, bucket, blobs) for one, blobs in zip(new, prepared.results, strict=True)]
    try:
        with atomic():
            insertable = [row for row in made if isinstance(row, dict)] if rule is not Policy.UPDATE else []
            created = {str(each.id): each for each in _insert(bucket, insertable)}
            for index, row in enumerate(made):
                if isinstance(row, dict) and row["id"] in created:
                    prepared.hold(index, row["id"])
            there = _there(bucket, [row for row in made if isinstance(row, dict) and row["id"] not in created])
            return [_result(scope, bucket, one, row, created, there, rule) for one, row in zip(new, made, strict=True)]
    except psycopg.errors.ForeignKeyViolation:  # the bucket was deleted meanwhile
        raise bucket_not_found(bucket_identifier) from None
    finally:
        prepared.discard_unused()


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

    Raises NotFoundError, AlreadyExistsError when another object has the bucket's unique key then, and ValidationError
    when a part of that key would be missing.
    """
    bucket = queries.bucket(scope, bucket_identifier)
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
    prepared = PreparedBlobs(scope, bucket.namespace_id, [blobs or ()])
    [stored] = prepared.results
    if isinstance(stored, DomainError):
        raise stored
    if blobs is not None:
        parts.append("blobs = %s::jsonb, size_bytes = %s")
        params += [jsonio.dumps(stored), blob_rules.size_of(stored)]
    try:
        with atomic():
            row = sql.one(
                f"UPDATE namespaces_bucketobject t SET {', '.join(parts)}"
                f" WHERE t.namespace_id = %s AND t.bucket_id = %s AND t.object_id = %s RETURNING {rows.OBJECT.sql}",
                (*params, bucket.namespace_id, bucket.pk, sql.text(object_id)),
            )
            if row is None:
                raise object_not_found(object_id, bucket_identifier)
            changed = rows.bucket_object(row)
            _keep_unique_key(bucket, changed)
            prepared.hold(0, changed.pk)
            return changed
    except psycopg.errors.UniqueViolation:
        raise _unique_key_taken(bucket) from None
    finally:
        prepared.discard_unused()


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


def _row(new: NewObject, bucket: Bucket, blobs: list[JSONObject] | DomainError) -> dict[str, Any] | DomainError:
    """The object as `_INSERT` takes it, or what is wrong with it."""
    if isinstance(blobs, DomainError):
        return blobs
    try:
        unique_key = unique_keys.digest(bucket.config.get("unique_key"), new.fields)
    except DomainError as error:
        return error
    return {
        "id": str(ids.new_uuid7()),
        "object_id": new.object_id or new_object_id(),
        "key_prefix": new.key_prefix,
        "fields": new.fields,
        "blobs": blobs,
        "system": {key: value for key, value in new.system.items() if value is not None},
        "size_bytes": blob_rules.size_of(blobs),
        "idempotency_key": new.idempotency_key,
        "unique_key": unique_key,
    }


def _insert(bucket: Bucket, made: list[dict[str, Any]]) -> list[BucketObject]:
    if not made:
        return []
    inserted = sql.rows(_INSERT, (bucket.namespace_id, bucket.pk, jsonio.dumps(made)))
    return [rows.bucket_object(row) for row in inserted]


def _there(bucket: Bucket, refused: list[dict[str, Any]]) -> list[BucketObject]:
    """The objects that stood in the way by an idempotency key or the unique key."""
    keys, uniques = ([row[name] for row in refused if row[name]] for name in ("idempotency_key", "unique_key"))
    if not keys and not uniques:
        return []
    return [rows.bucket_object(row) for row in sql.rows(_THERE, (bucket.namespace_id, bucket.pk, keys, uniques))]


def _result(
    scope: Scope,
    bucket: Bucket,
    new: NewObject,
    row: dict[str, Any] | DomainError,
    created: dict[str, BucketObject],
    there: list[BucketObject],
    rule: Policy,
) -> ObjectResult:
    if isinstance(row, DomainError):
        return ObjectResult(None, error=row)
    if row["id"] in created:
        return ObjectResult(created[row["id"]])
    for earlier in there:
        if new.idempotency_key is not None and earlier.idempotency_key == new.idempotency_key:
            return ObjectResult(earlier, replayed=True)
    twin = next((each for each in there if row["unique_key"] and each.unique_key == row["unique_key"]), None)
    if twin is None:
        error = _object_taken(new) if rule is not Policy.UPDATE else _no_twin(bucket)
        return ObjectResult(None, error=error)
    if rule is Policy.INSERT or new.object_id not in (None, twin.object_id):
        return ObjectResult(None, error=_unique_key_taken(bucket))
    changed = update_object(
        scope=scope,
        bucket_identifier=bucket.public_id,
        object_id=twin.object_id,
        key_prefix=UNCHANGED if new.key_prefix is None else new.key_prefix,
        fields=new.fields,
        blobs=new.blobs or None,
        system=new.system,
    )
    return ObjectResult(changed)


def _keep_unique_key(bucket: Bucket, changed: BucketObject) -> None:
    """The digest follows the key fields. Raises ValidationError, and psycopg's UniqueViolation when it is taken."""
    digest = unique_keys.digest(bucket.config.get("unique_key"), changed.fields)
    if digest != changed.unique_key:
        sql.run(
            "UPDATE namespaces_bucketobject SET unique_key = %s WHERE namespace_id = %s AND id = %s",
            (digest, changed.namespace_id, changed.pk),
        )
        changed.unique_key = digest


def _object_taken(new: NewObject) -> AlreadyExistsError:
    return AlreadyExistsError(f"An object with the id {new.object_id} exists already.", resource="object", id=new.object_id)


def _unique_key_taken(bucket: Bucket) -> AlreadyExistsError:
    fields = bucket.config["unique_key"]["fields"]
    return AlreadyExistsError(f"Bucket {bucket.name!r} has another object with the same {', '.join(fields)}.", resource="object")


def _no_twin(bucket: Bucket) -> NotFoundError:
    fields = bucket.config["unique_key"]["fields"]
    return NotFoundError(f"Bucket {bucket.name!r} has no object with these {', '.join(fields)}.", resource="object")
