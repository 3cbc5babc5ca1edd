"""The bodies and parameters of the routes for many documents, read into values (contract section 7, "Writing many")."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings

from documents.api.answers import RENDERING_PARAMETERS, URL_FLAGS, Shape, read_shape, rendering_flags
from documents.filters import Node, read_filters
from documents.services.many import Bounds, Update, read_matching_update, read_update
from mixpeek_site.api.query import boolean
from mixpeek_site.errors import DomainError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject, Location

WRITE_PARAMETERS: Final = frozenset(("dry_run", "max_affected"))
MAX_REASON_LENGTH: Final = 500

_WHOLE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class NamedUpdates:
    """Documents and what changes in each, or why that can't be."""

    items: list[tuple[str, Update | DomainError]]


@dataclass(frozen=True, slots=True)
class MatchingUpdate:
    """What changes in all documents that match; node None: in all there are."""

    node: Node | None
    parts: dict[str, str]


def read_bounds(query: dict[str, str]) -> Bounds:
    """Raises ValidationError."""
    most = query.get("max_affected")
    if most is not None and not _WHOLE.fullmatch(most):
        raise ValidationError(Fault(("query", "max_affected"), "must be a whole number, 0 or more", "int_parsing"))
    return Bounds(boolean(query, "dry_run"), None if most is None else int(most))


def read_batch_update(body: JSONObject) -> NamedUpdates | MatchingUpdate:
    """`updates`, or `filters` and `update_data`. Raises ValidationError, PayloadTooLargeError."""
    _require_known(body, ("updates", "filters", "update_data"), ("body",))
    if body.get("updates") is None:
        if body.get("filters") is None and body.get("update_data") is None:
            raise ValidationError(Fault(("body",), "names nothing: give updates, or filters and update_data", "missing"))
        return MatchingUpdate(_node(body), _parts(body))
    for name in ("filters", "update_data"):
        if body.get(name) is not None:
            message = "beside updates: give updates, or filters and update_data, not both"
            raise ValidationError(Fault(("body", name), message, "contradiction"))
    return NamedUpdates(_items(body["updates"], ("body", "updates"), _named_update))


def read_bulk_update(body: JSONObject) -> MatchingUpdate:
    """`update_data`, and `filters` unless all documents are meant. Raises ValidationError, PayloadTooLargeError."""
    _require_known(body, ("filters", "update_data"), ("body",))
    return MatchingUpdate(_node(body) if "filters" in body else None, _parts(body))


def read_batch_delete(body: JSONObject) -> list[str] | Node:
    """`document_ids`, each once, or `filters`. Raises ValidationError."""
    _require_known(body, ("document_ids", "filters", "reason"), ("body",))
    reason = body.get("reason")
    if reason is not None and not isinstance(reason, str):
        raise ValidationError(Fault(("body", "reason"), "must be a string", "string_type"))
    if reason is not None and len(reason) > MAX_REASON_LENGTH:
        message = f"must have at most {MAX_REASON_LENGTH} characters"
        raise ValidationError(Fault(("body", "reason"), message, "string_length"))
    if body.get("document_ids") is None:
        if "filters" not in body:
            raise ValidationError(Fault(("body",), "names nothing: give document_ids, or filters", "missing"))
        return _node(body)
    if body.get("filters") is not None:
        message = "beside document_ids: give document_ids, or filters, not both"
        raise ValidationError(Fault(("body", "filters"), message, "contradiction"))
    return read_document_ids(body)


def read_document_ids(body: JSONObject) -> list[str]:
    """Raises ValidationError."""
    return list(dict.fromkeys(_items(body.get("document_ids"), ("body", "document_ids"), _document_id)))


def read_batch_get(query: dict[str, str], body: JSONObject) -> tuple[list[str], Shape]:
    """The ids, each once, and how to show the documents: with signed URLs unless told not to. Raises ValidationError."""
    _require_known(body, ("document_ids", *RENDERING_PARAMETERS), ("body",))
    flags = rendering_flags(query, body)
    shape = read_shape(flags)
    if not any(flags.get(flag) for flag in URL_FLAGS):
        shape = replace(shape, urls=True)
    return read_document_ids(body), shape


def _require_known(holder: JSONObject, accepted: Collection[str], location: Location) -> None:
    faults = [
        Fault((*location, name), f"unknown; accepted: {', '.join(sorted(accepted))}", "extra_forbidden")
        for name in holder
        if name not in accepted
    ]
    if faults:
        raise ValidationError(*faults)


def _items(value: Any, location: Location, read: Callable[[Any, Location], Any]) -> list[Any]:
    if not isinstance(value, list):
        raise ValidationError(Fault(location, "must be an array", "missing" if value is None else "list_type"))
    if not 1 <= len(value) <= settings.MAX_BATCH:
        message = f"must have 1 to {settings.MAX_BATCH} items, not {len(value)}"
        raise ValidationError(Fault(location, message, "list_length"))
    return [read(item, (*location, index)) for index, item in enumerate(value)]


def _document_id(value: Any, location: Location) -> str:
    if not isinstance(value, str):
        raise ValidationError(Fault(location, "must be a string", "string_type"))
    return value


def _named_update(value: Any, location: Location) -> tuple[str, Update | DomainError]:
    """One of `updates`. What is wrong with its data is its own; what is wrong with itself is the request's."""
    if not isinstance(value, dict):
        raise ValidationError(Fault(location, "must be an object", "dict_type"))
    _require_known(value, ("document_id", "update_data"), location)
    document_id = _document_id(value.get("document_id"), (*location, "document_id"))
    data = _update_data(value.get("update_data"), (*location, "update_data"))
    try:
        return document_id, read_update(document_id, data)
    except DomainError as error:
        return document_id, error


def _update_data(value: Any, location: Location) -> JSONObject:
    if not isinstance(value, dict):
        raise ValidationError(Fault(location, "must be an object", "missing" if value is None else "dict_type"))
    return value


def _parts(body: JSONObject) -> dict[str, str]:
    location = ("body", "update_data")
    return read_matching_update(_update_data(body.get("update_data"), location), location)


def _node(body: JSONObject) -> Node:
    """The filter of a write, which never matches everything by accident."""
    location = ("body", "filters")
    node = read_filters(body.get("filters"), location, writing=True)
    if node is None:
        raise ValidationError(Fault(location, "matches every document; a write's filters say which", "matches_everything"))
    return node
