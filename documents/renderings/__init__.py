"""The three shapes of a document (contract section 4): one file each, nothing else knows them.

A rendering splices the JSON texts that PostgreSQL stores into the final one: nothing is parsed, numbers stay exact.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from json.encoder import encode_basestring  # the C function behind json.dumps
from typing import Final

from documents.stored import StoredDocument


@dataclass(frozen=True, slots=True)
class Extras:
    """What an answer adds when asked: signed blobs and vectors, as JSON texts."""

    document_blobs: str | None = None  # instead of the stored ones
    presigned_url: str | None = None
    presigned_urls: str = "[]"
    vectors: str | None = None
    vector: str | None = None
    vector_names: str | None = None


NO_EXTRAS: Final = Extras()
Renderer = Callable[[StoredDocument, str, Extras], str]

quoted: Callable[[str], str] = encode_basestring


def members(json_object: str) -> str:
    """The inside of a JSON object's text, followed by a comma unless it is empty."""
    inside = json_object[1:-1]
    return inside + "," if inside else ""


def text_members(*pairs: tuple[str, str | None]) -> str:
    """`"name":"text",…` of those that are not None, each followed by a comma."""
    return "".join(f'"{name}":{quoted(text)},' for name, text in pairs if text is not None)


def lone_vector(vectors: dict[str, str]) -> str | None:
    """What v1 and v2 show as `vector`: the only one, when it is dense. `vectors`: JSON texts by name."""
    only = next(iter(vectors.values())) if len(vectors) == 1 else ""
    return only if only.startswith("[") and not only.startswith("[[") else None


@cache
def renderer(schema_version: str) -> Renderer:
    """The rendering of that name. KeyError for an unknown one."""
    from documents.renderings import native, v1, v2

    return {"native": native.render, "v1": v1.render, "v2": v2.render}[schema_version]
