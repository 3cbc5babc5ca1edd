"""An aggregation as one SQL statement.

Every CTE names its columns by number, v0 (what fields hold), k0 (keys), m0 (metrics); the request's aliases stay in
Python. In order: `scope`, `read` (a row for each document or element), `keyed`, where values are collected `marked` and
`weighed`, `grouped`, `kept` (having, order, limit), `shown` (JSON texts).

Nothing here grows with the collection but what PostgreSQL keeps on disk when it is large: `first` and `last` keep one
value, what `push` and `add_to_set` collect is weighed before it is collected, and texts are sent only if all are small enough.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from documents.aggregation.columns import Column, Type, below, read
from documents.aggregation.values import HAVING_OPERATORS, Aggregation, Having, Key, Metric, Sort
from documents.fields import Field
from documents.filters import Node, conditions, predicate, reads_lineage
from documents.stored import STEP_JOIN
from mixpeek_site.jsonio import dumps
from mixpeek_site.sql import Fragment
from namespaces.scope import Scope

MAX_ANSWER_BYTES: Final = 64 * 1024 * 1024
VALUE_OVERHEAD: Final = 32
"""Bytes that a collected value counts beyond its text: what PostgreSQL needs to hold it."""

_NOTHING: Final = Fragment("")
_PARTS: Final = {
    "year": "year",
    "month": "month",
    "week": "week",
    "day": "day",
    "dayOfWeek": "dow",
    "dayOfYear": "doy",
    "hour": "hour",
    "minute": "minute",
    "second": "second",
}


def matching(
    filters: Node | None, fields: Iterable[Field] = (), unwind: Fragment = _NOTHING, narrowing: Fragment = _NOTHING
) -> Fragment:
    """`FROM … WHERE …` of the collection's documents that match, for statements that begin with the scope's CTE.

    The aliases are those of documents/fields.py: d, and c and l where `fields` or the filter read them. `narrowing`: what an
    index says of the filter (documents/listing).
    """
    read = [*fields, *(condition.field for condition in conditions(filters))]
    text = "FROM documents_document d"
    if any(each.column.startswith("c.") for each in read):
        text += " CROSS JOIN (SELECT collection AS public_id FROM scope) c"
    if reads_lineage(filters) or any(each.reads_lineage for each in read):
        text += STEP_JOIN
    # Scalar subqueries, not a join: they are compared while the table is read. Where an index names the documents, the
    # planner is not shown that it could read the whole collection by another.
    hidden = " + 0" if narrowing.text else ""
    text += (
        f"{unwind.text} WHERE d.namespace_id{hidden} = (SELECT namespace_id FROM scope)"
        f" AND d.collection_id{hidden} = (SELECT collection_id FROM scope){narrowing.text}"
    )
    params = (*unwind.params, *narrowing.params)
    if filters is None:
        return Fragment(text, params)
    condition = predicate(filters)
    return Fragment(f"{text} AND ({condition.text})", (*params, *condition.params))


def compile_count(scope: Scope, collection: str, filters: Node) -> Fragment:
    """One row `(collection, count)`, none if there is no such collection."""
    cte, params = scope.cte(collection)
    source = matching(filters)
    return Fragment(
        f"WITH {cte} SELECT scope.collection, counted.n FROM scope CROSS JOIN (SELECT count(*) AS n {source.text}) counted",
        (*params, *source.params),
    )


def compile_aggregation(scope: Scope, collection: str, asked: Aggregation, narrowing: Fragment = _NOTHING) -> Fragment:
    """Rows `(collection, total groups, collected too much, bytes, a JSON text for each key and each metric)`.

    No row: there is no such collection. One row without a total: there is no group. The texts are NULL for null, and all
    are NULL when `bytes` is more than MAX_ANSWER_BYTES.
    """
    return _Compiler(asked, narrowing).statement(scope, collection)


@dataclass
class _Statement:
    """CTEs and their parameters, in order."""

    ctes: list[str] = field(default_factory=list)
    params: list[Any] = field(default_factory=list)

    def add(self, name: str, select: list[str], rest: Fragment, params: Iterable[Any] = ()) -> None:
        """`params`: those of the select list."""
        self.ctes.append(f"{name} AS (SELECT {', '.join(select)} {rest.text})")
        self.params += [*params, *rest.params]


class _Compiler:
    def __init__(self, asked: Aggregation, narrowing: Fragment) -> None:
        self.asked = asked
        self.narrowing = narrowing
        self.out = _Statement()
        self.values: dict[Field, Column] = {}
        self.keys: list[Column] = []
        self.metrics: list[Column] = []
        functions = {metric.function for metric in asked.metrics}
        self.pushed = [metric for metric in asked.metrics if metric.function == "push"]
        self.collected = [metric for metric in asked.metrics if metric.function == "add_to_set"]
        self.ordered = bool(functions & {"first", "last", "push"})
        self.moment = ["created_at", "id", *(["place"] if asked.unwind else [])]

    def statement(self, scope: Scope, collection: str) -> Fragment:
        cte, params = scope.cte(collection)
        self.out = _Statement([cte], list(params))
        self._read()
        self._keyed()
        rows = "keyed"
        if self.pushed or self.collected:
            rows = self._weighed()
        self._grouped(rows)
        self._kept()
        self._shown()
        texts = [f"t{number}" for number in range(len(self.keys) + len(self.metrics))]
        few = [f"CASE WHEN bytes <= {MAX_ANSWER_BYTES} THEN {text} END" for text in texts]
        return Fragment(
            f"WITH {', '.join(self.out.ctes)} SELECT {', '.join(['scope.collection', 'total', 'too_much', 'bytes', *few])}"
            f" FROM scope LEFT JOIN (SELECT *, {_bytes(texts)} AS bytes FROM shown) s ON true ORDER BY {self._order()}",
            tuple(self.out.params),
        )

    # The rows -----------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        """OFFSET 0 keeps PostgreSQL from reading a value once for each place that uses it."""
        asked = self.asked
        named = [*(key.field for key in asked.keys), *(metric.field for metric in asked.metrics if metric.field)]
        select: list[str] = []
        params: list[Any] = []
        for each in dict.fromkeys(named):
            fragment, kind = read(self._from_element(each))
            self.values[each] = Column(f"v{len(self.values)}", kind)
            select.append(f"{fragment.text} AS {self.values[each].name}")
            params += fragment.params
        if self.ordered:
            select += ["d.created_at", "d.id", *(["u.place"] if asked.unwind else [])]
        fields = [*named, *([asked.unwind] if asked.unwind else [])]
        source = matching(asked.filters, fields, self._unwound(), self.narrowing)
        self.out.add("read", select or ["1"], Fragment(f"{source.text} OFFSET 0", source.params), params)

    def _from_element(self, named: Field) -> Field:
        return (self.asked.unwind and below(named, self.asked.unwind)) or named

    def _unwound(self) -> Fragment:
        """A row for each element of an array; for a value that is none, itself; none for what is null or missing."""
        if self.asked.unwind is None:
            return _NOTHING
        value, kind = read(self.asked.unwind)
        whole = Column("w.whole", kind).jsonb().text
        elements = (
            f"CASE WHEN w.whole IS NULL THEN '[]' WHEN jsonb_typeof({whole}) = 'array' THEN {whole}"
            f" ELSE jsonb_build_array({whole}) END"
        )
        source = f"(SELECT {value.text} AS whole OFFSET 0) w"
        if self.ordered:
            text = f"{source} CROSS JOIN LATERAL jsonb_array_elements({elements}) WITH ORDINALITY u(element, place)"
        else:  # half the time of a function in FROM, which keeps its rows
            text = f"(SELECT jsonb_array_elements({elements}) AS element FROM {source}) u"
        return Fragment(f" CROSS JOIN LATERAL {text}", value.params)

    def _keyed(self) -> None:
        select: list[str] = []
        params: list[Any] = []
        for number, key in enumerate(self.asked.keys):
            column = f"k{number}"
            fragment, self_type = _key(key, self.values[key.field])
            labels = tuple(key.buckets.labels) if key.buckets else ()
            self.keys.append(Column(column, self_type, labels))
            select.append(f"{fragment.text} AS {column}")
            params += fragment.params
        rest = "FROM read"
        if self.asked.without_null and self.keys:
            rest += " WHERE " + " AND ".join(f"{value.name} IS NOT NULL" for value in self._key_values())
        self.out.add("keyed", [*select, "read.*"], Fragment(rest), params)

    def _key_values(self) -> list[Column]:
        return [self.values[key.field] for key in self.asked.keys]

    def _weighed(self) -> str:
        """Marks the first of equal values in a group, and weighs what has been collected up to each row."""
        keys = [key.name for key in self.keys]
        weights = [self._weight(metric) for metric in self.pushed]
        marks = []
        for metric in self.collected:
            value = self._value(metric)
            mark = f"first_{value.name}"
            marks.append(f"row_number() OVER (PARTITION BY {', '.join([*keys, value.name])}) = 1 AS {mark}")
            weights.append(f"CASE WHEN {mark} THEN {self._weight(metric)} ELSE 0 END")
        source = "keyed"
        if marks:
            self.out.add("marked", ["*", *dict.fromkeys(marks)], Fragment("FROM keyed"))
            source = "marked"
        weight = f"sum({' + '.join(weights)}) OVER (ROWS UNBOUNDED PRECEDING) AS weight"
        self.out.add("weighed", ["*", weight], Fragment(f"FROM {source}"))
        return "weighed"

    def _weight(self, metric: Metric) -> str:
        text = self._value(metric).json_text().text
        return f"COALESCE(octet_length({text}) + {VALUE_OVERHEAD}, 0)"

    def _value(self, metric: Metric) -> Column:
        assert metric.field is not None
        return self.values[metric.field]

    # The groups ---------------------------------------------------------------------------------------------------

    def _grouped(self, rows: str) -> None:
        select = [key.name for key in self.keys]
        for number, metric in enumerate(self.asked.metrics):
            text, kind = self._metric(metric)
            self.metrics.append(Column(f"m{number}", kind))
            select.append(f"{text} AS m{number}")
        select.append("count(*) AS size")
        if self.pushed or self.collected:
            select.append(f"COALESCE(bool_or(weight > {MAX_ANSWER_BYTES}), false) AS too_much")
        grouping = ", ".join(key.name for key in self.keys) or "()"
        self.out.add("grouped", select, Fragment(f"FROM {rows} GROUP BY {grouping}"))

    def _metric(self, metric: Metric) -> tuple[str, Type]:
        """SQL of an aggregate over the group's rows, and its type. Null and missing values take no part."""
        if metric.field is None:
            return "count(*)", "number"
        value = self._value(metric)
        name, function = value.name, metric.function
        if function in ("count", "count_distinct"):
            return f"count({'DISTINCT ' if function == 'count_distinct' else ''}{name})", "number"
        if function == "sum":
            return f"COALESCE(sum({value.number()}), 0)", "number"
        if function == "avg":
            return f"trim_scale(avg({value.number()}))", "number"
        if function in ("min", "max"):
            if value.type == "json":  # there is no min(jsonb), but arrays compare by their elements
                return f"({function}(ARRAY[{name}]) FILTER (WHERE {name} IS NOT NULL))[1]", "json"
            return f"{function}({name})", value.type
        jsonb = value.jsonb().text
        if function in ("first", "last"):
            moment = ["extract(epoch FROM created_at)", *self.moment[1:]]
            extreme = "min" if function == "first" else "max"
            dated = f"jsonb_build_array({', '.join([*moment, jsonb])})"
            return f"({extreme}(ARRAY[{dated}]) FILTER (WHERE {name} IS NOT NULL))[1] -> {len(moment)}", "json"
        within = f"weight <= {MAX_ANSWER_BYTES}"
        if function == "push":
            chosen, order = f"{name} IS NOT NULL AND {within}", ", ".join(self.moment)
        else:
            chosen, order = f"{name} IS NOT NULL AND first_{name} AND {within}", name
        return f"COALESCE(string_agg({value.json_text().text}, ',' ORDER BY {order}) FILTER (WHERE {chosen}), '')", "set"

    def _kept(self) -> None:
        too_much = "bool_or(too_much) OVER ()" if self.pushed or self.collected else "false"
        conditions = [self._having(condition) for condition in self.asked.having]
        text = "FROM grouped"
        if conditions:
            text += " WHERE " + " AND ".join(condition.text for condition in conditions)
        params = [param for condition in conditions for param in condition.params]
        columns = [column.name for column in (*self.keys, *self.metrics)]
        self.out.add(
            "kept",
            [*columns, "size", "count(*) OVER () AS total", f"{too_much} AS too_much"],
            Fragment(f"{text} ORDER BY {self._order()} LIMIT %s", (*params, self.asked.limit)),
        )

    def _having(self, condition: Having) -> Fragment:
        """Numbers compare with numbers, strings with strings: as times where both are times, else by code point. Other types
        differ, and are neither less nor greater; null fulfils nothing.
        """
        column = (self.keys if condition.on == "keys" else self.metrics)[condition.index]
        found, value = column.jsonb(), dumps(condition.value)
        operator = HAVING_OPERATORS[condition.operator]
        if condition.operator in ("eq", "ne"):
            return Fragment(f"COALESCE({found.text} {operator} %s::jsonb, false)", (*found.params, value))
        if not isinstance(condition.value, str):
            text = f"COALESCE(jsonb_typeof(h) = 'number' AND h {operator} %s::jsonb, false)"
            return Fragment(f"(SELECT {text} FROM (SELECT {found.text} AS h) x)", (value, *found.params))
        time = Column("h", "json").time()
        text = (
            f"COALESCE(jsonb_typeof(h) = 'string' AND COALESCE({time} {operator} documents_time(%s::text),"
            f" h {operator} %s::jsonb), false)"
        )
        return Fragment(f"(SELECT {text} FROM (SELECT {found.text} AS h) x)", (condition.value, value, *found.params))

    def _order(self) -> str:
        """Null comes last in both directions."""
        sort: Sort = self.asked.sort
        first = "size" if sort.by == "size" else (self.keys if sort.by == "keys" else self.metrics)[sort.index].name
        terms = [f"{first} {'DESC' if sort.descending else 'ASC'} NULLS LAST"]
        terms += [f"{key.name} ASC NULLS LAST" for key in self.keys if key.name != first]
        return ", ".join(terms)

    def _shown(self) -> None:
        texts = [column.json_text() for column in (*self.keys, *self.metrics)]
        select = [f"CASE WHEN NOT too_much THEN {fragment.text} END AS t{number}" for number, fragment in enumerate(texts)]
        params = [param for fragment in texts for param in fragment.params]
        self.out.add("shown", ["kept.*", *select], Fragment("FROM kept OFFSET 0"), params)


def _key(key: Key, value: Column) -> tuple[Fragment, Type]:
    """The session's time zone is UTC."""
    if key.date_trunc:
        return Fragment(f"date_trunc('{key.date_trunc}', {value.time()})"), "period"
    if key.date_part:
        part = f"floor(extract({_PARTS[key.date_part]} FROM {value.time()}))::integer"
        if key.date_part == "dayOfWeek":
            part = f"{part} + 1"  # Sunday is PostgreSQL's 0
        elif key.date_part == "year":
            part = f"(2 * {part} + 1) / 2"  # the year before 1, to which an offset may lead, is PostgreSQL's -1: 0
        return Fragment(part), "number"
    if key.buckets:
        boundaries = [str(boundary) for boundary in key.buckets.boundaries]
        count = len(boundaries)
        place = f"width_bucket({value.number()}, %s::text[]::numeric[])"
        # Below the first boundary is 0, from the last one on is `count`: both become `count`.
        return Fragment(f"(({place} + {count - 1}) %% {count} + 1)", (boundaries,)), "label"
    return Fragment(value.name), value.type


def _bytes(texts: list[str]) -> str:
    total = " + ".join(f"COALESCE(octet_length({text}), 4)" for text in texts)
    return f"sum({total}) OVER ()"
