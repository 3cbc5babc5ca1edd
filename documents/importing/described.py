"""Namespaces, collections, buckets and objects as another server shows them, made here: ids, names, settings and times.

What is there already stays as it is. What this store's API would refuse in a description is left out, and said.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any, Final, Literal, TypeVar

from mixpeek_site import jsonio, sql
from mixpeek_site.errors import AlreadyExistsError, ConflictError, DomainError, NotFoundError, ValidationError
from mixpeek_site.jsonio import JSONObject
from mixpeek_site.transactions import atomic
from namespaces import queries, services
from namespaces.api.inputs import PlaceInput, read_bucket, read_collection, read_namespace, read_new_object
from namespaces.api.openapi import COMPONENTS
from namespaces.models import Bucket, Collection, Organization
from namespaces.scope import Scope
from namespaces.services import NewObject
from namespaces.unique_keys import Policy

_CHUNK: Final = 500
_NO_SCHEMA: Final[JSONObject] = {"properties": {}}

Tell = Callable[[str], None]
Made = TypeVar("Made", Collection, Bucket)


@dataclass(slots=True)
class ObjectCounts:
    """Objects by what became of them."""

    imported: int = 0
    replaced: int = 0
    skipped: int = 0
    failed: int = 0

    def add(self, other: "ObjectCounts") -> None:
        self.imported += other.imported
        self.replaced += other.replaced
        self.skipped += other.skipped
        self.failed += other.failed


def make_namespace(owner: Organization, described: JSONObject, name: str | None, *, tell: Tell) -> Scope:
    """A namespace as described; under another `name` it gets an id of its own. Raises what `services.create_namespace` does."""
    body = _known(described, "CreateNamespaceRequest")
    if name is not None:
        body.pop("namespace_id", None)
        body["namespace_name"] = name
    given = _accepted(body, "CreateNamespaceRequest", "namespace", read_namespace, tell)
    config = {**given.config, **({"pinned": described["pinned"]} if isinstance(described.get("pinned"), dict) else {})}
    assert given.name is not None
    with atomic():
        made = services.create_namespace(
            organization_id=owner.pk,
            name=given.name,
            namespace_id=given.chosen_id,
            description=given.first_description,
            config=config,
        )
        _keep_times("UPDATE namespaces_namespace SET {} WHERE id = %s", described, (made.pk,))
    return Scope(owner.pk, owner.public_id, made.public_id, ())


def collection(scope: Scope, described: JSONObject, *, tell: Tell) -> Collection:
    """The collection of that id; made when it is missing. Raises ConflictError when its name is another one's."""
    identifier = str(described.get("collection_id"))
    with suppress(NotFoundError):
        return queries.collection(scope, identifier)
    body = _known(described, "CreateCollectionRequest")
    given = _accepted(body, "CreateCollectionRequest", f"collection {identifier}", read_collection, tell)
    return _made("collection", described, given, partial(services.create_collection, scope=scope))


def bucket(scope: Scope, described: JSONObject, *, tell: Tell) -> Bucket:
    """The bucket of that id; made when it is missing. Raises ConflictError when its name is another one's."""
    identifier = str(described.get("bucket_id"))
    with suppress(NotFoundError):
        return queries.bucket(scope, identifier)
    body = {"bucket_schema": _NO_SCHEMA, **_known(described, "BucketCreateRequest")}
    given = _accepted(body, "BucketCreateRequest", f"bucket {identifier}", read_bucket, tell)
    if described.get("bucket_schema") is None:
        given.config.pop("bucket_schema", None)
    return _made("bucket", described, given, partial(services.create_bucket, scope=scope))


def _made(kind: Literal["collection", "bucket"], described: JSONObject, given: PlaceInput, create: Callable[..., Made]) -> Made:
    assert given.name is not None
    chosen = {f"{kind}_id": given.chosen_id}
    with atomic():
        try:
            made = create(name=given.name, description=given.first_description, config=given.config, **chosen)
        except AlreadyExistsError:
            raise _named_otherwise(kind, given.name, str(described.get(f"{kind}_id"))) from None
        place = (made.namespace_id, made.pk)
        _keep_times(f"UPDATE namespaces_{kind} SET {{}} WHERE namespace_id = %s AND id = %s", described, place)
    return made


def objects(scope: Scope, into: Bucket, found: Iterable[bytes], on_conflict: str, *, tell: Tell) -> ObjectCounts:
    """Bring a bucket's objects in, a few hundred in one transaction. Bad ones are said and counted, the rest goes on."""
    counts, rest = ObjectCounts(), iter(found)
    while chunk := list(islice(rest, _CHUNK)):
        counts.add(_objects(scope, into, chunk, on_conflict, tell))
    return counts


def _objects(scope: Scope, into: Bucket, chunk: Sequence[bytes], on_conflict: str, tell: Tell) -> ObjectCounts:
    counts = ObjectCounts()
    read = list(_read(into, chunk, counts, tell))
    with atomic():
        results = services.create_objects(
            scope=scope, bucket_identifier=into.public_id, new=[new for new, _ in read], policy=Policy.INSERT
        )
        stored = _stored(into, [new for (new, _), result in zip(read, results, strict=True) if result.error is not None])
        made = []
        for (new, described), result in zip(read, results, strict=True):
            if result.bucket_object is not None:
                counts.imported += 1
                made.append((result.bucket_object.pk, *_times(described)))
            elif new.object_id not in stored or not isinstance(result.error, AlreadyExistsError) or on_conflict == "fail":
                counts.failed += 1
                tell(f"bucket {into.name}, object {new.object_id}: {result.error.message if result.error else 'refused'}")
            elif on_conflict == "skip":
                counts.skipped += 1
            else:
                gone = stored[new.object_id] if on_conflict == "replace" else []
                _replace(scope, into, new, gone, counts, tell)
                stored[new.object_id] = [*stored[new.object_id], *new.fields]
        if made:
            keys, created, updated = map(list, zip(*made, strict=True))
            sql.run(_OBJECT_TIMES, (keys, created, updated, into.namespace_id))
    return counts


def _read(into: Bucket, chunk: Sequence[bytes], counts: ObjectCounts, tell: Tell) -> Iterator[tuple[NewObject, JSONObject]]:
    for raw in chunk:
        try:
            described = jsonio.loads(raw)
            yield read_new_object(described, (into.public_id, into.name), ("object",)), described
        except DomainError as error:
            counts.failed += 1
            tell(f"bucket {into.name}, an object: {_sentence(error)}")


def _stored(into: Bucket, those: Sequence[NewObject]) -> dict[str | None, list[str]]:
    """Names of the fields of those objects whose ids the bucket has, by id. What has another's unique key is not among them."""
    if not those:
        return {}
    found = sql.rows(
        "SELECT o.object_id, ARRAY(SELECT jsonb_object_keys(o.fields)) FROM namespaces_bucketobject o"
        " WHERE o.namespace_id = %s AND o.bucket_id = %s AND o.object_id = ANY(%s)",
        (into.namespace_id, into.pk, [new.object_id for new in those]),
    )
    return dict(found)


def _replace(scope: Scope, into: Bucket, new: NewObject, gone: list[str], counts: ObjectCounts, tell: Tell) -> None:
    """`gone`: fields that go where the object does not have them."""
    assert new.object_id is not None
    try:
        with atomic():
            services.update_object(
                scope=scope,
                bucket_identifier=into.public_id,
                object_id=new.object_id,
                key_prefix=new.key_prefix,
                fields={**dict.fromkeys(gone), **new.fields},
                blobs=new.blobs,
                system=new.system,
            )
        counts.replaced += 1
    except DomainError as error:
        counts.failed += 1
        tell(f"bucket {into.name}, object {new.object_id}: {_sentence(error)}")


_OBJECT_TIMES: Final = """
UPDATE namespaces_bucketobject o
SET created_at = COALESCE(kept.created_at, o.created_at), updated_at = COALESCE(kept.updated_at, o.updated_at)
FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS kept (id, created_at, updated_at)
WHERE o.namespace_id = %s AND o.id = kept.id
"""


def _known(described: JSONObject, component: str) -> JSONObject:
    """The members of an answer that a create takes."""
    names = COMPONENTS[component]["properties"]
    return {name: value for name, value in described.items() if name in names and value is not None}


def _accepted(
    body: JSONObject, component: str, what: str, read: Callable[[JSONObject, str], PlaceInput], tell: Tell
) -> PlaceInput:
    """The body as the API reads it, without the members that it would refuse. Raises ValidationError for its name and id."""
    while True:
        try:
            return read(dict(body), component)
        except ValidationError as error:
            refused = {str(fault.location[1]) for fault in error.faults if len(fault.location) > 1} & body.keys()
            if not refused or any(name.endswith(("_name", "_id")) for name in refused):
                raise
            for name in refused:
                del body[name]
            tell(f"{what}: {', '.join(sorted(refused))} can't be taken over: {_sentence(error)}")


def _keep_times(statement: str, described: JSONObject, place: tuple[Any, ...]) -> None:
    sets = "created_at = COALESCE(%s, created_at), updated_at = COALESCE(%s, updated_at)"
    sql.run(statement.format(sets), (*_times(described), *place))


def _times(described: JSONObject) -> tuple[datetime | None, datetime | None]:
    return _time(described.get("created_at")), _time(described.get("updated_at"))


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found and (found if found.tzinfo else found.replace(tzinfo=UTC))


def _named_otherwise(kind: str, name: str, identifier: str) -> ConflictError:
    return ConflictError(
        f"There is a {kind} {name!r} already, with another id than {identifier}, which lineage names."
        " Rename it, delete it, or import into another namespace."
    )


def _sentence(error: DomainError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, fault.location[1:]))} {fault.message}" for fault in error.faults)
    return error.message
