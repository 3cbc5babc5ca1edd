"""The orders of a list: what is compared, how a page goes on after another, and which index has the rows in that order.

Every order ends in the internal id, so that no two documents are equal in it. Missing values and null come last in both
directions, among themselves in creation order or, where the sort descends, against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from documents import fields
from documents.listing.questions import Question, Sort
from documents.payload_indexes import Index, Ready
from mixpeek_site.errors import BadRequestError
from mixpeek_site.jsonio import loads
from mixpeek_site.sql import Fragment

Position = list[str | None]
"""Where a page ends: the texts of the last document's keys, and its internal id."""


NOTHING: Final = Fragment("")
_RELEVANCE: Final = "relevance"
_CREATED_AT: Final = "d.created_at"

CUT_LENGTH: Final = 200
"""Characters of a string that a declared index holds (migration 0010)."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """`keys`: SQL over d, l, c and `join`'s aliases. `types`: PostgreSQL's names for the keys'. All in one direction.

    `indexed`: an index has the rows in this order, of `declared` fields one of their own. `nullable`: the first key may be
    NULL, and the second is then what such rows are ordered by.
    """

    name: str
    keys: tuple[Fragment, ...]
    types: tuple[str, ...]
    descending: bool
    join: Fragment = NOTHING
    indexed: bool = False
    nullable: bool = False
    reads_lineage: bool = False
    declared: Ready | None = None
    row_id: str = "d.id"

    @property
    def by_relevance(self) -> bool:
        return self.name == _RELEVANCE

    @property
    def by_creation(self) -> bool:
        return self.keys[0].text == _CREATED_AT

    def in_steps(self) -> "Ordering":
        """The order of creation, as the lineage steps have it."""
        return replace(self, keys=(Fragment("l.created_at"),), row_id="l.id")

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys' names where they were selected, without the id."""
        return tuple(f"k{number}" for number in range(1, len(self.keys) + 1))

    def by(self, prefix: str = "") -> str:
        """ORDER BY the selected keys."""
        direction = "DESC" if self.descending else "ASC"
        names = (*(f"{prefix}{column}" for column in self.columns), f"{prefix}id")
        nulls = " NULLS LAST" if self.nullable else ""
        return ", ".join(f"{name} {direction}{nulls}" for name in names)

    def by_expressions(self) -> Fragment:
        """ORDER BY over the tables, in the very words of the index that serves it."""
        direction = "DESC" if self.descending else "ASC"
        nulls = " NULLS LAST" if self.nullable else ""
        return Fragment(
            ", ".join([*(f"{key.text} {direction}{nulls}" for key in self.keys), f"{self.row_id} {direction}{nulls}"]),
            tuple(param for key in self.keys for param in key.params),
        )

    def after(self, position: Position, *, selected: bool) -> Fragment:
        """The rows that come after a position. `selected`: over the selected keys' names, else over the tables.

        Raises BadRequestError for a position that is none of this order.
        """
        if len(position) != len(self.keys) + 1 or position[-1] is None:
            raise BadRequestError("The cursor is not one of this list's order.", parameter="cursor")
        keys = [Fragment(column) for column in self.columns] if selected else list(self.keys)
        row_id = "id" if selected else self.row_id
        sign = "<" if self.descending else ">"
        if not self.nullable:
            return _compared(keys, self.types, row_id, position, sign)
        first, second = keys
        if position[0] is None:
            text, params = _compared([second], self.types[1:], row_id, position[1:], sign)
            return Fragment(f"({first.text} IS NULL AND {text})", (*first.params, *params))
        text, params = _compared([first], self.types[:1], row_id, [position[0], position[-1]], sign)
        return Fragment(f"({text} OR {first.text} IS NULL)", (*params, *first.params))


def _compared(keys: list[Fragment], types: tuple[str, ...], row_id: str, position: list[str | None], sign: str) -> Fragment:
    """In subqueries, so that PostgreSQL doesn't see how little is left near the end, and plan each such page anew."""
    left = ", ".join([*(key.text for key in keys), row_id])
    right = ", ".join(f"(SELECT %s::{name})" for name in (*types, "uuid"))
    return Fragment(f"({left}) {sign} ({right})", (*(param for key in keys for param in key.params), *position))


_CREATED: Final = Ordering("created_at", (Fragment(_CREATED_AT),), ("timestamptz",), descending=False, indexed=True)


def ordering(question: Question, ready: Mapping[Index, Ready]) -> Ordering:
    """The order of a question's answer; `ready`: the declared indexes that there are."""
    if question.sort is not None:
        return _sorted(question.sort, ready)
    if question.search is not None:
        rank = Fragment("ts_rank(documents_words(d.collection_id, d.payload), q.words)")
        return Ordering(_RELEVANCE, (rank,), ("real",), descending=True)
    return _CREATED


def is_cut(position: Position) -> bool:
    """Whether values that differ may have this position's key in a declared index, as documents_order_cut says it."""
    text = position[0]
    if text is None or text[0] not in '"[{':
        return False
    if text[0] == '"':
        return len(text) > CUT_LENGTH and len(loads(text)) >= CUT_LENGTH
    return text != "[]"


def _sorted(sort: Sort, ready: Mapping[Index, Ready]) -> Ordering:
    field = sort.field
    name = f"{field.name} {'desc' if sort.descending else 'asc'}"
    if field.kind == "time":
        return Ordering(name, (Fragment(field.column),), ("timestamptz",), sort.descending, indexed=True)
    declared = ready.get((field.steps, "order")) if field.column == "d.payload" else None
    text, params = fields.value(field)
    return Ordering(
        name,
        (Fragment("s.value"), Fragment("CASE WHEN s.value IS NULL THEN d.created_at END")),
        ("jsonb", "timestamptz"),
        sort.descending,
        join=Fragment(f" CROSS JOIN LATERAL (SELECT {text} AS value OFFSET 0) s", params),
        nullable=True,
        reads_lineage=field.reads_lineage,
        indexed=declared is not None,
        declared=declared,
    )
