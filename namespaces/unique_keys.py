"""Unique keys of buckets: which fields tell objects apart, and what a create does when one with the same values is there."""

import hashlib
from decimal import Decimal
from enum import StrEnum
from typing import Any

import simplejson

from mixpeek_site.errors import BadRequestError, Fault, ValidationError
from mixpeek_site.jsonio import JSONObject


class Policy(StrEnum):
    """What a create does: insert (409 when it is there), update (404 when it is not), upsert (either)."""

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"


def policy(unique_key: JSONObject | None, asked: str | None) -> Policy:
    """The policy of a create, from the request or the bucket's `unique_key {fields, default_policy}`.

    Raises BadRequestError when the bucket has a unique key and neither says.
    """
    if unique_key is None:
        return Policy.INSERT
    chosen = asked or unique_key.get("default_policy")
    if chosen is None:
        raise BadRequestError("The bucket has a unique key without a default policy: pass ?policy=insert, update or upsert.")
    return Policy(chosen)


def digest(unique_key: JSONObject | None, fields: JSONObject) -> str | None:
    """What the object's key fields come to (equal values, equal digests), or None without a unique key.

    Raises ValidationError when a key field (a dotted path into the user fields) is missing or null.
    """
    if unique_key is None:
        return None
    values = {name: _at(fields, name) for name in unique_key["fields"]}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise ValidationError(
            *(Fault(("body", *name.split(".")), "is part of the bucket's unique key", "missing") for name in missing)
        )
    canonical = simplejson.dumps(_canonical(values), use_decimal=True, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _at(fields: JSONObject, path: str) -> Any:
    value: Any = fields
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _canonical(value: Any) -> Any:
    """Numbers that are equal are written alike."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value.normalize()
    if isinstance(value, dict):
        return {name: _canonical(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return value
