"""What a list asks for, as small values: which documents, in which order, how many (contract section 7)."""

from dataclasses import dataclass
from typing import Final

from documents.fields import Field
from documents.filters import Node

MAX_PARTITIONS: Final = 256


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look. One collection by id or name; or several; or (both None) the whole namespace."""

    collection: str | None = None
    collections: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """One of `count` parts that documents are split into by their internal id."""

    index: int
    count: int


@dataclass(frozen=True, slots=True)
class Sort:
    field: Field
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Which documents, in which order. Without `sort`: by relevance if there is a `search`, else in creation order."""

    places: Places
    filters: Node | None = None
    search: str | None = None
    sort: Sort | None = None
    partition: Partition | None = None
