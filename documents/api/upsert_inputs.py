"""The body of an upsert (contract section 10): documents whose user fields are in `payload`, as vector databases have them.

A document's other members are those of a create body. So `payload` is put at the root, where user fields are; what it names
that is the store's own is dropped, and the answer says so.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from documents.importing import upserting
from documents.importing.preparing import Prepared
from documents.inputs import RESERVED, read_create
from documents.patching import same
from mixpeek_site.errors import DomainError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject

MAX_DOCUMENTS: Final = 1000
_MEMBERS: Final = ("collection_id", "documents", "options")
_OPTIONS: Final = {"write_token": bool, "idempotency_key": str}
_OWN: Final = ("payload", "acl")


@dataclass(frozen=True, slots=True)
class Item:
    """One document: what it becomes, or why it fails. `dropped`: names in its payload that were not taken."""

    document_id: str | None
    prepared: Prepared | None = None
    error: str | None = None
    dropped: list[str] = field(default_factory=list)
    has_acl: bool = False


@dataclass(frozen=True, slots=True)
class Upsert:
    collection: str | None
    items: list[Item]


def read_upsert(body: JSONObject) -> Upsert:
    """Raises ValidationError for what is wrong with the request itself; what is wrong with a document is said of its item."""
    faults = [
        Fault(("body", name), f"unknown; accepted: {', '.join(_MEMBERS)}", "extra_forbidden")
        for name in body
        if name not in _MEMBERS
    ]
    collection = body.get("collection_id")
    if collection is not None and (not isinstance(collection, str) or not collection):
        faults.append(Fault(("body", "collection_id"), "must be the id or the name of a collection", "string_type"))
    documents = body.get("documents")
    if not isinstance(documents, list) or len(documents) > MAX_DOCUMENTS:
        faults.append(Fault(("body", "documents"), f"must be an array of at most {MAX_DOCUMENTS} documents", "list_type"))
    faults += _option_faults(body.get("options"))
    if faults:
        raise ValidationError(*faults)
    assert isinstance(documents, list)
    return Upsert(collection, [_item(number, document) for number, document in enumerate(documents)])


def _option_faults(options: Any) -> list[Fault]:
    if options is None:
        return []
    if not isinstance(options, dict):
        return [Fault(("body", "options"), "must be an object", "dict_type")]
    return [
        Fault(("body", "options", name), f"must be a {kind.__name__}", f"{kind.__name__}_type")
        for name, kind in _OPTIONS.items()
        if options.get(name) is not None and not isinstance(options[name], kind)
    ] + [
        Fault(("body", "options", name), f"unknown; accepted: {', '.join(_OPTIONS)}", "extra_forbidden")
        for name in options
        if name not in _OPTIONS
    ]


def _item(number: int, document: Any) -> Item:
    named = document.get("document_id") if isinstance(document, dict) else None
    document_id = named if isinstance(named, str) else None
    try:
        body, dropped = _body(document)
        prepared = upserting.prepare(number, read_create(body))
        return Item(document_id, prepared, dropped=dropped, has_acl=document.get("acl") is not None)
    except DomainError as error:
        return Item(document_id, error=error.message)


def _body(document: Any) -> tuple[JSONObject, list[str]]:
    """The body of a create, and the names that were dropped from the payload. Raises ValidationError."""
    if not isinstance(document, dict):
        raise ValidationError(Fault((), "must be an object", "dict_type"))
    faults = [Fault((name,), "is required", "missing") for name in ("document_id", "vectors") if document.get(name) is None]
    payload = document.get("payload")
    if payload is None:
        payload = {}
    if not isinstance(payload, dict):
        faults.append(Fault(("payload",), "must be an object", "dict_type"))
        raise ValidationError(*faults)
    body = {name: value for name, value in document.items() if name not in _OWN}
    dropped = sorted(name for name in payload if name in RESERVED or name.startswith("_"))
    for name, value in payload.items():
        if name in dropped:
            continue
        if body.get(name) is not None and not same(body[name], value):
            faults.append(Fault(("payload", name), "contradicts the same field beside the payload", "contradiction"))
        body[name] = value
    if faults:
        raise ValidationError(*faults)
    return body, dropped
