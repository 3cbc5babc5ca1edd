"""The names by which questions call the parts of a document, and the SQL that reads them (contract section 7).

A user field is a dotted path (`metadata.title`, `tags.0`) or, beginning with `/`, a JSON pointer (RFC 6901), which also
reaches keys that hold dots. System and lineage names stand without prefix or below `_internal.`; they win over a user
field of the same name, which its pointer reaches.

A statement that uses a field names its rows `d` (documents_document), `c` (a relation with `public_id`, the collection's)
and, where `Field.reads_lineage`, `l` (documents_lineagestep, outer-joined).

What a path reaches: a step into an object takes the member of that name, a step into an array reaches every element that
is no array itself, and a step that is a number the element at that index. So a path reaches any number of values.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from documents.inputs import FLAT_LINEAGE
from mixpeek_site import pointers
from mixpeek_site.errors import Fault, ValidationError
from mixpeek_site.jsonio import JSONObject, dumps
from mixpeek_site.sql import Fragment

Kind = Literal["json", "text", "time"]

MAX_NAME_LENGTH: Final = 1024
MAX_STEPS: Final = 64

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """A part of a document that can be asked about.

    `kind` json: `steps` lead into the jsonb column `column`. text, time: `column` itself, `steps` is empty.
    """

    name: str
    kind: Kind
    column: str
    steps: tuple[str, ...] = ()

    @property
    def reads_lineage(self) -> bool:
        return self.column.startswith("l.")

    @property
    def has_index_steps(self) -> bool:
        """Whether a step may mean an element of an array as well as a member."""
        return any(map(_INDEX.fullmatch, self.steps))


LINEAGE_TEXTS: Final = (*FLAT_LINEAGE, "path")
"""The texts of a lineage step, by their columns."""

_LINEAGE: Final = {name: f"l.{name}" for name in FLAT_LINEAGE}
_TEXTS: Final = {
    "document_id": "d.document_id",
    "collection_id": "c.public_id",
    "document_schema_version": "d.schema_version",
    "lineage_path": "l.path",
    "lineage.path": "l.path",
    "lineage.lineage_path": "l.path",
    **_LINEAGE,
    **{f"lineage.{name}": column for name, column in _LINEAGE.items()},
}
_TIMES: Final = {"created_at": "d.created_at", "updated_at": "d.updated_at"}
_SYSTEM: Final = frozenset(("modality", "mime_type", "size_bytes", "content_hash", "processing", "source_details", "enrichments"))
_JSON: Final = {
    "internal_metadata": "d.internal_metadata",
    "source_blobs": "d.source_blobs",
    "document_blobs": "d.document_blobs",
    "lineage_chain": "l.chain",
}
_INTERNAL_TEXTS: Final = {name: column for name, column in _TEXTS.items() if name.startswith("lineage.")} | {
    "document_id": "d.document_id",
    "collection_id": "c.public_id",
}
_INTERNAL_JSON: Final = {
    "metadata": "d.internal_metadata",
    "source_blobs": "d.source_blobs",
    "document_blobs": "d.document_blobs",
}
_UNASKABLE: Final = frozenset(("features", "vectors", "vector", "presigned_url", "presigned_urls", "lineage"))


def read_field(name: object, location: tuple[str | int, ...]) -> Field:
    """The field that a request names. Raises ValidationError for what names none, at `location`."""
    if not isinstance(name, str):
        raise _refused(location, "must be a field's name", "string_type")
    if not name or len(name) > MAX_NAME_LENGTH:
        raise _refused(location, f"a field's name has 1 to {MAX_NAME_LENGTH} characters", "string_length")
    if "\x00" in name or (not name.isascii() and _has_surrogate(name)):
        raise _refused(location, "holds characters that can't be stored", "unstorable")
    if name.startswith("/"):
        return Field(name, "json", "d.payload", _pointer_steps(name, location))
    if name.startswith("_internal."):
        return _internal(name, name.removeprefix("_internal."), location)
    if column := _TEXTS.get(name):
        return Field(name, "text", column)
    if column := _TIMES.get(name):
        return Field(name, "time", column)
    steps = _steps(name, location)
    first = steps[0]
    if first == "lineage" and len(steps) > 2 and steps[1] == "lineage_chain":
        return Field(name, "json", "l.chain", steps[2:])
    if name == "lineage.lineage_chain":
        return Field(name, "json", "l.chain")
    if first in _UNASKABLE or first.startswith("_"):
        raise _unknown(name, location)
    if column := _JSON.get(first):
        return Field(name, "json", column, steps[1:])
    return Field(name, "json", "d.system" if first in _SYSTEM else "d.payload", steps)


def _internal(name: str, rest: str, location: tuple[str | int, ...]) -> Field:
    if column := _INTERNAL_TEXTS.get(rest):
        return Field(name, "text", column)
    if column := _TIMES.get(rest):
        return Field(name, "time", column)
    steps = _steps(rest, location)
    if column := _INTERNAL_JSON.get(steps[0]):
        return Field(name, "json", column, steps[1:])
    if steps[:2] == ("lineage", "chain"):
        return Field(name, "json", "l.chain", steps[2:])
    if steps[0] in _SYSTEM:
        return Field(name, "json", "d.system", steps)
    raise _unknown(name, location)


def _steps(name: str, location: tuple[str | int, ...]) -> tuple[str, ...]:
    steps = tuple(name.split("."))
    if "" in steps:
        raise _refused(location, f"{name!r} has an empty step; a key that holds dots is reached by a JSON pointer", "field")
    return _bounded(steps, location)


def _pointer_steps(name: str, location: tuple[str | int, ...]) -> tuple[str, ...]:
    if pointers.has_bad_escape(name):
        raise _refused(location, f"{name!r} is no JSON pointer: after ~ comes 0 or 1", "field")
    return _bounded(pointers.steps_of(name), location)


def _bounded(steps: tuple[str, ...], location: tuple[str | int, ...]) -> tuple[str, ...]:
    if len(steps) > MAX_STEPS:
        raise _refused(location, f"a path has at most {MAX_STEPS} steps", "field")
    return steps


def _has_surrogate(name: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in name)


def _unknown(name: str, location: tuple[str | int, ...]) -> ValidationError:
    return _refused(location, f"{name!r} can't be asked about; a user field of that name is /{name}", "field")


def _refused(location: tuple[str | int, ...], message: str, kind: str) -> ValidationError:
    return ValidationError(Fault(location, message, kind))


# The SQL ------------------------------------------------------------------------------------------------------------


def json_path(steps: tuple[str, ...]) -> str:
    """A jsonpath in lax mode, which reaches what the field's steps do as long as none of them is a number."""
    return "$" + "".join(f".{dumps(step)}" for step in steps)


def reached(field: Field) -> Fragment:
    """SQL of a jsonb array: every value that the field reaches in a row, `[]` where it is missing. Never NULL."""
    if field.kind == "text":
        return Fragment(f"CASE WHEN {field.column} IS NULL THEN '[]' ELSE jsonb_build_array({field.column}) END")
    if field.kind == "time":
        return Fragment(f"jsonb_build_array({iso_text(field.column)})")
    params: tuple[object, ...] = ()
    if not field.steps:
        text = f"jsonb_build_array({field.column})"
    elif field.has_index_steps:
        text, params = f"documents_reached({field.column}, %s::text[])", (list(field.steps),)
    else:
        text, params = f"jsonb_path_query_array({field.column}, %s::jsonpath)", (json_path(field.steps),)
    if field.reads_lineage:  # a document without lineage has no row there
        text = f"CASE WHEN {field.column} IS NULL THEN '[]' ELSE {text} END"
    return Fragment(text, params)


def value(field: Field) -> Fragment:
    """SQL of the jsonb value to sort and group by: what is reached, several values as one array; NULL if missing or null."""
    text, params = reached(field)
    return Fragment(f"documents_value({text})", params)


def is_index(step: str) -> bool:
    """Whether a step may mean an element of an array as well as a member."""
    return _INDEX.fullmatch(step) is not None


def iso_text(column: str) -> str:
    """A time as the answers show it: ISO 8601 in UTC, a zero fraction left out. The session's time zone is UTC."""
    return f"(replace(left({column}::text, -3), ' ', 'T') || 'Z')"


def value_at(document: JSONObject, steps: tuple[str, ...]) -> list[object]:
    """What the steps reach in parsed JSON: the meaning of `reached`, for small things done in Python."""
    values: list[object] = [document]
    for step in steps:
        values = [found for value in values for found in _step(value, step)]
    return values


def _step(value: object, step: str) -> list[object]:
    if isinstance(value, dict):
        return [value[step]] if step in value else []
    if not isinstance(value, list):
        return []
    if _INDEX.fullmatch(step):
        return value[int(step) : int(step) + 1]
    return [element[step] for element in value if isinstance(element, dict) and step in element]
