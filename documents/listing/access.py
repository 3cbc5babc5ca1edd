"""How the default indexes find the documents that a filter may match (migration 0008).

An `Access` is a condition that every match fulfils and an index serves; the filter's own predicate is always checked
besides, so it may let too many through (other case, elements of arrays, equal hashes) and never too few.

Of a tree, equality with scalars and `in` are served, and what `declared` serves: every such part of an AND at once, an OR
when each of its branches is. The documents' own index and the lineage steps' are two tables: an access is of one of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Final, Literal

from documents.fields import Field
from documents.filters import All, Any, Condition, Node
from mixpeek_site.jsonio import dumps
from mixpeek_site.sql import Fragment

Table = Literal["documents", "lineage"]
Scalar = str | int | float | Decimal | bool

TERMS: Final = "documents_terms(d.collection_id, d.document_id, d.payload, d.internal_metadata, d.system)"
LINEAGE_TERMS: Final = (
    "documents_lineage_terms(l.collection_id, l.root_object_id, l.root_bucket_id, l.source_type, l.source_object_id,"
    " l.source_collection_id, l.source_document_id, l.path)"
)

_PARTS: Final = {"d.payload": "", "d.internal_metadata": "i", "d.system": "s", "d.document_id": "d"}
_UNFOLDED: Final = "x"
_MAX_VALUES: Final = 1000
_MAX_NUMBERS: Final = 3  # steps that may be elements: each doubles the paths


@dataclass(frozen=True, slots=True)
class Term:
    """A field and a scalar that it may hold; what statistics count."""

    column: str
    steps: tuple[str, ...]
    value: Scalar


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """`condition` is over the aliases d or l, and c.

    How many it finds is told by statistics of the terms of which one is in every match (`alternatives`), or by counting
    what a btree has for a part of the condition (`probe`).
    """

    table: Table
    condition: Fragment
    alternatives: tuple[Term, ...] = ()
    probe: Fragment | None = None
    range: "Range | None" = None
    root: str | None = None
    """The root object that every match has, in whatever case: its documents are in order in an index of their own."""


@dataclass(frozen=True, slots=True)
class Range:
    """What a declared field may hold to match: by one of the `bounds`, or an array, of which each element may match by itself.

    Two ranges of one field that are bounded alike are one, bound by bound: between them may be little, though either
    leaves much.
    """

    steps: tuple[str, ...]
    bounds: tuple[Fragment, ...]
    arrays: Fragment

    def access(self) -> Access:
        return Access("documents", _either([*self.bounds, self.arrays]), probe=self.bounds[0], range=self)

    def meets(self, other: "Range") -> bool:
        return self.steps == other.steps and len(self.bounds) == len(other.bounds)

    def within(self, other: "Range") -> "Range":
        pairs = zip(self.bounds, other.bounds, strict=True)
        both = tuple(Fragment(f"({one.text} AND {more.text})", (*one.params, *more.params)) for one, more in pairs)
        return Range(self.steps, both, self.arrays)


Declared = Callable[[Condition], Access | None]


def accesses(node: Node | None, declared: Declared) -> list[Access]:
    """Every access that the filter allows, none of which needs the others. `declared`: what other indexes serve."""
    if isinstance(node, Condition):
        found = _of_condition(node) or declared(node)
        return [found] if found else []
    if isinstance(node, All):
        return _ranges_joined([access for inner in node.nodes for access in accesses(inner, declared)])
    if isinstance(node, Any):
        branches = [accesses(inner, declared) for inner in node.nodes]
        return [joined for table in ("documents", "lineage") if (joined := _any_of(branches, table))]
    return []


def _ranges_joined(found: list[Access]) -> list[Access]:
    joined: list[Access] = []
    for access in found:
        for place, other in enumerate(joined):
            if access.range and other.range and access.range.meets(other.range):
                joined[place] = other.range.within(access.range).access()
                break
        else:
            joined.append(access)
    return joined


def _any_of(branches: list[list[Access]], table: str) -> Access | None:
    """All branches are told by their terms, or none is."""
    chosen = [next((access for access in branch if access.table == table), None) for branch in branches]
    served = [access for access in chosen if access is not None]
    if not served or len(served) < len(chosen) or len({bool(access.alternatives) for access in served}) > 1:
        return None
    probes = [access.probe for access in served if access.probe]
    return Access(
        served[0].table,
        _either([access.condition for access in served]),
        tuple(term for access in served for term in access.alternatives),
        probes[0] if len(probes) == 1 else None,
    )


def _either(fragments: list[Fragment]) -> Fragment:
    text = " OR ".join(fragment.text for fragment in fragments)
    return Fragment(f"({text})", tuple(param for fragment in fragments for param in fragment.params))


def _of_condition(condition: Condition) -> Access | None:
    if condition.operator == "eq":
        values: list[object] = [condition.value]
    elif condition.operator == "in" and isinstance(condition.value, list | tuple):
        values = [value for value in condition.value if value is not None]
    else:
        return None
    scalars = [value for value in values if isinstance(value, Scalar)]
    if not scalars or len(scalars) < len(values) or len(scalars) > _MAX_VALUES:
        return None
    field = condition.field
    terms = tuple(Term(field.column, field.steps, value.lower() if isinstance(value, str) else value) for value in scalars)
    if field.column in _PARTS and len(_numbers(field)) <= _MAX_NUMBERS:
        return Access("documents", _document_condition(field, scalars), terms)
    if field.kind == "text" and field.column.startswith("l."):
        root = scalars[0] if field.column == "l.root_object_id" and len(scalars) == 1 else None
        return Access("lineage", _lineage_condition(field, scalars), terms, root=root if isinstance(root, str) else None)
    return None


def _document_condition(field: Field, values: list[Scalar]) -> Fragment:
    """The stored part begins with the collection's number; the rest of the path is folded as the index folds it.

    A document that was too large to be folded is always looked at. The subquery makes the path once, not for each row.
    """
    test = " ? (" + " || ".join(f"@ == {dumps(value)}" for value in values) + ")"
    paths = [path + test for path in _paths(field)]
    start = f"'$ ? (exists (@.\"' || c.id || '{_PARTS[field.column]}\"'"
    end = f"') || @.\"' || c.id || '{_UNFOLDED}\" == true)'"
    texts = [f"(SELECT ({start} || lower(%s::text) || {end})::jsonpath)" for _ in paths]
    condition = " OR ".join(f"{TERMS} @? {text}" for text in texts)
    return Fragment(f"({condition})" if len(texts) > 1 else condition, tuple(paths))


def _paths(field: Field) -> list[str]:
    """The jsonpath after the collection's part. A step that is a number may be an element: arrays leave no trace in the index."""
    if field.kind == "text":
        return [""]
    choices = [
        (f".{dumps(step)}", "[*]") if field.has_index_steps and step.isdigit() else (f".{dumps(step)}",) for step in field.steps
    ]
    return ["".join((*steps, "[*]")) for steps in product(*choices)]


def _numbers(field: Field) -> list[int]:
    return [place for place, step in enumerate(field.steps) if step.isdigit()]


def _lineage_condition(field: Field, values: list[Scalar]) -> Fragment:
    name = field.column.removeprefix("l.")
    texts = [value for value in values if isinstance(value, str)]
    hashes = f"SELECT hashtextextended('{name}:' || lower(v), c.id) FROM unnest(%s::text[]) AS v"
    if len(texts) == 1:
        hashed = f"(SELECT ARRAY[hashtextextended('{name}:' || lower(%s::text), c.id)])"
        return Fragment(f"{LINEAGE_TERMS} @> {hashed}", (texts[0],))
    return Fragment(f"{LINEAGE_TERMS} && ARRAY({hashes})", (texts,))


def terms_of(accesses: Iterable[Access]) -> set[Term]:
    return {term for access in accesses for term in access.alternatives}
