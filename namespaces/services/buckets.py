"""Buckets of a namespace."""

import psycopg

from mixpeek_site import ids, sql
from mixpeek_site.errors import ConflictError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.transactions import atomic
from namespaces import queries, rows
from namespaces.models import BUCKET_PREFIX, Bucket, new_bucket_id
from namespaces.scope import Scope, bucket_not_found, require_bucket, require_namespace
from namespaces.services.common import (
    UNCHANGED,
    Text,
    assignments,
    name_taken,
    present,
    require_chosen_id,
    require_name,
    taken,
)

_ANY_OBJECT = "SELECT 1 FROM namespaces_bucketobject WHERE namespace_id = %s AND bucket_id = %s LIMIT 1"
_NAME_TAKEN = "SELECT 1 FROM namespaces_bucket WHERE namespace_id = %s AND name = %s"


def create_bucket(
    *,
    scope: Scope,
    name: str,
    bucket_id: str | None = None,
    description: str | None = None,
    config: JSONObject | None = None,
) -> Bucket:
    """A new bucket. `config` holds the API's other fields by name.

    Raises NotFoundError for the namespace, ValidationError for the name or id, AlreadyExistsError when one is taken.
    """
    require_name(name, BUCKET_PREFIX)
    if bucket_id is not None:
        require_chosen_id(bucket_id, BUCKET_PREFIX)
    cte, params = scope.cte()
    row = sql.one(
        f"""
        WITH {cte} INSERT INTO namespaces_bucket AS t
            (namespace_id, public_id, name, description, config, created_at, updated_at)
        SELECT scope.namespace_id, %s, %s, %s, %s::jsonb, moment, moment FROM scope, clock_timestamp() AS moment
        ON CONFLICT DO NOTHING
        RETURNING {rows.BUCKET.sql}
        """,
        (*params, bucket_id or new_bucket_id(), name, description, present(config or {})),
    )
    if row is None:
        found = sql.one(_NAME_TAKEN, (require_namespace(scope), name))
        raise taken("bucket", name=name, chosen_id=bucket_id, name_is_taken=found is not None or bucket_id is None)
    return rows.bucket(row)


def update_bucket(
    *,
    scope: Scope,
    bucket_identifier: str,
    name: str | None = None,
    description: Text = UNCHANGED,
    config: JSONObject | None = None,
) -> Bucket:
    """Set what is named; members of `config` replace the stored ones, None removes one.

    The fields of a unique key may change only while the bucket is empty, because every stored object is registered
    under them; its default policy may at any time. Raises NotFoundError, ValidationError for the name or the key,
    AlreadyExistsError when the name is taken.
    """
    if name is not None:
        require_name(name, BUCKET_PREFIX)
    if config and "unique_key" in config:
        _require_changeable_key(queries.bucket(scope, bucket_identifier), config["unique_key"])
    setting, values = assignments(name=name, description=description, config=config or {})
    cte, params = scope.cte()
    column = "public_id" if ids.looks_like_id(BUCKET_PREFIX, bucket_identifier) else "name"
    statement = f"""
        WITH {cte} UPDATE namespaces_bucket t SET {setting} FROM scope
        WHERE t.namespace_id = scope.namespace_id AND t.{column} = %s
        RETURNING {rows.BUCKET.sql}
    """
    try:
        with atomic():
            row = sql.one(statement, (*params, *values, sql.text(bucket_identifier)))
    except psycopg.errors.UniqueViolation:
        raise name_taken("bucket", name or "") from None
    if row is None:
        require_namespace(scope)
        raise bucket_not_found(bucket_identifier)
    return rows.bucket(row)


def delete_bucket(*, scope: Scope, bucket_identifier: str, with_objects: bool = False) -> None:
    """Delete a bucket; `with_objects` takes its objects along, whose documents stay.

    Raises NotFoundError, and ConflictError for a bucket that holds objects when they are not to go.
    """
    namespace_id, bucket_id = require_bucket(scope, bucket_identifier)
    with atomic():
        # The row lock keeps out objects that are being created: their foreign key has to lock the bucket as well.
        locked = sql.one(
            "SELECT 1 FROM namespaces_bucket WHERE namespace_id = %s AND id = %s FOR UPDATE", (namespace_id, bucket_id)
        )
        if locked is None:
            raise bucket_not_found(bucket_identifier)
        if with_objects:
            sql.run("DELETE FROM namespaces_bucketobject WHERE namespace_id = %s AND bucket_id = %s", (namespace_id, bucket_id))
        elif sql.one(_ANY_OBJECT, (namespace_id, bucket_id)):
            raise ConflictError(
                f"Bucket {bucket_identifier} holds objects; delete them first, or pass force_foreclose=true.",
                resource="bucket",
                id=bucket_identifier,
            )
        sql.run("DELETE FROM namespaces_bucket WHERE namespace_id = %s AND id = %s", (namespace_id, bucket_id))


def _require_changeable_key(bucket: Bucket, unique_key: JSONObject | None) -> None:
    stored = bucket.config.get("unique_key")
    if (stored and stored["fields"]) == (unique_key and unique_key["fields"]):
        return
    if sql.one(_ANY_OBJECT, (bucket.namespace_id, bucket.pk)):
        message = "its fields are fixed once the bucket holds objects; only default_policy may change"
        raise ValidationError(Fault(("body", "unique_key", "fields"), message))
