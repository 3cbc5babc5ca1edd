"""The sample's places and documents. Everything has a name or id of its own, so that loading twice changes nothing."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from documents import importing
from documents.importing.places import place_for
from documents.sample import embeddings, stdlib
from documents.sample.stdlib import Decomposed, Module
from mixpeek_site import jsonio
from mixpeek_site.errors import AlreadyExistsError, ConflictError
from mixpeek_site.jsonio import JSONObject
from namespaces import services
from namespaces.models import Bucket, Collection
from namespaces.scope import Scope, require_namespace

BUCKET = "stdlib"
MODULES_AT_ONCE = 40


class Tier(NamedTuple):
    """A collection of the sample."""

    name: str
    description: str
    extractor: str


TIERS = (
    Tier("modules", "Modules and packages of Python's standard library, with their source.", "python_module_reader"),
    Tier("definitions", "Classes and functions that modules define.", "python_module_splitter"),
    Tier("methods", "Methods of classes.", "python_class_splitter"),
)
_BUCKET_CONFIG: JSONObject = {
    "bucket_schema": {
        "properties": {
            "source": {"type": "text", "description": "The module's file."},
            "module": {"type": "string"},
            "file": {"type": "string"},
        }
    }
}
_COLLECTION_CONFIG: JSONObject = {
    "input_schema": {"properties": {"source": {"type": "text"}}},
    "enabled": True,
}


class Loaded(NamedTuple):
    """How much the sample has, and how much of it was new."""

    modules: int
    documents: int
    new_objects: int
    new_documents: int
    root: str  # the object that is worth a first look


def load(scope: Scope, modules: Sequence[Module], tell: Callable[[int, int], None], *, embed: bool = False) -> Loaded:
    """Load modules into a namespace; `tell(modules, documents)` after each group of them. `embed`: with vectors of what the
    documents say, declared in their collections; documents that are there already get theirs, too.

    Raises NotFoundError for the namespace, ConflictError when it has collections of these names that are not the sample's,
    or vectors of another kind; MissingExtraError, and ServiceUnavailableError for vectors without pgvector.
    """
    if embed:
        embeddings.embedded(["so that what is missing is missed before anything is loaded"])
    namespace_id = require_namespace(scope)
    bucket = _bucket(scope, namespace_id)
    source: JSONObject = {"type": "bucket", "bucket_ids": [bucket.public_id]}
    places = []
    for tier in TIERS:
        collection = _collection(scope, namespace_id, tier, source)
        source = {"type": "collection", "collection_id": collection.public_id}
        if embed:
            config = {"vector_indexes": [embeddings.DECLARED]}
            services.update_collection(scope=scope, collection_identifier=collection.public_id, config=config)
        places.append(place_for(scope, collection.public_id))
    documents = new_objects = new_documents = 0
    for begin in range(0, len(modules), MODULES_AT_ONCE):
        group = modules[begin : begin + MODULES_AT_ONCE]
        new = [_object(module) for module in group]
        results = services.create_objects(scope=scope, bucket_identifier=bucket.public_id, new=new)
        new_objects += sum(result.bucket_object is not None for result in results)
        for place, bodies in zip(places, _by_tier([stdlib.decompose(module) for module in group]), strict=True):
            counts = _import(place, bodies, "skip")
            documents += counts.lines
            new_documents += counts.imported
            if embed:
                _import(place, _vectors(bodies), "merge")
        tell(begin + len(group), documents)
    root = next((module for module in modules if module.name == "json.decoder"), modules[0])
    return Loaded(len(modules), documents, new_objects, new_documents, root.object_id)


def _vectors(bodies: Sequence[JSONObject]) -> list[JSONObject]:
    found = embeddings.embedded([embeddings.said_by(body) for body in bodies])
    return [
        {"document_id": body["document_id"], "vectors": {embeddings.NAME: vector}}
        for body, vector in zip(bodies, found, strict=True)
    ]


def _import(place: importing.places.Place, bodies: Sequence[JSONObject], on_conflict: str) -> importing.Counts:
    """Raises ConflictError for a document that is refused, which the sample's own never are."""

    def report(_counts: importing.Counts, failures: list[importing.Failure], _position: int) -> None:
        if failures:
            raise ConflictError(f"{failures[0].document_id}: {failures[0].reason}")

    lines = importing.lines_of(jsonio.dumps(body).encode() for body in bodies)
    return importing.run(lines, place, importing.Options(on_conflict=on_conflict), report)


def _by_tier(made: Sequence[Decomposed]) -> tuple[list[JSONObject], list[JSONObject], list[JSONObject]]:
    return (
        [one.module for one in made],
        [document for one in made for document in one.definitions],
        [document for one in made for document in one.methods],
    )


def _object(module: Module) -> services.NewObject:
    blob: JSONObject = {
        "blob_id": f"blob_{module.object_id}",
        "property": "source",
        "key_prefix": f"/{module.file}",
        "type": "text",
        "data": {"filename": module.path.name, "mime_type": "text/x-python", "size_bytes": module.path.stat().st_size},
    }
    fields = {"module": module.name, "file": module.file}
    return services.NewObject(
        object_id=module.object_id, key_prefix=f"/{module.file}", fields=fields, blobs=[blob], system={"status": "COMPLETED"}
    )


def _bucket(scope: Scope, namespace_id: int) -> Bucket:
    try:
        return services.create_bucket(
            scope=scope, name=BUCKET, description="Files of Python's standard library.", config=_BUCKET_CONFIG
        )
    except AlreadyExistsError:
        return Bucket.objects.get(namespace_id=namespace_id, name=BUCKET)


def _collection(scope: Scope, namespace_id: int, tier: Tier, source: JSONObject) -> Collection:
    extractor = {"feature_extractor_name": tier.extractor, "version": "v1"}
    config = {**_COLLECTION_CONFIG, "source": source, "feature_extractor": extractor}
    try:
        return services.create_collection(scope=scope, name=tier.name, description=tier.description, config=config)
    except AlreadyExistsError:
        found = Collection.objects.get(namespace_id=namespace_id, name=tier.name, deleted_at=None)
        if found.feature_extractor_id != f"{tier.extractor}_v1":
            raise ConflictError(
                f"The namespace has a collection {tier.name!r} that is not the sample's; load it into another namespace."
            ) from None
        return found
