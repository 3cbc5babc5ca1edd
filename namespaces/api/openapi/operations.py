"""Parameters that the schema gives to several routes of places and objects."""

from typing import Any

from mixpeek_site.api.schema import operation, parameter, path_parameter
from namespaces.api.openapi.parts import BOOLEAN, PAGE_PROPERTIES, STRING

__all__ = ["BUCKET", "COLLECTION", "LIST", "NAMESPACE", "OBJECT", "choice", "flag", "operation", "text"]

NAMESPACE = path_parameter("namespace_identifier", "The namespace's id or name.")
COLLECTION = path_parameter("collection_identifier", "The collection's id or name.")
BUCKET = path_parameter("bucket_identifier", "The bucket's id or name.")
OBJECT = path_parameter("object_identifier", "The object's id.")


def flag(name: str, description: str) -> Any:
    return parameter(name, BOOLEAN, description)


def text(name: str, description: str) -> Any:
    return parameter(name, STRING, description)


def choice(name: str, choices: list[str], description: str) -> Any:
    return parameter(name, {"type": "string", "enum": choices}, description)


LIST = [
    *(
        parameter(name, {**schema, "type": schema["type"][0]}, str(schema.get("description", f"As the body's `{name}`.")))
        for name, schema in PAGE_PROPERTIES.items()
    ),
    text("search", "A part of the name, id or description."),
    text("filters", "The body's `filters` as JSON text."),
    text("sort", "The body's `sort` as JSON text."),
    flag("case_sensitive", "Whether filters and search regard case."),
    flag("include_system", "Accepted; there are no system resources here."),
]
