"""What reads places and objects: each function names its statements' cost; rows come back as the models' instances."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from mixpeek_site import ids, sql
from mixpeek_site.jsonio import JSONObject
from namespaces import dependents, rows
from namespaces import listing as lists
from namespaces.dependents import PayloadIndexState, VectorIndexState
from namespaces.listing import Listing
from namespaces.models import BUCKET_PREFIX, Bucket, BucketObject, Collection, Namespace
from namespaces.scope import (
    Scope,
    bucket_not_found,
    collection_not_found,
    namespace_not_found,
    object_not_found,
    require_bucket,
    require_namespace,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """A page of a list. `total` is None when it was not asked for, `next_position` on the last page."""

    items: list[T]
    total: int | None
    next_position: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class NamespaceCounts:
    documents: int = 0
    collections: int = 0
    buckets: int = 0
    objects: int = 0


@dataclass(frozen=True, slots=True)
class BucketStatistics:
    """Of a bucket's objects; sizes in bytes, as far as the objects' blobs tell."""

    objects: int = 0
    failed: int = 0
    total_size: int = 0
    average_size: int = 0
    largest: int = 0
    smallest: int = 0
    last_created_at: datetime | None = None
    last_updated_at: datetime | None = None


def namespace(scope: Scope) -> Namespace:
    """One statement. Raises NotFoundError."""
    cte, params = scope.cte()
    row = sql.one(
        f"WITH {cte} SELECT {rows.NAMESPACE.sql} FROM namespaces_namespace t JOIN scope ON scope.namespace_id = t.id", params
    )
    if row is None:
        raise namespace_not_found(scope.identifier)
    return rows.namespace(row)


def collection(scope: Scope, collection_identifier: str) -> Collection:
    """One statement. Raises NotFoundError for the namespace or the collection."""
    cte, params = scope.cte(collection_identifier)
    row = sql.one(
        f"WITH {cte} SELECT {rows.COLLECTION.sql} FROM namespaces_collection t"
        " JOIN scope ON scope.namespace_id = t.namespace_id AND scope.collection_id = t.id",
        params,
    )
    if row is None:
        require_namespace(scope)
        raise collection_not_found(collection_identifier)
    return rows.collection(row)


def bucket(scope: Scope, bucket_identifier: str) -> Bucket:
    """One statement. Raises NotFoundError for the namespace or the bucket."""
    cte, params = scope.cte()
    column = "public_id" if ids.looks_like_id(BUCKET_PREFIX, bucket_identifier) else "name"
    row = sql.one(
        f"WITH {cte} SELECT {rows.BUCKET.sql} FROM namespaces_bucket t"
        f" JOIN scope ON scope.namespace_id = t.namespace_id WHERE t.{column} = %s",
        (*params, sql.text(bucket_identifier)),
    )
    if row is None:
        require_namespace(scope)
        raise bucket_not_found(bucket_identifier)
    return rows.bucket(row)


def bucket_object(scope: Scope, bucket_identifier: str, object_id: str) -> tuple[Bucket, BucketObject]:
    """The object with its bucket. Two statements. Raises NotFoundError for namespace, bucket or object."""
    holder = bucket(scope, bucket_identifier)
    row = sql.one(
        f"SELECT {rows.OBJECT.sql} FROM namespaces_bucketobject t"
        " WHERE t.namespace_id = %s AND t.bucket_id = %s AND t.object_id = %s",
        (holder.namespace_id, holder.pk, sql.text(object_id)),
    )
    if row is None:
        raise object_not_found(object_id, bucket_identifier)
    return holder, rows.bucket_object(row)


def namespaces_page(organization_id: int, patterns: Sequence[str], listing: Listing) -> Found[Namespace]:
    """The organization's namespaces that a key with these LIKE patterns (none: all) may see. Two statements."""
    within = "t.organization_id = %s"
    params: tuple[object, ...] = (organization_id,)
    if patterns:
        within += " AND (t.public_id LIKE ANY(%s) OR t.name LIKE ANY(%s))"
        params += (list(patterns), list(patterns))
    total = lists.count(lists.NAMESPACES, within, params, listing)
    page = lists.page(lists.NAMESPACES, within, params, listing)
    return Found([rows.namespace(row) for row in page.rows], total, page.next_position)


def collections_page(scope: Scope, listing: Listing) -> Found[Collection]:
    """Three statements. Raises NotFoundError for the namespace."""
    within, params = "t.namespace_id = %s", (require_namespace(scope),)
    total = lists.count(lists.COLLECTIONS, within, params, listing)
    page = lists.page(lists.COLLECTIONS, within, params, listing)
    return Found([rows.collection(row) for row in page.rows], total, page.next_position)


def buckets_page(scope: Scope, listing: Listing) -> Found[Bucket]:
    """Three statements. Raises NotFoundError for the namespace."""
    within, params = "t.namespace_id = %s", (require_namespace(scope),)
    total = lists.count(lists.BUCKETS, within, params, listing)
    page = lists.page(lists.BUCKETS, within, params, listing)
    return Found([rows.bucket(row) for row in page.rows], total, page.next_position)


def objects_page(scope: Scope, bucket_identifier: str, listing: Listing, *, include_total: bool) -> Found[BucketObject]:
    """Two statements, three with the total. Raises NotFoundError for namespace or bucket."""
    within, params = "t.namespace_id = %s AND t.bucket_id = %s", require_bucket(scope, bucket_identifier)
    total = lists.count(lists.OBJECTS, within, params, listing) if include_total else None
    page = lists.page(lists.OBJECTS, within, params, listing)
    return Found([rows.bucket_object(row) for row in page.rows], total, page.next_position)


def counts_of_namespaces(namespace_ids: list[int]) -> dict[int, NamespaceCounts]:
    """What each namespace holds. Two statements, one of them the documents' app's."""
    if not namespace_ids:
        return {}
    documents = dependents.documents.count_by_namespace(namespace_ids)
    found = sql.rows(
        """
        SELECT n.id,
            (SELECT count(*) FROM namespaces_collection c WHERE c.namespace_id = n.id AND c.deleted_at IS NULL),
            (SELECT count(*) FROM namespaces_bucket b WHERE b.namespace_id = n.id),
            (SELECT count(*) FROM namespaces_bucketobject o WHERE o.namespace_id = n.id)
        FROM namespaces_namespace n WHERE n.id = ANY(%s)
        """,
        (namespace_ids,),
    )
    return {
        id: NamespaceCounts(documents.get(id, 0), collections, buckets, objects) for id, collections, buckets, objects in found
    }


def keys_of_namespace_alone(place: Namespace) -> list[str]:
    """Names of the working keys that see this namespace and no other: without it they see none. One statement."""
    found = sql.rows(
        """
        WITH seen AS (
            SELECT k.id AS key_id, k.name, n.id AS namespace_id
            FROM namespaces_apikey k
            JOIN namespaces_namespace n ON n.organization_id = k.organization_id AND n.deleted_at IS NULL
            WHERE k.organization_id = %s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
            AND EXISTS (
                SELECT FROM unnest(k.namespace_patterns) pattern, (VALUES (n.public_id), (n.name)) known (text)
                WHERE CASE WHEN pattern LIKE '%%*' THEN starts_with(known.text, left(pattern, -1)) ELSE known.text = pattern END)
        )
        SELECT name FROM seen GROUP BY key_id, name HAVING bool_and(namespace_id = %s) ORDER BY name
        """,
        (place.organization_id, place.pk),
    )
    return [name for (name,) in found]


def payload_index_states(namespaces: Sequence[Namespace], *, sizes: bool = False) -> dict[int, list[PayloadIndexState]]:
    """Of each declared payload index, per namespace (internal id). At most one statement, of the documents' app."""
    declared = {each.pk: each.config.get("payload_indexes") or [] for each in namespaces}
    return dependents.documents.payload_index_states(declared, sizes=sizes)


def declared_list(config: JSONObject, name: str) -> list[Any]:
    """What a place's config declares; what is no list was put there before declarations were read, and declares nothing."""
    declared = config.get(name)
    return declared if isinstance(declared, list) else []


def vector_index_states(collections: Sequence[Collection], *, sizes: bool = False) -> dict[int, list[VectorIndexState]]:
    """Of what each collection (internal id) declares, in its order, and then of the indexes that it has because its namespace
    declares a name. All are of one namespace. One statement, of the documents' app.
    """
    if not collections:
        return {}
    declared = {each.pk: declared_list(each.config, "vector_indexes") for each in collections}
    return dependents.documents.vector_index_states(collections[0].namespace_id, declared, sizes=sizes)


def vector_config_states(namespaces: Sequence[Namespace]) -> dict[int, dict[str, dict[str, int]]]:
    """Of the indexes that collections have because their namespace (internal id) declares a name: by name, how many are in
    which state. At most one statement, of the documents' app.
    """
    found = dependents.documents.vector_config_states([each.pk for each in namespaces if each.config.get("vector_configs")])
    return {each.pk: found.get(each.pk, {}) for each in namespaces}


def document_counts(collections: Sequence[Collection]) -> dict[int, int]:
    """Documents per collection (internal id); all are of one namespace. One statement, of the documents' app."""
    if not collections:
        return {}
    found = dependents.documents.count_by_collection(collections[0].namespace_id, [each.pk for each in collections])
    return {each.pk: found.get(each.pk, 0) for each in collections}


def bucket_statistics(buckets: Sequence[Bucket]) -> dict[int, BucketStatistics]:
    """Per bucket (internal id); all are of one namespace. One statement."""
    if not buckets:
        return {}
    found = sql.rows(
        """
        SELECT o.bucket_id, count(*), count(*) FILTER (WHERE o.system ->> 'status' = 'FAILED'),
            sum(o.size_bytes)::bigint, avg(o.size_bytes)::bigint, max(o.size_bytes), min(o.size_bytes),
            max(o.created_at), max(o.updated_at)
        FROM namespaces_bucketobject o WHERE o.namespace_id = %s AND o.bucket_id = ANY(%s) GROUP BY o.bucket_id
        """,
        (buckets[0].namespace_id, [each.pk for each in buckets]),
    )
    statistics = {row[0]: BucketStatistics(*row[1:]) for row in found}
    return {each.pk: statistics.get(each.pk, BucketStatistics()) for each in buckets}
