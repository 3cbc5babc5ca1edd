"""From a body of any generation to one document: what is user's, what is system's, what says where it comes from.

The API and the import read documents here, so both accept and refuse the same (contract sections 4 and 5). Pure
functions: a parsed JSON object goes in, a `DocumentInput` comes out, or a ValidationError with every fault.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from mixpeek_site import ids, jsonio
from mixpeek_site.errors import BadRequestError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject, Location

FLAT_LINEAGE: Final = (
    "root_object_id",
    "root_bucket_id",
    "source_type",
    "source_object_id",
    "source_collection_id",
    "source_document_id",
)
MAX_REFERENCE_LENGTH: Final = 512

# Root names that are never user fields. Those mapped to None are answers' own and ignored on write.
_SYSTEM_MEMBERS: Final[dict[str, type]] = {
    "modality": str,
    "mime_type": str,
    "size_bytes": int,
    "content_hash": str,
    "processing": dict,
    "source_details": list,
    "enrichments": dict,
}
IGNORED: Final = frozenset(("vector", "presigned_url", "presigned_urls", "_vectors", "_score", "_expanded"))
_ROOT_PARTS: Final = frozenset(
    (
        *("document_id", "collection_id", "document_blobs", "source_blobs", "internal_metadata", "_internal"),
        *("source_details", "enrichments", "content_hash", "document_schema_version", "features", "vectors"),
        *FLAT_LINEAGE,
        *("lineage_path", "lineage", "lineage_chain"),
    )
)
_CHECKED_PARTS: Final = _ROOT_PARTS - {"document_id", "collection_id", *FLAT_LINEAGE, "lineage_path", "lineage_chain"}
RESERVED: Final = _ROOT_PARTS | IGNORED
INTERNAL_IDENTITY: Final = frozenset(("internal_id", "namespace_id", "document_id", "collection_id", "created_at", "updated_at"))
INTERNAL_PARTS: Final = frozenset((*_SYSTEM_MEMBERS, "lineage", "metadata", "source_blobs", "document_blobs"))
_SIGNED: Final = ("presigned_url", "presigned_urls", "unavailable_reason")


@dataclass(slots=True)
class LineageInput:
    """The lineage that a body names. None: not named."""

    root_object_id: str | None = None
    root_bucket_id: str | None = None
    source_type: str | None = None
    source_object_id: str | None = None
    source_collection_id: str | None = None
    source_document_id: str | None = None
    path: str | None = None
    chain: list[JSONObject] | None = None

    def is_empty(self) -> bool:
        return not any(getattr(self, name) is not None for name in self.__slots__)


@dataclass(slots=True)
class DocumentInput:
    """One document as a body gives it. Parts that are None (or missing in `system`) were not named.

    In a PATCH `payload`, `internal_metadata` and `system` are JSON Merge Patches, so their nulls remove.
    """

    document_id: str | None = None
    collection: str | None = None
    schema_version: str | None = None
    payload: JSONObject = field(default_factory=dict)
    internal_metadata: JSONObject | None = None
    system: JSONObject = field(default_factory=dict)
    source_blobs: list[JSONObject] | None = None
    document_blobs: list[JSONObject] | None = None
    lineage: LineageInput = field(default_factory=LineageInput)
    features: list[JSONObject] | None = None
    vectors: JSONObject | None = None


def read_create(body: JSONObject) -> DocumentInput:
    """The body of POST and of an import line."""
    return _read(body, patch=False)


def read_replace(body: JSONObject, document_id: str) -> DocumentInput:
    """The body of PUT. Raises BadRequestError when it names another document."""
    _require_same_document(body, document_id)
    return _read(body, patch=False)


def read_patch(body: JSONObject, document_id: str) -> DocumentInput:
    """The body of PATCH, its dotted paths already expanded. Raises BadRequestError when it names another document."""
    _require_same_document(body, document_id)
    return _read(body, patch=True)


def _require_same_document(body: JSONObject, document_id: str) -> None:
    named = body.get("document_id")
    if isinstance(named, str) and named != document_id:
        raise BadRequestError(
            f"The body is of document {named}, the path of {document_id}; an id can't be changed.",
            location=["body", "document_id"],
        )


def _read(body: JSONObject, *, patch: bool) -> DocumentInput:
    if RESERVED.isdisjoint(body) and not any(name.startswith("_") for name in body):
        return DocumentInput(payload=_user_fields(body, patch))
    faults = list(_faults(body))
    if faults:
        raise ValidationError(*faults)
    if _CHECKED_PARTS.isdisjoint(body) and body.get("lineage_chain") is None:  # an id and where it comes from, at most
        return DocumentInput(
            document_id=body.get("document_id"),
            collection=body.get("collection_id"),
            payload=_user_fields({name: value for name, value in body.items() if name not in RESERVED}, patch),
            lineage=_lineage(body, {}),
        )
    internal = body.get("_internal") or {}
    parts = {name: value for name, value in body.items() if name in _ROOT_PARTS and value is not None}
    given = DocumentInput(
        document_id=parts.get("document_id"),
        collection=parts.get("collection_id"),
        schema_version=_schema_version(parts.get("document_schema_version")),
        payload=_user_fields({name: value for name, value in body.items() if name not in RESERVED}, patch),
        internal_metadata=parts.get("internal_metadata", internal.get("metadata")),
        source_blobs=parts.get("source_blobs", internal.get("source_blobs")),
        document_blobs=_unsigned(parts.get("document_blobs", internal.get("document_blobs"))),
        features=parts.get("features"),
        vectors=parts.get("vectors"),
        lineage=_lineage(body, internal),
    )
    for name in () if _SYSTEM_MEMBERS.keys().isdisjoint(body) and not internal else _SYSTEM_MEMBERS:
        if name in internal and (patch or internal[name] is not None):
            given.system[name] = internal[name]
        if name in _ROOT_PARTS and name in body and (patch or body[name] is not None):
            given.system[name] = body[name]
    faults = list(_depth_faults(given))
    if faults:
        raise ValidationError(*faults)
    return given


def _depth_faults(given: DocumentInput) -> Iterator[Fault]:
    """Parts too deep for the rendering that shows them deepest (native), from which they must be accepted again."""
    for name, part, level in (
        ("internal_metadata", given.internal_metadata, 3),
        ("source_blobs", given.source_blobs, 3),
        ("document_blobs", given.document_blobs, 3),
        ("lineage_chain", given.lineage.chain, 4),
        *((name, member, 3) for name, member in given.system.items()),
    ):
        if part and level - 1 + jsonio.levels(part) > settings.MAX_JSON_DEPTH:
            place = f"_internal.{name}" if level == 3 else "_internal.lineage.chain"
            message = f"would be nested deeper than {settings.MAX_JSON_DEPTH} levels as {place}"
            yield Fault(("body", name), message, "json_too_deep")


def _user_fields(fields: JSONObject, patch: bool) -> JSONObject:
    if not patch and fields.get("metadata", fields) is None:
        del fields["metadata"]
    return fields


def _schema_version(value: str | None) -> str | None:
    return None if value == "native" else value


def _unsigned(blobs: list[JSONObject] | None) -> list[JSONObject] | None:
    """Blobs without what an answer added to them."""
    if blobs is None:
        return None
    return [{name: value for name, value in blob.items() if name not in _SIGNED} for blob in blobs]


# What is wrong with a body ------------------------------------------------------------------------------------------


def _faults(body: JSONObject) -> Iterator[Fault]:
    for name in body:
        if name.startswith("_") and name not in RESERVED:
            accepted = ", ".join(sorted(name for name in RESERVED if name.startswith("_")))
            yield Fault(("body", name), f"names beginning with _ are reserved; known: {accepted}", "extra_forbidden")
    if body.get("document_id") is not None:
        fault = ids.chosen_id_fault(body["document_id"], ("body", "document_id"))
        if fault:
            yield fault
    yield from _type_fault(body, "collection_id", str, ("body",))
    version = body.get("document_schema_version")
    if version is not None and version not in ("v1", "v2", "native"):
        yield Fault(("body", "document_schema_version"), "must be v1, v2 or native", "enum")
    if not _CHECKED_PARTS.isdisjoint(body):  # most bodies have none of them
        yield from _part_faults(body, "internal_metadata", ("body",))
        yield from _feature_faults(body)
        yield from _type_fault(body, "vectors", dict, ("body",))
        yield from _nested_lineage_faults(body, "lineage", ("body",), chain="lineage_chain")
    yield from _lineage_faults(body, ("body",), path="lineage_path", chain="lineage_chain")
    internal = body.get("_internal")
    if internal is None:
        return
    if not isinstance(internal, dict):
        yield Fault(("body", "_internal"), "must be an object", "dict_type")
        return
    for name, value in internal.items():
        if value is not None and name not in INTERNAL_PARTS and name not in INTERNAL_IDENTITY:
            accepted = ", ".join(sorted(INTERNAL_PARTS))
            yield Fault(("body", "_internal", name), f"unknown; accepted: {accepted}", "extra_forbidden")
    yield from _part_faults(internal, "metadata", ("body", "_internal"))
    yield from _nested_lineage_faults(internal, "lineage", ("body", "_internal"), chain="chain")


def _part_faults(parts: JSONObject, metadata: str, location: Location) -> Iterator[Fault]:
    """Faults of the system part, which sits at the root of v1 and v2 and inside `_internal` of native."""
    yield from _type_fault(parts, metadata, dict, location)
    for name, type_ in _SYSTEM_MEMBERS.items():
        if name in _ROOT_PARTS or location != ("body",):
            yield from _type_fault(parts, name, type_, location)
    for name in ("source_blobs", "source_details"):
        yield from _objects_faults(parts, name, location)
    for blob, place in _objects(parts, "document_blobs", location):
        for name in ("field", "url"):
            if not isinstance(blob.get(name), str) or not blob[name]:
                yield Fault((*place, name), "is required and must be a text that is not empty", "string_type")
    yield from _objects_faults(parts, "document_blobs", location)


def _feature_faults(body: JSONObject) -> Iterator[Fault]:
    yield from _objects_faults(body, "features", ("body",))
    for feature, place in _objects(body, "features", ("body",)):
        if not isinstance(feature.get("feature_extractor_id"), str):
            yield Fault((*place, "feature_extractor_id"), "is required and must be a string", "string_type")
        yield from _type_fault(feature, "payload", dict, place)


def _nested_lineage_faults(holder: JSONObject, name: str, location: Location, *, chain: str) -> Iterator[Fault]:
    nested = holder.get(name)
    if isinstance(nested, dict):
        yield from _lineage_faults(nested, (*location, name), path="path", chain=chain)
    elif nested is not None:
        yield Fault((*location, name), "must be an object", "dict_type")


def _lineage_faults(holder: JSONObject, location: Location, *, path: str, chain: str) -> Iterator[Fault]:
    for name in (*FLAT_LINEAGE, path):
        value = holder.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            yield Fault((*location, name), "must be a string", "string_type")
        elif name == "source_type" and value not in ("bucket", "collection"):
            yield Fault((*location, name), "must be bucket or collection", "enum")
        elif name != path and not 1 <= len(value) <= MAX_REFERENCE_LENGTH:
            yield Fault((*location, name), f"must have 1 to {MAX_REFERENCE_LENGTH} characters", "string_length")
    yield from _objects_faults(holder, chain, location)
    for step, place in _objects(holder, chain, location):
        for name in ("collection_id", "feature_extractor_id"):
            if not isinstance(step.get(name), str):
                yield Fault((*place, name), "is required and must be a string", "string_type")
        for name in ("document_id", "timestamp"):
            yield from _type_fault(step, name, str, place)


def _type_fault(holder: JSONObject, name: str, type_: type, location: Location) -> Iterator[Fault]:
    value = holder.get(name)
    if value is not None and (not isinstance(value, type_) or (type_ is int and isinstance(value, bool))):
        word = {str: "a string", int: "an integer", dict: "an object", list: "an array"}[type_]
        yield Fault((*location, name), f"must be {word}", f"{type_.__name__}_type")


def _objects_faults(holder: JSONObject, name: str, location: Location) -> Iterator[Fault]:
    value = holder.get(name)
    if value is None:
        return
    if not isinstance(value, list):
        yield Fault((*location, name), "must be an array of objects", "list_type")
        return
    for index, item in enumerate(value):
        if not isinstance(item, dict):
            yield Fault((*location, name, index), "must be an object", "dict_type")


def _objects(holder: JSONObject, name: str, location: Location) -> Iterator[tuple[JSONObject, Location]]:
    value = holder.get(name)
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, dict):
            yield item, (*location, name, index)


# Lineage ------------------------------------------------------------------------------------------------------------


def _lineage(body: JSONObject, internal: JSONObject) -> LineageInput:
    """The lineage that a body names, in whichever of its places. Raises ValidationError when they contradict each other."""
    named: dict[str, Any] = {}
    faults = []
    for holder, location, path, chain in (
        (body, ("body",), "lineage_path", "lineage_chain"),
        (body.get("lineage") or {}, ("body", "lineage"), "path", "lineage_chain"),
        (internal.get("lineage") or {}, ("body", "_internal", "lineage"), "path", "chain"),
    ):
        for name in (*FLAT_LINEAGE, path, chain) if holder else ():
            value = holder.get(name)
            if value is None:
                continue
            target = "path" if name == path else "chain" if name == chain else name
            if target == "chain" and not value:
                continue  # v2's empty list says that there is none
            if named.setdefault(target, value) != value:
                faults.append(Fault((*location, name), "contradicts the same field elsewhere in the body", "contradiction"))
    given = LineageInput(**named)
    details = body.get("source_details") or internal.get("source_details") or []
    if details:
        _fill_from_source_details(given, details)
    faults.extend(_contradictions(given))
    if faults:
        raise ValidationError(*faults)
    return given


def _fill_from_source_details(given: LineageInput, details: list[JSONObject]) -> None:
    """Generation 1: the first bucket entry gives root and source object, the first collection entry the parent."""

    def first(type_: str) -> JSONObject:
        return next((entry for entry in details if entry.get("type") == type_), {})

    def reference(entry: JSONObject, name: str) -> str | None:
        value = entry.get(name)
        return value if isinstance(value, str) and 1 <= len(value) <= MAX_REFERENCE_LENGTH else None

    bucket, collection = first("bucket"), first("collection")
    if bucket:
        given.root_bucket_id = given.root_bucket_id or reference(bucket, "source_id")
        given.root_object_id = given.root_object_id or reference(bucket, "object_id")
    if collection and given.source_type in (None, "collection"):
        given.source_collection_id = given.source_collection_id or reference(collection, "source_id")
        given.source_document_id = given.source_document_id or reference(collection, "object_id")
    elif bucket and given.source_type in (None, "bucket") and given.source_document_id is None:
        given.source_object_id = given.source_object_id or reference(bucket, "object_id")


def require_consistent(given: LineageInput) -> None:
    """Raise ValidationError for a lineage that contradicts itself."""
    faults = list(_contradictions(given))
    if faults:
        raise ValidationError(*faults)


def _contradictions(given: LineageInput) -> Iterator[Fault]:
    """Faults of a lineage by itself; fills in the source's type and a bucket-sourced document's root."""
    if given.source_type is None:
        if given.source_document_id is not None or given.source_collection_id is not None:
            given.source_type = "collection"
        elif given.source_object_id is not None:
            given.source_type = "bucket"
    if given.source_type != "bucket":
        return
    if given.source_document_id is not None or given.source_collection_id is not None:
        yield Fault(("body", "source_type"), "is bucket, but the body names a source document or collection", "contradiction")
    given.root_object_id = given.root_object_id or given.source_object_id
    given.source_object_id = given.source_object_id or given.root_object_id
    if given.root_object_id != given.source_object_id:
        yield Fault(("body", "root_object_id"), "differs from source_object_id, which is the root when the source is a bucket")
