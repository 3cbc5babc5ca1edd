"""What an index holds of a document: SQL made once, when a path is declared, and kept as text in the registry.

A statement is served by an index only if it has the same expression, constants included. So the path is a literal,
quoted by psycopg, and statements take the text from the registry: nothing of a request gets into it.
"""

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from psycopg import sql

from documents.fields import Field, json_path, read_field
from mixpeek_site.errors import Fault, ValidationError

Kind = Literal["order", "time", "words"]
Index = tuple[tuple[str, ...], Kind]
"""A path and what is indexed of its values."""

KINDS: Final[dict[str, tuple[Kind, ...]]] = {
    "keyword": ("order",),
    "uuid": ("order",),
    "bool": ("order",),
    "integer": ("order",),
    "float": ("order",),
    "datetime": ("order", "time"),
    "text": ("words",),
    "geo": (),
}
"""The indexes that a declared type means."""

EVERYTHING: Final = "*"
"""The name that declares the index of `search`: the words of all string values. A field of that name is /*."""

SEARCH: Final[Index] = ((), "words")

MAX_PER_NAMESPACE: Final = 64


class Expressions(NamedTuple):
    """SQL over the columns of documents_document."""

    value: str
    """What documents/fields.py calls the value of a field: jsonb, NULL where it is missing or null."""
    key: str
    """What the index holds of it."""


def read_declared(declared: Any, location: tuple[str | int, ...]) -> list[tuple[Field, tuple[Kind, ...]]]:
    """The field and the kinds of each declared index, in their order. Raises ValidationError with every fault found."""
    if not isinstance(declared, list) or len(declared) > MAX_PER_NAMESPACE:
        raise ValidationError(Fault(location, f"must be an array of at most {MAX_PER_NAMESPACE} indexes", "list_length"))
    read: list[tuple[Field, tuple[Kind, ...]]] = []
    found: list[Fault] = []
    for place, each in enumerate(declared):
        try:
            read.append(_read_one(each, (*location, place)))
        except ValidationError as error:
            found += error.faults
    if found:
        raise ValidationError(*found)
    return read


def faults(declared: Any, location: tuple[str | int, ...]) -> Sequence[Fault]:
    """What `read_declared` refuses."""
    try:
        read_declared(declared, location)
    except ValidationError as error:
        return error.faults
    return ()


def _read_one(declared: Any, location: tuple[str | int, ...]) -> tuple[Field, tuple[Kind, ...]]:
    if not isinstance(declared, dict):
        raise ValidationError(Fault(location, "must be an object", "dict_type"))
    kinds = KINDS.get(declared["type"]) if isinstance(declared.get("type"), str) else None
    if kinds is None:
        raise ValidationError(Fault((*location, "type"), f"must be one of {', '.join(KINDS)}", "enum"))
    if declared.get("field_name") == EVERYTHING:
        if kinds != ("words",):
            raise ValidationError(Fault((*location, "type"), f"must be text for {EVERYTHING}, which `search` looks at", "enum"))
        return Field(EVERYTHING, "json", "d.payload"), kinds
    return read_field(declared.get("field_name"), (*location, "field_name")), kinds


def is_user_field(field: Field) -> bool:
    """Whether an index of its own is for the field: system and lineage fields have theirs already."""
    return field.column == "d.payload"


def indexes(read: list[tuple[Field, tuple[Kind, ...]]]) -> list[Index]:
    """The indexes that are meant, each once, in the order in which all lock them."""
    return sorted({(field.steps, kind) for field, kinds in read if is_user_field(field) for kind in kinds})


def expressions(steps: tuple[str, ...], kind: Kind, table: str = "") -> Expressions:
    """The SQL of an index; `table` stands before the columns. A literal % is one %.

    A path with a numeric step takes long to follow, so only where its first member is there.
    """
    payload = f"{table}payload"
    if not steps:
        return Expressions(payload, f"documents_words({table}collection_id, {payload})")
    if Field("", "json", "d.payload", steps).has_index_steps:
        way = f"{payload}, {_literal(list(steps))}"
        reached = f"COALESCE(documents_straight({way}), documents_reached({way}))"
        value = f"CASE WHEN {payload} ? {_literal(steps[0])} THEN documents_value({reached}) END"
    else:
        value = f"documents_value(jsonb_path_query_array({payload}, {_literal(json_path(steps))}::jsonpath))"
    keys: dict[Kind, str] = {
        "order": f"documents_order_key({value})",
        "time": f"documents_time({value} #>> '{{}}')",
        "words": f"documents_field_words({table}collection_id, {value})",
    }
    return Expressions(value, keys[kind])


NAME_PREFIX: Final = "document_payload_"


def index_name(number: int) -> str:
    """The name of the index that has this number in the registry."""
    return f"{NAME_PREFIX}{number}"


def definition(number: int, steps: tuple[str, ...], kind: Kind) -> str:
    """The statement that makes the index."""
    value, key = expressions(steps, kind)
    columns = f"gin (({key}))" if kind == "words" else f"btree (namespace_id, collection_id, ({key}), id)"
    statement = f"CREATE INDEX CONCURRENTLY {index_name(number)} ON documents_document USING {columns}"
    if not steps:
        return f"{statement} WITH (gin_pending_list_limit = 512)"
    held = key if kind == "time" else value
    return f"{statement} WHERE {held} IS NOT NULL"


def _literal(value: str | list[str]) -> str:
    return sql.Literal(value).as_string(None).strip()
