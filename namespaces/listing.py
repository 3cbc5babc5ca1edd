"""Lists of places and objects: small values that say what is asked for, and the SQL that carries it out.

One shape serves namespaces, collections, buckets and objects: equality conditions, a search, one sort key with the row's
own id as tie-break, and a page by offset or by the last row's position.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mixpeek_site import jsonio, sql
from mixpeek_site.errors import BadRequestError
from namespaces import rows


@dataclass(frozen=True, slots=True)
class Condition:
    """The field's value is one of `values` (JSON values; null matches missing ones, too)."""

    path: tuple[str, ...]
    values: tuple[Any, ...]
    case_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """A key of `Kind.sorts`, ascending or descending."""

    key: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list asks for. `position` is that of the last row of the page before: its sort value as text, its id."""

    conditions: tuple[Condition, ...] = ()
    search: str | None = None
    case_sensitive: bool = False
    sort: Sort | None = None
    limit: int = 10
    offset: int = 0
    position: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of row is listed. Expressions are of the table alias `t`."""

    table: str
    columns: rows.Columns
    id_type: str
    default_sort: Sort
    sorts: Mapping[str, tuple[str, str]]  # key -> expression that is never null, and its type
    fields: Mapping[str, str]  # field of the API -> its column; the others are members of `open_column`
    open_column: str
    searched: tuple[str, ...]  # text expressions
    alive: str = "true"  # the condition under which rows count
    defaults: Mapping[str, Any] = field(default_factory=dict)  # what answers show for members that are not stored


_TIMES = {"created_at": ("t.created_at", "timestamptz"), "updated_at": ("t.updated_at", "timestamptz")}


def _place(kind: str, columns: rows.Columns, defaults: Mapping[str, Any], *, deletable: bool, **more_fields: str) -> Kind:
    """Namespaces, collections and buckets: alike but for their names."""
    return Kind(
        table=f"namespaces_{kind}",
        columns=columns,
        id_type="bigint",
        default_sort=Sort("id"),
        sorts={
            "id": ("t.id", "bigint"),
            f"{kind}_id": ("t.public_id", "text"),
            f"{kind}_name": ("t.name", "text"),
            "name": ("t.name", "text"),
            "description": ("coalesce(t.description, '')", "text"),
            **_TIMES,
        },
        fields={
            f"{kind}_id": "t.public_id",
            f"{kind}_name": "t.name",
            "name": "t.name",
            "description": "t.description",
            **more_fields,
        },
        open_column="t.config",
        searched=("t.name", "t.public_id", "coalesce(t.description, '')"),
        alive="t.deleted_at IS NULL" if deletable else "true",
        defaults=defaults,
    )


NAMESPACES = _place(
    "namespace",
    rows.NAMESPACE,
    {"namespace_type": "standard", "mode": "managed", "auto_create_indexes": False, "adaptive_indexing": False},
    deletable=True,
)
COLLECTIONS = _place(
    "collection",
    rows.COLLECTION,
    {"enabled": True, "lifecycle_state": "active", "schema_validation": "off"},
    deletable=True,
    feature_extractor_id="t.feature_extractor_id",
)
BUCKETS = _place("bucket", rows.BUCKET, {}, deletable=False)
OBJECTS = Kind(
    table="namespaces_bucketobject",
    columns=rows.OBJECT,
    id_type="uuid",
    default_sort=Sort("created_at"),
    sorts={
        "object_id": ("t.object_id", "text"),
        "key_prefix": ("coalesce(t.key_prefix, '')", "text"),
        "size_bytes": ("t.size_bytes", "bigint"),
        **_TIMES,
    },
    fields={
        "object_id": "t.object_id",
        "key_prefix": "t.key_prefix",
        "status": "coalesce(t.system ->> 'status', 'PENDING')",
        "error": "t.system ->> 'error'",
    },
    open_column="t.fields",
    searched=("t.object_id", "coalesce(t.key_prefix, '')", "t.fields::text"),
)


@dataclass(frozen=True, slots=True)
class PageOfRows:
    """`rows` hold the kind's columns and one more; `next_position` is None on the last page."""

    rows: list[sql.Row]
    next_position: tuple[str, str] | None


def count(kind: Kind, within: str, params: tuple[Any, ...], listing: Listing) -> int:
    """How many rows the listing finds; `within` is the SQL condition that names the place. One statement."""
    where, values = _where(kind, within, params, listing)
    row = sql.one(f"SELECT count(*) FROM {kind.table} t WHERE {where}", values)
    return int(row[0]) if row else 0


def page(kind: Kind, within: str, params: tuple[Any, ...], listing: Listing) -> PageOfRows:
    """One page. One statement. Raises BadRequestError for a position that is not of this list."""
    sort = listing.sort or kind.default_sort
    expression, type_ = kind.sorts[sort.key]
    where, values = _where(kind, within, params, listing)
    direction = "DESC" if sort.descending else "ASC"
    if listing.position is not None:
        where += f" AND ({expression}, t.id) {'<' if sort.descending else '>'} (%s::{type_}, %s::{kind.id_type})"
        values += _position(listing.position)
    found = sql.rows(
        f"SELECT {kind.columns.sql}, {expression}::text FROM {kind.table} t WHERE {where}"
        f" ORDER BY {expression} {direction}, t.id {direction} LIMIT %s OFFSET %s",
        (*values, listing.limit + 1, listing.offset),
    )
    shown = found[: listing.limit]
    more = len(found) > len(shown)
    return PageOfRows(shown, (str(shown[-1][-1]), str(shown[-1][0])) if more else None)


def _position(position: tuple[str, str]) -> tuple[str, str]:
    if len(position) != 2 or not all(isinstance(part, str) for part in position):
        raise BadRequestError("The cursor is not one that this list gave.", parameter="cursor")
    return position


def _where(kind: Kind, within: str, params: tuple[Any, ...], listing: Listing) -> tuple[str, tuple[Any, ...]]:
    parts, values = [within, kind.alive], list(params)
    for condition in listing.conditions:
        text, found = _condition(kind, condition)
        parts.append(text)
        values += found
    if listing.search:
        fold = "{}" if listing.case_sensitive else "lower({})"
        parts.append("(" + " OR ".join(f"strpos({fold.format(text)}, {fold.format('%s')}) > 0" for text in kind.searched) + ")")
        values += [listing.search] * len(kind.searched)
    return " AND ".join(parts), tuple(values)


def _condition(kind: Kind, condition: Condition) -> tuple[str, list[Any]]:
    """One OR of equalities, compared as JSON: 1 = 1.0, and strings without regard to case unless asked."""
    column = kind.fields.get(condition.path[0]) if len(condition.path) == 1 else None
    base: list[Any] = []
    if column is not None:
        value = f"to_jsonb({column})"
    else:
        value, base = f"({kind.open_column} #> %s::text[])", [list(condition.path)]
        default = kind.defaults.get(condition.path[0]) if len(condition.path) == 1 else None
        if default is not None:
            value, base = f"coalesce({value}, %s::jsonb)", [*base, jsonio.dumps(default)]
    parts: list[str] = []
    values: list[Any] = []
    for wanted in condition.values:
        if wanted is None:
            parts.append(f"coalesce({value}, 'null') = 'null'")
            values += base
        elif isinstance(wanted, str) and not condition.case_sensitive:
            parts.append(f"(jsonb_typeof({value}) = 'string' AND lower({value} #>> '{{}}') = lower(%s))")
            values += [*base, *base, wanted]
        else:
            parts.append(f"{value} = %s::jsonb")
            values += [*base, jsonio.dumps(wanted)]
    return "(" + (" OR ".join(parts) or "false") + ")", values
