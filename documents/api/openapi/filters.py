"""What the schema says of filters; what each operator means comes from the table of operators."""

from typing import Any, Final

from documents.filters import operators
from mixpeek_site.api.schema_parts import ANY, BOOLEAN, STRING, Schema, described, nullable, opened, ref

EXAMPLE: Final[dict[str, Any]] = {
    "AND": [
        {"field": "metadata.language", "operator": "in", "value": ["en", "de"]},
        {"field": "metadata.year", "operator": "gte", "value": 2020},
    ],
    "NOT": [{"field": "_internal.metadata.ingestion_status", "operator": "eq", "value": "FAILED"}],
}
FILTERS: Final[Schema] = {
    "anyOf": [ref("Filters"), {"type": "null"}],
    "description": "Conditions on user, system and lineage fields; see `Filters`.",
}

_DESCRIPTION: Final = """A condition `{field, operator, value}`, or a group whose members all hold: `AND`, `OR`, `NOT`,
the same three as `must`, `should`, `must_not` of `{key, value | match | range}`, and `{name of a field: value}` for equality.

A field is named by its path (`metadata.title`, `tags.0`), a JSON pointer (`/metadata/a.b`), or as a system or lineage field
(`created_at`, `_internal.lineage.path`). An operator holds for an array if it holds for one element or for the array itself
(`ne`, `nin`: for all). Missing and null match nothing but `is_null`, `eq` null and, where null is stored, `exists`; `NOT`
matches them. Nested at most 10 deep, at most 200 conditions."""

COMPONENTS: dict[str, Schema] = {
    "Filters": opened(
        {
            "AND": described(ANY, "All of these hold: conditions or groups, an array or one object."),
            "OR": described(ANY, "At least one of these holds."),
            "NOT": described(ANY, "None of these holds."),
            "must": described(ANY, "All of these hold: conditions `{key, value | match | range}`, an array or one object."),
            "should": described(ANY, "At least one of these holds."),
            "must_not": described(ANY, "None of these holds."),
            "case_sensitive": nullable(described(BOOLEAN, "How the strings below are compared; false unless given.")),
            "field": described(STRING, "Of a condition: the name of a field."),
            "operator": {"anyOf": [ref("FilterOperator"), {"type": "null"}], "description": "Of a condition; `eq` unless given."},
            "value": described(ANY, "Of a condition: what the operator takes. `exists` and `is_null` need none: true."),
        },
        description=_DESCRIPTION,
        examples=[
            EXAMPLE,
            {"metadata.title": "x"},
            {"must": [{"key": "metadata.year", "range": {"gte": 2020, "lt": 2030}}]},
            *({"field": "metadata.title", "operator": one.name, "value": one.example} for one in operators.OPERATORS.values()),
        ],
    ),
    "FilterOperator": {"type": "string", "enum": [*operators.OPERATORS], "description": operators.as_list()},
}
