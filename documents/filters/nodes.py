"""A filter as a tree of small values: what `parse` makes and `compile` turns into SQL."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from documents.fields import Field
from mixpeek_site.jsonio import Location


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one field. `value` is parsed JSON that the operator accepts (documents/filters/operators.py).

    `location` is where the request said it; it takes no part in comparisons.
    """

    field: Field
    operator: str
    value: object
    case_sensitive: bool = False
    location: Location = dataclasses.field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class All:
    """Every node holds; without nodes: always."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one node holds; without nodes: never."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    """None of the nodes holds; without nodes: always."""

    nodes: tuple["Node", ...]


Node = Condition | All | Any | Nothing


def conditions(node: Node | None) -> Iterator[Condition]:
    """Every condition of a tree, in the request's order."""
    if isinstance(node, Condition):
        yield node
    elif node is not None:
        for inner in node.nodes:
            yield from conditions(inner)


def reads_lineage(node: Node | None) -> bool:
    """Whether the statement must `LEFT JOIN documents_lineagestep l ON l.namespace_id = d.namespace_id AND l.id = d.id`."""
    return any(condition.field.reads_lineage for condition in conditions(node))


def has_regex(node: Node | None) -> bool:
    """Whether statements with this filter run under `bounded_regex()`."""
    return any(condition.operator == "regex" for condition in conditions(node))
