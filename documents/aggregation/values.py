"""What an aggregation asks for, as small values: what `parse` makes and `compile` turns into SQL."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal, NamedTuple

from documents.fields import Field
from documents.filters import Node

Number = int | Decimal

FUNCTIONS: Final = ("count", "count_distinct", "sum", "avg", "min", "max", "first", "last", "push", "add_to_set")
DATE_TRUNCS: Final = ("year", "month", "week", "day", "hour", "minute", "second")
DATE_PARTS: Final = ("year", "month", "week", "day", "dayOfWeek", "dayOfYear", "hour", "minute", "second")
HAVING_OPERATORS: Final = {"eq": "=", "ne": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}

MAX_GROUPS: Final = 10_000
MAX_KEYS: Final = 10
MAX_BUCKETS: Final = 10
MAX_BOUNDARIES: Final = 1000
MAX_METRICS: Final = 50
MAX_HAVING: Final = 50
MAX_ALIAS_LENGTH: Final = 255


class Buckets(NamedTuple):
    """Ranges of numbers, each from its lower boundary (inclusive) to its upper one (exclusive)."""

    boundaries: tuple[Number, ...]  # ascending, without repetition
    other: str  # the name of what is outside

    @property
    def labels(self) -> list[str]:
        """The ranges' names in their order, and the name of what is outside."""
        return [f"{lower}-{upper}" for lower, upper in pairwise(self.boundaries)] + [self.other]


@dataclass(frozen=True, slots=True)
class Key:
    """What documents are grouped by: a field's value, its time cut off or taken apart, or the range that it is in."""

    alias: str
    field: Field
    date_trunc: str | None = None
    date_part: str | None = None
    buckets: Buckets | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """What is worked out of each group. `field` None: `count` of the group's rows."""

    alias: str
    function: str
    field: Field | None = None


@dataclass(frozen=True, slots=True)
class Having:
    """A condition on a group: on the metric or the key of this number."""

    on: Literal["metrics", "keys"]
    index: int
    operator: str
    value: Number | str


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of the groups: by a metric, by a key, or (size) by how many rows a group has. Ties: by the keys, ascending."""

    by: Literal["metrics", "keys", "size"] = "size"
    index: int = 0
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Aggregation:
    """Without keys everything is one group, which is there also when no document is."""

    keys: tuple[Key, ...]
    metrics: tuple[Metric, ...]
    filters: Node | None = None
    having: tuple[Having, ...] = ()
    unwind: Field | None = None
    sort: Sort = Sort()
    limit: int = MAX_GROUPS
    without_null: bool = False  # groups with a key that is null are left out
