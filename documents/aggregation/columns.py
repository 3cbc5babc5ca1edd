"""Typed SQL expressions: what a field reads, and how each type is shown as JSON.

A field that is a column keeps the column's own type, by which PostgreSQL groups faster than by jsonb.
"""

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from documents import fields
from documents.fields import Field
from mixpeek_site.sql import Fragment

Type = Literal["json", "text", "time", "period", "number", "set", "label"]

# Columns whose value is always an object; other columns may be arrays, into which a step reaches every element.
_OBJECTS: Final = frozenset(("d.payload", "d.system", "d.internal_metadata"))
# What `#>` takes for the place of an element though it is none to documents/fields.py ("-1", "01", " 1").
_LIKE_A_PLACE: Final = re.compile(r"\s*[+-]?[0-9]+", re.ASCII)
_PLACE: Final = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Column:
    """A column by name. `time` and `period` are timestamptz, the latter in whole seconds and from the year 0 on; `number` is any
    of PostgreSQL's numbers, `set` the JSON texts of an array's elements, `label` a place (from 1) among `labels`.
    """

    name: str
    type: Type
    labels: tuple[str, ...] = ()

    def json_text(self) -> Fragment:
        """SQL of its JSON text; NULL where it is null."""
        if self.type in ("json", "number"):
            return Fragment(f"{self.name}::text")
        if self.type in ("time", "period"):
            return Fragment(f"""('"' || {self._iso()} || '"')""")
        if self.type == "set":
            return Fragment(f"('[' || {self.name} || ']')")
        if self.type == "label":
            return Fragment(f"to_json((%s::text[])[{self.name}])::text", (list(self.labels),))
        return Fragment(f"to_json({self.name})::text")

    def jsonb(self) -> Fragment:
        """SQL of its jsonb value; NULL where it is null. Of a `set`: any array, for comparisons with scalars."""
        if self.type == "set":
            return Fragment("'[]'::jsonb")
        if self.type == "json":
            return Fragment(self.name)
        if self.type in ("time", "period"):
            return Fragment(f"to_jsonb({self._iso()})")
        if self.type == "label":
            return Fragment(f"to_jsonb((%s::text[])[{self.name}])", (list(self.labels),))
        return Fragment(f"to_jsonb({self.name})")

    def _iso(self) -> str:
        if self.type == "time":
            return fields.iso_text(self.name)
        year = f"CASE WHEN {self.name} < '0001-01-01Z' THEN '0000' ELSE to_char({self.name}, 'YYYY') END"
        return f"""({year} || to_char({self.name}, '-MM-DD"T"HH24:MI:SS"Z"'))"""

    def number(self) -> str:
        """SQL of its numeric value; NULL where it is none."""
        if self.type == "json":
            return f"CASE WHEN jsonb_typeof({self.name}) = 'number' THEN {self.name}::numeric END"
        return self.name if self.type == "number" else "NULL::numeric"

    def time(self) -> str:
        """SQL of the timestamptz that it is, or says in ISO 8601; NULL where it is none."""
        if self.type == "json":
            return f"CASE WHEN jsonb_typeof({self.name}) = 'string' THEN documents_time({self.name} #>> '{{}}') END"
        if self.type == "text":
            return f"documents_time({self.name}::text)"
        return self.name if self.type == "time" else "NULL::timestamptz"


def read(field: Field) -> tuple[Fragment, Type]:
    """SQL of a field's value, as `fields.value` means it, and its type. NULL if missing or null."""
    if field.kind != "json":
        return Fragment(field.column), field.kind
    steps = field.steps
    if not steps:
        return Fragment(f"NULLIF({field.column}, 'null')"), "json"
    if any(_LIKE_A_PLACE.fullmatch(step) and not _PLACE.fullmatch(step) for step in steps):
        return fields.value(field), "json"
    return _direct(field), "json"


def _direct(field: Field) -> Fragment:
    """`#>` finds what lies behind objects alone, at half the cost; only an array on the way needs the general reader."""
    steps = field.steps
    if field.column in _OBJECTS and len(steps) == 1:
        return Fragment(f"NULLIF({field.column} -> %s::text, 'null')", steps)
    found = Fragment(f"{field.column} #> %s::text[]", (list(steps),))
    befores = [steps[:length] for length in range(field.column in _OBJECTS, len(steps))]
    arrays = " OR ".join([f"jsonb_typeof({field.column} #> %s::text[]) = 'array'"] * len(befores))
    general = fields.value(field)
    return Fragment(
        f"NULLIF(COALESCE({found.text}, CASE WHEN {arrays} THEN {general.text} END), 'null')",
        (*found.params, *map(list, befores), *general.params),
    )


def below(field: Field, whole: Field) -> Field | None:
    """The field as read from an element of `whole`, aliased `u.element`; None if it does not lie in `whole`."""
    if field.column != whole.column or field.steps[: len(whole.steps)] != whole.steps:
        return None
    return replace(field, kind="json", column="u.element", steps=field.steps[len(whole.steps) :])
