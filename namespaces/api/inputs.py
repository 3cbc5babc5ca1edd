"""From bodies to plain values. Shapes are checked against the published components; what they can't say is checked here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaError

from mixpeek_site import ids
from mixpeek_site.errors import BadRequestError, DomainError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject
from namespaces import dependents
from namespaces.api.openapi import COMPONENTS
from namespaces.api.openapi.objects import RESERVED, SYSTEM_FIELDS
from namespaces.models import BUCKET_PREFIX, COLLECTION_PREFIX, NAMESPACE_PREFIX
from namespaces.services import UNCHANGED, NewObject
from namespaces.services.common import Text, Unchanged

MAX_BATCH = 100

_TYPE_NAMES = {
    "string": "string_type",
    "boolean": "bool_type",
    "integer": "int_type",
    "number": "float_type",
    "object": "dict_type",
    "array": "list_type",
}


@dataclass(frozen=True, slots=True)
class PlaceInput:
    """A namespace, collection or bucket as a body describes it. None and UNCHANGED: not said."""

    name: str | None = None
    chosen_id: str | None = None
    description: Text = UNCHANGED
    config: JSONObject = field(default_factory=dict)

    @property
    def first_description(self) -> str | None:
        """What a create is to store."""
        return None if isinstance(self.description, Unchanged) else self.description


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What a PUT or PATCH of an object names; None inside `fields` and `system` removes."""

    key_prefix: Text = UNCHANGED
    fields: JSONObject = field(default_factory=dict)
    blobs: list[JSONObject] | None = None
    system: JSONObject = field(default_factory=dict)


def read_namespace(body: JSONObject, component: str) -> PlaceInput:
    """Raises ValidationError with every fault found."""
    place = _read_place(body, component, "namespace", NAMESPACE_PREFIX)
    config = place.config
    config.pop("repair_vectors", None)  # there is nothing to repair: no vector store beside the database
    if isinstance(config.get("pinned"), bool):
        config["pinned"] = {"enabled": True} if config["pinned"] else None
    if "ttl_seconds" in config:
        seconds = config.pop("ttl_seconds")
        if config.get("expires_at") is not None and seconds is not None:
            raise ValidationError(Fault(("body", "ttl_seconds"), "give either ttl_seconds or expires_at"))
        config["expires_at"] = None if seconds is None else _in_seconds(seconds)
    elif config.get("expires_at") is not None and not _is_time(config["expires_at"]):
        raise ValidationError(Fault(("body", "expires_at"), "must be an ISO 8601 date and time", "datetime_parsing"))
    if config.get("payload_indexes"):
        config["payload_indexes"] = [_as_declared(each) for each in config["payload_indexes"]]
        if faults := dependents.documents.payload_index_faults(config["payload_indexes"], ("body", "payload_indexes")):
            raise ValidationError(*faults)
    if config.get("vector_configs"):
        config["vector_configs"] = [_without(each, ("indexes",)) for each in config["vector_configs"]]
        if faults := dependents.documents.vector_config_faults(config["vector_configs"], ("body", "vector_configs")):
            raise ValidationError(*faults)
    return place


def read_collection(body: JSONObject, component: str) -> PlaceInput:
    """Raises ValidationError with every fault found."""
    place = _read_place(body, component, "collection", COLLECTION_PREFIX)
    config = place.config
    if config.get("vector_indexes"):
        own = [each for each in config["vector_indexes"] if each.get("source") != "namespace"]
        config["vector_indexes"] = [_vector_index_as_declared(each) for each in own]
        if faults := dependents.documents.vector_index_faults(config["vector_indexes"], ("body", "vector_indexes")):
            raise ValidationError(*faults)
    return place


def read_bucket(body: JSONObject, component: str) -> PlaceInput:
    """Raises ValidationError with every fault found."""
    return _read_place(body, component, "bucket", BUCKET_PREFIX)


def read_new_object(body: Any, bucket_ids: tuple[str, ...], location: tuple[str | int, ...] = ("body",)) -> NewObject:
    """An object to be created in the bucket that goes by `bucket_ids`: its id and its name.

    Raises ValidationError with every fault found, BadRequestError when the body names another bucket.
    """
    faults = list(_faults(body, "CreateObjectRequest", location))
    faults += _underscored(body, location)
    if isinstance(body, dict) and isinstance(body.get("object_id"), str):
        faults += _found(ids.chosen_id_fault(body["object_id"], (*location, "object_id")))
    if faults:
        raise ValidationError(*faults)
    _require_same(body.get("bucket_id"), bucket_ids, "bucket_id")
    return NewObject(
        object_id=body.get("object_id"),
        key_prefix=body.get("key_prefix"),
        fields=_user_fields(body),
        blobs=body.get("blobs") or [],
        system=_system(body),
        idempotency_key=body.get("idempotency_key"),
    )


def read_object_change(body: JSONObject, component: str, object_id: str, bucket_ids: tuple[str, ...]) -> ObjectChange:
    """Raises ValidationError with every fault found, BadRequestError when the body names another object or bucket."""
    faults = [*_faults(body, component, ("body",)), *_underscored(body, ("body",))]
    if faults:
        raise ValidationError(*faults)
    _require_same(body.get("object_id"), (object_id,), "object_id")
    _require_same(body.get("bucket_id"), bucket_ids, "bucket_id")
    return ObjectChange(
        key_prefix=body.get("key_prefix", UNCHANGED),
        fields=_user_fields(body),
        blobs=body["blobs"] or [] if "blobs" in body else None,
        system=_system(body),
    )


def read_batch(body: JSONObject, bucket_ids: tuple[str, ...]) -> list[NewObject | DomainError]:
    """The objects of a batch, or what is wrong with them, each by itself: one bad object does not stop the others.

    Raises ValidationError when the batch itself is wrong.
    """
    faults = [Fault(("body", name), "unknown; accepted: objects", "extra_forbidden") for name in body if name != "objects"]
    objects = body.get("objects")
    if not isinstance(objects, list):
        faults.append(Fault(("body", "objects"), "must be an array", "list_type" if "objects" in body else "missing"))
    elif not 1 <= len(objects) <= MAX_BATCH:
        faults.append(Fault(("body", "objects"), f"must hold 1 to {MAX_BATCH} objects", "list_length"))
    if faults:
        raise ValidationError(*faults)
    assert isinstance(objects, list)
    return [_read_one_of_many(each, bucket_ids, index) for index, each in enumerate(objects)]


def _read_one_of_many(body: Any, bucket_ids: tuple[str, ...], index: int) -> NewObject | DomainError:
    try:
        return read_new_object(body, bucket_ids, ("body", "objects", index))
    except DomainError as error:
        return error


def _read_place(body: JSONObject, component: str, kind: str, prefix: str) -> PlaceInput:
    faults = list(_faults(body, component, ("body",)))
    name, chosen_id = body.get(f"{kind}_name"), body.get(f"{kind}_id")
    if isinstance(name, str) and not faults:
        faults += _found(ids.name_fault(name, ("body", f"{kind}_name"), prefix))
    if isinstance(chosen_id, str):
        faults += _found(ids.chosen_id_fault(chosen_id, ("body", f"{kind}_id"), prefix))
    if faults:
        raise ValidationError(*faults)
    own = (f"{kind}_name", f"{kind}_id", "description")
    config = {key: value for key, value in body.items() if key not in own}
    return PlaceInput(name, chosen_id, body.get("description", UNCHANGED), config)


def _user_fields(body: JSONObject) -> JSONObject:
    return {key: value for key, value in body.items() if key not in RESERVED}


def _system(body: JSONObject) -> JSONObject:
    return {key: body[key] for key in SYSTEM_FIELDS if key in body and key not in ("blobs", "key_prefix")}


def _as_declared(index: JSONObject) -> JSONObject:
    """A payload index without what answers add to it, so that what was read may be written back."""
    return _without(index, ("status", "error"))


def _vector_index_as_declared(index: JSONObject) -> JSONObject:
    """Likewise; what is said beside `index` need not be said in it, too."""
    inner = index.get("index")
    if not isinstance(inner, dict):
        return index
    repeated = [name for name in ("dimensions", "metric") if name in index and inner.get(name) == index[name]]
    inner = _without(inner, ("state", "error", "size_bytes", *repeated))
    return {**index, "index": inner} if inner else _without(index, ("index",))


def _without(given: JSONObject, names: Sequence[str]) -> JSONObject:
    return {name: value for name, value in given.items() if name not in names}


def _underscored(body: Any, location: tuple[str | int, ...]) -> list[Fault]:
    if not isinstance(body, dict):
        return []
    return [
        Fault((*location, name), "names that begin with _ are reserved", "extra_forbidden")
        for name in body
        if name.startswith("_")
    ]


def _require_same(claimed: Any, actual: tuple[str, ...], name: str) -> None:
    if claimed is not None and claimed not in actual:
        raise BadRequestError(f"The body's {name} {claimed!r} is not the one of the URL.", field=name)


def _found(fault: Fault | None) -> list[Fault]:
    return [] if fault is None else [fault]


def _in_seconds(seconds: int) -> str:
    try:
        moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
    except OverflowError:
        raise ValidationError(Fault(("body", "ttl_seconds"), "is too far away", "out_of_range")) from None
    return moment.isoformat().replace("+00:00", "Z")


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


# From JSON Schema's errors to the contract's faults.


@cache
def _validator(component: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{component}", "components": {"schemas": COMPONENTS}})


def check(body: Any, component: str) -> None:
    """Raises ValidationError when a body does not have the component's shape."""
    faults = list(_faults(body, component, ("body",)))
    if faults:
        raise ValidationError(*faults)


def _faults(value: Any, component: str, location: tuple[str | int, ...]) -> Iterator[Fault]:
    for error in _validator(component).iter_errors(value):
        yield from _translated(error, location)


def _translated(error: SchemaError, location: tuple[str | int, ...]) -> Iterator[Fault]:
    place = (*location, *error.absolute_path)
    rule, limit, value = error.validator, error.validator_value, error.instance
    if rule == "anyOf":  # a component or null: what is wrong with it as the component
        for inner in error.context or ():
            if inner.schema_path[0] == 0:
                yield from _translated(inner, location)
    elif rule == "additionalProperties":
        accepted = error.schema["properties"]
        for name in value:
            if name not in accepted:
                yield Fault((*place, name), f"unknown; accepted: {', '.join(sorted(accepted))}", "extra_forbidden")
    elif rule == "required":
        for name in limit:
            if name not in value and f"'{name}'" in error.message:
                yield Fault((*place, name), "is required", "missing")
    elif rule == "type":
        names = [limit] if isinstance(limit, str) else limit
        yield Fault(place, f"must be {' or '.join(names)}", _TYPE_NAMES.get(names[0], "type_error"))
    elif rule == "enum":
        yield Fault(place, f"must be one of {', '.join(str(choice) for choice in limit if choice is not None)}", "enum")
    elif rule in ("minLength", "maxLength", "minItems", "maxItems"):
        least_or_most = "at least" if rule.startswith("min") else "at most"
        unit = "characters" if rule.endswith("Length") else "items"
        yield Fault(place, f"must have {least_or_most} {limit} {unit}", "length")
    elif rule in ("minimum", "maximum"):
        yield Fault(place, f"must be {'at least' if rule == 'minimum' else 'at most'} {limit}", "out_of_range")
    else:
        yield Fault(place, f"breaks the rule {rule}", "value_error")
