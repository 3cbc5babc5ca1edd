"""Small builders of JSON Schema (OpenAPI 3.1), for the components that each app contributes."""

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
OBJECT: Schema = {"type": "object"}
ANY: Schema = {}
TIME: Schema = {"type": "string", "format": "date-time"}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def nullable(schema: Schema) -> Schema:
    if "$ref" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def optional(properties: dict[str, Schema]) -> dict[str, Schema]:
    """Each property may be null, which means absent."""
    return {name: nullable(schema) if schema else schema for name, schema in properties.items()}


def described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def closed(properties: dict[str, Schema], required: Sequence[str] = (), **more: Any) -> Schema:
    """An object that has these properties and no others."""
    return {**opened(properties, required, **more), "additionalProperties": False}


def opened(properties: dict[str, Schema], required: Sequence[str] = (), **more: Any) -> Schema:
    """An object that may have other properties, too."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, **needed, "additionalProperties": True, **more}


OBJECTS = array(OBJECT)
STRINGS = array(STRING)

PAGE_PROPERTIES: dict[str, Schema] = {
    "limit": nullable({"type": "integer", "minimum": 1, "maximum": 1000, "description": "How many; default 10."}),
    "page_size": nullable({"type": "integer", "minimum": 1, "maximum": 1000, "description": "The same as `limit`."}),
    "offset": nullable({"type": "integer", "minimum": 0, "maximum": 10000, "description": "How many to leave out first."}),
    "page": nullable({"type": "integer", "minimum": 1, "description": "The number of the page, from 1."}),
    "cursor": nullable(described(STRING, "The `next_cursor` of the page before; also called `next_cursor` or `after`.")),
    "next_cursor": nullable(described(STRING, "The same as `cursor`.")),
    "after": nullable(described(STRING, "The same as `cursor`.")),
    "include_total": nullable(described(BOOLEAN, "Whether to count them all.")),
}
